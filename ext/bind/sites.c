// Where what grows was made. Out goes what to ask of a further round: the addresses of the objects
// that each finding speaks of, by the snapshot of that round. In come lines, for the renderers.
//
// Findings never change: lines stand in a copy of them that lives as long as one page.
//
// General note on reentrancy: reading the snapshot runs no Python code but that of the heap's own
// type; the lock is released while it is searched, and nobody else knows that heap.
#include <string.h>

#include "heap.h"

// Is the finding told without -v, and one of what waits for the collector, or of all else?
static bool is_asked(const mm_finding *finding, bool waiting) {
    if (finding->hidden || finding->type == NULL) {
        return false;
    }
    return waiting ? finding->kind == MM_FINDING_CYCLE : finding->growth != NULL;
}

PyObject *findings_wanted(PyObject *self, PyObject *ignored) {
    const findings_object *found = (const findings_object *)self;
    bool wanted[2] = {false, false};
    (void)ignored;
    for (uint32_t i = 0; i < found->findings.finding_count && found->grown.mark_count > 0; i++) {
        for (int waiting = 0; waiting < 2; waiting++) {
            wanted[waiting] =
                wanted[waiting] || is_asked(&found->findings.findings[i], waiting != 0);
        }
    }
    return Py_BuildValue("(OO)", wanted[0] ? Py_True : Py_False, wanted[1] ? Py_True : Py_False);
}

// What is asked about one finding: addresses, and for what C code holds, all that is seen of types.
typedef struct made_answer {
    uint64_t *addresses;
    uint32_t count;
    mm_growth_seen *seen;
    uint32_t seen_count;
} made_answer;

static mm_status made_find(const mm_growth_input *input, const mm_finding *finding,
                           const mm_graph *round, mm_arena *arena, made_answer *ret) {
    mm_error err = {MM_OK, NULL, 0, 0};
    if (finding->growth == NULL) {
        return mm_growth_waiting(input, finding->type, round, arena, &ret->addresses, &ret->count,
                                 &err);
    }
    mm_status status =
        mm_growth_made(input, finding->growth, round, arena, &ret->addresses, &ret->count, &err);
    return status != MM_OK ? status
                           : mm_growth_seen_of(input, finding->growth, round, arena, &ret->seen,
                                               &ret->seen_count, &err);
}

// Append (number, type, addresses), which it takes. False with an exception set.
static bool row_append(PyObject *list, uint32_t number, uint64_t type, const uint64_t *addresses,
                       uint32_t count) {
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)addresses,
                                                (Py_ssize_t)(count * sizeof(*addresses)));
    PyObject *row = bytes == NULL ? NULL
                                  : Py_BuildValue("(IKN)", (unsigned int)number,
                                                  (unsigned long long)type, bytes);
    bool done = row != NULL && PyList_Append(list, row) == 0;
    Py_XDECREF(row);
    return done;
}

// Append the rows of one finding. False with an exception set.
static bool made_append(const findings_object *found, const mm_growth_input *input, uint32_t number,
                        const heap_object *round, PyObject *list) {
    made_answer answer = {NULL, 0, NULL, 0};
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        made_find(input, &found->findings.findings[number], &round->graph, &scratch.arena, &answer);
    PyEval_RestoreThread(released);
    bool done = status == MM_OK;
    if (!done) {
        PyErr_NoMemory();
    }
    if (done && answer.count > 0) {
        done = row_append(list, number, 0, answer.addresses, answer.count);
    }
    for (uint32_t i = 0; done && i < answer.seen_count; i++) {
        const mm_growth_seen *seen = &answer.seen[i];
        done = row_append(list, number, seen->type, seen->addresses, seen->count);
    }
    heap_scratch_deinit(&scratch);
    return done;
}

PyObject *findings_made(PyObject *self, PyObject *args) {
    const findings_object *found = (const findings_object *)self;
    const heap_state *state = PyType_GetModuleState(Py_TYPE(self));
    PyObject *path = NULL; /* borrowed */
    int waiting = 0, all = 0;
    if (!PyArg_ParseTuple(args, "Op|p:made", &path, &waiting, &all)) {
        return NULL;
    }
    mm_growth_input input = found->grown;
    input.mark_count = all != 0 && input.mark_count > 0 ? 1 : input.mark_count;
    PyObject *round = PyObject_CallOneArg(state->heap_type, path);
    PyObject *list = round == NULL ? NULL : PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < found->findings.finding_count; i++) {
        if (found->grown.mark_count > 0 && is_asked(&found->findings.findings[i], waiting != 0) &&
            !made_append(found, &input, i, (heap_object *)round, list)) {
            Py_CLEAR(list);
        }
    }
    Py_XDECREF(round);
    return list;
}

PyObject *findings_place(PyObject *self, PyObject *files) {
    const findings_object *found = (const findings_object *)self;
    if (!PyTuple_Check(files)) {
        PyErr_SetString(PyExc_TypeError, "place() takes a tuple of source files");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(files); i++) {
        PyObject *file = PyTuple_GET_ITEM(files, i); /* borrowed */
        const char *path = PyUnicode_AsUTF8(file);   /* borrowed */
        if (path == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeError)) {
            return NULL;
        }
        PyErr_Clear();
        if (path != NULL && mm_findings_path_is_own(&found->findings, path)) {
            return PyLong_FromSsize_t(i);
        }
    }
    return PyLong_FromLong(-1);
}

// (file, shown, line, function, text). False with an exception set.
static bool line_fill(PyObject *row, mm_site_line *ret) {
    if (!PyTuple_Check(row)) {
        PyErr_SetString(PyExc_TypeError, "a line is a tuple (file, shown, line, function, text)");
        return false;
    }
    unsigned int line = 0;
    if (!PyArg_ParseTuple(row, "ssIzz:line", &ret->file, &ret->shown, &line, &ret->function,
                          &ret->text)) {
        return false;
    }
    ret->line = line;
    return true;
}

// One row of `sites` into the next free place. False with an exception set.
static bool site_fill(PyObject *row, uint32_t finding_count, uint32_t *ret_number, mm_site *ret) {
    PyObject *made = NULL;   /* borrowed */
    PyObject *called = NULL; /* borrowed */
    unsigned int number = 0;
    unsigned long long count = 0;
    if (!PyTuple_Check(row)) {
        PyErr_SetString(PyExc_TypeError, "a site is a tuple (finding, objects, line, called at)");
        return false;
    }
    if (!PyArg_ParseTuple(row, "IKOO:site", &number, &count, &made, &called) ||
        !line_fill(made, &ret->made) || (called != Py_None && !line_fill(called, &ret->called))) {
        return false;
    }
    if (number >= finding_count || count == 0) {
        PyErr_SetString(PyExc_ValueError, "a site is of a finding, and of one object at least");
        return false;
    }
    ret->count = count;
    *ret_number = number;
    return true;
}

bool heap_sites_fill(PyObject *sites, const mm_findings *findings, heap_scratch *scratch,
                     mm_findings *ret) {
    Py_ssize_t count = sites == NULL ? 0 : PyTuple_GET_SIZE(sites);
    *ret = *findings;
    if (count == 0) {
        return true;
    }
    mm_site *rows = MM_ARENA_NEW(&scratch->arena, mm_site, (size_t)count);
    ret->findings = MM_ARENA_NEW(&scratch->arena, mm_finding, (size_t)findings->finding_count + 1);
    if (rows == NULL || ret->findings == NULL) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(ret->findings, findings->findings, findings->finding_count * sizeof(*ret->findings));
    uint32_t before = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        uint32_t number = 0;
        if (!site_fill(PyTuple_GET_ITEM(sites, i), findings->finding_count, &number, &rows[i])) {
            return false;
        }
        // Rows of one finding stand together.
        mm_finding *finding = &ret->findings[number];
        if ((i > 0 && number < before) || finding->site_count == UINT32_MAX) {
            PyErr_SetString(PyExc_ValueError, "sites are in the order of their findings");
            return false;
        }
        finding->sites = finding->site_count == 0 ? &rows[i] : finding->sites;
        finding->site_count++;
        before = number;
    }
    return true;
}
