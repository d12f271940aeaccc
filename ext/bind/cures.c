// Between findings and whoever reads source: what a cure is decided by goes out, and the cure that
// the source calls for comes back, to be printed.
//
// General note on reentrancy: nothing here runs Python code but the making of strings and tuples.
#include "heap.h"

// (object, edge, marked) of each step, the mark being the guilty or the backward reference.
static PyObject *steps_tuple(const mm_finding_step *steps, uint32_t count) {
    PyObject *made = PyTuple_New((Py_ssize_t)count);
    for (uint32_t i = 0; made != NULL && i < count; i++) {
        PyObject *step = Py_BuildValue("(szO)", steps[i].object, steps[i].edge,
                                       steps[i].guilty || steps[i].back ? Py_True : Py_False);
        if (step == NULL) {
            Py_CLEAR(made);
        } else {
            PyTuple_SET_ITEM(made, (Py_ssize_t)i, step);
        }
    }
    return made;
}

// (file, scope, attribute, anchors), or None.
static PyObject *scope_tuple(const mm_why_chain *chain) {
    if (chain == NULL || chain->scope == NULL) {
        return Py_NewRef(Py_None);
    }
    PyObject *anchors = heap_anchors(chain);
    return anchors == NULL ? NULL
                           : Py_BuildValue("(sssN)", chain->scope_file, chain->scope,
                                           chain->attribute, anchors);
}

// ((file, scope, attribute, anchors, depth), ...)
static PyObject *places_tuple(const mm_cure_places *found) {
    PyObject *made = PyTuple_New((Py_ssize_t)found->count);
    for (uint32_t i = 0; made != NULL && i < found->count; i++) {
        const mm_why_chain *place = &found->places[i];
        PyObject *anchors = heap_anchors(place);
        PyObject *row = anchors == NULL ? NULL
                                        : Py_BuildValue("(sssNI)", place->scope_file, place->scope,
                                                        place->attribute, anchors,
                                                        (unsigned int)found->depths[i]);
        if (row == NULL) {
            Py_CLEAR(made);
        } else {
            PyTuple_SET_ITEM(made, (Py_ssize_t)i, row);
        }
    }
    return made;
}

static PyObject *places_make(const findings_object *self, const mm_finding *finding) {
    heap_scratch scratch;
    mm_cure_places found = {.count = 0};
    if (finding->kind == MM_FINDING_CYCLE) {
        return places_tuple(&found);
    }
    heap_scratch_init(&scratch);
    mm_status status = mm_cure_places_find(&self->heap->graph, finding, &scratch.arena, &found);
    PyObject *made = status == MM_OK ? places_tuple(&found) : PyErr_NoMemory();
    heap_scratch_deinit(&scratch);
    return made;
}

static PyObject *cure_row_make(const findings_object *self, uint32_t index) {
    const mm_finding *finding = &self->findings.findings[index];
    bool waits = finding->kind == MM_FINDING_CYCLE;
    mm_cure_facts facts = {.kind = MM_NONE};
    if (!waits) {
        mm_cure_facts_find(&self->heap->graph, finding, &facts);
    }
    PyObject *places = places_make(self, finding);
    PyObject *scope = scope_tuple(finding->chain);
    PyObject *path = steps_tuple(finding->path, finding->path_count);
    PyObject *ring = steps_tuple(finding->ring, finding->ring_count);
    if (scope == NULL || path == NULL || ring == NULL || places == NULL) {
        Py_XDECREF(places);
        Py_XDECREF(scope);
        Py_XDECREF(path);
        Py_XDECREF(ring);
        return NULL;
    }
    return Py_BuildValue(
        "(IsOzzzzzNNNzOOOLLN)", (unsigned int)index, mm_finding_kind_text(finding->kind),
        finding->is_leak ? Py_True : Py_False, finding->type, finding->holder, finding->cure,
        finding->cut.role, finding->file, scope, path, ring, facts.type,
        facts.can_be_weak ? Py_True : Py_False, facts.by_identity ? Py_True : Py_False,
        facts.leads_back ? Py_True : Py_False,
        finding->grown_objects == MM_UNKNOWN ? -1LL : (long long)finding->grown_objects,
        finding->steps == MM_UNKNOWN ? -1LL : (long long)finding->steps, places);
}

PyObject *findings_cures(PyObject *self, PyObject *ignored) {
    const findings_object *findings = (const findings_object *)self;
    PyObject *list = PyList_New(0);
    (void)ignored;
    for (uint32_t i = 0; list != NULL && i < findings->findings.finding_count; i++) {
        PyObject *row = cure_row_make(findings, i);
        if (row == NULL || PyList_Append(list, row) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

// Negative is unknown.
static uint64_t amount_of(long long value) {
    return value < 0 ? MM_UNKNOWN : (uint64_t)value;
}

bool heap_fix_fill(PyObject *row, heap_scratch *scratch, const mm_fix **ret) {
    mm_fix *fix = MM_ARENA_NEW(&scratch->arena, mm_fix, 1);
    PyObject *checked = NULL; /* borrowed */
    int proven = -1;
    long long counts[4];
    if (fix == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (!PyTuple_Check(row)) {
        PyErr_SetString(PyExc_TypeError, "a fix is a tuple");
        return false;
    }
    if (!PyArg_ParseTuple(row, "szsO!zi(LLLL)|z:fix", &fix->cure, &fix->role, &fix->type,
                          &PyTuple_Type, &checked, &fix->patch, &proven, &counts[0], &counts[1],
                          &counts[2], &counts[3], &fix->hint)) {
        return false;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(checked);
    const char **ids = MM_ARENA_NEW(&scratch->arena, const char *, (size_t)count + 1);
    if (ids == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        ids[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(checked, i)); /* borrowed */
        if (ids[i] == NULL) {
            return false;
        }
    }
    fix->checked = ids;
    fix->checked_count = (uint32_t)count;
    fix->proven = (int8_t)(proven > 0 ? 1 : proven);
    fix->before_objects = amount_of(counts[0]);
    fix->before_steps = amount_of(counts[1]);
    fix->after_objects = amount_of(counts[2]);
    fix->after_steps = amount_of(counts[3]);
    *ret = fix;
    return true;
}

// Both sides, each with the lines that made its objects, and a page for them. False with an
// exception set.
static bool against_begin(PyObject *self, PyObject *after, PyObject *const sites[2],
                          mm_findings findings[2], heap_page *page) {
    PyObject *const both[2] = {self, after};
    if (!heap_page_begin(page, NULL)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (!heap_sites_fill(sites[i], &((findings_object *)both[i])->findings, &page->scratch,
                             &findings[i])) {
            heap_scratch_deinit(&page->scratch);
            return false;
        }
    }
    return true;
}

PyObject *findings_against_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {
        "", "", "", "width", "colour", "ascii", "sites", "after_sites", NULL};
    PyObject *after = NULL;            /* borrowed */
    PyObject *sites[2] = {NULL, NULL}; /* borrowed */
    mm_findings findings[2];
    mm_against sides[2] = {{NULL, &findings[0]}, {NULL, &findings[1]}};
    int width = 80, colour = 0, ascii = 0;
    mm_report_options options;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!ss|$ippO!O!:against_text", (char **)names,
                                     Py_TYPE(self), &after, &sides[0].name, &sides[1].name, &width,
                                     &colour, &ascii, &PyTuple_Type, &sites[0], &PyTuple_Type,
                                     &sites[1]) ||
        !heap_options_fill(width, colour, ascii, &options)) {
        return NULL;
    }
    heap_page page;
    if (!against_begin(self, after, sites, findings, &page)) {
        return NULL;
    }
    mm_status status =
        mm_against_text(sides, &options, &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyObject *findings_against_json(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"", "", "", "sites", "after_sites", NULL};
    PyObject *after = NULL;            /* borrowed */
    PyObject *sites[2] = {NULL, NULL}; /* borrowed */
    mm_findings findings[2];
    mm_against sides[2] = {{NULL, &findings[0]}, {NULL, &findings[1]}};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!ss|$O!O!:against_json", (char **)names,
                                     Py_TYPE(self), &after, &sides[0].name, &sides[1].name,
                                     &PyTuple_Type, &sites[0], &PyTuple_Type, &sites[1])) {
        return NULL;
    }
    heap_page page;
    if (!against_begin(self, after, sites, findings, &page)) {
        return NULL;
    }
    mm_status status =
        mm_against_json(sides, &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}
