// What a tracing collector can never know: a count that no reference explains is a reference from
// outside, from C code that keeps it or forgot to give it back. mm_graph has counted already; here
// the books are closed.
#include "analyze/account.h"

#include "base/free/sort.h"

static bool account_before(const void *left, const void *right, const void *context) {
    const mm_account_row *a = left;
    const mm_account_row *b = right;
    (void)context;
    if (a->missing_count != b->missing_count) {
        return a->missing_count > b->missing_count;
    }
    if (a->object_count != b->object_count) {
        return a->object_count > b->object_count;
    }
    return a->excess_count > b->excess_count;  // a stable sort keeps the order of types
}

MM_STATUS mm_account_find(const mm_graph *graph, mm_arena *arena, mm_account *ret, mm_error *err) {
    const mm_file *file = graph->file;
    mm_account account = {0};
    mm_account_row *rows = MM_ARENA_NEW(arena, mm_account_row, (size_t)file->type_count + 1);
    mm_account_row *buffer = MM_ARENA_NEW(arena, mm_account_row, (size_t)file->type_count + 1);
    if (rows == NULL || buffer == NULL) {
        return mm_fail(err, MM_E_NOMEM, "no memory to account for references", 0);
    }
    for (uint32_t node = 0; node < file->object_count; node++) {
        uint32_t count = file->refcount[node];
        uint32_t found = graph->strong_found[node];
        mm_account_row *row = &rows[file->type[node]];
        if (count >= MM_NONE - 1) {
            continue;
        }
        account.mortal_count++;
        if (count == found) {
            account.exact_count++;
        } else if (count > found) {
            MM_ASSERT(mm_graph_unaccounted(graph, node) == count - found);
            account.missing_count++;
            row->object_count++;
            row->missing_count += count - found;
        } else {
            account.excess_count++;
            row->excess_count++;
        }
    }
    MM_ASSERT(account.exact_count + account.missing_count + account.excess_count ==
              account.mortal_count);
    for (uint32_t type = 0; type < file->type_count; type++) {
        mm_account_row row = rows[type];
        row.type = type;
        if (row.object_count + row.excess_count > 0) {
            rows[account.row_count++] = row;
        }
    }
    mm_sort(rows, buffer, account.row_count, sizeof(*rows), account_before, NULL);
    uint64_t exact = (uint64_t)account.exact_count * 10000;
    account.exact_basis_points =
        account.mortal_count == 0 ? 10000 : (uint32_t)(exact / account.mortal_count);
    account.rows = rows;
    *ret = account;
    return MM_OK;
}
