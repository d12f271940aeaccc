// Semi-NCA works in three passes over nodes numbered by depth-first search:
//
//  1. backwards, each node's semidominator: the least number from which a way leads to it through
//     higher numbers only. `forest` finds the least semidominator on a way up in nearly constant
//     time, since it shortens the way behind itself.
//  2. forwards, the dominator: the first node above the parent, in the tree made so far, whose
//     number is not above the semidominator's.
//  3. sinks: the nearest common dominator of all that refer to them.
//
// Nearly every node has one reference. Then its semidominator and its dominator are its parent, so
// that only nodes with several get a list of who refers to them.
#include "analyze/dominate.h"

#include <string.h>

typedef struct forest_node {
    uint32_t above;
    uint32_t best;  // least semidominator from here up to `above`, which is not included
} forest_node;

typedef struct dominate_work {
    mm_dominators tree;
    const mm_flow *flow;
    uint32_t *before_start;  // by number
    uint32_t *before;        // numbers of nodes that refer to it, by number
    size_t before_room;      // 0 when it shares its memory with tree.idom
    uint32_t *parent;        // by number; shares its memory with tree.last
    forest_node *forest;     // shares its memory with tree.link
    uint32_t *way;
} dominate_work;

_Static_assert(sizeof(forest_node) == sizeof(mm_dominator_link), "they share memory");

// Who refers to the nodes that have more than one reference; tree edges need not be listed.
static MM_STATUS dominate_before(dominate_work *work, mm_arena *arena) {
    const mm_flow *flow = work->flow;
    const mm_dfs *dfs = &work->tree.dfs;
    uint32_t *start = work->before_start;
    uint32_t total = 0;
    for (uint32_t edge = 0; edge < flow->edge_count; edge++) {
        uint32_t number = dfs->number[flow->target[edge]];
        if (number != MM_NONE) {
            start[number]++;
        }
    }
    for (uint32_t number = 0; number < dfs->count; number++) {
        uint32_t count = start[number];
        total += count > 1 ? count : 0;
        start[number] = total;
    }
    start[dfs->count] = total;
    // The dominators themselves are only known when nobody asks for these any more.
    bool fits = total <= flow->node_count;
    work->before = fits ? work->tree.idom : MM_ARENA_NEW(arena, uint32_t, total);
    work->before_room = fits ? 0 : total;
    if (work->before == NULL) {
        return MM_E_NOMEM;
    }
    // Lists are filled from their ends: a start moves down to its place, and one that stands there
    // already belongs to a node without a list.
    uint32_t *floor = work->way;
    floor[0] = 0;
    for (uint32_t number = 1; number < dfs->count; number++) {
        floor[number] = start[number - 1];
    }
    for (uint32_t source = 0; source < dfs->count; source++) {
        uint32_t node = dfs->vertex[source];
        for (uint32_t edge = flow->start[node]; edge < flow->start[node + 1]; edge++) {
            uint32_t number = dfs->number[flow->target[edge]];
            if (number != MM_NONE && start[number] > floor[number]) {
                work->before[--start[number]] = source;
            }
        }
    }
    return MM_OK;
}

// Least semidominator on the way from `number` up to what was not processed yet (below `limit`).
static uint32_t forest_best(dominate_work *work, uint32_t number, uint32_t limit) {
    forest_node *forest = work->forest;
    uint32_t count = 0;
    uint32_t at = number;
    if (number < limit) {
        return number;
    }
    while (forest[at].above >= limit) {
        work->way[count++] = at;
        at = forest[at].above;
    }
    MM_ASSERT(count < work->tree.dfs.count);
    uint32_t best = forest[at].best;
    uint32_t above = forest[at].above;
    while (count > 0) {
        forest_node *node = &forest[work->way[--count]];
        best = best < node->best ? best : node->best;
        node->best = best;
        node->above = above;
    }
    return best;
}

// Pass 1. `tree.above` holds the semidominators afterwards.
static void dominate_semi(dominate_work *work) {
    const mm_dfs *dfs = &work->tree.dfs;
    for (uint32_t number = 0; number < dfs->count; number++) {
        work->forest[number].above = work->parent[number];
        work->forest[number].best = number;
    }
    for (uint32_t number = dfs->count; number-- > 1;) {
        uint32_t semi = work->parent[number];
        for (uint32_t i = work->before_start[number]; i < work->before_start[number + 1]; i++) {
            uint32_t best = forest_best(work, work->before[i], number + 1);
            semi = best < semi ? best : semi;
        }
        MM_ASSERT(semi < number);
        work->forest[number].best = semi;
        work->tree.above[number] = semi;
    }
}

// Pass 2. A jump goes as far as the two jumps above it together, when those are equally long: any
// node above is O(log depth) steps away.
static void dominate_climb(dominate_work *work) {
    mm_dominators *tree = &work->tree;
    mm_dominator_link *link = tree->link;
    link[0].jump = 0;
    link[0].depth = 0;
    tree->above[0] = 0;
    for (uint32_t number = 1; number < tree->dfs.count; number++) {
        uint32_t semi = tree->above[number];
        uint32_t at = work->parent[number];
        while (at > semi) {
            at = link[at].jump > semi ? link[at].jump : tree->above[at];
        }
        uint32_t jump = link[at].jump;
        uint32_t far = link[jump].jump;
        bool even = link[at].depth - link[jump].depth == link[jump].depth - link[far].depth;
        tree->above[number] = at;
        link[number].depth = link[at].depth + 1;
        link[number].jump = even ? far : at;
        MM_ASSERT(at < number);
    }
}

static uint32_t dominate_common(const mm_dominators *tree, uint32_t a, uint32_t b) {
    const mm_dominator_link *link = tree->link;
    if (link[a].depth < link[b].depth) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    while (link[a].depth > link[b].depth) {
        a = link[link[a].jump].depth >= link[b].depth ? link[a].jump : tree->above[a];
    }
    while (a != b) {
        // Equal depths have jumps of equal length.
        bool far = link[a].jump != link[b].jump;
        a = far ? link[a].jump : tree->above[a];
        b = far ? link[b].jump : tree->above[b];
    }
    return a;
}

// Pass 3, and the tree in terms of nodes. tree.idom holds numbers until the end.
static void dominate_sinks(mm_dominators *tree) {
    const mm_flow *flow = tree->flow;
    const mm_dfs *dfs = &tree->dfs;
    memset(tree->idom, 0xff, flow->node_count * sizeof(uint32_t));
    for (uint32_t number = 0; number < dfs->count; number++) {
        uint32_t node = dfs->vertex[number];
        for (uint32_t edge = flow->start[node]; edge < flow->start[node + 1]; edge++) {
            uint32_t target = flow->target[edge];
            if (dfs->number[target] == MM_NONE && tree->idom[target] != number) {
                uint32_t *at = &tree->idom[target];
                *at = *at == MM_NONE ? number : dominate_common(tree, *at, number);
            }
        }
    }
    for (uint32_t node = 0; node < flow->node_count; node++) {
        uint32_t number = dfs->number[node];
        uint32_t above = number == MM_NONE ? tree->idom[node] : tree->above[number];
        MM_ASSERT(above < dfs->count);
        tree->idom[node] = dfs->vertex[above];
    }
    tree->idom[flow->graph->root_node] = MM_NONE;
}

// Places. `size` and then the next free place of each numbered node are in `room`.
static void dominate_places(mm_dominators *tree, uint32_t *room) {
    const mm_flow *flow = tree->flow;
    const mm_dfs *dfs = &tree->dfs;
    memset(room, 0, dfs->count * sizeof(uint32_t));
    for (uint32_t node = 0; node < flow->node_count; node++) {
        if (dfs->number[node] == MM_NONE) {
            room[dfs->number[tree->idom[node]]]++;
        }
    }
    for (uint32_t number = dfs->count; number-- > 1;) {
        room[number]++;
        room[tree->above[number]] += room[number];
    }
    uint32_t root = flow->graph->root_node;
    MM_ASSERT(room[0] + 1 == flow->node_count);
    tree->first[root] = 0;
    tree->last[0] = room[0];
    room[0] = 1;
    for (uint32_t number = 1; number < dfs->count; number++) {
        uint32_t *next = &room[tree->above[number]];
        uint32_t node = dfs->vertex[number];
        uint32_t place = *next;
        *next += room[number];
        tree->first[node] = place;
        tree->last[number] = *next - 1;
        room[number] = place + 1;
    }
    for (uint32_t node = 0; node < flow->node_count; node++) {
        if (dfs->number[node] == MM_NONE) {
            tree->first[node] = room[dfs->number[tree->idom[node]]]++;
        }
    }
}

MM_STATUS mm_dominators_find(const mm_flow *flow, mm_arena *arena, mm_dominators *ret,
                             mm_error *err) {
    dominate_work work = {.flow = flow};
    mm_dominators *tree = &work.tree;
    tree->flow = flow;
    MM_TRY(mm_dfs_number(flow, arena, &tree->dfs, &work.parent, err));
    size_t nodes = (size_t)flow->node_count + 1;
    size_t inner = (size_t)tree->dfs.count + 1;
    tree->idom = MM_ARENA_NEW(arena, uint32_t, nodes);
    tree->first = MM_ARENA_NEW(arena, uint32_t, nodes);
    tree->last = work.parent;
    tree->above = MM_ARENA_NEW(arena, uint32_t, inner);
    tree->link = MM_ARENA_NEW(arena, mm_dominator_link, inner);
    // Arrays that are needed one after the other share their memory.
    work.forest = (forest_node *)(void *)tree->link;
    work.before_start = tree->first;
    work.way = flow->scratch;
    if (tree->idom == NULL || tree->first == NULL || tree->above == NULL || tree->link == NULL ||
        dominate_before(&work, arena) != MM_OK) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the dominator tree", 0);
    }
    dominate_semi(&work);
    MM_ARENA_GIVE_BACK(arena, work.before, work.before_room);
    dominate_climb(&work);
    dominate_sinks(tree);
    dominate_places(tree, flow->scratch);
    *ret = *tree;
    return MM_OK;
}

uint32_t mm_dominators_child(const mm_dominators *tree, uint32_t above, uint32_t node) {
    const mm_dominator_link *link = tree->link;
    uint32_t at = tree->dfs.number[node];
    uint32_t depth = link[tree->dfs.number[above]].depth + 1;
    MM_ASSERT(node != above);
    MM_ASSERT(mm_dominators_below(tree, node, above));
    while (link[at].depth > depth) {
        at = link[link[at].jump].depth >= depth ? link[at].jump : tree->above[at];
    }
    return tree->dfs.vertex[at];
}

uint32_t mm_dominators_object(const mm_dominators *tree, uint32_t node) {
    uint32_t at = tree->idom[node];
    while (at != MM_NONE && !mm_flow_is_object(tree->flow, at)) {
        at = tree->idom[at];
    }
    return at;
}
