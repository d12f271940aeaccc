// The walker's state and its inner vocabulary. Private to engine/capture.
#ifndef MM_CAPTURE_WALKER_H
#define MM_CAPTURE_WALKER_H

#include "base/free/arena.h"
#include "base/free/bytes.h"
#include "capture/capture.h"
#include "format/write.h"

enum {
    BLOCK_BYTES = 1 << MM_BLOCK_SHIFT,
    BLOCK_WORDS = BLOCK_BYTES >> (MM_SLOT_SHIFT + 6),
    TABLE_BITS = 14,      ///< of an address above the block offset, in the second level
    TOP_COUNT = 1 << 13,  ///< 47 address bits less the 34 of one second-level table
    BATCH_COUNT = 256,    ///< objects gathered before they are visited, so that prefetch has time
    NAME_BYTES_MAX = 240  ///< longest C name that is looked at
};

// What all versions that we walk by layout share, and no offset of mm_layout says: what stands in
// front of an object, and which bits of a pointer are not address.
enum {
    OBJECT_ALIGN = 8,
    OBJECT_HEAD_BYTES = 16,      ///< ob_refcnt, ob_type: the least that an object has
    GC_HEAD_BYTES = 16,          ///< the collector's, in front of what it collects
    GC_LINK_FLAGS = 3,           ///< low bits of its links that are flags
    MANAGED_HEAD_BYTES = 16,     ///< in front of the collector's, where attributes are managed
    MANAGED_DICT_BEFORE = 24,    ///< the attribute dict; 3.12: or values with the low bit set
    MANAGED_VALUES_BEFORE = 32,  ///< 3.11: attribute values
    MANAGED_VALUES_TAG = 1,
    EXECUTABLE_TAG = 3,    ///< low bits of a frame's pointers that are flags
    SET_ENTRY_BYTES = 16,  ///< {key, hash}
    LONG_TAG_SHIFT = 3,    ///< lv_tag: digits above sign and immortality
    FIELD_FLAGS = MM_FIELD_WEAK | MM_FIELD_BORROWED | MM_FIELD_HIDDEN
};

_Static_assert(MM_FORMAT_KIND_COUNT == MM_KIND_COUNT, "kinds go into the file as they are");
_Static_assert(MM_FORMAT_ROOT_LOCAL == (int)MM_ROOT_FRAME, "kinds of roots do, too");
_Static_assert(MM_FIELD_WEAK << 4 == (int)MM_REF_WEAK, "ref_flags() shifts them");
_Static_assert(MM_FIELD_BORROWED << 4 == (int)MM_REF_BORROWED, "ref_flags() shifts them");
_Static_assert(MM_FIELD_HIDDEN << 4 == (int)MM_REF_HIDDEN, "ref_flags() shifts them");
_Static_assert(OBJECT_ALIGN == 1 << MM_SLOT_SHIFT, "a slot is where an object may begin");
_Static_assert(BLOCK_WORDS % 64 == 0, "fresh_words has a bit for each word of a bitmap");

/// What modules of mortmain begin with: what it leaves out of its answers.
#define OWN_PREFIX "mortmain."
enum { OWN_PREFIX_BYTES = sizeof OWN_PREFIX - 1 };
/// But for these two: weak containers are part of the program that uses them.
#define WEAK_MODULE "mortmain.weak"
#define WEAK_INNER_MODULE "mortmain._weak"

/// What a reference is worth, from the flags of a field.
static inline uint8_t ref_flags(uint8_t field_flags) {
    return (uint8_t)((field_flags & FIELD_FLAGS) << 4);
}

/// May an object begin here?
static inline bool is_aligned(uint64_t address) {
    return address % OBJECT_ALIGN == 0;
}

/// No sparse id: the address is not readable.
#define NO_ID MM_WRITER_NONE

/// One MiB of address space in which objects were found. The bitmaps have a bit per 8 bytes.
typedef struct mm_block {
    uint64_t base;
    uint64_t number;
    uint64_t *keys;  ///< strs that are data keys, where those were asked for; else NULL
    uint64_t *text;  ///< strs whose text is wanted; NULL until the first
    bool whole;      ///< readable from end to end, so that no single address needs a look-up
    bool fresh;      ///< found has bits that done lacks
    uint64_t fresh_words[BLOCK_WORDS / 64];  ///< in which words of the bitmaps, a bit each
    uint64_t found[BLOCK_WORDS];
    uint64_t done[BLOCK_WORDS];
} mm_block;

/// Second level of the address table.
typedef struct mm_block_table {
    mm_block *blocks[1 << TABLE_BITS];
} mm_block_table;

/// A container of mortmain.weak: for each entry its tp_traverse visits the weak reference, then
/// what stands beside it, if the container holds that.
enum { WEAK_NONE, WEAK_MAPPING, WEAK_SET };

/// What a name says of a number: nothing; a bound in bytes, where who measures takes something out;
/// perhaps a bound, where somebody measures by it; a bound.
typedef enum mm_bound_strength {
    MM_BOUND_NOT = 0,
    MM_BOUND_BYTES,
    MM_BOUND_MAYBE,
    MM_BOUND_SURE
} mm_bound_strength;

enum { MM_BOUND_NAME_BYTES = 48 };

/// A number by which the objects of a class say how many entries they take at most.
typedef struct mm_bound_number {
    char name[MM_BOUND_NAME_BYTES];
    uint16_t slot;  ///< offset of the slot; 0 = an attribute
    mm_bound_strength strength;
    uint64_t constant;  ///< the int in the class's namespace, for objects without one; 0 = none
} mm_bound_number;

/// How the objects of a type are walked, worked out once for each type.
typedef struct mm_type_info {
    uint64_t address;
    struct mm_type_info *next;  ///< in the order of the indices
    uint32_t index;
    uint8_t kind;       ///< mm_kind of the solid base
    bool python_class;  ///< made by a class statement: has slots and perhaps a dict of its own
    bool collected;     ///< Py_TPFLAGS_HAVE_GC
    bool heap;
    bool metatype;         ///< its objects are types
    bool has_bound;        ///< its objects may say how many entries they take at most
    bool opaque;           ///< its tp_traverse must not be called
    bool managed_dict;     ///< attribute storage in front of the object
    bool inline_values;    ///< 3.13+: attribute storage behind the object
    bool variable;         ///< ob_size counts items
    bool sequence;         ///< what tp_traverse finds out of line are its items
    uint8_t weak_entries;  ///< what weak references with its callback stand for: WEAK_*
    bool scan;             ///< no tp_traverse and not known: word scan, guessed
    uint64_t basic_bytes;
    uint64_t item_bytes;
    uint64_t prefix_bytes;  ///< in front of the object: collector's and managed header
    int64_t dict_offset;    ///< of the class's own dict; 0 = none or the base's business
    uint64_t traverse;      ///< tp_traverse of the solid base, where it has to be asked; else 0
    uint64_t tail_offset;   ///< first byte that the kind's own walker does not cover
    uint64_t solid;         ///< address of the solid base
    uint64_t keys;          ///< shared keys of the instances; 0 = none
    uint64_t bound_offset;  ///< of the word that says how many entries there may be, of a function
                            ///< that of its defaults; 0 = none
    const mm_bound_number *numbers;  ///< that say it, the surest first
    uint32_t number_count;
    uint8_t inspector;  ///< how its objects tell that their life is over: see status.c; 0 = not
    uint8_t buffer;     ///< what its objects have beside them: row of buffers.c, plus 1; 0 = none
    uint16_t inspect_offset;  ///< of the word that tells, or number of a row
    const uint16_t *slots;    ///< byte offsets of slots of the class statement's bases
    uint32_t slot_count;
    uint32_t field_start;  ///< into the target's fields
    uint32_t field_count;
    uint64_t lost_blocks;  ///< of the census: blocks with an object that no reference led to
    uint64_t lost_bytes;   ///< of those blocks
    uint64_t lost_loose;   ///< of those blocks: none of the others explains all references
} mm_type_info;

/// Open addressing from type address to info.
typedef struct mm_type_map {
    mm_type_info **slots;
    uint32_t mask;
    uint32_t count;
    mm_type_info *first;
    mm_type_info **last_next;
    mm_type_info *recent;  ///< the one asked for last
} mm_type_map;

/// Objects that wait for the last round.
typedef struct mm_address_list {
    uint64_t *items;
    size_t count;
    size_t capacity;
} mm_address_list;

/// Words of an interpreter's frame that own an object.
enum {
    IFRAME_CODE_WORD,
    IFRAME_FUNCTION_WORD,
    IFRAME_LOCALS_WORD,
    IFRAME_OBJECT_WORD,
    IFRAME_OWNED
};

/// Everything a capture knows. One on the door's memory, gone with it.
typedef struct mm_walker {
    const mm_target *target;
    const uint16_t *at;  ///< the layout's offsets
    const mm_region *regions;
    const mm_region *region;  ///< the one hit last
    uint32_t region_count;
    uint32_t minor;
    mm_status status;  ///< first failure; the rounds stop at it
    mm_arena arena;
    mm_writer *writer;
    const mm_capture_options *options;
    mm_block_table **top;
    uint64_t block_count;
    mm_type_map types;
    mm_address_list postponed;    ///< objects to be scanned word by word when all others are known
    const uint64_t *owned_bytes;  ///< of the first so many of those: in blocks that they alone own
    size_t owned_count;
    uint64_t owned_now;  ///< of the one that is visited
    uint64_t bounds_said;
    uint64_t limits_said;
    uint64_t length_name;  ///< the interned str `len`; 0 = not met yet
    uint64_t unreadable_count;
    uint64_t dict_type;  ///< for the prefetch stage
    uint64_t list_type;
    uint8_t values_reporter;  ///< who reports values inside instances: VALUES_BY_*
    uint64_t interned;        ///< the dict of interned strings, whose references are not counted
    uint32_t name_c_data;     ///< NAME numbers of the walker's own names
    uint32_t name_state;
    uint32_t name_dict;
    uint32_t name_shared_key;
    uint32_t name_iframe[IFRAME_OWNED];  ///< as iframe_owned
    uint32_t skipped;                    ///< empty slots since the last INDEX
} mm_walker;

/// Offset by name.
#define AT(walker, name) ((walker)->at[MM_AT_##name])
/// Does this version have it?
#define HAS(walker, name) ((walker)->at[MM_AT_##name] != MM_AT_NONE)

// Raw memory of the target, which is this address space. The caller made sure that it is readable;
// a pointer of the target may lead anywhere in it, also to an odd address.
typedef uint64_t MM_FOREIGN_MEMORY foreign_word;
typedef uint32_t MM_FOREIGN_MEMORY foreign_u32;
typedef uint16_t MM_FOREIGN_MEMORY foreign_u16;
static inline uint64_t load_word(uint64_t address) {
    return *(const foreign_word *)(uintptr_t)address;
}
static inline uint32_t load_u32(uint64_t address) {
    return *(const foreign_u32 *)(uintptr_t)address;
}
static inline int32_t load_i32(uint64_t address) {
    return (int32_t)load_u32(address);
}
static inline uint8_t load_byte(uint64_t address) {
    return *(const uint8_t *)(uintptr_t)address;
}

/// Record the first failure.
static inline void walker_fail(mm_walker *walker, mm_status status) {
    if (walker->status == MM_OK) {
        walker->status = status;
    }
}

// blocks.c ------------------------------------------------------------------------------------

/// As is_readable(), wherever it lies. COST: O(log n) of the regions.
bool is_readable_slow(mm_walker *walker, uint64_t address, uint64_t size_bytes);
/// Is [address, address + size) readable? COST: one comparison when it lies where the last one did.
static inline bool is_readable(mm_walker *walker, uint64_t address, uint64_t size_bytes) {
    const mm_region *region = walker->region;
    if (MM_LIKELY(address >= region->start && address < region->end &&
                  size_bytes <= region->end - address)) {
        return true;
    }
    return is_readable_slow(walker, address, size_bytes);
}

/// Flags of the region that holds `address`, or 0.
uint32_t region_flags(mm_walker *walker, uint64_t address);

/// The block of an address, or NULL when no object was found in it yet.
static inline mm_block *block_of(const mm_walker *walker, uint64_t address) {
    if (MM_UNLIKELY(address >> 47 != 0)) {
        return NULL;
    }
    mm_block_table *table = walker->top[address >> (MM_BLOCK_SHIFT + TABLE_BITS)];
    if (MM_UNLIKELY(table == NULL)) {
        return NULL;
    }
    return table->blocks[(address >> MM_BLOCK_SHIFT) & ((1u << TABLE_BITS) - 1)];
}

/// Make the block of an address. NULL when no object can begin there, nothing there is readable, or
/// memory is out.
mm_block *block_open(mm_walker *walker, uint64_t address);

static inline uint64_t block_id(const mm_block *block, uint64_t address) {
    MM_ASSERT(address - block->base < BLOCK_BYTES);
    return block->number << MM_SLOT_BITS | (address & (BLOCK_BYTES - 1)) >> MM_SLOT_SHIFT;
}

/// Mark the object at `address` as found. Returns its sparse id, or NO_ID when the address cannot
/// be one of an object.
static inline uint64_t mark_found(mm_walker *walker, uint64_t address) {
    mm_block *block = block_of(walker, address);
    if (MM_UNLIKELY(block == NULL)) {
        block = block_open(walker, address);
        if (block == NULL) {
            return NO_ID;
        }
    }
    MM_ASSERT(block->base == (address & ~(uint64_t)(BLOCK_BYTES - 1)));
    MM_ASSERT(block->number < walker->block_count);
    uint64_t slot = (address & (BLOCK_BYTES - 1)) >> MM_SLOT_SHIFT;
    uint64_t bit = (uint64_t)1 << (slot & 63);
    MM_ASSERT(slot >> 6 < BLOCK_WORDS);
    if (MM_UNLIKELY(!is_aligned(address))) {
        return NO_ID;
    }
    if ((block->found[slot >> 6] & bit) == 0) {
        if (MM_UNLIKELY(!block->whole && !is_readable(walker, address, OBJECT_HEAD_BYTES))) {
            return NO_ID;
        }
        block->found[slot >> 6] |= bit;
        block->fresh = true;
        block->fresh_words[slot >> 12] |= (uint64_t)1 << (slot >> 6 & 63);
    }
    return block->number << MM_SLOT_BITS | slot;
}

/// Sparse id of an object that was found already, or NO_ID.
static inline uint64_t find_found(const mm_walker *walker, uint64_t address) {
    const mm_block *block = block_of(walker, address);
    if (block == NULL || !is_aligned(address)) {
        return NO_ID;
    }
    uint64_t slot = (address & (BLOCK_BYTES - 1)) >> MM_SLOT_SHIFT;
    if ((block->found[slot >> 6] >> (slot & 63) & 1) == 0) {
        return NO_ID;
    }
    return block->number << MM_SLOT_BITS | slot;
}

/// Sparse id of an object whose turn to be visited has come, or NO_ID. What only the writing of
/// types finds has no record.
static inline uint64_t find_done(const mm_walker *walker, uint64_t address) {
    uint64_t id = find_found(walker, address);
    uint64_t slot = id & (((uint64_t)1 << MM_SLOT_BITS) - 1);
    bool done = id != NO_ID && (block_of(walker, address)->done[slot >> 6] >> (slot & 63) & 1) != 0;
    return done ? id : NO_ID;
}

/// Next block at or above `*address` in address order, or NULL; `*address` moves behind it.
mm_block *block_next(const mm_walker *walker, uint64_t *address);

// References of the record that is being written ------------------------------------------------

static inline void refer(mm_walker *walker, mm_naming naming, uint64_t target) {
    uint64_t id = mark_found(walker, target);
    if (MM_UNLIKELY(id == NO_ID)) {
        walker->unreadable_count++;
        return;
    }
    mm_writer_reference(walker->writer, naming, id);
}

static inline void refer_at(mm_walker *walker, mm_naming naming, uint64_t argument,
                            uint64_t target) {
    uint64_t id = mark_found(walker, target);
    if (MM_UNLIKELY(id == NO_ID)) {
        walker->unreadable_count++;
        return;
    }
    mm_writer_reference_at(walker->writer, naming, argument, id);
}

/// With flags; NULL targets are passed over.
void refer_flagged(mm_walker *walker, mm_naming naming, uint8_t flags, uint64_t argument,
                   uint64_t target);
/// Item `[i]` in order; a NULL is counted as an empty slot.
static inline void refer_item(mm_walker *walker, uint64_t target) {
    uint64_t id = target == 0 ? NO_ID : mark_found(walker, target);
    if (MM_UNLIKELY(id == NO_ID)) {
        walker->unreadable_count += target != 0;
        walker->skipped++;
        return;
    }
    if (MM_UNLIKELY(walker->skipped != 0)) {
        mm_writer_skip(walker->writer, walker->skipped);
        walker->skipped = 0;
    }
    mm_writer_reference(walker->writer, MM_NAME_INDEX, id);
}
/// The word at `offset` of the object; NULL is passed over.
static inline void refer_word(mm_walker *walker, uint64_t offset, uint64_t target) {
    if (target != 0) {
        refer_at(walker, MM_NAME_WORD, offset / 8, target);
    }
}

// types.c ---------------------------------------------------------------------------------------

/// Bits of tp_flags.
enum {
    FLAG_INLINE_VALUES = 1 << 2,
    FLAG_MANAGED_WEAKREF = 1 << 3,
    FLAG_MANAGED_DICT = 1 << 4,
    FLAG_HEAP = 1 << 9,
    FLAG_COLLECTED = 1 << 14,
    FLAG_EXCEPTION = 1 << 30
};
#define FLAG_METATYPE ((uint64_t)1 << 31)

/// REQUIRES, for these three: a readable type object.
static inline uint64_t type_flags(const mm_walker *walker, uint64_t type) {
    return load_word(type + AT(walker, TYPE_FLAGS));
}
static inline bool type_is_heap(const mm_walker *walker, uint64_t type) {
    return (type_flags(walker, type) & FLAG_HEAP) != 0;
}
static inline bool type_is_metatype(const mm_walker *walker, uint64_t type) {
    return (type_flags(walker, type) & FLAG_METATYPE) != 0;
}

/// Visit the object members of one type, but not of its bases: `take` gets offset and C name.
typedef void (*member_take)(mm_walker *walker, void *context, uint64_t offset, uint64_t name);
void type_members_each(mm_walker *walker, uint64_t type, member_take take, void *context);
/// The base of a type, or 0.
uint64_t type_base(mm_walker *walker, uint64_t type);
/// What is known of a type; registers it when it is new. Never NULL: a type that cannot be read
/// gets the info with index 0.
mm_type_info *type_of_slow(mm_walker *walker, uint64_t type);
static inline mm_type_info *type_of(mm_walker *walker, uint64_t type) {
    mm_type_info *recent = walker->types.recent;
    MM_ASSERT(recent != NULL);
    return MM_LIKELY(recent->address == type) ? recent : type_of_slow(walker, type);
}
/// Only if it is registered already, else NULL.
const mm_type_info *type_find(const mm_walker *walker, uint64_t type);
void types_init(mm_walker *walker);
/// Write the TYPE stream.
void types_write(mm_walker *walker);
/// Is the object at `address` (readable, 16 bytes) of this kind?
bool is_kind(mm_walker *walker, uint64_t address, mm_kind kind);
/// Is a word of the target, which may be NULL or anything, the address of an object of this kind?
static inline bool is_object_of(mm_walker *walker, uint64_t word, mm_kind kind) {
    return word != 0 && is_aligned(word) && is_readable(walker, word, OBJECT_HEAD_BYTES) &&
           is_kind(walker, word, kind);
}

// words.c ---------------------------------------------------------------------------------------

/// How many words of a C type's objects have a name that the type does not tell; `write` those as
/// fields of it.
uint64_t words_say(mm_walker *walker, const mm_type_info *info, bool write);

// dicts.c ---------------------------------------------------------------------------------------

/// A dict laid open. Entries [0, count); all of it is readable.
typedef struct mm_dict_view {
    uint64_t entries;      ///< address of the first
    uint64_t entry_bytes;  ///< 16 or 24
    uint64_t key_offset;   ///< of the key in an entry
    uint64_t values;       ///< split table: address of the values array; else 0
    uint64_t count;
    uint64_t keys;  ///< the key table
    bool unicode;   ///< tp_traverse passes over the keys
    bool embedded;  ///< the values stand in the instance: see dict_reports_values()
} mm_dict_view;

/// Lay open a key table. False when it does not make sense.
bool keys_view(mm_walker *walker, uint64_t keys, mm_dict_view *ret);
/// Lay open a dict object.
bool dict_view(mm_walker *walker, uint64_t dict, mm_dict_view *ret);
static inline uint64_t dict_key(const mm_dict_view *view, uint64_t i) {
    MM_ASSERT(i < view->count);
    return load_word(view->entries + i * view->entry_bytes + view->key_offset);
}
static inline uint64_t dict_value(const mm_dict_view *view, uint64_t i) {
    return view->values != 0
               ? load_word(view->values + i * 8)
               : load_word(view->entries + i * view->entry_bytes + view->key_offset + 8);
}
/// Bytes of a key table.
uint64_t keys_bytes(const mm_walker *walker, uint64_t keys);
/// Value of an ASCII key, or 0.
uint64_t dict_get(mm_walker *walker, uint64_t dict, const char *key);
/// The dict is a namespace: want the texts of its keys, and in a module's or class's (`of_program`)
/// of the values that name things. A dict whose key table is `shared_keys` (0 = none) is passed
/// over: those names stand with the class.
void dict_is_namespace(mm_walker *walker, uint64_t dict, bool of_program, uint64_t shared_keys);
void walk_dict(mm_walker *walker, uint64_t address);
void walk_ordered_dict(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_set(mm_walker *walker, uint64_t address);
void walk_list(mm_walker *walker, uint64_t address);
void walk_tuple(mm_walker *walker, uint64_t address);

// objects.c -------------------------------------------------------------------------------------

/// The words of a kind, by the target's field table.
void walk_fields(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// What a class statement adds: slots and attributes.
/// REQUIRES: tp_basicsize bytes at `address` are readable, as for every walk_*.
void walk_class_part(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_type(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_code(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_module(mm_walker *walker, const mm_type_info *type, uint64_t address);

// frames.c --------------------------------------------------------------------------------------

void walk_generator(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_frame(mm_walker *walker, const mm_type_info *type, uint64_t address);
void walk_traceback(mm_walker *walker, const mm_type_info *type, uint64_t address);

/// Where the owning words of a frame stand, and their names. MM_AT_*.
typedef struct iframe_word {
    uint16_t at;
    char name[14];
} iframe_word;
extern const iframe_word iframe_owned[IFRAME_OWNED];
/// Code object of a frame, or 0. REQUIRES: the frame's fixed part is readable.
uint64_t iframe_code(mm_walker *walker, uint64_t iframe);
/// A count in a code object (MM_AT_CODE_*), or 0 when it makes no sense.
uint64_t code_count(const mm_walker *walker, uint64_t code, enum mm_at at);
/// Line that byte `instruction_offset` of a code object belongs to; 0 = unknown.
uint32_t code_line(mm_walker *walker, uint64_t code, int64_t instruction_offset);
/// Root a static type, unless the target's roots have it already.
void root_static_type(mm_walker *walker, uint64_t address);
/// Write THRD, FRAM and every ROOT.
void roots_write(mm_walker *walker);

// foreign.c -------------------------------------------------------------------------------------

/// Ask tp_traverse; names by word, member or shared key.
void walk_foreign(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// As walk_foreign() for what the solid base's own walker left: words from type->tail_offset on.
void walk_tail(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// References of a module that tp_traverse finds besides its dict.
void walk_module_state(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// Values that stand in an instance (3.13+) have one owner: are they reported by the instance, as
/// in 3.13.0, or by its dict (`dict`, 0 = none), as in late micro releases? tp_traverse of the
/// first such dict tells. False where nobody can be asked.
bool dict_reports_values(mm_walker *walker, uint64_t dict);
/// Word scan: whatever equals the address of a known object, flagged guessed.
void walk_words(mm_walker *walker, const mm_type_info *type, uint64_t address);

// sizes.c ---------------------------------------------------------------------------------------

/// Items of an object with ob_size, digits of an int; 0 when that makes no sense.
uint64_t item_count(const mm_walker *walker, const mm_type_info *type, uint64_t address);
/// Fill size, storage and their flags of a record.
void size_object(mm_walker *walker, const mm_type_info *type, uint64_t address,
                 mm_object_record *record);

// buffers.c -------------------------------------------------------------------------------------

/// Fill buffer of a type that is understood but for that.
void buffer_resolve(mm_walker *walker, mm_type_info *info);
/// Bytes that an object has beside it. REQUIRES of both: the type has a buffer.
uint64_t buffer_bytes(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// References to objects in it that tp_traverse passed over; `seen_words`: a bit for each word of
/// the object that it did not.
void buffer_refer(mm_walker *walker, const mm_type_info *type, uint64_t address,
                  uint32_t seen_words);

// chunks.c --------------------------------------------------------------------------------------

/// What glibc's malloc keeps in front of a block.
enum {
    PAGE_BYTES = 4096,
    CHUNK_HEAD_BYTES = 16,
    CHUNK_BYTES_LEAST = 32,
    CHUNK_PREVIOUS_IN_USE = 1,
    CHUNK_IS_MAPPING = 2,
    CHUNK_FLAGS = 7
};

/// Bytes of a chunk, by its own header. REQUIRES: that is readable.
static inline uint64_t chunk_bytes(uint64_t chunk) {
    return load_word(chunk + 8) & ~(uint64_t)CHUNK_FLAGS;
}
/// The first chunk of the heap that fills a region, and where the last one ends; 0 = it is none.
/// COST: O(chunks).
uint64_t chunk_heap_find(const mm_region *region, uint64_t *ret_end);
/// Bytes of the chunk with a mapping of its own that begins at a page, or 0.
uint64_t chunk_mapping_bytes(uint64_t page, uint64_t end);
/// Find out which blocks of malloc the postponed objects own: fills `owned_bytes`. Without memory
/// for that nothing is owned.
void chunks_claim(mm_walker *walker);

// status.c --------------------------------------------------------------------------------------

/// Fill inspector and inspect_offset of a type that is understood but for those.
void inspector_resolve(mm_walker *walker, mm_type_info *info);
/// Write MM_FACT_STATUS of an object that says something of it. REQUIRES: an inspector.
void status_say(mm_walker *walker, const mm_type_info *type, uint64_t address);

/// An attribute of an instance, where the interpreter manages its storage; 0 = it has none.
uint64_t attribute_get(mm_walker *walker, const mm_type_info *type, uint64_t address,
                       const char *name);
/// The value of an int of at most three digits; false for anything else.
bool int_value(mm_walker *walker, uint64_t object, uint64_t *ret);

// bounds.c --------------------------------------------------------------------------------------

/// Fill has_bound, bound_offset and numbers of a type that is understood but for those.
void bound_resolve(mm_walker *walker, mm_type_info *info);
/// Write MM_FACT_BOUND or MM_FACT_LIMIT of an object that says one. REQUIRES: has_bound.
void bound_say(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// The value of an int that can be a bound; false for anything else, for 0 too.
bool bound_value(mm_walker *walker, uint64_t value, uint64_t *ret);

// limits.c --------------------------------------------------------------------------------------

/// What the name of a number says.
mm_bound_strength bound_word(const char *name, size_t length);
/// Does the code of a function, or of one that it wraps, name this beside `len` or something that
/// evicts? False for any other object.
bool function_measures(mm_walker *walker, uint64_t object, const char *name);
/// Where functions have their defaults; 0 = unknown. REQUIRES: the type of functions.
uint64_t limit_defaults(mm_walker *walker, const mm_type_info *info);
/// Write what a function says of the sizes of its containers.
void limit_say(mm_walker *walker, const mm_type_info *type, uint64_t address);

// texts.c ---------------------------------------------------------------------------------------

/// The header of a str.
typedef struct mm_str_head {
    uint64_t length;        ///< characters
    uint64_t header_bytes;  ///< in front of the characters, or of what leads to them
    uint32_t character_bytes;
    bool compact;  ///< the characters stand behind the header
    bool ascii;
} mm_str_head;
/// Read it. REQUIRES: STR_ASCII_SIZEOF bytes are readable.
static inline mm_str_head str_head(const mm_walker *walker, uint64_t address) {
    // state: interned (..) | kind (3) | compact (1) | ascii (1), from its low end
    uint32_t state = load_u32(address + AT(walker, STR_STATE)) >> AT(walker, STR_KIND_BIT);
    bool compact = (state >> 3 & 1) != 0;
    bool ascii = (state >> 4 & 1) != 0;
    uint64_t header_bytes = !compact ? AT(walker, STR_LEGACY_SIZEOF)
                            : ascii  ? AT(walker, STR_ASCII_SIZEOF)
                                     : AT(walker, STR_COMPACT_SIZEOF);
    mm_str_head head = {load_word(address + AT(walker, STR_LENGTH)), header_bytes, state & 7,
                        compact, ascii};
    return head;
}
/// The str at `address` is a name: its text goes into the file. Anything else is passed over.
void want_text(mm_walker *walker, uint64_t address);
/// The str at `address` is a key of data: its text goes into the file. REQUIRES: keys were asked
/// for.
void want_key(mm_walker *walker, uint64_t address);
/// Every str in the tuple at `address`.
void want_texts(mm_walker *walker, uint64_t address);
/// Is the object a str that reads exactly `ascii`?
bool str_is(mm_walker *walker, uint64_t address, const char *ascii);
/// Does the str begin with `ascii`?
bool str_begins(mm_walker *walker, uint64_t address, const char *ascii);
/// Copy an ASCII str that is shorter than `to`, with its NUL. Returns its length, or 0.
size_t str_copy(mm_walker *walker, uint64_t address, char *to, size_t to_bytes);
/// Is the object a str that names mortmain or a module of it?
bool str_is_own(mm_walker *walker, uint64_t address);
/// Write the TEXT stream.
void texts_write(mm_walker *walker);
/// Copy a C string of the target as clean UTF-8 (bytes that are not become '?'). Returns its
/// length.
size_t c_text_copy(mm_walker *walker, uint64_t address, char *to, size_t to_bytes);

// capture.c -------------------------------------------------------------------------------------

/// Does the collector track the object?
bool is_tracked(mm_walker *walker, const mm_type_info *type, uint64_t address);
/// Grow an address list by one. Failure is recorded in the walker.
void list_push(mm_walker *walker, mm_address_list *list, uint64_t address);
/// What every object of the type has: a compact str and a static type are smaller than the basic
/// size says.
uint64_t least_bytes(const mm_walker *walker, const mm_type_info *type);

// census.c --------------------------------------------------------------------------------------

/// Read the allocators' blocks and write CTYP and CENS. REQUIRES: all else has been visited; types
/// are not written yet, since some are met here only. COST: one look at each block in use.
void census_take(mm_walker *walker);

#endif
