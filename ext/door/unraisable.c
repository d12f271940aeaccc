// An exception that leaves a `__del__` has nobody to go to: the interpreter prints it, by a hook
// that the script may replace. What `__del__` was to clean up stays as it is, so a report has to
// say so.
//
// An audit hook in C is told before the script's hook is called, whichever that is, and no Python
// code can see it. It keeps texts and numbers only, never an object: nothing lives longer because
// it was looked at. It keeps no message of an exception either: that may be a secret.
//
// General note: the hook runs no Python code, makes no object and sets no exception. Any code may
// raise the same event with any arguments, so each is looked at before it is used.
#include "unraisable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 200, FILE_BYTES = 360, EXCEPTION_BYTES = 80 };

// The members of sys.UnraisableHookArgs.
enum { ARGS_TYPE = 0, ARGS_TRACEBACK = 2, ARGS_OBJECT = 4, ARGS_COUNT = 5 };

// One `__del__` and one type of exception.
typedef struct unraisable_kind {
    uint64_t count;
    int line;  // of the first, with its file
    char name[NAME_BYTES];
    char file[FILE_BYTES];
    char exception[EXCEPTION_BYTES];
} unraisable_kind;

struct door_unraisable {
    pid_t pid;
    uint32_t count;
    unraisable_kind kinds[DOOR_UNRAISABLE_MAX];
};

static size_t utf8_put(char *out, Py_UCS4 letter) {
    if (letter < 0x80) {
        out[0] = (char)letter;
        return 1;
    }
    if (letter < 0x800) {
        out[0] = (char)(0xc0 | letter >> 6);
        out[1] = (char)(0x80 | (letter & 0x3f));
        return 2;
    }
    if (letter < 0x10000) {
        out[0] = (char)(0xe0 | letter >> 12);
        out[1] = (char)(0x80 | (letter >> 6 & 0x3f));
        out[2] = (char)(0x80 | (letter & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | letter >> 18);
    out[1] = (char)(0x80 | (letter >> 12 & 0x3f));
    out[2] = (char)(0x80 | (letter >> 6 & 0x3f));
    out[3] = (char)(0x80 | (letter & 0x3f));
    return 4;
}

// A str as UTF-8, cut where the room ends. PyUnicode_AsUTF8() would leave a copy in the str, which
// then is bigger than without us. `spaces` may stay; control characters and what is no character
// may not.
static void text_copy(PyObject *text, bool spaces, char *out, size_t out_bytes) {
    size_t used = 0;
    if (text == NULL || !PyUnicode_Check(text)) {
        out[0] = '\0';
        return;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < length && used + 5 <= out_bytes; i++) {
        Py_UCS4 letter = PyUnicode_READ_CHAR(text, i);
        bool bad = letter < ' ' || letter == 0x7f || (letter >= 0xd800 && letter < 0xe000) ||
                   (letter == ' ' && !spaces);
        used += utf8_put(out + used, bad ? '?' : letter);
    }
    out[used] = '\0';
}

// The name of a `__del__`, "Exam.__del__". False for every other object.
static bool name_of_del(PyObject *object, char *out) {
    PyObject *function = PyMethod_Check(object) ? PyMethod_GET_FUNCTION(object) : object;
    if (!PyFunction_Check(function)) {
        return false;
    }
    const PyFunctionObject *body = (const PyFunctionObject *)(void *)function;
    if (body->func_name == NULL || !PyUnicode_Check(body->func_name) ||
        PyUnicode_CompareWithASCIIString(body->func_name, "__del__") != 0) {
        return false;
    }
    text_copy(body->func_qualname, false, out, NAME_BYTES);
    return out[0] != '\0';
}

// The name of an exception's type without its module, in characters that are surely text.
static void exception_copy(PyObject *type, char *out) {
    const char *name = PyType_Check(type) ? ((PyTypeObject *)(void *)type)->tp_name : "?";
    const char *dot = strrchr(name, '.');
    name = dot != NULL && dot[1] != '\0' ? dot + 1 : name;
    size_t used = 0;
    for (; name[used] != '\0' && used + 1 < EXCEPTION_BYTES; used++) {
        unsigned char letter = (unsigned char)name[used];
        out[used] = letter > ' ' && letter < 0x7f ? (char)letter : '?';
    }
    out[used] = '\0';
}

// Where it was raised: the innermost frame of the traceback.
static void place_copy(PyObject *traceback, unraisable_kind *kind) {
    if (!PyTraceBack_Check(traceback)) {
        return;
    }
    PyTracebackObject *last = (PyTracebackObject *)(void *)traceback;
    while (last->tb_next != NULL) {
        last = last->tb_next;
    }
    PyCodeObject *code = PyFrame_GetCode(last->tb_frame);
    text_copy(code->co_filename, true, kind->file, FILE_BYTES);
    kind->line = last->tb_lineno >= 0 ? last->tb_lineno : PyCode_Addr2Line(code, last->tb_lasti);
    Py_DECREF(code);
}

static void unraisable_count(door_unraisable *watch, PyObject *args) {
    unraisable_kind kind = {.count = 1};
    if (!name_of_del(PyTuple_GET_ITEM(args, ARGS_OBJECT), kind.name)) {
        return;
    }
    exception_copy(PyTuple_GET_ITEM(args, ARGS_TYPE), kind.exception);
    for (uint32_t i = 0; i < watch->count; i++) {
        unraisable_kind *known = &watch->kinds[i];
        if (strcmp(known->name, kind.name) == 0 && strcmp(known->exception, kind.exception) == 0) {
            known->count++;
            return;
        }
    }
    if (watch->count < DOOR_UNRAISABLE_MAX) {
        place_copy(PyTuple_GET_ITEM(args, ARGS_TRACEBACK), &kind);
        watch->kinds[watch->count++] = kind;
    }
}

static int unraisable_hear(const char *event, PyObject *args, void *context) {
    door_unraisable *watch = context;
    if (strcmp(event, "sys.unraisablehook") != 0 || args == NULL || !PyTuple_Check(args) ||
        PyTuple_GET_SIZE(args) != 2) {
        return 0;
    }
    PyObject *unraisable = PyTuple_GET_ITEM(args, 1);
    // A forked child takes no snapshot; an interpreter with a lock of its own would not wait for
    // this one.
    if (!PyTuple_Check(unraisable) || PyTuple_GET_SIZE(unraisable) != ARGS_COUNT ||
        strcmp(Py_TYPE(unraisable)->tp_name, "UnraisableHookArgs") != 0 || watch->pid != getpid() ||
        PyInterpreterState_Get() != PyInterpreterState_Main()) {
        return 0;
    }
    unraisable_count(watch, unraisable);
    return 0;
}

door_unraisable *door_unraisable_watch(void) {
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        return NULL;
    }
    door_unraisable *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->pid = getpid();
    // A hook that stands already may refuse ours, silently: then `watch` stays empty.
    if (PySys_AddAuditHook(unraisable_hear, watch) < 0) {
        PyErr_Clear();
        free(watch);
        return NULL;
    }
    return watch;
}

void door_unraisable_tell(const door_unraisable *watch, door_unraisable_texts *ret) {
    ret->count = 0;
    for (uint32_t i = 0; watch != NULL && i < watch->count; i++) {
        const unraisable_kind *kind = &watch->kinds[i];
        char *value = ret->values[ret->count];
        (void)snprintf(value, DOOR_UNRAISABLE_TEXT_BYTES, "%" PRIu64 " %s %s:%d %s", kind->count,
                       kind->name, kind->file[0] != '\0' ? kind->file : "?", kind->line,
                       kind->exception);
        ret->metas[ret->count++] = (mm_capture_meta){"unraisable", value};
    }
}
