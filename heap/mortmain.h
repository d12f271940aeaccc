// mortmain.h: an object heap for C programs.
//
// What weakref and gc are to Python: reference counts, finalizers, weak references with notices,
// weak maps that do not leak, and a collector of cycles. Every reference has a name, so that
// `mortmain report` and `why` read a snapshot of this heap as they read Python's.
//
//     struct person {
//         mort_object head;                  // first, and called head
//         struct person *boss;               // counted
//         mort_weak school;                  // not counted; reads NULL once the school is dead
//         mort_array friends;                // counted, any number
//     };
//     MORT_FIELDS(person, MORT_STRONG(person, boss), MORT_WEAK(person, school),
//                 MORT_ARRAY(person, friends));
//     static const mort_spec person_spec = {"Person", sizeof(struct person), person_fields, 0, 0};
//
// Rules that hold everywhere
//   Ownership is in the verb: _new, _get, _need, _next and _take give the caller a reference of its
//   own (OWNED: give it back with mort_release()); _peek gives a borrowed one, which is good until
//   the next call that may release something; _set, _push and _put count what they are given, but
//   for what is weak: a weak field, a map's keys, a valuemap's values; _give takes the caller's
//   reference over.
//   A failed call changes nothing. Functions that answer int answer 0 or one of the negative codes
//   below; those that answer a pointer answer NULL. Nothing aborts, but for a library built with
//   MORT_DEBUG, where a broken rule (MORT_EHEAP, MORT_EBUSY, MORT_EDYING, a generation or an
//   alignment that cannot be) stops the program with one line that names the rule.
//   Releasing, clearing, collecting and looking never allocate, so they cannot fail.
//   One thread at a time per heap; several heaps in a process share nothing.
//   Strong references between heaps are counted as if C held them. Watches and maps refuse an
//   object of another heap (MORT_EHEAP); a weak field cannot tell: clear it before that heap is
//   freed.
//
// Semantics are CPython's (PEP 442; cycles by subtraction as in its gc module), tested against it:
// docs/heap.md says where they differ and why.
#ifndef MORTMAIN_H
#define MORTMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
// The library shows these names and hides its own.
#pragma GCC visibility push(default)
#endif

// ---- codes --------------------------------------------------------------------------------------

enum {
    MORT_OK = 0,
    MORT_ENOMEM = -1,  ///< the allocator answered NULL, or memory that is not aligned
    MORT_EDEAD = -2,   ///< the object of a weak reference is dead
    MORT_EDYING = -3,  ///< the object is past its finalizer: it can have no new reference or watch
    MORT_EBUSY = -4,   ///< a hook made a call that it may not make
    MORT_EHEAP = -5,   ///< the object is of another heap
    MORT_ENOENT = -6,  ///< no such key, member, index or ticket
    MORT_EINVAL = -7   ///< an argument that cannot be: fields that overlap, a generation above 2
};

/// One English sentence for a code, without a final stop; never NULL.
const char *mort_strerror(int code);

// ---- heaps --------------------------------------------------------------------------------------

typedef struct mort_heap mort_heap;
typedef struct mort_type mort_type;

/// What every object begins with: 32 bytes. Read nothing in it; use the functions below.
typedef struct mort_object {
    uintptr_t next;   ///< link of the heap's lists; the low bits are flags
    uintptr_t prev;   ///< link; while the heap works on it a count, a stack link or a cursor
    mort_type *type;  ///< of this object; leads to its heap
    uint32_t refs;    ///< UINT32_MAX: saturated, the object never dies
    uint32_t anchor;  ///< number of its side record for weak references; 0 = none
} mort_object;

enum {
    MORT_GENERATIONS = 3,
    /// mort_options.flags: Python 2's rule. A cycle with a finalizer is uncollectable: it stays,
    /// and the objects that have one go to the garbage list.
    MORT_LEGACY = 1,
    /// mort_options.flags: mort_new() polls before it allocates. Else collections begin only in
    /// mort_poll() and mort_collect().
    MORT_AUTO = 2
};

/// How a heap is made. All zero is good: malloc, default mode, CPython 3.13's thresholds, stderr.
typedef struct mort_options {
    void *(*alloc)(void *context, size_t bytes);              ///< 16-byte aligned; NULL: malloc
    void (*free)(void *context, void *memory, size_t bytes);  ///< set both or neither
    void (*line)(void *context, const char *line);            ///< a debug line, without its newline
    void *context;                                            ///< of the three functions above
    unsigned flags;                                           ///< MORT_LEGACY, MORT_AUTO
    unsigned thresholds[MORT_GENERATIONS];                    ///< all 0: 2000, 10, 10
} mort_options;

/// Make a heap. `options` may be NULL. Fails with MORT_ENOMEM, MORT_EINVAL.
int mort_heap_new(mort_heap **ret, const mort_options *options);

/// Collect twice with finalizers, then take down what is left without them, the oldest generation
/// first, leaves last: each watch has its notice, each destroy hook runs, all memory goes back. In
/// a hook it does nothing. NULL is fine.
/// Answers how many objects C still held: their pointers dangle now.
size_t mort_heap_free(mort_heap *heap);

// ---- types --------------------------------------------------------------------------------------

enum {
    MORT_KIND_END = 0,
    MORT_KIND_STRONG,  ///< a pointer to an object, counted
    MORT_KIND_WEAK,    ///< a mort_weak
    MORT_KIND_ARRAY,   ///< a mort_array
    // Only seen by visitors; `index` is the entry's.
    MORT_KIND_KEY,        ///< of a keymap, or a member of a weak set: not counted
    MORT_KIND_VALUE,      ///< of a keymap that owns its values
    MORT_KIND_EPHEMERON,  ///< of a keymap with MORT_EPHEMERON: counted, held while map and key live
    MORT_KIND_WEAK_VALUE  ///< of a valuemap: not counted
};

/// A reference that objects of a type have.
typedef struct mort_field {
    const char *name;
    size_t offset;  ///< from the object's beginning
    uint32_t kind;  ///< MORT_KIND_*
    uint32_t size;  ///< 0 where the macro could not check the member's type
} mort_field;

/// A weak reference: in an object, where MORT_WEAK() declares it, or anywhere else, where
/// mort_weak_clear() must end it. All zero is empty. It may be moved, but not copied.
typedef struct mort_weak {
    struct mort_anchor *anchor;
} mort_weak;

/// Strong references in a row: in an object, where MORT_ARRAY() declares it, or anywhere else,
/// where mort_array_clear() must end it. All zero is empty. `len` may be read.
typedef struct mort_array {
    mort_object **items;
    size_t len;
} mort_array;

// Rows of a field table. A member of another type does not compile: its last column asks for what
// only the right type has.
#define MORT_STRONG(T, member)                              \
    {#member, offsetof(struct T, member), MORT_KIND_STRONG, \
     (uint32_t)sizeof(((struct T *)0)->member->head.anchor)}
/// A member declared `mort_object *`: an object of any type.
#define MORT_STRONG_ANY(T, member)                          \
    {#member, offsetof(struct T, member), MORT_KIND_STRONG, \
     (uint32_t)sizeof(((struct T *)0)->member->anchor)}
#define MORT_WEAK(T, member)                              \
    {#member, offsetof(struct T, member), MORT_KIND_WEAK, \
     (uint32_t)sizeof(((struct T *)0)->member.anchor)}
#define MORT_ARRAY(T, member)                              \
    {#member, offsetof(struct T, member), MORT_KIND_ARRAY, \
     (uint32_t)sizeof(((struct T *)0)->member.items[0]->anchor)}
/// Defines `T_fields`, the table of struct T, for its mort_spec.
#define MORT_FIELDS(T, ...) \
    static const mort_field T##_fields[] = {__VA_ARGS__, {NULL, 0, MORT_KIND_END, 0}}

/// What a type is. What a hook may call: docs/heap.md, "What hooks may do".
typedef struct mort_spec {
    const char *name;          ///< kept as a pointer
    size_t size;               ///< of an object in bytes, header included
    const mort_field *fields;  ///< ends with MORT_KIND_END; kept as a pointer; NULL: none
    /// Once in an object's life, while it is whole: it may be stored again, and then lives on.
    void (*finalize)(void *object);
    /// Last of all: frees what the object owns outside the heap. References are cleared already.
    void (*destroy)(void *object);
} mort_spec;

/// Add a type, which lives as long as the heap. Fails with MORT_ENOMEM, MORT_EINVAL, MORT_EBUSY.
int mort_type_new(mort_type **ret, mort_heap *heap, const mort_spec *spec);

// ---- objects ------------------------------------------------------------------------------------

/// A new object, zeroed but for its header. OWNED; NULL: no memory, or a hook that may not.
void *mort_new(mort_type *type);

/// What a saturated count reads; such an object is never freed before its heap.
#define MORT_REFS_SATURATED UINT32_MAX

/// The slow half of mort_retain() and mort_release().
void *mort_retain_checked(mort_object *object);
void mort_release_last(mort_object *object);

/// Count one more reference. NULL is fine. Answers `object`; NULL for one past its finalizer.
static inline void *mort_retain(void *object) {
    mort_object *head = (mort_object *)object;
    if (head == NULL) {
        return NULL;
    }
    if (head->refs == 0 || head->refs == MORT_REFS_SATURATED) {
        return mort_retain_checked(head);
    }
    head->refs++;
    return object;
}

/// Count one reference less; the last one ends the object before this returns, and with it all that
/// only it held, at any depth, without recursion. NULL is fine. In a hook that may not call the
/// heap, deaths wait until it has returned.
static inline void mort_release(void *object) {
    mort_object *head = (mort_object *)object;
    if (head == NULL) {
        return;
    }
    if (head->refs > 1 && head->refs != MORT_REFS_SATURATED) {
        head->refs--;
        return;
    }
    if (head->refs != MORT_REFS_SATURATED) {
        mort_release_last(head);
    }
}

// Slots are members or variables that hold a counted pointer: pass their address. What is no
// address of a pointer does not compile.
#define MORT_SLOT_(slot) ((void)sizeof(*(slot) == NULL), (void *)(slot))

/// Store: counts `object`, then lets go of what was there, after the store. NULL is fine.
/// An object that is past its finalizer is refused: the slot stays as it is.
#define mort_set(slot, object) mort_slot_set(MORT_SLOT_(slot), (object))
/// Store without counting: the caller's reference becomes the slot's.
#define mort_give(slot, object) mort_slot_give(MORT_SLOT_(slot), (object))
/// Empty a slot: its reference becomes the caller's. OWNED, or NULL.
#define mort_take(slot) mort_slot_take(MORT_SLOT_(slot))
void mort_slot_set(void *slot, void *object);
void mort_slot_give(void *slot, void *object);
void *mort_slot_take(void *slot);

/// Append. An array holds objects of one heap, its first one's, until mort_array_clear().
/// Fails with MORT_ENOMEM, MORT_EHEAP, MORT_EDYING, MORT_EBUSY, MORT_EINVAL (NULL).
int mort_array_push(mort_array *array, void *object);
/// Replace. Fails with MORT_ENOENT (no such index) and as mort_array_push().
int mort_array_put(mort_array *array, size_t index, void *object);
/// Remove and close the gap. OWNED; NULL: no such index.
void *mort_array_take(mort_array *array, size_t index);
/// Remove the first occurrence of `object`: 0, or MORT_ENOENT.
int mort_array_remove(mort_array *array, const void *object);
/// Borrowed; NULL: no such index.
void *mort_array_peek(const mort_array *array, size_t index);
/// Let go of all, from the end, and of the memory.
void mort_array_clear(mort_array *array);

mort_type *mort_type_of(const void *object);
const char *mort_type_name(const mort_type *type);
mort_heap *mort_heap_of(const void *object);

// ---- weak references ----------------------------------------------------------------------------

/// Make `weak` refer to `object`; NULL empties it. Fails with MORT_ENOMEM, MORT_EDYING, MORT_EBUSY.
int mort_weak_set(mort_weak *weak, void *object);
/// Borrowed; NULL: empty, or dead.
static inline void *mort_weak_peek(const mort_weak *weak) {
    // The first word of an anchor is the address of its object, NULL when that is dead.
    const void *anchor = weak->anchor;
    return anchor == NULL ? NULL : *(mort_object *const *)anchor;
}
/// OWNED; NULL: empty, or dead.
static inline void *mort_weak_get(const mort_weak *weak) {
    return mort_retain(mort_weak_peek(weak));
}
/// As a proxy: 0 and an OWNED object, or MORT_EDEAD where it was set and its object is dead,
/// MORT_ENOENT where it is empty.
int mort_weak_need(const mort_weak *weak, void **ret);
/// Empty it. An object's weak fields are cleared with the object.
void mort_weak_clear(mort_weak *weak);

enum {
    MORT_DIED = 1,    ///< the object is dead; every weak reference to it reads NULL
    MORT_DROPPED = 2  ///< the watch ended before: by mort_unwatch(), with its owner, with the heap
};
/// Ends a watch: called exactly once in its life. Free `context` here.
typedef void mort_notify(mort_heap *heap, void *context, int why);
/// Names a watch; never used twice in a heap. 0 names none.
typedef uint64_t mort_ticket;

/// Be told of an object's death. With an owner (not NULL) the watch ends with the owner, and is not
/// told of an object that dies in the same collection as it. Among the watches of one object the
/// newest is told first. `ret` may be NULL.
/// Fails with MORT_ENOMEM, MORT_EDYING, MORT_EHEAP, MORT_EBUSY, MORT_EINVAL.
int mort_watch(mort_ticket *ret, void *object, void *owner, mort_notify *notify, void *context);
/// End a watch: it is told MORT_DROPPED. MORT_ENOENT: it ended before.
int mort_unwatch(mort_heap *heap, mort_ticket ticket);

// ---- maps and sets of weak references -----------------------------------------------------------
//
// They are objects of the heap: store them in a strong field. Members may come, go and die while a
// cursor walks: what was there at its first step, and still is at its turn, is met once.

/// Where a walk is. All zero is the beginning.
typedef struct mort_cursor {
    uint64_t at;
    uint64_t end;
} mort_cursor;

enum {
    /// mort_keymap_new(): a value lives only while the map and its key live, even where the value
    /// leads back to the key (Hayes, Ephemerons, 1997). Without it the map owns its values, as
    /// Python's WeakKeyDictionary does, and such an entry never goes.
    MORT_EPHEMERON = 1
};

/// Objects to objects; a key is not counted, and its entry goes with it.
typedef struct mort_keymap {
    mort_object head;
} mort_keymap;
int mort_keymap_new(mort_keymap **ret, mort_heap *heap, unsigned flags);
/// Fails with MORT_ENOMEM, MORT_EDYING, MORT_EHEAP, MORT_EBUSY, MORT_EINVAL (NULL).
int mort_keymap_set(mort_keymap *map, void *key, void *value);
void *mort_keymap_get(const mort_keymap *map, const void *key);   ///< OWNED, or NULL
void *mort_keymap_peek(const mort_keymap *map, const void *key);  ///< borrowed, or NULL
int mort_keymap_del(mort_keymap *map, const void *key);           ///< 0 or MORT_ENOENT, MORT_EBUSY
size_t mort_keymap_len(const mort_keymap *map);
/// The next entry, both OWNED; false at the end. Oldest first.
bool mort_keymap_next(const mort_keymap *map, mort_cursor *cursor, void **key_ret,
                      void **value_ret);

/// Bytes to objects; a value is not counted, and its entry goes with it. A number is a key as
/// (&number, sizeof number). Keys are copied.
typedef struct mort_valuemap {
    mort_object head;
} mort_valuemap;
int mort_valuemap_new(mort_valuemap **ret, mort_heap *heap);
/// Fails with MORT_ENOMEM, MORT_EDYING, MORT_EHEAP, MORT_EBUSY, MORT_EINVAL (NULL).
int mort_valuemap_set(mort_valuemap *map, const void *key, size_t key_bytes, void *value);
void *mort_valuemap_get(const mort_valuemap *map, const void *key, size_t key_bytes);  ///< OWNED
void *mort_valuemap_peek(const mort_valuemap *map, const void *key,
                         size_t key_bytes);  ///< borrowed
int mort_valuemap_del(mort_valuemap *map, const void *key, size_t key_bytes);
size_t mort_valuemap_len(const mort_valuemap *map);
/// The next entry: the key is borrowed, the value OWNED; false at the end. Oldest first.
bool mort_valuemap_next(const mort_valuemap *map, mort_cursor *cursor, const void **key_ret,
                        size_t *key_bytes_ret, void **value_ret);

/// Objects, none of them counted.
typedef struct mort_weakset {
    mort_object head;
} mort_weakset;
int mort_weakset_new(mort_weakset **ret, mort_heap *heap);
int mort_weakset_add(mort_weakset *set, void *object);  ///< 0 too where it is a member already
int mort_weakset_del(mort_weakset *set, const void *object);
bool mort_weakset_has(const mort_weakset *set, const void *object);
size_t mort_weakset_len(const mort_weakset *set);
/// The next member, OWNED; NULL at the end. Oldest first.
void *mort_weakset_next(const mort_weakset *set, mort_cursor *cursor);

// ---- the collector ------------------------------------------------------------------------------

/// Collect generation 0 to `generation` (0..2). Answers how many unreachable objects it found, less
/// those that finalizers brought back; 0 inside a collection, its callbacks included, or where a
/// hook may not.
size_t mort_collect(mort_heap *heap, int generation);
/// Collect if a generation is due: call it where your program's references are all counted.
/// True: it collected.
bool mort_poll(mort_heap *heap);
/// Let mort_poll() collect, or not. Enabled at first.
void mort_enable(mort_heap *heap, bool enabled);
bool mort_is_enabled(const mort_heap *heap);
/// Generation i is due when more than thresholds[i] were counted: births less deaths for 0,
/// collections of the one before for 1 and 2. 0 for generation 0: never.
void mort_set_thresholds(mort_heap *heap, const unsigned thresholds[MORT_GENERATIONS]);
void mort_thresholds(const mort_heap *heap, unsigned ret[MORT_GENERATIONS]);
/// Move all tracked objects where no collection looks; and back, to the oldest generation. In a
/// hook that may not call the heap they do nothing.
void mort_freeze(mort_heap *heap);
void mort_unfreeze(mort_heap *heap);
size_t mort_frozen_len(const mort_heap *heap);

enum {
    MORT_DEBUG_STATS = 1,          ///< lines before and after each collection
    MORT_DEBUG_COLLECTABLE = 2,    ///< a line for each object found and collected
    MORT_DEBUG_UNCOLLECTABLE = 4,  ///< a line for each that is not
    MORT_DEBUG_SAVEALL = 32,       ///< what was found goes to the garbage list instead
    MORT_DEBUG_LEAK = 38           ///< the three before
};
/// Set the flags of the collector's lines, which are CPython's.
void mort_debug(mort_heap *heap, unsigned flags);

/// A collection that begins or has ended.
typedef struct mort_pass {
    bool has_ended;
    int generation;
    size_t collected;      ///< 0 when it begins
    size_t uncollectable;  ///< 0 when it begins
} mort_pass;
typedef void mort_on_pass(mort_heap *heap, void *context, const mort_pass *pass);
/// Call `fn` before and after each collection; NULL ends it. One a heap.
void mort_on_collect(mort_heap *heap, mort_on_pass *fn, void *context);

// ---- looking ------------------------------------------------------------------------------------

typedef struct mort_generation_stats {
    size_t objects;  ///< tracked, in this generation
    size_t collections;
    size_t collected;
    size_t uncollectable;
    unsigned count;  ///< what its threshold is compared with
} mort_generation_stats;
/// Of generation 0..2. MORT_EINVAL for another.
int mort_stats(const mort_heap *heap, int generation, mort_generation_stats *ret);
/// Objects alive.
size_t mort_len(const mort_heap *heap);

uint32_t mort_refcount(const void *object);
/// Does the collector look at it? Not at types without strong fields, but for keys of ephemerons.
bool mort_is_tracked(const void *object);
bool mort_was_finalized(const void *object);
/// Is it past its finalizer, about to go? Its destroy hook sees it so, and who knows it by a plain
/// pointer while it dies.
bool mort_is_dying(const void *object);

/// What could not be collected, or was saved. The list counts its objects.
size_t mort_garbage_len(const mort_heap *heap);
void *mort_garbage_peek(const mort_heap *heap, size_t index);  ///< borrowed; NULL: no such index
void *mort_garbage_take(mort_heap *heap, size_t index);        ///< OWNED, off the list; NULL

/// A reference that was found. `index` counts within an array, map or set. False stops the walk.
/// A visitor may read, and call nothing of the heap but what looks: the functions of this chapter
/// without mort_garbage_take().
typedef bool mort_edge(void *context, mort_object *from, const mort_field *field, size_t index,
                       mort_object *to);
typedef bool mort_each(void *context, mort_object *object);
/// The references of `object`, weak ones included (see field->kind): by table, then by index; a
/// map's entry by entry, the key right before its value.
void mort_referents(const void *object, mort_edge *fn, void *context);
/// The strong references to `object` and the map entries that hold it. Walks the whole heap.
/// Answers how many there are.
size_t mort_referrers(const void *object, mort_edge *fn, void *context);
/// Every object alive, oldest generation first; those the collector never looks at come last.
void mort_objects(const mort_heap *heap, mort_each *fn, void *context);
/// Of an object's type: bytes, with the header and without what it owns elsewhere.
size_t mort_type_size(const mort_type *type);
/// The table given with its spec; one row of kind MORT_KIND_END where there was none.
const mort_field *mort_type_fields(const mort_type *type);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
