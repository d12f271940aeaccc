"""A C extension with types whose ``tp_traverse`` misbehaves, built when a test wants it.

They crash, never return, or exit, but only in a copy of the process that loaded them: the collector
of the process itself is safe.
"""

from __future__ import annotations

from pathlib import Path

import harness

SOURCE = r"""
#include <Python.h>

#include <unistd.h>

static pid_t home;

static int traverse_crash(PyObject *self, visitproc visit, void *arg) {
    if (getpid() != home) {
        *(volatile int *)16 = 1;
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int traverse_loop(PyObject *self, visitproc visit, void *arg) {
    while (getpid() != home) {
        (void)getppid();
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int traverse_exit(PyObject *self, visitproc visit, void *arg) {
    if (getpid() != home) {
        _exit(0);
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void hostile_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static int add_type(PyObject *module, const char *name, traverseproc traverse) {
    PyType_Slot slots[] = {
        {Py_tp_traverse, (void *)traverse},
        {Py_tp_dealloc, (void *)hostile_dealloc},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(PyObject) + 8,
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

// The module is for one interpreter of one test, so a global may say where it was loaded.
static int hostile_exec(PyObject *module) {
    home = getpid();
    return add_type(module, "hostile_type.Crash", traverse_crash) |
           add_type(module, "hostile_type.Loop", traverse_loop) |
           add_type(module, "hostile_type.Exit", traverse_exit);
}

static PyModuleDef_Slot hostile_slots[] = {
    {Py_mod_exec, (void *)hostile_exec},
    {0, NULL},
};

static struct PyModuleDef hostile_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "hostile_type",
    .m_slots = hostile_slots,
};

PyMODINIT_FUNC PyInit_hostile_type(void) { return PyModuleDef_Init(&hostile_module); }
"""


def build(folder: Path) -> Path:
    """Builds the module ``hostile_type`` into ``folder``; skips the test without a compiler."""
    source = folder / "hostile_type.c"
    source.write_text(SOURCE)
    harness.build_extension(folder, source)
    return folder
