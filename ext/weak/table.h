// ext/weak: weak containers and leak-free patterns for Python programs.
//
// Knows: CPython's weak references and how a hash table with dying entries stays sound. Must not
// know: anything of the engine; what a snapshot is.
//
// The table under WeakKeyDictionary, WeakIdKeyDictionary, WeakValueDictionary and WeakSet: a
// compact dict (an index of numbers, entries in the order of insertion) whose entries hold a weak
// reference. A look-up makes no weak reference: it compares the hash and then the object that the
// reference leads to. When that object dies one callback for the whole table, the guard, takes the
// entry out: no Python code, no allocation, no exception.
//
// General note on reentrancy. Python code runs in __hash__ and __eq__ of keys, in the collections
// that making a weak reference may start, and when a reference is given up (__del__, callbacks of
// others). Each may change the table, this call's own entry included. So: what a comparison needs
// is held strongly; after it `layout` tells whether entries moved, and the entry is looked at
// again; a reference is given up last, when the table is whole and no pointer into it is kept.
#ifndef MORTMAIN_WEAK_TABLE_H
#define MORTMAIN_WEAK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "compat.h"

/// One entry. `ref` NULL: a hole.
typedef struct weak_entry {
    Py_hash_t hash;   ///< of the key
    PyObject *ref;    ///< to the key, member or value
    PyObject *other;  ///< value of a weak key, key of a weak value; not there in a set. Or, with
                      ///< its lowest bit set, a carrier: weak_entry_other() knows
} weak_entry;

typedef struct weak_table weak_table;

/// A value that hangs on its key instead of in the table: see ephemeron.c.
typedef struct weak_carrier {
    PyObject *value;   ///< owned
    weak_table *table; /* borrowed */
    PyObject *ref;     /* borrowed: of the entry */
    PyObject *holder;  /* borrowed: what the key has */
    struct weak_carrier *next;
    struct weak_carrier *previous;
} weak_carrier;

/// An object that is to be given up later.
typedef struct weak_late {
    PyObject *object; /* owned; or NULL */
    struct weak_late *next;
} weak_late;

/// Called when an object in the table dies. Owned by the table and its weak references.
typedef struct weak_guard {
    PyObject_HEAD vectorcallfunc call;
    weak_table *table; /* borrowed; NULL when the table is gone */
    weak_late *late;   ///< what calls inside one another have put off
    int depth;         ///< of such calls
} weak_guard;

/// What tables are told apart by.
typedef enum weak_kind {
    WEAK_KEYS,    ///< keys compared by hash and equality
    WEAK_IDS,     ///< keys compared by identity
    WEAK_VALUES,  ///< the values are weak: `hash` and equality are those of `other`
    WEAK_MEMBERS  ///< no `other`
} weak_kind;

/// Where a live iterator stands: tables move it along when they are rebuilt.
typedef struct weak_place {
    struct weak_place *next;
    struct weak_place **link;  ///< NULL: not in a list
    Py_ssize_t at;             ///< next entry to look at
    Py_ssize_t end;            ///< entries that were there when it began
} weak_place;

struct weak_table {
    weak_kind kind;
    Py_ssize_t mask;    ///< slots of the index - 1; -1: nothing is allocated
    int32_t *index;     ///< number of an entry, or WEAK_EMPTY, WEAK_GONE
    char *entries;      ///< of weak_stride() bytes each
    Py_ssize_t room;    ///< entries allocated
    Py_ssize_t end;     ///< entries used, holes included
    Py_ssize_t live;    ///< entries that are no holes
    Py_ssize_t filled;  ///< slots of the index that are not WEAK_EMPTY
    uint64_t layout;    ///< changes when entries move
    uint64_t version;   ///< changes when an entry is added or the table emptied
    weak_place *places;
    weak_guard *guard;       ///< owned
    PyTypeObject *ref_type;  ///< owned: class of the weak references, of WEAK_VALUES alone
    visitproc mark;          ///< the collector's, where entries are carried
};

enum { WEAK_EMPTY = -1, WEAK_GONE = -2, WEAK_PERTURB_SHIFT = 5 };

/// Bytes of an entry: a set's has no `other`.
static inline size_t weak_stride_of(weak_kind kind) {
    return kind == WEAK_MEMBERS ? offsetof(weak_entry, other) : sizeof(weak_entry);
}

static inline size_t weak_stride(const weak_table *table) {
    return weak_stride_of(table->kind);
}

static inline weak_entry *weak_entry_at(const weak_table *table, Py_ssize_t at) {
    return (weak_entry *)(void *)(table->entries + (size_t)at * weak_stride(table));
}

/// The carrier of an entry, or NULL. REQUIRES: no set's entry.
static inline weak_carrier *weak_entry_carrier(const weak_entry *entry) {
    char *other = (char *)entry->other;
    return ((uintptr_t)other & 1) != 0 ? (weak_carrier *)(void *)(other - 1) : NULL;
}

/// What stands beside the weak reference, borrowed. REQUIRES: no set's entry.
static inline PyObject *weak_entry_other(const weak_entry *entry) {
    const weak_carrier *carrier = weak_entry_carrier(entry);
    return carrier == NULL ? entry->other : carrier->value;
}

/// Replace it. May run Python code, last. REQUIRES: the same.
static inline void weak_entry_set_other(weak_entry *entry, PyObject *other) {
    weak_carrier *carrier = weak_entry_carrier(entry);
    PyObject **place = carrier == NULL ? &entry->other : &carrier->value;
    PyObject *was = *place;
    *place = Py_NewRef(other);
    Py_DECREF(was);
}

/// What an entry with this carrier has as `other`.
static inline PyObject *weak_carrier_tagged(weak_carrier *carrier) {
    return (PyObject *)(void *)((char *)carrier + 1);
}

/// The carrier is no more; its value is the caller's. Runs no code.
PyObject *weak_carrier_end(weak_carrier *carrier);
/// Is it the table that shows a visitor the value, and not the key?
bool weak_carrier_is_tables(const weak_carrier *carrier);

/// The object of a weak reference, borrowed; NULL: dead, or about to be.
static inline PyObject *weak_referent(PyObject *ref) {
    PyObject *object = ((PyWeakReference *)ref)->wr_object;
    return object == Py_None || Py_REFCNT(object) == 0 ? NULL : object;
}

/// The next live entry of a place, or NULL. `ret_object` is its object, borrowed.
static inline weak_entry *weak_table_step(const weak_table *table, weak_place *place,
                                          PyObject **ret_object) {
    while (place->at < place->end) {
        weak_entry *entry = weak_entry_at(table, place->at++);
        PyObject *object = entry->ref == NULL ? NULL : weak_referent(entry->ref);
        if (object != NULL) {
            *ret_object = object;
            return entry;
        }
    }
    return NULL;
}

/// Start with nothing. -1 with an exception set.
int weak_table_init(weak_table *table, weak_kind kind, PyTypeObject *guard_type,
                    PyTypeObject *ref_type);
/// Give up all: the entries, and the guard, which knows no table from now on.
void weak_table_deinit(weak_table *table);
/// For tp_traverse.
int weak_table_traverse(const weak_table *table, visitproc visit, void *arg);
/// Give up all entries.
void weak_table_clear(weak_table *table);

/// Hash of a key as the table wants it; -1 with an exception set. Keys of WEAK_KEYS and
/// WEAK_MEMBERS must be of a type that can be weakly referenced: TypeError, as weakref.ref() has.
Py_hash_t weak_table_hash(const weak_table *table, PyObject *key);

/// The same for the usual key: an object that is hashed by its address, and where the values are
/// weak also a str or a short int. False: another one, or one that must be refused. Runs no code.
static inline bool weak_hash_usual(weak_kind kind, PyObject *key, Py_hash_t *ret_hash) {
    const PyTypeObject *type = Py_TYPE(key);
    if (kind == WEAK_VALUES) {
        if (type == &PyUnicode_Type) {
            *ret_hash = MM_STR_HASH(key);
            return *ret_hash != -1;
        }
        if (type == &PyLong_Type && MM_INT_IS_SHORT(key)) {
            Py_ssize_t value = MM_INT_SHORT(key);
            *ret_hash = value == -1 ? -2 : value;
            return true;
        }
    } else if (!MM_IS_REFERABLE(type)) {
        return false;
    }
    *ret_hash = mm_hash_address(key);
    return kind == WEAK_IDS || type->tp_hash == PyBaseObject_Type.tp_hash;
}

/// Find a key: 1 with its entry's number, 0, or -1 with an exception set. May run Python code.
int weak_table_find(weak_table *table, PyObject *key, Py_hash_t hash, Py_ssize_t *ret_at);

/// As weak_table_find(), by identity alone: 1; 0 with the free slot at which the search ended, or
/// -1; or 2: an entry has the same hash, so that it must be compared. Runs no code. `kind` is the
/// table's, where it is known at compile time.
static inline int weak_table_glance_as(weak_kind kind, const weak_table *table, const PyObject *key,
                                       Py_hash_t hash, Py_ssize_t *ret_at) {
    *ret_at = -1;
    if (table->live == 0) {
        return 0;
    }
    int result = 0;
    bool values = kind == WEAK_VALUES;
    size_t stride = weak_stride_of(kind);
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    for (int32_t at = 0; (at = table->index[slot]) != WEAK_EMPTY;
         perturb >>= WEAK_PERTURB_SHIFT, slot = (slot * 5 + perturb + 1) & mask) {
        if (at < 0) {
            continue;
        }
        const weak_entry *entry =
            (const weak_entry *)(const void *)(table->entries + (size_t)at * stride);
        if (entry->hash != hash) {
            continue;
        }
        // A dead reference leads to None, which is no key that is weakly referenced.
        const PyObject *stored =
            values ? entry->other : ((const PyWeakReference *)entry->ref)->wr_object;
        if (stored == key && (!values || weak_referent(entry->ref) != NULL)) {
            *ret_at = at;
            return 1;
        }
        result = 2;
    }
    *ret_at = result == 0 ? (Py_ssize_t)slot : -1;
    return result;
}

static inline int weak_table_glance(const weak_table *table, const PyObject *key, Py_hash_t hash,
                                    Py_ssize_t *ret_at) {
    return weak_table_glance_as(table->kind, table, key, hash, ret_at);
}

/// Find the usual key, if it is there: 1; or 0: who knows. Runs no code.
static inline int weak_table_spot(weak_kind kind, const weak_table *table, PyObject *key,
                                  Py_ssize_t *ret_at) {
    Py_hash_t hash = 0;
    return weak_hash_usual(kind, key, &hash) &&
           weak_table_glance_as(kind, table, key, hash, ret_at) == 1;
}

/// Hash a key and find it: as weak_table_hash() and weak_table_find(). May run Python code.
int weak_table_ask(weak_table *table, PyObject *key, Py_hash_t *ret_hash, Py_ssize_t *ret_at);

/// The same, without a call for the usual key. `kind` is the table's.
static inline int weak_table_look(weak_kind kind, weak_table *table, PyObject *key,
                                  Py_hash_t *ret_hash, Py_ssize_t *ret_at) {
    if (weak_hash_usual(kind, key, ret_hash)) {
        int found = weak_table_glance_as(kind, table, key, *ret_hash, ret_at);
        if (found != 2) {
            return found;
        }
    }
    return weak_table_ask(table, key, ret_hash, ret_at);
}

/// Number of the entry with this very weak reference, or of this very object; -1: there is none.
/// Run no code.
Py_ssize_t weak_table_find_ref(const weak_table *table, PyObject *ref);
Py_ssize_t weak_table_seek(const weak_table *table, PyObject *object, Py_hash_t hash);

/// Put an entry in, or replace what it has; with `keep` an entry that is there stays as it is.
/// `weak` is what is referred to weakly, `other` its counterpart (NULL for a set). 1 if there was
/// an entry, 0, or -1 with an exception set. May run Python code.
int weak_table_put(weak_table *table, PyObject *key, Py_hash_t hash, PyObject *weak,
                   PyObject *other, bool keep);

/// As weak_table_put() of a key that is not there, as in a new table, or after weak_table_glance(),
/// whose slot it takes, or -1. It is compared with none, unless code that runs meanwhile changes
/// the table.
int weak_table_put_new(weak_table *table, Py_ssize_t slot, Py_hash_t hash, PyObject *weak,
                       PyObject *other);

/// As weak_table_hash() and weak_table_put().
int weak_table_add(weak_table *table, PyObject *weak, PyObject *other, bool keep);

/// The same, quicker for the usual key. `kind` is the table's. May run Python code.
static inline int weak_table_set(weak_kind kind, weak_table *table, PyObject *weak, PyObject *other,
                                 bool keep) {
    PyObject *key = kind == WEAK_VALUES ? other : weak;
    Py_hash_t hash = 0;
    Py_ssize_t at = -1;
    if (weak_hash_usual(kind, key, &hash)) {
        int found = weak_table_glance_as(kind, table, key, hash, &at);
        if (found == 0) {
            return weak_table_put_new(table, at, hash, weak, other);
        }
        if (found == 1 && keep) {
            return 1;
        }
        if (found == 1 && kind != WEAK_VALUES && kind != WEAK_MEMBERS) {
            weak_entry_set_other(weak_entry_at(table, at), other);
            return 1;
        }
    }
    return weak_table_add(table, weak, other, keep);
}

/// Make room for so many entries at once. -1 with an exception set. Runs no code.
/// REQUIRES: no fewer than there are.
int weak_table_reserve(weak_table *table, Py_ssize_t count);

/// Take an entry out: both references become the caller's. `ret_other` is NULL for a set.
void weak_table_take(weak_table *table, Py_ssize_t at, PyObject **ret_ref, PyObject **ret_other);

/// Number of the last live entry, or -1.
Py_ssize_t weak_table_last(const weak_table *table);

/// Begin to iterate, from the first entry to the last there is now. weak_place_leave() ends it.
void weak_place_enter(weak_place *place, weak_table *table);
void weak_place_leave(weak_place *place);

/// Bytes of index and entries.
size_t weak_table_bytes(const weak_table *table);

/// What the types of guard and keyed reference are made from.
PyType_Spec weak_guard_spec(void);
PyType_Spec weak_keyed_ref_spec(void);

/// A weak reference to a value, which knows its key: what valuerefs() gives.
typedef struct weak_keyed_ref {
    PyWeakReference base;
    PyObject *key;
    Py_hash_t key_hash;
} weak_keyed_ref;

#endif
