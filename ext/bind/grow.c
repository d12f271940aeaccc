// What grows between snapshots of one process.
//
// The files are read one after the other. Of each a mark is kept; of the graphs only the last early
// one, the last late one and that of what waits for the collector, until all is found: then the
// first and the third, which findings point into. The lock is released while a mark is taken and
// while the answer is looked for; the heaps hold no Python object, and nobody else knows them yet.
#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "raise.h"

enum { MARKS_MIN = 2, GROW_BLOCK_BYTES = 1 << 20 };

// What is known while the files are read.
typedef struct grow_work {
    heap_object *early;    // owned
    heap_object *late;     // owned; NULL = there was none
    heap_object *garbage;  // owned; NULL = there was none
    mm_type_names names;
    mm_mark *marks;
    uint32_t mark_count;
    uint32_t early_last;
    bool collected;
} grow_work;

static PyObject *grow_refuse(const char *line) {
    (void)mm_raise_text(line, strlen(line));
    return NULL;
}

// Where sys.modules of the first interpreter is: never the same in two processes of one number, as
// two containers have, unless the system was told to put everything in one place.
static uint64_t modules_address(const mm_file *file) {
    for (uint32_t i = 0; i < file->root_count; i++) {
        if (file->roots[i].kind == MM_ROOT_MODULES) {
            return file->address[file->roots[i].object];
        }
    }
    return 0;
}

static bool same_process(const mm_file *a, const mm_file *b) {
    const char *one = mm_file_meta_of(a, "pid");
    const char *other = mm_file_meta_of(b, "pid");
    return one != NULL && other != NULL && strcmp(one, other) == 0 &&
           modules_address(a) == modules_address(b);
}

// Was `after` taken later? Yes where a file does not say when.
static bool in_order(const mm_file *before, const mm_file *after) {
    const char *one = mm_file_meta_of(before, "nanoseconds");
    const char *other = mm_file_meta_of(after, "nanoseconds");
    if (one == NULL || other == NULL) {
        return true;
    }
    // Decimal numbers without zeros in front: the longer is the greater.
    size_t length = strlen(one);
    return length != strlen(other) ? length < strlen(other) : strcmp(one, other) < 0;
}

// Raise what is wrong with the next file. False if something is.
static bool heap_fits(const heap_object *before, const heap_object *heap) {
    char line[1024];
    if (!same_process(&before->file, &heap->file)) {
        (void)snprintf(line, sizeof line,
                       "%.400s and %.400s are not of one process: what grows is found inside one; "
                       "take both there, by mortmain.snapshot()",
                       before->where, heap->where);
    } else if (!in_order(&before->file, &heap->file)) {
        (void)snprintf(line, sizeof line,
                       "%.400s was not taken after %.400s: name the snapshots by time, the oldest "
                       "first",
                       heap->where, before->where);
    } else {
        return true;
    }
    (void)grow_refuse(line);
    return false;
}

static mm_status mark_take(const heap_object *heap, mm_arena *perm, grow_work *work,
                           mm_error *err) {
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = mm_mark_take(&heap->graph, &work->names, perm, &scratch.arena,
                                    &work->marks[work->mark_count], err);
    PyEval_RestoreThread(released);
    heap_scratch_deinit(&scratch);
    return status;
}

// Take one heap in, which is ours from here on. False with an exception set.
static bool heap_add(heap_object *heap, mm_arena *perm, grow_work *work) {
    const char *phase = mm_file_meta_of(&heap->file, "phase");
    mm_error err = {MM_OK, NULL, 0, 0};
    const heap_object *before = work->garbage != NULL ? work->garbage
                                : work->late != NULL  ? work->late
                                                      : work->early;
    if (before != NULL && !heap_fits(before, heap)) {
        Py_DECREF(heap);
        return false;
    }
    if (phase != NULL && strcmp(phase, "garbage") == 0) {
        Py_XSETREF(work->garbage, heap);
        return true;
    }
    if (mark_take(heap, perm, work, &err) != MM_OK) {
        Py_DECREF(heap);
        PyErr_NoMemory();
        return false;
    }
    bool late = phase != NULL && strcmp(phase, "late") == 0 && work->mark_count > 1;
    if (late) {
        Py_XSETREF(work->late, heap);
    } else {
        Py_XSETREF(work->early, heap);
        work->early_last = work->mark_count;
    }
    work->collected = work->collected && phase != NULL;
    work->mark_count++;
    return true;
}

// Read all files. False with an exception set.
static bool heaps_read(PyObject *paths, const heap_state *state, mm_arena *perm, grow_work *work) {
    Py_ssize_t count = PyList_GET_SIZE(paths);
    work->marks = MM_ARENA_NEW(perm, mm_mark, (size_t)count + 1);
    work->collected = true;
    if (work->marks == NULL) {
        PyErr_NoMemory();
        return false;
    }
    mm_type_names_init(&work->names, perm);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(paths) && i < count; i++) {
        PyObject *path = Py_NewRef(PyList_GET_ITEM(paths, i));
        PyObject *heap = PyObject_CallOneArg(state->heap_type, path);
        Py_DECREF(path);
        if (heap == NULL || !heap_add((heap_object *)heap, perm, work)) {
            return false;
        }
    }
    if (work->mark_count < MARKS_MIN || work->early_last == 0) {
        (void)grow_refuse("growth needs two snapshots of a process at least");
        return false;
    }
    return true;
}

static mm_status grow_find(const grow_work *work, findings_object *made, mm_error *err) {
    const heap_object *late = work->late != NULL ? work->late : work->early;
    mm_growth_input input = {.marks = work->marks,
                             .mark_count = work->mark_count,
                             .early = work->early_last,
                             .early_graph = &work->early->graph,
                             .late_graph = &late->graph,
                             .names = &work->names,
                             .collected = work->collected};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_findings_of_growth(&input, work->garbage != NULL ? &work->garbage->graph : NULL,
                              &made->scratch.arena, &made->findings, err);
    PyEval_RestoreThread(released);
    return status;
}

PyObject *bind_grow(PyObject *module, PyObject *paths) {
    heap_state *state = PyModule_GetState(module);
    PyTypeObject *made_type = (PyTypeObject *)state->findings_type; /* borrowed */
    grow_work work = {.early = NULL};
    if (!PyList_Check(paths)) {
        PyErr_SetString(PyExc_TypeError, "grow() takes a list of paths");
        return NULL;
    }
    findings_object *made = (findings_object *)made_type->tp_alloc(made_type, 0);
    if (made == NULL) {
        return NULL;
    }
    mm_os_pages_init(&made->scratch.pages);
    mm_arena_init(&made->scratch.arena, mm_os_pages_view(&made->scratch.pages), GROW_BLOCK_BYTES);
    mm_error err = {MM_OK, NULL, 0, 0};
    bool read = heaps_read(paths, state, &made->scratch.arena, &work);
    if (read && grow_find(&work, made, &err) != MM_OK) {
        PyErr_NoMemory();
        read = false;
    }
    Py_XDECREF(work.late);
    made->heap = work.early;
    made->garbage = work.garbage;
    if (!read) {
        Py_CLEAR(made);
    }
    return (PyObject *)made;
}
