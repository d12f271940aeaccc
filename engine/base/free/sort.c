// Merge sort from the bottom up: runs of one item are merged into runs of two, of four, and so on,
// forth and back between the items and the buffer.
//
//     width 1   d | b | c | a     ─▶  buffer
//     width 2   b d | a c         ─▶  items
//     width 4   a b c d           ─▶  buffer, and copied home
//
// Of two equal items the left one is taken: that is all that makes it stable.
#include "base/free/sort.h"

// Items are structs of words: eight bytes at a time. The builtins become plain moves, so that
// nothing is called where there is no C library.
static void item_copy(uint8_t *to, const uint8_t *from, size_t size_bytes) {
    size_t at = 0;
    for (; at + 8 <= size_bytes; at += 8) {
        __builtin_memcpy(to + at, from + at, 8);
    }
    if (at + 4 <= size_bytes) {
        __builtin_memcpy(to + at, from + at, 4);
        at += 4;
    }
    for (; at < size_bytes; at++) {
        to[at] = from[at];
    }
}

// How to compare, and the size of an item.
typedef struct sort_order {
    size_t size_bytes;
    mm_before *before;
    const void *context;
} sort_order;

// Merge the runs [low, middle) and [middle, high) of `from` into the same places of `to`.
static void runs_merge(const sort_order *order, const uint8_t *from, uint8_t *to, size_t low,
                       size_t middle, size_t high) {
    MM_ASSERT(low <= middle);
    MM_ASSERT(middle <= high);
    size_t size_bytes = order->size_bytes;
    size_t left = low;
    size_t right = middle;
    for (size_t at = low; at < high; at++) {
        bool take_left =
            right == high ||
            (left < middle &&
             !order->before(from + right * size_bytes, from + left * size_bytes, order->context));
        size_t taken = take_left ? left++ : right++;
        item_copy(to + at * size_bytes, from + taken * size_bytes, size_bytes);
    }
}

bool mm_sorted(const void *items, size_t count, size_t size_bytes, mm_before *before,
               const void *context) {
    const uint8_t *bytes = items;
    for (size_t i = 1; i < count; i++) {
        if (before(bytes + i * size_bytes, bytes + (i - 1) * size_bytes, context)) {
            return false;
        }
    }
    return true;
}

void mm_sort(void *items, void *buffer, size_t count, size_t size_bytes, mm_before *before,
             const void *context) {
    MM_ASSERT(size_bytes > 0);
    MM_ASSERT(count == 0 || items != buffer);
    if (mm_sorted(items, count, size_bytes, before, context)) {
        return;
    }
    sort_order order = {size_bytes, before, context};
    uint8_t *from = items;
    uint8_t *to = buffer;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = middle + width < count ? middle + width : count;
            runs_merge(&order, from, to, low, middle, high);
        }
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != (uint8_t *)items) {
        for (size_t i = 0; i < count; i++) {
            item_copy(to + i * size_bytes, from + i * size_bytes, size_bytes);
        }
    }
    MM_ASSERT(mm_sorted(items, count, size_bytes, before, context));
}
