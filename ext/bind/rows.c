// Findings one by one: what a front needs that does not print a whole report.
#include <string.h>

#include "heap.h"

// Is the type one of the program's own?
static bool type_is_own(const mm_findings *findings, const char *type) {
    for (uint32_t i = 0; type != NULL && i < findings->own_count; i++) {
        if (strcmp(findings->own[i].type, type) == 0) {
            return true;
        }
    }
    return false;
}

// A number as int, one that was not measured as None.
static PyObject *measured(uint64_t value) {
    return value == MM_UNKNOWN ? Py_NewRef(Py_None) : PyLong_FromUnsignedLongLong(value);
}

static PyObject *row_path(const mm_finding *finding) {
    PyObject *path = PyTuple_New((Py_ssize_t)finding->path_count);
    for (uint32_t i = 0; path != NULL && i < finding->path_count; i++) {
        const mm_finding_step *step = &finding->path[i];
        PyObject *row =
            Py_BuildValue("(zzO)", step->object, step->edge, step->guilty ? Py_True : Py_False);
        if (row == NULL) {
            Py_CLEAR(path);
            break;
        }
        PyTuple_SET_ITEM(path, (Py_ssize_t)i, row);
    }
    return path;
}

PyObject *findings_rows(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_findings *findings = &((findings_object *)self)->findings;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < findings->finding_count; i++) {
        const mm_finding *finding = &findings->findings[i];
        PyObject *row = Py_BuildValue("(sOOOzNzzN)", mm_finding_kind_text(finding->kind),
                                      finding->is_leak ? Py_True : Py_False,
                                      finding->hidden ? Py_True : Py_False,
                                      type_is_own(findings, finding->type) ? Py_True : Py_False,
                                      finding->type, measured(finding->grown_objects),
                                      finding->holder, finding->cut.role, row_path(finding));
        if (row == NULL || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

PyObject *findings_one_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"", "width", "sources", "sites", NULL};
    const mm_findings *found = &((findings_object *)self)->findings;
    mm_findings findings;
    unsigned int number = 0;
    int width = 80;
    PyObject *sources = NULL; /* borrowed, as is the next */
    PyObject *sites = NULL;
    mm_report_options options;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "I|$iO!O!:one_text", (char **)names, &number,
                                     &width, &PyTuple_Type, &sources, &PyTuple_Type, &sites) ||
        !heap_options_fill(width, 0, 0, &options)) {
        return NULL;
    }
    if (number >= found->finding_count) {
        PyErr_SetString(PyExc_IndexError, "there is no finding of this number");
        return NULL;
    }
    heap_page page;
    if (!heap_page_begin(&page, sources)) {
        return NULL;
    }
    if (!heap_sites_fill(sites, found, &page.scratch, &findings)) {
        heap_scratch_deinit(&page.scratch);
        return NULL;
    }
    const mm_why_source *source = mm_why_source_of(page.rows, page.row_count, number);
    mm_why_source moved = source != NULL ? *source : (mm_why_source){0};
    moved.chain = 0;
    options.whole = true;  // a message has no width, and no -v
    mm_finding finding = findings.findings[number];
    finding.hidden = false;
    mm_findings one = {.file = found->file, .findings = &finding, .finding_count = 1};
    mm_status status = mm_findings_text(&one, &moved, source != NULL ? 1 : 0, false, &options,
                                        &page.scratch.arena, &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}
