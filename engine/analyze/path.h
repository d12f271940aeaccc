// Shortest chains of references from a root to a node, the telling ones first.
//
// A chain is as good as its worst step (mm_path_level), then as short as can be. Roots and modules
// come in the order of their names, what an object refers to in the order in which it does: the
// same program gives the same chain whatever its addresses are.
#ifndef MM_ANALYZE_PATH_H
#define MM_ANALYZE_PATH_H

#include "analyze/ephemeron.h"

/// Worst step of a chain: the smaller, the more it tells.
typedef enum mm_path_level {
    MM_LEVEL_MODULE = 0,  ///< attributes of the program's modules and classes
    MM_LEVEL_FRAME = 1,   ///< running frames
    MM_LEVEL_STDLIB = 2,  ///< the library's internals; from a function back to its module
    MM_LEVEL_ROOT =
        3,           ///< fields of interpreter and C libraries; a traceback without its exception
    MM_LEVEL_C = 4,  ///< references that nobody accounts for
    MM_LEVEL_COUNT = 5
} mm_path_level;

/// How a node was reached.
typedef enum mm_via {
    MM_VIA_NOTHING = 0,  ///< not reached
    MM_VIA_ROOT,         ///< `link` is a root
    MM_VIA_MODULE,       ///< a module: entry `link` (a reference) of sys.modules
    MM_VIA_EDGE,         ///< `link` is a reference
    MM_VIA_TYPE,         ///< `link` is an instance, the node its class
    MM_VIA_EPHEMERON,    ///< `link` is an ephemeron entry
    MM_VIA_C             ///< held by C: `link` is MM_NONE
} mm_via;

/// What to leave out. Zero is the default of every member.
typedef struct mm_path_options {
    const uint8_t *barrier;  ///< by node: reached but not passed, when not zero; NULL = none
    const uint8_t
        *roots_left_out;  ///< by root number: none, when not zero; NULL = no more than always
} mm_path_options;

/// A search that has not come to its end.
struct mm_path_search;

/// The tree of best chains. Arrays by node.
typedef struct mm_paths {
    struct mm_path_search *search;  ///< NULL: it is whole
    uint8_t *via;                   ///< mm_via
    uint8_t *level;                 ///< mm_path_level of the chain
    uint32_t *link;
    uint32_t *depth;  ///< references of the chain; 0 at a root
} mm_paths;

/// Find the best chain to every node. Weak and borrowed references, mortmain's own objects and
/// frames are always left out. COST: O(V + E) time; 15 bytes a node, and 16 for
/// each way that was put off to a worse level, all from `arena`.
MM_STATUS mm_paths_find(const mm_graph *graph, const mm_path_options *options, mm_arena *arena,
                        mm_paths *ret, mm_error *err);

/// The same search, which goes on as far as it is asked to: of a node, and of those on its chain,
/// something is known after mm_paths_settle(). `arena` must stay where it is, and `graph` as it is.
/// COST: 15 bytes a node; for no more of them is anything read than lie as near as those asked for.
MM_STATUS mm_paths_begin(const mm_graph *graph, const mm_path_options *options, mm_arena *arena,
                         mm_paths *ret, mm_error *err);

/// Search on until the best chain to a node is known, or that it has none; what is no node has
/// none. Answers MM_E_NOMEM. COST: none where it is known.
MM_STATUS mm_paths_settle(mm_paths *paths, uint32_t node);

/// Node before this one on its chain, or MM_NONE at the chain's root.
uint32_t mm_paths_parent(const mm_graph *graph, const mm_paths *paths, uint32_t node);

#endif
