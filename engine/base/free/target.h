// mm_target: everything the walker is told about the heap it reads. The contract between
// engine/locate, which fills it from nothing but memory maps, ELF symbols and memory, and
// engine/capture, which believes it.
//
// It is one flat block without a pointer into itself: a door may copy it to any address, also into
// another process. Addresses in it are addresses of the target. Nobody writes to it after it was
// filled, but for `opaque`, which a door may extend before a retry.
#ifndef MM_BASE_FREE_TARGET_H
#define MM_BASE_FREE_TARGET_H

#include "base/free/layout.h"
#include "base/free/status.h"

/// An array inside the block.
typedef struct mm_span {
    uint32_t offset;  ///< bytes from the start of the block
    uint32_t count;   ///< elements
} mm_span;

/// What a region is. A bit set.
enum {
    MM_REGION_WRITE = 1,
    MM_REGION_EXECUTE = 2,
    MM_REGION_PYTHON = 4,     ///< belongs to the file that holds the interpreter
    MM_REGION_EXTENSION = 8,  ///< belongs to another mapped file
    MM_REGION_STACK = 16,
    MM_REGION_FILE = 32  ///< of a file that is neither: its end may be cut off at any time
};

/// A readable stretch of memory. Sorted by start, never overlapping, adjacent ones with equal flags
/// merged.
typedef struct mm_region {
    uint64_t start;
    uint64_t end;
    uint32_t flags;
    uint32_t reserved;
} mm_region;

/// GC generations 0 to 2 and the permanent one.
enum { MM_GENERATION_COUNT = 4 };

/// One interpreter.
typedef struct mm_interpreter {
    uint64_t address;                           ///< PyInterpreterState
    uint64_t generations[MM_GENERATION_COUNT];  ///< addresses of the ring heads; 0 = not there
    uint64_t collecting;                        ///< address of the int that says so; 0 = unknown
    uint32_t own_lock;  ///< it has an interpreter lock of its own and is named, not walked
    uint32_t reserved;
} mm_interpreter;

/// One Python thread.
typedef struct mm_thread {
    uint64_t address;      ///< PyThreadState
    uint64_t native_id;    ///< kernel thread id; 0 = unknown
    uint32_t interpreter;  ///< index
    uint32_t flags;        ///< MM_THREAD_*
} mm_thread;

/// The thread that asked for the snapshot.
enum { MM_THREAD_CALLER = 1 };

/// What a root is. The number stands in files: append only.
typedef enum mm_root_kind {
    MM_ROOT_MODULES = 1,      ///< sys.modules
    MM_ROOT_BUILTINS = 2,     ///< the builtins dict
    MM_ROOT_INTERPRETER = 3,  ///< a field of the interpreter state
    MM_ROOT_THREAD = 4,       ///< a field of a thread state
    MM_ROOT_FRAME = 5,        ///< a running frame holds it: see the file's frame records
    MM_ROOT_RUNTIME = 6,      ///< a field of the runtime state
    MM_ROOT_STATIC_TYPE = 7,  ///< a type object inside a library's data
    MM_ROOT_INTERNED = 8,     ///< the table of interned strings
    MM_ROOT_C_STATIC = 9,     ///< a variable of a mapped library
    MM_ROOT_HELD = 10         ///< references that C code holds: as many as the owner's number says
} mm_root_kind;

/// One reference from outside the heap.
typedef struct mm_root {
    uint8_t kind;     ///< mm_root_kind
    uint8_t flags;    ///< MM_FIELD_* (borrowed ones explain nothing but are named)
    uint16_t owner;   ///< index of the thread or interpreter
    uint32_t name;    ///< offset of the name in the text pool ("codec_error_registry")
    uint64_t object;  ///< address of the object itself
} mm_root;

/// A type whose kind locate vouches for.
typedef struct mm_known_type {
    uint64_t address;
    uint32_t kind;  ///< mm_kind
    uint32_t reserved;
} mm_known_type;

/// What a static type of the interpreter owns in one interpreter. From 3.12 on these are not in the
/// type object: tp_dict there is NULL and tp_subclasses holds a number. In 3.11, and for static
/// types that are not in this list, the type object's own words are right.
typedef struct mm_static_dict {
    uint64_t type;         ///< address of the type object
    uint64_t dict;         ///< what tp_dict would be; 0 = none
    uint64_t subclasses;   ///< what tp_subclasses would be: a dict of weak references; 0 = none
    uint32_t interpreter;  ///< index
    uint32_t reserved;
} mm_static_dict;

/// May tp_traverse of foreign types be called where the walker runs?
enum { MM_TARGET_TRAVERSE = 1 };

#define MM_TARGET_MAGIC 0x6d6d7467u

/// The block. Everything behind it is found through the spans.
typedef struct mm_target {
    uint32_t magic;
    uint32_t block_bytes;
    uint32_t version_hex;  ///< as PY_VERSION_HEX: 0x030b07f0 is 3.11.7
    uint32_t flags;        ///< MM_TARGET_*
    mm_layout layout;
    mm_span regions;       ///< mm_region
    mm_span interpreters;  ///< mm_interpreter
    mm_span threads;       ///< mm_thread
    mm_span roots;         ///< mm_root
    mm_span types;         ///< mm_known_type, sorted by address
    mm_span fields;        ///< mm_field, grouped by kind
    mm_span opaque;  ///< uint64_t: types whose tp_traverse must not be called; spare room is zero
    mm_span text;    ///< char: the pool of names
    uint64_t type_type;    ///< address of `type`
    uint64_t object_type;  ///< address of `object`
    uint64_t
        subtype_traverse;    ///< tp_traverse of every class made by a class statement; 0 = unknown
    mm_span static_dicts;    ///< mm_static_dict, sorted by type, then interpreter; none in 3.11
    uint32_t stdlib_prefix;  ///< text pool: folder of the standard library; 0 = unknown
    uint32_t site_prefix;    ///< text pool: folder of installed packages; 0 = unknown
} mm_target;

/// Pointer to the first element of a span.
#define MM_TARGET_AT(target, span, type) \
    ((const type *)(const void *)((const uint8_t *)(target) + (target)->span.offset))

/// A name out of the text pool.
static inline const char *mm_target_text(const mm_target *target, uint32_t name) {
    MM_ASSERT(name < target->text.count);
    return MM_TARGET_AT(target, text, char) + name;
}

#endif
