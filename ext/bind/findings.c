// What a snapshot has to tell: the engine finds and words it; here it becomes text or JSON.
//
// Findings keep their heap alive, because they point into it, and the memory they were found in.
// They never change. A heap holds no Python object, so no cycle can go through them.
#include "heap.h"

enum {
    TREE_DEPTH = 6,
    TREE_CHILDREN = 6,
    TREE_SHARE = 100,
    TREE_DEPTH_VERBOSE = 12,
    TREE_CHILDREN_VERBOSE = 20,
    TREE_SHARE_VERBOSE = 1000
};

PyObject *heap_findings(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                        PyObject *names) {
    heap_object *heap = (heap_object *)self;
    (void)args;
    if (count != 0 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "findings() takes no arguments");
        return NULL;
    }
    heap_state *state = PyType_GetModuleState(type);
    PyTypeObject *made_type = (PyTypeObject *)state->findings_type; /* borrowed */
    findings_object *made = (findings_object *)made_type->tp_alloc(made_type, 0);
    if (made == NULL) {
        return NULL;
    }
    heap_scratch_init(&made->scratch);
    made->heap = (heap_object *)Py_NewRef(self);
    mm_error err = {MM_OK, NULL, 0, 0};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_findings_of_snapshot(&heap->graph, &made->scratch.arena, &made->findings, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        // Explaining needs memory and nothing else.
        Py_DECREF(made);
        return PyErr_NoMemory();
    }
    return (PyObject *)made;
}

static void findings_dealloc(PyObject *self) {
    findings_object *findings = (findings_object *)self;
    PyTypeObject *type = Py_TYPE(self);
    heap_scratch_deinit(&findings->scratch);
    Py_XDECREF(findings->heap);
    Py_XDECREF(findings->garbage);
    type->tp_free(self);
    Py_DECREF(type);
}

// Begin a page with what a front adds. False with an exception set.
static bool findings_page_begin(PyObject *self, heap_page *page, PyObject *sources, PyObject *sites,
                                mm_findings *ret) {
    if (!heap_page_begin(page, sources)) {
        return false;
    }
    if (!heap_sites_fill(sites, &((findings_object *)self)->findings, &page->scratch, ret)) {
        heap_scratch_deinit(&page->scratch);
        return false;
    }
    return true;
}

PyDoc_STRVAR(
    findings_text_doc,
    "text($self, /, *, width=80, colour=False, ascii=False, verbose=False, sources=(),\n"
    "     sites=())\n"
    "--\n\n"
    "The findings for a terminal, with lines of source as (finding, file, line, text), and\n"
    "where objects were made.");

static PyObject *findings_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"width",   "colour", "ascii", "verbose",
                                        "sources", "sites",  NULL};
    mm_findings findings;
    int width = 80, colour = 0, ascii = 0, verbose = 0;
    PyObject *sources = NULL; /* borrowed, as is the next */
    PyObject *sites = NULL;
    mm_report_options options;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$ipppO!O!:text", (char **)names, &width,
                                     &colour, &ascii, &verbose, &PyTuple_Type, &sources,
                                     &PyTuple_Type, &sites) ||
        !heap_options_fill(width, colour, ascii, &options)) {
        return NULL;
    }
    heap_page page;
    if (!findings_page_begin(self, &page, sources, sites, &findings)) {
        return NULL;
    }
    mm_status status =
        mm_findings_text(&findings, page.rows, page.row_count, verbose != 0, &options,
                         &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(findings_json_doc,
             "json($self, /, *, sources=(), sites=())\n--\n\nThe findings as a JSON document.");

static PyObject *findings_json(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"sources", "sites", NULL};
    mm_findings findings;
    PyObject *sources = NULL; /* borrowed, as is the next */
    PyObject *sites = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O!O!:json", (char **)names, &PyTuple_Type,
                                     &sources, &PyTuple_Type, &sites)) {
        return NULL;
    }
    heap_page page;
    if (!findings_page_begin(self, &page, sources, sites, &findings)) {
        return NULL;
    }
    mm_status status = mm_findings_json(&findings, page.rows, page.row_count, &page.scratch.arena,
                                        &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(findings_cycles_text_doc,
             "cycles_text($self, /, *, width=80, colour=False, ascii=False)\n--\n\n"
             "The cycles alone, all of them, for a terminal.");

static PyObject *findings_cycles_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"width", "colour", "ascii", NULL};
    int width = 80, colour = 0, ascii = 0;
    mm_report_options options;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$ipp:cycles_text", (char **)names, &width,
                                     &colour, &ascii) ||
        !heap_options_fill(width, colour, ascii, &options)) {
        return NULL;
    }
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    mm_status status = mm_cycles_text(&((findings_object *)self)->findings, &options,
                                      &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(findings_cycles_json_doc,
             "cycles_json($self, /)\n--\n\nThe cycles alone as a JSON document.");

static PyObject *findings_cycles_json(PyObject *self, PyObject *ignored) {
    (void)ignored;
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    mm_status status = mm_cycles_json(&((findings_object *)self)->findings, &page.scratch.arena,
                                      &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(findings_scopes_doc,
             "scopes($self, /)\n--\n\n"
             "(finding, file, scope, attribute, anchors) of each finding whose holder is an\n"
             "attribute of a module (scope \"\"), a class or its instances (\"Shop()\").");

static PyObject *findings_scopes(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_findings *findings = &((findings_object *)self)->findings;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < findings->finding_count; i++) {
        const mm_why_chain *chain = findings->findings[i].chain;
        if (chain != NULL && !heap_scope_append(list, i, chain)) {
            Py_CLEAR(list);
        }
    }
    return list;
}

PyDoc_STRVAR(findings_verdict_doc,
             "verdict($self, /)\n--\n\nThe strongest verdict: \"leak\", ..., \"clean\".");

static PyObject *findings_verdict(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_findings *findings = &((findings_object *)self)->findings;
    return PyUnicode_FromString(mm_verdict_text(
        findings->verdict_count > 0 ? findings->verdicts[0].verdict : MM_VERDICT_CLEAN));
}

PyDoc_STRVAR(findings_has_leak_doc, "has_leak($self, /)\n--\n\nIs one of them of severity leak?");

static PyObject *findings_has_leak(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_findings *findings = &((findings_object *)self)->findings;
    bool leak = false;
    for (uint32_t i = 0; i < findings->finding_count; i++) {
        leak = leak || findings->findings[i].is_leak;
    }
    return PyBool_FromLong(leak);
}

// How a table is to be printed. False with an exception set.
static bool table_arguments(PyObject *args, PyObject *kwargs, const char *format,
                            mm_report_options *ret, int *ret_verbose) {
    static const char *const names[] = {"width", "colour", "ascii", "verbose", NULL};
    int width = 80, colour = 0, ascii = 0;
    return PyArg_ParseTupleAndKeywords(args, kwargs, format, (char **)names, &width, &colour,
                                       &ascii, ret_verbose) &&
           heap_options_fill(width, colour, ascii, ret);
}

PyObject *heap_types_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    int verbose = 0;
    mm_report_options options;
    if (!table_arguments(args, kwargs, "|$ippp:types_text", &options, &verbose)) {
        return NULL;
    }
    mm_types types;
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    if (!heap_count((heap_object *)self, &page.scratch, &types)) {
        heap_scratch_deinit(&page.scratch);
        return NULL;
    }
    mm_status status = mm_types_text(&types, verbose != 0, &options, &page.scratch.arena,
                                     &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyObject *heap_types_json(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const heap_object *heap = (heap_object *)self;
    mm_types types;
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    if (!heap_count(heap, &page.scratch, &types)) {
        heap_scratch_deinit(&page.scratch);
        return NULL;
    }
    mm_status status = mm_types_json(&types, &heap->file, &page.scratch.arena, &page.bytes,
                                     &page.count, &page.err);
    return heap_page_end(&page, status);
}

// The tree, with the lock released. False with an exception set.
static bool tree_fill(const heap_object *heap, bool verbose, heap_scratch *scratch, mm_tree *ret) {
    mm_tree_options options = {.depth_max = verbose ? TREE_DEPTH_VERBOSE : TREE_DEPTH,
                               .children_max = verbose ? TREE_CHILDREN_VERBOSE : TREE_CHILDREN,
                               .share = verbose ? TREE_SHARE_VERBOSE : TREE_SHARE};
    mm_error err = {MM_OK, NULL, 0, 0};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = mm_tree_find(&heap->graph, &options, &scratch->arena, ret, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        PyErr_NoMemory();
    }
    return status == MM_OK;
}

PyObject *heap_tree_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    int verbose = 0;
    mm_report_options options;
    if (!table_arguments(args, kwargs, "|$ippp:tree_text", &options, &verbose)) {
        return NULL;
    }
    mm_tree tree;
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    if (!tree_fill((heap_object *)self, verbose != 0, &page.scratch, &tree)) {
        heap_scratch_deinit(&page.scratch);
        return NULL;
    }
    mm_status status =
        mm_tree_text(&tree, &options, &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyObject *heap_tree_json(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"verbose", NULL};
    const heap_object *heap = (heap_object *)self;
    int verbose = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:tree_json", (char **)names, &verbose)) {
        return NULL;
    }
    mm_tree tree;
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    if (!tree_fill(heap, verbose != 0, &page.scratch, &tree)) {
        heap_scratch_deinit(&page.scratch);
        return NULL;
    }
    mm_status status =
        mm_tree_json(&tree, &heap->file, &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(findings_rows_doc,
             "rows($self, /)\n--\n\n"
             "(kind, is leak, is hidden, is own type, type, grown objects, holder, role, path) of\n"
             "each finding; a path is a tuple of (object, edge, is guilty).");
PyDoc_STRVAR(findings_one_text_doc,
             "one_text($self, number, /, *, width=80, sources=(), sites=())\n--\n\n"
             "One finding alone for a terminal.");

static const PyMethodDef findings_methods[] = {
    {"text", (PyCFunction)(void (*)(void))findings_text, METH_VARARGS | METH_KEYWORDS,
     findings_text_doc},
    {"json", (PyCFunction)(void (*)(void))findings_json, METH_VARARGS | METH_KEYWORDS,
     findings_json_doc},
    {"cycles_text", (PyCFunction)(void (*)(void))findings_cycles_text, METH_VARARGS | METH_KEYWORDS,
     findings_cycles_text_doc},
    {"cycles_json", findings_cycles_json, METH_NOARGS, findings_cycles_json_doc},
    {"cures", findings_cures, METH_NOARGS,
     PyDoc_STR("cures($self, /)\n--\n\nWhat a cure is decided by, a tuple for each finding.")},
    {"against_text", (PyCFunction)(void (*)(void))findings_against_text,
     METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("against_text($self, after, name, after_name, /, *, width=80, colour=False,\n"
               "             ascii=False, sites=(), after_sites=())\n--\n\n"
               "What grows here, and what in others.")},
    {"against_json", (PyCFunction)(void (*)(void))findings_against_json,
     METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("against_json($self, after, name, after_name, /, *, sites=(), after_sites=())\n"
               "--\n\n"
               "What grows here, and what in others, as a JSON document.")},
    {"wanted", findings_wanted, METH_NOARGS,
     PyDoc_STR("wanted($self, /)\n--\n\n"
               "Is it worth a round to find out where what is held was made, and what waits?")},
    {"made", findings_made, METH_VARARGS,
     PyDoc_STR("made($self, path, waiting, all=False, /)\n--\n\n"
               "(finding, 0, addresses) of what each finding's growth made by the snapshot of a\n"
               "later round (all: since the first snapshot, by the last one): of what waits for "
               "the collector, or of all else; and (finding, type,\n"
               "addresses) of all that is seen of a type that C code holds. Addresses are bytes.")},
    {"place", findings_place, METH_O,
     PyDoc_STR("place($self, files, /)\n--\n\n"
               "Which of these source files is the first of the program's own, or -1.")},
    {"scopes", findings_scopes, METH_NOARGS, findings_scopes_doc},
    {"verdict", findings_verdict, METH_NOARGS, findings_verdict_doc},
    {"has_leak", findings_has_leak, METH_NOARGS, findings_has_leak_doc},
    {"rows", findings_rows, METH_NOARGS, findings_rows_doc},
    {"one_text", (PyCFunction)(void (*)(void))findings_one_text, METH_VARARGS | METH_KEYWORDS,
     findings_one_text_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(findings_doc, "What a snapshot has to tell: what Heap.findings() answers.");

static const PyType_Slot findings_slots[] = {
    {Py_tp_doc, (void *)findings_doc},
    {Py_tp_dealloc, (void *)findings_dealloc},
    {Py_tp_methods, (void *)findings_methods},
    {0, NULL},
};

PyType_Spec findings_spec(void) {
    PyType_Spec spec = {
        .name = "mortmain._heap.Findings",
        .basicsize = sizeof(findings_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = (PyType_Slot *)findings_slots,
    };
    return spec;
}
