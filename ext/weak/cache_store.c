// The cache that a cached method keeps in an instance: see cached.c.
//
//     instance ──▶ Store { whose method, weak instance, cache, next } ──▶ functools' cache
//                                                                              │
//         the instance, weakly, and the function ◀── Thunk ◀───────────────────┘
//
// The cache itself is functools' own, which is well kept: keys, order, statistics, recursion and
// threads are as there. What it calls is a thunk, which puts `self` before the arguments: the weak
// reference cannot be dead, since who calls the method holds the instance.
//
// An instance that is copied shares what stands in it. So the store knows its instance, weakly: an
// address could be that of another by now. A store that is another's counts as none. A method of a
// base class that has the same name has its own store behind the first: super() works.
#include "cached.h"

#include <string.h>

/// What stands in the instance.
typedef struct cached_store {
    PyObject_HEAD PyObject *method;
    PyObject *instance;  ///< a weak reference
    PyObject *cache;
    PyObject *next; /* NULL, or the store of a base class's method */
} cached_store;

/// What the cache calls.
typedef struct cached_thunk {
    PyObject_HEAD vectorcallfunc call;
    PyObject *instance;  ///< a weak reference
    PyObject *function;
} cached_thunk;

weak_patterns *weak_patterns_of(PyObject *object) {
    weak_state *state = PyType_GetModuleState(Py_TYPE(object));
    if (state == NULL || state->patterns.cached_store_type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "mortmain._weak was unloaded");
        return NULL;
    }
    return &state->patterns;
}

// ---- the store ----------------------------------------------------------------------------------

static void store_dealloc(PyObject *object);

// Its type has no subclasses.
static bool is_store(PyObject *object) {
    return Py_TYPE(object)->tp_dealloc == store_dealloc;
}

// The store of a method in what an instance has under its private name: borrowed, or NULL.
static cached_store *store_in(PyObject *found, const PyObject *method, const PyObject *instance) {
    while (found != NULL && is_store(found)) {
        cached_store *store = (cached_store *)found;
        if (weak_referent(store->instance) != instance) {
            return NULL;
        }
        if (store->method == method) {
            return store;
        }
        found = store->next;
    }
    return NULL;
}

// As weak_cache_find(), with all that stands under the private name: new, or NULL.
static int cache_look(cached_method *method, PyObject *instance, PyObject **ret_found,
                      PyObject **ret) {
    *ret_found = NULL;
    *ret = NULL;
    int result = weak_private_get(instance, method->place, ret_found);
    if (result > 0) {
        const cached_store *store = store_in(*ret_found, (PyObject *)method, instance);
        *ret = store == NULL ? NULL : Py_NewRef(store->cache);
    }
    return result < 0 ? -1 : *ret != NULL;
}

int weak_cache_find(cached_method *method, PyObject *instance, PyObject **ret) {
    PyObject *found = NULL;
    int result = cache_look(method, instance, &found, ret);
    Py_XDECREF(found);
    return result;
}

static PyObject *thunk_call(PyObject *self, PyObject *const *args, size_t count_and_flag,
                            PyObject *names);

static PyObject *cache_new(const weak_patterns *patterns, const cached_method *method,
                           PyObject *ref) {
    PyTypeObject *type = patterns->cached_thunk_type;
    if (method->function == NULL) {
        PyErr_SetString(PyExc_ReferenceError, "the function of this cached method is gone");
        return NULL;
    }
    cached_thunk *thunk = (cached_thunk *)type->tp_alloc(type, 0);
    if (thunk == NULL) {
        return NULL;
    }
    thunk->call = thunk_call;
    thunk->instance = Py_NewRef(ref);
    thunk->function = Py_NewRef(method->function);
    PyObject *cache = PyObject_CallFunctionObjArgs(patterns->lru_cache_type, thunk, method->maxsize,
                                                   method->typed ? Py_True : Py_False,
                                                   patterns->cache_info_type, NULL);
    Py_DECREF(thunk);
    return cache;
}

static cached_store *store_new(const weak_patterns *patterns, cached_method *method,
                               PyObject *instance) {
    if (!PyType_SUPPORTS_WEAKREFS(Py_TYPE(instance))) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' objects cannot have a cache, since nothing can refer to them weakly: "
                     "put '__weakref__' into __slots__",
                     Py_TYPE(instance)->tp_name);
        return NULL;
    }
    PyTypeObject *type = patterns->cached_store_type;
    PyObject *ref = PyWeakref_NewRef(instance, NULL);
    PyObject *cache = ref == NULL ? NULL : cache_new(patterns, method, ref);
    cached_store *store = cache == NULL ? NULL : (cached_store *)type->tp_alloc(type, 0);
    if (store == NULL) {
        Py_XDECREF(cache);
        Py_XDECREF(ref);
        return NULL;
    }
    store->method = Py_NewRef((PyObject *)method);
    store->instance = ref;
    store->cache = cache;
    return store;
}

PyObject *weak_cache_of(cached_method *method, PyObject *instance) {
    PyObject *cache = NULL;
    if (weak_cache_find(method, instance, &cache) != 0) {
        return cache;
    }
    const weak_patterns *patterns = weak_patterns_of((PyObject *)method);
    cached_store *store = patterns == NULL ? NULL : store_new(patterns, method, instance);
    PyObject *found = NULL;
    // Making it may have run code that called the method: then its cache counts.
    int result = store == NULL ? -1 : cache_look(method, instance, &found, &cache);
    if (result == 0) {
        // The caches of this instance stay, behind the new one. Those of another do not.
        if (found != NULL && is_store(found) &&
            weak_referent(((cached_store *)found)->instance) == instance) {
            store->next = Py_NewRef(found);
        }
        if (weak_private_set(instance, method->place, (PyObject *)store) == 0) {
            cache = Py_NewRef(store->cache);
        }
    }
    Py_XDECREF(found);
    Py_XDECREF((PyObject *)store);
    return cache;
}

static int store_traverse(PyObject *object, visitproc visit, void *arg) {
    const cached_store *self = (cached_store *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->method);
    Py_VISIT(self->instance);
    Py_VISIT(self->cache);
    Py_VISIT(self->next);
    return 0;
}

// The cache has results, so any ring is through it, and it clears itself.
static void store_dealloc(PyObject *object) {
    cached_store *self = (cached_store *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, store_dealloc) Py_CLEAR(self->next);
    Py_CLEAR(self->cache);
    Py_CLEAR(self->instance);
    Py_CLEAR(self->method);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

// Pickled, a store is None, and so is its deep copy: the next call makes a cache anew.
static PyObject *store_reduce(PyObject *self, PyObject *ignored) {
    (void)self;
    (void)ignored;
    return Py_BuildValue("O()", Py_TYPE(Py_None));
}

static PyObject *store_deepcopy(PyObject *self, PyObject *memo) {
    (void)self;
    (void)memo;
    Py_RETURN_NONE;
}

static const PyMethodDef store_methods[] = {
    {"__reduce__", store_reduce, METH_NOARGS, NULL},
    {"__deepcopy__", store_deepcopy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_cached_store_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)store_dealloc},
        {Py_tp_traverse, (void *)store_traverse},
        {Py_tp_methods, (void *)store_methods},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.CacheStore",
        .basicsize = sizeof(cached_store),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the thunk ----------------------------------------------------------------------------------

// Arguments that most calls have room for.
enum { THUNK_ROOM = 8 };

// `first` before the arguments, which need not leave room for it.
static PyObject *call_with_first(PyObject *function, PyObject *first, PyObject *const *args,
                                 size_t count_and_flag, PyObject *names) {
    size_t count = (size_t)PyVectorcall_NARGS(count_and_flag);
    size_t all = count + (names == NULL ? 0 : (size_t)PyTuple_GET_SIZE(names));
    PyObject *few[THUNK_ROOM];
    PyObject **room = all < THUNK_ROOM ? few : PyMem_New(PyObject *, all + 1);
    if (room == NULL) {
        return PyErr_NoMemory();
    }
    room[0] = first;
    if (all > 0) {
        memcpy(room + 1, args, all * sizeof(PyObject *));
    }
    PyObject *result = PyObject_Vectorcall(function, room, count + 1, names);
    if (room != few) {
        PyMem_Free(room);
    }
    return result;
}

static PyObject *thunk_call(PyObject *object, PyObject *const *args, size_t count_and_flag,
                            PyObject *names) {
    const cached_thunk *self = (cached_thunk *)object;
    PyObject *instance = Py_XNewRef(weak_referent(self->instance));
    if (instance == NULL) {
        PyErr_SetString(PyExc_ReferenceError, "the instance of this cache is gone");
        return NULL;
    }
    // The cache that calls it was called without this check.
    PyObject *result = NULL;
    if (Py_EnterRecursiveCall(" in a cached method") == 0) {
        result = call_with_first(self->function, instance, args, count_and_flag, names);
        Py_LeaveRecursiveCall();
    }
    Py_DECREF(instance);
    return result;
}

static int thunk_traverse(PyObject *object, visitproc visit, void *arg) {
    const cached_thunk *self = (cached_thunk *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->instance);
    Py_VISIT(self->function);
    return 0;
}

static void thunk_dealloc(PyObject *object) {
    cached_thunk *self = (cached_thunk *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->instance);
    Py_CLEAR(self->function);
    type->tp_free(object);
    Py_DECREF(type);
}

static const PyMemberDef thunk_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(cached_thunk, call), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_cached_thunk_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)thunk_dealloc},
        {Py_tp_traverse, (void *)thunk_traverse},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_members, (void *)thunk_members},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.CacheThunk",
        .basicsize = sizeof(cached_thunk),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = (PyType_Slot *)slots,
    };
}
