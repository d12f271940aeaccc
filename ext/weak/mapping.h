// What the files of the dictionaries share: mapping.c has one entry at a time and the types,
// mapping_whole.c all entries at once.
#ifndef MORTMAIN_WEAK_MAPPING_H
#define MORTMAIN_WEAK_MAPPING_H

#include "weak.h"

/// Are the values weak, and not the keys?
static inline bool weak_has_weak_values(PyObject *self) {
    return ((weak_object *)self)->table.kind == WEAK_VALUES;
}

/// Set the value of a key: 1 if it had one, 0, or -1 with an exception set. May run Python code.
int weak_mapping_set(weak_object *self, PyObject *key, PyObject *value);
/// The value of an entry, new. REQUIRES: its referent is alive.
PyObject *weak_mapping_value(const weak_table *table, Py_ssize_t at);
/// items(): an iterator.
PyObject *weak_mapping_items(PyObject *self, PyObject *ignored);

// Methods and slots by name.
int weak_mapping_init(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *weak_mapping_update_with(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *weak_mapping_copy(PyObject *self, PyObject *ignored);
PyObject *weak_mapping_deepcopy(PyObject *self, PyObject *memo);
PyObject *weak_mapping_reduce(PyObject *self, PyObject *ignored);
PyObject *weak_mapping_data(PyObject *self, void *ignored);
int weak_mapping_set_data(PyObject *self, PyObject *data, void *ignored);
PyObject *weak_mapping_or(PyObject *left, PyObject *right);
PyObject *weak_mapping_or_in_place(PyObject *self, PyObject *other);
PyObject *weak_mapping_compare(PyObject *self, PyObject *other, int how);

#endif
