// What the files of the heap share with one another. Programs include mortmain.h alone.
//
// Lists. Every object is in one: tracked ones in a generation, among the frozen or in the garbage
// list; leaves, whose type has no strong field, in a list of their own that no collection walks.
// While a collection is under way what it found unreachable is in `trash`, or in `aside`: those
// whose finalizers have run, and by Python 2's rule what is uncollectable. An object that dies is
// in none: its two links are then the stack of a death of any depth (object.c).
//
// Flags live in the low bits of `next`, so the allocator must align to 16 bytes, as malloc does,
// and so must every head of a list, wherever it is.
//
// Hooks. `closed` counts what may not be disturbed: a hook in the middle of a death, a visitor, the
// heap's end. What would change the heap then answers MORT_EBUSY, and a release waits in `waiting`.
#ifndef MORT_INTERNAL_H
#define MORT_INTERNAL_H

#include <string.h>

#include "mortmain.h"

enum {
    MORT_FLAG_FINALIZED = 1,  ///< its finalizer has run
    /// A collection looks at it: `prev` is a count, or a link of its stack. It stays on the trash,
    /// with `prev` a link again, where set_aside() or clear_unseen() must know the trash.
    MORT_FLAG_IN_SET = 2,
    MORT_FLAG_MARKED = 4,  ///< with IN_SET: it was reached
    MORT_FLAG_LEAF = 8,    ///< in the list of leaves
    MORT_FLAGS = 15
};

/// What an object's references are.
typedef enum mort_shape {
    MORT_SHAPE_FIELDS = 0,
    MORT_SHAPE_KEYMAP,
    MORT_SHAPE_VALUEMAP,
    MORT_SHAPE_WEAKSET
} mort_shape;

struct mort_type {
    mort_heap *heap;
    mort_type *next;  ///< of the heap's types
    mort_spec spec;
    mort_shape shape;
    bool is_leaf;
    uint32_t strong_count;
    uint32_t array_count;
    uint32_t weak_count;
    uint32_t *offsets;  ///< of strong fields, then arrays, then weak fields
};

/// Pieces of one size that never move, named by numbers from 1.
typedef struct mort_slab {
    char **chunks;
    uint32_t chunk_count;
    uint32_t chunk_room;
    uint32_t piece_bytes;
    uint32_t used;       ///< pieces ever handed out
    uint32_t free_head;  ///< number of a free piece, whose first word is the next one's; 0 = none
} mort_slab;

typedef struct mort_watch_record mort_watch_record;
typedef struct mort_entry mort_entry;
typedef struct mort_table mort_table;

/// The side record of an object that is referred to weakly, or that owns a watch. It outlives its
/// object while anything points to it.
typedef struct mort_anchor {
    mort_object *target;  ///< NULL: dead
    mort_object *object;  ///< whose head has its number; NULL: its memory is gone
    mort_heap *heap;
    mort_watch_record *watches;  ///< on the object, newest first
    mort_watch_record *owned;    ///< that end with the object
    mort_entry *entries;         ///< of maps and sets that the object is weak in; of a dead object:
                                 ///< entries whose values are still to be released
    uint32_t handles;            ///< weak references
    uint32_t number;
} mort_anchor;

/// A watch. In the list of its object, or among those that a collection will tell.
struct mort_watch_record {
    mort_watch_record *next;
    mort_watch_record **link;  ///< what points to it there
    mort_watch_record *owned_next;
    mort_watch_record **owned_link;  ///< NULL: no owner
    mort_anchor *owner;
    mort_anchor *watched;  ///< NULL: told soon, its object is gone
    mort_notify *notify;   ///< NULL: free
    void *context;
    uint32_t number;
    uint32_t serial;
};

struct mort_heap {
    void *(*alloc)(void *context, size_t bytes);
    void (*free)(void *context, void *memory, size_t bytes);
    void (*line)(void *context, const char *line);
    void *context;
    unsigned flags;
    unsigned debug;
    bool is_enabled;
    bool is_collecting;
    bool is_ending;  ///< nothing dies any more: all of it goes
    bool has_hooks;  ///< some type has a finalizer or a destroy hook
    unsigned closed;
    unsigned depth;  ///< deaths that began inside one another
    mort_type *types;
    mort_type *keymap_type;
    mort_type *ephemeron_type;
    mort_type *valuemap_type;
    mort_type *weakset_type;
    /// Heads of lists, as the next five. They need the low bits of their addresses free as well.
    _Alignas(MORT_FLAGS + 1) mort_object generation[MORT_GENERATIONS];
    mort_object frozen;
    mort_object garbage;
    mort_object leaves;
    mort_object trash;
    mort_object aside;
    mort_object *waiting;      ///< to be released when nothing is closed, linked by `prev`
    mort_object *waiting_end;  ///< the last of them
    unsigned count[MORT_GENERATIONS];
    unsigned threshold[MORT_GENERATIONS];
    mort_generation_stats stats[MORT_GENERATIONS];
    size_t long_lived_total;
    size_t long_lived_pending;
    size_t len;
    size_t garbage_len;
    mort_slab anchors;
    mort_slab watches;
    size_t anchor_count;     ///< in use
    mort_watch_record *due;  ///< watches that a collection is about to tell
    mort_entry *orphans;     ///< of keys in the trash, until finalizers have run
    mort_on_pass *on_pass;
    void *on_pass_context;
};

// ---- heap.c -------------------------------------------------------------------------------------

void *mort_alloc_(mort_heap *heap, size_t bytes);  ///< zeroed, or NULL
void mort_free_(mort_heap *heap, void *memory, size_t bytes);
/// A rule was broken: `code`; in debug builds the program ends with a line that says `rule`.
int mort_broken_(int code, const char *rule);
/// A new piece, zeroed, or NULL.
void *mort_slab_new_(mort_heap *heap, mort_slab *slab, uint32_t *ret_number);
void *mort_slab_at_(const mort_slab *slab, uint32_t number);
void mort_slab_give_(mort_slab *slab, uint32_t number);
void mort_slab_deinit_(mort_heap *heap, mort_slab *slab);
/// MORT_OK, or why `object` cannot be stored in `heap` now: NULL, busy, of another heap, dying.
int mort_may_store_(const mort_heap *heap, const mort_object *object);

// ---- object.c -----------------------------------------------------------------------------------

/// Let go of what an object refers to, one by one: what was there is the caller's now; NULL at the
/// end. `cursor` is 0 at first and not looked at by others.
mort_object *mort_object_shed_(mort_object *object, uintptr_t *cursor);
/// The end of an object without references and hooks: memory.
void mort_object_free_(mort_heap *heap, mort_object *object);
/// Release what has been waiting.
void mort_drain_(mort_heap *heap);

// ---- weak.c, watch.c ----------------------------------------------------------------------------

/// The object's anchor, or NULL.
static inline mort_anchor *mort_anchor_peek_(const mort_object *object);
/// The same, made when there is none; NULL: no memory.
mort_anchor *mort_anchor_need_(mort_object *object);
/// Give an anchor back if nothing needs it any more.
void mort_anchor_settle_(mort_heap *heap, mort_anchor *anchor);
/// The object dies: weak references read NULL, entries of maps and sets leave, watches are told.
void mort_anchor_die_(mort_object *object);
/// The first half of that for all of a list, a collection's trash: no watch is told. Entries that
/// held a value go to heap->orphans.
void mort_anchors_empty_(mort_heap *heap, const mort_object *list);
/// Take the value of the first entry that has left its table, and free the entry.
mort_object *mort_orphan_take_(mort_heap *heap, mort_entry **list);
/// Release all values that hang on the dead anchor of an object that may live on.
void mort_orphans_release_(mort_object *object);
/// Tell the watches that an object owns that they are dropped.
void mort_watches_drop_owned_(mort_object *object);
/// Put the watches on an object of the trash behind `tail`, which moves on.
void mort_watches_due_(mort_anchor *anchor, mort_watch_record ***tail);
/// End a watch: `why` is told. `watch` is gone when its hook runs.
void mort_watch_end_(mort_heap *heap, mort_watch_record *watch, int why);
/// Clear an object's weak fields.
void mort_weak_fields_clear_(mort_object *object);

// ---- table.c: one table under the maps and the set ----------------------------------------------

/// An entry. In its bucket, in its table's order, and on the anchor of the object it is weak in.
struct mort_entry {
    mort_table *table;    ///< NULL: it left, and only its value is still to be released
    mort_anchor *anchor;  ///< of the key; of a valuemap: of the value
    mort_object *value;   ///< strong, of a keymap; else NULL
    mort_entry *bucket_next;
    mort_entry *anchor_next;
    mort_entry **anchor_link;  ///< what points to it there
    uint64_t serial;           ///< grows with each new entry of the table
    uint32_t hash;
    uint32_t at;  ///< place in `order`
    size_t key_bytes;
    unsigned char key[];  ///< of a valuemap
};

struct mort_table {
    mort_object head;
    bool is_ephemeron;
    size_t len;
    size_t end;  ///< places of `order` in use, holes included
    size_t room;
    mort_entry **order;    ///< by serial; a hole is its serial << 1 | 1
    mort_entry **buckets;  ///< `room` of them, a power of two
    uint64_t serial;       ///< of the newest entry
    uint64_t shed;         ///< where mort_table_shed_() is
};

/// As the mort_*_new() of maps and sets.
int mort_table_new_(mort_table **ret, mort_type *type);
/// Add an entry on `anchor`. NULL: no memory; the anchor is settled.
mort_entry *mort_table_add_(mort_table *table, mort_anchor *anchor, uint32_t hash, const void *key,
                            size_t key_bytes);
/// Hang an entry on an anchor; take it off.
void mort_entry_hang_(mort_entry *entry, mort_anchor *anchor);
void mort_entry_unhang_(mort_entry *entry);
/// Take an entry out of its table and off its anchor, which may then be settled. It still exists.
void mort_entry_unlink_(mort_entry *entry);
/// The same, its anchor settled, and its memory freed: its value is the caller's.
mort_object *mort_entry_end_(mort_entry *entry);
void mort_entry_free_(mort_heap *heap, mort_entry *entry);
/// The entry that a cursor is to show, or NULL; moves the cursor behind it.
mort_entry *mort_table_next_(const mort_table *table, mort_cursor *cursor);
/// Entry of a map or set by its object, or NULL.
mort_entry *mort_table_find_(const mort_table *table, const mort_object *key);
uint32_t mort_hash_anchor_(const mort_anchor *anchor);
/// Is a place in `order` a hole?
static inline bool mort_is_hole_(const mort_entry *entry) {
    return ((uintptr_t)entry & 1) != 0;
}
/// Take out the first entry, as far as shedding goes: its value, or NULL when the table is empty.
mort_object *mort_table_shed_(mort_table *table);
void mort_table_deinit_(mort_table *table);

// ---- collect.c, generations.c -------------------------------------------------------------------

/// Collect, whatever is due. REQUIRES: nothing is closed; the caller set heap->is_collecting.
size_t mort_collect_(mort_heap *heap, int generation);
/// COST: O(n).
size_t mort_list_len_(const mort_object *list);

// ---- inline -------------------------------------------------------------------------------------

static inline mort_object *mort_next_(const mort_object *object) {
    return (mort_object *)(object->next & ~(uintptr_t)MORT_FLAGS);
}
static inline mort_object *mort_prev_(const mort_object *object) {
    return (mort_object *)object->prev;
}
static inline void mort_link_(mort_object *first, mort_object *second) {
    first->next = (uintptr_t)second | (first->next & MORT_FLAGS);
    second->prev = (uintptr_t)first;
}
static inline void mort_unlink_(mort_object *object) {
    mort_link_(mort_prev_(object), mort_next_(object));
}
static inline void mort_append_(mort_object *list, mort_object *object) {
    mort_link_(mort_prev_(list), object);
    mort_link_(object, list);
}
static inline void mort_list_init_(mort_object *list) {
    list->next = (uintptr_t)list;
    list->prev = (uintptr_t)list;
}
static inline bool mort_list_is_empty_(const mort_object *list) {
    return mort_next_(list) == list;
}
/// Move all of `from` to the end of `to`.
static inline void mort_list_merge_(mort_object *from, mort_object *to) {
    if (!mort_list_is_empty_(from)) {
        mort_object *last = mort_prev_(from);
        mort_link_(mort_prev_(to), mort_next_(from));
        mort_link_(last, to);
        mort_list_init_(from);
    }
}
static inline bool mort_has_(const mort_object *object, uintptr_t flag) {
    return (object->next & flag) != 0;
}
static inline void *mort_at_(const mort_object *object, uint32_t offset) {
    return (char *)(uintptr_t)object + offset;
}
static inline mort_array *mort_array_at_(const mort_object *object, uint32_t offset) {
    return (mort_array *)mort_at_(object, offset);
}
// Slots are declared with the types of programs, so they are read and written as bytes.
static inline mort_object *mort_load_(const void *slot) {
    mort_object *object = NULL;
    memcpy(&object, slot, sizeof(object));
    return object;
}
static inline void mort_store_(void *slot, mort_object *object) {
    memcpy(slot, &object, sizeof(object));
}
static inline mort_anchor *mort_anchor_peek_(const mort_object *object) {
    return object->anchor == 0
               ? NULL
               : (mort_anchor *)mort_slab_at_(&object->type->heap->anchors, object->anchor);
}
/// The table behind a map or set.
static inline mort_table *mort_table_of_(const void *map) {
    return (mort_table *)(uintptr_t)map;
}
static inline mort_entry **mort_bucket_(const mort_table *table, uint32_t hash) {
    return &table->buckets[(hash ^ hash >> 16) & (table->room - 1)];
}
/// Does a reference by such a field count?
static inline bool mort_owns_(const mort_field *field) {
    return field->kind == MORT_KIND_STRONG || field->kind == MORT_KIND_ARRAY ||
           field->kind == MORT_KIND_VALUE || field->kind == MORT_KIND_EPHEMERON;
}
static inline bool mort_is_table_(const mort_type *type) {
    return type->shape != MORT_SHAPE_FIELDS;
}

#endif
