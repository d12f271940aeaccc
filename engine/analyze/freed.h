// Freed bytes of every reference: what would go if it were cut and nothing else.
#ifndef MM_ANALYZE_FREED_H
#define MM_ANALYZE_FREED_H

#include "analyze/retained.h"

/// What decides about every reference. Lives in the arena that it was made from.
typedef struct mm_freed {
    const mm_dominators *tree;
    const uint64_t *retained;
    uint32_t *rival;  ///< by node: who, apart from the node above, refers to it from beside it
} mm_freed;

/// Look at every reference once. Cutting u -> v frees what v retains if u dominates v and nothing
/// but this reference leads into what v dominates; else nothing. COST: O(E log V) at worst, some
/// 10 ns an edge; 4 bytes a node, and one while it works.
MM_STATUS mm_freed_find(const mm_dominators *tree, const uint64_t *retained, mm_arena *arena,
                        mm_freed *ret, mm_error *err);

/// Bytes that go when reference `edge` of `source` is cut: with its whole entry, for a key or value
/// of a dict, so that both answer the same. 0 for references that do not own, and for the second
/// mention of a key by an OrderedDict: the entry's own references answer for it.
/// COST: O(1); O(log n) for entries.
uint64_t mm_freed_of(const mm_freed *freed, uint32_t source, uint32_t edge);

/// Bytes that go when a root of the file is cut. COST: O(1).
uint64_t mm_freed_of_root(const mm_freed *freed, uint32_t root);

#endif
