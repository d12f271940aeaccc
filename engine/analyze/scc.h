// Cycles: sets of objects each of which leads to every other one (strongly connected components).
#ifndef MM_ANALYZE_SCC_H
#define MM_ANALYZE_SCC_H

#include "analyze/flow.h"

/// The cycles of a heap. Lives in the arena that it was made from.
typedef struct mm_scc {
    uint32_t *of;  ///< by object: number of its cycle, MM_NONE when it is in none
    uint32_t count;
    uint32_t *start;   ///< count + 1
    uint32_t *member;  ///< objects of cycle i at [start[i], start[i + 1]), ascending
} mm_scc;

/// Find the cycles among the objects whose `left_out` is zero; the others are neither entered nor
/// passed. An object that refers to itself is a cycle of one. Cycles are in the order of their
/// first members. Uses flow->scratch.
/// D. Pearce, "A space-efficient algorithm for finding strongly connected components", 2016: one
/// depth-first search, one number a node, a component's nodes kept until its root is left.
/// Answers MM_E_NOMEM. COST: O(V + E) time; 4 bytes a node of the flow, 4 a member and 4 a cycle;
/// while it works 5 more for each object that leads on and is not left out.
MM_STATUS mm_scc_find(const mm_flow *flow, const uint8_t *left_out, mm_arena *arena, mm_scc *ret,
                      mm_error *err);

/// What to leave out so that cycles mean something: living types, modules and namespaces of
/// modules. Nearly every object leads to its class, the class to its module by way of its methods,
/// and the module to all it made: one cycle of half the heap, of which nobody learns anything. What
/// is garbage is not left out: a class that waits for the collector is in a cycle of its own.
/// COST: O(V), and one byte a node.
MM_STATUS mm_scc_cut(const mm_flow *flow, mm_arena *arena, uint8_t **ret, mm_error *err);

#endif
