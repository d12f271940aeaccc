// Depth-first numbering of the owning references, from the root.
#ifndef MM_ANALYZE_DFS_H
#define MM_ANALYZE_DFS_H

#include "analyze/flow.h"

/// Numbers in the order of the first visit. Nodes without references (sinks) have none: they can
/// be nobody's way.
typedef struct mm_dfs {
    uint32_t count;    ///< numbered nodes
    uint32_t *number;  ///< by node; MM_NONE for sinks
    uint32_t *vertex;  ///< by number: the node; the root is number 0
} mm_dfs;

/// Number the nodes of a flow. `ret_parent`, by number: number of the node that it was reached
/// from, 0 for the root. Answers MM_E_NOMEM. Uses flow->scratch. COST: O(V + E); 4 bytes a node and
/// 8 a numbered one.
MM_STATUS mm_dfs_number(const mm_flow *flow, mm_arena *arena, mm_dfs *ret, uint32_t **ret_parent,
                        mm_error *err);

#endif
