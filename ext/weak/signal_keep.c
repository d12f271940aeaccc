// Callables that live as long as an owner: connect(..., owner=obj).
//
//     owner ──attribute──▶ kept ──▶ box ──▶ callable ──▶ ... ──▶ owner, perhaps
//                                    ▲
//     signal ──▶ tie ┄┄┄weak┄┄┄┄┄┄┄┄┘
//
// The owner alone holds the callable, so one that leads back to it is an ordinary cycle, which the
// collector takes with the owner. Nothing in the signal is stronger than a weak reference to the
// box; the box is what makes that possible for callables that cannot be weakly referenced.
//
// The attribute goes with a copy of the owner's __dict__. So what is kept knows whose it is, a copy
// gets its own with its first receiver, and in pickles and deep copies it is None.
#include "signal.h"

#define KEPT_NAME "__receivers__"

enum { KEPT_ROOM_FIRST = 2 };

/// A callable that an owner holds.
typedef struct kept_box {
    PyObject_HEAD PyObject *content;  ///< NULL: disconnected
    PyObject *weak_list;
} kept_box;

/// All of an owner's.
typedef struct kept_all {
    PyObject_HEAD PyObject *owner;  ///< weak reference
    kept_box **boxes;               ///< owned
    Py_ssize_t count;
    Py_ssize_t room;
} kept_all;

// ---- a box --------------------------------------------------------------------------------------

PyObject *weak_box_content(PyObject *box) {
    return ((kept_box *)box)->content;
}

void weak_box_empty(PyObject *box) {
    Py_CLEAR(((kept_box *)box)->content);
}

static int box_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((kept_box *)self)->content);
    return 0;
}

static int box_clear(PyObject *self) {
    weak_box_empty(self);
    return 0;
}

static void box_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((kept_box *)self)->weak_list != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    weak_box_empty(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static const PyMemberDef box_members[] = {
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(kept_box, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_box_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)box_dealloc},
        {Py_tp_traverse, (void *)box_traverse},
        {Py_tp_clear, (void *)box_clear},
        {Py_tp_members, (void *)box_members},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Receiver",
        .basicsize = sizeof(kept_box),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- all boxes of an owner ----------------------------------------------------------------------

static int kept_traverse(PyObject *self, visitproc visit, void *arg) {
    const kept_all *kept = (kept_all *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(kept->owner);
    for (Py_ssize_t i = 0; i < kept->count; i++) {
        Py_VISIT(kept->boxes[i]);
    }
    return 0;
}

static int kept_clear(PyObject *self) {
    kept_all *kept = (kept_all *)self;
    kept_box **boxes = kept->boxes;
    Py_ssize_t count = kept->count;
    kept->boxes = NULL;
    kept->count = kept->room = 0;
    Py_CLEAR(kept->owner);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_DECREF(boxes[i]);
    }
    PyMem_Free(boxes);
    return 0;
}

static void kept_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, kept_dealloc) kept_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static PyObject *kept_reduce(PyObject *self, PyObject *ignored) {
    (void)self;
    (void)ignored;
    return Py_BuildValue("(O())", (PyObject *)Py_TYPE(Py_None));
}

// Empty boxes go before there is room for more. -1 with an exception set.
static int kept_reserve(kept_all *kept) {
    if (kept->count < kept->room) {
        return 0;
    }
    Py_ssize_t full = 0;
    for (Py_ssize_t i = 0; i < kept->count; i++) {
        kept_box *box = kept->boxes[i];
        if (box->content != NULL) {
            kept->boxes[full++] = box;
        } else {
            // Its weak references have nothing to tell: its tie has ended.
            Py_DECREF(box);
        }
    }
    kept->count = full;
    if (full <= kept->room / 2 && kept->room > 0) {
        return 0;
    }
    Py_ssize_t room = kept->room == 0 ? KEPT_ROOM_FIRST : kept->room * 2;
    kept_box **boxes = PyMem_Realloc(kept->boxes, (size_t)room * sizeof(kept_box *));
    if (boxes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    kept->boxes = boxes;
    kept->room = room;
    return 0;
}

PyObject *weak_owner_get(PyObject *owner, PyObject *name) {
    PyObject *found =
        PyType_Check(owner) ? PyObject_GetAttr(owner, name) : PyObject_GenericGetAttr(owner, name);
    if (found == NULL) {
        PyErr_Clear();
    }
    return found;
}

int weak_owner_set(PyObject *owner, PyObject *name, PyObject *value) {
    return PyType_Check(owner) ? PyObject_SetAttr(owner, name, value)
                               : PyObject_GenericSetAttr(owner, name, value);
}

// What an owner keeps, new; NULL: nothing yet. No exception is set.
static kept_all *kept_of(const weak_state *state, PyObject *owner, PyObject *name) {
    PyObject *found = weak_owner_get(owner, name);
    bool is_kept = found != NULL && Py_TYPE(found) == state->signals.kept;
    PyObject *whose = is_kept ? ((kept_all *)found)->owner : NULL;
    if (whose == NULL || weak_referent(whose) != owner) {
        Py_CLEAR(found);
    }
    return (kept_all *)found;
}

// Say what is missing in a class that cannot have such an attribute, or whose objects cannot be
// referred to weakly. Other exceptions that are set stay.
static void refuse_owner(const PyObject *owner) {
    if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' object cannot own a receiver: give its class __weakref__, and a "
                     "__dict__ or the slot " KEPT_NAME,
                     Py_TYPE(owner)->tp_name);
    }
}

// The same, made if there is none: a new reference, or NULL with an exception set.
static kept_all *kept_make(const weak_state *state, PyObject *owner) {
    PyObject *name = PyUnicode_InternFromString(KEPT_NAME);
    kept_all *kept = name == NULL ? NULL : kept_of(state, owner, name);
    if (name == NULL || kept != NULL) {
        Py_XDECREF(name);
        return kept;
    }
    kept = PyObject_GC_New(kept_all, state->signals.kept);
    if (kept != NULL) {
        kept->boxes = NULL;
        kept->count = kept->room = 0;
        kept->owner = PyWeakref_NewRef(owner, NULL);
        PyObject_GC_Track(kept);
        // Making it may have started a collection, and that may have connected something.
        kept_all *other = kept->owner == NULL ? NULL : kept_of(state, owner, name);
        if (other != NULL) {
            Py_SETREF(kept, other);
        } else if (kept->owner == NULL || weak_owner_set(owner, name, (PyObject *)kept) < 0) {
            Py_CLEAR(kept);
            refuse_owner(owner);
        }
    }
    Py_DECREF(name);
    return kept;
}

PyObject *weak_keep(weak_state *state, PyObject *owner, PyObject *callable) {
    kept_all *kept = kept_make(state, owner);
    kept_box *box = kept == NULL ? NULL : PyObject_GC_New(kept_box, state->signals.box);
    if (box != NULL) {
        box->content = Py_NewRef(callable);
        box->weak_list = NULL;
        PyObject_GC_Track(box);
        if (kept_reserve(kept) < 0) {
            Py_CLEAR(box);
        } else {
            kept->boxes[kept->count++] = (kept_box *)Py_NewRef(box);
        }
    }
    Py_XDECREF(kept);
    return (PyObject *)box;
}

static const PyMethodDef kept_methods[] = {
    {"__reduce__", kept_reduce, METH_NOARGS, "None in a copy: a copy's receivers are its own."},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_kept_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)kept_dealloc},
        {Py_tp_traverse, (void *)kept_traverse},
        {Py_tp_clear, (void *)kept_clear},
        {Py_tp_methods, (void *)kept_methods},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Receivers",
        .basicsize = sizeof(kept_all),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}
