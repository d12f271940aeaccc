// Path shapes: what two snapshots of different processes can be compared by. Addresses say nothing
// there; the names by which a thing is reached do.
//
//     module shop ──.Book──▶ class ──.pending──▶ list ──[*]──▶ Order ──.lines──▶ list ──[*]──▶ Line
//
// All objects that the best chain reaches by the same names, through things of the same types, are
// one node of a tree, with a count: entries of data are one name, whatever their keys; what is an
// internal of another thing is no step; a name and type that repeats below itself is the first one,
// so that a linked list is one node however long it is.
#ifndef MM_ANALYZE_SHAPES_H
#define MM_ANALYZE_SHAPES_H

#include "analyze/growth.h"
#include "analyze/path.h"

/// Properties of shapes.
enum {
    MM_SHAPE_DATA = 1,    ///< reached as an entry of a container of data
    MM_SHAPE_MODULE = 2,  ///< a module, by its name
    MM_SHAPE_C = 4,       ///< held by references that nobody accounts for
    MM_SHAPE_SPACE = 8,   ///< a namespace, or its owner: what it leads to has names of its own
    MM_SHAPE_NAME = 16    ///< such a name itself, by the reference to it
};

/// One node of the tree. Its parent has a lower number.
typedef struct mm_shape {
    uint64_t step;    ///< what it is reached by, as a hash
    uint32_t parent;  ///< MM_NONE: a root, a module, or held by C
    uint32_t label;   ///< number of its type in the session's names
    uint32_t next;    ///< in its slot of the table: number + 1
    uint32_t flags;   ///< MM_SHAPE_*
} mm_shape;

/// The tree, of all snapshots of a session together.
typedef struct mm_shapes {
    mm_arena *arena;
    mm_type_names *names;
    mm_shape *items;
    uint32_t count;
    uint32_t room;
    uint32_t *slots;
    uint32_t slot_count;
} mm_shapes;

/// What one snapshot has of a shape.
typedef struct mm_shape_count {
    uint64_t bytes;    ///< of the objects and of their internals, with storage
    uint64_t entries;  ///< references out of them, where these have no names of their own
    uint32_t objects;
} mm_shape_count;

/// One snapshot.
typedef struct mm_shape_mark {
    mm_shape_count *counts;  ///< by shape, `count` of them: shapes that came later have none here
    uint32_t count;
    uint32_t *of_node;  ///< by node: its shape, MM_NONE for one without a path
    mm_paths paths;
} mm_shape_mark;

/// Start with no shape. Tree and names grow in `arena`.
void mm_shapes_init(mm_shapes *shapes, mm_type_names *names, mm_arena *arena);

/// Count the shapes of a snapshot. `counts` lives in the arena of the tree, `of_node` and `paths`
/// in `scratch`. Answers MM_E_NOMEM. COST: as mm_paths_find(), and O(V); 22 bytes a node of
/// `scratch`.
MM_STATUS mm_shapes_take(mm_shapes *shapes, const mm_graph *graph, mm_arena *scratch,
                         mm_shape_mark *ret, mm_error *err);

/// Snapshots to be compared, in the order in which something is to have grown.
typedef struct mm_shapes_input {
    const mm_shapes *shapes;
    const mm_shape_mark *marks;  ///< the last with of_node and paths
    uint32_t mark_count;         ///< at least 2
    const mm_graph *graph;       ///< of the last
} mm_shapes_input;

/// Less is not told: two runs of one program differ by a few objects.
enum {
    MM_SHAPES_OBJECTS_MIN = 10,  ///< more objects, and
    MM_SHAPES_PERCENT_MIN = 1,   ///< so many percent of what there was
    MM_SHAPES_PERCENT_BYTES = 10
};
/// Fewer objects are told where they weigh so much, and MM_SHAPES_PERCENT_BYTES.
static const uint64_t MM_SHAPES_BYTES_MIN = 1 << 20;
/// What the library's own caches may have more of is minor below it.
static const uint64_t MM_SHAPES_MINOR_BYTES_MAX = 1 << 18;

/// What there is more of in each snapshot than in the one before it.
typedef struct mm_shape_finding {
    mm_growth_finding growth;  ///< as of births; `guilty` leads to those that are more
    uint64_t before;           ///< objects of its type behind the guilty reference, in the first
    uint64_t after;            ///< and in the last
    bool minor;                ///< a little plain data in a cache or list of the library: for -v
} mm_shape_finding;

/// The answer. Lives in the arena.
typedef struct mm_shape_growth {
    mm_shape_finding *findings;  ///< by bytes, then by path, never by address
    uint32_t finding_count;
    uint32_t *birth;        ///< by node of the last graph: 1 = of a shape that is told of
    uint32_t *new_modules;  ///< nodes of modules that only the last snapshot has
    uint32_t new_module_count;
    uint64_t new_module_bytes;  ///< of all that is reached through them
} mm_shape_growth;

/// Compare. Answers MM_E_NOMEM. COST: O(V) of the last graph and O(S log S) of the shapes.
MM_STATUS mm_shapes_compare(const mm_shapes_input *input, mm_arena *arena, mm_shape_growth *ret,
                            mm_error *err);

#endif
