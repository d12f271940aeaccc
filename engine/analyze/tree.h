// What all this memory is: the dominator tree from the top, the largest parts first.
#ifndef MM_ANALYZE_TREE_H
#define MM_ANALYZE_TREE_H

#include "analyze/retained.h"

/// One line of the tree: an object, or objects of one type that hang on the same line above.
typedef struct mm_tree_row {
    uint32_t depth;    ///< 0 = at the top
    uint64_t count;    ///< objects
    uint64_t bytes;    ///< retained: all that would go with them
    const char *edge;  ///< how it is reached from the line above; NULL = in many ways
    const char *text;  ///< "module shop", "Exam"; NULL = `count` smaller parts that are left out
} mm_tree_row;

/// How much to show.
typedef struct mm_tree_options {
    uint32_t depth_max;     ///< lines below each other
    uint32_t children_max;  ///< lines beside each other
    uint32_t share;         ///< leave out what is less than 1/share of all; 0 = nothing
} mm_tree_options;

/// A tree in the order in which it is read. Lives in the arena.
typedef struct mm_tree {
    uint64_t bytes;  ///< of all objects, mortmain's own left out
    mm_tree_row *rows;
    uint32_t row_count;
} mm_tree;

/// Find it. mortmain's own objects are left out; what only holds together - the dict of a module,
/// an entry of a dict - is no line. Answers MM_E_NOMEM. COST: as mm_dominators_find(), and O(V) for
/// each depth.
MM_STATUS mm_tree_find(const mm_graph *graph, const mm_tree_options *options, mm_arena *arena,
                       mm_tree *ret, mm_error *err);

#endif
