// The private name of a descriptor, and the module's share of the patterns: see patterns.h.
#include "patterns.h"

int weak_patterns_traverse(const weak_patterns *patterns, visitproc visit, void *arg) {
    Py_VISIT(patterns->cached_type);
    Py_VISIT(patterns->cached_bound_type);
    Py_VISIT(patterns->cached_store_type);
    Py_VISIT(patterns->cached_thunk_type);
    Py_VISIT(patterns->lru_type);
    Py_VISIT(patterns->lru_ref_type);
    Py_VISIT(patterns->link_type);
    Py_VISIT(patterns->link_ref_type);
    Py_VISIT(patterns->children_type);
    Py_VISIT(patterns->children_list_type);
    Py_VISIT(patterns->bounded_type);
    Py_VISIT(patterns->dead_link_error);
    Py_VISIT(patterns->lru_cache_type);
    Py_VISIT(patterns->cache_info_type);
    return 0;
}

void weak_patterns_clear(weak_patterns *patterns) {
    Py_CLEAR(patterns->cached_type);
    Py_CLEAR(patterns->cached_bound_type);
    Py_CLEAR(patterns->cached_store_type);
    Py_CLEAR(patterns->cached_thunk_type);
    Py_CLEAR(patterns->lru_type);
    Py_CLEAR(patterns->lru_ref_type);
    Py_CLEAR(patterns->link_type);
    Py_CLEAR(patterns->link_ref_type);
    Py_CLEAR(patterns->children_type);
    Py_CLEAR(patterns->children_list_type);
    Py_CLEAR(patterns->bounded_type);
    Py_CLEAR(patterns->dead_link_error);
    Py_CLEAR(patterns->lru_cache_type);
    Py_CLEAR(patterns->cache_info_type);
}

PyObject *weak_private_name(const char *prefix, PyObject *name) {
    PyObject *place = PyUnicode_FromFormat("%s%U", prefix, name);
    if (place != NULL) {
        PyUnicode_InternInPlace(&place);
    }
    return place;
}

int weak_private_get(PyObject *instance, PyObject *name, PyObject **ret) {
    // Makes no exception where there is nothing.
    *ret = _PyObject_GenericGetAttrWithDict(instance, name, NULL, 1);
    return *ret != NULL ? 1 : PyErr_Occurred() == NULL ? 0 : -1;
}

int weak_private_set(PyObject *instance, PyObject *name, PyObject *value) {
    if (PyType_Check(instance)) {
        // The generic setter would write into a class behind the back of its method cache.
        PyErr_Format(PyExc_TypeError, "'%U' cannot be kept in a class, only in its instances",
                     name);
        return -1;
    }
    // Code that runs meanwhile may give the descriptor another name.
    Py_INCREF(name);
    int result = PyObject_GenericSetAttr(instance, name, value);
    if (result < 0 && value != NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' objects have no room for '%U': put it into __slots__, or leave "
                     "__slots__ out",
                     Py_TYPE(instance)->tp_name, name);
    }
    Py_DECREF(name);
    return result;
}

PyObject *weak_private_take_name(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject **place, PyObject **own) {
    if (count != 2 || !PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "__set_name__() takes a class and a name");
        return NULL;
    }
    if (*own != NULL) {
        int same = PyUnicode_Compare(*own, args[1]) == 0;
        if (!same && !PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "one %s cannot have two names, '%U' and '%U': make one for each",
                         Py_TYPE(self)->tp_name, *own, args[1]);
        }
        return same ? Py_NewRef(Py_None) : NULL;
    }
    PyObject *name = weak_private_name("_", args[1]);
    if (name == NULL) {
        return NULL;
    }
    Py_XSETREF(*place, name);
    *own = Py_NewRef(args[1]);
    Py_RETURN_NONE;
}

bool weak_private_is_named(PyObject *self, PyObject *place) {
    if (place == NULL) {
        PyErr_Format(PyExc_TypeError,
                     "this %s has no name: assign it in the body of a class, or call its "
                     "__set_name__()",
                     Py_TYPE(self)->tp_name);
    }
    return place != NULL;
}
