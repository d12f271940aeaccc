// ext/bind: files and graphs as Python objects.
//
// Knows: the engine's readers, analyses and reports, and how to hand their answers to Python.
// Must not know: how a snapshot is taken, how an answer is found or worded.
#ifndef MM_BIND_HEAP_H
#define MM_BIND_HEAP_H

#include "compat.h"

#include "base/os/pages.h"
#include "mm.h"

/// A snapshot, read and never changed again: any number of threads may ask it at a time, each with
/// memory of its own, so the lock is released while an answer is looked for.
typedef struct heap_object {
    PyObject_HEAD mm_os_pages pages;  ///< all that file and graph are made of
    mm_arena arena;
    mm_file file;
    mm_graph graph;
    const char *where;  ///< what the file is called, UTF-8, in the arena
} heap_object;

/// Memory of one question. Ends with heap_scratch_deinit().
typedef struct heap_scratch {
    mm_os_pages pages;
    mm_arena arena;
} heap_scratch;

/// Start with nothing.
void heap_scratch_init(heap_scratch *scratch);
/// Give all of it back.
void heap_scratch_deinit(heap_scratch *scratch);

/// Types of this module, made anew for each interpreter.
typedef struct heap_state {
    PyObject *heap_type;
    PyObject *answer_type;
    PyObject *findings_type;
} heap_state;

/// A Heap of a file that is read after another one, in the memory of that: `before` is let go, NULL
/// for the first. NULL with an exception set.
PyObject *heap_open_next(const heap_state *state, PyObject *path, heap_object *before);
/// Raise MortmainError with the engine's own words for a failure. Always NULL.
PyObject *heap_raise(PyObject *subject, const mm_error *failure);
/// Raise MortmainError for a WHAT that means nothing. Always NULL.
PyObject *heap_refuse(const heap_object *heap, const char *what);
/// A rendered text as str; `scratch`, in which it lives, is given back in any case.
PyObject *heap_rendered(mm_status status, const char *bytes, size_t count, heap_scratch *scratch);

/// Lines of source out of a tuple of (chain, file, line, text) or (finding, file, line, text, fix),
/// or NULL, in the memory of `scratch`, which borrows the texts from the tuple. False with an
/// exception set.
bool heap_sources_fill(PyObject *sources, heap_scratch *scratch, mm_why_source **ret,
                       size_t *ret_count);
/// What a front says of a finding: a tuple (cure, role, type, checked, patch, proven, counts).
/// False with an exception set.
bool heap_fix_fill(PyObject *row, heap_scratch *scratch, const mm_fix **ret);
/// Methods Findings.against_text() and against_json().
PyObject *findings_against_text(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *findings_against_json(PyObject *self, PyObject *args, PyObject *kwargs);
/// What a cure is decided by: a list of tuples, one for each finding. NULL with an exception set.
PyObject *findings_cures(PyObject *self, PyObject *ignored);
/// ((qualified name, first line), ...). NULL with an exception set.
PyObject *heap_anchors(const mm_why_chain *chain);
/// Append (number, file, scope, attribute, anchors) to a list, if the holder of the chain is an
/// attribute of a module, a class or its instances. False with an exception set.
bool heap_scope_append(PyObject *list, uint32_t number, const mm_why_chain *chain);
/// A text that is being rendered, with the memory that it lives in.
typedef struct heap_page {
    heap_scratch scratch;
    mm_why_source *rows;  ///< lines of source for it
    size_t row_count;
    const char *bytes;  ///< what the renderer answers
    size_t count;
    mm_error err;
} heap_page;
/// Begin, with sources as heap_sources_fill() takes them. False with an exception set: then nothing
/// is left to give back. Else heap_page_end() ends it, or heap_scratch_deinit() of its scratch.
bool heap_page_begin(heap_page *page, PyObject *sources);
/// The text as str, as heap_rendered() has it.
PyObject *heap_page_end(heap_page *page, mm_status status);
/// Options of a renderer. False with an exception set.
bool heap_options_fill(int width, int colour, int ascii, mm_report_options *ret);
/// Count what there is, with the lock released. False with an exception set.
bool heap_count(const heap_object *heap, heap_scratch *scratch, mm_types *ret);

/// What was found in a heap, or in several of one process. Never changes.
typedef struct findings_object {
    PyObject_HEAD heap_object *heap;  ///< owned
    heap_object *garbage;  ///< owned: of what waited for the collector meanwhile; or NULL
    heap_scratch scratch;  ///< what `findings` is made of
    mm_findings findings;
    mm_growth_input grown;  ///< of grow(): its early graph is the heap's, it has no late one
    mm_type_names names;    ///< of `grown`
} findings_object;

/// Method Heap.why(): a new Answer.
PyObject *heap_why(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                   PyObject *names);
/// What the type Answer is made from.
PyType_Spec answer_spec(void);

/// Method Heap.findings(): a new Findings.
PyObject *heap_findings(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                        PyObject *names);
/// Function grow() of the module: a new Findings of several files.
PyObject *bind_grow(PyObject *module, PyObject *paths);
/// Function diff() of the module: the same, but for files of different processes as bind_compare().
PyObject *bind_diff(PyObject *module, PyObject *paths);
/// What there is more of in each of several files than in the one before, by path shapes: a new
/// Findings. REQUIRES: a list.
PyObject *bind_compare(PyObject *module, PyObject *paths);
/// What the type Findings is made from.
PyType_Spec findings_spec(void);
/// Methods Findings.rows() and Findings.one_text().
PyObject *findings_rows(PyObject *self, PyObject *ignored);
PyObject *findings_one_text(PyObject *self, PyObject *args, PyObject *kwargs);
/// Methods Findings.wanted(), Findings.made() and Findings.place().
PyObject *findings_wanted(PyObject *self, PyObject *ignored);
PyObject *findings_made(PyObject *self, PyObject *args);
PyObject *findings_place(PyObject *self, PyObject *files);
/// Findings with sites, out of a tuple of (finding, objects, line, line called at or None) with a
/// line as (file, shown, line, function, text), or NULL; in the memory of `scratch`, which borrows
/// the texts. False with an exception set.
bool heap_sites_fill(PyObject *sites, const mm_findings *findings, heap_scratch *scratch,
                     mm_findings *ret);
/// Methods Heap.types_text() and Heap.types_json().
PyObject *heap_types_text(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *heap_types_json(PyObject *self, PyObject *ignored);
/// Methods Heap.tree_text() and Heap.tree_json().
PyObject *heap_tree_text(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *heap_tree_json(PyObject *self, PyObject *args, PyObject *kwargs);

#endif
