import importlib.machinery, importlib.util, subprocess, sys, sysconfig, tempfile
from pathlib import Path
SOURCE = r"""
#include <Python.h>
typedef struct { PyObject_HEAD PyObject *owner; } Box;
static PyObject *box_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *owner;
    if (!PyArg_ParseTuple(args, "O", &owner)) return NULL;
    Box *self = (Box *)type->tp_alloc(type, 0);
    if (self) { Py_INCREF(owner); self->owner = owner; }
    return (PyObject *)self;
}
static void box_dealloc(Box *self) { Py_XDECREF(self->owner); Py_TYPE(self)->tp_free(self); }
static PyTypeObject BoxType = { PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "boxes.Box",
    .tp_basicsize = sizeof(Box), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_new = box_new,
    .tp_dealloc = (destructor)box_dealloc };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "boxes", NULL, -1, NULL };
PyMODINIT_FUNC PyInit_boxes(void) {
    PyObject *m = PyModule_Create(&module);
    if (m && PyModule_AddType(m, &BoxType) < 0) return NULL;
    return m;
}
"""
folder = Path(tempfile.mkdtemp())
(folder / "boxes.c").write_text(SOURCE)
subprocess.run(["cc", "-O1", "-g", "-shared", "-fPIC", "-I", sysconfig.get_path("include"), "-o", folder / "boxes.so", folder / "boxes.c"], check=True)
loader = importlib.machinery.ExtensionFileLoader("boxes", str(folder / "boxes.so"))
boxes = importlib.util.module_from_spec(importlib.util.spec_from_loader("boxes", loader))
loader.exec_module(boxes)
class Window:
    def __init__(self):
        self.pixels = bytearray(700)
        self.handle = boxes.Box(self)
def step():
    Window().pixels[0] = 1
