// One pass over the file's references writes the rows of the objects, each in its place; the rows
// of the nodes that are no objects follow in the order of their numbers. Garbage comes last, since
// it takes the cycles among what nobody reaches to know where garbage begins.
//
//     garbage ──▶ ring ──▶ a ⇄ b ──▶ what hangs on them
//        └──────▶ x ──▶ ...                x: nothing refers to it
#include "analyze/flow.h"

#include "analyze/scc.h"
#include "base/free/search.h"

typedef struct flow_work {
    mm_flow flow;
    const mm_file *file;
    mm_ephemerons ephemerons;
    uint32_t edge_room;
    uint32_t entries_made;
    uint32_t garbage_slot;  // edge of the root that leads to the garbage
} flow_work;

static void flow_push(flow_work *work, uint32_t target) {
    MM_ASSERT(work->flow.edge_count < work->edge_room);
    work->flow.target[work->flow.edge_count++] = target;
}

// Can anything hang on the object? Errs on the side of yes.
static bool flow_leads_on(const flow_work *work, uint32_t node) {
    const mm_ephemerons *index = &work->ephemerons;
    if (work->file->reference_start[node] < work->file->reference_start[node + 1] ||
        mm_graph_type_object(work->flow.graph, node) != MM_NONE) {
        return true;
    }
    if (index->watch_count == 0) {
        return false;
    }
    uint32_t at = mm_ephemerons_first(index, node);
    return at < index->watch_count && index->watch[at] >> 32 == node;
}

// Must the entry have a node of its own? Where key or value is a leaf, nothing hangs on both.
static bool entry_has_node(const flow_work *work, uint32_t edge, uint32_t end) {
    const mm_file *file = work->file;
    if (!mm_flow_is_entry(file, edge, end)) {
        return false;
    }
    uint32_t key = file->reference_target[edge];
    uint32_t value = file->reference_target[edge + 1];
    return key != value && flow_leads_on(work, key) && flow_leads_on(work, value) &&
           mm_graph_edge_owns(work->flow.graph, edge) &&
           mm_graph_edge_owns(work->flow.graph, edge + 1);
}

static uint32_t flow_entries_count(const flow_work *work) {
    const mm_file *file = work->file;
    uint32_t count = 0;
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t end = file->reference_start[node + 1];
        for (uint32_t edge = file->reference_start[node]; edge + 1 < end; edge++) {
            if (mm_file_naming(file, edge) == MM_NAME_KEY) {
                count += entry_has_node(work, edge, end);
            }
        }
    }
    return count;
}

// A KEY reference. Answers how many references of the record it stood for.
static uint32_t flow_key(flow_work *work, uint32_t node, uint32_t edge, uint32_t end) {
    const mm_file *file = work->file;
    const mm_graph *graph = work->flow.graph;
    uint32_t key = file->reference_target[edge];
    bool ordered = mm_graph_kind(graph, node) == MM_KIND_ORDERED_DICT;
    bool owned = mm_graph_edge_owns(graph, edge);
    if (!mm_flow_is_entry(file, edge, end)) {
        // The list that keeps an OrderedDict's order mentions each key again.
        if (owned && !(ordered && work->flow.scratch[key] == node + 1)) {
            flow_push(work, key);
        }
        return 1;
    }
    if (ordered && owned) {
        work->flow.scratch[key] = node + 1;
    }
    if (entry_has_node(work, edge, end)) {
        MM_ASSERT(work->entries_made < work->flow.entry_count);
        work->flow.entry_edge[work->entries_made] = edge;
        flow_push(work, work->flow.entry_first + work->entries_made++);
        return 2;
    }
    uint32_t value = file->reference_target[edge + 1];
    if (owned) {
        flow_push(work, key);
    }
    if (mm_graph_edge_owns(graph, edge + 1) && !(owned && key == value)) {
        flow_push(work, value);
    }
    return 2;
}

// Values of the ephemeron entries that `node` is table or key of.
static void flow_ephemerons(flow_work *work, uint32_t node) {
    const mm_ephemerons *index = &work->ephemerons;
    const uint8_t *reached = work->flow.reached;
    for (uint32_t i = mm_ephemerons_first(index, node);
         i < index->watch_count && index->watch[i] >> 32 == node; i++) {
        const mm_file_ephemeron *entry = &work->file->ephemerons[(uint32_t)index->watch[i]];
        bool twice = entry->table == entry->key && i > 0 && index->watch[i] == index->watch[i - 1];
        bool both =
            reached[entry->table] != MM_REACHED_NOT && reached[entry->key] != MM_REACHED_NOT;
        bool garbage = reached[entry->value] == MM_REACHED_NOT && reached[node] == MM_REACHED_NOT;
        if (!twice && (both || garbage)) {
            flow_push(work, entry->value);
        }
    }
}

static void flow_objects(flow_work *work) {
    const mm_file *file = work->file;
    const mm_graph *graph = work->flow.graph;
    for (uint32_t node = 0; node < file->object_count; node++) {
        work->flow.start[node] = work->flow.edge_count;
        uint32_t end = file->reference_start[node + 1];
        uint32_t edge = file->reference_start[node];
        while (edge < end) {
            if (mm_file_naming(file, edge) == MM_NAME_KEY) {
                edge += flow_key(work, node, edge, end);
                continue;
            }
            if (mm_graph_edge_owns(graph, edge)) {
                flow_push(work, file->reference_target[edge]);
            }
            edge++;
        }
        uint32_t class_node = mm_graph_type_object(graph, node);
        if (class_node != MM_NONE) {
            flow_push(work, class_node);
        }
        if (work->ephemerons.watch_count > 0) {
            flow_ephemerons(work, node);
        }
    }
    MM_ASSERT(work->entries_made == work->flow.entry_count);
}

static bool never_dies(const flow_work *work, uint32_t node) {
    return work->file->refcount[node] == MM_NONE && work->flow.reached[node] != MM_REACHED_NOT;
}

// Rows of the root, of C code and of the entries.
static void flow_outside(flow_work *work) {
    const mm_file *file = work->file;
    mm_flow *flow = &work->flow;
    flow->start[flow->graph->root_node] = flow->edge_count;
    for (uint32_t root = 0; root < file->root_count; root++) {
        if (mm_file_root_owns(file, root)) {
            flow_push(work, file->roots[root].object);
        }
    }
    flow_push(work, flow->by_c_node);
    work->garbage_slot = flow->edge_count;
    flow_push(work, MM_NONE);
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (never_dies(work, node)) {
            flow_push(work, node);
        }
    }
    flow->start[flow->by_c_node] = flow->edge_count;
    for (uint32_t node = 0; node < file->object_count; node++) {
        if (mm_graph_unaccounted(flow->graph, node) > 0) {
            flow_push(work, node);
        }
    }
    for (uint32_t entry = 0; entry < flow->entry_count; entry++) {
        flow->start[flow->entry_first + entry] = flow->edge_count;
        flow_push(work, file->reference_target[flow->entry_edge[entry]]);
        flow_push(work, file->reference_target[flow->entry_edge[entry] + 1]);
    }
    flow->start[flow->ring_first] = flow->edge_count;
}

// A garbage object refers to `target`: is that outside of its own cycle?
static void held_mark(const mm_scc *rings, uint32_t source, uint32_t target, uint8_t *held) {
    bool inside = rings->of[target] != MM_NONE && rings->of[target] == rings->of[source];
    held[target] |= !inside && target != source;
}

static void held_mark_row(const mm_flow *flow, const mm_scc *rings, uint32_t source,
                          uint8_t *held) {
    for (uint32_t edge = flow->start[source]; edge < flow->start[source + 1]; edge++) {
        uint32_t target = flow->target[edge];
        if (mm_flow_is_object(flow, target)) {
            held_mark(rings, source, target, held);
            continue;
        }
        MM_ASSERT(target >= flow->entry_first);
        held_mark(rings, source, flow->target[flow->start[target]], held);
        held_mark(rings, source, flow->target[flow->start[target] + 1], held);
    }
}

static bool ring_is_held(const mm_scc *rings, uint32_t ring, const uint8_t *held) {
    for (uint32_t i = rings->start[ring]; i < rings->start[ring + 1]; i++) {
        if (held[rings->member[i]] != 0) {
            return true;
        }
    }
    return false;
}

static MM_STATUS flow_garbage(flow_work *work, mm_arena *arena, mm_error *err) {
    mm_flow *flow = &work->flow;
    uint32_t nodes = work->file->object_count;
    mm_scc rings = {0};
    MM_TRY(mm_scc_find(flow, flow->reached, arena, &rings, err));
    uint8_t *held = MM_ARENA_NEW(arena, uint8_t, (size_t)nodes + 1);
    if (held == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for what nobody reaches", 0);
    }
    for (uint32_t node = 0; node < nodes; node++) {
        if (flow->reached[node] == MM_REACHED_NOT) {
            held_mark_row(flow, &rings, node, held);
        }
    }
    for (uint32_t ring = 0; ring < rings.count; ring++) {
        if (!ring_is_held(&rings, ring, held)) {
            flow->start[flow->ring_first + flow->ring_count++] = flow->edge_count;
            for (uint32_t i = rings.start[ring]; i < rings.start[ring + 1]; i++) {
                flow_push(work, rings.member[i]);
            }
        }
    }
    flow->garbage_node = flow->ring_first + flow->ring_count;
    flow->start[flow->garbage_node] = flow->edge_count;
    for (uint32_t ring = 0; ring < flow->ring_count; ring++) {
        flow_push(work, flow->ring_first + ring);
    }
    for (uint32_t node = 0; node < nodes; node++) {
        if (flow->reached[node] == MM_REACHED_NOT && held[node] == 0 && rings.of[node] == MM_NONE) {
            flow_push(work, node);
        }
    }
    MM_ARENA_GIVE_BACK(arena, held, (size_t)nodes + 1);
    MM_ARENA_GIVE_BACK(arena, rings.of, (size_t)flow->node_count + 1);
    MM_ARENA_GIVE_BACK(arena, rings.member, (size_t)rings.start[rings.count] + 1);
    MM_ARENA_GIVE_BACK(arena, rings.start, (size_t)rings.count + 2);
    return MM_OK;
}

static uint64_t flow_edges_at_most(const flow_work *work) {
    const mm_graph *graph = work->flow.graph;
    const mm_file *file = work->file;
    uint64_t edges = (uint64_t)file->reference_count + file->root_count +
                     2 * (uint64_t)file->ephemeron_count + work->flow.entry_count + 8;
    for (uint32_t type = 0; type < file->type_count; type++) {
        bool owned = (file->types[type].flags & MM_TYPE_HEAP) != 0;
        edges += owned ? graph->instance_count[type] : 0;
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        edges += never_dies(work, node);
        edges += mm_graph_unaccounted(graph, node) > 0;
        edges += 2 * (uint64_t)(work->flow.reached[node] == MM_REACHED_NOT);
    }
    return edges;
}

MM_STATUS mm_flow_build(const mm_graph *graph, const mm_reach *reach, mm_arena *arena, mm_flow *ret,
                        mm_error *err) {
    flow_work work = {.file = graph->file};
    mm_flow *flow = &work.flow;
    flow->graph = graph;
    flow->reached = reach->reached;
    MM_TRY(mm_ephemerons_index(graph, arena, &work.ephemerons, err));
    flow->entry_count = flow_entries_count(&work);
    uint64_t nodes =
        (uint64_t)graph->root_node + 3 + flow->entry_count + (uint64_t)reach->garbage_count + 1;
    uint64_t edges = flow_edges_at_most(&work);
    if (nodes >= MM_NONE - 2 || edges >= MM_NONE - 2) {
        return mm_fail(err, MM_E_LIMIT, "too many references to analyse", edges);
    }
    work.edge_room = (uint32_t)edges;
    flow->by_c_node = graph->root_node + 1;
    flow->entry_first = flow->by_c_node + 1;
    flow->ring_first = flow->entry_first + flow->entry_count;
    flow->garbage_node = flow->ring_first;
    flow->start = MM_ARENA_NEW(arena, uint32_t, nodes);
    flow->scratch = MM_ARENA_NEW(arena, uint32_t, nodes);
    flow->target = MM_ARENA_NEW(arena, uint32_t, edges);
    flow->entry_edge = MM_ARENA_NEW(arena, uint32_t, (size_t)flow->entry_count + 1);
    if (flow->start == NULL || flow->scratch == NULL || flow->target == NULL ||
        flow->entry_edge == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the owning references", 0);
    }
    flow_objects(&work);
    flow_outside(&work);
    flow->node_count = flow->ring_first;
    if (reach->garbage_count > 0) {
        MM_TRY(flow_garbage(&work, arena, err));
    } else {
        flow->start[flow->garbage_node] = flow->edge_count;
    }
    MM_ARENA_GIVE_BACK(arena, flow->target + flow->edge_count, edges - flow->edge_count);
    flow->target[work.garbage_slot] = flow->garbage_node;
    flow->node_count = flow->garbage_node + 1;
    flow->start[flow->node_count] = flow->edge_count;
    MM_ASSERT(flow->node_count < nodes);
    *ret = *flow;
    return MM_OK;
}

uint32_t mm_flow_entry(const mm_flow *flow, uint32_t key_edge) {
    size_t at = mm_lower_bound_u32(flow->entry_edge, sizeof(*flow->entry_edge), flow->entry_count,
                                   key_edge);
    bool found = at < flow->entry_count && flow->entry_edge[at] == key_edge;
    return found ? flow->entry_first + (uint32_t)at : MM_NONE;
}
