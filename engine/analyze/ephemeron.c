// Sorted pairs instead of lists per node: files have few ephemerons or none, and a binary search
// per reached node is only made when there are any.
#include "analyze/ephemeron.h"

#include "base/free/search.h"
#include "base/free/sort.h"

static bool watch_before(const void *a, const void *b, const void *context) {
    (void)context;
    return *(const uint64_t *)a < *(const uint64_t *)b;
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
    mm_sort(index.watch, buffer, count, sizeof(*index.watch), watch_before, NULL);
    *ret = index;
    return MM_OK;
}

uint32_t mm_ephemerons_first(const mm_ephemerons *index, uint32_t node) {
    MM_ASSERT(node < index->file->object_count);
    return (uint32_t)mm_lower_bound_u64(index->watch, sizeof(*index->watch), index->watch_count,
                                        (uint64_t)node << 32);
}
