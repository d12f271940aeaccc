// A mark: what is remembered of a snapshot when its graph is gone, so that many snapshots of one
// process can be held against each other.
#ifndef MM_ANALYZE_MARK_H
#define MM_ANALYZE_MARK_H

#include "analyze/reach.h"

/// Names of types, each with one number in all marks of a session. Types are told apart by their
/// qualified names: addresses of their objects are used again.
typedef struct mm_type_names {
    mm_arena *arena;
    const char **names;  ///< by number
    uint32_t count;
    uint32_t room;
    uint32_t *slots;  ///< hash table of numbers + 1
    uint32_t slot_count;
} mm_type_names;

/// What a mark has for each type of the session that it met.
typedef struct mm_mark_type {
    uint32_t object_count;   ///< reached or not, mortmain's own left out
    uint32_t census_count;   ///< blocks that carry the type and that no reference leads to
    uint32_t census_loose;   ///< of them, those that no other of them explains
    uint64_t census_bytes;   ///< of those blocks
    uint64_t missing_count;  ///< references that nobody accounts for, in all
    uint64_t bytes;
} mm_mark_type;

/// Numbers about the process, MM_UNKNOWN where they were not measured. From the file's META.
typedef struct mm_mark_process {
    uint64_t steps;  ///< calls of the function under test before the snapshot; or MM_UNKNOWN
    uint64_t rss_bytes;
    uint64_t malloc_bytes;  ///< in use
    uint64_t block_count;   ///< sys.getallocatedblocks()
    uint64_t nanoseconds;   ///< since the first one
} mm_mark_process;

/// What a mark has for each object.
typedef struct mm_mark_row {
    uint32_t type;        ///< number in the session's names
    uint32_t entries;     ///< owning references of the object; saturates
    uint32_t bytes;       ///< with storage; saturates
    uint32_t leaf_bytes;  ///< of what it owns and what refers to nothing, once for each reference
} mm_mark_row;

/// A row with numbers below 65,535, as nearly all have; or, of type MM_MARK_WIDE, the place of a
/// row in `wide`: the low half in `entries`, the high one in `bytes`.
typedef struct mm_mark_short {
    uint16_t type;
    uint16_t entries;
    uint16_t bytes;
    uint16_t leaf_bytes;
} mm_mark_short;

_Static_assert(sizeof(mm_mark_short) == 8, "half of a row");

/// One snapshot. 16 bytes an object, and 16 more for each that is large. Marks stay when graphs
/// have gone: they are most of what many snapshots take.
typedef struct mm_mark {
    uint32_t count;
    uint64_t *address;    ///< ascending: the order of the file's nodes
    mm_mark_short *rows;  ///< ask mm_mark_row_of()
    mm_mark_row *wide;
    uint32_t wide_count;
    uint32_t wide_room;
    uint8_t *reached;     ///< mm_reached; mortmain's own have MM_MARK_OWN besides. NULL until
                          ///< mm_mark_reach() was asked
    mm_mark_type *types;  ///< by number in the session's names
    uint32_t type_count;
    uint64_t total_bytes;
    mm_mark_process process;
} mm_mark;

enum { MM_MARK_OWN = 128, MM_MARK_WIDE = 0xffff };

/// What the mark has for an object. REQUIRES: index < count.
static inline mm_mark_row mm_mark_row_of(const mm_mark *mark, uint32_t index) {
    const mm_mark_short *row = &mark->rows[index];
    MM_ASSERT(index < mark->count);
    if (MM_UNLIKELY(row->type == MM_MARK_WIDE)) {
        uint32_t place = row->entries | (uint32_t)row->bytes << 16;
        MM_ASSERT(place < mark->wide_count);
        return mark->wide[place];
    }
    mm_mark_row ret = {row->type, row->entries, row->bytes, row->leaf_bytes};
    return ret;
}

/// Number of an object's type in the session's names. REQUIRES: index < count.
static inline uint32_t mm_mark_type_of(const mm_mark *mark, uint32_t index) {
    uint32_t type = mark->rows[index].type;
    return MM_LIKELY(type != MM_MARK_WIDE) ? type : mm_mark_row_of(mark, index).type;
}

/// Bytes of an object with its storage; saturates. REQUIRES: index < count.
static inline uint32_t mm_mark_bytes_of(const mm_mark *mark, uint32_t index) {
    return mm_mark_row_of(mark, index).bytes;
}

/// Put a row down. `arena` is the one that `wide` grows in. Answers MM_E_NOMEM.
/// REQUIRES: index < count, and `rows` of as many.
MM_STATUS mm_mark_row_put(mm_mark *mark, mm_arena *arena, uint32_t index, const mm_mark_row *row);

/// Start with no names. The table grows in `arena`.
void mm_type_names_init(mm_type_names *names, mm_arena *arena);

/// Number the types of a graph: `ret` by index of the file's types, in `arena`; new names get new
/// numbers. Answers MM_E_NOMEM.
MM_STATUS mm_type_names_of(mm_type_names *names, const mm_graph *graph, mm_arena *arena,
                           uint32_t **ret, mm_error *err);

/// Remember a snapshot, but for what is reached. `perm` keeps the mark; what was needed of
/// `scratch`, which may be the same arena, is given back.
/// Answers MM_E_NOMEM. COST: O(V + E) time.
MM_STATUS mm_mark_take(const mm_graph *graph, mm_type_names *names, mm_arena *perm,
                       mm_arena *scratch, mm_mark *ret, mm_error *err);

/// Fill in what is reached, one byte an object of `perm`: of most marks nobody asks it.
/// REQUIRES: `graph` is the one that the mark was taken of. Answers MM_E_NOMEM.
/// COST: as mm_reach_mark().
MM_STATUS mm_mark_reach(const mm_graph *graph, mm_arena *perm, mm_mark *mark, mm_error *err);

/// Index of the object at an address, or MM_NONE. COST: O(log n).
uint32_t mm_mark_find(const mm_mark *mark, uint64_t address);

#endif
