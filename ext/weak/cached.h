// What cached.c and cache_store.c share: the method, and the cache of an instance.
#ifndef MORTMAIN_WEAK_CACHED_H
#define MORTMAIN_WEAK_CACHED_H

#include "weak.h"

/// What stands in the class.
typedef struct cached_method {
    PyObject_HEAD vectorcallfunc call;
    PyObject *function;
    PyObject *maxsize;  ///< an int, or None
    int typed;
    bool has_name;
    PyObject *place;       ///< private name
    PyObject *spare;       ///< a tuple for the arguments of the next call, full of None; or NULL
    PyObject *attributes;  ///< __dict__
    PyObject *weak_list;
} cached_method;

/// The cache of an instance, if it has one: 1 and a new reference, 0, or -1 with an exception set.
int weak_cache_find(cached_method *method, PyObject *instance, PyObject **ret);

/// The same, made if need be: new, or NULL with an exception set.
PyObject *weak_cache_of(cached_method *method, PyObject *instance);

/// The patterns of the module that made an object whose type cannot be subclassed; NULL with an
/// exception set when the module is gone.
weak_patterns *weak_patterns_of(PyObject *object);

#endif
