// Caches of what is nobody's: texts, numbers, lists. A program's own data looks the same, so only a
// large container is looked at, and only its name tells: an attribute of one of the program's
// modules, classes or instances that is called a cache. What holds the program's own objects is
// found by the walk of holds.c; here nothing of it is looked at.
#include "explain/explain.h"

enum { ENTRIES_MIN = 1000, BYTES_MIN = 1 << 18, SAMPLE_MAX = 64 };

// Who has the container under the name of a cache: a module, class or instance; MM_NONE = nobody.
static uint32_t cache_owner(const mm_explain *work, uint32_t container) {
    const mm_graph *graph = work->graph;
    for (uint32_t i = graph->reverse_start[container]; i < graph->reverse_start[container + 1];
         i++) {
        uint32_t source = mm_graph_reverse_source(graph, i);
        uint32_t edge = graph->reverse_edge[i];
        uint32_t owner = mm_graph_owner(graph, source, NULL);
        owner = owner == MM_NONE ? source : owner;
        const char *name = mm_graph_edge_name(graph, source, edge);
        if (mm_graph_edge_owns(graph, edge) && (work->marks[owner] & MM_EXPLAIN_OWN) != 0 &&
            mm_explain_says_cache(name)) {
            return owner;
        }
    }
    return MM_NONE;
}

// An entry's value, an item or a member; not a key.
static mm_how entry_of(const mm_explain *work, uint32_t edge) {
    switch (mm_file_naming(work->file, edge)) {
        case MM_NAME_VALUE:
            return MM_HOW_VALUE;
        case MM_NAME_INDEX:
            return MM_HOW_ITEM;
        case MM_NAME_MEMBER:
            return MM_HOW_MEMBER;
        default:
            return MM_HOW_NONE;
    }
}

static bool holds_own(const mm_explain *work, uint32_t container) {
    const mm_file *file = work->file;
    uint32_t end = file->reference_start[container + 1];
    for (uint32_t edge = file->reference_start[container], seen = 0;
         edge < end && seen < SAMPLE_MAX; edge++, seen++) {
        uint8_t mark = work->marks[file->reference_target[edge]];
        if ((mark & (MM_EXPLAIN_OWN | MM_EXPLAIN_KEEPS | MM_EXPLAIN_DEAD)) != 0) {
            return true;
        }
    }
    return false;
}

static MM_STATUS store_take(mm_explain *work, uint32_t container, uint32_t owner) {
    const mm_file *file = work->file;
    uint32_t kind = mm_graph_kind(work->graph, owner);
    bool names = kind == MM_KIND_MODULE || kind == MM_KIND_TYPE;
    for (uint32_t edge = file->reference_start[container];
         edge < file->reference_start[container + 1]; edge++) {
        mm_how how = entry_of(work, edge);
        if (how == MM_HOW_NONE || !mm_graph_edge_owns(work->graph, edge)) {
            continue;
        }
        mm_hold hold = {.object = file->reference_target[edge],
                        .source = container,
                        .edge = edge,
                        .last = edge,
                        .anchor = owner,
                        .how = (uint8_t)how,
                        .kind = names ? MM_ANCHOR_NAMESPACE : MM_ANCHOR_INSTANCE,
                        .flags = MM_HOLD_DATA};
        MM_TRY(mm_explain_hold_add(work, hold));
    }
    return MM_OK;
}

MM_STATUS mm_explain_stores(mm_explain *work) {
    const mm_graph *graph = work->graph;
    for (uint32_t node = 0; node < work->file->object_count; node++) {
        uint32_t kind = mm_graph_kind(graph, node);
        uint64_t entries = 0;
        if ((kind != MM_KIND_DICT && kind != MM_KIND_LIST && kind != MM_KIND_SET) ||
            (graph->node_flags[node] & (MM_NODE_NAMESPACE | MM_NODE_FOLDED | MM_NODE_OWN)) != 0 ||
            work->reach.reached[node] == MM_REACHED_NOT || work->retained[node] < BYTES_MIN ||
            !mm_graph_entries(graph, node, &entries) || entries < ENTRIES_MIN) {
            continue;
        }
        uint32_t owner = cache_owner(work, node);
        if (owner != MM_NONE && !holds_own(work, node)) {
            MM_TRY(store_take(work, node, owner));
        }
    }
    return MM_OK;
}
