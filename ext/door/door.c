// mortmain._door: takes snapshots of the process that imports it. Nothing else of mortmain need be
// loaded for that; the exception class is imported when there is something to raise.
#include "ask.h"
#include "loop.h"
#include "measure.h"
#include "raise.h"
#include "run.h"
#include "sites.h"
#include "take.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os/file.h"

enum { NS_PER_MS = 1000000 };

static const double NS_PER_SECOND = 1e9;

// What was done, as a new dict.
static PyObject *taken_dict(const door_taken *taken) {
    return Py_BuildValue("{s:s,s:s,s:s,s:K,s:K,s:K,s:K,s:K,s:K,s:d,s:I}",            //
                         "door", taken->door,                                        //
                         "fallback", taken->fallback,                                //
                         "warning", taken->warning,                                  //
                         "objects", (unsigned long long)taken->object_count,         //
                         "references", (unsigned long long)taken->reference_count,   //
                         "unreadable", (unsigned long long)taken->unreadable_count,  //
                         "memory_bytes", (unsigned long long)taken->memory_bytes,    //
                         "file_bytes", (unsigned long long)taken->file_bytes,        //
                         "pause_ns", (unsigned long long)taken->pause_ns,            //
                         "seconds", (double)taken->duration_ns / NS_PER_SECOND,      //
                         "retries", (unsigned int)taken->retry_count);
}

// Fill what both functions share. False with an exception set.
static bool request_fill(door_request *request, int in_process, int keys, long patience_ms,
                         int kill_child) {
    if (patience_ms <= 0) {
        PyErr_SetString(PyExc_ValueError, "patience_ms must be positive");
        return false;
    }
    *request = (door_request){
        .fd = -1,
        .in_process = in_process != 0,
        .keys = keys != 0,
        .kill_child = kill_child != 0,
        .patience_ns = (uint64_t)patience_ms * NS_PER_MS,
    };
    return true;
}

PyDoc_STRVAR(snapshot_doc,
             "snapshot($module, path, /, *, force=False, in_process=False, keys=False,\n"
             "         census=False, patience_ms=10000, kill_child=False)\n--\n\n"
             "Write a snapshot of this process's heap to a file and say what was done.\n\n"
             "With a census, the allocators' blocks are counted too: a quarter more time.\n"
             "kill_child is for tests.");

static PyObject *door_snapshot(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static const char *const names[] = {"",       "force",       "in_process", "keys",
                                        "census", "patience_ms", "kill_child", NULL};
    PyObject *where = NULL; /* borrowed */
    PyObject *path = NULL;
    PyObject *result = NULL;
    int force = 0, in_process = 0, keys = 0, census = 0, kill_child = 0;
    long patience_ms = 10000;
    door_request request = {.fd = -1};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$pppplp:snapshot", (char **)names, &where,
                                     &force, &in_process, &keys, &census, &patience_ms,
                                     &kill_child) ||
        !request_fill(&request, in_process, keys, patience_ms, kill_child) ||
        !PyUnicode_FSConverter(where, &path)) {
        return NULL;
    }
    request.census = census != 0;
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_os_file file;
    door_stamp stamp;
    PyThreadState *released = PyEval_SaveThread();
    request.meta_count = door_stamp_fill(door_begin_ns(), &stamp);
    request.metas = &stamp.meta;
    mm_status status = mm_os_file_create(PyBytes_AS_STRING(path), force != 0, &file, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        goto done;
    }
    request.fd = file.fd;
    door_taken taken;
    status = door_take(&request, &taken, &err);
    released = PyEval_SaveThread();
    if (status == MM_OK) {
        status = mm_os_file_commit(&file, &err);
    } else {
        mm_os_file_abandon(&file);
    }
    PyEval_RestoreThread(released);
    if (status == MM_OK) {
        result = taken_dict(&taken);
    }
done:
    // An interrupt has its exception already.
    if (status != MM_OK && !PyErr_Occurred()) {
        (void)mm_raise("cannot write the snapshot", where, &err);
    }
    Py_XDECREF(path);
    return result;
}

PyDoc_STRVAR(
    memory_doc,
    "memory($module, /, *, in_process=False, keys=True, patience_ms=10000, phase=None, steps=0)\n"
    "--\n\n"
    "Take a snapshot into a file without a name and answer (descriptor, what was done).\n\n"
    "The caller closes the descriptor. With a phase, both of what follows are written to META.");

// META of a snapshot that is one of several: at most three records. Fills from the first on.
static uint32_t phase_fill(const char *phase, unsigned long long steps, mm_capture_meta *metas,
                           char *text, size_t text_bytes) {
    if (phase == NULL) {
        return 0;
    }
    (void)snprintf(text, text_bytes, "%llu", steps);
    metas[0] = (mm_capture_meta){"phase", phase};
    metas[1] = (mm_capture_meta){"steps", text};
    return 2;
}

static PyObject *door_memory(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static const char *const names[] = {"in_process", "keys",  "patience_ms",
                                        "phase",      "steps", NULL};
    int in_process = 0, keys = 1;
    long patience_ms = 10000;
    const char *phase = NULL; /* borrowed */
    unsigned long long steps = 0;
    char text[24];
    mm_capture_meta metas[3];
    door_stamp stamp;
    door_request request = {.fd = -1};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$pplzK:memory", (char **)names, &in_process,
                                     &keys, &patience_ms, &phase, &steps) ||
        !request_fill(&request, in_process, keys, patience_ms, 0)) {
        return NULL;
    }
    request.metas = metas;
    request.meta_count = phase_fill(phase, steps, metas, text, sizeof text);
    if (door_stamp_fill(door_begin_ns(), &stamp) > 0) {
        metas[request.meta_count++] = stamp.meta;
    }
    mm_error err = {MM_OK, NULL, 0, 0};
    PyObject *result = NULL;
    int fd = -1;
    mm_status status = mm_os_file_anonymous(&fd, &err);
    if (status == MM_OK) {
        request.fd = fd;
        door_taken taken;
        status = door_take(&request, &taken, &err);
        if (status == MM_OK) {
            result = Py_BuildValue("iN", fd, taken_dict(&taken));
        }
    }
    if (status != MM_OK && !PyErr_Occurred()) {
        (void)mm_raise("cannot take a snapshot of this process", NULL, &err);
    }
    if (result == NULL && fd >= 0) {
        (void)close(fd);
    }
    return result;
}

PyDoc_STRVAR(trace_doc,
             "trace($module, frames, /)\n--\n\n"
             "Begin to note the lines that make objects, so many of each; False where that is\n"
             "done already, or where something else listens to the making of objects.");

static PyObject *door_trace(PyObject *module, PyObject *args) {
    int frames = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "i:trace", &frames)) {
        return NULL;
    }
    if (frames < 1) {
        PyErr_SetString(PyExc_ValueError, "one line of each object at least");
        return NULL;
    }
    return PyBool_FromLong(door_trace_begin(frames));
}

PyDoc_STRVAR(untrace_doc, "untrace($module, /)\n--\n\nEnd what trace() began.");

static PyObject *door_untrace(PyObject *module, PyObject *ignored) {
    (void)module;
    (void)ignored;
    door_trace_end();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(made_at_doc,
             "made_at($module, addresses, /)\n--\n\n"
             "(lines, numbers) of live objects, by addresses of 8 bytes each: lines are tuples of\n"
             "(file, line), the one that made an object first, and numbers say for each object\n"
             "which of them, 4 bytes each, 0xffffffff for none. None where nothing is traced.");

static PyObject *door_made_at(PyObject *module, PyObject *addresses) {
    (void)module;
    if (!PyBytes_Check(addresses)) {
        PyErr_SetString(PyExc_TypeError, "addresses are bytes");
        return NULL;
    }
    size_t count = (size_t)PyBytes_GET_SIZE(addresses) / sizeof(uint64_t);
    uint64_t *copy = PyMem_RawMalloc((count + 1) * sizeof *copy);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(copy, PyBytes_AS_STRING(addresses), count * sizeof *copy);
    PyObject *answer = door_sites_here(copy, count);
    PyMem_RawFree(copy);
    return answer;
}

PyDoc_STRVAR(references_held_doc,
             "references_held($module, address, /)\n--\n\n"
             "Reference count of the object at an address, which must be alive.\n\n"
             "It is named by its address so that the call itself holds none.");

static PyObject *door_references_held(PyObject *module, PyObject *address) {
    (void)module;
    PyObject *object = PyLong_AsVoidPtr(address); /* borrowed */
    if (object == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "there is no object at address 0");
        }
        return NULL;
    }
    return PyLong_FromSsize_t(Py_REFCNT(object));
}

PyDoc_STRVAR(
    listen_doc,
    "listen($module, page, signal, /)\n--\n\n"
    "Take snapshots of this process when another one asks for them on a page in a file.\n\n"
    "A signal other than 0 says on the page that somebody wants one.");

static PyObject *door_listen(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *path = NULL;
    int number = 0;
    if (!PyArg_ParseTuple(args, "O&i:listen", PyUnicode_FSConverter, &path, &number)) {
        return NULL;
    }
    bool listens = door_ask_listen(PyBytes_AS_STRING(path), false);
    if (!listens) {
        (void)PyErr_SetFromErrno(PyExc_OSError);
    } else if (number != 0 && !door_ask_signal(number)) {
        door_ask_end();
        PyErr_SetString(PyExc_ValueError, "the signal has a handler already");
        listens = false;
    }
    Py_DECREF(path);
    return listens ? Py_NewRef(Py_None) : NULL;
}

PyDoc_STRVAR(unlisten_doc, "unlisten($module, /)\n--\n\nUndo listen().");

static PyObject *door_unlisten(PyObject *module, PyObject *ignored) {
    (void)module;
    (void)ignored;
    door_ask_end();
    Py_RETURN_NONE;
}

static const PyMethodDef door_methods[] = {
    {"snapshot", (PyCFunction)(void (*)(void))door_snapshot, METH_VARARGS | METH_KEYWORDS,
     snapshot_doc},
    {"memory", (PyCFunction)(void (*)(void))door_memory, METH_VARARGS | METH_KEYWORDS, memory_doc},
    {"trace", door_trace, METH_VARARGS, trace_doc},
    {"untrace", door_untrace, METH_NOARGS, untrace_doc},
    {"made_at", door_made_at, METH_O, made_at_doc},
    {"references_held", door_references_held, METH_O, references_held_doc},
    {"run", door_run, METH_VARARGS, door_run_doc},
    {"listen", door_listen, METH_VARARGS, listen_doc},
    {"unlisten", door_unlisten, METH_NOARGS, unlisten_doc},
    {"loop", door_loop, METH_VARARGS, door_loop_doc},
    {NULL, NULL, 0, NULL},
};

static const PyModuleDef_Slot door_slots[] = {
    MM_SLOT_INTERPRETERS MM_SLOT_LOCK{0, NULL},
};

static struct PyModuleDef door_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "mortmain._door",
    .m_doc = "Takes snapshots of the heap of this process.",
    .m_size = 0,
    .m_methods = (PyMethodDef *)door_methods,
    .m_slots = (PyModuleDef_Slot *)door_slots,
};

PyMODINIT_FUNC PyInit__door(void) {
    return PyModuleDef_Init(&door_module);
}
