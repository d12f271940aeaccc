// An extension module with a type whose objects have a block of malloc beside them and say so to
// nobody: no tp_traverse, no attributes, no buffer. The tests of `mortmain loop` build it with the
// running Python's headers.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>

typedef struct {
    PyObject ob_base;
    size_t length;
    char *data;      // owned, unless there is a base
    PyObject *base;  // owned: the array that this is a view of; or NULL
} Array;

static void array_free(PyObject *self) {
    Array *array = (Array *)self;
    if (array->base == NULL) {
        free(array->data);
    }
    Py_XDECREF(array->base);
    PyObject_Free(self);
}

static PyTypeObject array_type = {
    PyVarObject_HEAD_INIT(NULL, 0)  // has its comma
        .tp_name = "owning_blocks.Array",
    .tp_basicsize = sizeof(Array),
    .tp_dealloc = array_free,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static PyObject *array_new(size_t length, char *data, PyObject *base) {
    Array *array = data == NULL ? NULL : PyObject_New(Array, &array_type);
    if (array == NULL) {
        return PyErr_NoMemory();
    }
    array->length = length;
    array->data = data;
    array->base = Py_XNewRef(base);
    return (PyObject *)array;
}

static PyObject *make(PyObject *module, PyObject *size) {
    (void)module;
    size_t length = PyLong_AsSize_t(size);
    if (PyErr_Occurred()) {
        return NULL;
    }
    char *data = malloc(length);
    if (data != NULL) {
        memset(data, 1, length);
    }
    return array_new(length, data, NULL);
}

static PyObject *view(PyObject *module, PyObject *object) {
    (void)module;
    Array *array = (Array *)object;
    return array_new(array->length, array->data, object);
}

// A block that no object has: the size of one that is lost.
static PyObject *lose(PyObject *module, PyObject *size) {
    (void)module;
    char *data = malloc(PyLong_AsSize_t(size));
    if (data != NULL) {
        *(volatile char *)data = 1;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"make", make, METH_O, NULL},
    {"view", view, METH_O, NULL},
    {"lose", lose, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int module_fill(PyObject *module) {
    (void)module;
    return PyType_Ready(&array_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)module_fill}, {0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "owning_blocks",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_owning_blocks(void) {
    return PyModuleDef_Init(&definition);
}
