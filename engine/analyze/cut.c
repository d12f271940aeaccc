// Freed bytes of many references together are not the sum of what each would free: two entries of a
// list may hold one object, and then neither frees it alone. So a cut is measured by doing it:
// everything is reached once more, without the references. COST is that of one reach.
//
// The cascade answers another question: what happens in the moment of the cut. Counts fall, objects
// whose count falls to zero go and take their references along. What is freed but does not fall
// waits for the cyclic collector.
#include "analyze/cut.h"

#include <string.h>

#include "analyze/retained.h"
#include "base/free/search.h"

static bool cut_same_name(const mm_file *file, uint32_t a, uint32_t b) {
    unsigned naming = mm_file_naming(file, a);
    if (naming != mm_file_naming(file, b)) {
        return false;
    }
    if (naming == MM_NAME_INDEX || naming == MM_NAME_MEMBER) {
        return true;
    }
    return file->reference_argument[a] == file->reference_argument[b];
}

// Key or value of a dict: which entry is it? The key's object says so in a namespace.
static bool cut_is_entry(const mm_file *file, uint32_t edge) {
    unsigned naming = mm_file_naming(file, edge);
    return naming == MM_NAME_KEY || naming == MM_NAME_VALUE;
}

static uint32_t cut_key(const mm_file *file, uint32_t edge) {
    bool key = mm_file_naming(file, edge) == MM_NAME_KEY;
    return key ? file->reference_target[edge] : file->reference_argument[edge];
}

MM_STATUS mm_cut_select(const mm_graph *graph, uint32_t source, uint32_t edge, mm_arena *arena,
                        mm_cut *ret, mm_error *err) {
    const mm_file *file = graph->file;
    uint32_t start = file->reference_start[source];
    uint32_t end = file->reference_start[source + 1];
    MM_ASSERT(edge >= start);
    MM_ASSERT(edge < end);
    mm_cut cut = {.source = source};
    cut.edges = MM_ARENA_NEW(arena, uint32_t, (size_t)(end - start) + 1);
    if (cut.edges == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to collect references", 0);
    }
    bool entry = cut_is_entry(file, edge);
    bool named = (graph->node_flags[source] & MM_NODE_NAMESPACE) != 0;
    for (uint32_t at = start; at < end; at++) {
        bool same =
            entry ? cut_is_entry(file, at) && (!named || cut_key(file, at) == cut_key(file, edge))
                  : cut_same_name(file, at, edge);
        if (!same || !mm_graph_edge_owns(graph, at)) {
            continue;
        }
        bool value = mm_file_naming(file, at) == MM_NAME_VALUE;
        cut.edges[cut.edge_count++] = at;
        cut.entry_count += !entry || value;
    }
    *ret = cut;
    return MM_OK;
}

MM_STATUS mm_cutter_init(const mm_graph *graph, const mm_reach *reach, mm_arena *arena,
                         mm_cutter *ret, mm_error *err) {
    size_t nodes = (size_t)graph->root_node + 1;
    mm_cutter cutter = {.graph = graph, .reached = reach->reached};
    cutter.mark = MM_ARENA_NEW(arena, uint8_t, nodes);
    cutter.stack = MM_ARENA_NEW(arena, uint32_t, nodes);
    cutter.lost = MM_ARENA_NEW(arena, uint32_t, nodes);
    if (cutter.mark == NULL || cutter.stack == NULL || cutter.lost == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for cuts", 0);
    }
    MM_TRY(mm_ephemerons_index(graph, arena, &cutter.ephemerons, err));
    *ret = cutter;
    return MM_OK;
}

// One run of the reach.
typedef struct cut_work {
    mm_cutter *cutter;
    const mm_cut *cut;
    uint32_t stack_count;
} cut_work;

static void cut_push(cut_work *work, uint32_t node) {
    uint8_t *mark = work->cutter->mark;
    if (node != MM_NONE && (mark[node] & MM_CUT_REACHED) == 0) {
        mark[node] |= MM_CUT_REACHED;
        MM_ASSERT(work->stack_count < work->cutter->graph->root_node);
        work->cutter->stack[work->stack_count++] = node;
    }
}

static bool cut_has(const cut_work *work, uint32_t edge) {
    const mm_cut *cut = work->cut;
    size_t at = mm_lower_bound_u32(cut->edges, sizeof(*cut->edges), cut->edge_count, edge);
    return at < cut->edge_count && cut->edges[at] == edge;
}

static bool ephemeron_holds(const mm_cutter *cutter, const mm_file_ephemeron *entry) {
    return (cutter->mark[entry->table] & cutter->mark[entry->key] & MM_CUT_REACHED) != 0;
}

static void cut_expand(cut_work *work, uint32_t node) {
    const mm_cutter *cutter = work->cutter;
    const mm_graph *graph = cutter->graph;
    const mm_file *file = graph->file;
    const mm_ephemerons *index = &cutter->ephemerons;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        // Most targets are marked already: that is cheaper to ask than who owns.
        uint32_t target = file->reference_target[edge];
        if ((cutter->mark[target] & MM_CUT_REACHED) == 0 && mm_graph_edge_owns(graph, edge) &&
            !(node == work->cut->source && cut_has(work, edge))) {
            cut_push(work, target);
        }
    }
    cut_push(work, mm_graph_type_object(graph, node));
    if (index->watch_count == 0) {
        return;
    }
    for (uint32_t i = mm_ephemerons_first(index, node);
         i < index->watch_count && index->watch[i] >> 32 == node; i++) {
        const mm_file_ephemeron *entry = &file->ephemerons[(uint32_t)index->watch[i]];
        if (ephemeron_holds(cutter, entry)) {
            cut_push(work, entry->value);
        }
    }
}

static void cut_reach(cut_work *work) {
    const mm_cutter *cutter = work->cutter;
    const mm_file *file = cutter->graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        if ((file->roots[root].flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0) {
            cut_push(work, file->roots[root].object);
        }
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        bool immortal = file->refcount[node] == MM_NONE && cutter->reached[node] != MM_REACHED_NOT;
        if (immortal || mm_graph_unaccounted(cutter->graph, node) > 0) {
            cut_push(work, node);
        }
    }
    while (work->stack_count > 0) {
        cut_expand(work, cutter->stack[--work->stack_count]);
    }
}

// A reference to the node went.
static void cut_lose(cut_work *work, uint32_t node) {
    const mm_cutter *cutter = work->cutter;
    const mm_file *file = cutter->graph->file;
    uint8_t *mark = &cutter->mark[node];
    bool mortal = file->refcount[node] < MM_NONE - 1;
    if (!mortal || (*mark & MM_CUT_DROPPED) != 0 || cutter->lost[node] == file->refcount[node]) {
        return;
    }
    if (++cutter->lost[node] == file->refcount[node]) {
        *mark |= MM_CUT_DROPPED;
        MM_ASSERT(work->stack_count < file->object_count);
        cutter->stack[work->stack_count++] = node;
    }
}

static void cut_cascade(cut_work *work) {
    const mm_graph *graph = work->cutter->graph;
    const mm_file *file = graph->file;
    MM_ASSERT(work->stack_count == 0);
    for (uint32_t i = 0; i < work->cut->edge_count; i++) {
        cut_lose(work, file->reference_target[work->cut->edges[i]]);
    }
    while (work->stack_count > 0) {
        uint32_t node = work->cutter->stack[--work->stack_count];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            bool gone = node == work->cut->source && cut_has(work, edge);
            if (!gone && mm_graph_edge_owns(graph, edge)) {
                cut_lose(work, file->reference_target[edge]);
            }
        }
        uint32_t class_node = mm_graph_type_object(graph, node);
        if (class_node != MM_NONE) {
            cut_lose(work, class_node);
        }
    }
}

static void cut_sum(const mm_cutter *cutter, mm_cut_effect *effect) {
    const mm_file *file = cutter->graph->file;
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint8_t *mark = &cutter->mark[node];
        if ((*mark & MM_CUT_REACHED) == 0 && cutter->reached[node] != MM_REACHED_NOT) {
            *mark |= MM_CUT_FREED;
            effect->freed_count++;
            effect->freed_bytes += mm_retained_own(file, node);
            effect->waiting_count += (*mark & MM_CUT_DROPPED) == 0;
        }
        if ((*mark & MM_CUT_DROPPED) != 0) {
            effect->drop_count++;
            effect->drop_bytes += mm_retained_own(file, node);
            effect->drop_held += (*mark & MM_CUT_HELD) != 0;
        }
    }
}

// Who else refers to one object that was asked about, and stays.
static void cut_holders(const cut_work *work, uint32_t node, mm_cut_effect *effect) {
    const mm_cutter *cutter = work->cutter;
    const mm_graph *graph = cutter->graph;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t source = graph->reverse_source[i];
        uint32_t edge = graph->reverse_edge[i];
        bool stays = (cutter->mark[source] & MM_CUT_REACHED) != 0 &&
                     (graph->node_flags[source] & MM_NODE_OWN) == 0;
        effect->other_holders += stays && source != node && mm_graph_edge_owns(graph, edge) &&
                                 !(source == work->cut->source && cut_has(work, edge));
    }
    effect->c_holders += mm_graph_unaccounted(graph, node);
}

// Holders that stand in no list of references.
static void cut_holders_unlisted(const cut_work *work, mm_cut_effect *effect) {
    const mm_cutter *cutter = work->cutter;
    const mm_file *file = cutter->graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        bool owns = (file->roots[root].flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
        effect->other_holders +=
            owns && (cutter->mark[file->roots[root].object] & MM_CUT_HELD) != 0;
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        const mm_file_ephemeron *entry = &file->ephemerons[i];
        effect->other_holders +=
            ephemeron_holds(cutter, entry) && (cutter->mark[entry->value] & MM_CUT_HELD) != 0;
    }
    bool any = false;  // is a class among them?
    for (uint32_t type = 0; type < file->type_count && !any; type++) {
        uint32_t object = file->types[type].object;
        any = object != MM_NONE && (cutter->mark[object] & MM_CUT_HELD) != 0;
    }
    for (uint32_t node = 0; any && node < file->object_count; node++) {
        uint32_t class_node = mm_graph_type_object(cutter->graph, node);
        effect->other_holders += class_node != MM_NONE && class_node != node &&
                                 (cutter->mark[node] & MM_CUT_REACHED) != 0 &&
                                 (cutter->mark[class_node] & MM_CUT_HELD) != 0;
    }
}

void mm_cutter_measure(mm_cutter *cutter, const mm_cut *cut, const uint32_t *held,
                       size_t held_count, mm_cut_effect *ret) {
    const mm_file *file = cutter->graph->file;
    mm_cut_effect effect = {0};
    cut_work work = {cutter, cut, 0};
    memset(cutter->mark, 0, file->object_count);
    memset(cutter->lost, 0, file->object_count * sizeof(uint32_t));
    MM_ASSERT(cut->source < file->object_count);
    cut_reach(&work);
    cut_cascade(&work);
    size_t count = held != NULL ? held_count : cut->edge_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t node = held != NULL ? held[i] : file->reference_target[cut->edges[i]];
        if ((cutter->mark[node] & MM_CUT_HELD) == 0) {
            cutter->mark[node] |= MM_CUT_HELD;
            cut_holders(&work, node, &effect);
        }
    }
    cut_holders_unlisted(&work, &effect);
    cut_sum(cutter, &effect);
    *ret = effect;
}
