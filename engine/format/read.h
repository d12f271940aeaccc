// The reader: takes a whole file into private memory, checks all of it, and hands out columns.
//
// After mm_file_open() succeeded nothing in the file can surprise anybody: every id is dense and in
// range, every text lies in the file's own memory and is NUL-terminated UTF-8. The file on disk may
// change or vanish afterwards.
#ifndef MM_FORMAT_READ_H
#define MM_FORMAT_READ_H

#include "base/free/arena.h"
#include "format/format.h"

/// No object, no name, no type.
#define MM_NONE 0xffffffffu

/// A type, as the file tells it.
typedef struct mm_file_type {
    uint32_t object;   ///< dense id of the type object, or MM_NONE
    const char *name;  ///< tp_name
    uint32_t kind;     ///< mm_kind as a number; unknown ones are 0
    uint32_t flags;    ///< MM_TYPE_*
    uint64_t size_bytes;
    uint64_t item_bytes;
    uint32_t base;         ///< type index, or MM_NONE
    uint32_t field_start;  ///< into mm_file.fields
    uint32_t field_count;
    uint32_t key_start;  ///< into mm_file.keys
    uint32_t key_count;
} mm_file_type;

/// A named word of a type.
typedef struct mm_file_field {
    uint32_t word;
    uint32_t flags;  ///< MM_REF_*
    const char *name;
} mm_file_field;

/// A root.
typedef struct mm_file_root {
    uint8_t kind;     ///< mm_root_kind as a number
    uint8_t flags;    ///< MM_REF_*
    uint32_t owner;   ///< thread or interpreter number: hold it against thread_count; of
                      ///< MM_ROOT_HELD: how many references it stands for
    uint32_t name;    ///< index into names; a local's index for kind 5; MM_NONE
    uint32_t frame;   ///< index into frames, or MM_NONE
    uint32_t object;  ///< dense id
} mm_file_root;

/// A running frame.
typedef struct mm_file_frame {
    uint32_t thread;  ///< index into threads, if there are any
    uint32_t code;    ///< dense id, or MM_NONE
    uint32_t line;    ///< 0 = unknown
    uint32_t flags;
} mm_file_frame;

/// A thread.
typedef struct mm_file_thread {
    uint32_t interpreter;
    uint32_t flags;
    uint64_t native_id;
} mm_file_thread;

/// A fact, sorted by (object, fact).
typedef struct mm_file_fact {
    uint32_t object;
    uint32_t fact;
    uint64_t value;
} mm_file_fact;

/// The text of a str object, sorted by object.
typedef struct mm_file_text {
    uint32_t object;
    const char *text;
} mm_file_text;

/// A META record.
typedef struct mm_file_meta {
    const char *key;
    const char *value;
} mm_file_meta;

/// An ephemeron entry.
typedef struct mm_file_ephemeron {
    uint32_t table;
    uint32_t key;
    uint32_t value;
} mm_file_ephemeron;

/// Objects in blocks of the allocators that no reference led to, by type.
typedef struct mm_file_census_type {
    uint32_t type;
    uint64_t blocks;
    uint64_t bytes;  ///< of the blocks
    uint64_t loose;  ///< of the blocks: no other of them explains all references
} mm_file_census_type;

/// Blocks of the allocators, by size.
typedef struct mm_file_census_size {
    uint64_t size_bytes;  ///< the most that a block of this class holds
    uint64_t used;
    uint64_t free;
} mm_file_census_size;

/// Blocks in use in which no object is known, by size.
typedef struct mm_file_census_raw {
    uint64_t size_bytes;  ///< as in mm_file_census_size
    uint64_t blocks;
} mm_file_census_raw;

/// An object with a size that its column cannot say, sorted by object.
typedef struct mm_file_large {
    uint32_t object;
    uint64_t size_bytes;
    uint64_t storage_bytes;
} mm_file_large;

/// A whole file, decoded. Columns have `object_count` elements, in address order; reference columns
/// have `reference_count`, those of object i at [reference_start[i], reference_start[i + 1]).
typedef struct mm_file {
    uint32_t object_count;
    uint32_t reference_count;
    uint64_t *address;          ///< of the object in the target
    uint32_t *type;             ///< index into types
    uint32_t *refcount;         ///< MM_NONE = immortal or unknown; saturates one below
    uint32_t *size_bytes;       ///< MM_NONE = 4 GiB or more: ask mm_file_size_of()
    uint32_t *storage_bytes;    ///< MM_NONE = 4 GiB or more: ask mm_file_storage_of()
    uint8_t *object_flags;      ///< MM_OBJECT_*
    uint32_t *reference_start;  ///< object_count + 1
    uint32_t *reference_target;
    uint8_t *reference_naming;     ///< mm_naming | MM_REF_*; never EXTENDED or SKIP
    uint32_t *reference_argument;  ///< INDEX: index; WORD, INLINE, LOCAL: argument; NAMED: name;
                                   ///< VALUE: dense id of the key or MM_NONE; else 0
    mm_file_type *types;
    uint32_t type_count;
    mm_file_field *fields;
    uint32_t *keys;  ///< dense ids of shared keys, or MM_NONE
    const char **names;
    uint32_t name_count;
    mm_file_root *roots;
    uint32_t root_count;
    mm_file_frame *frames;
    uint32_t frame_count;
    mm_file_thread *threads;
    uint32_t thread_count;
    mm_file_fact *facts;
    uint32_t fact_count;
    mm_file_text *texts;
    uint32_t text_count;
    mm_file_meta *meta;
    uint32_t meta_count;
    mm_file_ephemeron *ephemerons;
    uint32_t ephemeron_count;
    mm_file_census_type *census_types;
    uint32_t census_type_count;
    mm_file_census_size *census_sizes;
    uint32_t census_size_count;
    mm_file_census_raw *census_raws;
    uint32_t census_raw_count;
    mm_file_large *large;
    uint32_t large_count;
    uint64_t file_bytes;
    int32_t incomplete;  ///< 0, or the capture's status
} mm_file;

/// Read and check the file at `path`. Everything is allocated from `arena`.
/// Answers MM_E_IO, MM_E_ARGUMENT (no regular file), MM_E_FORMAT (with offset and reason),
/// MM_E_LIMIT (2^32 objects or references), MM_E_NOMEM; `ret` is then untouched. COST: some 90
/// bytes and 100 ns for each object with four references, the file itself included.
MM_STATUS mm_file_open(const char *path, mm_arena *arena, mm_file *ret, mm_error *err);

/// As mm_file_open(), from `size_bytes` bytes that the caller keeps until return; without MM_E_IO.
/// COST: the same, and one copy of the bytes.
MM_STATUS mm_file_decode(const uint8_t *bytes, size_t size_bytes, mm_arena *arena, mm_file *ret,
                         mm_error *err);

/// What a reference is filed under: its mm_naming without the flags beside it.
static inline unsigned mm_file_naming(const mm_file *file, uint32_t edge) {
    MM_ASSERT(edge < file->reference_count);
    return file->reference_naming[edge] & 15u;
}

/// Does a root keep its object alive: is it neither weak nor borrowed?
static inline bool mm_file_root_owns(const mm_file *file, uint32_t root) {
    MM_ASSERT(root < file->root_count);
    return (file->roots[root].flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
}

/// Is a root a variable of a frame of mortmain's own?
static inline bool mm_file_root_is_ours(const mm_file *file, uint32_t root) {
    MM_ASSERT(root < file->root_count);
    uint32_t frame = file->roots[root].frame;
    return frame != MM_NONE && (file->frames[frame].flags & MM_FRAME_OWN) != 0;
}

/// Text of a str object that is a name, or NULL. COST: O(log n).
const char *mm_file_text_of(const mm_file *file, uint32_t object);
/// A fact about an object; false when the file has none. COST: O(log n).
bool mm_file_fact_of(const mm_file *file, uint32_t object, mm_fact fact, uint64_t *ret);
/// A META value, or NULL.
const char *mm_file_meta_of(const mm_file *file, const char *key);
/// Bytes of an object with its header. COST: O(1), O(log n) from 4 GiB on.
uint64_t mm_file_size_of(const mm_file *file, uint32_t object);
/// Bytes that belong to the object alone and lie outside of it. COST: as mm_file_size_of().
uint64_t mm_file_storage_of(const mm_file *file, uint32_t object);
/// Object at `address`, or MM_NONE. COST: O(log n).
uint32_t mm_file_find(const mm_file *file, uint64_t address);

#endif
