// Python's own tracer of memory notes for each block the lines that asked for it; an object's block
// begins at the object, at its collector's header, or at the words before that which lead to its
// attributes: 0, 16 or 32 bytes before it. No other block can begin there, so nothing has to be
// known of the type.
//
// An object out of a free list has no block of its own: the tracer renews the note of a block it
// knows, and knows none that was there before it began. So the caller lets the collector run before
// door_sites_begin(), which empties the free lists.
//
// From 3.13 on the tracer takes the place of whatever listens to the making of objects. The
// interpreter has no other listener than its tracer, which some versions leave behind when it ends:
// one that is of the interpreter's own library may be replaced, and nothing else.
//
// The tracer is asked by way of its module, which is built in and imports nothing. Only the look-up
// by address is a C function; where an interpreter does not have it, nothing is found.
#include "sites.h"

#include <dlfcn.h>
#include <string.h>

#include "base/free/status.h"

enum { HEADER_STEP = 16, HEADER_BYTES_MAX = 32, LOST_MAX = 1 << 20 };

// The domain of all of Python's own blocks.
enum { DOMAIN_PYTHON = 0 };

typedef PyObject *(*traceback_get)(unsigned int domain, uintptr_t block);

static traceback_get look_up_find(void) {
    void *symbol = dlsym(RTLD_DEFAULT, "_PyTraceMalloc_GetTraceback");
    traceback_get function = NULL;
    _Static_assert(sizeof(function) == sizeof(symbol), "a function's address is an address");
    memcpy(&function, &symbol, sizeof function);
    return function;
}

// Call a function of the tracer's module. False, and nothing set, when that raised.
static bool tracer_call(const char *name, const char *format, int argument, long *ret) {
    PyObject *module = PyImport_ImportModule("_tracemalloc");
    PyObject *answer = NULL;
    if (module != NULL) {
        answer = format == NULL ? PyObject_CallMethod(module, name, NULL)
                                : PyObject_CallMethod(module, name, format, argument);
    }
    if (answer != NULL && ret != NULL) {
        *ret = PyObject_IsTrue(answer);
    }
    bool done = answer != NULL;
    PyErr_Clear();
    Py_XDECREF(answer);
    Py_XDECREF(module);
    return done;
}

static bool is_tracing(void) {
    long on = 0;
    return tracer_call("is_tracing", NULL, 0, &on) && on == 1;
}

// Is there a listener that is not the tracer's own?
static bool is_listened(void) {
    mm_listener listener = MM_LISTENER();
    traceback_get look_up = look_up_find();
    void *addresses[2] = {NULL, NULL};
    Dl_info places[2];
    if (listener == NULL) {
        return false;
    }
    memcpy(&addresses[0], &listener, sizeof listener);
    memcpy(&addresses[1], &look_up, sizeof look_up);
    return dladdr(addresses[0], &places[0]) == 0 || dladdr(addresses[1], &places[1]) == 0 ||
           places[0].dli_fbase != places[1].dli_fbase;
}

bool door_trace_begin(int frames) {
    MM_ASSERT(frames > 0);
    return look_up_find() != NULL && !is_tracing() && !is_listened() &&
           tracer_call("start", "i", frames, NULL);
}

void door_trace_end(void) {
    if (tracer_call("stop", NULL, 0, NULL) && !is_listened()) {
        MM_LISTENER_REMOVE();
    }
}

void door_sites_begin(int frames, door_sites *ret) {
    *ret = (door_sites){.is_ours = door_trace_begin(frames)};
    ret->is_on = ret->is_ours || (look_up_find() != NULL && is_tracing());
    // Behind the tracer: what it puts in place it takes away again.
    ret->blocks = ret->is_on ? door_blocks_begin() : NULL;
}

void door_sites_close(const door_sites *sites) {
    if (sites->blocks != NULL) {
        door_blocks_close(sites->blocks);
    }
}

void door_sites_end(door_sites *sites) {
    door_blocks_end(sites->blocks);
    if (sites->is_ours) {
        door_trace_end();
    }
    *sites = (door_sites){false, false, NULL};
}

// The lines that made an object: a new reference, None where nobody knows them. NULL with an
// exception set.
static PyObject *lines_of(traceback_get look_up, uint64_t address) {
    for (uint64_t before = 0; before <= HEADER_BYTES_MAX; before += HEADER_STEP) {
        PyObject *lines = look_up(DOMAIN_PYTHON, (uintptr_t)(address - before));
        if (lines != Py_None) {
            return lines;
        }
        Py_DECREF(lines);
    }
    return Py_NewRef(Py_None);
}

// The number of these lines, a new one if they were not met before. UINT32_MAX with an exception
// set.
static uint32_t lines_number(PyObject *known, PyObject *list, PyObject *lines) {
    PyObject *number = PyDict_GetItemWithError(known, lines); /* borrowed */
    if (number != NULL) {
        return (uint32_t)PyLong_AsUnsignedLong(number);
    }
    Py_ssize_t next = PyList_GET_SIZE(list);
    number = PyErr_Occurred() ? NULL : PyLong_FromSsize_t(next);
    bool done = number != NULL && PyDict_SetItem(known, lines, number) == 0 &&
                PyList_Append(list, lines) == 0;
    Py_XDECREF(number);
    return done ? (uint32_t)next : UINT32_MAX;
}

// What is found out, and the numbers of lines that are known already.
typedef struct sites_work {
    traceback_get look_up;
    PyObject *known;  // owned: numbers by lines
    PyObject *list;   // owned: lines by number
} sites_work;

// Numbers of the lines that made these objects: bytes. NULL with an exception set.
static PyObject *numbers_make(const sites_work *work, const uint64_t *addresses, uint64_t count) {
    PyObject *numbers = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(uint32_t)));
    for (uint64_t i = 0; numbers != NULL && i < count; i++) {
        uint32_t number = UINT32_MAX;
        PyObject *lines = lines_of(work->look_up, addresses[i]);
        if (lines != NULL && PyTuple_CheckExact(lines) && PyTuple_GET_SIZE(lines) > 0) {
            number = lines_number(work->known, work->list, lines);
        }
        Py_XDECREF(lines);
        if (PyErr_Occurred()) {
            Py_CLEAR(numbers);
        } else {
            memcpy(PyBytes_AS_STRING(numbers) + i * sizeof number, &number, sizeof number);
        }
    }
    return numbers;
}

// The same for all objects of a type that nobody knows.
static PyObject *lost_numbers_make(const sites_work *work, const door_blocks *blocks, uint64_t type,
                                   const uint64_t *known, uint64_t count) {
    uint64_t *lost = PyMem_RawMalloc(LOST_MAX * sizeof *lost);
    if (lost == NULL) {
        return PyErr_NoMemory();
    }
    uint64_t found = blocks == NULL || type == 0
                         ? 0
                         : door_blocks_lost(blocks, type, known, count, lost, LOST_MAX);
    PyObject *numbers = numbers_make(work, lost, found);
    PyMem_RawFree(lost);
    return numbers;
}

// One part of an answer behind the others. Takes `part`. False with an exception set.
static bool part_add(PyObject *parts, PyObject *part) {
    bool done = part != NULL && PyList_Append(parts, part) == 0;
    Py_XDECREF(part);
    return done;
}

static bool parts_make(const door_sites *sites, const sites_work *work, const uint64_t *question,
                       uint64_t count, PyObject *parts) {
    uint64_t objects = count > 0 && question[0] < count ? question[0] : 0;
    uint64_t at = 1 + objects;
    bool done = part_add(parts, Py_NewRef(work->list)) &&
                part_add(parts, numbers_make(work, question + 1, objects));
    while (done && at + 2 <= count && question[at + 1] <= count - at - 2) {
        done = part_add(parts, lost_numbers_make(work, sites->blocks, question[at],
                                                 question + at + 2, question[at + 1]));
        at += 2 + question[at + 1];
    }
    return done;
}

PyObject *door_sites_find(const door_sites *sites, const uint64_t *question, uint64_t count) {
    sites_work work = {look_up_find(), PyDict_New(), PyList_New(0)};
    PyObject *parts = PyList_New(0);
    PyObject *answer = NULL;
    if (work.known != NULL && work.list != NULL && parts != NULL &&
        (!sites->is_on || work.look_up == NULL ||
         parts_make(sites, &work, question, count, parts))) {
        answer = PyList_AsTuple(parts);
    }
    Py_XDECREF(parts);
    Py_XDECREF(work.list);
    Py_XDECREF(work.known);
    return answer;
}

PyObject *door_sites_here(const uint64_t *addresses, uint64_t count) {
    sites_work work = {look_up_find(), NULL, NULL};
    PyObject *answer = NULL;
    if (work.look_up == NULL || !is_tracing()) {
        return Py_NewRef(Py_None);
    }
    work.known = PyDict_New();
    work.list = PyList_New(0);
    if (work.known != NULL && work.list != NULL) {
        PyObject *numbers = numbers_make(&work, addresses, count);
        answer = numbers == NULL ? NULL : Py_BuildValue("(ON)", work.list, numbers);
    }
    Py_XDECREF(work.list);
    Py_XDECREF(work.known);
    return answer;
}
