// WeakMethod: a weak reference to a method, as weakref.WeakMethod is one.
//
// A bound method is made anew each time it is asked for, so a plain weak reference to it is dead at
// once. This one refers to the object, and to the function by a second weak reference, and makes
// the method again when it is called. Of a method that is written in C there is no function to
// refer to: it is the object's attribute of that name.
//
// Dead is what has lost either. Nothing is noted when that happens, for it can be seen; only where
// there is a callback to call a watch stands behind both references, which knows the WeakMethod
// weakly: it must not be kept by what is waiting for the end of others.
//
// General note on reentrancy. Python code runs in the comparison of the objects, and in callbacks.
// Both references are compared while they are held by their owners, which the caller holds.
#include "weak.h"

typedef struct weak_method {
    PyWeakReference base;  ///< to the object
    vectorcallfunc call;
    PyObject *function;  ///< owned: weak reference; NULL: written in C
    PyObject *name;      ///< owned: of a method written in C
    PyObject *type;      ///< owned: of the method
    PyObject *callback;  ///< owned: NULL once it was called
    PyObject *weak_list;
} weak_method;

/// What waits for the end of the object and of the function.
typedef struct method_watch {
    PyObject_HEAD vectorcallfunc call;
    PyObject *method;  ///< owned: weak reference to the WeakMethod
} method_watch;

// ---- the watch ----------------------------------------------------------------------------------

static PyObject *watch_call(PyObject *self, PyObject *const *args, size_t count_and_flag,
                            PyObject *names) {
    if (PyVectorcall_NARGS(count_and_flag) != 1 || names != NULL || !PyWeakref_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "this takes a weak reference");
        return NULL;
    }
    PyObject *ref = ((method_watch *)self)->method;
    PyObject *method = ref == NULL ? NULL : weak_referent(ref);
    PyObject *callback = method == NULL ? NULL : ((weak_method *)method)->callback;
    if (callback == NULL) {
        Py_RETURN_NONE;
    }
    // It is told of the first death alone.
    ((weak_method *)method)->callback = NULL;
    Py_INCREF(method);
    PyObject *result = PyObject_CallOneArg(callback, method);
    Py_DECREF(method);
    Py_DECREF(callback);
    return result;
}

static int watch_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((method_watch *)self)->method);
    return 0;
}

static int watch_clear(PyObject *self) {
    Py_CLEAR(((method_watch *)self)->method);
    return 0;
}

static void watch_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    watch_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static const PyMemberDef watch_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(method_watch, call), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_watch_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)watch_dealloc}, {Py_tp_traverse, (void *)watch_traverse},
        {Py_tp_clear, (void *)watch_clear},     {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_members, (void *)watch_members}, {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.MethodWatch",
        .basicsize = sizeof(method_watch),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

static PyObject *watch_new(weak_state *state) {
    method_watch *self = PyObject_GC_New(method_watch, state->signals.watch);
    if (self != NULL) {
        self->call = watch_call;
        self->method = NULL;
        PyObject_GC_Track(self);
    }
    return (PyObject *)self;
}

// ---- the reference ------------------------------------------------------------------------------

int weak_is_attribute(PyObject *object, PyObject *name, PyObject *method) {
    PyObject *found = NULL;
    int result = MM_LOOK_UP(object, name, &found);
    if (result > 0) {
        // Two of them are equal if they have the same function and the very same object.
        result = PyCFunction_Check(found) ? PyObject_RichCompareBool(found, method, Py_EQ) : 0;
        Py_DECREF(found);
    }
    return result;
}

// What a method is made of, new; `ret_function` or `ret_name`. -1 with an exception set.
static int method_apart(PyObject *method, PyObject **ret_object, PyObject **ret_function,
                        PyObject **ret_name) {
    PyObject *self = PyCFunction_Check(method) ? PyCFunction_GET_SELF(method) : NULL;
    if (self != NULL && !PyModule_Check(self)) {
        *ret_object = Py_NewRef(self);
        *ret_name = PyUnicode_InternFromString(((PyCFunctionObject *)method)->m_ml->ml_name);
        int is_known = *ret_name == NULL ? -1 : weak_is_attribute(self, *ret_name, method);
        if (is_known == 0) {
            PyErr_Format(PyExc_TypeError,
                         "'%s' objects have another '%U': this method cannot be found again",
                         Py_TYPE(self)->tp_name, *ret_name);
        }
        return is_known > 0 ? 0 : -1;
    }
    if (PyMethod_Check(method)) {
        *ret_object = Py_NewRef(PyMethod_GET_SELF(method));
        *ret_function = Py_NewRef(PyMethod_GET_FUNCTION(method));
        return 0;
    }
    *ret_object = PyObject_GetAttrString(method, "__self__");
    *ret_function = *ret_object == NULL ? NULL : PyObject_GetAttrString(method, "__func__");
    if (*ret_function == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "argument should be a bound method, not %S",
                     (PyObject *)Py_TYPE(method));
    }
    return *ret_function == NULL ? -1 : 0;
}

// Fill in a new reference. -1 with an exception set.
static int method_fill(weak_method *self, PyObject *method, PyObject *function, PyObject *name,
                       PyObject *callback, PyObject *watch) {
    self->type = Py_NewRef((PyObject *)Py_TYPE(method));
    self->name = Py_XNewRef(name);
    self->function = function == NULL ? NULL : PyWeakref_NewRef(function, watch);
    if (function != NULL && self->function == NULL) {
        return -1;
    }
    if (watch != NULL) {
        self->callback = Py_NewRef(callback);
        ((method_watch *)watch)->method = PyWeakref_NewRef((PyObject *)self, NULL);
        return ((method_watch *)watch)->method == NULL ? -1 : 0;
    }
    return 0;
}

static PyObject *method_call(PyObject *self, PyObject *const *args, size_t count_and_flag,
                             PyObject *names) {
    const weak_method *method = (weak_method *)self;
    (void)args;
    if (PyVectorcall_NARGS(count_and_flag) != 0 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a WeakMethod takes no arguments: it gives the method");
        return NULL;
    }
    PyObject *object = weak_referent(self);
    PyObject *function = method->function == NULL ? NULL : weak_referent(method->function);
    if (object == NULL || (function == NULL && method->name == NULL)) {
        Py_RETURN_NONE;
    }
    if (function == NULL) {
        Py_INCREF(object);
        PyObject *found = PyObject_GetAttr(object, method->name);
        Py_DECREF(object);
        return found;
    }
    // Held first: making it may start a collection, which may be the end of both.
    Py_INCREF(object);
    Py_INCREF(function);
    PyObject *made = method->type == (PyObject *)&PyMethod_Type
                         ? PyMethod_New(function, object)
                         : PyObject_CallFunctionObjArgs(method->type, function, object, NULL);
    Py_DECREF(object);
    Py_DECREF(function);
    return made;
}

static PyObject *method_get(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return method_call(self, NULL, 0, NULL);
}

static PyObject *method_make(PyTypeObject *type, PyObject *method, PyObject *callback) {
    PyObject *object = NULL;
    PyObject *function = NULL;
    PyObject *name = NULL;
    PyObject *watch = NULL;
    PyObject *self = NULL;
    weak_state *state = weak_state_of(type);
    if (state == NULL || method_apart(method, &object, &function, &name) < 0) {
        goto done;
    }
    if (callback != Py_None) {
        watch = watch_new(state);
        if (watch == NULL) {
            goto done;
        }
    }
    PyObject *pair = PyTuple_Pack(2, object, watch == NULL ? Py_None : watch);
    self = pair == NULL ? NULL : _PyWeakref_RefType.tp_new(type, pair, NULL);
    Py_XDECREF(pair);
    if (self != NULL) {
        ((weak_method *)self)->call = method_call;
        if (method_fill((weak_method *)self, method, function, name, callback, watch) < 0) {
            Py_CLEAR(self);
        }
    }
done:
    Py_XDECREF(object);
    Py_XDECREF(function);
    Py_XDECREF(name);
    Py_XDECREF(watch);
    return self;
}

static PyObject *method_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const words[] = {"meth", "callback", NULL};
    PyObject *method = NULL;
    PyObject *callback = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:WeakMethod", (char **)(uintptr_t)words,
                                     &method, &callback)) {
        return NULL;
    }
    return method_make(type, method, callback);
}

static int method_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    (void)self;
    (void)args;
    (void)kwargs;
    return 0;
}

static int method_traverse(PyObject *self, visitproc visit, void *arg) {
    const weak_method *method = (weak_method *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(method->function);
    Py_VISIT(method->name);
    Py_VISIT(method->type);
    Py_VISIT(method->callback);
    return _PyWeakref_RefType.tp_traverse(self, visit, arg);
}

static int method_clear(PyObject *self) {
    weak_method *method = (weak_method *)self;
    Py_CLEAR(method->callback);
    Py_CLEAR(method->function);
    Py_CLEAR(method->name);
    return _PyWeakref_RefType.tp_clear(self);
}

static void method_dealloc(PyObject *self) {
    weak_method *method = (weak_method *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    // Before the trashcan, which may put off the rest: nobody may come here from the object.
    _PyWeakref_RefType.tp_clear(self);
    Py_TRASHCAN_BEGIN(self, method_dealloc) if (method->weak_list != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_CLEAR(method->callback);
    Py_CLEAR(method->function);
    Py_CLEAR(method->name);
    Py_CLEAR(method->type);
    _PyWeakref_RefType.tp_dealloc(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

// ---- comparison ---------------------------------------------------------------------------------

static bool method_is_alive(const weak_method *self) {
    return weak_referent((PyObject *)self) != NULL &&
           (self->function == NULL ? self->name != NULL : weak_referent(self->function) != NULL);
}

static bool is_weak_method(PyObject *object) {
    const PyTypeObject *type = Py_TYPE(object);
    while (type != NULL && type->tp_dealloc != method_dealloc) {
        type = type->tp_base;
    }
    return type != NULL;
}

static Py_hash_t method_hash(PyObject *self) {
    return _PyWeakref_RefType.tp_hash(self);
}

// Equal are methods of equal objects with the same function; dead ones are equal to themselves.
static PyObject *method_compare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !is_weak_method(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    const weak_method *left = (weak_method *)self;
    const weak_method *right = (weak_method *)other;
    if (!method_is_alive(left) || !method_is_alive(right)) {
        return PyBool_FromLong((self == other) == (op == Py_EQ));
    }
    // The objects are compared as references to them are; then there may be nothing left to ask.
    PyObject *answer = _PyWeakref_RefType.tp_richcompare(self, other, op);
    int truth = answer == NULL ? -1 : PyObject_IsTrue(answer);
    if (truth < 0 || truth == (op == Py_NE)) {
        return truth < 0 ? (Py_XDECREF(answer), NULL) : answer;
    }
    Py_DECREF(answer);
    bool is_same = left->function == NULL || right->function == NULL
                       ? left->function == right->function && left->name == right->name
                       : weak_referent(left->function) == weak_referent(right->function);
    return PyBool_FromLong(is_same == (op == Py_EQ));
}

static const PyMemberDef method_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(weak_method, call), MM_MEMBER_READONLY,
     NULL},
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(weak_method, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

static const PyMethodDef method_methods[] = {
    {"__call__", method_get, METH_NOARGS | METH_COEXIST,
     "__call__($self, /)\n--\n\nThe method, made anew; or None."},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_method_spec(void) {
    static const char doc[] =
        "WeakMethod(meth, callback=None)\n--\n\n"
        "A weak reference to a method: called, it gives the method, or None.\n\n"
        "It is dead when the object is, or the function.\n\n"
        "Args:\n"
        "    meth: A bound method, or a method that is written in C.\n"
        "    callback: Called with this reference when it dies.\n\n"
        "Example:\n"
        "    >>> from mortmain.weak import WeakMethod\n"
        "    >>> class Bell:\n"
        "    ...     def ring(self):\n"
        "    ...         return 'ding'\n"
        "    >>> bell, bag = Bell(), {1}\n"
        "    >>> ring, add = WeakMethod(bell.ring), WeakMethod(bag.add)\n"
        "    >>> ring()()\n"
        "    'ding'\n"
        "    >>> add()(2)\n"
        "    >>> bag\n"
        "    {1, 2}\n"
        "    >>> del bell\n"
        "    >>> ring() is None\n"
        "    True";
    static const PyType_Slot slots[] = {
        {Py_tp_doc, (void *)doc},
        {Py_tp_new, (void *)method_new},
        {Py_tp_init, (void *)method_init},
        {Py_tp_traverse, (void *)method_traverse},
        {Py_tp_clear, (void *)method_clear},
        {Py_tp_dealloc, (void *)method_dealloc},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_hash, (void *)method_hash},
        {Py_tp_richcompare, (void *)method_compare},
        {Py_tp_methods, (void *)method_methods},
        {Py_tp_members, (void *)method_members},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.WeakMethod",
        .basicsize = sizeof(weak_method),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE |
                 Py_TPFLAGS_HAVE_VECTORCALL,
        .slots = (PyType_Slot *)slots,
    };
}
