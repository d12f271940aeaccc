// What a user means by WHAT: an address, a type, or a dotted name. Nothing is evaluated.
#ifndef MM_ANALYZE_SELECT_H
#define MM_ANALYZE_SELECT_H

#include "graph/graph.h"

/// The objects that were meant.
typedef struct mm_selection {
    uint32_t *nodes;  ///< ascending
    uint32_t node_count;
    uint32_t type;  ///< the type that was named, or MM_NONE when one object was
} mm_selection;

/// Resolve `what`:
///     0x7f12..                     the object at that address
///     Exam, shop.Exam              all objects of that type
///     shop:Exam, shop.Exam._seen["k"][0]   one object: a module, then attributes and constant
///     subscripts p1                           as __main__.p1, when no type has that name
/// Answers MM_E_NOT_FOUND, MM_E_ARGUMENT (not in one of these forms), MM_E_UNSUPPORTED (a key of
/// data in a file made without --keys) or MM_E_NOMEM. COST: O(V).
MM_STATUS mm_select(const mm_graph *graph, const char *what, mm_arena *arena, mm_selection *ret,
                    mm_error *err);

#endif
