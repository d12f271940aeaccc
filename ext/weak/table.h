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
    PyObject *other;  ///< value of a weak key, key of a weak value; not there in a set
} weak_entry;

typedef struct weak_table weak_table;

/// Called when an object in the table dies. Owned by the table and its weak references.
typedef struct weak_guard {
    PyObject_HEAD vectorcallfunc call;
    weak_table *table; /* borrowed; NULL when the table is gone */
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
};

enum { WEAK_EMPTY = -1, WEAK_GONE = -2 };

/// Bytes of an entry: a set's has no `other`.
static inline size_t weak_stride(const weak_table *table) {
    return table->kind == WEAK_MEMBERS ? offsetof(weak_entry, other) : sizeof(weak_entry);
}

static inline weak_entry *weak_entry_at(const weak_table *table, Py_ssize_t at) {
    return (weak_entry *)(void *)(table->entries + (size_t)at * weak_stride(table));
}

/// The object of a weak reference, borrowed; NULL: dead, or about to be.
static inline PyObject *weak_referent(PyObject *ref) {
    PyObject *object = ((PyWeakReference *)ref)->wr_object;
    return object == Py_None || Py_REFCNT(object) == 0 ? NULL : object;
}

/// The next live entry of a place, or NULL. `ret_object` is its object, borrowed.
weak_entry *weak_table_step(const weak_table *table, weak_place *place, PyObject **ret_object);

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

/// Find a key: 1 with its entry's number, 0, or -1 with an exception set. May run Python code.
int weak_table_find(weak_table *table, PyObject *key, Py_hash_t hash, Py_ssize_t *ret_at);

/// Put an entry in, or replace what it has; with `keep` an entry that is there stays as it is.
/// `weak` is what is referred to weakly, `other` its counterpart (NULL for a set). 1 if there was
/// an entry, 0, or -1 with an exception set. May run Python code.
int weak_table_put(weak_table *table, PyObject *key, Py_hash_t hash, PyObject *weak,
                   PyObject *other, bool keep);

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
