// Breadth first search, level by level. Within a level a plain queue, in which distances never
// fall, so that the first arrival is the shortest. A step that would make a chain worse does not go
// into the queue but into a list for its level, with its distance; when the better levels are
// exhausted, that list is sorted by distance and merged into the search of its level. Each node is
// expanded once.
//
//     level 0 queue  ─▶ ... ─▶ empty     later: (node, level 2, depth 3) (node, level 1, depth 9)
//     level 1 queue  ◀─ entries of level 1 by depth, as the search gets there
//
// A node may stand in the list once for each way that was better than the one before, by level and
// depth; entries that have been overtaken are dropped when their turn comes.
//
// What the search costs is waiting for memory. What it asks of the target of every reference stands
// in one byte by node, which a cache holds where it does not hold the graph. The queue says long in
// advance which nodes come next, and that distances never fall in it says how far away they are.
//
// Nothing that was found is ever changed, so the search can stop at any node, and go on when
// somebody asks for another one. Who asks for a few objects, which lie near the modules as a rule,
// does not wait for all the others.
#include "analyze/path.h"

#include <string.h>

#include "base/free/search.h"
#include "base/free/sort.h"

typedef struct late_entry {
    uint32_t node;
    uint32_t link;
    uint32_t depth;
    uint8_t via;
    uint8_t level;
} late_entry;

typedef struct mm_path_search {
    const mm_graph *graph;
    mm_path_options options;
    mm_ephemerons ephemerons;
    uint8_t *state;   ///< by node: STATE_*
    uint32_t *link;   ///< by node, as in the answer
    uint32_t *depth;  ///< by node, as in the answer; of one that is only in the list, too
    uint32_t *queue;  ///< every node once, in the order of its final arrival
    uint32_t queue_start;
    uint32_t queue_end;
    uint32_t queue_told;  ///< the answer knows of the nodes before
    late_entry *late;
    uint32_t late_count;
    uint32_t late_room;
    uint8_t level;
    late_entry *items;  ///< those of `late` for this level, by distance
    uint32_t item_next;
    uint32_t item_count;
    uint32_t item_room;
    uint32_t distance;  ///< of the nodes that the queue begins with
    uint32_t turn;      ///< behind it the queue has those that they lead to
    mm_arena *arena;
} path_work;

static const char no_memory[] = "no memory to look for paths";

enum { TEXT_BYTES = 128 };

// What the search asks of a node again and again. Of one that has its chain, the way and the level
// by which it was reached stand in the place of what was asked before: of mortmain's own objects,
// which must not have one, it is no way at all.
enum {
    STATE_DONE = 1,
    STATE_STDLIB = 2,
    STATE_TRACEBACK = 4,
    STATE_DICT = 8,
    STATE_WAITS = 0x10,  // 3 bits: 0, or 1 + the level for which it stands in the list
    STATE_MODULE = 0x80,
    STATE_VIA = 2,       // 3 bits, of one that is done
    STATE_LEVEL = 0x10,  // 3 bits, of one that is done
    THREE_BITS = 7
};

// Nodes of the queue between one and the next thing that is asked for before its turn, and
// references of a node that are.
enum { QUEUE_AHEAD = 6, EDGES_AHEAD = 8 };

static MM_STATUS late_push(path_work *work, late_entry entry) {
    if (work->late_count == work->late_room) {
        uint32_t room = work->late_room < 64 ? 64 : work->late_room * 2;
        late_entry *grown = MM_ARENA_NEW(work->arena, late_entry, room);
        if (grown == NULL || room <= work->late_room) {
            return MM_E_NOMEM;
        }
        if (work->late_count > 0) {
            memcpy(grown, work->late, work->late_count * sizeof(late_entry));
        }
        MM_ARENA_GIVE_BACK(work->arena, work->late, work->late_room);
        work->late = grown;
        work->late_room = room;
    }
    work->late[work->late_count++] = entry;
    return MM_OK;
}

static uint8_t level_of_state(unsigned state) {
    return (state & STATE_STDLIB) != 0 ? MM_LEVEL_STDLIB : MM_LEVEL_MODULE;
}

static void states_fill(path_work *work) {
    const mm_graph *graph = work->graph;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        unsigned flags = graph->node_flags[node];
        uint32_t kind = mm_graph_kind(graph, node);
        unsigned state = (flags & MM_NODE_STDLIB) != 0 ? STATE_STDLIB : 0;
        state |= kind == MM_KIND_TRACEBACK ? STATE_TRACEBACK : 0;
        state |= kind == MM_KIND_DICT ? STATE_DICT : 0;
        state |= kind == MM_KIND_MODULE ? STATE_MODULE : 0;
        work->state[node] = (uint8_t)((flags & MM_NODE_OWN) != 0 ? STATE_DONE : state);
    }
}

// By what a node was reached, MM_VIA_NOTHING for one that has no chain yet.
static unsigned via_of_state(unsigned state) {
    return (state & STATE_DONE) != 0 ? state / STATE_VIA & THREE_BITS : MM_VIA_NOTHING;
}

static void path_arrive(path_work *work, const late_entry *entry) {
    uint8_t *state = &work->state[entry->node];
    MM_ASSERT((*state & STATE_DONE) == 0);
    MM_ASSERT(work->queue_end < work->graph->root_node);
    *state = (uint8_t)((*state & STATE_MODULE) | entry->level * STATE_LEVEL |
                       entry->via * STATE_VIA | STATE_DONE);
    work->link[entry->node] = entry->link;
    work->depth[entry->node] = entry->depth;
    work->queue[work->queue_end++] = entry->node;
}

// Offer a way to a node.
static MM_STATUS path_offer(path_work *work, late_entry entry) {
    if (entry.node == MM_NONE || (work->state[entry.node] & STATE_DONE) != 0) {
        return MM_OK;
    }
    unsigned state = work->state[entry.node];
    uint8_t worst = level_of_state(state);
    entry.level = entry.level > worst ? entry.level : worst;
    entry.level = entry.level > work->level ? entry.level : work->level;
    if (entry.level == work->level && entry.via != MM_VIA_ROOT && entry.via != MM_VIA_MODULE &&
        entry.via != MM_VIA_C) {
        path_arrive(work, &entry);
        return MM_OK;
    }
    unsigned waits = state / STATE_WAITS & THREE_BITS;
    if (waits != 0 && (waits < entry.level + 1u ||
                       (waits == entry.level + 1u && work->depth[entry.node] <= entry.depth))) {
        return MM_OK;
    }
    state &= ~(unsigned)(THREE_BITS * STATE_WAITS);
    work->state[entry.node] = (uint8_t)(state | (entry.level + 1u) * STATE_WAITS);
    work->depth[entry.node] = entry.depth;
    return late_push(work, entry);
}

static uint8_t edge_level(const path_work *work, uint32_t source, uint32_t edge) {
    const mm_graph *graph = work->graph;
    unsigned target = work->state[graph->file->reference_target[edge]];
    if (MM_UNLIKELY((target & STATE_TRACEBACK) != 0)) {
        // An exception tells more than its bare traceback, which sys.last_traceback is.
        uint32_t kind = mm_graph_kind(graph, source);
        bool plain = kind != MM_KIND_TRACEBACK &&
                     mm_graph_edge_role(graph, source, edge) != MM_ROLE_TRACEBACK;
        return plain ? MM_LEVEL_ROOT : MM_LEVEL_MODULE;
    }
    // Only fields can lead back to the module.
    unsigned naming = mm_file_naming(graph->file, edge);
    bool field = naming == MM_NAME_WORD || naming == MM_NAME_NAMED;
    if ((work->state[source] & STATE_MODULE) != 0 && field &&
        mm_graph_edge_role(graph, source, edge) == MM_ROLE_NONE) {
        // What a module of C keeps in its state often has a name in its namespace, too.
        return MM_LEVEL_ROOT;
    }
    bool back = field && (target & STATE_DICT) != 0 &&
                mm_graph_edge_role(graph, source, edge) == MM_ROLE_GLOBALS;
    return back ? MM_LEVEL_STDLIB : MM_LEVEL_MODULE;
}

static MM_STATUS path_ephemerons(path_work *work, uint32_t node) {
    const mm_ephemerons *index = &work->ephemerons;
    const uint8_t *barrier = work->options.barrier;
    for (uint32_t i = mm_ephemerons_first(index, node);
         i < index->watch_count && index->watch[i] >> 32 == node; i++) {
        uint32_t number = (uint32_t)index->watch[i];
        const mm_file_ephemeron *entry = &index->file->ephemerons[number];
        if (barrier != NULL && (barrier[entry->table] | barrier[entry->key]) != 0) {
            continue;
        }
        bool both = via_of_state(work->state[entry->table]) != MM_VIA_NOTHING &&
                    via_of_state(work->state[entry->key]) != MM_VIA_NOTHING;
        if (both) {
            // The later of the two has just been expanded, so distances still never fall.
            late_entry offer = {entry->value, number, work->distance + 1, MM_VIA_EPHEMERON, 0};
            MM_TRY(path_offer(work, offer));
        }
    }
    return MM_OK;
}

// Ask for what nodes further down the queue will need: first where their references begin, then
// these, then what they lead to.
static void path_prefetch(const path_work *work) {
    const mm_file *file = work->graph->file;
    uint32_t left = work->queue_end - work->queue_start;
    const uint32_t *queue = work->queue + work->queue_start;
    if (left <= 3 * QUEUE_AHEAD) {
        return;
    }
    uint32_t far = queue[3 * QUEUE_AHEAD];
    MM_PREFETCH(&file->reference_start[far]);
    MM_PREFETCH(&file->type[far]);
    uint32_t first = file->reference_start[queue[2 * QUEUE_AHEAD]];
    MM_PREFETCH(&file->reference_target[first]);
    MM_PREFETCH(&file->reference_naming[first]);
    uint32_t near = queue[QUEUE_AHEAD];
    first = file->reference_start[near];
    uint32_t end = file->reference_start[near + 1];
    end = end - first > EDGES_AHEAD ? first + EDGES_AHEAD : end;
    for (uint32_t edge = first; edge < end; edge++) {
        uint32_t target = file->reference_target[edge];
        MM_PREFETCH(&work->state[target]);
        MM_PREFETCH(&work->link[target]);
        MM_PREFETCH(&work->depth[target]);
    }
}

static MM_STATUS path_expand(path_work *work, uint32_t node) {
    const mm_file *file = work->graph->file;
    const uint8_t *barrier = work->options.barrier;
    if (barrier != NULL && barrier[node] != 0) {
        return MM_OK;
    }
    uint32_t depth = work->distance + 1;
    for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if ((work->state[target] & STATE_DONE) == 0 && mm_graph_edge_owns(work->graph, edge)) {
            late_entry offer = {target, edge, depth, MM_VIA_EDGE, edge_level(work, node, edge)};
            MM_TRY(path_offer(work, offer));
        }
    }
    late_entry type = {mm_graph_type_object(work->graph, node), node, depth, MM_VIA_TYPE,
                       MM_LEVEL_STDLIB};
    MM_TRY(path_offer(work, type));
    return work->ephemerons.watch_count > 0 ? path_ephemerons(work, node) : MM_OK;
}

static bool late_before(const void *a, const void *b, const void *context) {
    (void)context;
    return ((const late_entry *)a)->depth < ((const late_entry *)b)->depth;
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

// Roots or modules that wait for their places in the order of names.
typedef struct named_start {
    char text[TEXT_BYTES];
    late_entry entry;
} named_start;

typedef struct named_starts {
    path_work *work;
    named_start *items;
    named_start **order;  ///< as many again behind them, for sorting
    size_t count;
    size_t room;
} named_starts;

static MM_STATUS starts_take(path_work *work, size_t room, named_starts *ret) {
    named_starts starts = {.work = work, .room = room};
    starts.items = MM_ARENA_NEW(work->arena, named_start, room + 1);
    starts.order = MM_ARENA_NEW(work->arena, named_start *, 2 * room + 1);
    if (starts.items == NULL || starts.order == NULL) {
        return MM_E_NOMEM;
    }
    *ret = starts;
    return MM_OK;
}

// Add a start; its name goes into the answer's `text`.
static named_start *starts_add(named_starts *starts, late_entry entry) {
    MM_ASSERT(starts->count < starts->room);
    MM_ASSERT(entry.node < starts->work->graph->root_node);
    named_start *start = &starts->items[starts->count];
    start->entry = entry;
    starts->order[starts->count++] = start;
    return start;
}

static bool named_before(const void *left, const void *right, const void *context) {
    const named_start *a = *(named_start *const *)left;
    const named_start *b = *(named_start *const *)right;
    (void)context;
    bool a_main = strcmp(a->text, "__main__") == 0;
    bool b_main = strcmp(b->text, "__main__") == 0;
    return a_main != b_main ? a_main : strcmp(a->text, b->text) < 0;
}

static MM_STATUS starts_offer(const named_starts *starts) {
    mm_sort(starts->order, starts->order + starts->count, starts->count, sizeof(*starts->order),
            named_before, NULL);
    for (size_t i = 0; i < starts->count; i++) {
        MM_TRY(path_offer(starts->work, starts->order[i]->entry));
    }
    return MM_OK;
}

static bool root_is_left_out(const path_work *work, uint32_t number) {
    const mm_file *file = work->graph->file;
    const uint8_t *left_out = work->options.roots_left_out;
    return !mm_file_root_owns(file, number) || mm_file_root_is_ours(file, number) ||
           (left_out != NULL && left_out[number] != 0);
}

// Modules are starts of their own: a chain begins with "module shop", not with sys.modules.
static MM_STATUS modules_offer(path_work *work, uint32_t dict) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    uint32_t start = file->reference_start[dict];
    size_t modules = 0;
    for (uint32_t edge = start; edge < file->reference_start[dict + 1]; edge++) {
        modules += mm_graph_kind(graph, file->reference_target[edge]) == MM_KIND_MODULE;
    }
    named_starts starts;
    MM_TRY(starts_take(work, modules, &starts));
    for (uint32_t edge = start; edge < file->reference_start[dict + 1]; edge++) {
        uint32_t target = file->reference_target[edge];
        if (mm_graph_kind(graph, target) != MM_KIND_MODULE || !mm_graph_edge_owns(graph, edge)) {
            continue;
        }
        const char *name = mm_graph_module_name(graph, target);
        late_entry entry = {target, edge, 0, MM_VIA_MODULE, MM_LEVEL_MODULE};
        strncpy(starts_add(&starts, entry)->text, name != NULL ? name : "?", TEXT_BYTES - 1);
    }
    return starts_offer(&starts);
}

// Is this the first root by which its object is sys.modules? Looks back to the one before.
static bool modules_first(const mm_graph *graph, uint32_t root) {
    uint64_t key = (uint64_t)graph->file->roots[root].object << 32 | root;
    size_t at = mm_lower_bound_u64(graph->root_index, sizeof(*graph->root_index),
                                   graph->file->root_count, key);
    MM_ASSERT(graph->root_index[at] == key);
    while (at-- > 0 && graph->root_index[at] >> 32 == key >> 32) {
        if (graph->file->roots[(uint32_t)graph->root_index[at]].kind == MM_ROOT_MODULES) {
            return false;
        }
    }
    return true;
}

static MM_STATUS roots_offer(path_work *work) {
    const mm_graph *graph = work->graph;
    const mm_file *file = graph->file;
    named_starts starts;
    MM_TRY(starts_take(work, file->root_count, &starts));
    for (uint32_t root = 0; root < file->root_count; root++) {
        const mm_file_root *r = &file->roots[root];
        if (root_is_left_out(work, root)) {
            continue;
        }
        // Each dict once: a file may name it as often as it likes.
        if (r->kind == MM_ROOT_MODULES && modules_first(graph, root)) {
            MM_TRY(modules_offer(work, r->object));
        }
        late_entry entry = {r->object, root, 0, MM_VIA_ROOT, level_of_root(r)};
        (void)mm_graph_root_text(graph, root, starts_add(&starts, entry)->text, TEXT_BYTES);
    }
    return starts_offer(&starts);
}

static MM_STATUS unaccounted_offer(path_work *work) {
    for (uint32_t node = 0; node < work->graph->root_node; node++) {
        if ((work->state[node] & (STATE_DONE | THREE_BITS * STATE_WAITS)) == 0 &&
            mm_graph_unaccounted(work->graph, node) > 0) {
            late_entry entry = {node, MM_NONE, 0, MM_VIA_C, MM_LEVEL_C};
            MM_TRY(path_offer(work, entry));
        }
    }
    return MM_OK;
}

// Take what was put off to this level out of the list.
static MM_STATUS level_begin(path_work *work) {
    if (work->level == MM_LEVEL_C) {
        MM_TRY(unaccounted_offer(work));
    }
    size_t room = (size_t)work->late_count + 1;
    work->items = MM_ARENA_NEW(work->arena, late_entry, room);
    late_entry *buffer = MM_ARENA_NEW(work->arena, late_entry, room);
    if (work->items == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    work->item_room = (uint32_t)room;
    work->item_next = 0;
    work->item_count = 0;
    for (uint32_t i = 0; i < work->late_count; i++) {
        if (work->late[i].level == work->level) {
            work->items[work->item_count++] = work->late[i];
        }
    }
    mm_sort(work->items, buffer, work->item_count, sizeof(*work->items), late_before, NULL);
    MM_ARENA_GIVE_BACK(work->arena, buffer, room);
    work->distance = 0;
    work->turn = work->queue_start;
    return MM_OK;
}

// All nodes of one distance are expanded: on to the next. False at the end of the level.
static bool distance_next(path_work *work) {
    const late_entry *items = work->items;
    MM_ASSERT(work->queue_start == work->turn);
    if (work->queue_start < work->queue_end) {
        work->distance++;
    } else if (work->item_next < work->item_count) {
        work->distance = items[work->item_next].depth;
    } else {
        return false;
    }
    while (work->item_next < work->item_count && items[work->item_next].depth <= work->distance) {
        const late_entry *entry = &items[work->item_next++];
        if ((work->state[entry->node] & STATE_DONE) == 0) {
            path_arrive(work, entry);
        }
    }
    work->turn = work->queue_end;
    return true;
}

// Search on until `until` has its chain; MM_NONE: until all have theirs.
static MM_STATUS path_search_on(path_work *work, uint32_t until) {
    while (work->level < MM_LEVEL_COUNT &&
           (until == MM_NONE || (work->state[until] & STATE_DONE) == 0)) {
        if (work->queue_start < work->turn) {
            path_prefetch(work);
            MM_TRY(path_expand(work, work->queue[work->queue_start++]));
        } else if (!distance_next(work)) {
            MM_ARENA_GIVE_BACK(work->arena, work->items, work->item_room);
            work->level++;
            MM_TRY(work->level < MM_LEVEL_COUNT ? level_begin(work) : MM_OK);
        }
    }
    return MM_OK;
}

static MM_STATUS path_begin(path_work *work, mm_paths *ret) {
    size_t nodes = (size_t)work->graph->root_node + 1;
    mm_paths paths = {.search = work};
    paths.via = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    paths.level = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    paths.link = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    paths.depth = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    work->link = paths.link;
    work->depth = paths.depth;
    work->state = MM_ARENA_NEW(work->arena, uint8_t, nodes);
    work->queue = MM_ARENA_NEW(work->arena, uint32_t, nodes);
    if (paths.via == NULL || paths.level == NULL || paths.link == NULL || paths.depth == NULL ||
        work->state == NULL || work->queue == NULL) {
        return MM_E_NOMEM;
    }
    states_fill(work);
    MM_TRY(roots_offer(work));
    MM_TRY(level_begin(work));
    *ret = paths;
    return MM_OK;
}

static void path_tell(const path_work *work, uint32_t node, mm_paths *paths) {
    unsigned state = work->state[node];
    bool done = (state & STATE_DONE) != 0;
    paths->via[node] = (uint8_t)via_of_state(state);
    paths->level[node] = (uint8_t)(done ? state / STATE_LEVEL & THREE_BITS : 0);
}

static void path_end(mm_paths *paths) {
    path_work *work = paths->search;
    size_t nodes = (size_t)work->graph->root_node + 1;
    MM_ARENA_GIVE_BACK(work->arena, work->late, work->late_room);
    MM_ARENA_GIVE_BACK(work->arena, work->queue, nodes);
    MM_ARENA_GIVE_BACK(work->arena, work->state, nodes);
    paths->search = NULL;
}

MM_STATUS mm_paths_begin(const mm_graph *graph, const mm_path_options *options, mm_arena *arena,
                         mm_paths *ret, mm_error *err) {
    path_work *work = MM_ARENA_NEW(arena, path_work, 1);
    if (work == NULL) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    work->graph = graph;
    work->options = *options;
    work->arena = arena;
    MM_TRY(mm_ephemerons_index(graph, arena, &work->ephemerons, err));
    mm_status status = path_begin(work, ret);
    return status == MM_OK ? MM_OK : mm_fail(err, status, no_memory, 0);
}

MM_STATUS mm_paths_settle(mm_paths *paths, uint32_t node) {
    path_work *work = paths->search;
    if (work == NULL || node >= work->graph->root_node) {
        return MM_OK;
    }
    MM_TRY(path_search_on(work, node));
    for (; work->queue_told < work->queue_end; work->queue_told++) {
        path_tell(work, work->queue[work->queue_told], paths);
    }
    if (work->level == MM_LEVEL_COUNT) {
        path_end(paths);
    }
    return MM_OK;
}

MM_STATUS mm_paths_find(const mm_graph *graph, const mm_path_options *options, mm_arena *arena,
                        mm_paths *ret, mm_error *err) {
    mm_paths paths;
    MM_TRY(mm_paths_begin(graph, options, arena, &paths, err));
    if (path_search_on(paths.search, MM_NONE) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, no_memory, 0);
    }
    MM_ASSERT(paths.search->queue_start == paths.search->queue_end);
    for (uint32_t node = 0; node < graph->root_node; node++) {
        path_tell(paths.search, node, &paths);
    }
    path_end(&paths);
    *ret = paths;
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
