// The owning references of a heap as a plain graph: what every analysis that asks "what hangs on
// what" walks. One rule for all of them, decided once.
//
// Nodes are the objects, and behind them some that no object stands for:
//
//     0 ..                     objects, by their ids
//     graph->root_node         everything outside: named roots, and what never dies
//     by_c_node                code that holds references nobody in the heap accounts for
//     entry_first ..           entries of dicts: one reference that leads to a key and to a value
//     ring_first ..            cycles that nothing refers to: one reference to each member
//     garbage_node             all that nobody reaches
//
// An edge is one reference: it is there or it is cut as a whole. Hence the two references of a
// dict's entry are one edge to a node of their own (made only when both key and value lead on), and
// the second mention of a key by an OrderedDict is left out.
#ifndef MM_ANALYZE_FLOW_H
#define MM_ANALYZE_FLOW_H

#include "analyze/reach.h"

/// The graph. Lives in the arena that it was made from. Every node can be reached from the root.
typedef struct mm_flow {
    const mm_graph *graph;
    const uint8_t *reached;  ///< of the mm_reach that it was made with
    uint32_t *start;         ///< node_count + 1
    uint32_t *target;        ///< those of node i at [start[i], start[i + 1])
    uint32_t node_count;
    uint32_t edge_count;
    uint32_t by_c_node;
    uint32_t entry_first;
    uint32_t entry_count;
    uint32_t *entry_edge;  ///< by number of the entry: its KEY reference in the file; ascending
    uint32_t ring_first;
    uint32_t ring_count;
    uint32_t garbage_node;
    uint32_t *scratch;  ///< by node: for whoever works on the flow next; means nothing between
} mm_flow;

/// Make the graph: owning references, types of heap-type instances, roots.
///
/// An object with unaccounted references hangs on `by_c_node` too, wherever else it hangs, and an
/// immortal one that is reached on the root: neither goes when the references we know are cut.
/// A value of an ephemeron entry hangs on its table and on its key, as if either held it; in truth
/// both must. So it is dominated by what dominates both, and what table or key alone retain is a
/// lower bound; mm_cutter_measure() follows the exact rule.
/// Unreached objects hang on `garbage_node`: through a ring if nothing outside of their cycle
/// refers to it, directly if nothing at all does, else on what refers to them.
///
/// Answers MM_E_NOMEM, and MM_E_LIMIT at 2^32 edges. COST: O(V + E); some 10 ns an edge; 8 bytes
/// a node and 4 an edge; while it works on garbage 5 bytes a node more, and 9 for each node of it.
MM_STATUS mm_flow_build(const mm_graph *graph, const mm_reach *reach, mm_arena *arena, mm_flow *ret,
                        mm_error *err);

/// Is reference `edge` the KEY of an entry whose VALUE follows it? `end` is the end of the record.
static inline bool mm_flow_is_entry(const mm_file *file, uint32_t edge, uint32_t end) {
    return edge + 1 < end && mm_file_naming(file, edge) == MM_NAME_KEY &&
           mm_file_naming(file, edge + 1) == MM_NAME_VALUE &&
           file->reference_argument[edge + 1] == file->reference_target[edge];
}

/// Node of the entry with KEY reference `key_edge`, or MM_NONE when it has none. COST: O(log n).
uint32_t mm_flow_entry(const mm_flow *flow, uint32_t key_edge);

/// Does a node of the flow stand for an object?
static inline bool mm_flow_is_object(const mm_flow *flow, uint32_t node) {
    return node < flow->graph->root_node;
}

#endif
