// What there is: objects and bytes of each type.
#ifndef MM_ANALYZE_TYPES_H
#define MM_ANALYZE_TYPES_H

#include "graph/graph.h"

/// Objects of one type.
typedef struct mm_type_row {
    uint32_t type;     ///< index
    const char *name;  ///< "shop.Exam"
    uint64_t count;
    uint64_t bytes;  ///< of the objects and their own storage
} mm_type_row;

/// A heap in numbers.
typedef struct mm_types {
    uint64_t object_count;  ///< mortmain's own left out, as in the rows
    uint64_t bytes;
    mm_type_row *rows;  ///< by bytes, then count, largest first, then by name
    uint32_t row_count;
} mm_types;

/// Count. Types of the same name are one row each. COST: O(V).
MM_STATUS mm_types_count(const mm_graph *graph, mm_arena *arena, mm_types *ret, mm_error *err);

#endif
