// Calling the receivers of a signal: see signal.h.
//
// The arguments are laid out once for all receivers, with a free place before them, where each
// receiver that is a method finds its self:
//
//     words    │ scratch │ self │ args ... │ values of keywords ... │
//
// A call then costs what a call costs: no bound method, no tuple. The scratch is what a callee may
// use that is told so (PY_VECTORCALL_ARGUMENTS_OFFSET).
#include "signal.h"

enum { WORDS_BEFORE = 2, WORDS_INLINE = 10 };

/// One call of all receivers. The arguments are borrowed from the caller's.
typedef struct emission {
    PyObject **words;
    Py_ssize_t count;   ///< positional arguments
    PyObject *names;    ///< of keywords; NULL: none
    PyObject *results;  ///< list of (receiver, result); NULL: not wanted
    bool is_robust;     ///< an exception is a result
    PyObject *inline_words[WORDS_INLINE];
} emission;

// The layout, for so many arguments and keywords, with None before them if that is asked. -1 with
// an exception set.
static int emission_init(emission *self, PyObject *const *args, Py_ssize_t count, PyObject *names,
                         bool with_none) {
    Py_ssize_t total = count + with_none + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    self->words = self->inline_words;
    if (total + WORDS_BEFORE > WORDS_INLINE) {
        self->words = PyMem_Malloc((size_t)(total + WORDS_BEFORE) * sizeof(PyObject *));
        if (self->words == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    self->words[0] = self->words[1] = NULL;
    self->words[WORDS_BEFORE] = Py_None;
    for (Py_ssize_t i = with_none; i < total; i++) {
        self->words[WORDS_BEFORE + i] = args[i - with_none];
    }
    self->count = count + with_none;
    self->names = names;
    self->results = NULL;
    self->is_robust = false;
    return 0;
}

static void emission_deinit(emission *self) {
    if (self->words != self->inline_words) {
        PyMem_Free(self->words);
    }
}

// A call with fewer positional arguments, and keywords, which stand behind these.
static PyObject *call_shortened(const emission *self, const weak_target *target, Py_ssize_t most) {
    Py_ssize_t named = PyTuple_GET_SIZE(self->names);
    emission shorter;
    if (emission_init(&shorter, self->words + WORDS_BEFORE, most + named, NULL, false) < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < named; i++) {
        shorter.words[WORDS_BEFORE + most + i] = self->words[WORDS_BEFORE + self->count + i];
    }
    shorter.words[1] = target->subject;
    bool is_method = target->kind == TIE_METHOD || target->kind == TIE_NAMED;
    PyObject **args = shorter.words + (is_method ? 1 : WORDS_BEFORE);
    size_t count = (size_t)(most + is_method) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    PyObject *result = target->kind == TIE_NAMED
                           ? PyObject_VectorcallMethod(target->what, args, count, self->names)
                           : PyObject_Vectorcall(is_method ? target->what : target->subject, args,
                                                 count, self->names);
    emission_deinit(&shorter);
    return result;
}

static PyObject *call_target(const emission *self, const weak_target *target, Py_ssize_t most) {
    Py_ssize_t count = self->count;
    if (most >= 0 && most < count) {
        if (self->names != NULL) {
            return call_shortened(self, target, most);
        }
        count = most;
    }
    PyObject **args = self->words + WORDS_BEFORE;
    if (target->what == NULL) {
        return PyObject_Vectorcall(target->subject, args,
                                   (size_t)count | PY_VECTORCALL_ARGUMENTS_OFFSET, self->names);
    }
    // Receivers may take turns here by way of another emission, but that has words of its own.
    *--args = target->subject;
    size_t flagged = (size_t)(count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    if (target->kind == TIE_NAMED) {
        return PyObject_VectorcallMethod(target->what, args, flagged, self->names);
    }
    PyObject *function = target->what;
    if (PyFunction_Check(function)) {
        return ((PyFunctionObject *)function)->vectorcall(function, args, flagged, self->names);
    }
    return PyObject_Vectorcall(function, args, flagged, self->names);
}

// The exception that is set, taken, with its traceback. It is an Exception: others are no results.
static PyObject *exception_as_result(void) {
    PyObject *type = NULL;
    PyObject *value = NULL;
    PyObject *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL && PyException_SetTraceback(value, traceback) < 0) {
        Py_CLEAR(value);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

// Note what a receiver gave; `result` is taken. -1 with an exception set.
static int emission_note(const emission *self, const weak_target *target, PyObject *result) {
    PyObject *receiver = weak_target_callable(target);
    PyObject *pair = receiver == NULL ? NULL : PyTuple_Pack(2, receiver, result);
    int status = pair == NULL ? -1 : PyList_Append(self->results, pair);
    Py_XDECREF(receiver);
    Py_XDECREF(pair);
    Py_DECREF(result);
    return status;
}

// Call the receiver of a tie. -1 with an exception set.
static int emission_call(const emission *self, weak_tie *tie) {
    weak_target target;
    if (!weak_tie_resolve(tie, &target)) {
        weak_signal_remove(tie);
        return 0;
    }
    Py_ssize_t most = tie->most;
    if (tie->is_once) {
        weak_signal_remove(tie);
    }
    PyObject *result = call_target(self, &target, most);
    if (result == NULL && self->is_robust && PyErr_ExceptionMatches(PyExc_Exception)) {
        result = exception_as_result();
    }
    int status = result == NULL ? -1 : 0;
    if (result != NULL && self->results != NULL) {
        status = emission_note(self, &target, result);
    } else {
        Py_XDECREF(result);
    }
    weak_target_release(&target);
    return status;
}

// Call a method whose function is written in Python, with nothing in between: 1, 0 (it is dead), or
// -1 with an exception set. REQUIRES: the tie is direct.
static inline int emission_call_direct(const emission *self, const weak_tie *tie) {
    PyObject *subject = weak_referent(tie->subject);
    PyObject *function = weak_referent(tie->what);
    if (subject == NULL || function == NULL) {
        return 0;
    }
    self->words[1] = Py_NewRef(subject);
    Py_INCREF(function);
    PyObject *result =
        ((PyFunctionObject *)function)
            ->vectorcall(function, self->words + 1,
                         (size_t)(self->count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, self->names);
    Py_DECREF(subject);
    Py_DECREF(function);
    Py_XDECREF(result);
    return result == NULL ? -1 : 1;
}

// Call all that hear this sender; NULL: that hear any. -1 with an exception set.
static int emission_run(const emission *self, weak_signal *signal, PyObject *sender) {
    if (signal->muted > 0 || signal->live == 0) {
        return 0;
    }
    Py_INCREF(signal);
    int status = 0;
    weak_roster *roster = weak_signal_pin(signal);
    for (Py_ssize_t i = 0; status == 0 && i < roster->count; i++) {
        weak_tie *tie = roster->ties[i];
        if (tie == NULL) {
            continue;
        }
        int done = tie->is_direct && self->results == NULL ? emission_call_direct(self, tie) : 0;
        if (done != 0) {
            status = done < 0 ? -1 : 0;
        } else if (tie->signal != NULL &&
                   (tie->sender == NULL || (sender != NULL && weak_tie_has_sender(tie, sender)))) {
            status = emission_call(self, tie);
        }
    }
    weak_signal_unpin(signal, roster);
    Py_DECREF(signal);
    return status;
}

static PyObject *emit_to_all(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names) {
    emission one;
    weak_signal *signal = (weak_signal *)self;
    if (signal->live == 0) {
        Py_RETURN_NONE;
    }
    if (emission_init(&one, args, count, names, false) < 0) {
        return NULL;
    }
    int status = emission_run(&one, signal, NULL);
    emission_deinit(&one);
    if (status < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *weak_signal_vectorcall(PyObject *self, PyObject *const *args, size_t count_and_flag,
                                 PyObject *names) {
    // A signal may be a receiver, of itself too: no Python function need stand in between.
    if (Py_EnterRecursiveCall(" while calling the receivers of a signal") != 0) {
        return NULL;
    }
    PyObject *done = emit_to_all(self, args, PyVectorcall_NARGS(count_and_flag), names);
    Py_LeaveRecursiveCall();
    return done;
}

PyObject *weak_signal_emit(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
    return emit_to_all(self, args, count, names);
}

// ---- send(): with a sender, and results ---------------------------------------------------------

// The sender: the positional argument, or the one of that name; NULL: there is none. False with an
// exception set.
static bool sender_from(PyObject *const *args, Py_ssize_t count, PyObject *names, PyObject **ret) {
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "send() takes one positional argument, the sender, got %zd",
                     count);
        return false;
    }
    *ret = count == 1 ? args[0] : NULL;
    for (Py_ssize_t i = 0; count == 0 && names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "sender") == 0) {
            *ret = args[i];
        }
    }
    return true;
}

// Receivers get the sender as it was given: first, or by name. If none was, they get None.
static PyObject *send_to_all(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names, bool is_robust) {
    PyObject *sender = NULL;
    emission one;
    if (!sender_from(args, count, names, &sender) ||
        emission_init(&one, args, count, names, sender == NULL) < 0) {
        return NULL;
    }
    one.is_robust = is_robust;
    one.results = PyList_New(0);
    int status = one.results == NULL
                     ? -1
                     : emission_run(&one, (weak_signal *)self, sender == NULL ? Py_None : sender);
    if (status < 0) {
        Py_CLEAR(one.results);
    }
    emission_deinit(&one);
    return one.results;
}

PyObject *weak_signal_send(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
    return send_to_all(self, args, count, names, false);
}

PyObject *weak_signal_send_robust(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *names) {
    return send_to_all(self, args, count, names, true);
}
