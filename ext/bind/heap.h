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

/// Raise MortmainError with the engine's own words for a failure. Always NULL.
PyObject *heap_raise(PyObject *subject, const mm_error *failure);
/// A rendered text as str; `scratch`, in which it lives, is given back in any case.
PyObject *heap_rendered(mm_status status, const char *bytes, size_t count, heap_scratch *scratch);

/// Types of this module, made anew for each interpreter.
typedef struct heap_state {
    PyObject *answer_type;
} heap_state;

/// Method Heap.why(): a new Answer.
PyObject *heap_why(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                   PyObject *names);
/// What the type Answer is made from.
PyType_Spec answer_spec(void);

#endif
