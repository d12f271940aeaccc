// The runner of `mortmain run`. A bootstrap file of three lines loads this module without importing
// it and calls run(); from there on the script must find what plain Python would have given it:
//
//   its own argv, sys.path[0] and `__main__`; no frame of ours above it, all of its recursion
//   limit; an uncaught exception printed by Python itself; SystemExit's status; threads waited for
//
// Only then, with `__main__` intact and before atexit, the snapshot is taken: unless this is a
// forked child of the script, which is not our business. What plain Python does after a script's
// code has ended (Modules/main.c and Python/pythonrun.c of CPython) is done here in the same order.
//
// General note on reentrancy: everything here runs Python code. No state is kept but on the stack.
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/os/file.h"
#include "take.h"
#include "unraisable.h"

enum { PATIENCE_NS_PER_S = 1000000000, PATIENCE_S = 10 };

const char door_run_doc[] =
    "run($module, kind, target, argv, orig_argv, path0, snapshot, ask, /)\n--\n\n"
    "Run a script ('file'), a folder or archive ('path') or a module ('module') as plain Python\n"
    "does, write a snapshot when its code has ended, and exit with its status.\n\n"
    "If there is no snapshot, a file SNAPSHOT.error says why in one line.";

// What is to be run.
typedef struct door_script {
    const char *kind;     // borrowed from the arguments, as all of these
    PyObject *target;     // str: a path, or a module's name
    PyObject *argv;       // list
    PyObject *orig_argv;  // list
    PyObject *path0;      // str, or None: sys.path stays
    const char *snapshot;
    const char *ask;  // file of a page on which snapshots are asked for; "" = none are
} door_script;

// How a script's code ended.
typedef struct door_ending {
    int status;
    bool interrupted;   // by a KeyboardInterrupt that nobody caught: the process dies by SIGINT
    char unbegun[256];  // why none of its code ran; "" = it did
} door_ending;

// Set a name; `value` is taken, and NULL (with its exception) is passed on.
static int name_take(PyObject *names, const char *name, PyObject *value) {
    if (value == NULL) {
        return -1;
    }
    int result = PyDict_SetItemString(names, name, value);
    Py_DECREF(value);
    return result;
}

static PyObject *attribute_of(const char *module, const char *name) {
    PyObject *found = PyImport_ImportModule(module);
    PyObject *value = found == NULL ? NULL : PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    return value;
}

// A script is loaded from its file; what runpy runs has the loader that `__main__` is born with.
static PyObject *loader_make(const door_script *script) {
    if (strcmp(script->kind, "file") != 0) {
        return attribute_of("_frozen_importlib", "BuiltinImporter");
    }
    PyObject *class = attribute_of("_frozen_importlib_external", "SourceFileLoader");
    PyObject *loader =
        class == NULL ? NULL : PyObject_CallFunction(class, "sO", "__main__", script->target);
    Py_XDECREF(class);
    return loader;
}

// `__main__` as it is before a script's first line, in that order.
static int main_fill(const door_script *script, PyObject *names) {
    PyDict_Clear(names);
    if (name_take(names, "__name__", PyUnicode_InternFromString("__main__")) < 0 ||
        name_take(names, "__doc__", Py_NewRef(Py_None)) < 0 ||
        name_take(names, "__package__", Py_NewRef(Py_None)) < 0 ||
        name_take(names, "__loader__", loader_make(script)) < 0 ||
        name_take(names, "__spec__", Py_NewRef(Py_None)) < 0) {
        return -1;
    }
    if (MM_MAIN_HAS_ANNOTATIONS && name_take(names, "__annotations__", PyDict_New()) < 0) {
        return -1;
    }
    if (name_take(names, "__builtins__", PyImport_ImportModule("builtins")) < 0) {
        return -1;
    }
    if (strcmp(script->kind, "file") != 0) {
        return 0;
    }
    if (PyDict_SetItemString(names, "__file__", script->target) < 0) {
        return -1;
    }
    return MM_MAIN_HAS_CACHED ? PyDict_SetItemString(names, "__cached__", Py_None) : 0;
}

static int sys_fill(const door_script *script) {
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    if (PySys_SetObject("argv", script->argv) < 0 ||
        PySys_SetObject("orig_argv", script->orig_argv) < 0) {
        return -1;
    }
    if (script->path0 == Py_None || path == NULL || !PyList_Check(path)) {
        return 0;
    }
    return PyList_GET_SIZE(path) > 0 ? PyList_SetItem(path, 0, Py_NewRef(script->path0))
                                     : PyList_Append(path, script->path0);
}

static PyObject *file_execute(const door_script *script, PyObject *names) {
    PyObject *path = NULL;
    if (!PyUnicode_FSConverter(script->target, &path)) {
        return NULL;
    }
    FILE *file = fopen(PyBytes_AS_STRING(path), "rb");
    PyObject *result = NULL;
    if (file == NULL) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, script->target);
    } else {
        result = PyRun_FileEx(file, PyBytes_AS_STRING(path), Py_file_input, names, names, 1);
    }
    Py_DECREF(path);
    return result;
}

static PyObject *module_execute(const door_script *script) {
    bool by_name = strcmp(script->kind, "module") == 0;
    PyObject *run = attribute_of("runpy", "_run_module_as_main");
    PyObject *result = NULL;
    if (run != NULL && by_name) {
        result = PyObject_CallFunction(run, "OO", script->target, Py_True);
    } else if (run != NULL) {
        result = PyObject_CallFunction(run, "sO", "__main__", Py_False);
    }
    Py_XDECREF(run);
    return result;
}

// SystemExit's status, its message printed as Python prints it. The exception is dropped: what it
// kept alive must not look as if the script kept it.
static int exit_status(void) {
    PyObject *type = NULL;
    PyObject *value = NULL;
    PyObject *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *code = value == NULL ? NULL : PyObject_GetAttrString(value, "code");
    int status = 1;
    (void)fflush(stdout);
    if (code == NULL || code == Py_None) {
        PyErr_Clear();
        status = 0;
    } else if (PyLong_Check(code)) {
        status = (int)PyLong_AsLong(code);
        PyErr_Clear();
    } else {
        PyObject *out = PySys_GetObject("stderr"); /* borrowed */
        if (out != NULL && out != Py_None) {
            (void)PyFile_WriteObject(code, out, Py_PRINT_RAW);
        } else {
            (void)PyObject_Print(code, stderr, Py_PRINT_RAW);
        }
        PyErr_Clear();
        (void)fflush(stderr);
        PySys_WriteStderr("\n");
    }
    Py_XDECREF(code);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return status;
}

// Wait for the script's threads, as the interpreter does before atexit. It may be done twice.
static void threads_wait(void) {
    PyObject *modules = PyImport_GetModuleDict();                     /* borrowed */
    PyObject *threading = PyDict_GetItemString(modules, "threading"); /* borrowed */
    if (threading == NULL) {
        return;
    }
    Py_INCREF(threading);
    PyObject *result = PyObject_CallMethod(threading, "_shutdown", NULL);
    if (result == NULL) {
        PyErr_WriteUnraisable(threading);
    }
    Py_XDECREF(result);
    Py_DECREF(threading);
}

// Does a traceback lead through code of `__main__`, whose names these are? It is walked by
// attributes that run no Python code.
static bool traceback_enters(PyObject *traceback, PyObject *names) {
    PyObject *at = Py_XNewRef(traceback);
    bool enters = false;
    while (at != NULL && at != Py_None && !enters) {
        PyObject *frame = PyObject_GetAttrString(at, "tb_frame");
        PyObject *globals = frame == NULL ? NULL : PyObject_GetAttrString(frame, "f_globals");
        PyObject *next = PyObject_GetAttrString(at, "tb_next");
        enters = globals == NULL || globals == names;
        Py_XDECREF(globals);
        Py_XDECREF(frame);
        Py_SETREF(at, next);
    }
    PyErr_Clear();
    Py_XDECREF(at);
    return enters;
}

// An exception in a few words: "SyntaxError: invalid syntax (shop.py, line 3)". The texts of
// Python's own exceptions alone: others would run the script's code.
static void exception_describe(PyObject *value, char *ret, size_t room) {
    PyTypeObject *type = Py_TYPE(value);
    bool exits = PyErr_GivenExceptionMatches(value, PyExc_SystemExit) != 0;
    bool plain = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0;
    PyObject *text = plain ? PyObject_Str(value) : NULL;
    const char *words = text == NULL ? NULL : PyUnicode_AsUTF8(text); /* borrowed */
    // What runpy exits with begins with the name of the interpreter.
    const char *colon = exits && words != NULL ? strstr(words, ": ") : NULL;
    if (exits && words != NULL) {
        (void)snprintf(ret, room, "%s", colon != NULL ? colon + 2 : words);
    } else {
        (void)snprintf(ret, room, "%s%s%s", type->tp_name, words != NULL ? ": " : "",
                       words != NULL ? words : "");
    }
    Py_XDECREF(text);
    PyErr_Clear();
}

// The exception that is set stays set. Fills `unbegun` if it came before any code of the script:
// there is no such module, or its source cannot be compiled.
static void ending_look(PyObject *names, door_ending *ending) {
    PyObject *type = NULL;
    PyObject *value = NULL;
    PyObject *traceback = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && !traceback_enters(traceback, names)) {
        exception_describe(value, ending->unbegun, sizeof ending->unbegun);
    }
    PyErr_Restore(type, value, traceback);
}

static door_ending script_execute(const door_script *script, PyObject *names) {
    door_ending ending = {0, false, ""};
    bool is_file = strcmp(script->kind, "file") == 0;
    PyObject *result = is_file ? file_execute(script, names) : module_execute(script);
    if (result == NULL) {
        ending_look(names, &ending);
    }
    if (result == NULL && PyErr_ExceptionMatches(PyExc_SystemExit)) {
        ending.status = exit_status();
    } else if (result == NULL) {
        ending.interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
        ending.status = 1;
        PyErr_Print();
    }
    Py_XDECREF(result);
    threads_wait();
    return ending;
}

// One line for the parent, beside where the snapshot ought to be: `first`, and after a colon
// `second`, if that is not empty.
static void line_tell(const char *snapshot, const char *first, const char *second) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.error", snapshot);
    FILE *out = length < 0 || (size_t)length >= sizeof path ? NULL : fopen(path, "wx");
    if (out != NULL) {
        (void)fprintf(out, "%s%s%s\n", first, second[0] != '\0' ? ": " : "", second);
        (void)fclose(out);
    }
}

static void failure_tell(const char *snapshot, const mm_error *err) {
    line_tell(snapshot, err->message, err->sys_errno != 0 ? strerror(err->sys_errno) : "");
}

static void snapshot_take(const char *snapshot, const door_unraisable *watch) {
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_os_file file;
    if (mm_os_file_create(snapshot, true, &file, &err) != MM_OK) {
        failure_tell(snapshot, &err);
        return;
    }
    door_unraisable_texts texts;
    door_unraisable_tell(watch, &texts);
    door_request request = {.fd = file.fd,
                            .metas = texts.metas,
                            .meta_count = texts.count,
                            .patience_ns = (uint64_t)PATIENCE_S * PATIENCE_NS_PER_S};
    door_taken taken;
    mm_status status = door_take(&request, &taken, &err);
    if (status == MM_OK) {
        status = mm_os_file_commit(&file, &err);
    } else {
        mm_os_file_abandon(&file);
    }
    if (status != MM_OK) {
        failure_tell(snapshot, &err);
        PyErr_Clear();
    }
}

// As plain Python ends after a KeyboardInterrupt that nobody caught: at the very end, by signal.
static void interrupt_die(void) {
    (void)signal(SIGINT, SIG_DFL);
    (void)kill(getpid(), SIGINT);
}

static door_ending script_run(const door_script *script) {
    PyThreadState *thread = PyThreadState_Get();
    PyObject *main_module = PyImport_AddModule("__main__"); /* borrowed */
    if (main_module == NULL) {
        return (door_ending){1, false, ""};
    }
    PyObject *names = PyModule_GetDict(main_module); /* borrowed */
    pid_t pid = getpid();
    door_unraisable *watch = door_unraisable_watch();
    // The bootstrap's frame comes off the stack before its globals are cleared: an import looks for
    // its builtins there.
    void *frame = MM_CURRENT_FRAME(thread);
    MM_CURRENT_FRAME(thread) = NULL;
    MM_RECURSION_LEFT(thread) += MM_RECURSION_OF_CALLER;
    door_ending ending = {1, false, ""};
    if (main_fill(script, names) < 0 || sys_fill(script) < 0) {
        PyErr_Print();
    } else {
        ending = script_execute(script, names);
        door_ask_end();
        if (getpid() == pid && ending.unbegun[0] != '\0') {
            // What the interpreter alone leaves behind says nothing of the script.
            line_tell(script->snapshot, "the script did not run", ending.unbegun);
        } else if (getpid() == pid) {
            snapshot_take(script->snapshot, watch);
        }
    }
    MM_RECURSION_LEFT(thread) -= MM_RECURSION_OF_CALLER;
    MM_CURRENT_FRAME(thread) = frame;
    return ending;
}

PyObject *door_run(PyObject *module, PyObject *args) {
    (void)module;
    door_script script;
    if (!PyArg_ParseTuple(args, "sUO!O!Oss:run", &script.kind, &script.target, &PyList_Type,
                          &script.argv, &PyList_Type, &script.orig_argv, &script.path0,
                          &script.snapshot, &script.ask)) {
        return NULL;
    }
    if (script.ask[0] != '\0') {
        // Where nobody listens, the parent says that there are no snapshots.
        (void)door_ask_listen(script.ask, true);
    }
    door_ending ending = script_run(&script);
    if (ending.interrupted) {
        (void)Py_AtExit(interrupt_die);
    }
    if (ending.status == 0) {
        Py_RETURN_NONE;
    }
    PyObject *status = PyLong_FromLong(ending.status);
    if (status != NULL) {
        PyErr_SetObject(PyExc_SystemExit, status);
        Py_DECREF(status);
    }
    return NULL;
}
