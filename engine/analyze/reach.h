// What is alive, and who says so: named roots, C code, or nobody.
#ifndef MM_ANALYZE_REACH_H
#define MM_ANALYZE_REACH_H

#include "analyze/ephemeron.h"

/// Why a node is alive.
typedef enum mm_reached {
    MM_REACHED_NOT = 0,    ///< garbage: waits for the cyclic collector
    MM_REACHED_NAMED = 1,  ///< from a named root
    MM_REACHED_BY_C = 2  ///< only from objects that nothing named reaches and that have references
                         ///< nobody in the heap accounts for
} mm_reached;

/// One byte for each node, and the sums.
typedef struct mm_reach {
    uint8_t *reached;  ///< mm_reached
    uint32_t named_count;
    uint32_t by_c_count;
    uint32_t garbage_count;
} mm_reach;

/// Mark everything reachable. References are those that own, types of heap-type instances, and
/// ephemeron entries by their rule. COST: O(V + E) time; a byte a node, and 4 while it works.
MM_STATUS mm_reach_mark(const mm_graph *graph, mm_arena *arena, mm_reach *ret, mm_error *err);

/// The same from what somebody has kept of it: by node an mm_reached in the two lowest bits.
/// COST: O(V) time; a byte a node.
MM_STATUS mm_reach_again(const mm_graph *graph, const uint8_t *kept, mm_arena *arena, mm_reach *ret,
                         mm_error *err);

#endif
