// Retained bytes: what would go if an object went.
#ifndef MM_ANALYZE_RETAINED_H
#define MM_ANALYZE_RETAINED_H

#include "analyze/dominate.h"

/// By node of the flow: bytes of the objects that it dominates, its own included, with the storage
/// that belongs to them alone. For an entry, a ring, C code, garbage and the root: of all below.
/// COST: O(V); 8 bytes a node.
MM_STATUS mm_retained_sum(const mm_dominators *tree, mm_arena *arena, uint64_t **ret,
                          mm_error *err);

/// Bytes of one object: itself and its storage.
static inline uint64_t mm_retained_own(const mm_file *file, uint32_t object) {
    return mm_file_size_of(file, object) + mm_file_storage_of(file, object);
}

#endif
