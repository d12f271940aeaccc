// Snapshots of different processes, compared by path shapes.
//
// One file is read at a time: of each but the last nothing is kept but the counts of its shapes.
// The lock is released while a graph is asked.
#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "raise.h"

enum { COMPARE_BLOCK_BYTES = 1 << 20, WORD_BYTES = 64, PLACE_BYTES = 400, COMPARE_MIN = 2 };

// What files must have in common.
typedef struct compare_seen {
    char runtime[WORD_BYTES];
    char version[WORD_BYTES];
    char main[PLACE_BYTES];  // where __main__ comes from, "" = nobody knows
    char where[PLACE_BYTES];
} compare_seen;

// What is known while the files are read.
typedef struct compare_work {
    findings_object *made;  // borrowed
    heap_object *last;      // owned; NULL before it is read
    compare_seen before;
    mm_type_names names;
    mm_shapes shapes;
    mm_shape_mark *marks;
    uint32_t mark_count;
} compare_work;

static void text_copy(char *ret, size_t room, const char *text) {
    (void)snprintf(ret, room, "%s", text != NULL ? text : "");
}

// The file of __main__ without its folder: the same program may lie elsewhere.
static void main_fill(const mm_graph *graph, char *ret, size_t room) {
    for (uint32_t node = 0; node < graph->root_node; node++) {
        const char *name = NULL;
        const char *file = NULL;
        uint32_t line = 0;
        if (mm_graph_kind(graph, node) == MM_KIND_MODULE) {
            name = mm_graph_module_name(graph, node);
        }
        if (name != NULL && strcmp(name, "__main__") == 0 &&
            mm_graph_place(graph, node, &file, &line)) {
            const char *slash = strrchr(file, '/');
            text_copy(ret, room, slash != NULL ? slash + 1 : file);
            return;
        }
    }
    text_copy(ret, room, NULL);
}

static void compare_seen_fill(const heap_object *heap, compare_seen *ret) {
    text_copy(ret->runtime, sizeof ret->runtime, mm_file_meta_of(&heap->file, "runtime"));
    text_copy(ret->version, sizeof ret->version, mm_file_meta_of(&heap->file, "version"));
    text_copy(ret->where, sizeof ret->where, heap->where);
    main_fill(&heap->graph, ret->main, sizeof ret->main);
}

// Raise what two files do not have in common. False if there is something.
static bool files_fit(const compare_seen *before, const compare_seen *next) {
    char line[8 * PLACE_BYTES];
    if (strcmp(before->runtime, next->runtime) != 0 ||
        strcmp(before->version, next->version) != 0) {
        (void)snprintf(line, sizeof line,
                       "%s is of %s %s and %s of %s %s: their own objects differ; take both with "
                       "the same one",
                       before->where, before->runtime, before->version, next->where, next->runtime,
                       next->version);
    } else if (before->main[0] != '\0' && next->main[0] != '\0' &&
               strcmp(before->main, next->main) != 0) {
        (void)snprintf(line, sizeof line, "%s is of %s and %s of %s: name snapshots of one program",
                       before->where, before->main, next->where, next->main);
    } else {
        return true;
    }
    (void)mm_raise_text(line, strlen(line));
    return false;
}

// `before`: what was read before and is let go, or NULL.
static PyObject *compare_read(PyObject *paths, Py_ssize_t number, const heap_state *state,
                              heap_object *before) {
    static const char line[] = "a comparison needs two snapshots at least";
    if (number >= PyList_GET_SIZE(paths)) {  // somebody has shortened it meanwhile
        Py_XDECREF(before);
        (void)mm_raise_text(line, strlen(line));
        return NULL;
    }
    PyObject *path = Py_NewRef(PyList_GET_ITEM(paths, number));
    PyObject *heap = heap_open_next(state, path, before);
    Py_DECREF(path);
    return heap;
}

// Count the shapes of a file. Of the last, what is asked of it stays. False with an exception set.
static bool compare_add(const heap_object *heap, bool is_last, compare_work *work) {
    mm_error err = {MM_OK, NULL, 0, 0};
    heap_scratch scratch;
    compare_seen seen;
    compare_seen_fill(heap, &seen);
    if (work->mark_count > 0 && !files_fit(&work->before, &seen)) {
        return false;
    }
    work->before = seen;
    heap_scratch_init(&scratch);
    mm_arena *arena = is_last ? &work->made->scratch.arena : &scratch.arena;
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_shapes_take(&work->shapes, &heap->graph, arena, &work->marks[work->mark_count], &err);
    PyEval_RestoreThread(released);
    if (!is_last) {
        work->marks[work->mark_count].of_node = NULL;
    }
    heap_scratch_deinit(&scratch);
    work->mark_count++;
    if (status != MM_OK) {
        PyErr_NoMemory();
    }
    return status == MM_OK;
}

// Read all files. False with an exception set.
static bool compare_files(PyObject *paths, const heap_state *state, compare_work *work) {
    Py_ssize_t count = PyList_GET_SIZE(paths);
    mm_arena *perm = &work->made->scratch.arena;
    work->marks = MM_ARENA_NEW(perm, mm_shape_mark, (size_t)count + 1);
    if (work->marks == NULL) {
        PyErr_NoMemory();
        return false;
    }
    mm_type_names_init(&work->names, perm);
    mm_shapes_init(&work->shapes, &work->names, perm);
    for (Py_ssize_t i = 0; i < count; i++) {
        heap_object *before = work->last;
        work->last = NULL;
        work->last = (heap_object *)compare_read(paths, i, state, before);
        if (work->last == NULL || !compare_add(work->last, i + 1 == count, work)) {
            return false;
        }
    }
    if (work->mark_count < COMPARE_MIN) {  // the list has been shortened before it was counted
        (void)compare_read(paths, count, state, NULL);
        return false;
    }
    return true;
}

static bool compare_find(compare_work *work) {
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_shapes_input input = {.shapes = &work->shapes,
                             .marks = work->marks,
                             .mark_count = work->mark_count,
                             .graph = &work->last->graph};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_findings_of_shapes(&input, &work->made->scratch.arena, &work->made->findings, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        PyErr_NoMemory();
    }
    return status == MM_OK;
}

PyObject *bind_compare(PyObject *module, PyObject *paths) {
    heap_state *state = PyModule_GetState(module);
    PyTypeObject *made_type = (PyTypeObject *)state->findings_type; /* borrowed */
    findings_object *made = (findings_object *)made_type->tp_alloc(made_type, 0);
    if (made == NULL) {
        return NULL;
    }
    mm_os_pages_init(&made->scratch.pages);
    mm_arena_init(&made->scratch.arena, mm_os_pages_view(&made->scratch.pages),
                  COMPARE_BLOCK_BYTES);
    compare_work work = {.made = made};
    bool found = compare_files(paths, state, &work) && compare_find(&work);
    made->heap = work.last;
    if (!found) {
        Py_CLEAR(made);
    }
    return (PyObject *)made;
}
