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

MM_STATUS mm_cutter_init(const mm_graph *graph, const mm_reach *reach, mm_arena *arena,
                         mm_cutter *ret, mm_error *err) {
    size_t nodes = (size_t)graph->root_node + 1;
    mm_cutter cutter = {.graph = graph, .reached = reach->reached};
    cutter.mark = MM_ARENA_NEW(arena, uint8_t, nodes);
    cutter.stack = MM_ARENA_NEW(arena, uint32_t, nodes);
    cutter.left = MM_ARENA_NEW(arena, uint32_t, nodes);
    if (cutter.mark == NULL || cutter.stack == NULL || cutter.left == NULL) {
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
    bool waiting;  // only what nobody reaches
} cut_work;

static void cut_push(cut_work *work, uint32_t node) {
    uint8_t *mark = work->cutter->mark;
    if (node != MM_NONE && (mark[node] & (MM_CUT_REACHED | MM_CUT_OUT)) == 0) {
        mark[node] |= MM_CUT_REACHED;
        MM_ASSERT(work->stack_count < work->cutter->graph->root_node);
        work->cutter->stack[work->stack_count++] = node;
    }
}

static bool cut_has(const cut_work *work, uint32_t edge) {
    const mm_cut *cut = work->cut;
    if (cut->edge_count == 0 || edge < cut->edges[0] || edge > cut->edges[cut->edge_count - 1]) {
        return false;
    }
    if (cut->edges[cut->edge_count - 1] - cut->edges[0] == cut->edge_count - 1) {
        return true;  // all references of a container stand in a row
    }
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
    bool cuts = (cutter->mark[node] & MM_CUT_SOURCE) != 0;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        // Most targets are marked already: that is cheaper to ask than who owns.
        uint32_t target = file->reference_target[edge];
        if ((cutter->mark[target] & MM_CUT_REACHED) == 0 && mm_graph_edge_owns(graph, edge) &&
            !(cuts && cut_has(work, edge))) {
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
        if (mm_file_root_owns(file, root)) {
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

// A reference to the node went. Of an immortal one, or one whose count the file cannot hold, as
// many may go as will.
static void cut_lose(cut_work *work, uint32_t node) {
    const mm_cutter *cutter = work->cutter;
    uint32_t *left = &cutter->left[node];
    if (*left == 0 || *left >= MM_NONE - 1) {
        return;
    }
    if (--*left == 0) {
        cutter->mark[node] |= MM_CUT_DROPPED;
        MM_ASSERT(work->stack_count < cutter->graph->root_node);
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
        bool cuts = (work->cutter->mark[node] & MM_CUT_SOURCE) != 0;
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(graph, edge) && !(cuts && cut_has(work, edge))) {
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

// Will the node still be there, to hold what it holds?
static bool cut_stays(const cut_work *work, uint32_t node) {
    const mm_cutter *cutter = work->cutter;
    if (work->waiting) {
        return cutter->reached[node] == MM_REACHED_NOT &&
               (cutter->mark[node] & MM_CUT_DROPPED) == 0;
    }
    return (cutter->mark[node] & MM_CUT_REACHED) != 0;
}

// Who else refers to one object that was asked about, and stays. To find the source of a reference
// costs more than to see that it was cut.
static void cut_holders(const cut_work *work, uint32_t node, mm_cut_effect *effect) {
    const mm_graph *graph = work->cutter->graph;
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        uint32_t edge = graph->reverse_edge[i];
        if (cut_has(work, edge) || !mm_graph_edge_owns(graph, edge)) {
            continue;
        }
        uint32_t source = mm_graph_reverse_source(graph, i);
        effect->other_holders += source != node && cut_stays(work, source) &&
                                 (graph->node_flags[source] & MM_NODE_OWN) == 0;
    }
    effect->c_holders += mm_graph_unaccounted(graph, node);
}

// Holders that stand in no list of references.
static void cut_holders_unlisted(const cut_work *work, mm_cut_effect *effect) {
    const mm_cutter *cutter = work->cutter;
    const mm_file *file = cutter->graph->file;
    for (uint32_t root = 0; root < file->root_count; root++) {
        effect->other_holders += mm_file_root_owns(file, root) &&
                                 (cutter->mark[file->roots[root].object] & MM_CUT_HELD) != 0;
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        const mm_file_ephemeron *entry = &file->ephemerons[i];
        effect->other_holders += cut_stays(work, entry->table) && cut_stays(work, entry->key) &&
                                 (cutter->mark[entry->value] & MM_CUT_HELD) != 0;
    }
    bool any = false;  // is a class among them?
    for (uint32_t type = 0; type < file->type_count && !any; type++) {
        uint32_t object = file->types[type].object;
        any = object != MM_NONE && (cutter->mark[object] & MM_CUT_HELD) != 0;
    }
    for (uint32_t node = 0; any && node < file->object_count; node++) {
        uint32_t class_node = mm_graph_type_object(cutter->graph, node);
        effect->other_holders += class_node != MM_NONE && class_node != node &&
                                 cut_stays(work, node) &&
                                 (cutter->mark[class_node] & MM_CUT_HELD) != 0;
    }
}

// Forget the last cut.
static void cut_begin(cut_work *work) {
    const mm_cutter *cutter = work->cutter;
    const mm_file *file = cutter->graph->file;
    memset(cutter->mark, 0, file->object_count);
    memcpy(cutter->left, file->refcount, file->object_count * sizeof(*cutter->left));
    uint32_t source = MM_NONE;
    for (uint32_t i = 0; i < work->cut->edge_count; i++) {
        uint32_t edge = work->cut->edges[i];
        if (source == MM_NONE || edge >= file->reference_start[source + 1]) {
            source = mm_graph_edge_source(cutter->graph, edge);
            cutter->mark[source] |= MM_CUT_SOURCE;
        }
        MM_ASSERT(i == 0 || work->cut->edges[i - 1] < edge);
    }
}

static void cut_ask(cut_work *work, const uint32_t *held, size_t held_count,
                    mm_cut_effect *effect) {
    const mm_file *file = work->cutter->graph->file;
    size_t count = held != NULL ? held_count : work->cut->edge_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t node = held != NULL ? held[i] : file->reference_target[work->cut->edges[i]];
        if ((work->cutter->mark[node] & MM_CUT_HELD) == 0) {
            work->cutter->mark[node] |= MM_CUT_HELD;
            cut_holders(work, node, effect);
        }
    }
    cut_holders_unlisted(work, effect);
}

void mm_cutter_measure(mm_cutter *cutter, const mm_cut *cut, const uint32_t *held,
                       size_t held_count, mm_cut_effect *ret) {
    mm_cut_effect effect = {0};
    cut_work work = {.cutter = cutter, .cut = cut};
    cut_begin(&work);
    cut_reach(&work);
    cut_cascade(&work);
    cut_ask(&work, held, held_count, &effect);
    cut_sum(cutter, &effect);
    *ret = effect;
}

void mm_cutter_measure_waiting(mm_cutter *cutter, const mm_cut *cut, const uint32_t *held,
                               size_t held_count, mm_cut_effect *ret) {
    const mm_file *file = cutter->graph->file;
    mm_cut_effect effect = {0};
    cut_work work = {.cutter = cutter, .cut = cut, .waiting = true};
    cut_begin(&work);
    cut_cascade(&work);
    cut_ask(&work, held, held_count, &effect);
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint8_t *mark = &cutter->mark[node];
        MM_ASSERT((*mark & MM_CUT_SOURCE) == 0 || cutter->reached[node] == MM_REACHED_NOT);
        if ((*mark & MM_CUT_DROPPED) != 0) {
            *mark |= MM_CUT_FREED;
            effect.drop_count++;
            effect.drop_bytes += mm_retained_own(file, node);
            effect.drop_held += (*mark & MM_CUT_HELD) != 0;
        }
    }
    effect.freed_bytes = effect.drop_bytes;
    effect.freed_count = effect.drop_count;
    *ret = effect;
}

void mm_cutter_take_out(mm_cutter *cutter, const uint32_t *nodes, size_t count,
                        mm_cut_effect *ret) {
    static const mm_cut nothing = {.source = MM_NONE};
    mm_cut_effect effect = {0};
    cut_work work = {.cutter = cutter, .cut = &nothing};
    cut_begin(&work);
    for (size_t i = 0; i < count; i++) {
        MM_ASSERT(nodes[i] < cutter->graph->root_node);
        cutter->mark[nodes[i]] |= MM_CUT_OUT;
    }
    cut_reach(&work);
    cut_sum(cutter, &effect);
    effect.waiting_count = 0;  // nobody said that anything would drop
    *ret = effect;
}
