// The step: loading what is to be called, and calling it so that nothing is left over.
//
// A file is no `__main__`: what stands behind `if __name__ == "__main__"` must not run. It becomes
// a module with the name that an import would give it, and its compiled form is not kept on disk,
// as Python keeps none of a script.
//
// General note on reentrancy: everything here runs Python code. No state is kept but in door_step,
// whose members are set when they are whole.
#include "step.h"

#include <string.h>

static PyObject *step_attribute_of(const char *module, const char *name) {
    PyObject *found = PyImport_ImportModule(module);
    PyObject *value = found == NULL ? NULL : PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    return value;
}

// The last part of a path, without ".py", as an import would call it: but never the name of a
// module that is there already.
static PyObject *module_name(PyObject *path) {
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    Py_ssize_t length = PyUnicode_GetLength(path);
    Py_ssize_t slash = PyUnicode_FindChar(path, '/', 0, length, -1);
    PyObject *name = slash < -1 ? NULL : PyUnicode_Substring(path, slash + 1, length - 3);
    while (name != NULL) {
        int known = PyDict_Contains(modules, name);
        if (known == 0) {
            return name;
        }
        Py_SETREF(name, known < 0 ? NULL : PyUnicode_FromFormat("%U_", name));
    }
    return NULL;
}

// A new module for a file, known to sys.modules, with nothing in it but what an import puts there.
static PyObject *module_make(PyObject *path, PyObject **ret_loader) {
    PyObject *module = NULL;
    PyObject *spec = NULL;
    PyObject *name = module_name(path);
    PyObject *find = step_attribute_of("_frozen_importlib_external", "spec_from_file_location");
    PyObject *make = step_attribute_of("_frozen_importlib", "module_from_spec");
    if (name == NULL || find == NULL || make == NULL) {
        goto done;
    }
    spec = PyObject_CallFunctionObjArgs(find, name, path, NULL);
    *ret_loader = spec == NULL ? NULL : PyObject_GetAttrString(spec, "loader");
    module = *ret_loader == NULL ? NULL : PyObject_CallOneArg(make, spec);
    if (module != NULL && PyObject_SetItem(PyImport_GetModuleDict(), name, module) < 0) {
        Py_CLEAR(module);
    }
done:
    Py_XDECREF(spec);
    Py_XDECREF(make);
    Py_XDECREF(find);
    Py_XDECREF(name);
    return module;
}

static PyObject *file_import(PyObject *path) {
    PyObject *loader = NULL;
    PyObject *data = NULL;
    PyObject *code = NULL;
    PyObject *result = NULL;
    PyObject *module = module_make(path, &loader);
    if (module == NULL) {
        goto done;
    }
    PyObject *names = PyModule_GetDict(module); /* borrowed */
    if (names == NULL || PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) < 0) {
        goto done;
    }
    data = PyObject_CallMethod(loader, "get_data", "O", path);
    code = data == NULL ? NULL : PyObject_CallMethod(loader, "source_to_code", "OO", data, path);
    result = code == NULL ? NULL : PyEval_EvalCode(code, names, names);
done:
    if (result == NULL) {
        Py_CLEAR(module);
    }
    Py_XDECREF(result);
    Py_XDECREF(code);
    Py_XDECREF(data);
    Py_XDECREF(loader);
    return module;
}

// A call of such a function makes a generator, and runs nothing of what is written in it.
static bool function_is_generator(PyObject *found) {
    PyObject *code = PyFunction_Check(found) ? PyFunction_GetCode(found) : NULL; /* borrowed */
    int flags = code != NULL ? ((PyCodeObject *)code)->co_flags : 0;
    return (flags & (CO_GENERATOR | CO_ASYNC_GENERATOR)) != 0;
}

// The attribute that a dotted name means.
static PyObject *name_find(PyObject *module, PyObject *target, PyObject *name) {
    PyObject *found = Py_NewRef(module);
    PyObject *parts = PyUnicode_Split(name, NULL, -1);
    PyObject *dot = PyUnicode_FromString(".");
    if (dot != NULL) {
        Py_XSETREF(parts, PyUnicode_Split(name, dot, -1));
    }
    Py_XDECREF(dot);
    if (parts == NULL) {
        Py_CLEAR(found);
    }
    for (Py_ssize_t i = 0; found != NULL && i < PyList_GET_SIZE(parts); i++) {
        Py_SETREF(found, PyObject_GetAttr(found, PyList_GET_ITEM(parts, i)));
    }
    Py_XDECREF(parts);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_AttributeError, "%R has no %R; name one of its functions", target, name);
    } else if (found != NULL && !PyCallable_Check(found)) {
        PyErr_Format(PyExc_TypeError, "%R of %R cannot be called; name a function", name, target);
        Py_CLEAR(found);
    } else if (found != NULL && function_is_generator(found)) {
        PyErr_Format(PyExc_TypeError,
                     "%R of %R is a generator, of which a call runs nothing; name a function that "
                     "goes through it",
                     name, target);
        Py_CLEAR(found);
    }
    return found;
}

static bool code_load(PyObject *statement, PyObject *setup, door_step *step) {
    PyObject *module = PyImport_AddModule("__main__"); /* borrowed */
    const char *first = PyUnicode_AsUTF8(setup);       /* borrowed */
    const char *again = PyUnicode_AsUTF8(statement);   /* borrowed */
    if (module == NULL || first == NULL || again == NULL) {
        return false;
    }
    PyObject *names = Py_NewRef(PyModule_GetDict(module));
    PyObject *code = Py_CompileString(first, "<setup>", Py_file_input);
    PyObject *done = code == NULL ? NULL : PyEval_EvalCode(code, names, names);
    Py_XDECREF(code);
    PyObject *call = done == NULL ? NULL : Py_CompileString(again, "<stmt>", Py_file_input);
    Py_XDECREF(done);
    if (call == NULL) {
        Py_DECREF(names);
        return false;
    }
    step->names = names;
    step->call = call;
    return true;
}

bool door_step_load(const char *kind, PyObject *target, PyObject *name, door_step *ret) {
    if (strcmp(kind, "code") == 0) {
        return code_load(target, name, ret);
    }
    PyObject *module = strcmp(kind, "file") == 0 ? file_import(target) : PyImport_Import(target);
    // An import answers the package; what is meant is the module itself.
    if (module != NULL && strcmp(kind, "module") == 0) {
        Py_SETREF(module, PyImport_GetModule(target));
        if (module == NULL && !PyErr_Occurred()) {
            PyErr_Format(PyExc_AttributeError, "%R took itself out of sys.modules", target);
        }
    }
    ret->call = module == NULL ? NULL : name_find(module, target, name);
    Py_XDECREF(module);
    return ret->call != NULL;
}

// Run a coroutine to its end; one runner, and so one event loop, for all steps.
static PyObject *coroutine_run(door_step *step, PyObject *coroutine) {
    if (step->runner == NULL) {
        PyObject *make = step_attribute_of("asyncio", "Runner");
        step->runner = make == NULL ? NULL : PyObject_CallNoArgs(make);
        Py_XDECREF(make);
    }
    return step->runner == NULL ? NULL : PyObject_CallMethod(step->runner, "run", "O", coroutine);
}

bool door_step_call(door_step *step) {
    PyObject *result = step->names != NULL ? PyEval_EvalCode(step->call, step->names, step->names)
                                           : PyObject_CallNoArgs(step->call);
    if (result != NULL && step->names == NULL && PyCoro_CheckExact(result)) {
        Py_SETREF(result, coroutine_run(step, result));
    }
    if (result == NULL) {
        return false;
    }
    Py_DECREF(result);
    return PyErr_CheckSignals() == 0;
}

void door_step_clear(door_step *step) {
    if (step->runner != NULL) {
        PyObject *closed = PyObject_CallMethod(step->runner, "close", NULL);
        if (closed == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(closed);
    }
    Py_CLEAR(step->runner);
    Py_CLEAR(step->call);
    Py_CLEAR(step->names);
}
