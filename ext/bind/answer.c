// Answers: who holds an object. The engine finds and words them; here they become text, JSON or
// rows.
//
// An answer keeps its heap alive, because it points into it, and the memory it was found in. It
// never changes: lines of source, which Python finds, are given to the renderers anew each time. A
// heap holds no Python object, so no cycle can go through an answer.
#include <string.h>

#include "heap.h"
#include "raise.h"

enum { VERBOSE_CHAINS = 20, WIDTH_LEAST = 40 };

typedef struct answer_object {
    PyObject_HEAD heap_object *heap;  ///< owned
    heap_scratch scratch;             ///< what `why` is made of
    mm_why why;
} answer_object;

// The options of a question. False with an exception set.
static bool question_fill(const mm_file *file, PyObject *what, const char **ret_text,
                          mm_why_options *ret) {
    if (PyUnicode_Check(what)) {
        Py_ssize_t length = 0;
        *ret_text = PyUnicode_AsUTF8AndSize(what, &length);
        bool is_text = *ret_text != NULL && strlen(*ret_text) == (size_t)length;
        if (!is_text && (*ret_text != NULL || PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))) {
            static const char line[] =
                "WHAT is no text: it has bytes that no name can have; give "
                "a type, a name or an address";
            PyErr_Clear();
            (void)mm_raise_text(line, sizeof(line) - 1);
        }
        return is_text;
    }
    // No address is negative, or longer than this.
    unsigned long long address = PyLong_AsUnsignedLongLong(what);
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        address = 0;
    }
    if (PyErr_Occurred()) {
        return false;
    }
    *ret_text = NULL;
    ret->node = mm_file_find(file, address);
    if (ret->node == MM_NONE) {
        mm_error err = {MM_E_NOT_FOUND, "no object of the snapshot has this address", address, 0};
        (void)heap_raise(what, &err);
        return false;
    }
    return true;
}

// Keyword-only flags of Heap.why(). False with an exception set. `truth` may run Python code.
static bool option_set(PyObject *name, PyObject *value, mm_why_options *ret) {
    if (PyUnicode_CompareWithASCIIString(name, "own") == 0) {
        unsigned long own = PyLong_AsUnsignedLong(value);
        ret->temporary_count = (uint32_t)own;
        return !PyErr_Occurred();
    }
    int truth = PyObject_IsTrue(value);
    if (truth < 0) {
        return false;
    }
    if (PyUnicode_CompareWithASCIIString(name, "caller") == 0) {
        ret->leave_out_caller = truth != 0;
    } else if (PyUnicode_CompareWithASCIIString(name, "verbose") == 0) {
        ret->with_weak = truth != 0;
        ret->chains_max = truth != 0 ? VERBOSE_CHAINS : 0;
    } else {
        PyErr_Format(PyExc_TypeError, "why() got an unexpected keyword argument %R", name);
        return false;
    }
    return true;
}

PyObject *heap_why(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                   PyObject *names) {
    heap_object *heap = (heap_object *)self;
    mm_why_options options;
    memset(&options, 0, sizeof options);
    if (count != 1) {
        PyErr_SetString(PyExc_TypeError, "why() takes exactly one positional argument");
        return NULL;
    }
    Py_ssize_t name_count = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < name_count; i++) {
        if (!option_set(PyTuple_GET_ITEM(names, i), args[count + i], &options)) {
            return NULL;
        }
    }
    // Where frames cannot be read, the variable that holds the object for us is not known by name.
    if (options.leave_out_caller && heap->file.frame_count == 0) {
        options.temporary_count++;
    }
    const char *text = NULL;
    if (!question_fill(&heap->file, args[0], &text, &options)) {
        return NULL;
    }
    heap_state *state = PyType_GetModuleState(type);
    PyTypeObject *answer_type = (PyTypeObject *)state->answer_type; /* borrowed */
    answer_object *answer = (answer_object *)answer_type->tp_alloc(answer_type, 0);
    if (answer == NULL) {
        return NULL;
    }
    heap_scratch_init(&answer->scratch);
    answer->heap = (heap_object *)Py_NewRef(self);
    mm_error err = {MM_OK, NULL, 0, 0};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status =
        mm_why_find(&heap->graph, text, &options, &answer->scratch.arena, &answer->why, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        Py_DECREF(answer);
        return text == NULL || status == MM_E_NOMEM ? heap_raise(args[0], &err)
                                                    : heap_refuse(heap, text);
    }
    return (PyObject *)answer;
}

static void answer_dealloc(PyObject *self) {
    answer_object *answer = (answer_object *)self;
    PyTypeObject *type = Py_TYPE(self);
    heap_scratch_deinit(&answer->scratch);
    Py_XDECREF(answer->heap);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(answer_counts_doc, "counts($self, /)\n--\n\nHow many references there are, by kind.");

static PyObject *answer_counts(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_why *why = &((answer_object *)self)->why;
    return Py_BuildValue("{s:K,s:K,s:K,s:K}",                                          //
                         "object_count", (unsigned long long)why->object_count,        //
                         "reference_count", (unsigned long long)why->reference_count,  //
                         "unaccounted_count", (unsigned long long)why->unaccounted_count,
                         "weak_count", (unsigned long long)why->weak_count);
}

PyDoc_STRVAR(answer_references_doc,
             "references($self, /)\n--\n\n(name, kind, count) of all direct references.");

static PyObject *answer_references(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_why *why = &((answer_object *)self)->why;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < why->reference_kind_count; i++) {
        const mm_why_reference *reference = &why->references[i];
        PyObject *row = Py_BuildValue("(ssK)", reference->name, mm_holder_text(reference->kind),
                                      (unsigned long long)reference->count);
        if (row == NULL || PyList_Append(list, row) != 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

PyDoc_STRVAR(answer_head_doc, "head($self, /)\n--\n\nAll direct references in one line.");

static PyObject *answer_head(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_why *why = &((answer_object *)self)->why;
    mm_report_options options = {.width = UINT32_MAX / 2};
    heap_page page;
    if (!heap_page_begin(&page, NULL)) {
        return NULL;
    }
    mm_status status =
        mm_refs_text(why, &options, &page.scratch.arena, &page.bytes, &page.count, &page.err);
    while (status == MM_OK && page.count > 0 && page.bytes[page.count - 1] == '\n') {
        page.count--;
    }
    return heap_page_end(&page, status);
}

bool heap_sources_fill(PyObject *sources, heap_scratch *scratch, mm_why_source **ret,
                       size_t *ret_count) {
    Py_ssize_t count = sources == NULL ? 0 : PyTuple_GET_SIZE(sources);
    mm_why_source *rows = MM_ARENA_NEW(&scratch->arena, mm_why_source, (size_t)count + 1);
    if (rows == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *row = PyTuple_GET_ITEM(sources, i); /* borrowed */
        unsigned int chain, line;
        const char *file; /* borrowed */
        const char *text; /* borrowed */
        if (!PyTuple_Check(row)) {
            PyErr_SetString(PyExc_TypeError, "a source is a tuple (chain, file, line, text)");
            return false;
        }
        PyObject *fix = Py_None; /* borrowed */
        if (!PyArg_ParseTuple(row, "IsIs|O:sources", &chain, &file, &line, &text, &fix)) {
            return false;
        }
        rows[i] = (mm_why_source){.chain = chain, .file = file, .line = line, .text = text};
        if (fix != Py_None && !heap_fix_fill(fix, scratch, &rows[i].fix)) {
            return false;
        }
    }
    *ret = rows;
    *ret_count = (size_t)count;
    return true;
}

bool heap_options_fill(int width, int colour, int ascii, mm_report_options *ret) {
    if (width < WIDTH_LEAST) {
        PyErr_Format(PyExc_ValueError, "width must be at least %d", WIDTH_LEAST);
        return false;
    }
    *ret =
        (mm_report_options){.width = (uint32_t)width, .colour = colour != 0, .ascii = ascii != 0};
    return true;
}

PyDoc_STRVAR(answer_text_doc,
             "text($self, /, *, width=80, colour=False, ascii=False, sources=())\n--\n\n"
             "The answer for a terminal, with lines of source as (chain, file, line, text).");

static PyObject *answer_text(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"width", "colour", "ascii", "sources", NULL};
    const mm_why *why = &((answer_object *)self)->why;
    int width = 80, colour = 0, ascii = 0;
    PyObject *sources = NULL; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$ippO!:text", (char **)names, &width, &colour,
                                     &ascii, &PyTuple_Type, &sources)) {
        return NULL;
    }
    mm_report_options options;
    if (!heap_options_fill(width, colour, ascii, &options)) {
        return NULL;
    }
    heap_page page;
    if (!heap_page_begin(&page, sources)) {
        return NULL;
    }
    mm_status status = mm_why_text(why, page.rows, page.row_count, &options, &page.scratch.arena,
                                   &page.bytes, &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(answer_json_doc,
             "json($self, /, *, sources=())\n--\n\nThe answer as a JSON document.");

static PyObject *answer_json(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"sources", NULL};
    const mm_why *why = &((answer_object *)self)->why;
    PyObject *sources = NULL; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O!:json", (char **)names, &PyTuple_Type,
                                     &sources)) {
        return NULL;
    }
    heap_page page;
    if (!heap_page_begin(&page, sources)) {
        return NULL;
    }
    mm_status status = mm_why_json(why, page.rows, page.row_count, &page.scratch.arena, &page.bytes,
                                   &page.count, &page.err);
    return heap_page_end(&page, status);
}

PyDoc_STRVAR(
    answer_scopes_doc,
    "scopes($self, /)\n--\n\n"
    "(chain, file, scope, attribute, anchors) of each chain whose holder is an attribute\n"
    "of a module (scope \"\") or class. anchors: ((qualified name, first line), ...) that\n"
    "the file must have.");

PyObject *heap_anchors(const mm_why_chain *chain) {
    PyObject *anchors = PyTuple_New((Py_ssize_t)chain->anchor_count);
    for (uint32_t i = 0; anchors != NULL && i < chain->anchor_count; i++) {
        PyObject *anchor =
            Py_BuildValue("(sI)", chain->anchors[i].name, (unsigned int)chain->anchors[i].line);
        if (anchor == NULL) {
            Py_CLEAR(anchors);
        } else {
            PyTuple_SET_ITEM(anchors, (Py_ssize_t)i, anchor);
        }
    }
    return anchors;
}

bool heap_scope_append(PyObject *list, uint32_t number, const mm_why_chain *chain) {
    if (chain->scope == NULL) {
        return true;
    }
    assert(chain->scope_file != NULL);
    assert(chain->attribute != NULL);
    PyObject *anchors = heap_anchors(chain);
    PyObject *row = anchors == NULL
                        ? NULL
                        : Py_BuildValue("(IsssN)", (unsigned int)number, chain->scope_file,
                                        chain->scope, chain->attribute, anchors);
    bool done = row != NULL && PyList_Append(list, row) == 0;
    Py_XDECREF(row);
    return done;
}

static PyObject *answer_scopes(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_why *why = &((answer_object *)self)->why;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list != NULL && i < why->chain_count; i++) {
        if (!heap_scope_append(list, i, &why->chains[i])) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static const PyMethodDef answer_methods[] = {
    {"scopes", answer_scopes, METH_NOARGS, answer_scopes_doc},
    {"head", answer_head, METH_NOARGS, answer_head_doc},
    {"text", (PyCFunction)(void (*)(void))answer_text, METH_VARARGS | METH_KEYWORDS,
     answer_text_doc},
    {"json", (PyCFunction)(void (*)(void))answer_json, METH_VARARGS | METH_KEYWORDS,
     answer_json_doc},
    {"counts", answer_counts, METH_NOARGS, answer_counts_doc},
    {"references", answer_references, METH_NOARGS, answer_references_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(answer_doc, "Who keeps an object alive: what Heap.why() answers.");

static const PyType_Slot answer_slots[] = {
    {Py_tp_doc, (void *)answer_doc},
    {Py_tp_dealloc, (void *)answer_dealloc},
    {Py_tp_methods, (void *)answer_methods},
    {0, NULL},
};

PyType_Spec answer_spec(void) {
    PyType_Spec spec = {
        .name = "mortmain._heap.Answer",
        .basicsize = sizeof(answer_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = (PyType_Slot *)answer_slots,
    };
    return spec;
}
