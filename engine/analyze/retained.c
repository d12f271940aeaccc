// Sinks give what they have to the node above; then numbered nodes do, the last one first: whatever
// is below a node has a higher number.
#include "analyze/retained.h"

MM_STATUS mm_retained_sum(const mm_dominators *tree, mm_arena *arena, uint64_t **ret,
                          mm_error *err) {
    const mm_flow *flow = tree->flow;
    const mm_file *file = flow->graph->file;
    const mm_dfs *dfs = &tree->dfs;
    uint64_t *bytes = MM_ARENA_NEW(arena, uint64_t, (size_t)flow->node_count + 1);
    if (bytes == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for retained sizes", 0);
    }
    for (uint32_t node = 0; node < flow->node_count; node++) {
        uint64_t own = mm_flow_is_object(flow, node) ? mm_retained_own(file, node) : 0;
        bytes[node] += own;
        if (dfs->number[node] == MM_NONE) {
            bytes[tree->idom[node]] += own;
        }
    }
    for (uint32_t number = dfs->count; number-- > 1;) {
        uint32_t node = dfs->vertex[number];
        MM_ASSERT(tree->idom[node] != node);
        MM_ASSERT(bytes[tree->idom[node]] <= UINT64_MAX - bytes[node]);
        bytes[tree->idom[node]] += bytes[node];
    }
    *ret = bytes;
    return MM_OK;
}
