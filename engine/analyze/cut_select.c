// Which references are one in the eyes of a person: those of one object with one generic name. A
// dict's entry counts as one, key and value together; in a namespace each name is one of its own.
#include <string.h>

#include "analyze/cut.h"
#include "analyze/flow.h"
#include "base/free/search.h"
#include "base/free/sort.h"

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

static bool edge_before(const void *a, const void *b, const void *context) {
    (void)context;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

static bool edges_have(const uint32_t *edges, uint32_t count, uint32_t edge) {
    size_t at = mm_lower_bound_u32(edges, sizeof(*edges), count, edge);
    return at < count && edges[at] == edge;
}

// References of several sources, in the making.
typedef struct cut_list {
    uint32_t *edges;
    uint32_t count;
    uint32_t room;
} cut_list;

static MM_STATUS cut_list_grow(cut_list *list, uint32_t more, mm_arena *arena) {
    if (more <= list->room - list->count) {
        return MM_OK;
    }
    if (more > MM_NONE / 4 || list->room > MM_NONE / 4) {
        return MM_E_NOMEM;
    }
    uint32_t room = 2 * list->room + more;
    uint32_t *edges = MM_ARENA_NEW(arena, uint32_t, room);
    if (edges == NULL) {
        return MM_E_NOMEM;
    }
    if (list->count > 0) {
        memcpy(edges, list->edges, list->count * sizeof(*edges));
    }
    MM_ARENA_GIVE_BACK(arena, list->edges, (size_t)list->room);
    list->edges = edges;
    list->room = room;
    return MM_OK;
}

static MM_STATUS cut_select_sorted(const mm_graph *graph, const uint32_t *edges, size_t count,
                                   uint32_t *buffer, mm_arena *arena, mm_cut *cut, mm_error *err) {
    cut_list list = {NULL, 0, 0};
    uint32_t run = 0;  // where the references of the last source begin
    for (size_t i = 0; i < count; i++) {
        mm_cut one;
        uint32_t source = mm_graph_edge_source(graph, edges[i]);
        run = source == cut->source ? run : list.count;
        if (list.count > run && edges_have(list.edges + run, list.count - run, edges[i])) {
            continue;
        }
        MM_TRY(mm_cut_select(graph, source, edges[i], arena, &one, err));
        MM_TRY(cut_list_grow(&list, one.edge_count, arena));
        memcpy(list.edges + list.count, one.edges, one.edge_count * sizeof(*one.edges));
        list.count += one.edge_count;
        cut->entry_count += one.entry_count;
        cut->source = source;
        MM_ASSERT(list.count - run <= graph->file->reference_count);
        mm_sort(list.edges + run, buffer, list.count - run, sizeof(*buffer), edge_before, NULL);
    }
    cut->edges = list.edges;
    cut->edge_count = list.count;
    if (list.count > 0 && mm_graph_edge_source(graph, list.edges[0]) != cut->source) {
        cut->source = MM_NONE;
    }
    return MM_OK;
}

// References of one source at most: what sorting one source's needs.
static uint32_t edges_widest(const mm_graph *graph, const uint32_t *edges, size_t count) {
    const uint32_t *start = graph->file->reference_start;
    uint32_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t source = mm_graph_edge_source(graph, edges[i]);
        uint32_t width = start[source + 1] - start[source];
        widest = width > widest ? width : widest;
    }
    return widest;
}

MM_STATUS mm_cut_select_all(const mm_graph *graph, const uint32_t *edges, size_t count,
                            mm_arena *arena, mm_cut *ret, mm_error *err) {
    mm_cut cut = {.source = MM_NONE};
    size_t room = edges_widest(graph, edges, count);
    room = room > count ? room : count;
    uint32_t *sorted = MM_ARENA_NEW(arena, uint32_t, count + 1);
    uint32_t *buffer = MM_ARENA_NEW(arena, uint32_t, room + 1);
    mm_status status = MM_E_NOMEM;
    if (sorted != NULL && buffer != NULL) {
        memcpy(sorted, edges, count * sizeof(*edges));
        mm_sort(sorted, buffer, count, sizeof(*sorted), edge_before, NULL);
        status = cut_select_sorted(graph, sorted, count, buffer, arena, &cut, err);
    }
    if (status != MM_OK) {
        return mm_fail(err, status, "no memory to collect references", 0);
    }
    MM_ARENA_GIVE_BACK(arena, sorted, count + 1);
    MM_ARENA_GIVE_BACK(arena, buffer, room + 1);
    *ret = cut;
    return MM_OK;
}

// What makes references of several objects alike.
typedef struct cut_likeness {
    const mm_graph *graph;
    const uint32_t *of;
    uint32_t edge;
    uint32_t source_type;
    uint32_t target_type;
} cut_likeness;

static bool edge_is_alike(const cut_likeness *like, uint32_t source, uint32_t edge) {
    const mm_file *file = like->graph->file;
    uint32_t target = file->reference_target[edge];
    bool together =
        like->of == NULL || (like->of[source] != MM_NONE && like->of[source] == like->of[target]);
    return together && file->type[target] == like->target_type &&
           cut_same_name(file, edge, like->edge) && mm_graph_edge_owns(like->graph, edge);
}

// Counts when `edges` is NULL.
static uint32_t edges_alike(const cut_likeness *like, const uint32_t *nodes, size_t count,
                            uint32_t *edges) {
    const mm_file *file = like->graph->file;
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t source = nodes[i];
        uint32_t end = file->reference_start[source + 1];
        bool like_source = file->type[source] == like->source_type;
        for (uint32_t at = file->reference_start[source]; like_source && at < end; at++) {
            if (edge_is_alike(like, source, at)) {
                if (edges != NULL) {
                    edges[found] = at;
                }
                found++;
            }
        }
    }
    return found;
}

MM_STATUS mm_cut_select_alike(const mm_graph *graph, uint32_t edge, const uint32_t *nodes,
                              size_t count, const uint32_t *of, mm_arena *arena, mm_cut *ret,
                              mm_error *err) {
    const mm_file *file = graph->file;
    MM_ASSERT(edge < file->reference_count);
    uint32_t source = mm_graph_edge_source(graph, edge);
    cut_likeness like = {graph, of, edge, file->type[source],
                         file->type[file->reference_target[edge]]};
    mm_cut cut = {.source = MM_NONE};
    uint32_t room = edges_alike(&like, nodes, count, NULL);
    cut.edges = MM_ARENA_NEW(arena, uint32_t, (size_t)room + 1);
    uint32_t *buffer = MM_ARENA_NEW(arena, uint32_t, (size_t)room + 1);
    if (cut.edges == NULL || buffer == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to collect references", 0);
    }
    cut.edge_count = edges_alike(&like, nodes, count, cut.edges);
    cut.entry_count = cut.edge_count;
    MM_ASSERT(cut.edge_count == room);
    mm_sort(cut.edges, buffer, room, sizeof(*buffer), edge_before, NULL);
    MM_ARENA_GIVE_BACK(arena, buffer, (size_t)room + 1);
    *ret = cut;
    return MM_OK;
}
