// What the files of the patterns share (cached.c, cache_store.c, lru.c, link.c, children.c,
// child_list.c, bounded.c): their types, and the private name under which a descriptor keeps
// something in an instance.
//
// A descriptor that writes `instance.__dict__[name]` makes CPython build that dict, which instances
// of a Python class otherwise do without. These go the way that `instance._name = value` goes, past
// any `__setattr__` and `__getattribute__` of the class: the values stay inside the instance, and
// a slot of that name serves as well.
#ifndef MORTMAIN_WEAK_PATTERNS_H
#define MORTMAIN_WEAK_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "compat.h"

/// Types of the patterns, made anew for each interpreter. All owned.
typedef struct weak_patterns {
    PyTypeObject *cached_type;
    PyTypeObject *cached_bound_type;
    PyTypeObject *cached_store_type;
    PyTypeObject *cached_thunk_type;
    PyTypeObject *lru_type;
    PyTypeObject *lru_ref_type;
    PyTypeObject *link_type;
    PyTypeObject *link_ref_type;
    PyTypeObject *children_type;
    PyTypeObject *children_list_type;
    PyTypeObject *bounded_type;
    PyObject *dead_link_error;
    PyObject *lru_cache_type;   ///< of what functools.lru_cache makes; loaded when first needed
    PyObject *cache_info_type;  ///< of what its cache_info() gives
} weak_patterns;

/// For the module's m_traverse and m_clear.
int weak_patterns_traverse(const weak_patterns *patterns, visitproc visit, void *arg);
void weak_patterns_clear(weak_patterns *patterns);

/// `prefix` + name, interned; NULL with an exception set.
PyObject *weak_private_name(const char *prefix, PyObject *name);

/// What an instance has under a private name: 1 and a new reference, 0, or -1 with an exception.
int weak_private_get(PyObject *instance, PyObject *name, PyObject **ret);

/// Keep something in an instance, or, with NULL, take it away: AttributeError where there is
/// nothing. -1 with an exception set: TypeError where an instance has no room for it.
int weak_private_set(PyObject *instance, PyObject *name, PyObject *value);

/// __set_name__(owner, name) of a descriptor whose private name is `_` + name: once, or again with
/// the same name. `place` and `own` are where both names are kept. NULL with an exception set.
PyObject *weak_private_take_name(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject **place, PyObject **own);

/// Raise TypeError, and answer false, if a descriptor was never given a name.
bool weak_private_is_named(PyObject *self, PyObject *place);

PyType_Spec weak_cached_spec(void);
PyType_Spec weak_cached_bound_spec(void);
PyType_Spec weak_cached_store_spec(void);
PyType_Spec weak_cached_thunk_spec(void);
PyType_Spec weak_lru_spec(void);
PyType_Spec weak_lru_ref_spec(void);
PyType_Spec weak_uplink_spec(void);
PyType_Spec weak_uplink_ref_spec(void);
PyType_Spec weak_children_spec(void);
PyType_Spec weak_children_list_spec(void);
PyType_Spec weak_bounded_spec(void);

/// What a bound cached method is made of, borrowed; false: it is none.
bool weak_bound_apart(PyObject *callable, PyObject **ret_instance, PyObject **ret_method);
/// A bound method of a function or of a cached method; NULL with an exception set.
PyObject *weak_bind(PyObject *function, PyObject *instance);
/// cached_method(maxsize=128, typed=False).
PyObject *weak_cached_method(PyObject *module, PyObject *args, PyObject *kwargs);
extern const char weak_cached_method_doc[];

#endif
