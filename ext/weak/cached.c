// cached_method: functools.lru_cache for methods, with a cache in each instance.
//
// lru_cache on a method keeps every `self` that it was ever called with, and all instances share
// one limit. Here each instance has a cache of its own, which dies with it and does not have `self`
// in its keys. What stands in the instance: cache_store.c.
//
// `instance.method(...)` calls the descriptor straight away, with the instance as first argument;
// only `instance.method` alone makes a bound method, which has cache_info() and the others.
//
// General note on reentrancy. Python code runs in the call of the cache, and where an instance has
// a descriptor under the private name. The cache is held during the call; when a store was made the
// instance is asked again before it is put there, and between runs no code.
#include <string.h>

#include "cached.h"

typedef struct cached_bound {
    PyObject_HEAD vectorcallfunc call;
    PyObject *method;
    PyObject *instance;
    PyObject *weak_list;
} cached_bound;

// ---- asking a cache -----------------------------------------------------------------------------

static PyObject *cached_parameters(const cached_method *self) {
    return Py_BuildValue("{sOsO}", "maxsize", self->maxsize, "typed",
                         self->typed ? Py_True : Py_False);
}

// cache_info() or cache_clear() of an instance; one that has no cache yet gets none by that.
static PyObject *cache_ask(cached_method *self, PyObject *instance, const char *what) {
    PyObject *cache = NULL;
    int found = weak_cache_find(self, instance, &cache);
    if (found < 0) {
        return NULL;
    }
    if (found == 0) {
        const weak_patterns *patterns = weak_patterns_of((PyObject *)self);
        return patterns == NULL ? NULL
               : strcmp(what, "cache_clear") == 0
                   ? Py_NewRef(Py_None)
                   : PyObject_CallFunction(patterns->cache_info_type, "iiOi", 0, 0, self->maxsize,
                                           0);
    }
    PyObject *answer = PyObject_CallMethod(cache, what, NULL);
    Py_DECREF(cache);
    return answer;
}

// ---- calling a cache ----------------------------------------------------------------------------

// functools' cache takes its arguments as a tuple. Making one and throwing it away is a good part
// of what a hit costs, so the last one is used again where nobody else has it.
enum { SPARE_MOST = 4 };

// A tuple of arguments; NULL with an exception set. REQUIRES: there are some.
static PyObject *spare_fill(cached_method *self, PyObject *const *args, Py_ssize_t count) {
    PyObject *tuple = self->spare;
    self->spare = NULL;
    if (tuple == NULL || Py_REFCNT(tuple) != 1 || PyTuple_GET_SIZE(tuple) != count) {
        Py_XDECREF(tuple);
        tuple = PyTuple_New(count);
        for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
            PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        }
        return tuple;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        // What stands there is None, which is not freed by that.
        PyObject *none = PyTuple_GET_ITEM(tuple, i);
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        Py_DECREF(none);
    }
    MM_TUPLE_FORGET_HASH(tuple);
    if (!PyObject_GC_IsTracked(tuple)) {
        PyObject_GC_Track(tuple);
    }
    return tuple;
}

// The call is over: the tuple is kept for the next, unless the cache has it for a key.
static void spare_keep(cached_method *self, PyObject *tuple) {
    if (Py_REFCNT(tuple) == 1) {
        // Arguments that are given up may run code, which may call the method.
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
            PyObject *argument = PyTuple_GET_ITEM(tuple, i);
            PyTuple_SET_ITEM(tuple, i, Py_NewRef(Py_None));
            Py_DECREF(argument);
        }
        Py_XSETREF(self->spare, tuple);
    } else {
        Py_DECREF(tuple);
    }
}

// What the cache of an instance gives for these arguments.
static PyObject *cache_give(cached_method *self, PyObject *instance, PyObject *const *args,
                            size_t count_and_flag, PyObject *names) {
    PyObject *cache = weak_cache_of(self, instance);
    if (cache == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
    PyObject *result = NULL;
    if (names != NULL || count < 1 || count > SPARE_MOST ||
        PyType_HasFeature(Py_TYPE(cache), Py_TPFLAGS_HAVE_VECTORCALL)) {
        result = PyObject_Vectorcall(cache, args, count_and_flag, names);
        Py_DECREF(cache);
        return result;
    }
    PyObject *tuple = spare_fill(self, args, count);
    if (tuple != NULL) {
        result = Py_TYPE(cache)->tp_call(cache, tuple, NULL);
        spare_keep(self, tuple);
    }
    Py_DECREF(cache);
    return result;
}

// ---- the bound method ---------------------------------------------------------------------------

static PyObject *bound_call(PyObject *object, PyObject *const *args, size_t count_and_flag,
                            PyObject *names) {
    const cached_bound *self = (cached_bound *)object;
    return cache_give((cached_method *)self->method, self->instance, args, count_and_flag, names);
}

static PyObject *bound_new(PyTypeObject *type, PyObject *method, PyObject *instance) {
    cached_bound *self = (cached_bound *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->call = bound_call;
        self->method = Py_NewRef(method);
        self->instance = Py_NewRef(instance);
    }
    return (PyObject *)self;
}

// As types.MethodType(function, instance): what weakref.WeakMethod calls.
static PyObject *bound_tp_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    weak_state *state = weak_state_of(type);
    PyObject *method = NULL;
    PyObject *instance = NULL;
    if (state == NULL || (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) ||
        !PyArg_ParseTuple(args, "O!O:BoundCachedMethod", state->patterns.cached_type, &method,
                          &instance)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "BoundCachedMethod() takes no keyword arguments");
        }
        return NULL;
    }
    return bound_new(type, method, instance);
}

static PyObject *bound_getattr(PyObject *object, PyObject *name) {
    const cached_bound *self = (cached_bound *)object;
    // The type's own would hide them.
    bool of_type = PyUnicode_CompareWithASCIIString(name, "__doc__") == 0 ||
                   PyUnicode_CompareWithASCIIString(name, "__module__") == 0;
    PyObject *found = of_type ? NULL : PyObject_GenericGetAttr(object, name);
    if (found != NULL || (!of_type && !PyErr_ExceptionMatches(PyExc_AttributeError))) {
        return found;
    }
    PyErr_Clear();
    return PyObject_GetAttr(self->method, name);
}

// For inspect.signature(): `__wrapped__` is the plain function, as with lru_cache, and has `self`.
static PyObject *bound_signature(PyObject *object, void *ignored) {
    (void)ignored;
    const cached_bound *self = (cached_bound *)object;
    PyObject *function = ((cached_method *)self->method)->function;
    PyObject *inspect = PyImport_ImportModule("inspect");
    PyObject *method = inspect == NULL ? NULL : PyMethod_New(function, self->instance);
    PyObject *signature =
        method == NULL ? NULL : PyObject_CallMethod(inspect, "signature", "O", method);
    Py_XDECREF(method);
    Py_XDECREF(inspect);
    return signature;
}

static PyObject *bound_info(PyObject *object, PyObject *ignored) {
    (void)ignored;
    const cached_bound *self = (cached_bound *)object;
    return cache_ask((cached_method *)self->method, self->instance, "cache_info");
}

static PyObject *bound_forget(PyObject *object, PyObject *ignored) {
    (void)ignored;
    const cached_bound *self = (cached_bound *)object;
    return cache_ask((cached_method *)self->method, self->instance, "cache_clear");
}

static PyObject *bound_parameters(PyObject *object, PyObject *ignored) {
    (void)ignored;
    return cached_parameters((cached_method *)((cached_bound *)object)->method);
}

static PyObject *bound_reduce(PyObject *object, PyObject *ignored) {
    (void)ignored;
    const cached_bound *self = (cached_bound *)object;
    PyObject *builtins = PyEval_GetBuiltins();
    PyObject *by_name = PyMapping_GetItemString(builtins, "getattr");
    PyObject *name = by_name == NULL ? NULL : PyObject_GetAttrString(self->method, "__name__");
    if (name == NULL) {
        Py_XDECREF(by_name);
        return NULL;
    }
    return Py_BuildValue("N(ON)", by_name, self->instance, name);
}

static PyObject *bound_compare(PyObject *left, PyObject *right, int how) {
    if ((how != Py_EQ && how != Py_NE) || Py_TYPE(left) != Py_TYPE(right)) {
        return Py_NewRef(Py_NotImplemented);
    }
    const cached_bound *a = (cached_bound *)left;
    const cached_bound *b = (cached_bound *)right;
    bool same = a->method == b->method && a->instance == b->instance;
    return PyBool_FromLong(same == (how == Py_EQ));
}

static Py_hash_t bound_hash(PyObject *object) {
    const cached_bound *self = (cached_bound *)object;
    Py_hash_t hash = MM_HASH_POINTER(self->instance) ^ MM_HASH_POINTER(self->method);
    return hash == -1 ? -2 : hash;
}

static PyObject *bound_repr(PyObject *object) {
    const cached_bound *self = (cached_bound *)object;
    PyObject *name = PyObject_GetAttrString(self->method, "__qualname__");
    PyObject *text = NULL;
    if (name != NULL) {
        text = PyUnicode_FromFormat("<bound cached method %S of %R>", name, self->instance);
        Py_DECREF(name);
    }
    return text;
}

static int bound_traverse(PyObject *object, visitproc visit, void *arg) {
    const cached_bound *self = (cached_bound *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->method);
    Py_VISIT(self->instance);
    return 0;
}

static void bound_dealloc(PyObject *object) {
    cached_bound *self = (cached_bound *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, bound_dealloc) if (self->weak_list != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->method);
    Py_CLEAR(self->instance);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const PyMethodDef bound_methods[] = {
    {"cache_info", bound_info, METH_NOARGS,
     "cache_info($self, /)\n--\n\nHits, misses, limit and size of this instance's cache."},
    {"cache_clear", bound_forget, METH_NOARGS,
     "cache_clear($self, /)\n--\n\nForget the results of this instance, and its statistics."},
    {"cache_parameters", bound_parameters, METH_NOARGS,
     "cache_parameters($self, /)\n--\n\nA dict of maxsize and typed."},
    {"__reduce__", bound_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef bound_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(cached_bound, call), MM_MEMBER_READONLY,
     NULL},
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(cached_bound, weak_list), MM_MEMBER_READONLY,
     NULL},
    {"__self__", MM_MEMBER_OBJECT, offsetof(cached_bound, instance), MM_MEMBER_READONLY,
     "The instance."},
    {"__func__", MM_MEMBER_OBJECT, offsetof(cached_bound, method), MM_MEMBER_READONLY,
     "The cached method of the class."},
    {NULL, 0, 0, 0, NULL},
};

static const PyGetSetDef bound_attributes[] = {
    {"__signature__", bound_signature, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Spec weak_cached_bound_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)bound_tp_new},        {Py_tp_dealloc, (void *)bound_dealloc},
        {Py_tp_traverse, (void *)bound_traverse}, {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_getattro, (void *)bound_getattr},  {Py_tp_richcompare, (void *)bound_compare},
        {Py_tp_hash, (void *)bound_hash},         {Py_tp_repr, (void *)bound_repr},
        {Py_tp_methods, (void *)bound_methods},   {Py_tp_members, (void *)bound_members},
        {Py_tp_getset, (void *)bound_attributes}, {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.BoundCachedMethod",
        .basicsize = sizeof(cached_bound),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the method ---------------------------------------------------------------------------------

static PyObject *cached_call(PyObject *object, PyObject *const *args, size_t count_and_flag,
                             PyObject *names) {
    cached_method *self = (cached_method *)object;
    size_t count = (size_t)PyVectorcall_NARGS(count_and_flag);
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "a cached method needs an instance as first argument");
        return NULL;
    }
    return cache_give(self, args[0], args + 1, count - 1, names);
}

static PyObject *cached_get(PyObject *object, PyObject *instance, PyObject *owner) {
    (void)owner;
    if (instance == NULL || instance == Py_None) {
        return Py_NewRef(object);
    }
    const weak_patterns *patterns = weak_patterns_of(object);
    return patterns == NULL ? NULL : bound_new(patterns->cached_bound_type, object, instance);
}

bool weak_bound_apart(PyObject *callable, PyObject **ret_instance, PyObject **ret_method) {
    bool is_bound = Py_TYPE(callable)->tp_dealloc == bound_dealloc;
    if (is_bound) {
        *ret_instance = ((cached_bound *)callable)->instance;
        *ret_method = ((cached_bound *)callable)->method;
    }
    return is_bound;
}

PyObject *weak_bind(PyObject *function, PyObject *instance) {
    return Py_TYPE(function)->tp_descr_get == cached_get ? cached_get(function, instance, NULL)
                                                         : PyMethod_New(function, instance);
}

static PyObject *cached_set_name(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    cached_method *self = (cached_method *)object;
    if (count != 2 || !PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "__set_name__() takes a class and a name");
        return NULL;
    }
    // Under another name it is the same method, with the same cache.
    if (!self->has_name) {
        PyObject *place = weak_private_name("_cached_", args[1]);
        if (place == NULL) {
            return NULL;
        }
        Py_SETREF(self->place, place);
        self->has_name = true;
    }
    Py_RETURN_NONE;
}

static PyObject *cached_info(PyObject *object, PyObject *instance) {
    return cache_ask((cached_method *)object, instance, "cache_info");
}

static PyObject *cached_forget(PyObject *object, PyObject *instance) {
    return cache_ask((cached_method *)object, instance, "cache_clear");
}

static PyObject *cached_method_parameters(PyObject *object, PyObject *ignored) {
    (void)ignored;
    return cached_parameters((cached_method *)object);
}

// As a function: by its name.
static PyObject *cached_reduce(PyObject *object, PyObject *ignored) {
    (void)ignored;
    return PyObject_GetAttrString(object, "__qualname__");
}

static PyObject *cached_copy(PyObject *object, PyObject *ignored) {
    (void)ignored;
    return Py_NewRef(object);
}

static PyObject *cached_repr(PyObject *object) {
    PyObject *name = PyObject_GetAttrString(object, "__qualname__");
    if (name == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyObject *function = ((cached_method *)object)->function;
        // The collector may have cleared it.
        return PyUnicode_FromFormat("<cached method %R>", function == NULL ? Py_None : function);
    }
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("<cached method %S>", name);
    Py_XDECREF(name);
    return text;
}

// Types that functools does not name: from what its public function gives. -1 with an exception.
static int functools_learn(weak_patterns *patterns, PyObject *functools) {
    if (patterns->lru_cache_type != NULL) {
        return 0;
    }
    PyObject *wrap = PyObject_GetAttrString(functools, "update_wrapper");
    PyObject *decorator = wrap == NULL ? NULL : PyObject_CallMethod(functools, "lru_cache", "i", 1);
    PyObject *probe = decorator == NULL ? NULL : PyObject_CallOneArg(decorator, wrap);
    PyObject *info = probe == NULL ? NULL : PyObject_CallMethod(probe, "cache_info", NULL);
    if (info != NULL) {
        Py_XSETREF(patterns->lru_cache_type, Py_NewRef((PyObject *)Py_TYPE(probe)));
        Py_XSETREF(patterns->cache_info_type, Py_NewRef((PyObject *)Py_TYPE(info)));
    }
    Py_XDECREF(wrap);
    Py_XDECREF(decorator);
    Py_XDECREF(probe);
    Py_XDECREF(info);
    return info == NULL ? -1 : 0;
}

// What maxsize means: None, or an int that is not negative. New; NULL with TypeError set.
static PyObject *maxsize_of(PyObject *given) {
    if (given == NULL) {
        return PyLong_FromLong(128);
    }
    if (given == Py_None) {
        return Py_NewRef(Py_None);
    }
    if (!PyLong_Check(given)) {
        PyErr_SetString(PyExc_TypeError,
                        "Expected first argument to be an integer, a callable, or None");
        return NULL;
    }
    PyObject *zero = PyLong_FromLong(0);
    int negative = zero == NULL ? -1 : PyObject_RichCompareBool(given, zero, Py_LT);
    PyObject *maxsize = negative < 0 ? NULL : Py_NewRef(negative ? zero : given);
    Py_XDECREF(zero);
    return maxsize;
}

// The name under which an instance keeps the cache until __set_name__() says another.
static PyObject *place_of(PyObject *function) {
    PyObject *name = NULL;
    PyObject *attribute = PyUnicode_InternFromString("__name__");
    int found = attribute == NULL ? -1 : MM_LOOK_UP(function, attribute, &name);
    Py_XDECREF(attribute);
    if (found == 0 || (found > 0 && !PyUnicode_Check(name))) {
        Py_XSETREF(name, PyUnicode_FromString("call"));
    }
    PyObject *place = name == NULL ? NULL : weak_private_name("_cached_", name);
    Py_XDECREF(name);
    return place;
}

static PyObject *cached_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"", "maxsize", "typed", NULL};
    PyObject *function = NULL;
    PyObject *maxsize = NULL;
    int typed = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|Op:cached_method", (char **)names, &function,
                                     &maxsize, &typed)) {
        return NULL;
    }
    if (!PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "cached_method is for functions, not for '%s' objects",
                     Py_TYPE(function)->tp_name);
        return NULL;
    }
    weak_state *state = weak_state_of(type);
    PyObject *functools = state == NULL ? NULL : PyImport_ImportModule("functools");
    if (functools == NULL || functools_learn(&state->patterns, functools) < 0) {
        Py_XDECREF(functools);
        return NULL;
    }
    cached_method *self = (cached_method *)type->tp_alloc(type, 0);
    PyObject *done = NULL;
    if (self != NULL) {
        self->call = cached_call;
        self->function = Py_NewRef(function);
        self->maxsize = maxsize_of(maxsize);
        self->typed = typed;
        self->place = self->maxsize == NULL ? NULL : place_of(function);
        done = self->place == NULL ? NULL
                                   : PyObject_CallMethod(functools, "update_wrapper", "OO",
                                                         (PyObject *)self, function);
    }
    Py_DECREF(functools);
    if (done == NULL) {
        Py_CLEAR(self);
    }
    Py_XDECREF(done);
    return (PyObject *)self;
}

static int cached_traverse(PyObject *object, visitproc visit, void *arg) {
    const cached_method *self = (cached_method *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->function);
    Py_VISIT(self->maxsize);
    Py_VISIT(self->spare);
    Py_VISIT(self->attributes);
    return 0;
}

static int cached_clear(PyObject *object) {
    Py_CLEAR(((cached_method *)object)->attributes);
    Py_CLEAR(((cached_method *)object)->function);
    return 0;
}

static void cached_dealloc(PyObject *object) {
    cached_method *self = (cached_method *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, cached_dealloc) if (self->weak_list != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    cached_clear(object);
    Py_CLEAR(self->maxsize);
    Py_CLEAR(self->place);
    Py_CLEAR(self->spare);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const PyMethodDef cached_methods[] = {
    {"__set_name__", (PyCFunction)(void (*)(void))cached_set_name, METH_FASTCALL, NULL},
    {"cache_info", cached_info, METH_O,
     "cache_info($self, instance, /)\n--\n\nHits, misses, limit and size of an instance's cache."},
    {"cache_clear", cached_forget, METH_O,
     "cache_clear($self, instance, /)\n--\n\nForget the results of an instance."},
    {"cache_parameters", cached_method_parameters, METH_NOARGS,
     "cache_parameters($self, /)\n--\n\nA dict of maxsize and typed."},
    {"__reduce__", cached_reduce, METH_NOARGS, NULL},
    {"__copy__", cached_copy, METH_NOARGS, NULL},
    {"__deepcopy__", cached_copy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef cached_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(cached_method, call), MM_MEMBER_READONLY,
     NULL},
    {"__dictoffset__", MM_MEMBER_OFFSET, offsetof(cached_method, attributes), MM_MEMBER_READONLY,
     NULL},
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(cached_method, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

static const PyGetSetDef cached_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Spec weak_cached_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)cached_new},
        {Py_tp_dealloc, (void *)cached_dealloc},
        {Py_tp_traverse, (void *)cached_traverse},
        {Py_tp_clear, (void *)cached_clear},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_descr_get, (void *)cached_get},
        {Py_tp_repr, (void *)cached_repr},
        {Py_tp_methods, (void *)cached_methods},
        {Py_tp_members, (void *)cached_members},
        {Py_tp_getset, (void *)cached_attributes},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.CachedMethod",
        .basicsize = sizeof(cached_method),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                 Py_TPFLAGS_METHOD_DESCRIPTOR,
        .slots = (PyType_Slot *)slots,
    };
}

const char weak_cached_method_doc[] =
    "cached_method($module, /, maxsize=128, typed=False)\n--\n\n"
    "functools.lru_cache for methods: each instance has a cache of its own, and keeps it.\n\n"
    "The cache stands in the instance under `_cached_name`, so it needs a __dict__ or a slot of\n"
    "that name, and dies with the instance. `self` is not in its keys and need not be hashable.\n\n"
    "Args:\n"
    "    maxsize: Results to keep for each instance; None: all.\n"
    "    typed: Arguments of different types are different, even if they are equal.\n\n"
    ">>> class Square:\n"
    "...     def __init__(self, side): self.side = side\n"
    "...     @cached_method\n"
    "...     def area(self, unit):\n"
    "...         print('working')\n"
    "...         return f'{self.side ** 2} {unit}'\n"
    ">>> square = Square(3)\n"
    ">>> square.area('cm'), square.area('cm')\n"
    "working\n"
    "('9 cm', '9 cm')\n"
    ">>> square.area.cache_info()\n"
    "CacheInfo(hits=1, misses=1, maxsize=128, currsize=1)\n";

PyObject *weak_cached_method(PyObject *module, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"maxsize", "typed", NULL};
    weak_state *state = PyModule_GetState(module);
    PyObject *given = NULL;
    PyObject *typed = Py_False;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:cached_method", (char **)names, &given,
                                     &typed)) {
        return NULL;
    }
    PyObject *type = (PyObject *)state->patterns.cached_type;
    if (given != NULL && !PyLong_Check(given) && PyCallable_Check(given) && PyBool_Check(typed)) {
        return PyObject_CallFunction(type, "OiO", given, 128, typed);
    }
    PyObject *maxsize = maxsize_of(given);
    PyObject *functools = maxsize == NULL ? NULL : PyImport_ImportModule("functools");
    PyObject *partial = functools == NULL ? NULL : PyObject_GetAttrString(functools, "partial");
    PyObject *first = partial == NULL ? NULL : PyTuple_Pack(1, type);
    PyObject *rest =
        first == NULL ? NULL : Py_BuildValue("{sOsO}", "maxsize", maxsize, "typed", typed);
    PyObject *decorator = rest == NULL ? NULL : PyObject_Call(partial, first, rest);
    Py_XDECREF(maxsize);
    Py_XDECREF(functools);
    Py_XDECREF(partial);
    Py_XDECREF(first);
    Py_XDECREF(rest);
    return decorator;
}
