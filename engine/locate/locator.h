// One run of mm_locate: what it has found so far, and the inner vocabulary of the room. Private to
// engine/locate.
//
// Memory is read through a small cache of pages, because thousands of words are looked at and each
// reading may be a system call. The cache lives for one run, in which the target stands still.
#ifndef MM_LOCATE_LOCATOR_H
#define MM_LOCATE_LOCATOR_H

#include "base/os/elf.h"
#include "locate/layouts.h"
#include "locate/locate.h"

enum {
    PEEK_PAGE_BYTES = 4096,
    PEEK_PAGES = 512,
    INTERPRETERS_MAX = 64,
    THREADS_MAX = 1 << 16,
    ROOTS_MAX = 1 << 15,  ///< named roots; a target with more is hostile
    TYPES_MAX = 128,
    FIELDS_MAX = 192,
    STATIC_DICTS_MAX = 1 << 14,
    TEXT_BYTES_MAX = 1 << 17,
    IMAGES_MAX = 1 << 12
};

/// A mapped file that is an ELF image.
typedef struct mm_image {
    uint64_t start;
    uint64_t end;
    uint32_t flags;  ///< MM_REGION_PYTHON or MM_REGION_EXTENSION
    uint32_t reserved;
} mm_image;

/// Cached pages of the target.
typedef struct mm_peek_cache {
    uint64_t page[PEEK_PAGES];
    uint8_t bytes[PEEK_PAGES][PEEK_PAGE_BYTES];
} mm_peek_cache;

/// The interpreter's state read in one piece, for scans.
typedef struct mm_state_copy {
    uint64_t address;
    const uint8_t *bytes;
    size_t count;
} mm_state_copy;

/// The run.
typedef struct mm_locator {
    const mm_reader *reader;
    const mm_locate_options *options;
    mm_arena *arena;
    mm_locate_report *report;
    mm_error *err;
    mm_peek_cache *cache;
    const mm_version_table *table;  ///< of this minor version; NULL when there is none
    mm_layout layout;
    uint32_t version_hex;
    mm_elf python;  ///< the image that defines _PyRuntime
    uint64_t runtime;
    uint64_t runtime_bytes;
    uint64_t main_interpreter;
    uint64_t type_type;
    uint64_t object_type;
    uint64_t dict_type;
    uint64_t list_type;
    uint64_t str_type;
    uint64_t module_type;
    uint64_t modules;  ///< sys.modules of the main interpreter
    uint64_t subtype_traverse;
    uint32_t stdlib_prefix;
    uint32_t site_prefix;
    mm_image *images;
    size_t image_count;
    mm_region *regions;
    size_t region_count;
    mm_interpreter *interpreters;
    mm_state_copy *states;  ///< parallel to interpreters
    uint64_t *garbage;      ///< parallel to interpreters: where gc.garbage is kept; 0 = unknown
    size_t interpreter_count;
    mm_thread *threads;
    size_t thread_count;
    size_t thread_room;  ///< elements of threads
    mm_root *roots;
    size_t root_count;
    uint32_t roots_dropped;
    mm_known_type *types;
    size_t type_count;
    mm_field *fields;
    size_t field_count;
    mm_static_dict *static_dicts;
    size_t static_dict_count;
    char *text;
    size_t text_bytes;
} mm_locator;

// peek.c: bytes.

/// Copy target bytes through the cache.
bool mm_peek_bytes(mm_locator *locator, uint64_t address, void *to, size_t count);
/// A 64-bit word; 0 when it cannot be read.
uint64_t mm_peek_word(mm_locator *locator, uint64_t address);
/// A 32-bit int; 0 when it cannot be read.
uint32_t mm_peek_int(mm_locator *locator, uint64_t address);
/// Copy a NUL-terminated text of at most `room` - 1 bytes; false when it cannot be read or is
/// longer.
bool mm_peek_text(mm_locator *locator, uint64_t address, char *to, size_t room);
/// Put a text into the pool. Returns its offset; 0 (the empty text) when the pool is full.
uint32_t mm_locator_text(mm_locator *locator, const char *text);

// objects.c: objects, through the layout alone.

/// What is at an offset of the layout. 0 when the version has no such member.
uint64_t mm_object_word(mm_locator *locator, uint64_t object, enum mm_at at);
/// Is there a live object: aligned, readable, counted, of a type whose own type leads to `type`?
bool mm_object_is(mm_locator *locator, uint64_t address);
/// Is `type` the type of this object, or a base of its type?
bool mm_object_isinstance(mm_locator *locator, uint64_t object, uint64_t type);
/// Is this a type object?
bool mm_object_is_type(mm_locator *locator, uint64_t address);
/// Does the str have this ASCII text?
bool mm_str_is(mm_locator *locator, uint64_t object, const char *text);
/// Copy an ASCII str of less than `room` bytes; false for anything else.
bool mm_str_copy(mm_locator *locator, uint64_t object, char *to, size_t room);

/// A dict's table, ready to be stepped through.
typedef struct mm_dict_peek {
    uint64_t entries;
    uint64_t entry_bytes;
    uint64_t values;  ///< split table: where the values are; else 0
    uint64_t count;
    uint64_t used;  ///< what the dict says it holds
    bool general;
} mm_dict_peek;

/// Prepare. False when the dict contradicts itself.
bool mm_dict_open(mm_locator *locator, uint64_t dict, mm_dict_peek *ret);
/// Entry `index`. False when it is empty or cannot be read.
bool mm_dict_entry(mm_locator *locator, const mm_dict_peek *view, uint64_t index, uint64_t *key_ret,
                   uint64_t *value_ret);
/// The value under an ASCII key; 0 when there is none.
uint64_t mm_dict_find(mm_locator *locator, uint64_t dict, const char *key);
/// The dict of a module; 0 when it is none.
uint64_t mm_module_dict(mm_locator *locator, uint64_t module);
/// The dict of a module by name, through sys.modules; 0 when there is none.
uint64_t mm_module_named(mm_locator *locator, const char *name);

// image.c: files.

/// Find the image that exports _PyRuntime, all others, the version, and the regions.
MM_STATUS mm_locate_images(mm_locator *locator);

// runtime.c: states.

/// Find interpreters, threads and generations.
MM_STATUS mm_locate_runtime(mm_locator *locator);
/// A place of the version's table; MM_PLACE_NONE when there is no table.
uint32_t mm_place_of(const mm_locator *locator, enum mm_place place);

// types.c, checks.c: kinds.

/// Resolve the exported types that a start needs: type, object, dict, list, str, module.
MM_STATUS mm_locate_basic_types(mm_locator *locator);
/// Resolve all others, check each kind, fill fields.
void mm_locate_types(mm_locator *locator);
/// Bit per mm_kind that agrees with the target's own objects. `type_of` is the address of a type of
/// each kind, 0 where none is known.
uint32_t mm_check_kinds(mm_locator *locator, const uint64_t type_of[MM_KIND_COUNT]);

// roots.c: references from outside.

/// Named roots of interpreters, threads and runtime; sys.modules; prefixes.
void mm_locate_roots(mm_locator *locator);
/// Add one, if there is an object. What there is no room for is counted.
void mm_root_add(mm_locator *locator, mm_root_kind kind, uint16_t owner, const char *name,
                 uint64_t object);
/// Add a type object that is no heap object, under its own name.
void mm_root_add_type(mm_locator *locator, uint64_t type);

// statics.c: what static types own from 3.12 on.

/// Find it.
void mm_locate_static_dicts(mm_locator *locator);

#endif
