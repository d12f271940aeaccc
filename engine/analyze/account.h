// Accounting: reference counts held against the references that were found.
#ifndef MM_ANALYZE_ACCOUNT_H
#define MM_ANALYZE_ACCOUNT_H

#include "graph/graph.h"

/// Objects of one type whose counts are not explained.
typedef struct mm_account_row {
    uint32_t type;           ///< index
    uint32_t object_count;   ///< objects with references that nobody accounts for
    uint64_t missing_count;  ///< such references in all
    uint32_t excess_count;   ///< objects with more references than their count: we are wrong
} mm_account_row;

/// The sums. Immortal objects, and counts too large for the file, are in none of them.
typedef struct mm_account {
    uint32_t mortal_count;
    uint32_t exact_count;         ///< count equals the references found
    uint32_t missing_count;       ///< objects with a count above the references found: held by C
    uint32_t excess_count;        ///< objects with a count below the references found
    uint32_t exact_basis_points;  ///< exact_count in 1/10,000 of mortal_count, rounded down
    mm_account_row *rows;  ///< by missing references, most first; then by objects, then by type
    uint32_t row_count;
} mm_account;

/// Hold all counts against the graph's references. Answers MM_E_NOMEM. COST: O(V), and 48 bytes a
/// type.
MM_STATUS mm_account_find(const mm_graph *graph, mm_arena *arena, mm_account *ret, mm_error *err);

#endif
