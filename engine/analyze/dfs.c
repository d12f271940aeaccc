// The path back to the root is in `parent` already, so that the only further state is, by number,
// the next edge to look at. A look at `number` is nearly always a cache miss: the one that will be
// needed a few edges later is asked for in advance.
#include "analyze/dfs.h"

enum { UNSEEN_LESS = 1, AHEAD = 8 };

MM_STATUS mm_dfs_number(const mm_flow *flow, mm_arena *arena, mm_dfs *ret, uint32_t **ret_parent,
                        mm_error *err) {
    const uint32_t unseen = MM_NONE - UNSEEN_LESS;
    mm_dfs dfs = {0};
    size_t inner = 0;
    for (uint32_t node = 0; node < flow->node_count; node++) {
        inner += flow->start[node] < flow->start[node + 1];
    }
    dfs.number = MM_ARENA_NEW(arena, uint32_t, (size_t)flow->node_count + 1);
    dfs.vertex = MM_ARENA_NEW(arena, uint32_t, inner + 1);
    uint32_t *parent = MM_ARENA_NEW(arena, uint32_t, inner + 1);
    uint32_t *cursor = flow->scratch;
    if (dfs.number == NULL || dfs.vertex == NULL || parent == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to number the objects", 0);
    }
    for (uint32_t node = 0; node < flow->node_count; node++) {
        dfs.number[node] = flow->start[node] < flow->start[node + 1] ? unseen : MM_NONE;
    }
    uint32_t root = flow->graph->root_node;
    MM_ASSERT(dfs.number[root] == unseen);
    dfs.number[root] = 0;
    dfs.vertex[0] = root;
    cursor[0] = flow->start[root];
    dfs.count = 1;
    uint32_t current = 0;
    for (;;) {
        uint32_t end = flow->start[dfs.vertex[current] + 1];
        uint32_t edge = cursor[current];
        while (edge < end && dfs.number[flow->target[edge]] != unseen) {
            MM_PREFETCH(&dfs.number[flow->target[edge + AHEAD < end ? edge + AHEAD : edge]]);
            edge++;
        }
        if (edge == end) {
            if (current == 0) {
                break;
            }
            current = parent[current];
            continue;
        }
        cursor[current] = edge + 1;
        uint32_t node = flow->target[edge];
        MM_ASSERT(dfs.count < inner);
        dfs.number[node] = dfs.count;
        dfs.vertex[dfs.count] = node;
        parent[dfs.count] = current;
        cursor[dfs.count] = flow->start[node];
        current = dfs.count++;
    }
    // Garbage hangs on the root too: nothing is left over.
    MM_ASSERT(dfs.count == inner);
    *ret = dfs;
    *ret_parent = parent;
    return MM_OK;
}
