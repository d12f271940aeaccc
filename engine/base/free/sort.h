// Sorting an array of anything: stable, without recursion, in memory that the caller lends.
#ifndef MM_BASE_FREE_SORT_H
#define MM_BASE_FREE_SORT_H

#include "base/free/attr.h"

/// Must `a` stand before `b`? False for equal ones, which then keep their order.
typedef bool mm_before(const void *a, const void *b, const void *context);

/// Sort `count` items of `size_bytes` each. `context` is handed to `before` as it is.
/// REQUIRES: `buffer` is as large as `items`, aligned as they are, and apart from them; its
/// contents afterwards mean nothing. COST: O(n log n); O(n) when they are sorted already.
void mm_sort(void *items, void *buffer, size_t count, size_t size_bytes, mm_before *before,
             const void *context);

/// Are the items in order? COST: O(n).
bool mm_sorted(const void *items, size_t count, size_t size_bytes, mm_before *before,
               const void *context);

#endif
