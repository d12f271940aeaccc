// Dominators: of each object the one last object that every chain of references to it passes.
// Without it the object would go.
#ifndef MM_ANALYZE_DOMINATE_H
#define MM_ANALYZE_DOMINATE_H

#include "analyze/dfs.h"

/// Place of a numbered node in the tree, and a short cut towards the root.
typedef struct mm_dominator_link {
    uint32_t jump;   ///< number of a node above
    uint32_t depth;  ///< steps to the root
} mm_dominator_link;

/// The dominator tree. Lives in the arena that it was made from.
typedef struct mm_dominators {
    const mm_flow *flow;
    mm_dfs dfs;
    uint32_t *idom;   ///< by node of the flow: the node above; MM_NONE for the root
    uint32_t *first;  ///< by node: its place when the tree is read node before what is below it
    uint32_t *last;   ///< by number: the last place of what is below it
    uint32_t *above;  ///< by number: number of the node above
    mm_dominator_link *link;  ///< by number
} mm_dominators;

/// Find the dominators of every node of a flow.
/// Georgiadis, Tarjan, Werneck, "Finding Dominators in Practice", JGAA 10(1), 2006 (semi-NCA). Two
/// changes: sinks, half of a Python heap, are left out and hung on the nearest common dominator of
/// what refers to them; and the climb to the semidominator takes skew-binary jumps (Myers, "An
/// applicative random-access stack", 1983), since step by step it is quadratic on a long list whose
/// end holds what a registry holds too.
/// COST: O(E log V) at worst, in practice linear: some 60 ns an object with four references; 12
/// bytes a node and 20 a numbered one. Answers MM_E_NOMEM. Uses flow->scratch.
MM_STATUS mm_dominators_find(const mm_flow *flow, mm_arena *arena, mm_dominators *ret,
                             mm_error *err);

/// The last place of what is below a node, itself included.
static inline uint32_t mm_dominators_last(const mm_dominators *tree, uint32_t node) {
    uint32_t number = tree->dfs.number[node];
    return number == MM_NONE ? tree->first[node] : tree->last[number];
}

/// Is `node` what `above` dominates, or `above` itself? COST: O(1).
static inline bool mm_dominators_below(const mm_dominators *tree, uint32_t node, uint32_t above) {
    uint32_t place = tree->first[node];
    return tree->first[above] <= place && place <= mm_dominators_last(tree, above);
}

/// Child of `above` that `node`, which is below it and no sink, is below: both nodes of the flow.
/// COST: O(log V).
uint32_t mm_dominators_child(const mm_dominators *tree, uint32_t above, uint32_t node);

/// Nearest object that dominates a node, passing over nodes that are none: MM_NONE when there is
/// none but the root, C code or garbage.
uint32_t mm_dominators_object(const mm_dominators *tree, uint32_t node);

#endif
