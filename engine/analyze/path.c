// Breadth first search, level by level. Within a level a plain queue, in which distances never
// fall, so that the first arrival is the shortest. A step that would make a chain worse does not go
// into the queue but into a list for its level, with its distance; when the better levels are
// exhausted, that list is sorted by distance and merged into the search of its level. Each node is
// expanded once.
//
//     level 0 queue  ─▶ ... ─▶ empty          later: (node, level 2, depth 3) (node, level 1, depth
//     9) ... level 1 queue  ◀─ entries of level 1 by depth, as the search gets there
//
// A node may stand in the list once for each way that was better than the one before, by level and
// depth; entries that have been overtaken are dropped when their turn comes.
#include "analyze/path.h"

#include <string.h>

typedef struct late_entry {
    uint32_t node;
    uint32_t link;
    uint32_t depth;
    uint8_t via;
    uint8_t level;
} late_entry;

typedef struct path_work {
    const mm_graph *graph;
    const mm_path_options *options;
    mm_paths paths;
    mm_ephemerons ephemerons;
    uint32_t *queue;  ///< every node once, in the order of its final arrival
    uint32_t queue_start;
    uint32_t queue_end;
    late_entry *late;
    uint32_t late_count;
    uint32_t late_room;
    uint8_t level;
    mm_arena *scratch;
} path_work;

// `level` of a node that is only in the list is marked with this bit.
enum { TENTATIVE = 0x80, TEXT_BYTES = 128 };

static MM_STATUS late_push(path_work *work, late_entry entry) {
    if (work->late_count == work->late_room) {
        uint32_t room = work->late_room < 64 ? 64 : work->late_room * 2;
        late_entry *grown = MM_ARENA_NEW(work->scratch, late_entry, room);
        if (grown == NULL || room <= work->late_room) {
            return MM_E_NOMEM;
        }
        if (work->late_count > 0) {
            memcpy(grown, work->late, work->late_count * sizeof(late_entry));
        }
        work->late = grown;
        work->late_room = room;
    }
    work->late[work->late_count++] = entry;
    return MM_OK;
}

static uint8_t level_of_node(const mm_graph *graph, uint32_t node) {
    return (graph->node_flags[node] & MM_NODE_STDLIB) != 0 ? MM_LEVEL_STDLIB : MM_LEVEL_MODULE;
}

static void path_arrive(path_work *work, const late_entry *entry) {
    mm_paths *paths = &work->paths;
    paths->via[entry->node] = entry->via;
    paths->level[entry->node] = entry->level;
    paths->link[entry->node] = entry->link;
    paths->depth[entry->node] = entry->depth;
    MM_ASSERT(work->queue_end < work->graph->root_node);
    work->queue[work->queue_end++] = entry->node;
}

// Offer a way to a node.
static MM_STATUS path_offer(path_work *work, late_entry entry) {
    mm_paths *paths = &work->paths;
    if (entry.node == MM_NONE || (work->graph->node_flags[entry.node] & MM_NODE_OWN) != 0) {
        return MM_OK;
    }
    uint8_t worst = level_of_node(work->graph, entry.node);
    entry.level = entry.level > worst ? entry.level : worst;
    entry.level = entry.level > work->level ? entry.level : work->level;
    bool seen = paths->via[entry.node] != MM_VIA_NOTHING;
    uint8_t have = paths->level[entry.node];
    if (seen && (have & TENTATIVE) == 0) {
        return MM_OK;
    }
    if (entry.level == work->level && entry.via != MM_VIA_ROOT && entry.via != MM_VIA_MODULE &&
        entry.via != MM_VIA_C) {
        path_arrive(work, &entry);
        return MM_OK;
    }
    have &= (uint8_t)~TENTATIVE;
    if (seen &&
        (have < entry.level || (have == entry.level && paths->depth[entry.node] <= entry.depth))) {
        return MM_OK;
    }
    paths->via[entry.node] = entry.via;
    paths->level[entry.node] = entry.level | TENTATIVE;
    paths->depth[entry.node] = entry.depth;
    return late_push(work, entry);
}

static uint8_t edge_level(const mm_graph *graph, uint32_t source, uint32_t edge) {
    // Only fields can lead back to the module.
    unsigned naming = graph->file->reference_naming[edge] & 15u;
    bool field = naming == MM_NAME_WORD || naming == MM_NAME_NAMED;
    bool back = field &&
                mm_graph_kind(graph, graph->file->reference_target[edge]) == MM_KIND_DICT &&
                mm_graph_edge_role(graph, source, edge) == MM_ROLE_GLOBALS;
    return back ? MM_LEVEL_STDLIB : MM_LEVEL_MODULE;
}

static MM_STATUS path_ephemerons(path_work *work, uint32_t node) {
    const mm_ephemerons *index = &work->ephemerons;
    const mm_paths *paths = &work->paths;
    const uint8_t *barrier = work->options->barrier;
    for (uint32_t i = mm_ephemerons_first(index, node);
         i < index->watch_count && index->watch[i] >> 32 == node; i++) {
        uint32_t number = (uint32_t)index->watch[i];
        const mm_file_ephemeron *entry = &index->file->ephemerons[number];
        if (barrier != NULL && (barrier[entry->table] | barrier[entry->key]) != 0) {
            continue;
        }
        bool both = paths->via[entry->table] != MM_VIA_NOTHING &&
                    paths->via[entry->key] != MM_VIA_NOTHING &&
                    ((paths->level[entry->table] | paths->level[entry->key]) & TENTATIVE) == 0;
        if (both) {
            // The later of the two has just been expanded, so distances still never fall.
            late_entry offer = {entry->value, number, paths->depth[node] + 1, MM_VIA_EPHEMERON, 0};
            MM_TRY(path_offer(work, offer));
        }
    }
    return MM_OK;
}

static MM_STATUS path_expand(path_work *work, uint32_t node) {
    const mm_file *file = work->graph->file;
    const uint8_t *barrier = work->options->barrier;
    if (barrier != NULL && barrier[node] != 0) {
        return MM_OK;
    }
    uint32_t depth = work->paths.depth[node] + 1;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (work->paths.via[target] != MM_VIA_NOTHING &&
            (work->paths.level[target] & TENTATIVE) == 0) {
            continue;
        }
        if (mm_graph_edge_owns(work->graph, edge)) {
            late_entry offer = {target, edge, depth, MM_VIA_EDGE,
                                edge_level(work->graph, node, edge)};
            MM_TRY(path_offer(work, offer));
        }
    }
    late_entry type = {mm_graph_type_object(work->graph, node), node, depth, MM_VIA_TYPE,
                       MM_LEVEL_STDLIB};
    MM_TRY(path_offer(work, type));
    return work->ephemerons.watch_count > 0 ? path_ephemerons(work, node) : MM_OK;
}

// Stable merge sort of the entries of one level by depth; ties keep their order.
static MM_STATUS late_sort(path_work *work, late_entry *items, uint32_t count) {
    late_entry *buffer = MM_ARENA_NEW(work->scratch, late_entry, (size_t)count + 1);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low;
            size_t b = middle;
            for (size_t at = low; at < high; at++) {
                bool left = a < middle && (b >= high || items[a].depth <= items[b].depth);
                buffer[at] = left ? items[a++] : items[b++];
            }
        }
        memcpy(items, buffer, count * sizeof(late_entry));
    }
    return MM_OK;
}

// Search one level to its end.
static MM_STATUS path_level(path_work *work) {
    uint32_t count = 0;
    late_entry *items = MM_ARENA_NEW(work->scratch, late_entry, (size_t)work->late_count + 1);
    if (items == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < work->late_count; i++) {
        if (work->late[i].level == work->level) {
            items[count++] = work->late[i];
        }
    }
    MM_TRY(late_sort(work, items, count));
    uint32_t next = 0;
    for (;;) {
        bool waiting = work->queue_start < work->queue_end;
        uint32_t head = waiting ? work->paths.depth[work->queue[work->queue_start]] : MM_NONE;
        if (next < count && (!waiting || items[next].depth <= head)) {
            const late_entry *entry = &items[next++];
            if ((work->paths.level[entry->node] & TENTATIVE) != 0) {
                path_arrive(work, entry);
            }
        } else if (waiting) {
            MM_TRY(path_expand(work, work->queue[work->queue_start++]));
        } else {
            return MM_OK;
        }
    }
}

static uint8_t level_of_root(const mm_file_root *root) {
    switch (root->kind) {
        case MM_ROOT_MODULES:
            return MM_LEVEL_STDLIB;
        case MM_ROOT_FRAME:
            return MM_LEVEL_FRAME;
        case MM_ROOT_THREAD:
            return root->frame != MM_NONE ? MM_LEVEL_FRAME : MM_LEVEL_ROOT;
        default:
            return MM_LEVEL_ROOT;
    }
}

// A root or module that waits for its place in the order of names.
typedef struct named_start {
    char text[TEXT_BYTES];
    late_entry entry;
} named_start;

static int named_compare(const named_start *a, const named_start *b) {
    bool a_main = strcmp(a->text, "__main__") == 0;
    bool b_main = strcmp(b->text, "__main__") == 0;
    return a_main != b_main ? (a_main ? -1 : 1) : strcmp(a->text, b->text);
}

static void named_sort(named_start **items, named_start **buffer, size_t count) {
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low;
            size_t b = middle;
            for (size_t at = low; at < high; at++) {
                bool left = a < middle && (b >= high || named_compare(items[a], items[b]) <= 0);
                buffer[at] = left ? items[a++] : items[b++];
            }
        }
        memcpy(items, buffer, count * sizeof(*items));
    }
}

static bool root_is_left_out(const path_work *work, const mm_file_root *root) {
    const mm_file *file = work->graph->file;
    if ((root->flags & (MM_REF_WEAK | MM_REF_BORROWED)) != 0) {
        return true;
    }
    if (root->frame == MM_NONE) {
        return false;
    }
    const uint8_t *left_out = work->options->frames_left_out;
    return (file->frames[root->frame].flags & MM_FRAME_OWN) != 0 ||
           (left_out != NULL && left_out[root->frame] != 0);
}

// Modules are starts of their own: a chain begins with "module shop", not with sys.modules.
static MM_STATUS modules_offer(path_work *work, uint32_t dict) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    uint32_t start = file->reference_start[dict];
    size_t edges = file->reference_start[dict + 1] - start;
    named_start *modules = MM_ARENA_NEW(work->scratch, named_start, edges + 1);
    named_start **order = MM_ARENA_NEW(work->scratch, named_start *, 2 * edges + 1);
    if (modules == NULL || order == NULL) {
        return MM_E_NOMEM;
    }
    size_t count = 0;
    for (uint32_t edge = start; edge < file->reference_start[dict + 1]; edge++) {
        uint32_t target = file->reference_target[edge];
        if (mm_graph_kind(graph, target) != MM_KIND_MODULE || !mm_graph_edge_owns(graph, edge)) {
            continue;
        }
        const char *name = mm_graph_module_name(graph, target);
        late_entry entry = {target, edge, 0, MM_VIA_MODULE, MM_LEVEL_MODULE};
        order[count] = &modules[count];
        modules[count].entry = entry;
        strncpy(modules[count].text, name != NULL ? name : "?", TEXT_BYTES - 1);
        count++;
    }
    named_sort(order, order + count, count);
    for (size_t i = 0; i < count; i++) {
        MM_TRY(path_offer(work, order[i]->entry));
    }
    return MM_OK;
}

static MM_STATUS roots_offer(path_work *work) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    named_start *roots = MM_ARENA_NEW(work->scratch, named_start, (size_t)file->root_count + 1);
    named_start **order =
        MM_ARENA_NEW(work->scratch, named_start *, 2 * (size_t)file->root_count + 1);
    if (roots == NULL || order == NULL) {
        return MM_E_NOMEM;
    }
    size_t count = 0;
    for (uint32_t root = 0; root < file->root_count; root++) {
        const mm_file_root *r = &file->roots[root];
        if (root_is_left_out(work, r)) {
            continue;
        }
        if (r->kind == MM_ROOT_MODULES) {
            MM_TRY(modules_offer(work, r->object));
        }
        late_entry entry = {r->object, root, 0, MM_VIA_ROOT, level_of_root(r)};
        order[count] = &roots[count];
        roots[count].entry = entry;
        (void)mm_graph_root_text(graph, root, roots[count].text, TEXT_BYTES);
        count++;
    }
    named_sort(order, order + count, count);
    for (size_t i = 0; i < count; i++) {
        MM_TRY(path_offer(work, order[i]->entry));
    }
    return MM_OK;
}

static MM_STATUS unaccounted_offer(path_work *work) {
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        if (work->paths.via[node] == MM_VIA_NOTHING &&
            mm_graph_unaccounted(work->graph, node) > 0) {
            late_entry entry = {node, MM_NONE, 0, MM_VIA_C, MM_LEVEL_C};
            MM_TRY(path_offer(work, entry));
        }
    }
    return MM_OK;
}

static MM_STATUS paths_search(path_work *work) {
    MM_TRY(roots_offer(work));
    for (uint8_t level = 0; level < MM_LEVEL_COUNT; level++) {
        work->level = level;
        if (level == MM_LEVEL_C) {
            MM_TRY(unaccounted_offer(work));
        }
        MM_TRY(path_level(work));
    }
    MM_ASSERT(work->queue_start == work->queue_end);
    return MM_OK;
}

MM_STATUS mm_paths_find(const mm_graph *graph, const mm_path_options *options, mm_arena *arena,
                        mm_paths *ret, mm_error *err) {
    size_t nodes = (size_t)graph->root_node + 1;
    path_work work = {.graph = graph, .options = options};
    work.paths.via = MM_ARENA_NEW(arena, uint8_t, nodes);
    work.paths.level = MM_ARENA_NEW(arena, uint8_t, nodes);
    work.paths.link = MM_ARENA_NEW(arena, uint32_t, nodes);
    work.paths.depth = MM_ARENA_NEW(arena, uint32_t, nodes);
    work.scratch = arena;
    work.queue = MM_ARENA_NEW(arena, uint32_t, nodes);
    if (work.paths.via == NULL || work.paths.level == NULL || work.paths.link == NULL ||
        work.paths.depth == NULL || work.queue == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to look for paths", 0);
    }
    MM_TRY(mm_ephemerons_index(graph, arena, &work.ephemerons, err));
    if (paths_search(&work) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory to look for paths", 0);
    }
    *ret = work.paths;
    return MM_OK;
}

uint32_t mm_paths_parent(const mm_graph *graph, const mm_paths *paths, uint32_t node) {
    switch (paths->via[node]) {
        case MM_VIA_EDGE:
            return mm_graph_edge_source(graph, paths->link[node]);
        case MM_VIA_TYPE:
            return paths->link[node];
        case MM_VIA_EPHEMERON:
            return graph->file->ephemerons[paths->link[node]].table;
        default:
            return MM_NONE;
    }
}
