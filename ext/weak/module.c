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

// Types of cached_method, WeakLRU, WeakLink, WeakChildren and Bounded.
static int patterns_add(PyObject *module, weak_state *state) {
    weak_patterns *types = &state->patterns;
    PyObject *bases = PyTuple_Pack(2, PyExc_LookupError, PyExc_ReferenceError);
    types->dead_link_error =
        bases == NULL ? NULL
                      : PyErr_NewExceptionWithDoc("mortmain.weak.DeadLinkError",
                                                  "What a WeakLink leads to is gone.", bases, NULL);
    Py_XDECREF(bases);
    if (types->dead_link_error == NULL ||
        PyModule_AddObjectRef(module, "DeadLinkError", types->dead_link_error) < 0 ||
        type_add(module, weak_cached_spec(), NULL, NULL, &types->cached_type) < 0 ||
        type_add(module, weak_cached_bound_spec(), NULL, NULL, &types->cached_bound_type) < 0 ||
        type_add(module, weak_cached_store_spec(), NULL, NULL, &types->cached_store_type) < 0 ||
        type_add(module, weak_cached_thunk_spec(), NULL, NULL, &types->cached_thunk_type) < 0 ||
        type_add(module, weak_lru_ref_spec(), state->keyed_ref_type, NULL, &types->lru_ref_type) <
            0 ||
        type_add(module, weak_lru_spec(), NULL, "WeakLRU", &types->lru_type) < 0 ||
        type_add(module, weak_uplink_ref_spec(), &_PyWeakref_RefType, "LinkRef",
                 &types->link_ref_type) < 0 ||
        type_add(module, weak_uplink_spec(), NULL, "WeakLink", &types->link_type) < 0 ||
        type_add(module, weak_children_list_spec(), NULL, "ChildList", &types->children_list_type) <
            0 ||
        type_add(module, weak_children_spec(), NULL, "WeakChildren", &types->children_type) < 0 ||
        type_add(module, weak_bounded_spec(), NULL, "Bounded", &types->bounded_type) < 0) {
        return -1;
    }
    return 0;
}

static int weak_exec(PyObject *module) {
    weak_state *state = PyModule_GetState(module);
    if (type_add(module, weak_guard_spec(), NULL, NULL, &state->guard_type) < 0 ||
        type_add(module, weak_iterator_spec(), NULL, NULL, &state->iterator_type) < 0 ||
        type_add(module, weak_keyed_ref_spec(), &_PyWeakref_RefType, "KeyedRef",
                 &state->keyed_ref_type) < 0 ||
        type_add(module, weak_holder_spec(), NULL, NULL, &state->holder_type) < 0 ||
        type_add(module, weak_probe_spec(), NULL, NULL, &state->probe_type) < 0 ||
        type_add(module, weak_key_dict_spec(), NULL, "WeakKeyDictionary", &state->key_dict_type) <
            0 ||
        type_add(module, weak_ephemeron_dict_spec(), state->key_dict_type, "EphemeronDict",
                 &state->ephemeron_dict_type) < 0 ||
        type_add(module, weak_id_dict_spec(), NULL, "WeakIdKeyDictionary", &state->id_dict_type) <
            0 ||
        type_add(module, weak_value_dict_spec(), NULL, "WeakValueDictionary",
                 &state->value_dict_type) < 0 ||
        type_add(module, weak_set_spec(), NULL, "WeakSet", &state->set_type) < 0 ||
        weak_signals_init(module, &state->signals) < 0) {
        return -1;
    }
    state->holder_name = PyUnicode_InternFromString("__ephemerons__");
    PyObject *abcs = state->holder_name == NULL ? NULL : PyImport_ImportModule("_collections_abc");
    if (abcs == NULL) {
        return -1;
    }
    state->mapping_abc = PyObject_GetAttrString(abcs, "Mapping");
    int result =
        state->mapping_abc == NULL ||
                register_with(abcs, "MutableMapping", state->key_dict_type) < 0 ||
                register_with(abcs, "MutableMapping", state->id_dict_type) < 0 ||
                register_with(abcs, "MutableMapping", state->value_dict_type) < 0 ||
                register_with(abcs, "MutableSet", state->set_type) < 0 ||
                patterns_add(module, state) < 0 ||
                register_with(abcs, "MutableMapping", state->patterns.lru_type) < 0 ||
                register_with(abcs, "MutableSequence", state->patterns.children_list_type) < 0
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
    Py_VISIT(state->holder_type);
    Py_VISIT(state->probe_type);
    Py_VISIT(state->key_dict_type);
    Py_VISIT(state->ephemeron_dict_type);
    Py_VISIT(state->id_dict_type);
    Py_VISIT(state->value_dict_type);
    Py_VISIT(state->set_type);
    Py_VISIT(state->mapping_abc);
    Py_VISIT(state->deepcopy);
    int result = weak_patterns_traverse(&state->patterns, visit, arg);
    return result != 0 ? result : weak_signals_traverse(&state->signals, visit, arg);
}

static int weak_clear(PyObject *module) {
    weak_state *state = PyModule_GetState(module);
    Py_CLEAR(state->guard_type);
    Py_CLEAR(state->keyed_ref_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->holder_type);
    Py_CLEAR(state->probe_type);
    Py_CLEAR(state->key_dict_type);
    Py_CLEAR(state->ephemeron_dict_type);
    Py_CLEAR(state->holder_name);
    Py_CLEAR(state->id_dict_type);
    Py_CLEAR(state->value_dict_type);
    Py_CLEAR(state->set_type);
    Py_CLEAR(state->mapping_abc);
    Py_CLEAR(state->deepcopy);
    weak_patterns_clear(&state->patterns);
    weak_signals_clear(&state->signals);
    return 0;
}

// Where no collection came first: a module that failed to load, an interpreter that ends.
static void weak_free(void *module) {
    (void)weak_clear(module);
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
    {"cached_method", (PyCFunction)(void (*)(void))weak_cached_method, METH_VARARGS | METH_KEYWORDS,
     weak_cached_method_doc},
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
    .m_free = weak_free,
};

PyMODINIT_FUNC PyInit__weak(void) {
    return PyModuleDef_Init(&weak_module);
}
