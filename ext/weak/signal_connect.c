// Making and ending connections: see signal.h.
#include "signal.h"

/// How a receiver is held.
typedef enum connect_hold {
    HOLD_AUTO,   ///< methods weakly where that can be, all else strongly
    HOLD_WEAK,   ///< weakly, or TypeError
    HOLD_STRONG  ///< strongly
} connect_hold;

/// Arguments of connect(). All borrowed.
typedef struct connect_options {
    PyObject *receiver;  ///< NULL: none yet, it is a decorator
    PyObject *owner;     ///< NULL: none
    PyObject *sender;    ///< NULL: any
    connect_hold hold;
    int priority;
    bool is_once;
    Py_ssize_t most;
} connect_options;

// ---- arguments ----------------------------------------------------------------------------------

static int hold_from(PyObject *value, connect_hold *ret) {
    if (value == Py_True || value == Py_False) {
        *ret = value == Py_True ? HOLD_WEAK : HOLD_STRONG;
    } else if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "auto") == 0) {
        *ret = HOLD_AUTO;
    } else {
        PyErr_Format(PyExc_ValueError, "weak must be True, False or 'auto', not %R", value);
        return -1;
    }
    return 0;
}

static int most_from(PyObject *value, Py_ssize_t *ret) {
    Py_ssize_t most = value == Py_None ? -1 : PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (most == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (most < 0 && value != Py_None) {
        PyErr_SetString(PyExc_ValueError, "max_args must not be negative");
        return -1;
    }
    *ret = most;
    return 0;
}

static int priority_from(PyObject *value, int *ret) {
    long priority = PyLong_AsLong(value);
    if (priority == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (priority > INT_MAX || priority < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "priority is too large");
        return -1;
    }
    *ret = (int)priority;
    return 0;
}

// A keyword of connect(). -1 with an exception set.
static int option_set(connect_options *options, PyObject *name, PyObject *value) {
    if (PyUnicode_CompareWithASCIIString(name, "weak") == 0) {
        return hold_from(value, &options->hold);
    }
    if (PyUnicode_CompareWithASCIIString(name, "owner") == 0) {
        options->owner = value == Py_None ? NULL : value;
    } else if (PyUnicode_CompareWithASCIIString(name, "sender") == 0) {
        options->sender = value == Py_Ellipsis ? NULL : value;
    } else if (PyUnicode_CompareWithASCIIString(name, "priority") == 0) {
        return priority_from(value, &options->priority);
    } else if (PyUnicode_CompareWithASCIIString(name, "once") == 0) {
        int is_once = PyObject_IsTrue(value);
        options->is_once = is_once > 0;
        return is_once < 0 ? -1 : 0;
    } else if (PyUnicode_CompareWithASCIIString(name, "max_args") == 0) {
        return most_from(value, &options->most);
    } else if (PyUnicode_CompareWithASCIIString(name, "fn") == 0 && options->receiver == NULL) {
        options->receiver = value == Py_None ? NULL : value;
    } else {
        PyErr_Format(PyExc_TypeError, "connect() got an unexpected keyword argument %R", name);
        return -1;
    }
    return 0;
}

static int options_from(PyObject *const *args, Py_ssize_t count, PyObject *names,
                        connect_options *ret) {
    if (!weak_check_count("connect", count, 0, 1)) {
        return -1;
    }
    *ret = (connect_options){.most = -1};
    ret->receiver = count == 0 || args[0] == Py_None ? NULL : args[0];
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        if (option_set(ret, PyTuple_GET_ITEM(names, i), args[count + i]) < 0) {
            return -1;
        }
    }
    if (ret->receiver != NULL && !PyCallable_Check(ret->receiver)) {
        PyErr_Format(PyExc_TypeError, "a receiver must be callable, '%s' object is not",
                     Py_TYPE(ret->receiver)->tp_name);
        return -1;
    }
    if (ret->owner != NULL && ret->hold != HOLD_AUTO) {
        PyErr_SetString(PyExc_TypeError,
                        "a receiver with an owner lives as long as the owner: "
                        "weak= has nothing to say");
        return -1;
    }
    if (ret->sender != NULL && weak_callable_of(ret->sender).kind != TIE_PLAIN) {
        PyErr_SetString(PyExc_TypeError,
                        "a bound method cannot be a sender: each is an object of "
                        "its own");
        return -1;
    }
    return 0;
}

int weak_signal_pair(const char *function, PyObject *const *args, Py_ssize_t count, PyObject *names,
                     PyObject **ret_receiver, PyObject **ret_sender) {
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    bool is_sender_named =
        named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "sender") == 0;
    if (named > is_sender_named) {
        PyErr_Format(PyExc_TypeError, "%s() takes no keyword but sender", function);
        return -1;
    }
    if (!weak_check_count(function, count, 1, 2 - is_sender_named)) {
        return -1;
    }
    PyObject *sender = is_sender_named || count == 2 ? args[1] : NULL;
    *ret_receiver = args[0];
    *ret_sender = sender == Py_Ellipsis ? NULL : sender;
    return 0;
}

// ---- connect ------------------------------------------------------------------------------------

// A weakly held function that nobody else has is dead when connect() returns. Say so, where it is
// certain that no name is about to get it. -1 with an exception set: warnings are errors.
static int warn_if_lost(const connect_options *options, const weak_callable *callable) {
    PyObject *receiver = options->receiver;
    PyObject *function = callable->kind == TIE_METHOD ? callable->function : receiver;
    bool is_method =
        callable->kind == TIE_METHOD && PyType_SUPPORTS_WEAKREFS(Py_TYPE(callable->subject));
    bool is_held_weakly = options->owner == NULL &&
                          (options->hold == HOLD_WEAK || (options->hold == HOLD_AUTO && is_method));
    if (!is_held_weakly || !MM_IS_TEMPORARY(receiver) || !PyFunction_Check(function)) {
        return 0;
    }
    PyObject *name = ((PyFunctionObject *)function)->func_name;
    if (function == receiver ? PyUnicode_CompareWithASCIIString(name, "<lambda>") != 0
                             : Py_REFCNT(function) > 1) {
        return 0;
    }
    return PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                            "%R has no other reference: connected weakly, it is gone at once. "
                            "Keep it, or connect with owner= or weak=False",
                            function);
}

// Fill in what a tie holds. -1 with an exception set.
static int tie_hold(weak_tie *tie, PyObject *receiver, const weak_callable *callable,
                    bool is_weak) {
    // What is held strongly need not be found again by its name.
    bool is_whole = callable->kind == TIE_NAMED && !is_weak;
    PyObject *subject = is_whole ? receiver : callable->subject;
    tie->kind = is_whole ? TIE_PLAIN : callable->kind;
    tie->is_weak = is_weak;
    tie->subject = is_weak ? PyWeakref_NewRef(subject, (PyObject *)tie) : Py_NewRef(subject);
    if (tie->subject == NULL) {
        return -1;
    }
    if (tie->kind == TIE_NAMED) {
        tie->what = PyUnicode_InternFromString(callable->name);
        return tie->what == NULL ? -1 : 0;
    }
    if (callable->kind == TIE_METHOD) {
        // Weak references without a callback are one for all: this costs next to nothing.
        PyObject *function = callable->function;
        tie->is_what_weak = is_weak && PyType_SUPPORTS_WEAKREFS(Py_TYPE(function));
        tie->what = tie->is_what_weak ? PyWeakref_NewRef(function, NULL) : Py_NewRef(function);
        return tie->what == NULL ? -1 : 0;
    }
    return 0;
}

static int tie_hold_kept(weak_state *state, weak_tie *tie, const connect_options *options) {
    PyObject *box = weak_keep(state, options->owner, options->receiver);
    if (box == NULL) {
        return -1;
    }
    tie->kind = TIE_KEPT;
    tie->is_weak = true;
    tie->subject = PyWeakref_NewRef(box, (PyObject *)tie);
    if (tie->subject == NULL) {
        weak_box_empty(box);
    }
    Py_DECREF(box);
    return tie->subject == NULL ? -1 : 0;
}

static int tie_hear(weak_tie *tie, PyObject *sender) {
    if (sender != NULL) {
        tie->is_sender_weak = PyType_SUPPORTS_WEAKREFS(Py_TYPE(sender));
        tie->sender =
            tie->is_sender_weak ? PyWeakref_NewRef(sender, (PyObject *)tie) : Py_NewRef(sender);
    }
    return sender != NULL && tie->sender == NULL ? -1 : 0;
}

// Is it held weakly? A method of what cannot be weakly referenced, or that is not found again by
// its name, is not, unless that is asked: TypeError. 1, 0, or -1 with an exception set.
static int is_to_be_weak(const connect_options *options, const weak_callable *callable) {
    bool is_asked = options->hold == HOLD_WEAK;
    if (options->owner != NULL || options->hold == HOLD_STRONG ||
        (!is_asked &&
         (callable->kind == TIE_PLAIN || !PyType_SUPPORTS_WEAKREFS(Py_TYPE(callable->subject))))) {
        return 0;
    }
    if (callable->kind != TIE_NAMED) {
        return 1;
    }
    PyObject *name = PyUnicode_InternFromString(callable->name);
    int is_known =
        name == NULL ? -1 : weak_is_attribute(callable->subject, name, options->receiver);
    Py_XDECREF(name);
    if (is_known == 0 && is_asked) {
        PyErr_Format(PyExc_TypeError,
                     "%R cannot be held weakly: the object has another attribute of that name",
                     options->receiver);
        return -1;
    }
    return is_known;
}

// Connect, or change the connection that there is: in its place, if it is held in the same way. A
// new tie is given, owned, or NULL. -1 with an exception set.
static int connect_receiver(weak_state *state, weak_signal *self, const connect_options *options,
                            weak_tie **ret_tie) {
    *ret_tie = NULL;
    weak_callable callable = weak_callable_of(options->receiver);
    int is_weak = is_to_be_weak(options, &callable);
    if (is_weak < 0) {
        return -1;
    }
    weak_tie *old = weak_signal_find(self, &callable, options->sender, false);
    if (old != NULL && options->owner == NULL && old->kind != TIE_KEPT && old->is_weak == is_weak &&
        old->priority == options->priority) {
        old->is_once = options->is_once;
        old->most = options->most;
        weak_tie_classify(old);
        return 0;
    }
    weak_tie *tie = weak_tie_new(state);
    if (tie == NULL) {
        return -1;
    }
    tie->priority = options->priority;
    tie->is_once = options->is_once;
    tie->most = options->most;
    int held = options->owner != NULL ? tie_hold_kept(state, tie, options)
                                      : tie_hold(tie, options->receiver, &callable, is_weak);
    if (held < 0 || tie_hear(tie, options->sender) < 0) {
        Py_DECREF(tie);
        return -1;
    }
    // Making weak references may have started a collection, which may have connected it.
    old = weak_signal_find(self, &callable, options->sender, false);
    int status = weak_signal_add(self, tie, &callable);
    if (status == 0 && old != NULL) {
        weak_signal_remove(old);
    }
    if (status < 0) {
        Py_CLEAR(tie);
    }
    *ret_tie = tie;
    return status;
}

// What connect(**options) without a receiver gives: something to decorate with.
static PyObject *connect_later(PyObject *self, PyObject *const *args, PyObject *names) {
    PyObject *functools = PyImport_ImportModule("functools");
    PyObject *partial = functools == NULL ? NULL : PyObject_GetAttrString(functools, "partial");
    PyObject *connect = partial == NULL ? NULL : PyObject_GetAttrString(self, "connect");
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    PyObject *options = connect == NULL ? NULL : PyDict_New();
    int status = options == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; status == 0 && i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        bool is_receiver = PyUnicode_CompareWithASCIIString(name, "fn") == 0;
        status = is_receiver ? 0 : PyDict_SetItem(options, name, args[i]);
    }
    PyObject *pack = status < 0 ? NULL : PyTuple_Pack(1, connect);
    PyObject *later = pack == NULL ? NULL : PyObject_Call(partial, pack, options);
    Py_XDECREF(functools);
    Py_XDECREF(partial);
    Py_XDECREF(connect);
    Py_XDECREF(options);
    Py_XDECREF(pack);
    return later;
}

PyObject *weak_signal_connect(PyObject *self, PyObject *const *args, Py_ssize_t count,
                              PyObject *names) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    connect_options options;
    if (state == NULL || options_from(args, count, names, &options) < 0) {
        return NULL;
    }
    if (options.receiver == NULL) {
        return connect_later(self, args + count, names);
    }
    weak_callable callable = weak_callable_of(options.receiver);
    weak_tie *tie = NULL;
    if (warn_if_lost(&options, &callable) < 0 ||
        connect_receiver(state, (weak_signal *)self, &options, &tie) < 0) {
        return NULL;
    }
    Py_XDECREF(tie);
    return Py_NewRef(options.receiver);
}

int weak_signal_connect_strongly(weak_signal *self, PyObject *receiver, PyObject *sender,
                                 weak_tie **ret_tie) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    weak_callable callable = weak_callable_of(receiver);
    if (state == NULL) {
        return -1;
    }
    if (weak_signal_find(self, &callable, sender, false) != NULL) {
        return 1;
    }
    connect_options options = {
        .receiver = receiver, .sender = sender, .hold = HOLD_STRONG, .most = -1};
    return connect_receiver(state, self, &options, ret_tie);
}

PyObject *weak_signal_disconnect(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *names) {
    weak_signal *signal = (weak_signal *)self;
    PyObject *receiver = NULL;
    PyObject *sender = NULL;
    if (weak_signal_pair("disconnect", args, count, names, &receiver, &sender) < 0) {
        return NULL;
    }
    weak_callable callable = weak_callable_of(receiver);
    bool was_connected = false;
    // Letting go may run code that connects it again: that is not ours to undo.
    for (Py_ssize_t left = signal->live; left > 0; left--) {
        weak_tie *tie = weak_signal_find(signal, &callable, sender, sender == NULL);
        if (tie == NULL) {
            break;
        }
        weak_signal_remove(tie);
        was_connected = true;
    }
    return PyBool_FromLong(was_connected);
}
