// mortmain._weak: weak containers for Python programs.
#include "weak.h"

static int type_add(PyObject *module, PyType_Spec spec, PyTypeObject *base, const char *name,
                    PyTypeObject **ret) {
    PyObject *bases = base == NULL ? NULL : PyTuple_Pack(1, base);
    if (base != NULL && bases == NULL) {
        return -1;
    }
    *ret = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, bases);
    Py_XDECREF(bases);
    if (*ret == NULL) {
        return -1;
    }
    return name == NULL ? 0 : PyModule_AddObjectRef(module, name, (PyObject *)*ret);
}

static int register_with(PyObject *abcs, const char *abc, PyTypeObject *type) {
    PyObject *class = PyObject_GetAttrString(abcs, abc);
    PyObject *done =
        class == NULL ? NULL : PyObject_CallMethod(class, "register", "O", (PyObject *)type);
    Py_XDECREF(class);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int weak_exec(PyObject *module) {
    weak_state *state = PyModule_GetState(module);
    if (type_add(module, weak_guard_spec(), NULL, NULL, &state->guard_type) < 0 ||
        type_add(module, weak_iterator_spec(), NULL, NULL, &state->iterator_type) < 0 ||
        type_add(module, weak_keyed_ref_spec(), &_PyWeakref_RefType, "KeyedRef",
                 &state->keyed_ref_type) < 0 ||
        type_add(module, weak_key_dict_spec(), NULL, "WeakKeyDictionary", &state->key_dict_type) <
            0 ||
        type_add(module, weak_id_dict_spec(), NULL, "WeakIdKeyDictionary", &state->id_dict_type) <
            0 ||
        type_add(module, weak_value_dict_spec(), NULL, "WeakValueDictionary",
                 &state->value_dict_type) < 0 ||
        type_add(module, weak_set_spec(), NULL, "WeakSet", &state->set_type) < 0) {
        return -1;
    }
    PyObject *abcs = PyImport_ImportModule("_collections_abc");
    if (abcs == NULL) {
        return -1;
    }
    state->mapping_abc = PyObject_GetAttrString(abcs, "Mapping");
    int result = state->mapping_abc == NULL ||
                         register_with(abcs, "MutableMapping", state->key_dict_type) < 0 ||
                         register_with(abcs, "MutableMapping", state->id_dict_type) < 0 ||
                         register_with(abcs, "MutableMapping", state->value_dict_type) < 0 ||
                         register_with(abcs, "MutableSet", state->set_type) < 0
                     ? -1
                     : 0;
    Py_DECREF(abcs);
    return result;
}

static int weak_traverse(PyObject *module, visitproc visit, void *arg) {
    const weak_state *state = PyModule_GetState(module);
    Py_VISIT(state->guard_type);
    Py_VISIT(state->keyed_ref_type);
    Py_VISIT(state->iterator_type);
    Py_VISIT(state->key_dict_type);
    Py_VISIT(state->id_dict_type);
    Py_VISIT(state->value_dict_type);
    Py_VISIT(state->set_type);
    Py_VISIT(state->mapping_abc);
    Py_VISIT(state->deepcopy);
    return 0;
}

static int weak_clear(PyObject *module) {
    weak_state *state = PyModule_GetState(module);
    Py_CLEAR(state->guard_type);
    Py_CLEAR(state->keyed_ref_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->key_dict_type);
    Py_CLEAR(state->id_dict_type);
    Py_CLEAR(state->value_dict_type);
    Py_CLEAR(state->set_type);
    Py_CLEAR(state->mapping_abc);
    Py_CLEAR(state->deepcopy);
    return 0;
}

#define FAST_NAMED(function) \
    ((PyCFunction)(void (*)(void))(function)), METH_FASTCALL | METH_KEYWORDS

static const PyMethodDef weak_functions[] = {
    {"sweep", FAST_NAMED(weak_sweep),
     "sweep($module, /, *tables, budget=None)\n--\n\n"
     "Take out the entries whose value alone leads back to the key; gives their number.\n\n"
     "Args:\n"
     "    tables: Dictionaries with weak keys of this module; none: all there are.\n"
     "    budget: Look at so many objects at most. What lies beyond counts as alive."},
    {"find_ephemeron_leaks", FAST_NAMED(weak_find_leaks),
     "find_ephemeron_leaks($module, /, *tables, budget=None)\n--\n\n"
     "Entries that are never freed because their value leads back to the key.\n\n"
     "Changes nothing. Gives a list of (dictionary, list of its keys).\n\n"
     "Args:\n"
     "    tables: Dictionaries with weak keys, the stdlib's too; none: all there are.\n"
     "    budget: Look at so many objects at most. What lies beyond counts as alive."},
    {NULL, NULL, 0, NULL},
};

static const PyModuleDef_Slot weak_slots[] = {
    {Py_mod_exec, (void *)weak_exec},
    MM_SLOT_OWN_LOCK MM_SLOT_LOCK{0, NULL},
};

PyModuleDef weak_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "mortmain._weak",
    .m_doc = "Weak containers in C: see mortmain.weak.",
    .m_size = sizeof(weak_state),
    .m_methods = (PyMethodDef *)weak_functions,
    .m_slots = (PyModuleDef_Slot *)weak_slots,
    .m_traverse = weak_traverse,
    .m_clear = weak_clear,
};

PyMODINIT_FUNC PyInit__weak(void) {
    return PyModuleDef_Init(&weak_module);
}
