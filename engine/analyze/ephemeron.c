// Sorted pairs instead of lists per node: files have few ephemerons or none, and a binary search
// per reached node is only made when there are any.
#include "analyze/ephemeron.h"

// Bottom-up merge sort: stable, no recursion, one buffer.
static void watch_sort(uint64_t *items, uint64_t *buffer, size_t count) {
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low;
            size_t b = middle;
            for (size_t at = low; at < high; at++) {
                bool left = a < middle && (b >= high || items[a] <= items[b]);
                buffer[at] = left ? items[a++] : items[b++];
            }
        }
        for (size_t i = 0; i < count; i++) {
            items[i] = buffer[i];
        }
    }
}

MM_STATUS mm_ephemerons_index(const mm_graph *graph, mm_arena *arena, mm_ephemerons *ret,
                              mm_error *err) {
    const mm_file *file = graph->file;
    size_t count = (size_t)file->ephemeron_count * 2;
    mm_ephemerons index = {.file = file, .watch_count = file->ephemeron_count * 2};
    if (file->ephemeron_count > MM_NONE / 2) {
        return mm_fail(err, MM_E_LIMIT, "too many ephemeron entries", file->ephemeron_count);
    }
    index.watch = MM_ARENA_NEW(arena, uint64_t, count + 1);
    uint64_t *buffer = MM_ARENA_NEW(arena, uint64_t, count + 1);
    if (index.watch == NULL || buffer == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory for the ephemeron index", 0);
    }
    for (uint32_t i = 0; i < file->ephemeron_count; i++) {
        index.watch[2 * (size_t)i] = (uint64_t)file->ephemerons[i].table << 32 | i;
        index.watch[2 * (size_t)i + 1] = (uint64_t)file->ephemerons[i].key << 32 | i;
    }
    watch_sort(index.watch, buffer, count);
    *ret = index;
    return MM_OK;
}

uint32_t mm_ephemerons_first(const mm_ephemerons *index, uint32_t node) {
    uint64_t wanted = (uint64_t)node << 32;
    uint32_t low = 0;
    uint32_t high = index->watch_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->watch[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
