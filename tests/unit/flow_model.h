// Random heaps with everything that an analysis must get right, and a slow model of them: a list of
// references, and a reach that repeats itself until nothing changes. What the engine computes in
// one pass is found here by removing one thing and reaching everything again.
#ifndef MM_TESTS_FLOW_MODEL_H
#define MM_TESTS_FLOW_MODEL_H

#include "analyze/cut.h"
#include "analyze/freed.h"
#include "analyze/scc.h"
#include "base/os/pages.h"
#include "heap_builder.h"

enum { MODEL_NODES_MAX = 96, MODEL_EDGES_MAX = 1024 };

/// A reference of the model. Those with one group are cut together.
typedef struct model_edge {
    uint32_t source;  ///< MM_NONE for a start
    uint32_t target;
    uint32_t group;
} model_edge;

typedef struct model {
    const mm_file *file;
    uint32_t node_count;
    model_edge edges[MODEL_EDGES_MAX];
    uint32_t edge_count;
    uint8_t live[MODEL_NODES_MAX];
    uint8_t together[MODEL_NODES_MAX][MODEL_NODES_MAX];  ///< in one cycle of the garbage
} model;

static uint32_t model_random(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

static unsigned model_flags(uint64_t *state) {
    static const unsigned flags[] = {0, 0, 0, 0, 0, 0, 0, 0, MM_REF_WEAK, MM_REF_BORROWED};
    return flags[model_random(state, MM_COUNTOF(flags))];
}

static void model_fill(heap *h, uint64_t *state, uint32_t node, uint32_t first, uint32_t count) {
    uint32_t type = h->file.type[node];
    uint32_t room = model_random(state, 4);
    bool ordered = h->file.types[type].kind == MM_KIND_ORDERED_DICT;
    uint32_t keys[4];
    if (type == h->int_type || type == h->str_type) {
        return;
    }
    for (uint32_t i = 0; i < room; i++) {
        uint32_t target = first + model_random(state, count);
        keys[i] = first + model_random(state, count);
        if (type == h->dict_type || ordered) {
            heap_ref(h, node, keys[i], MM_NAME_KEY | (ordered ? 0 : model_flags(state)), 0);
            heap_ref(h, node, target, MM_NAME_VALUE | model_flags(state), keys[i]);
        } else {
            heap_ref(h, node, target, MM_NAME_INDEX | model_flags(state), i);
        }
    }
    // An OrderedDict mentions its keys again: sometimes one that is not among the entries.
    for (uint32_t i = 0; ordered && i < room; i++) {
        bool known = true;
        for (uint32_t j = 0; j < i; j++) {
            known = known && keys[j] != keys[i];
        }
        if (known) {
            heap_ref(h, node, keys[i], MM_NAME_KEY | MM_REF_HIDDEN, 0);
        }
    }
    if (ordered && model_random(state, 8) == 0) {
        heap_ref(h, node, first + model_random(state, count), MM_NAME_KEY, 0);
    }
}

/// A heap of up to some 40 random objects.
__attribute__((unused)) static const mm_file *model_heap(heap *h, uint64_t seed, bool ephemerons) {
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    heap_init(h);
    uint32_t first = h->file.object_count;
    uint32_t count = 6 + model_random(&state, 34);
    uint32_t ordered =
        heap_type(h, "OrderedDict", MM_KIND_ORDERED_DICT, MM_TYPE_COLLECTED, MM_NONE);
    uint32_t exam = heap_type(h, "Exam", MM_KIND_OBJECT, MM_TYPE_HEAP | MM_TYPE_CLASS, first);
    const uint32_t types[] = {h->list_type, h->list_type, h->dict_type, h->dict_type,
                              ordered,      exam,         h->int_type,  h->str_type};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t refcount = HEAP_EXACT;
        refcount = model_random(&state, 12) == 0 ? 99 : refcount;
        refcount = model_random(&state, 16) == 0 ? MM_NONE : refcount;
        uint32_t type = i == 0 ? h->class_type : types[model_random(&state, 8)];
        uint32_t node = heap_object(h, type, refcount);
        h->file.size_bytes[node] = 16 + model_random(&state, 1000);
        h->file.storage_bytes[node] = model_random(&state, 3) * 100;
    }
    for (uint32_t i = 0; i < count; i++) {
        model_fill(h, &state, first + i, first, count);
    }
    for (uint32_t i = 0; i < seed % 4; i++) {
        uint32_t root = heap_root(h, MM_ROOT_INTERPRETER, first + model_random(&state, count),
                                  MM_NONE, MM_NONE);
        h->file.roots[root].flags = (uint8_t)model_flags(&state);
    }
    for (uint32_t i = 0; ephemerons && i < seed % 7; i++) {
        heap_ephemeron(h, first + model_random(&state, count), first + model_random(&state, count),
                       first + model_random(&state, count));
    }
    return heap_file(h);
}

/// A heap of many pages, with entries and rings in each.
__attribute__((unused)) static const mm_file *model_large_heap(heap *h) {
    heap_init(h);
    uint32_t dict = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_root(h, MM_ROOT_INTERPRETER, dict, MM_NONE, MM_NONE);
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t key = heap_object(h, h->tuple_type, HEAP_EXACT);
        uint32_t value = heap_object(h, h->list_type, HEAP_EXACT);
        uint32_t ring = heap_object(h, h->list_type, HEAP_EXACT);
        heap_entry(h, dict, key, value);
        heap_ref(h, key, value, MM_NAME_INDEX, 0);
        heap_ref(h, value, key, MM_NAME_INDEX, 0);
        heap_ref(h, ring, ring, MM_NAME_INDEX, 0);
    }
    return heap_file(h);
}

static void model_add(model *m, uint32_t source, uint32_t target, uint32_t group) {
    if (m->edge_count == MODEL_EDGES_MAX) {
        abort();
    }
    model_edge edge = {source, target, group};
    m->edges[m->edge_count++] = edge;
}

static bool model_owns(const mm_graph *graph, uint32_t edge) {
    return mm_graph_edge_owns(graph, edge);
}

// Group of a file's reference: its entry's KEY, also for a key that is mentioned again.
static uint32_t model_group(const mm_graph *graph, uint32_t source, uint32_t edge) {
    const mm_file *file = graph->file;
    uint32_t end = file->reference_start[source + 1];
    if (edge > file->reference_start[source] && mm_flow_is_entry(file, edge - 1, end)) {
        return edge - 1;
    }
    if (mm_graph_kind(graph, source) != MM_KIND_ORDERED_DICT ||
        mm_file_naming(file, edge) != MM_NAME_KEY || mm_flow_is_entry(file, edge, end)) {
        return edge;
    }
    for (uint32_t at = edge; at-- > file->reference_start[source];) {
        if (mm_flow_is_entry(file, at, end) &&
            file->reference_target[at] == file->reference_target[edge]) {
            return at;
        }
    }
    return edge;
}

/// Reach everything without one node, one group and one edge of the model (MM_NONE = with it).
__attribute__((unused)) static void model_reach(const model *m, uint32_t without_node,
                                                uint32_t without_group, uint32_t without_edge,
                                                uint8_t *reached) {
    memset(reached, 0, MODEL_NODES_MAX);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < m->edge_count; i++) {
            const model_edge *e = &m->edges[i];
            bool from = e->source == MM_NONE || reached[e->source] != 0;
            bool cut = i == without_edge || (without_group != MM_NONE && e->group == without_group);
            if (from && !cut && e->target != without_node && reached[e->target] == 0) {
                reached[e->target] = 1;
                changed = true;
            }
        }
    }
}

static bool model_leads(const model *m, uint32_t from, uint32_t to) {
    uint8_t seen[MODEL_NODES_MAX] = {0};
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < m->edge_count; i++) {
            const model_edge *e = &m->edges[i];
            if (e->source != MM_NONE && (e->source == from || seen[e->source] != 0) &&
                seen[e->target] == 0) {
                seen[e->target] = 1;
                changed = true;
            }
        }
    }
    return seen[to] != 0;
}

// Each unreached object that leads to all that lead to it is a start.
static void model_garbage(model *m) {
    uint8_t start[MODEL_NODES_MAX] = {0};
    for (uint32_t a = 0; a < m->node_count; a++) {
        start[a] = m->live[a] == 0;
        for (uint32_t b = 0; b < m->node_count && m->live[a] == 0; b++) {
            if (m->live[b] == 0 && model_leads(m, b, a)) {
                bool back = model_leads(m, a, b);
                m->together[a][b] = back;
                start[a] = start[a] != 0 && back;
            }
        }
    }
    for (uint32_t a = 0; a < m->node_count; a++) {
        if (start[a] != 0) {
            model_add(m, MM_NONE, a, MM_NONE - 1);
        }
    }
}

/// The model of a graph, ephemerons as mm_flow_build() says.
__attribute__((unused)) static void model_init(model *m, const mm_graph *graph,
                                               const mm_reach *reach) {
    const mm_file *file = graph->file;
    memset(m, 0, sizeof(*m));
    m->file = file;
    m->node_count = file->object_count;
    if (m->node_count > MODEL_NODES_MAX) {
        abort();
    }
    for (uint32_t i = 0; i < file->root_count; i++) {
        if ((file->roots[i].flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0) {
            model_add(m, MM_NONE, file->roots[i].object, 0x80000000u + i);
        }
    }
    for (uint32_t n = 0; n < m->node_count; n++) {
        m->live[n] = reach->reached[n] != MM_REACHED_NOT;
        if (m->live[n] != 0 &&
            (file->refcount[n] == MM_NONE || mm_graph_unaccounted(graph, n) > 0)) {
            model_add(m, MM_NONE, n, MM_NONE - 1);
        }
        for (uint32_t e = file->reference_start[n]; e < file->reference_start[n + 1]; e++) {
            if (model_owns(graph, e)) {
                model_add(m, n, file->reference_target[e], model_group(graph, n, e));
            }
        }
        if (mm_graph_type_object(graph, n) != MM_NONE) {
            model_add(m, n, mm_graph_type_object(graph, n), MM_NONE - 1);
        }
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        const mm_file_ephemeron *e = &file->ephemerons[i];
        bool both = m->live[e->table] != 0 && m->live[e->key] != 0;
        if (both || (m->live[e->value] == 0 && m->live[e->table] == 0)) {
            model_add(m, e->table, e->value, MM_NONE - 1);
        }
        if (both || (m->live[e->value] == 0 && m->live[e->key] == 0)) {
            model_add(m, e->key, e->value, MM_NONE - 1);
        }
    }
    model_garbage(m);
}

/// Bytes of what is in one set and not in the other.
__attribute__((unused)) static uint64_t model_lost_bytes(const model *m, const uint8_t *before,
                                                         const uint8_t *after) {
    uint64_t bytes = 0;
    for (uint32_t n = 0; n < m->node_count; n++) {
        bytes += before[n] != 0 && after[n] == 0
                     ? (uint64_t)m->file->size_bytes[n] + m->file->storage_bytes[n]
                     : 0;
    }
    return bytes;
}

#endif
