// One pass over the objects, then a merge sort of the few rows. Names decide ties, so that equal
// heaps give equal tables.
#include "analyze/types.h"

#include <string.h>

enum { NAME_BYTES = 320 };

static bool row_before(const mm_type_row *a, const mm_type_row *b) {
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    if (a->count != b->count) {
        return a->count > b->count;
    }
    return strcmp(a->name, b->name) <= 0;
}

static void rows_sort(mm_type_row *items, mm_type_row *buffer, size_t count) {
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low;
            size_t b = middle;
            for (size_t at = low; at < high; at++) {
                bool left = a < middle && (b >= high || row_before(&items[a], &items[b]));
                buffer[at] = left ? items[a++] : items[b++];
            }
        }
        memcpy(items, buffer, count * sizeof(*items));
    }
}

MM_STATUS mm_types_count(const mm_graph *graph, mm_arena *arena, mm_types *ret, mm_error *err) {
    const mm_file *file = graph->file;
    mm_types types = {0};
    mm_type_row *rows = MM_ARENA_NEW(arena, mm_type_row, (size_t)file->type_count + 1);
    mm_type_row *buffer = MM_ARENA_NEW(arena, mm_type_row, (size_t)file->type_count + 1);
    if (rows == NULL || buffer == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to count types", 0);
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        if ((graph->node_flags[node] & MM_NODE_OWN) == 0) {
            uint64_t bytes = mm_file_size_of(file, node) + mm_file_storage_of(file, node);
            rows[file->type[node]].count++;
            rows[file->type[node]].bytes += bytes;
            types.object_count++;
            types.bytes += bytes;
        }
    }
    for (uint32_t type = 0; type < file->type_count; type++) {
        if (rows[type].count == 0) {
            continue;
        }
        char name[NAME_BYTES];
        (void)mm_graph_type_text(graph, type, name, sizeof(name));
        char *kept = MM_ARENA_NEW(arena, char, strlen(name) + 1);
        if (kept == NULL) {
            return mm_fail(err, MM_E_NOMEM, "no memory to count types", 0);
        }
        memcpy(kept, name, strlen(name) + 1);
        mm_type_row row = {type, kept, rows[type].count, rows[type].bytes};
        MM_ASSERT(types.row_count <= type);
        rows[types.row_count++] = row;
    }
    rows_sort(rows, buffer, types.row_count);
    types.rows = rows;
    *ret = types;
    return MM_OK;
}
