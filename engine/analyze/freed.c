// For each node the references are sorted into three kinds: from the node above in the dominator
// tree; from below the node itself, which do not matter, since they go with it; and from beside it.
// It is held by one reference alone if there is one of the first kind and none of the third.
//
// An entry of a dict is cut as a whole. If key and value both lead on, it is a node of the flow. If
// one of them is a leaf, that leaf may be referred to by what the other one holds: {name: person},
// where the person knows the name. So for leaves it is kept which child of the node above the
// references from beside come from, as long as it is one child.
#include "analyze/freed.h"

#include <string.h>

static const uint32_t RIVAL_NONE = MM_NONE;
static const uint32_t RIVAL_MANY = MM_NONE - 1;

static void freed_edge(mm_freed *freed, uint8_t *direct, uint32_t source, uint32_t target) {
    const mm_dominators *tree = freed->tree;
    uint32_t *rival = &freed->rival[target];
    if (*rival == RIVAL_MANY) {
        return;
    }
    uint32_t above = tree->idom[target];
    if (source == above) {
        *rival = direct[target] != 0 ? RIVAL_MANY : *rival;
        direct[target] = 1;
        return;
    }
    bool leaf = tree->dfs.number[target] == MM_NONE;
    if (!leaf) {
        *rival = mm_dominators_below(tree, source, target) ? *rival : RIVAL_MANY;
        return;
    }
    uint32_t child = mm_dominators_child(tree, above, source);
    *rival = *rival == RIVAL_NONE || *rival == child ? child : RIVAL_MANY;
}

MM_STATUS mm_freed_find(const mm_dominators *tree, const uint64_t *retained, mm_arena *arena,
                        mm_freed *ret, mm_error *err) {
    const mm_flow *flow = tree->flow;
    mm_freed freed = {.tree = tree, .retained = retained};
    freed.rival = MM_ARENA_NEW(arena, uint32_t, (size_t)flow->node_count + 1);
    uint8_t *direct = MM_ARENA_NEW(arena, uint8_t, (size_t)flow->node_count + 1);
    if (freed.rival == NULL || direct == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for what references free", 0);
    }
    memset(freed.rival, 0xff, flow->node_count * sizeof(uint32_t));
    for (uint32_t source = 0; source < flow->node_count; source++) {
        for (uint32_t edge = flow->start[source]; edge < flow->start[source + 1]; edge++) {
            freed_edge(&freed, direct, source, flow->target[edge]);
        }
    }
    MM_ARENA_GIVE_BACK(arena, direct, (size_t)flow->node_count + 1);
    *ret = freed;
    return MM_OK;
}

// REQUIRES: the flow has an edge from `source` to `target`, so that it is the only one.
static uint64_t freed_alone(const mm_freed *freed, uint32_t source, uint32_t target) {
    bool alone = freed->tree->idom[target] == source && freed->rival[target] == RIVAL_NONE;
    return alone ? freed->retained[target] : 0;
}

// Key and value of an entry, of which `leaf` leads nowhere.
static uint64_t freed_beside_leaf(const mm_freed *freed, uint32_t source, uint32_t other,
                                  uint32_t leaf) {
    uint64_t bytes = freed_alone(freed, source, other);
    bool through = bytes > 0 && freed->tree->idom[leaf] == source && freed->rival[leaf] == other;
    return bytes + (through ? freed->retained[leaf] : freed_alone(freed, source, leaf));
}

static uint64_t freed_entry(const mm_freed *freed, uint32_t source, uint32_t key_edge) {
    const mm_dominators *tree = freed->tree;
    const mm_graph *graph = tree->flow->graph;
    uint32_t key = graph->file->reference_target[key_edge];
    uint32_t value = graph->file->reference_target[key_edge + 1];
    bool key_owned = mm_graph_edge_owns(graph, key_edge);
    bool value_owned = mm_graph_edge_owns(graph, key_edge + 1);
    uint32_t entry = mm_flow_entry(tree->flow, key_edge);
    if (entry != MM_NONE) {
        MM_ASSERT(key_owned);
        MM_ASSERT(value_owned);
        MM_ASSERT(tree->idom[entry] == source);
        return freed->retained[entry];
    }
    if (!key_owned) {
        return value_owned ? freed_alone(freed, source, value) : 0;
    }
    if (!value_owned || key == value) {
        return freed_alone(freed, source, key);
    }
    return tree->dfs.number[key] == MM_NONE ? freed_beside_leaf(freed, source, value, key)
                                            : freed_beside_leaf(freed, source, key, value);
}

uint64_t mm_freed_of(const mm_freed *freed, uint32_t source, uint32_t edge) {
    const mm_graph *graph = freed->tree->flow->graph;
    const mm_file *file = graph->file;
    uint32_t start = file->reference_start[source];
    uint32_t end = file->reference_start[source + 1];
    MM_ASSERT(edge >= start);
    MM_ASSERT(edge < end);
    if (!mm_graph_edge_owns(graph, edge)) {
        return 0;
    }
    if (mm_flow_is_entry(file, edge, end)) {
        return freed_entry(freed, source, edge);
    }
    if (edge > start && mm_flow_is_entry(file, edge - 1, end)) {
        return freed_entry(freed, source, edge - 1);
    }
    bool again = mm_file_naming(file, edge) == MM_NAME_KEY &&
                 mm_graph_kind(graph, source) == MM_KIND_ORDERED_DICT;
    return again ? 0 : freed_alone(freed, source, file->reference_target[edge]);
}

uint64_t mm_freed_of_root(const mm_freed *freed, uint32_t root) {
    const mm_graph *graph = freed->tree->flow->graph;
    bool owns = mm_file_root_owns(graph->file, root);
    return owns ? freed_alone(freed, graph->root_node, graph->file->roots[root].object) : 0;
}
