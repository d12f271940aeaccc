// References from old to new, gathered by source and name, and what they lead to.
//
//     old dict ──[*]──▶ new ──▶ new         one group: all entries of the dict
//              ──[*]──▶ new ──▶ new         reached: 2 of round 1, 2 of round 2
//     old object ──.last──▶ new             another
//
// A group is *steady* when every round had its share of what it reaches. What is not steady alone
// may be so together with others of its shape: a container that is replaced at every change, a tree
// whose growing node is another in each round, objects that took the address of a dead one. Groups
// of one shape are united for that, and measured again.
//
// Walks are bounded by a budget of nodes in all: a group that is not walked is not reported.
#include <string.h>

#include "analyze/growing.h"
#include "base/free/sort.h"

enum { TURNOVER_MIN = 16 };

typedef struct ref_list {
    mm_growing_ref *items;
    size_t count;
    size_t room;
} ref_list;

static MM_STATUS refs_add(mm_growing *work, ref_list *list, mm_growing_ref ref) {
    if (list->count == list->room) {
        size_t room = list->room < 256 ? 256 : list->room * 2;
        mm_growing_ref *grown = MM_ARENA_NEW(work->arena, mm_growing_ref, room);
        if (grown == NULL) {
            return MM_E_NOMEM;
        }
        if (list->count > 0) {
            memcpy(grown, list->items, list->count * sizeof(*grown));
        }
        MM_ARENA_GIVE_BACK(work->arena, list->items, list->room);
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = ref;
    return MM_OK;
}

static bool ref_before(const void *left, const void *right, const void *context) {
    const mm_growing_ref *a = left;
    const mm_growing_ref *b = right;
    (void)context;
    return a->key < b->key;
}

// A namespace into which ever new names come is data: `.*`. Its names would else be accused one by
// one. REQUIRES: `refs` in the order of keys.
static void names_unite(const mm_growing_side *side, mm_growing_ref *refs, size_t count) {
    const mm_graph *graph = side->graph;
    uint32_t source = refs[0].source;
    if ((graph->node_flags[source] & MM_NODE_NAMESPACE) == 0) {
        return;
    }
    size_t names = 1;
    for (size_t i = 1; i < count; i++) {
        names += refs[i].key != refs[i - 1].key;
    }
    uint32_t then = mm_mark_find(&side->marks[0], graph->file->address[source]);
    uint32_t before = then != MM_NONE ? mm_mark_row_of(&side->marks[0], then).entries : 0;
    uint32_t after = mm_mark_row_of(&side->marks[side->rounds], source).entries;
    if (names < 2 * (size_t)side->rounds || after < before + 2 * side->rounds) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        refs[i].key = MM_GROWING_ANY_NAME;
    }
}

// The table of interned strings owns those that never die, by their keys.
static bool ref_holds(const mm_graph *graph, uint32_t source, uint32_t edge) {
    if (mm_graph_edge_owns(graph, edge)) {
        return true;
    }
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, source, &first);
    bool table = false;
    for (uint32_t i = first; i < end; i++) {
        table =
            table || graph->file->roots[(uint32_t)graph->root_index[i]].kind == MM_ROOT_INTERNED;
    }
    return table && mm_file_naming(graph->file, edge) == MM_NAME_KEY &&
           graph->file->refcount[graph->file->reference_target[edge]] == MM_NONE;
}

static MM_STATUS source_gather(mm_growing *work, const mm_growing_side *side, uint32_t source,
                               ref_list *list) {
    const mm_graph *graph = side->graph;
    const mm_file *file = graph->file;
    size_t first = list->count;
    // The links of a bounded lru_cache are its own; the cache itself says what they hold.
    if (mm_growing_is_link(graph, source)) {
        return MM_OK;
    }
    for (uint32_t edge = file->reference_start[source]; edge < file->reference_start[source + 1];
         edge++) {
        uint32_t target = file->reference_target[edge];
        if (side->fresh[target] != MM_FRESH_REACHED || !ref_holds(graph, source, edge) ||
            mm_growing_is_link(graph, target)) {
            continue;
        }
        mm_growing_ref ref = {mm_growing_key(graph, source, edge), source, edge, target};
        MM_TRY(refs_add(work, list, ref));
    }
    size_t count = list->count - first;
    if (count > 1) {
        mm_growing_ref *items = list->items + first;
        mm_growing_ref *buffer = MM_ARENA_NEW(work->arena, mm_growing_ref, count);
        if (buffer == NULL) {
            return MM_E_NOMEM;
        }
        mm_sort(items, buffer, count, sizeof(*items), ref_before, NULL);
        MM_ARENA_GIVE_BACK(work->arena, buffer, count);
        names_unite(side, items, count);
    }
    return MM_OK;
}

static MM_STATUS roots_gather(mm_growing *work, const mm_growing_side *side, ref_list *list) {
    const mm_graph *graph = side->graph;
    const mm_file *file = graph->file;
    size_t first = list->count;
    for (uint32_t root = 0; root < file->root_count; root++) {
        const mm_file_root *r = &file->roots[root];
        if (side->fresh[r->object] != MM_FRESH_REACHED || mm_file_root_is_ours(file, root) ||
            !mm_file_root_owns(file, root)) {
            continue;
        }
        mm_growing_ref ref = {mm_growing_root_key(graph, root), graph->root_node, root, r->object};
        MM_TRY(refs_add(work, list, ref));
    }
    size_t count = list->count - first;
    mm_growing_ref *buffer = MM_ARENA_NEW(work->arena, mm_growing_ref, count + 1);
    if (buffer == NULL) {
        return MM_E_NOMEM;
    }
    if (count > 0) {
        mm_sort(list->items + first, buffer, count, sizeof(*buffer), ref_before, NULL);
    }
    return MM_OK;
}

static void walk_meet(mm_growing *work, const mm_growing_side *side, uint32_t node,
                      uint32_t *tail) {
    bool passed = side->fresh[node] == MM_FRESH_REACHED || side->fresh[node] == MM_FRESH_MOVED;
    if (passed && work->seen[node] != work->walk) {
        work->seen[node] = work->walk;
        work->queue[(*tail)++] = node;
    }
}

static uint32_t group_walk(mm_growing *work, const mm_growing_side *side,
                           const mm_growing_group *group) {
    const mm_graph *graph = side->graph;
    const mm_file *file = graph->file;
    uint32_t tail = 0;
    work->walk++;
    for (uint32_t i = 0; i < group->ref_count; i++) {
        walk_meet(work, side, group->refs[i].target, &tail);
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = work->queue[head];
        for (uint32_t edge = file->reference_start[node]; edge < file->reference_start[node + 1];
             edge++) {
            if (mm_graph_edge_owns(graph, edge)) {
                walk_meet(work, side, file->reference_target[edge], &tail);
            }
        }
        uint32_t type = mm_graph_type_object(graph, node);
        if (type != MM_NONE) {
            walk_meet(work, side, type, &tail);
        }
    }
    return tail;
}

MM_STATUS mm_growing_measure(mm_growing *work, const mm_growing_side *side, mm_growing_group *group,
                             bool keep) {
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t rounds = mm_growing_rounds(side);
    group->objects = MM_ARENA_NEW(work->arena, uint32_t, rounds);
    group->edges = MM_ARENA_NEW(work->arena, uint32_t, rounds);
    if (group->objects == NULL || group->edges == NULL) {
        return MM_E_NOMEM;
    }
    if (work->budget == 0) {
        return MM_OK;
    }
    uint32_t met = group_walk(work, side, group);
    uint32_t count = 0;
    work->budget -= work->budget < met ? work->budget : met;
    for (uint32_t i = 0; i < met; i++) {
        uint32_t node = work->queue[i];
        if (side->birth[node] == 0) {
            continue;
        }
        work->queue[count++] = node;
        group->objects[mm_growing_round(side, node)]++;
        group->bytes += mm_mark_row_of(now, node).bytes;
    }
    for (uint32_t i = 0; i < group->ref_count; i++) {
        group->edges[mm_growing_round(side, group->refs[i].target)]++;
    }
    group->object_rate = mm_growing_steady(group->objects, rounds);
    group->edge_rate = mm_growing_steady(group->edges, rounds);
    group->reach_count = count;
    if (keep && (group->object_rate > 0 || group->turnover)) {
        group->reach = MM_ARENA_NEW(work->arena, uint32_t, (size_t)count + 1);
        if (group->reach == NULL) {
            return MM_E_NOMEM;
        }
        memcpy(group->reach, work->queue, count * sizeof(*group->reach));
    }
    return MM_OK;
}

// Cut the references into groups: runs of one source and one key.
static MM_STATUS groups_cut(mm_growing *work, mm_growing_side *side, const ref_list *list) {
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const mm_growing_ref *ref = &list->items[i];
        count += i == 0 || ref->source != ref[-1].source || ref->key != ref[-1].key;
    }
    // Those that will be united come behind them; there are at most half as many.
    side->groups = MM_ARENA_NEW(work->arena, mm_growing_group, count + count / 2 + 1);
    if (side->groups == NULL) {
        return MM_E_NOMEM;
    }
    mm_growing_group *group = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const mm_growing_ref *ref = &list->items[i];
        if (i == 0 || ref->source != ref[-1].source || ref->key != ref[-1].key) {
            group = &side->groups[side->group_count++];
            group->refs = ref;
            group->source = ref->source;
            group->key = ref->key;
        }
        group->ref_count++;
        group->mask |= side->mask[ref->target];
    }
    side->alone_count = side->group_count;
    return MM_OK;
}

typedef struct shape_order {
    uint64_t shape;
    uint32_t group;
} shape_order;

static bool shape_before(const void *left, const void *right, const void *context) {
    const shape_order *a = left;
    const shape_order *b = right;
    (void)context;
    return a->shape < b->shape;
}

// One group out of those in `order`, `count` of them.
static MM_STATUS shape_unite(mm_growing *work, mm_growing_side *side, const shape_order *order,
                             size_t count) {
    mm_growing_group united = {.united = true, .shape = order[0].shape};
    uint32_t newest = 0;
    size_t refs = 0;
    for (size_t i = 0; i < count; i++) {
        refs += side->groups[order[i].group].ref_count;
        united.mask |= side->groups[order[i].group].mask;
    }
    if (united.mask != (uint32_t)((1ull << mm_growing_rounds(side)) - 1)) {
        return MM_OK;
    }
    mm_growing_ref *items = MM_ARENA_NEW(work->arena, mm_growing_ref, refs);
    if (items == NULL) {
        return MM_E_NOMEM;
    }
    refs = 0;
    for (size_t i = 0; i < count; i++) {
        const mm_growing_group *part = &side->groups[order[i].group];
        united.tree =
            united.tree || mm_growing_depth(side, part->source) !=
                               mm_growing_depth(side, side->groups[order[0].group].source);
        memcpy(items + refs, part->refs, part->ref_count * sizeof(*items));
        for (uint32_t r = 0; r < part->ref_count; r++) {
            if (side->birth[part->refs[r].target] >= newest) {
                newest = side->birth[part->refs[r].target];
                united.source = part->source;
                united.key = part->key;
            }
        }
        refs += part->ref_count;
    }
    united.refs = items;
    united.ref_count = (uint32_t)refs;
    MM_TRY(mm_growing_measure(work, side, &united, true));
    side->groups[side->group_count++] = united;
    return MM_OK;
}

static MM_STATUS shapes_unite(mm_growing *work, mm_growing_side *side) {
    uint32_t alone = side->group_count;
    size_t count = 0;
    shape_order *order = MM_ARENA_NEW(work->arena, shape_order, (size_t)alone + 1);
    shape_order *buffer = MM_ARENA_NEW(work->arena, shape_order, (size_t)alone + 1);
    if (order == NULL || buffer == NULL) {
        return MM_E_NOMEM;
    }
    for (uint32_t i = 0; i < alone; i++) {
        mm_growing_group *group = &side->groups[i];
        group->shape = mm_growing_shape(work, side, group->source) * 31 + group->key;
        // In the late rounds a shape is asked about whether its groups are steady alone or not.
        if (group->object_rate == 0 || side == &work->late) {
            order[count].shape = group->shape;
            order[count++].group = i;
        }
    }
    mm_sort(order, buffer, count, sizeof(*order), shape_before, NULL);
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && order[end].shape == order[first].shape) {
            end++;
        }
        if (end - first > 1) {
            MM_TRY(shape_unite(work, side, order + first, end - first));
        }
        first = end;
    }
    return MM_OK;
}

const mm_growing_group *mm_growing_group_of(const mm_growing_side *side, uint32_t source,
                                            uint64_t key) {
    uint32_t low = 0;
    uint32_t high = side->alone_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const mm_growing_group *group = &side->groups[middle];
        bool before = group->source != source ? group->source < source : group->key < key;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    bool found = low < side->alone_count && side->groups[low].source == source &&
                 side->groups[low].key == key;
    return found ? &side->groups[low] : NULL;
}

// Has a container no more entries in the end than after the early rounds, but for a few?
static bool stands_still(const mm_growing *work, const mm_growing_group *group) {
    const mm_mark *now = &work->input->marks[work->input->early];
    const mm_mark *last = &work->input->marks[work->input->mark_count - 1];
    uint32_t then = mm_mark_find(last, now->address[group->source]);
    return then != MM_NONE && mm_mark_type_of(last, then) == mm_mark_type_of(now, group->source) &&
           mm_mark_row_of(last, then).entries <=
               (uint64_t)mm_mark_row_of(now, group->source).entries + group->ref_count / 4;
}

// A container of data whose entries, many of them, are new in the last early round and new again
// in the last late one, as many: a cache that is full. It is walked to be told of, as a note.
MM_STATUS mm_growing_turnover(mm_growing *work) {
    mm_growing_side *early = &work->early;
    const mm_graph *graph = early->graph;
    for (uint32_t i = 0; i < early->group_count; i++) {
        mm_growing_group *group = &early->groups[i];
        if (group->united || group->object_rate > 0 || group->ref_count < TURNOVER_MIN ||
            group->source == graph->root_node ||
            (graph->node_flags[group->source] & MM_NODE_NAMESPACE) != 0) {
            continue;
        }
        uint32_t source = mm_file_find(work->late.graph->file, graph->file->address[group->source]);
        const mm_growing_group *other =
            source != MM_NONE ? mm_growing_group_of(&work->late, source, group->key) : NULL;
        bool new_again = other != NULL && other->ref_count >= group->ref_count / 2;
        // What has a bound replaces its entries when it is full: by the same allocator at the same
        // addresses, so that nothing seems to be born.
        uint64_t bound = MM_UNKNOWN;
        bool bounded = mm_growing_is_bounded(graph, group->source, &bound);
        group->turnover = (new_again || bounded) && stands_still(work, group);
        if (group->turnover) {
            group->bytes = 0;
            MM_TRY(mm_growing_measure(work, early, group, true));
        }
    }
    return MM_OK;
}

MM_STATUS mm_growing_groups(mm_growing *work, mm_growing_side *side) {
    const mm_graph *graph = side->graph;
    const mm_mark *now = &side->marks[side->rounds];
    uint32_t full = (uint32_t)((1ull << mm_growing_rounds(side)) - 1);
    ref_list list = {0};
    for (uint32_t node = 0; node < graph->root_node; node++) {
        if (side->birth[node] == 0 && now->reached[node] == MM_REACHED_NAMED &&
            side->paths.via[node] != MM_VIA_NOTHING &&
            (graph->node_flags[node] & MM_NODE_OWN) == 0) {
            MM_TRY(source_gather(work, side, node, &list));
        }
    }
    MM_TRY(roots_gather(work, side, &list));
    MM_TRY(groups_cut(work, side, &list));
    // Many references first: should the budget end, it ends with the least of them.
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < side->group_count; i++) {
            mm_growing_group *group = &side->groups[i];
            bool many = group->ref_count >= side->rounds;
            if (group->mask == full && many == (pass == 0)) {
                MM_TRY(mm_growing_measure(work, side, group, true));
            }
        }
    }
    return shapes_unite(work, side);
}
