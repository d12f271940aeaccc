// Bounded: a descriptor that lets in what lies between two limits.
//
// The value is kept in the instance under a private name, so it lives and dies with the instance,
// is copied and pickled with it, and costs what a plain attribute costs. On request the descriptor
// also knows who has a value: a dictionary of ours with weak keys, told apart by identity, because
// an instance that is still in its __init__() often can not be hashed yet.
//
// General note on reentrancy. Python code runs when a value is compared, when an exception is made
// and when an old value is given up; a descriptor does not change once it has a name, and what it
// hands on is held by the caller or by the descriptor, which the caller holds.
#include "weak.h"

typedef struct bounded_object {
    PyObject_HEAD PyObject *low; /* NULL: no limit */
    PyObject *high;              /* NULL: no limit */
    PyObject *too_low;           ///< an exception class, or what makes an exception
    PyObject *too_high;
    PyObject *initial; /* NULL: AttributeError */
    PyObject *seen;    /* NULL: nobody asked */
    PyObject *place;   /* private name; NULL: none yet */
    PyObject *name;
} bounded_object;

// ---- comparing ----------------------------------------------------------------------------------

static PyObject *bounded_shown(const bounded_object *self) {
    return self->name == NULL ? PyUnicode_FromString("the value") : Py_NewRef(self->name);
}

// Raise what the user chose: an exception class, which is given a sentence, or a callable, which is
// given name, value and limit and makes an exception.
static void bounded_refuse(const bounded_object *self, PyObject *chosen, PyObject *value,
                           PyObject *limit, const char *must) {
    PyObject *name = bounded_shown(self);
    if (name == NULL) {
        return;
    }
    // The collector may have cleared it, and somebody's __del__ come here.
    if (chosen == NULL || PyExceptionClass_Check(chosen)) {
        PyErr_Format(chosen == NULL ? PyExc_ValueError : chosen, "%U must be %s %R, not %R", name,
                     must, limit, value);
        Py_DECREF(name);
        return;
    }
    PyObject *error = PyObject_CallFunctionObjArgs(chosen, name, value, limit, NULL);
    Py_DECREF(name);
    if (error == NULL) {
        return;
    }
    if (PyExceptionInstance_Check(error)) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    } else {
        PyErr_Format(PyExc_TypeError, "too_low and too_high make exceptions, not '%s' objects",
                     Py_TYPE(error)->tp_name);
    }
    Py_DECREF(error);
}

// Is a value on the right side of a limit? -1 with an exception set; what is on neither side, as
// nan is, is refused with ValueError.
static int bounded_check_side(const bounded_object *self, PyObject *value, PyObject *limit,
                              bool low) {
    int fits = PyObject_RichCompareBool(value, limit, low ? Py_GE : Py_LE);
    if (fits != 0) {
        return fits < 0 ? -1 : 0;
    }
    int beyond = PyObject_RichCompareBool(value, limit, low ? Py_LT : Py_GT);
    if (beyond > 0) {
        bounded_refuse(self, low ? self->too_low : self->too_high, value, limit,
                       low ? "at least" : "at most");
    } else if (beyond == 0) {
        bounded_refuse(self, PyExc_ValueError, value, limit, "comparable with");
    }
    return -1;
}

static int bounded_check(const bounded_object *self, PyObject *value) {
    if (self->low != NULL && bounded_check_side(self, value, self->low, true) < 0) {
        return -1;
    }
    return self->high == NULL ? 0 : bounded_check_side(self, value, self->high, false);
}

// ---- the descriptor -----------------------------------------------------------------------------

static PyObject *bounded_get(PyObject *object, PyObject *instance, PyObject *owner) {
    (void)owner;
    bounded_object *self = (bounded_object *)object;
    if (instance == NULL || instance == Py_None) {
        return Py_NewRef(object);
    }
    if (!weak_private_is_named(object, self->place)) {
        return NULL;
    }
    PyObject *value = NULL;
    int found = weak_private_get(instance, self->place, &value);
    if (found == 0 && self->initial != NULL) {
        return Py_NewRef(self->initial);
    }
    if (found == 0) {
        PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'",
                     Py_TYPE(instance)->tp_name, self->name);
    }
    return found > 0 ? value : NULL;
}

static int bounded_delete(bounded_object *self, PyObject *instance) {
    if (weak_private_set(instance, self->place, NULL) < 0) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'",
                         Py_TYPE(instance)->tp_name, self->name);
        }
        return -1;
    }
    if (self->seen != NULL && PyObject_DelItem(self->seen, instance) < 0) {
        // A copy has a value and was not seen.
        if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
            return -1;
        }
        PyErr_Clear();
    }
    return 0;
}

static int bounded_set(PyObject *object, PyObject *instance, PyObject *value) {
    bounded_object *self = (bounded_object *)object;
    if (!weak_private_is_named(object, self->place)) {
        return -1;
    }
    if (value == NULL) {
        return bounded_delete(self, instance);
    }
    if (bounded_check(self, value) < 0) {
        return -1;
    }
    if (self->seen != NULL && !PyType_SUPPORTS_WEAKREFS(Py_TYPE(instance))) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' objects cannot be seen, since nothing can refer to them weakly: put "
                     "'__weakref__' into __slots__",
                     Py_TYPE(instance)->tp_name);
        return -1;
    }
    if (weak_private_set(instance, self->place, value) < 0) {
        return -1;
    }
    return self->seen == NULL ? 0 : PyObject_SetItem(self->seen, instance, value);
}

static PyObject *bounded_set_name(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    bounded_object *self = (bounded_object *)object;
    return weak_private_take_name(object, args, count, &self->place, &self->name);
}

static PyObject *bounded_seen(PyObject *object, void *ignored) {
    (void)ignored;
    const bounded_object *self = (bounded_object *)object;
    if (self->seen == NULL) {
        PyErr_SetString(PyExc_AttributeError,
                        "this Bounded does not note whom it has seen: make it with seen=True");
        return NULL;
    }
    return Py_NewRef(self->seen);
}

static PyObject *bounded_repr(PyObject *object) {
    const bounded_object *self = (bounded_object *)object;
    return PyUnicode_FromFormat("Bounded(%R, %R)", self->low == NULL ? Py_None : self->low,
                                self->high == NULL ? Py_None : self->high);
}

// ---- life and death -----------------------------------------------------------------------------

// One limit, which has two names. None is no limit. -1 with an exception set.
static int limit_take(PyObject *first, PyObject *second, const char *names, PyObject **ret) {
    if (first != NULL && second != NULL) {
        PyErr_Format(PyExc_TypeError, "%s are one thing: give one of them", names);
        return -1;
    }
    PyObject *limit = first == NULL ? second : first;
    *ret = limit == NULL || limit == Py_None ? NULL : Py_NewRef(limit);
    return 0;
}

static PyObject *maker_take(PyObject *given) {
    PyObject *maker = given == NULL || given == Py_None ? PyExc_ValueError : given;
    if (!PyCallable_Check(maker) || (PyType_Check(maker) && !PyExceptionClass_Check(maker))) {
        PyErr_SetString(PyExc_TypeError,
                        "too_low and too_high are exception classes, or make exceptions");
        return NULL;
    }
    return Py_NewRef(maker);
}

static PyObject *bounded_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"lo",       "hi",      "min",  "max", "too_low",
                                        "too_high", "default", "seen", NULL};
    PyObject *low = NULL;
    PyObject *high = NULL;
    PyObject *least = NULL;
    PyObject *most = NULL;
    PyObject *too_low = NULL;
    PyObject *too_high = NULL;
    PyObject *initial = NULL;
    int seen = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO$OOOOOp:Bounded", (char **)names, &low,
                                     &high, &least, &most, &too_low, &too_high, &initial, &seen)) {
        return NULL;
    }
    weak_state *state = weak_state_of(type);
    bounded_object *self = state == NULL ? NULL : (bounded_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (limit_take(low, least, "lo and min", &self->low) < 0 ||
        limit_take(high, most, "hi and max", &self->high) < 0 ||
        (self->too_low = maker_take(too_low)) == NULL ||
        (self->too_high = maker_take(too_high)) == NULL ||
        (seen && (self->seen = PyObject_CallNoArgs((PyObject *)state->id_dict_type)) == NULL)) {
        Py_DECREF(self);
        return NULL;
    }
    self->initial = Py_XNewRef(initial);
    return (PyObject *)self;
}

static int bounded_traverse(PyObject *object, visitproc visit, void *arg) {
    const bounded_object *self = (bounded_object *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->low);
    Py_VISIT(self->high);
    Py_VISIT(self->too_low);
    Py_VISIT(self->too_high);
    Py_VISIT(self->initial);
    Py_VISIT(self->seen);
    return 0;
}

static int bounded_clear(PyObject *object) {
    bounded_object *self = (bounded_object *)object;
    Py_CLEAR(self->low);
    Py_CLEAR(self->high);
    Py_CLEAR(self->initial);
    Py_CLEAR(self->seen);
    Py_CLEAR(self->too_low);
    Py_CLEAR(self->too_high);
    return 0;
}

static void bounded_dealloc(PyObject *object) {
    bounded_object *self = (bounded_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, bounded_dealloc) bounded_clear(object);
    Py_CLEAR(self->place);
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const char bounded_doc[] =
    "Bounded(lo=None, hi=None, *, min=None, max=None, too_low=None, too_high=None, default=...,\n"
    "        seen=False)\n--\n\n"
    "A descriptor for values from lo to hi, which the instance keeps.\n\n"
    "The value stands in the instance under `_name`: the name is that of the attribute. It needs\n"
    "no more memory than a plain attribute, and a slot `_name` serves too.\n\n"
    "Args:\n"
    "    lo: The least value, or None. `min=` is the same.\n"
    "    hi: The greatest value, or None. `max=` is the same.\n"
    "    too_low: What to raise below: an exception class, or a function of name, value and\n"
    "        limit that makes an exception; None: ValueError.\n"
    "    too_high: The same above.\n"
    "    default: What is read where nothing was set; without it AttributeError.\n"
    "    seen: Note who has a value: `Class.name.seen` maps the living instances to it.\n\n"
    ">>> class Exam:\n"
    "...     grade = Bounded(0, 100, seen=True)\n"
    "...     def __init__(self, grade): self.grade = grade\n"
    ">>> exam = Exam(90)\n"
    ">>> exam.grade\n"
    "90\n"
    ">>> exam.grade = 101\n"
    "Traceback (most recent call last):\n"
    "ValueError: grade must be at most 100, not 101\n"
    ">>> list(Exam.grade.seen.values())\n"
    "[90]\n"
    ">>> del exam\n"
    ">>> len(Exam.grade.seen)\n"
    "0\n";

static const PyMethodDef bounded_methods[] = {
    {"__set_name__", (PyCFunction)(void (*)(void))bounded_set_name, METH_FASTCALL, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef bounded_members[] = {
    {"lo", MM_MEMBER_OBJECT, offsetof(bounded_object, low), MM_MEMBER_READONLY,
     "The least value, or None."},
    {"hi", MM_MEMBER_OBJECT, offsetof(bounded_object, high), MM_MEMBER_READONLY,
     "The greatest value, or None."},
    {"name", MM_MEMBER_OBJECT, offsetof(bounded_object, name), MM_MEMBER_READONLY,
     "The name of the attribute, or None."},
    {NULL, 0, 0, 0, NULL},
};

static const PyGetSetDef bounded_attributes[] = {
    {"seen", bounded_seen, NULL, "The living instances that have a value, and it.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Spec weak_bounded_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)bounded_new},           {Py_tp_dealloc, (void *)bounded_dealloc},
        {Py_tp_traverse, (void *)bounded_traverse}, {Py_tp_clear, (void *)bounded_clear},
        {Py_tp_descr_get, (void *)bounded_get},     {Py_tp_descr_set, (void *)bounded_set},
        {Py_tp_repr, (void *)bounded_repr},         {Py_tp_methods, (void *)bounded_methods},
        {Py_tp_members, (void *)bounded_members},   {Py_tp_getset, (void *)bounded_attributes},
        {Py_tp_doc, (void *)bounded_doc},           {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.Bounded",
        .basicsize = sizeof(bounded_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = (PyType_Slot *)slots,
    };
}
