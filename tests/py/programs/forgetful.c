// A small extension module whose functions forget something, one thing each, and some that do not.
// The tests of `mortmain loop` build it with the running Python's headers.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>

enum { SMALL_BYTES = 200, LARGE_BYTES = 300000 };

// An object of a type of ours that nothing can be asked about: no attributes, not collected.
typedef struct {
    PyObject ob_base;
    PyObject *held;  // owned, and hidden from the collector
    double numbers[8];
} Token;

static void token_free(PyObject *self) {
    Py_XDECREF(((Token *)self)->held);
    PyObject_Free(self);
}

static PyObject *token_hold(PyObject *self, PyObject *other) {
    Py_XSETREF(((Token *)self)->held, Py_NewRef(other));
    Py_RETURN_NONE;
}

static PyMethodDef token_methods[] = {{"hold", token_hold, METH_O, NULL}, {NULL, NULL, 0, NULL}};

// It is in no namespace: only its objects lead to it.
static PyTypeObject token_type = {
    PyVarObject_HEAD_INIT(NULL, 0)  // has its comma
        .tp_name = "forgetful.Token",
    .tp_basicsize = sizeof(Token),
    .tp_dealloc = token_free,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = token_methods,
};

static PyObject *token_new(void) {
    Token *token = PyObject_New(Token, &token_type);
    if (token != NULL) {
        token->held = NULL;
    }
    return (PyObject *)token;
}

// Take one reference too many.
static PyObject *forget(PyObject *object) {
    if (object == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *leak_string(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(PyUnicode_FromFormat("a string of %d characters or so", 30));
}

static PyObject *leak_wide(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    PyObject *text = PyUnicode_New(400, 0x20ac);
    return text == NULL || PyUnicode_Fill(text, 0, 400, 0x20ac) < 0 ? NULL : forget(text);
}

static PyObject *leak_bytes(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(PyBytes_FromStringAndSize(NULL, LARGE_BYTES));
}

static PyObject *leak_tuple(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(Py_BuildValue("(ids)", 100000, 2.5, "three, and some more characters"));
}

static PyObject *leak_dict(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(Py_BuildValue("{s:i,s:i}", "first key", 100000, "second key", 200000));
}

static PyObject *leak_list(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(Py_BuildValue("[ii]", 100000, 200000));
}

static PyObject *leak_token(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return forget(token_new());
}

// Forgets the reference that it takes to its argument.
static PyObject *leak_argument(PyObject *module, PyObject *object) {
    (void)module;
    return forget(Py_NewRef(object));
}

static PyObject *make_token(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return token_new();
}

static PyObject *leak_malloc(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    char *block = malloc(SMALL_BYTES);
    if (block == NULL) {
        return PyErr_NoMemory();
    }
    memset(block, 1, SMALL_BYTES);
    Py_RETURN_NONE;
}

static PyObject *leak_raw(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    char *block = PyMem_Malloc(SMALL_BYTES);
    if (block == NULL) {
        return PyErr_NoMemory();
    }
    memset(block, 1, SMALL_BYTES);
    Py_RETURN_NONE;
}

// Forgets nothing: strings, tuples, tokens and memory come and go, a name is interned.
static PyObject *clean(PyObject *module, PyObject *object) {
    (void)module;
    PyObject *name = PyUnicode_InternFromString("the_name_of_an_attribute");
    PyObject *pair = Py_BuildValue("(sO)", "a string that goes", object);
    PyObject *token = token_new();
    char *block = PyMem_Malloc(SMALL_BYTES);
    PyObject *value = name == NULL ? NULL : PyObject_GetAttr(object, name);
    PyErr_Clear();
    PyMem_Free(block);
    Py_XDECREF(value);
    Py_XDECREF(token);
    Py_XDECREF(pair);
    Py_XDECREF(name);
    Py_RETURN_NONE;
}

// A registry that no Python object leads to; and one that keeps the last hundred.
static PyObject *registry;

static PyObject *leak_registered(PyObject *module, PyObject *object) {
    (void)module;
    PyObject *key = PyLong_FromSsize_t(PyDict_GET_SIZE(registry));
    int status = key == NULL ? -1 : PyDict_SetItem(registry, key, object);
    Py_XDECREF(key);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *recent;

static PyObject *remember(PyObject *module, PyObject *object) {
    (void)module;
    if (PyList_Append(recent, object) < 0 ||
        (PyList_GET_SIZE(recent) > 100 && PySequence_DelItem(recent, 0) < 0)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"string", leak_string, METH_NOARGS, NULL},
    {"wide", leak_wide, METH_NOARGS, NULL},
    {"large", leak_bytes, METH_NOARGS, NULL},
    {"tuple", leak_tuple, METH_NOARGS, NULL},
    {"dict", leak_dict, METH_NOARGS, NULL},
    {"list", leak_list, METH_NOARGS, NULL},
    {"token", leak_token, METH_NOARGS, NULL},
    {"argument", leak_argument, METH_O, NULL},
    {"make_token", make_token, METH_NOARGS, NULL},
    {"malloc", leak_malloc, METH_NOARGS, NULL},
    {"raw", leak_raw, METH_NOARGS, NULL},
    {"clean", clean, METH_O, NULL},
    {"register", leak_registered, METH_O, NULL},
    {"remember", remember, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int module_fill(PyObject *module) {
    (void)module;
    registry = PyDict_New();
    recent = PyList_New(0);
    return registry == NULL || recent == NULL ? -1 : PyType_Ready(&token_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)module_fill}, {0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "forgetful",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_forgetful(void);
PyMODINIT_FUNC PyInit_forgetful(void) {
    return PyModuleDef_Init(&definition);
}
