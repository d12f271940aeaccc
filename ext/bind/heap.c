// mortmain._heap: the type Heap, which is a .mort file in memory.
//
// Everything is read and indexed when the object is made, with the lock released. After that
// nothing changes, so no question needs a lock of its own. No reference to a Python object is held:
// there is nothing to traverse, and nothing here runs Python code but the making of results.
#include "heap.h"

#include <string.h>

#include "raise.h"

enum { ARENA_BLOCK_BYTES = 1 << 20, SCRATCH_BLOCK_BYTES = 1 << 16 };

void heap_scratch_init(heap_scratch *scratch) {
    mm_os_pages_init(&scratch->pages);
    mm_arena_init(&scratch->arena, mm_os_pages_view(&scratch->pages), SCRATCH_BLOCK_BYTES);
}

void heap_scratch_deinit(heap_scratch *scratch) {
    mm_os_pages_deinit(&scratch->pages);
}

// Read and index. The lock need not be held.
static mm_status heap_read(heap_object *heap, const char *path, mm_error *err) {
    MM_TRY(mm_file_open(path, &heap->arena, &heap->file, err));
    return mm_graph_build(&heap->file, &heap->arena, &heap->graph, err);
}

// The path as text of errors. NULL with an exception set.
static const char *heap_where(heap_object *heap, PyObject *path) {
    char *kept = NULL;
    PyObject *text = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path));
    PyObject *bytes = text == NULL ? NULL : PyUnicode_AsEncodedString(text, "utf-8", "replace");
    Py_XDECREF(text);
    if (bytes != NULL) {
        size_t count = (size_t)PyBytes_GET_SIZE(bytes) + 1;
        kept = mm_arena_take(&heap->arena, count, 1);
        if (kept != NULL) {
            memcpy(kept, PyBytes_AS_STRING(bytes), count);
        } else {
            PyErr_NoMemory();
        }
    }
    Py_XDECREF(bytes);
    return kept;
}

// `before`, whose memory is used again, may be NULL; nobody else may know it.
static PyObject *heap_make(PyTypeObject *type, PyObject *where, bool roomy, heap_object *before) {
    PyObject *path = NULL;
    if (!PyUnicode_FSConverter(where, &path)) {
        return NULL;
    }
    heap_object *heap = (heap_object *)type->tp_alloc(type, 0);
    if (heap == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    // Deallocation is right from here on: nothing is mapped yet.
    mm_os_pages_init(&heap->pages);
    heap->pages.roomy = roomy;
    if (before != NULL) {
        mm_os_pages_hand_over(&before->pages, &heap->pages);
    }
    mm_arena_init(&heap->arena, mm_os_pages_view(&heap->pages), ARENA_BLOCK_BYTES);
    mm_error err = {MM_OK, NULL, 0, 0};
    heap->where = heap_where(heap, path);
    if (heap->where == NULL) {
        Py_DECREF(path);
        Py_DECREF(heap);
        return NULL;
    }
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = heap_read(heap, PyBytes_AS_STRING(path), &err);
    mm_os_pages_trim(&heap->pages);
    PyEval_RestoreThread(released);
    Py_DECREF(path);
    if (status != MM_OK) {
        Py_DECREF(heap);
        return heap_raise(where, &err);
    }
    return (PyObject *)heap;
}

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"", NULL};
    PyObject *where = NULL; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Heap", (char **)names, &where)) {
        return NULL;
    }
    return heap_make(type, where, false, NULL);
}

PyObject *heap_open_next(const heap_state *state, PyObject *path, heap_object *before) {
    bool ours = before != NULL && Py_REFCNT(before) == 1;
    PyObject *heap = heap_make((PyTypeObject *)state->heap_type, path, true, ours ? before : NULL);
    Py_XDECREF(before);
    return heap;
}

static void heap_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    mm_os_pages_deinit(&((heap_object *)self)->pages);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *heap_raise(PyObject *subject, const mm_error *failure) {
    mm_error err = {MM_OK, NULL, 0, 0};
    const char *bytes = NULL;
    size_t count = 0;
    PyObject *path = PyOS_FSPath(subject);
    if (path == NULL) {
        PyErr_Clear();
        path = PyObject_Str(subject);
    } else if (PyBytes_Check(path)) {
        Py_SETREF(path, PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path)));
    }
    PyObject *name = path == NULL ? NULL : PyUnicode_AsEncodedString(path, "utf-8", "replace");
    Py_XDECREF(path);
    if (name == NULL) {
        return NULL;
    }
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    if (mm_error_text(failure, PyBytes_AS_STRING(name), &scratch.arena, &bytes, &count, &err) ==
        MM_OK) {
        (void)mm_raise_text(bytes, count);
    } else {
        PyErr_NoMemory();
    }
    heap_scratch_deinit(&scratch);
    Py_DECREF(name);
    return NULL;
}

PyObject *heap_refuse(const heap_object *heap, const char *what) {
    mm_error err = {MM_OK, NULL, 0, 0};
    const char *bytes = NULL;
    size_t count = 0;
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    if (mm_refusal_text(&heap->graph, what, heap->where, &scratch.arena, &bytes, &count, &err) ==
        MM_OK) {
        (void)mm_raise_text(bytes, count);
    } else {
        PyErr_NoMemory();
    }
    heap_scratch_deinit(&scratch);
    return NULL;
}

PyObject *heap_rendered(mm_status status, const char *bytes, size_t count, heap_scratch *scratch) {
    PyObject *result = NULL;
    if (status == MM_OK) {
        result = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)count, "replace");
    } else {
        // Rendering needs memory and nothing else.
        PyErr_NoMemory();
    }
    heap_scratch_deinit(scratch);
    return result;
}

bool heap_page_begin(heap_page *page, PyObject *sources) {
    *page = (heap_page){.err = {MM_OK, NULL, 0, 0}};
    heap_scratch_init(&page->scratch);
    if (!heap_sources_fill(sources, &page->scratch, &page->rows, &page->row_count)) {
        heap_scratch_deinit(&page->scratch);
        return false;
    }
    return true;
}

PyObject *heap_page_end(heap_page *page, mm_status status) {
    return heap_rendered(status, page->bytes, page->count, &page->scratch);
}

// A META value as str, or "" where the file says nothing.
static const char *meta_or_empty(const mm_file *file, const char *key) {
    const char *value = mm_file_meta_of(file, key);
    return value != NULL ? value : "";
}

// What the file warns of, as str; "" when of nothing.
static PyObject *file_warning(const mm_file *file) {
    const char *bytes = NULL;
    size_t count = 0;
    mm_error err = {MM_OK, NULL, 0, 0};
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    mm_status status = mm_warning_text(file, &scratch.arena, &bytes, &count, &err);
    return heap_rendered(status, bytes, count, &scratch);
}

bool heap_count(const heap_object *heap, heap_scratch *scratch, mm_types *ret) {
    mm_error err = {MM_OK, NULL, 0, 0};
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = mm_types_count(&heap->graph, &scratch->arena, ret, &err);
    PyEval_RestoreThread(released);
    if (status != MM_OK) {
        PyErr_NoMemory();
    }
    return status == MM_OK;
}

PyDoc_STRVAR(heap_summary_doc,
             "summary($self, /)\n--\n\n"
             "What the file says of itself. bytes are those of all objects but mortmain's own.");

static PyObject *heap_summary(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const mm_file *file = &((heap_object *)self)->file;
    PyObject *result = NULL;
    mm_types types;
    heap_scratch scratch;
    PyObject *warning = file_warning(file);
    if (warning == NULL) {
        return NULL;
    }
    heap_scratch_init(&scratch);
    if (heap_count((heap_object *)self, &scratch, &types)) {
        result = Py_BuildValue("{s:s,s:s,s:s,s:O,s:s,s:I,s:I,s:I,s:K,s:K,s:i}",         //
                               "runtime", meta_or_empty(file, "runtime"),               //
                               "version", meta_or_empty(file, "version"),               //
                               "door", meta_or_empty(file, "door"),                     //
                               "warning", warning,                                      //
                               "incomplete_reason", meta_or_empty(file, "incomplete"),  //
                               "object_count", (unsigned int)file->object_count,        //
                               "reference_count", (unsigned int)file->reference_count,  //
                               "type_count", (unsigned int)file->type_count,            //
                               "bytes", (unsigned long long)types.bytes,                //
                               "file_bytes", (unsigned long long)file->file_bytes,      //
                               "incomplete_status", (int)file->incomplete);
    }
    heap_scratch_deinit(&scratch);
    Py_DECREF(warning);
    return result;
}

PyDoc_STRVAR(heap_types_doc,
             "types($self, /)\n--\n\n"
             "(name, objects, bytes) of every type that has objects, most bytes first.");

static PyObject *heap_types(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *list = NULL;
    mm_types types;
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    if (heap_count((heap_object *)self, &scratch, &types)) {
        list = PyList_New(0);
        for (uint32_t i = 0; list != NULL && i < types.row_count; i++) {
            const mm_type_row *total = &types.rows[i];
            PyObject *row = Py_BuildValue("(sKK)", total->name, (unsigned long long)total->count,
                                          (unsigned long long)total->bytes);
            if (row == NULL || PyList_Append(list, row) != 0) {
                Py_CLEAR(list);
            }
            Py_XDECREF(row);
        }
    }
    heap_scratch_deinit(&scratch);
    return list;
}

PyDoc_STRVAR(heap_why_doc,
             "why($self, what, /, *, verbose=False, own=0, caller=False)\n--\n\n"
             "Find who keeps an object alive. `what` is a str, or an address as int.\n\n"
             "own is how many references the call itself holds; with caller the innermost frame\n"
             "that asks is left out.");

PyDoc_STRVAR(heap_warning_doc,
             "warning($self, /)\n--\n\nWhat the file warns of in one line, or \"\".");

static PyObject *heap_warning(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return file_warning(&((heap_object *)self)->file);
}

PyDoc_STRVAR(heap_types_text_doc,
             "types_text($self, /, *, width=80, colour=False, ascii=False, verbose=False)\n--\n\n"
             "Count and bytes of each type as a table.");

PyDoc_STRVAR(heap_types_json_doc, "types_json($self, /)\n--\n\nThe same as a JSON document.");

PyDoc_STRVAR(heap_tree_text_doc,
             "tree_text($self, /, *, width=80, colour=False, ascii=False, verbose=False)\n--\n\n"
             "What would go with what, the largest parts first, as a table.");

PyDoc_STRVAR(heap_tree_json_doc,
             "tree_json($self, /, *, verbose=False)\n--\n\nThe same as a JSON document.");

PyDoc_STRVAR(heap_findings_doc,
             "findings($self, /)\n--\n\nFind what deserves attention: a new Findings.");

static const PyMethodDef heap_methods[] = {
    {"summary", heap_summary, METH_NOARGS, heap_summary_doc},
    {"warning", heap_warning, METH_NOARGS, heap_warning_doc},
    {"types", heap_types, METH_NOARGS, heap_types_doc},
    {"types_text", (PyCFunction)(void (*)(void))heap_types_text, METH_VARARGS | METH_KEYWORDS,
     heap_types_text_doc},
    {"types_json", heap_types_json, METH_NOARGS, heap_types_json_doc},
    {"tree_text", (PyCFunction)(void (*)(void))heap_tree_text, METH_VARARGS | METH_KEYWORDS,
     heap_tree_text_doc},
    {"tree_json", (PyCFunction)(void (*)(void))heap_tree_json, METH_VARARGS | METH_KEYWORDS,
     heap_tree_json_doc},
    {"findings", (PyCFunction)(void (*)(void))heap_findings,
     METH_METHOD | METH_FASTCALL | METH_KEYWORDS, heap_findings_doc},
    {"why", (PyCFunction)(void (*)(void))heap_why, METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
     heap_why_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(heap_doc, "Heap(path, /)\n--\n\nA snapshot in memory.");

static const PyType_Slot heap_slots[] = {
    {Py_tp_doc, (void *)heap_doc},
    {Py_tp_new, (void *)heap_new},
    {Py_tp_dealloc, (void *)heap_dealloc},
    {Py_tp_methods, (void *)heap_methods},
    {0, NULL},
};

static const PyType_Spec heap_spec = {
    .name = "mortmain._heap.Heap",
    .basicsize = sizeof(heap_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = (PyType_Slot *)heap_slots,
};

// Read a file for verify(). The lock is released meanwhile. Takes no Python object along.
static mm_status file_check(const char *path, heap_scratch *scratch, mm_file *ret, mm_error *err) {
    PyThreadState *released = PyEval_SaveThread();
    mm_status status = mm_file_open(path, &scratch->arena, ret, err);
    PyEval_RestoreThread(released);
    return status;
}

PyDoc_STRVAR(bind_verify_doc,
             "verify($module, path, /, *, width=80, ascii=False)\n--\n\n"
             "Read a file and check all of it: (text that says what it is, its warning or \"\").");

static PyObject *bind_verify(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static const char *const names[] = {"", "width", "ascii", NULL};
    PyObject *where = NULL; /* borrowed */
    PyObject *path = NULL;
    int width = 80, ascii = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$ip:verify", (char **)names, &where, &width,
                                     &ascii) ||
        !PyUnicode_FSConverter(where, &path)) {
        return NULL;
    }
    mm_report_options options = {.width = width > 0 ? (uint32_t)width : 0, .ascii = ascii != 0};
    const char *bytes = NULL;
    size_t count = 0;
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_file file;
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    mm_status status = file_check(PyBytes_AS_STRING(path), &scratch, &file, &err);
    Py_DECREF(path);
    if (status != MM_OK) {
        heap_scratch_deinit(&scratch);
        return heap_raise(where, &err);
    }
    PyObject *warning = file_warning(&file);
    status = mm_verify_text(&file, &options, &scratch.arena, &bytes, &count, &err);
    PyObject *text = heap_rendered(status, bytes, count, &scratch);
    if (warning == NULL || text == NULL) {
        Py_XDECREF(warning);
        Py_XDECREF(text);
        return NULL;
    }
    return Py_BuildValue("(NN)", text, warning);
}

PyDoc_STRVAR(bind_verify_json_doc,
             "verify_json($module, path, /)\n--\n\n"
             "As verify(), but (is it a snapshot, JSON, warning): a bad file is an answer too.");

static PyObject *bind_verify_json(PyObject *module, PyObject *where) {
    (void)module;
    PyObject *path = NULL;
    if (!PyUnicode_FSConverter(where, &path)) {
        return NULL;
    }
    const char *bytes = NULL;
    size_t count = 0;
    mm_error failure = {MM_OK, NULL, 0, 0};
    mm_error err = {MM_OK, NULL, 0, 0};
    mm_file file;
    heap_scratch scratch;
    heap_scratch_init(&scratch);
    bool good = file_check(PyBytes_AS_STRING(path), &scratch, &file, &failure) == MM_OK;
    Py_DECREF(path);
    mm_status status = mm_verify_json(good ? &file : NULL, good ? NULL : &failure, &scratch.arena,
                                      &bytes, &count, &err);
    PyObject *warning = good ? file_warning(&file) : PyUnicode_FromString("");
    PyObject *text = heap_rendered(status, bytes, count, &scratch);
    if (warning == NULL || text == NULL) {
        Py_XDECREF(warning);
        Py_XDECREF(text);
        return NULL;
    }
    return Py_BuildValue("(NNN)", PyBool_FromLong(good), text, warning);
}

PyDoc_STRVAR(bind_grow_doc,
             "grow($module, paths, /)\n--\n\n"
             "Find what grows between snapshots of one process, by time: a new Findings.");

PyDoc_STRVAR(bind_diff_doc,
             "diff($module, paths, /)\n--\n\n"
             "As grow(); files of different processes are compared by path shapes.");

static const PyMethodDef bind_methods[] = {
    {"verify", (PyCFunction)(void (*)(void))bind_verify, METH_VARARGS | METH_KEYWORDS,
     bind_verify_doc},
    {"verify_json", bind_verify_json, METH_O, bind_verify_json_doc},
    {"grow", bind_grow, METH_O, bind_grow_doc},
    {"diff", bind_diff, METH_O, bind_diff_doc},
    {NULL, NULL, 0, NULL},
};

static int bind_exec(PyObject *module) {
    heap_state *state = PyModule_GetState(module);
    PyObject *heap_type = PyType_FromModuleAndSpec(module, (PyType_Spec *)&heap_spec, NULL);
    if (heap_type == NULL) {
        return -1;
    }
    state->heap_type = heap_type;
    if (PyModule_AddType(module, (PyTypeObject *)heap_type) != 0) {
        return -1;
    }
    PyType_Spec spec = answer_spec();
    state->answer_type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (state->answer_type == NULL) {
        return -1;
    }
    if (PyModule_AddType(module, (PyTypeObject *)state->answer_type) != 0) {
        return -1;
    }
    spec = findings_spec();
    state->findings_type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (state->findings_type == NULL) {
        return -1;
    }
    return PyModule_AddType(module, (PyTypeObject *)state->findings_type);
}

static int bind_traverse(PyObject *module, visitproc visit, void *arg) {
    heap_state *state = PyModule_GetState(module);
    Py_VISIT(state->heap_type);
    Py_VISIT(state->answer_type);
    Py_VISIT(state->findings_type);
    return 0;
}

static int bind_clear(PyObject *module) {
    heap_state *state = PyModule_GetState(module);
    Py_CLEAR(state->heap_type);
    Py_CLEAR(state->answer_type);
    Py_CLEAR(state->findings_type);
    return 0;
}

static const PyModuleDef_Slot bind_slots[] = {
    {Py_mod_exec, (void *)bind_exec},
    MM_SLOT_INTERPRETERS MM_SLOT_LOCK{0, NULL},
};

static struct PyModuleDef bind_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "mortmain._heap",
    .m_doc = "Snapshots as Python objects.",
    .m_size = sizeof(heap_state),
    .m_methods = (PyMethodDef *)bind_methods,
    .m_slots = (PyModuleDef_Slot *)bind_slots,
    .m_traverse = bind_traverse,
    .m_clear = bind_clear,
};

PyMODINIT_FUNC PyInit__heap(void) {
    return PyModuleDef_Init(&bind_module);
}
