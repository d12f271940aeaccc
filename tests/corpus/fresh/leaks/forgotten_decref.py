import importlib.machinery, importlib.util, subprocess, sysconfig, tempfile
from pathlib import Path
SOURCE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *parse(PyObject *self, PyObject *args) {
    const char *text; Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "s#", &text, &size)) return NULL;
    PyObject *result = PyDict_New();
    if (!result) return NULL;
    PyObject *length = PyFloat_FromDouble((double)size);
    PyObject *words = PyUnicode_FromStringAndSize(text, size);
    if (PyDict_SetItemString(result, "size", length) < 0 || PyDict_SetItemString(result, "text", words) < 0)
        Py_CLEAR(result);
    Py_DECREF(length);
    return result;                      /* words: one reference too many */
}
static PyMethodDef methods[] = { {"parse", parse, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL} };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "quickparse", NULL, -1, methods };
PyMODINIT_FUNC PyInit_quickparse(void) { return PyModule_Create(&module); }
"""
folder = Path(tempfile.mkdtemp())
(folder / "quickparse.c").write_text(SOURCE)
subprocess.run(["cc", "-O1", "-g", "-shared", "-fPIC", "-I", sysconfig.get_path("include"), "-o", folder / "quickparse.so", folder / "quickparse.c"], check=True)
loader = importlib.machinery.ExtensionFileLoader("quickparse", str(folder / "quickparse.so"))
quickparse = importlib.util.module_from_spec(importlib.util.spec_from_loader("quickparse", loader))
loader.exec_module(quickparse)
n = 0
def step():
    global n
    n += 1
    assert quickparse.parse("line %d of the report" % n)["size"] > 5
