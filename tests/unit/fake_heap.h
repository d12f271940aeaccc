// A heap that looks like CPython's and is none: plain memory, laid out by a table of our own.
//
// The offsets are not those of any real version, and `odd` turns most of them round: a walker that
// had an offset compiled in would read the wrong word. What the heap owns stands between pages that
// cannot be read, and the target's regions are exactly what it owns: a stray read ends the test.
#ifndef MM_TESTS_FAKE_HEAP_H
#define MM_TESTS_FAKE_HEAP_H

#include "base/free/target.h"
#include "base/os/pages.h"
#include "capture/capture.h"
#include "format/read.h"

enum {
    FAKE_REGIONS = 64,
    FAKE_FIELDS = 64,
    FAKE_ROOTS = 16,
    FAKE_OPAQUE = 4,
    FAKE_TEXT_BYTES = 4096,
    FAKE_FLAG_INLINE_VALUES = 1 << 2,
    FAKE_FLAG_MANAGED_WEAKREF = 1 << 3,
    FAKE_FLAG_MANAGED_DICT = 1 << 4,
    FAKE_FLAG_HEAP = 1 << 9,
    FAKE_FLAG_COLLECTED = 1 << 14,
    FAKE_CAPACITY = 6,  ///< attributes that an instance has room for
    FAKE_BEFORE = 32    ///< bytes in front of every object: two managed words, the collector's two
};

/// Kinds of key tables.
enum { FAKE_GENERAL = 0, FAKE_UNICODE = 1, FAKE_SPLIT = 2 };

/// What becomes of a call of tp_traverse.
typedef int (*fake_visit)(void *object, void *context);
typedef int (*fake_traverse)(void *object, fake_visit visit, void *context);

/// A heap. Addresses are numbers everywhere: that is how the walker sees them.
typedef struct fake_heap {
    mm_layout layout;
    bool odd;
    uint64_t at;  ///< next free byte of the main region
    uint64_t end;
    mm_region regions[FAKE_REGIONS];
    uint32_t region_count;
    void *maps[FAKE_REGIONS];  ///< mappings, guard pages included
    size_t map_bytes[FAKE_REGIONS];
    uint32_t map_count;
    uint64_t types[MM_KIND_COUNT];  ///< type object of each kind
    uint64_t bytes_type;
    uint64_t int_type;
    uint64_t head[MM_GENERATION_COUNT];
    uint64_t collecting;
    mm_field fields[FAKE_FIELDS];
    uint32_t field_count;
    mm_root roots[FAKE_ROOTS];
    uint32_t root_count;
    uint64_t opaque[FAKE_OPAQUE];
    uint32_t opaque_count;
    mm_static_dict static_dict;  ///< one; type 0 = none
    uint64_t thread;
    char text[FAKE_TEXT_BYTES];
    uint32_t text_bytes;
    uint32_t target_flags;
    mm_target *target;
} fake_heap;

/// An empty heap of `size_bytes` with a type of each kind. The main region begins 64 KiB below a
/// border between two blocks of 1 MiB.
void fake_heap_init(fake_heap *heap, unsigned minor, bool odd, size_t size_bytes);
void fake_heap_deinit(fake_heap *heap);
/// Its target block: made anew on every call, from what the heap holds now.
const mm_target *fake_heap_target(fake_heap *heap);

/// A region of its own between guard pages; answers where it begins.
uint64_t fake_region(fake_heap *heap, size_t size_bytes, uint32_t flags);
/// Make the page of a function known as code.
void fake_code_region(fake_heap *heap, fake_traverse function);
/// `count` zeroed bytes of the main region, aligned to 16.
uint64_t fake_take(fake_heap *heap, size_t count);
/// A NUL-terminated copy in the heap.
uint64_t fake_text(fake_heap *heap, const char *text);

void fake_put(uint64_t address, uint64_t word);
void fake_put32(uint64_t address, uint32_t value);
void fake_put8(uint64_t address, uint8_t value);
uint64_t fake_get(uint64_t address);
/// Put a word at a place that the layout names.
void fake_set(const fake_heap *heap, uint64_t object, enum mm_at at, uint64_t word);
/// Offset by the layout's name.
uint16_t fake_at(const fake_heap *heap, enum mm_at at);

/// Make `size_bytes` (FAKE_BEFORE bytes before it are taken too) an object: type and one reference.
uint64_t fake_object(fake_heap *heap, uint64_t type, size_t size_bytes);
/// Write an object's header into memory that the caller chose.
void fake_header(const fake_heap *heap, uint64_t address, uint64_t type);
/// Link it into a ring of the collector.
uint64_t fake_track(fake_heap *heap, uint64_t object, unsigned generation);

/// A static type object. `traverse` may be NULL.
uint64_t fake_type(fake_heap *heap, const char *name, uint64_t base, uint64_t basic_bytes,
                   uint64_t flags, fake_traverse traverse);
/// A class as a class statement makes it, with slots and the names of its instances' attributes.
uint64_t fake_class(fake_heap *heap, const char *name, uint64_t base, const char *const *slots,
                    size_t slot_count, const char *const *attributes, size_t attribute_count);
/// An instance of a class of the above, tracked, without attributes.
uint64_t fake_instance(fake_heap *heap, uint64_t type);
/// Attribute values of an instance, by the class's shared keys.
void fake_attributes(fake_heap *heap, uint64_t instance, const uint64_t *values, size_t count);
/// The instance's own dict.
void fake_attribute_dict(fake_heap *heap, uint64_t instance, uint64_t dict);
/// What classes have for tp_traverse, and what known kinds have: the walker calls neither.
int fake_subtype_traverse(void *object, fake_visit visit, void *context);
int fake_never_traverse(void *object, fake_visit visit, void *context);

uint64_t fake_str(fake_heap *heap, const char *ascii);
/// `character_bytes` 1, 2 or 4; compact or with its characters elsewhere.
uint64_t fake_str_wide(fake_heap *heap, unsigned character_bytes, bool compact,
                       const uint32_t *characters, size_t count);
uint64_t fake_bytes(fake_heap *heap, const uint8_t *bytes, size_t count);
uint64_t fake_int(fake_heap *heap);
uint64_t fake_tuple(fake_heap *heap, const uint64_t *items, size_t count);
uint64_t fake_list(fake_heap *heap, const uint64_t *items, size_t count);
/// A key table with `count` entries (value 0 = deleted).
uint64_t fake_keys(fake_heap *heap, int kind, const uint64_t *keys, const uint64_t *values,
                   size_t count);
uint64_t fake_dict(fake_heap *heap, int kind, const uint64_t *keys, const uint64_t *values,
                   size_t count);
/// A dict on shared keys with its own values.
uint64_t fake_split_dict(fake_heap *heap, uint64_t keys, const uint64_t *values, size_t count,
                         bool embedded);
/// A set; a member 0 stands for a deleted entry.
uint64_t fake_set_object(fake_heap *heap, const uint64_t *members, size_t count);
/// A code object with 64 instructions.
uint64_t fake_code(fake_heap *heap, const char *name, int first_line, const uint64_t *variables,
                   size_t variable_count, uint64_t line_table);
/// Fill a frame struct at `iframe`, which has room for `count` values.
void fake_iframe(const fake_heap *heap, uint64_t iframe, uint64_t code, unsigned instruction,
                 const uint64_t *values, size_t count);
/// Let a fake thread run `iframe`.
void fake_run(fake_heap *heap, uint64_t iframe);
/// Add a root.
void fake_root(fake_heap *heap, mm_root_kind kind, const char *name, uint64_t object);

/// Something of everything. Answers a list of it.
uint64_t fake_world(fake_heap *heap);

/// One capture, and what it wrote.
typedef struct fake_capture {
    uint8_t *bytes;
    size_t count;
    size_t room;
    uint64_t write_count;
    uint64_t write_fail;  ///< fail at this write, counted from 1; 0 = never
    uint64_t map_count;
    uint64_t map_fail;  ///< as write_fail for pages
    mm_os_pages pages;
    mm_capture_options options;
    mm_capture_result result;
    mm_status status;
    mm_file file;
    mm_error error;
    mm_status file_status;
} fake_capture;

/// Clear a capture, so that its options can be set.
void fake_capture_init(fake_capture *capture);
void fake_capture_deinit(fake_capture *capture);
/// The two doors of a capture; they may be handed to the blob as well.
mm_sink fake_capture_sink(fake_capture *capture);
mm_pages fake_capture_pages(fake_capture *capture);
/// Run it over the heap and, when it went well, read back what was written.
void fake_capture_run(fake_capture *capture, fake_heap *heap);
/// Read back what was written.
void fake_capture_read(fake_capture *capture);

/// One expected reference.
typedef struct fake_reference {
    unsigned naming;  ///< mm_naming | MM_REF_*
    uint32_t argument;
    uint64_t target;  ///< address
} fake_reference;

/// Are the references of the object at `address` exactly these, in this order? Says what is wrong.
bool fake_refers(const fake_capture *capture, uint64_t address, const fake_reference *expected,
                 size_t count);

#endif
