// One pass over the objects, then a sort of the few rows. Names decide ties, so that equal
// heaps give equal tables.
#include "analyze/types.h"

#include <string.h>

#include "base/free/sort.h"

enum { NAME_BYTES = 320 };

static bool row_before(const void *left, const void *right, const void *context) {
    const mm_type_row *a = left;
    const mm_type_row *b = right;
    (void)context;
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    if (a->count != b->count) {
        return a->count > b->count;
    }
    return strcmp(a->name, b->name) < 0;
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
    mm_sort(rows, buffer, types.row_count, sizeof(*rows), row_before, NULL);
    types.rows = rows;
    *ret = types;
    return MM_OK;
}
