// What grows between snapshots of one process.
//
// The files are read one after the other, and of each a mark is kept: there is never more than one
// graph beside that of what waits for the collector. The graphs that are asked, of the last early
// and the last late file, are read once more if they were not the last. Findings point into the
// early one and that of what waits. The lock is released while a mark is taken and
// while the answer is looked for; the heaps hold no Python object, and nobody else knows them yet.
#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "raise.h"

enum { MARKS_MIN = 2, GROW_BLOCK_BYTES = 1 << 20 };

enum { NUMBER_BYTES = 24, WHERE_BYTES = 400 };

// What is remembered of a file that is not read any more, to hold the next one against.
typedef struct grow_seen {
    char pid[NUMBER_BYTES];
    char nanoseconds[NUMBER_BYTES];
    uint64_t modules;
    char where[WHERE_BYTES];
} grow_seen;

// What is known while the files are read.
typedef struct grow_work {
    heap_object *early;    // owned
    heap_object *late;     // owned; NULL = there was none
    heap_object *garbage;  // owned; NULL = there was none
    Py_ssize_t early_at;   // number of the file
    Py_ssize_t late_at;    // 0 = there was none
    grow_seen before;      // of the file that was read last
    mm_type_names names;
    mm_mark *marks;
    uint32_t mark_count;
    uint32_t early_last;
    bool collected;
    bool *others;  // set, without an exception, where files are not of one process; NULL = raise
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

static void seen_fill(const heap_object *heap, grow_seen *ret) {
    const char *pid = mm_file_meta_of(&heap->file, "pid");
    const char *nanoseconds = mm_file_meta_of(&heap->file, "nanoseconds");
    (void)snprintf(ret->pid, sizeof ret->pid, "%s", pid != NULL ? pid : "");
    (void)snprintf(ret->nanoseconds, sizeof ret->nanoseconds, "%s",
                   nanoseconds != NULL ? nanoseconds : "");
    (void)snprintf(ret->where, sizeof ret->where, "%s", heap->where);
    ret->modules = modules_address(&heap->file);
}

static bool same_process(const grow_seen *a, const grow_seen *b) {
    return a->pid[0] != '\0' && strcmp(a->pid, b->pid) == 0 && a->modules == b->modules;
}

// Was `after` taken later? Yes where a file does not say when.
static bool in_order(const char *before, const char *after) {
    if (before[0] == '\0' || after[0] == '\0') {
        return true;
    }
    // Decimal numbers without zeros in front: the longer is the greater.
    size_t length = strlen(before);
    return length != strlen(after) ? length < strlen(after) : strcmp(before, after) < 0;
}

// Raise what is wrong with the next file. False if something is.
static bool heap_fits(const grow_seen *before, const grow_seen *next, bool *others) {
    char line[1024];
    if (!same_process(before, next) && others != NULL) {
        *others = true;
        return false;
    }
    if (!same_process(before, next)) {
        (void)snprintf(line, sizeof line,
                       "%s and %s are not of one process: what grows is found inside one; "
                       "take both there, by mortmain.snapshot()",
                       before->where, next->where);
    } else if (!in_order(before->nanoseconds, next->nanoseconds)) {
        (void)snprintf(line, sizeof line,
                       "%s was not taken after %s: name the snapshots by time, the oldest first",
                       next->where, before->where);
    } else {
        return true;
    }
    (void)grow_refuse(line);
    return false;
}

static mm_status mark_take(const heap_object *heap, mm_arena *perm, grow_work *work,
                           mm_error *err) {
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_mark_take(&heap->graph, &work->names, perm, perm, &work->marks[work->mark_count], err);
    PyEval_RestoreThread(released);
    return status;
}

// Take the heap of a file in, which is ours from here on. False with an exception set.
static bool heap_add(heap_object *heap, Py_ssize_t number, mm_arena *perm, grow_work *work) {
    const char *phase = mm_file_meta_of(&heap->file, "phase");
    mm_error err = {MM_OK, NULL, 0, 0};
    grow_seen seen;
    seen_fill(heap, &seen);
    bool fits = number == 0 || heap_fits(&work->before, &seen, work->others);
    work->before = seen;
    if (fits && phase != NULL && strcmp(phase, "garbage") == 0) {
        Py_XSETREF(work->garbage, heap);
        return true;
    }
    if (fits && mark_take(heap, perm, work, &err) != MM_OK) {
        PyErr_NoMemory();
        fits = false;
    }
    if (!fits) {
        Py_DECREF(heap);
        return false;
    }
    if (phase != NULL && strcmp(phase, "late") == 0 && work->mark_count > 1) {
        work->late_at = number;
        Py_XSETREF(work->late, heap);
    } else {
        work->early_at = number;
        work->early_last = work->mark_count;
        Py_XSETREF(work->early, heap);
    }
    work->collected = work->collected && phase != NULL;
    work->mark_count++;
    return true;
}

// `before`: what was read before and is let go, or NULL.
static PyObject *heap_read(PyObject *paths, Py_ssize_t number, const heap_state *state,
                           heap_object *before) {
    if (number >= PyList_GET_SIZE(paths)) {  // somebody has shortened it meanwhile
        Py_XDECREF(before);
        return grow_refuse("growth needs two snapshots of a process at least");
    }
    PyObject *path = Py_NewRef(PyList_GET_ITEM(paths, number));
    PyObject *heap = heap_open_next(state, path, before);
    Py_DECREF(path);
    return heap;
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
    for (Py_ssize_t i = 0; i < count; i++) {
        // One graph at a time.
        heap_object *before = work->late != NULL ? work->late : work->early;
        if (work->late != NULL) {
            Py_CLEAR(work->early);
        }
        work->early = NULL;
        work->late = NULL;
        PyObject *heap = heap_read(paths, i, state, before);
        if (heap == NULL || !heap_add((heap_object *)heap, i, perm, work)) {
            return false;
        }
    }
    if (work->mark_count < MARKS_MIN || work->early_last == 0) {
        (void)grow_refuse("growth needs two snapshots of a process at least");
        return false;
    }
    if (work->early == NULL) {
        work->early = (heap_object *)heap_read(paths, work->early_at, state, NULL);
    }
    if (work->late == NULL && work->late_at > 0 && work->early != NULL) {
        work->late = (heap_object *)heap_read(paths, work->late_at, state, NULL);
    }
    return work->early != NULL && (work->late_at == 0 || work->late != NULL);
}

// The last of all marks is of the late graph.
static mm_status marks_reach(const grow_work *work, mm_arena *perm, mm_error *err) {
    MM_TRY(mm_mark_reach(&work->early->graph, perm, &work->marks[work->early_last], err));
    if (work->late == NULL) {
        return MM_OK;
    }
    return mm_mark_reach(&work->late->graph, perm, &work->marks[work->mark_count - 1], err);
}

static mm_status grow_find(const grow_work *work, findings_object *made, mm_error *err) {
    const heap_object *late = work->late != NULL ? work->late : work->early;
    // The graph that stays has the addresses of its mark, too.
    mm_mark *mark = &work->marks[work->early_last];
    if (mark->count == work->early->file.object_count) {
        MM_ARENA_GIVE_BACK(&made->scratch.arena, mark->address, (size_t)mark->count + 1);
        mark->address = work->early->file.address;
    }
    mm_growth_input input = {.marks = work->marks,
                             .mark_count = work->mark_count,
                             .early = work->early_last,
                             .early_graph = &work->early->graph,
                             .late_graph = &late->graph,
                             .names = &made->names,
                             .collected = work->collected};
    made->names = work->names;
    made->grown = input;
    made->grown.late_graph = NULL;
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = marks_reach(work, &made->scratch.arena, err);
    if (status == MM_OK) {
        status = mm_findings_of_growth(&input, work->garbage != NULL ? &work->garbage->graph : NULL,
                                       &made->scratch.arena, &made->findings, err);
    }
    PyEval_RestoreThread(released);
    return status;
}

// `others`: as in grow_work; NULL with no exception set where it became true.
static PyObject *grow_paths(PyObject *module, PyObject *paths, bool *others) {
    heap_state *state = PyModule_GetState(module);
    PyTypeObject *made_type = (PyTypeObject *)state->findings_type; /* borrowed */
    grow_work work = {.early = NULL, .others = others};
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

PyObject *bind_grow(PyObject *module, PyObject *paths) {
    return grow_paths(module, paths, NULL);
}

PyObject *bind_diff(PyObject *module, PyObject *paths) {
    bool others = false;
    PyObject *made = grow_paths(module, paths, &others);
    return others ? bind_compare(module, paths) : made;
}
