// What a signal is for the length of a block: mute, or with a receiver more. See signal.h.
#include "signal.h"

/// A context manager. It may be entered again, also while it is entered.
typedef struct signal_scope {
    PyObject_HEAD weak_signal *signal;
    PyObject *receiver;  ///< NULL: it is the signal that is mute
    PyObject *sender;    ///< NULL: any
    weak_tie *tie;       ///< owned: the connection that it made
    Py_ssize_t depth;    ///< how often it is entered
} signal_scope;

static PyObject *scope_new(PyObject *signal, PyObject *receiver, PyObject *sender) {
    weak_state *state = weak_state_of(Py_TYPE(signal));
    signal_scope *self = state == NULL ? NULL : PyObject_GC_New(signal_scope, state->signals.scope);
    if (self == NULL) {
        return NULL;
    }
    self->signal = (weak_signal *)Py_NewRef(signal);
    self->receiver = Py_XNewRef(receiver);
    self->sender = Py_XNewRef(sender);
    self->tie = NULL;
    self->depth = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *weak_signal_muted(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return scope_new(self, NULL, NULL);
}

PyObject *weak_signal_connected_to(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *names) {
    PyObject *receiver = NULL;
    PyObject *sender = NULL;
    if (weak_signal_pair("connected_to", args, count, names, &receiver, &sender) < 0) {
        return NULL;
    }
    if (!PyCallable_Check(receiver)) {
        PyErr_Format(PyExc_TypeError, "a receiver must be callable, '%s' object is not",
                     Py_TYPE(receiver)->tp_name);
        return NULL;
    }
    return scope_new(self, receiver, sender);
}

static PyObject *scope_enter(PyObject *self, PyObject *ignored) {
    (void)ignored;
    signal_scope *scope = (signal_scope *)self;
    if (scope->receiver == NULL) {
        scope->signal->muted++;
    } else if (scope->depth == 0) {
        weak_tie *tie = NULL;
        if (weak_signal_connect_strongly(scope->signal, scope->receiver, scope->sender, &tie) < 0) {
            return NULL;
        }
        Py_XSETREF(scope->tie, tie);
    }
    scope->depth++;
    Py_RETURN_NONE;
}

// By the calling convention that makes no tuple: leaving must not fail.
static PyObject *scope_exit(PyObject *self, PyObject *const *ignored, Py_ssize_t count) {
    (void)ignored;
    (void)count;
    signal_scope *scope = (signal_scope *)self;
    if (scope->depth == 0) {
        PyErr_SetString(PyExc_RuntimeError, "left without having been entered");
        return NULL;
    }
    scope->depth--;
    if (scope->receiver == NULL) {
        scope->signal->muted--;
    } else if (scope->depth == 0 && scope->tie != NULL) {
        weak_tie *tie = scope->tie;
        scope->tie = NULL;
        if (tie->signal != NULL) {
            weak_signal_remove(tie);
        }
        Py_DECREF(tie);
    }
    Py_RETURN_FALSE;
}

static int scope_traverse(PyObject *self, visitproc visit, void *arg) {
    const signal_scope *scope = (signal_scope *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(scope->signal);
    Py_VISIT(scope->receiver);
    Py_VISIT(scope->sender);
    Py_VISIT(scope->tie);
    return 0;
}

static void scope_dealloc(PyObject *self) {
    signal_scope *scope = (signal_scope *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(scope->signal);
    Py_XDECREF(scope->receiver);
    Py_XDECREF(scope->sender);
    Py_XDECREF(scope->tie);
    type->tp_free(self);
    Py_DECREF(type);
}

static const PyMethodDef scope_methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))scope_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_scope_spec(void) {
    // No tp_clear: nothing of it changes before it dies, and what it refers to can be cleared.
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)scope_dealloc},
        {Py_tp_traverse, (void *)scope_traverse},
        {Py_tp_methods, (void *)scope_methods},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Scope",
        .basicsize = sizeof(signal_scope),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}
