// Binary search in sorted arrays of structs: the first element whose key is not below the wanted
// one. In the header, since look-ups by address are on hot paths.
#ifndef MM_BASE_FREE_SEARCH_H
#define MM_BASE_FREE_SEARCH_H

#include "base/free/attr.h"

/// Index of the first of `count` elements whose key is at least `key`; `count` when all are below.
/// `first` is the address of the first element's key, and keys are `stride_bytes` apart:
///
///     size_t at = mm_lower_bound_u64(&rows[0].address, sizeof(rows[0]), row_count, address);
///     bool found = at < row_count && rows[at].address == address;
///
/// REQUIRES: keys ascend. `first` is not looked at when `count` is 0. COST: O(log n).
static inline size_t mm_lower_bound_u64(const uint64_t *first, size_t stride_bytes, size_t count,
                                        uint64_t key) {
    const uint8_t *bytes = (const uint8_t *)first;
    size_t low = 0;
    size_t high = count;
    MM_ASSERT(count == 0 || stride_bytes >= sizeof(*first));
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (*(const uint64_t *)(const void *)(bytes + middle * stride_bytes) < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/// As mm_lower_bound_u64(), for keys of four bytes.
static inline size_t mm_lower_bound_u32(const uint32_t *first, size_t stride_bytes, size_t count,
                                        uint32_t key) {
    const uint8_t *bytes = (const uint8_t *)first;
    size_t low = 0;
    size_t high = count;
    MM_ASSERT(count == 0 || stride_bytes >= sizeof(*first));
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (*(const uint32_t *)(const void *)(bytes + middle * stride_bytes) < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

#endif
