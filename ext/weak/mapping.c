// WeakKeyDictionary, WeakIdKeyDictionary and WeakValueDictionary: their types, and what concerns
// one entry at a time. The methods are the same; what differs is on which side of an entry the weak
// reference stands. Whole dictionaries: mapping_whole.c.
#include "mapping.h"

// The two sides of an entry, both held. REQUIRES: its referent is alive.
static void pair_hold(const weak_table *table, Py_ssize_t at, PyObject **ret_key,
                      PyObject **ret_value) {
    const weak_entry *entry = weak_entry_at(table, at);
    PyObject *referent = weak_referent(entry->ref);
    *ret_key = Py_NewRef(table->kind == WEAK_VALUES ? entry->other : referent);
    *ret_value = Py_NewRef(table->kind == WEAK_VALUES ? referent : weak_entry_other(entry));
}

PyObject *weak_mapping_value(const weak_table *table, Py_ssize_t at) {
    const weak_entry *entry = weak_entry_at(table, at);
    return Py_NewRef(table->kind == WEAK_VALUES ? weak_referent(entry->ref)
                                                : weak_entry_other(entry));
}

static int mapping_find(weak_object *self, PyObject *key, Py_hash_t *ret_hash, Py_ssize_t *ret_at) {
    return weak_table_look(self->table.kind, &self->table, key, ret_hash, ret_at);
}

// Put a value in where there is none: as weak_table_put().
static int mapping_keep(weak_object *self, PyObject *key, Py_hash_t hash, PyObject *value) {
    if (self->ephemeron) {
        return weak_ephemeron_put(self, key, hash, value, true);
    }
    bool keys = self->table.kind != WEAK_VALUES;
    return weak_table_put(&self->table, key, hash, keys ? key : value, keys ? value : key, true);
}

int weak_mapping_set(weak_object *self, PyObject *key, PyObject *value) {
    weak_table *table = &self->table;
    if (self->ephemeron) {
        Py_hash_t hash = weak_table_hash(table, key);
        return hash == -1 ? -1 : weak_ephemeron_put(self, key, hash, value, false);
    }
    bool keys = table->kind != WEAK_VALUES;
    return weak_table_set(table->kind, table, keys ? key : value, keys ? value : key, false);
}

// Out of the table, its value to the caller.
static PyObject *value_take(weak_object *self, Py_ssize_t at) {
    PyObject *value = weak_mapping_value(&self->table, at);
    PyObject *ref = NULL;
    PyObject *other = NULL;
    weak_table_take(&self->table, at, &ref, &other);
    Py_DECREF(ref);
    Py_DECREF(other);
    return value;
}

// ---- subscripts ---------------------------------------------------------------------------------

static PyObject *mapping_get_item(PyObject *self, PyObject *key) {
    weak_object *object = (weak_object *)self;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    int found = mapping_find(object, key, &hash, &at);
    if (found > 0) {
        return weak_mapping_value(&object->table, at);
    }
    if (found == 0) {
        weak_key_error(key);
    }
    return NULL;
}

// The way of most: no call, and nothing to tell apart that the type tells.
static inline PyObject *item_get(weak_kind kind, PyObject *self, PyObject *key) {
    const weak_table *table = &((weak_object *)self)->table;
    Py_ssize_t at = 0;
    if (weak_table_spot(kind, table, key, &at)) {
        const weak_entry *entry = weak_entry_at(table, at);
        return Py_NewRef(kind == WEAK_VALUES ? weak_referent(entry->ref) : weak_entry_other(entry));
    }
    return mapping_get_item(self, key);
}

static int mapping_set_item(PyObject *self, PyObject *key, PyObject *value) {
    weak_object *object = (weak_object *)self;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (value != NULL) {
        return weak_mapping_set(object, key, value) < 0 ? -1 : 0;
    }
    int found = mapping_find(object, key, &hash, &at);
    if (found == 0) {
        weak_key_error(key);
    }
    if (found <= 0) {
        return -1;
    }
    Py_DECREF(value_take(object, at));
    return 0;
}

static inline int item_set(weak_kind kind, PyObject *self, PyObject *key, PyObject *value) {
    weak_object *object = (weak_object *)self;
    if (value == NULL || object->ephemeron) {
        return mapping_set_item(self, key, value);
    }
    bool keys = kind != WEAK_VALUES;
    int there = weak_table_set(kind, &object->table, keys ? key : value, keys ? value : key, false);
    return there < 0 ? -1 : 0;
}

// The slots of each type.
static PyObject *key_get_item(PyObject *self, PyObject *key) {
    return item_get(WEAK_KEYS, self, key);
}

static PyObject *id_get_item(PyObject *self, PyObject *key) {
    return item_get(WEAK_IDS, self, key);
}

static PyObject *value_get_item(PyObject *self, PyObject *key) {
    return item_get(WEAK_VALUES, self, key);
}

static int key_set_item(PyObject *self, PyObject *key, PyObject *value) {
    return item_set(WEAK_KEYS, self, key, value);
}

static int id_set_item(PyObject *self, PyObject *key, PyObject *value) {
    return item_set(WEAK_IDS, self, key, value);
}

static int value_set_item(PyObject *self, PyObject *key, PyObject *value) {
    return item_set(WEAK_VALUES, self, key, value);
}

static int mapping_contains(PyObject *self, PyObject *key) {
    weak_object *object = (weak_object *)self;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (object->table.kind != WEAK_VALUES && !MM_IS_REFERABLE(Py_TYPE(key))) {
        return 0;
    }
    return mapping_find(object, key, &hash, &at);
}

// get() and setdefault(): key and default, by place or by name. Both borrowed.
static bool key_and_default(const char *name, PyObject *const *args, Py_ssize_t count,
                            PyObject *names, PyObject **ret_key, PyObject **ret_default) {
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (named == 0 && (count == 1 || count == 2)) {
        *ret_key = args[0];
        *ret_default = count > 1 ? args[1] : Py_None;
        return true;
    }
    if (!weak_check_count(name, count + named, 1, 2)) {
        return false;
    }
    *ret_key = count > 0 ? args[0] : NULL;
    *ret_default = count > 1 ? args[1] : NULL;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *keyword = PyTuple_GET_ITEM(names, i);
        bool is_key = PyUnicode_CompareWithASCIIString(keyword, "key") == 0;
        bool is_default = PyUnicode_CompareWithASCIIString(keyword, "default") == 0;
        PyObject **ret = is_key ? ret_key : ret_default;
        if ((!is_key && !is_default) || *ret != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", name,
                         keyword);
            return false;
        }
        *ret = args[count + i];
    }
    if (*ret_key == NULL) {
        PyErr_Format(PyExc_TypeError, "%s() missing argument 'key'", name);
        return false;
    }
    *ret_default = *ret_default == NULL ? Py_None : *ret_default;
    return true;
}

static PyObject *mapping_get(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names) {
    PyObject *key = NULL;
    PyObject *other = NULL;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (!key_and_default("get", args, count, names, &key, &other)) {
        return NULL;
    }
    int found = mapping_find((weak_object *)self, key, &hash, &at);
    if (found != 0) {
        return found < 0 ? NULL : weak_mapping_value(&((weak_object *)self)->table, at);
    }
    return Py_NewRef(other);
}

static PyObject *mapping_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                    PyObject *names) {
    weak_object *object = (weak_object *)self;
    PyObject *key = NULL;
    PyObject *value = NULL;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (!key_and_default("setdefault", args, count, names, &key, &value)) {
        return NULL;
    }
    int found = mapping_find(object, key, &hash, &at);
    while (found == 0) {
        // Where somebody was quicker, theirs counts: all callers get the same value.
        int there = mapping_keep(object, key, hash, value);
        if (there <= 0) {
            return there < 0 ? NULL : Py_NewRef(value);
        }
        found = weak_table_find(&object->table, key, hash, &at);
    }
    return found < 0 ? NULL : weak_mapping_value(&object->table, at);
}

static PyObject *mapping_pop(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (!weak_check_count("pop", count, 1, 2)) {
        return NULL;
    }
    int found = mapping_find((weak_object *)self, args[0], &hash, &at);
    if (found != 0) {
        return found < 0 ? NULL : value_take((weak_object *)self, at);
    }
    if (count > 1) {
        return Py_NewRef(args[1]);
    }
    weak_key_error(args[0]);
    return NULL;
}

static PyObject *mapping_popitem(PyObject *self, PyObject *ignored) {
    (void)ignored;
    weak_object *object = (weak_object *)self;
    Py_ssize_t at = weak_table_last(&object->table);
    if (at < 0) {
        PyErr_SetString(PyExc_KeyError, "popitem(): dictionary is empty");
        return NULL;
    }
    PyObject *key = NULL;
    PyObject *value = NULL;
    PyObject *ref = NULL;
    PyObject *other = NULL;
    pair_hold(&object->table, at, &key, &value);
    weak_table_take(&object->table, at, &ref, &other);
    PyObject *pair = PyTuple_Pack(2, key, value);
    Py_DECREF(key);
    Py_DECREF(value);
    Py_DECREF(ref);
    Py_DECREF(other);
    return pair;
}

// ---- iteration ----------------------------------------------------------------------------------

static PyObject *mapping_iter(PyObject *self) {
    return weak_iterate((weak_object *)self,
                        weak_has_weak_values(self) ? WEAK_GIVES_OTHERS : WEAK_GIVES_OBJECTS);
}

static PyObject *mapping_keys(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return mapping_iter(self);
}

static PyObject *mapping_values(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self,
                        weak_has_weak_values(self) ? WEAK_GIVES_OBJECTS : WEAK_GIVES_OTHERS);
}

PyObject *weak_mapping_items(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self, WEAK_GIVES_PAIRS);
}

static PyObject *mapping_iter_refs(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self, WEAK_GIVES_REFS);
}

static PyObject *mapping_refs(PyObject *self, PyObject *ignored) {
    PyObject *iterator = mapping_iter_refs(self, ignored);
    PyObject *list = iterator == NULL ? NULL : PySequence_List(iterator);
    Py_XDECREF(iterator);
    return list;
}

// ---- attributes ---------------------------------------------------------------------------------

static PyObject *mapping_guard(PyObject *self, void *ignored) {
    (void)ignored;
    return Py_NewRef(((weak_object *)self)->table.guard);
}

static PyObject *mapping_ephemeron(PyObject *self, void *ignored) {
    (void)ignored;
    if (!((weak_object *)self)->ephemeron) {
        Py_RETURN_NONE;
    }
    weak_state *state = weak_state_of(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    bool collected = weak_ephemerons_by(state) == WEAK_BY_COLLECTOR;
    return PyUnicode_FromString(collected ? "collector" : "sweep");
}

static PyObject *mapping_repr(PyObject *self) {
    PyObject *name = PyType_GetName(Py_TYPE(self));
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("<%U at %p>", name, self);
    Py_XDECREF(name);
    return text;
}

// ---- the types ----------------------------------------------------------------------------------

// Is ephemeron= there, and true? -1 with an exception set on failure.
static int ephemeron_asked(PyObject *kwargs) {
    PyObject *name = kwargs == NULL ? NULL : PyUnicode_FromString("ephemeron");
    PyObject *asked = name == NULL ? NULL : PyDict_GetItemWithError(kwargs, name); /* borrowed */
    Py_XDECREF(name);
    return asked != NULL ? PyObject_IsTrue(asked) : PyErr_Occurred() != NULL ? -1 : 0;
}

// A new one, an ephemeron dict if asked here or by its type: a pickle does not call __init__().
static PyObject *keyed_new_with(PyTypeObject *type, weak_kind kind, PyObject *kwargs) {
    int ephemeron = ephemeron_asked(kwargs);
    weak_state *state = ephemeron < 0 ? NULL : weak_state_of(type);
    PyObject *self = state == NULL ? NULL : weak_object_new(type, kind);
    if (self != NULL) {
        ((weak_object *)self)->ephemeron =
            ephemeron != 0 || PyType_IsSubtype(type, state->ephemeron_dict_type);
    }
    return self;
}

static PyObject *key_dict_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args;
    return keyed_new_with(type, WEAK_KEYS, kwargs);
}

static PyObject *id_dict_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args;
    return keyed_new_with(type, WEAK_IDS, kwargs);
}

static PyObject *value_dict_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args;
    (void)kwargs;
    return weak_object_new(type, WEAK_VALUES);
}

#define FAST(function) ((PyCFunction)(void (*)(void))(function))
#define MAPPING_METHODS                                                                          \
    {"get", FAST(mapping_get), METH_FASTCALL | METH_KEYWORDS,                                    \
     "get($self, key, default=None)\n--\n\n"                                                     \
     "The value of a key, or the default."},                                                     \
        {"setdefault", FAST(mapping_setdefault), METH_FASTCALL | METH_KEYWORDS,                  \
         "setdefault($self, key, default=None)\n--\n\n"                                          \
         "The value of a key; where there is none the default, which is put in."},               \
        {"pop", FAST(mapping_pop), METH_FASTCALL,                                                \
         "Take a key out and return its value, or the default; KeyError without one."},          \
        {"popitem", mapping_popitem, METH_NOARGS,                                                \
         "popitem($self, /)\n--\n\n"                                                             \
         "Take the newest entry out: (key, value). KeyError when there is none."},               \
        {"keys", mapping_keys, METH_NOARGS, "keys($self, /)\n--\n\nAn iterator over the keys."}, \
        {"values", mapping_values, METH_NOARGS,                                                  \
         "values($self, /)\n--\n\nAn iterator over the values."},                                \
        {"items", weak_mapping_items, METH_NOARGS,                                               \
         "items($self, /)\n--\n\nAn iterator over (key, value)."},                               \
        {"update", FAST(weak_mapping_update_with), METH_VARARGS | METH_KEYWORDS,                 \
         "Add all of a mapping, or of pairs."},                                                  \
        {"clear", weak_object_empty, METH_NOARGS, "clear($self, /)\n--\n\nTake all out."},       \
        {"copy", weak_mapping_copy, METH_NOARGS,                                                 \
         "copy($self, /)\n--\n\nA new one with the same entries."},                              \
        {"__copy__", weak_mapping_copy, METH_NOARGS, NULL},                                      \
        {"__deepcopy__", weak_mapping_deepcopy, METH_O, NULL},                                   \
        {"__reduce__", weak_mapping_reduce, METH_NOARGS, NULL},                                  \
        {"__sizeof__", weak_object_sizeof, METH_NOARGS, NULL}, {                                 \
        "__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL                        \
    }

static const PyMethodDef key_methods[] = {
    MAPPING_METHODS,
    {"keyrefs", mapping_refs, METH_NOARGS,
     "keyrefs($self, /)\n--\n\nA list of weak references to the keys."},
    {NULL, NULL, 0, NULL},
};

static const PyMethodDef value_methods[] = {
    MAPPING_METHODS,
    {"valuerefs", mapping_refs, METH_NOARGS,
     "valuerefs($self, /)\n--\n\nA list of weak references to the values; each has its key."},
    {"itervaluerefs", mapping_iter_refs, METH_NOARGS,
     "itervaluerefs($self, /)\n--\n\nAn iterator over weak references to the values."},
    {NULL, NULL, 0, NULL},
};

#define MAPPING_ATTRIBUTES                                                                     \
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},                \
        {"data", weak_mapping_data, weak_mapping_set_data,                                     \
         "A dict with the weak references, made now. Setting it replaces the entries.", NULL}, \
    {                                                                                          \
        "_remove", mapping_guard, NULL, "The callback of the weak references.", NULL           \
    }

static const PyGetSetDef key_attributes[] = {
    MAPPING_ATTRIBUTES,
    {"ephemeron", mapping_ephemeron, NULL,
     "Who frees a value that leads back to its key: 'collector', or 'sweep' where this\n"
     "interpreter's is not known; None: nobody, the dictionary holds its values.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const PyGetSetDef value_attributes[] = {
    MAPPING_ATTRIBUTES,
    {NULL, NULL, NULL, NULL, NULL},
};

#define MAPPING_SLOTS(new_function, get_item, set_item, methods, attributes, doc)                  \
    {Py_tp_new, (void *)(new_function)}, {Py_tp_init, (void *)weak_mapping_init},                  \
        {Py_tp_dealloc, (void *)weak_object_dealloc},                                              \
        {Py_tp_traverse, (void *)weak_object_traverse}, {Py_tp_clear, (void *)weak_object_clear},  \
        {Py_tp_methods, (void *)(methods)}, {Py_tp_members, (void *)weak_object_members},          \
        {Py_tp_getset, (void *)(attributes)}, {Py_tp_iter, (void *)mapping_iter},                  \
        {Py_tp_repr, (void *)mapping_repr}, {Py_tp_richcompare, (void *)weak_mapping_compare},     \
        {Py_tp_hash, (void *)PyObject_HashNotImplemented}, {Py_tp_doc, (void *)(doc)},             \
        {Py_mp_length, (void *)weak_object_len}, {Py_mp_subscript, (void *)(get_item)},            \
        {Py_mp_ass_subscript, (void *)(set_item)}, {Py_sq_contains, (void *)mapping_contains},     \
        {Py_nb_or, (void *)weak_mapping_or}, {Py_nb_inplace_or, (void *)weak_mapping_or_in_place}, \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static PyType_Spec mapping_spec(const char *name, const PyType_Slot *slots) {
    return (PyType_Spec){
        .name = name,
        .basicsize = sizeof(weak_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_MAPPING,
        .slots = (PyType_Slot *)slots,
    };
}

PyType_Spec weak_key_dict_spec(void) {
    static const PyType_Slot slots[] = {MAPPING_SLOTS(
        key_dict_new, key_get_item, key_set_item, key_methods, key_attributes,
        "WeakKeyDictionary(dict=None, *, ephemeron=False)\n--\n\n"
        "Maps keys to values as long as the keys live, as weakref.WeakKeyDictionary does.")};
    return mapping_spec("mortmain.weak.WeakKeyDictionary", slots);
}

PyType_Spec weak_ephemeron_dict_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)weak_object_dealloc},
        {Py_tp_traverse, (void *)weak_object_traverse},
        {Py_tp_clear, (void *)weak_object_clear},
        {Py_tp_doc,
         "EphemeronDict(dict=None)\n--\n\n"
         "A WeakKeyDictionary(ephemeron=True): what a value refers to does not keep its key."},
        {0, NULL},
    };
    return mapping_spec("mortmain.weak.EphemeronDict", slots);
}

PyType_Spec weak_id_dict_spec(void) {
    static const PyType_Slot slots[] = {MAPPING_SLOTS(
        id_dict_new, id_get_item, id_set_item, key_methods, key_attributes,
        "WeakIdKeyDictionary(dict=None, *, ephemeron=False)\n--\n\n"
        "A WeakKeyDictionary whose keys are told apart by identity: for keys that cannot be\n"
        "hashed, or that compare element by element.")};
    return mapping_spec("mortmain.weak.WeakIdKeyDictionary", slots);
}

PyType_Spec weak_value_dict_spec(void) {
    static const PyType_Slot slots[] = {MAPPING_SLOTS(
        value_dict_new, value_get_item, value_set_item, value_methods, value_attributes,
        "Maps keys to values as long as the values live, as weakref.WeakValueDictionary does.")};
    return mapping_spec("mortmain.weak.WeakValueDictionary", slots);
}
