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

/// One snapshot. 25 bytes an object.
typedef struct mm_mark {
    uint32_t count;
    uint64_t *address;     ///< ascending: the order of the file's nodes
    uint32_t *type;        ///< number in the session's names
    uint32_t *entries;     ///< owning references of the object; saturates
    uint32_t *bytes;       ///< with storage; saturates
    uint32_t *leaf_bytes;  ///< of what it owns and what refers to nothing, once for each reference
    uint8_t *reached;      ///< mm_reached; MM_MARK_OWN for mortmain's own
    mm_mark_type *types;   ///< by number in the session's names
    uint32_t type_count;
    uint64_t total_bytes;
    mm_mark_process process;
} mm_mark;

enum { MM_MARK_OWN = 255 };

/// Start with no names. The table grows in `arena`.
void mm_type_names_init(mm_type_names *names, mm_arena *arena);

/// Number the types of a graph: `ret` by index of the file's types, in `arena`; new names get new
/// numbers. Answers MM_E_NOMEM.
MM_STATUS mm_type_names_of(mm_type_names *names, const mm_graph *graph, mm_arena *arena,
                           uint32_t **ret, mm_error *err);

/// Remember a snapshot. `perm` keeps the mark; `scratch` may be reset behind it.
/// Answers MM_E_NOMEM. COST: O(V + E) time.
MM_STATUS mm_mark_take(const mm_graph *graph, mm_type_names *names, mm_arena *perm,
                       mm_arena *scratch, mm_mark *ret, mm_error *err);

/// Index of the object at an address, or MM_NONE. COST: O(log n).
uint32_t mm_mark_find(const mm_mark *mark, uint64_t address);

#endif
