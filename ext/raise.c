// A message is one line: what could not be done, where, why, what to do next. The why is the
// engine's constant text, with the system's own words for an errno; the advice goes by the status.
#include "raise.h"

#include <string.h>

static const char *failure_advice(const mm_error *err) {
    switch (err->code == MM_E_IO ? err->sys_errno : 0) {
        case ENOSPC:
        case EFBIG:
        case EDQUOT:
            return "make room or choose another place";
        case ENOENT:
        case ENOTDIR:
            return "make the folder first, or choose another";
        case EACCES:
        case EPERM:
        case EROFS:
            return "choose a folder that you may write to";
        default:
            return err->code == MM_E_ARGUMENT ? "give the path of a file to make"
                                              : mm_status_advice(err->code);
    }
}

// "the reason", "the reason: No space left on device", "the reason, at byte 40".
static PyObject *reason_text(const mm_error *err) {
    const char *message = err->message != NULL ? err->message : "it failed";
    if (err->sys_errno != 0) {
        return PyUnicode_FromFormat("%s: %s", message, strerror(err->sys_errno));
    }
    if (err->code == MM_E_FORMAT) {
        return PyUnicode_FromFormat("%s, at byte %llu", message, (unsigned long long)err->offset);
    }
    return PyUnicode_FromString(message);
}

// Raise with a finished line, which is taken over; NULL goes on with the exception that is set.
static void line_raise(PyObject *line) {
    PyObject *errors = NULL;
    PyObject *type = NULL;
    if (line == NULL) {
        return;
    }
    errors = PyImport_ImportModule("mortmain.errors");
    if (errors != NULL) {
        type = PyObject_GetAttrString(errors, "MortmainError");
    }
    if (type != NULL) {
        PyErr_SetObject(type, line);
    }
    Py_XDECREF(type);
    Py_XDECREF(errors);
    Py_DECREF(line);
}

PyObject *mm_raise_text(const char *text, size_t count) {
    assert(!PyErr_Occurred());
    line_raise(PyUnicode_DecodeUTF8(text, (Py_ssize_t)count, "replace"));
    return NULL;
}

PyObject *mm_raise(const char *what, PyObject *where, const mm_error *err) {
    assert(err->code != MM_OK);
    assert(!PyErr_Occurred());
    const char *advice = failure_advice(err);
    const char *between = advice != NULL ? "; " : "";
    advice = advice != NULL ? advice : "";
    PyObject *shown = NULL;
    PyObject *reason = reason_text(err);
    if (reason == NULL) {
        return NULL;
    }
    if (where == NULL) {
        line_raise(PyUnicode_FromFormat("%s: %U%s%s", what, reason, between, advice));
        goto done;
    }
    // A path object is shown as its path, whatever class it has.
    shown = PyOS_FSPath(where);
    if (shown == NULL) {
        PyErr_Clear();
        shown = Py_NewRef(where);
    }
    line_raise(PyUnicode_FromFormat("%s %R: %U%s%s", what, shown, reason, between, advice));
done:
    Py_XDECREF(shown);
    Py_DECREF(reason);
    return NULL;
}
