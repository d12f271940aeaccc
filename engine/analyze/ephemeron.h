// engine/analyze: questions to a graph, answered as arrays and structs.
//
// Knows: graphs: what reaches what, by which way, and which object a user means.
// Must not know: how an answer is printed, what a front does with it, bytes of the file.
//
// This header: the ephemeron rule: a value is held only while its table and its key are both
// reached.
#ifndef MM_ANALYZE_EPHEMERON_H
#define MM_ANALYZE_EPHEMERON_H

#include "graph/graph.h"

/// Entries by the nodes that decide about them. Lives in the arena that it was made from.
typedef struct mm_ephemerons {
    const mm_file *file;
    uint64_t *watch;  ///< node << 32 | entry, ascending: each entry under its table and its key
    uint32_t watch_count;
} mm_ephemerons;

/// Index the entries of a graph's file. COST: O(e log e); next to nothing when there are none.
MM_STATUS mm_ephemerons_index(const mm_graph *graph, mm_arena *arena, mm_ephemerons *ret,
                              mm_error *err);

/// First position in `watch` of entries that `node` is table or key of; `watch_count` at the end.
uint32_t mm_ephemerons_first(const mm_ephemerons *index, uint32_t node);

#endif
