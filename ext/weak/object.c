// What the four containers share: life and death of the object, and the iterator.
#include "weak.h"

weak_state *weak_state_of(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &weak_module);
    weak_state *state = module == NULL ? NULL : PyModule_GetState(module);
    // When an interpreter ends, containers may outlive what the module had.
    if (state != NULL && state->guard_type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "mortmain._weak was unloaded");
        return NULL;
    }
    return state;
}

const PyMemberDef weak_object_members[] = {
    {"__dictoffset__", MM_MEMBER_OFFSET, offsetof(weak_object, attributes), MM_MEMBER_READONLY,
     NULL},
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(weak_object, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyObject *weak_object_new(PyTypeObject *type, weak_kind kind) {
    weak_state *state = weak_state_of(type);
    weak_object *self = state == NULL ? NULL : (weak_object *)type->tp_alloc(type, 0);
    if (self != NULL &&
        weak_table_init(&self->table, kind, state->guard_type, state->keyed_ref_type) < 0) {
        self->table.mask = -1;
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

int weak_object_traverse(PyObject *self, visitproc visit, void *arg) {
    const weak_object *object = (weak_object *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(object->attributes);
    return weak_table_traverse(&object->table, visit, arg);
}

int weak_object_clear(PyObject *self) {
    weak_object *object = (weak_object *)self;
    weak_table_clear(&object->table);
    Py_CLEAR(object->attributes);
    return 0;
}

void weak_object_dealloc(PyObject *self) {
    weak_object *object = (weak_object *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, weak_object_dealloc) if (object->weak_list != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    weak_table_deinit(&object->table);
    Py_CLEAR(object->attributes);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

int weak_object_copy(weak_object *to, weak_object *from) {
    weak_table *table = &from->table;
    weak_place place;
    PyObject *object = NULL;
    const weak_entry *entry = NULL;
    int result = weak_table_reserve(&to->table, table->live);
    weak_place_enter(&place, table);
    while (result >= 0 && (entry = weak_table_step(table, &place, &object)) != NULL) {
        Py_hash_t hash = entry->hash;
        PyObject *weak = Py_NewRef(object);
        PyObject *other = table->kind == WEAK_MEMBERS ? NULL : Py_NewRef(weak_entry_other(entry));
        PyObject *key = table->kind == WEAK_VALUES ? other : weak;
        result = to->ephemeron ? weak_ephemeron_put(to, key, hash, other, false)
                               : weak_table_put_new(&to->table, -1, hash, weak, other);
        Py_DECREF(weak);
        Py_XDECREF(other);
    }
    weak_place_leave(&place);
    return result < 0 ? -1 : 0;
}

Py_ssize_t weak_object_len(PyObject *self) {
    return ((weak_object *)self)->table.live;
}

PyObject *weak_object_empty(PyObject *self, PyObject *ignored) {
    (void)ignored;
    weak_table_clear(&((weak_object *)self)->table);
    Py_RETURN_NONE;
}

PyObject *weak_object_sizeof(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const weak_object *object = (weak_object *)self;
    return PyLong_FromSize_t((size_t)Py_TYPE(self)->tp_basicsize +
                             weak_table_bytes(&object->table));
}

// The container that an object is, or NULL.
static const weak_object *container_of(PyObject *object) {
    const PyTypeObject *type = Py_TYPE(object);
    while (type != NULL && type->tp_dealloc != weak_object_dealloc) {
        type = type->tp_base;
    }
    return type == NULL ? NULL : (const weak_object *)object;
}

bool weak_is_set(PyObject *object) {
    const weak_object *container = container_of(object);
    return container != NULL && container->table.kind == WEAK_MEMBERS;
}

bool weak_is_mapping(PyObject *object) {
    const weak_object *container = container_of(object);
    return container != NULL && container->table.kind != WEAK_MEMBERS;
}

bool weak_is_exact(PyObject *self) {
    return Py_TYPE(self)->tp_base == &PyBaseObject_Type;
}

int weak_add_through(PyObject *self, PyObject *other) {
    PyObject *done = PyObject_CallMethod(self, "update", "O", other);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

PyObject *weak_unequal(PyObject *self, PyObject *other) {
    // By way of the type, which may have an __eq__ of its own.
    PyObject *equal = Py_TYPE(self)->tp_richcompare(self, other, Py_EQ);
    if (equal == NULL || equal == Py_NotImplemented) {
        return equal;
    }
    int truth = PyObject_IsTrue(equal);
    Py_DECREF(equal);
    return truth < 0 ? NULL : PyBool_FromLong(!truth);
}

void weak_key_error(PyObject *key) {
    // A tuple would be taken for the exception's arguments.
    PyObject *args = PyTuple_Pack(1, key);
    if (args != NULL) {
        PyErr_SetObject(PyExc_KeyError, args);
        Py_DECREF(args);
    }
}

bool weak_check_count(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most) {
    if (count >= least && count <= most) {
        return true;
    }
    PyErr_Format(PyExc_TypeError, "%s expected %s%zd argument%s, got %zd", name,
                 least == most   ? ""
                 : count < least ? "at least "
                                 : "at most ",
                 count < least ? least : most, (count < least ? least : most) == 1 ? "" : "s",
                 count);
    return false;
}

PyObject *weak_object_alias(PyObject *type, PyObject *item) {
    return Py_GenericAlias(type, item);
}

// Take over what __getstate__() gave: as copy and pickle do it.
static int state_set(PyObject *self, PyObject *given) {
    PyObject *done = NULL;
    if (PyObject_HasAttrString(self, "__setstate__")) {
        done = PyObject_CallMethod(self, "__setstate__", "O", given);
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    PyObject *attributes = given;
    PyObject *slots = Py_None;
    if (PyTuple_CheckExact(given) && PyTuple_GET_SIZE(given) == 2) {
        attributes = PyTuple_GET_ITEM(given, 0);
        slots = PyTuple_GET_ITEM(given, 1);
    }
    PyObject *own = attributes == Py_None ? NULL : PyObject_GenericGetDict(self, NULL);
    int result = attributes == Py_None ? 0 : own == NULL ? -1 : PyDict_Update(own, attributes);
    Py_XDECREF(own);
    Py_ssize_t at = 0;
    PyObject *name = NULL;
    PyObject *value = NULL;
    PyObject *copy = slots == Py_None || result < 0 ? NULL : PyDict_Copy(slots);
    while (result == 0 && copy != NULL && PyDict_Next(copy, &at, &name, &value)) {
        result = PyObject_SetAttr(self, name, value);
    }
    Py_XDECREF(copy);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}

int weak_state_copy(weak_state *state, PyObject *from, PyObject *to, PyObject *memo) {
    PyObject *given = PyObject_CallMethod(from, "__getstate__", NULL);
    if (given != NULL) {
        Py_SETREF(given, weak_deepcopy(state, given, memo));
    }
    int result = given == NULL ? -1 : given == Py_None ? 0 : state_set(to, given);
    Py_XDECREF(given);
    return result;
}

int weak_remember(PyObject *memo, PyObject *from, PyObject *to) {
    PyObject *address = PyLong_FromVoidPtr(from);
    int result = address == NULL ? -1 : PyObject_SetItem(memo, address, to);
    Py_XDECREF(address);
    return result;
}

PyObject *weak_deepcopy(weak_state *state, PyObject *object, PyObject *memo) {
    if (state->deepcopy == NULL) {
        PyObject *module = PyImport_ImportModule("copy");
        state->deepcopy = module == NULL ? NULL : PyObject_GetAttrString(module, "deepcopy");
        Py_XDECREF(module);
    }
    return state->deepcopy == NULL
               ? NULL
               : PyObject_CallFunctionObjArgs(state->deepcopy, object, memo, NULL);
}

// ---- the iterator -------------------------------------------------------------------------------

typedef struct weak_iterator {
    PyObject_HEAD weak_object *owner;  ///< NULL: at its end
    weak_place place;
    weak_gives gives;
    PyObject *pair;  ///< the last one given: used again if nobody else has it; or NULL
} weak_iterator;

PyObject *weak_iterate(weak_object *owner, weak_gives gives) {
    weak_state *state = weak_state_of(Py_TYPE(owner));
    weak_iterator *self =
        state == NULL ? NULL : PyObject_GC_New(weak_iterator, state->iterator_type);
    if (self == NULL) {
        return NULL;
    }
    self->owner = (weak_object *)Py_NewRef(owner);
    self->gives = gives;
    self->pair = NULL;
    weak_place_enter(&self->place, &owner->table);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static void iterator_end(weak_iterator *self) {
    weak_place_leave(&self->place);
    Py_CLEAR(self->owner);
    Py_CLEAR(self->pair);
}

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    iterator_end((weak_iterator *)self);
    type->tp_free(self);
    Py_DECREF(type);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((weak_iterator *)self)->owner);
    Py_VISIT(((weak_iterator *)self)->pair);
    return 0;
}

static int iterator_clear(PyObject *self) {
    iterator_end((weak_iterator *)self);
    return 0;
}

// Put an object into a tuple at the place of another, which is given up by the caller; NULL: it is
// the same one.
static inline PyObject *item_replace(PyObject *tuple, Py_ssize_t at, PyObject *item) {
    PyObject *was = PyTuple_GET_ITEM(tuple, at);
    if (was == item) {
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, at, Py_NewRef(item));
    return was;
}

// The last tuple with two other objects, as a dict's items() gives it. What it held is given up
// last, when all is as it should be. REQUIRES: nobody else has it.
static PyObject *pair_again(PyObject *pair, PyObject *first, PyObject *second) {
    Py_INCREF(pair);
    PyObject *was_first = item_replace(pair, 0, first);
    PyObject *was_second = item_replace(pair, 1, second);
    MM_TUPLE_FORGET_HASH(pair);
    // The collector stops looking at tuples in which it found nothing to collect.
    if (!PyObject_GC_IsTracked(pair)) {
        PyObject_GC_Track(pair);
    }
    Py_XDECREF(was_first);
    Py_XDECREF(was_second);
    return pair;
}

// A tuple of two objects: the last one again where nobody else has it.
static PyObject *pair_give(weak_iterator *iterator, PyObject *first, PyObject *second) {
    if (iterator->pair != NULL && Py_REFCNT(iterator->pair) == 1) {
        return pair_again(iterator->pair, first, second);
    }
    // Making it may start a collection.
    Py_INCREF(first);
    Py_INCREF(second);
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(first);
        Py_DECREF(second);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, first);
    PyTuple_SET_ITEM(pair, 1, second);
    Py_XSETREF(iterator->pair, Py_NewRef(pair));
    return pair;
}

static PyObject *iterator_next(PyObject *self) {
    weak_iterator *iterator = (weak_iterator *)self;
    PyObject *object = NULL;
    if (iterator->owner == NULL) {
        return NULL;
    }
    const weak_table *table = &iterator->owner->table;
    const weak_entry *entry = weak_table_step(table, &iterator->place, &object);
    if (entry == NULL) {
        iterator_end(iterator);
        return NULL;
    }
    switch (iterator->gives) {
        case WEAK_GIVES_OBJECTS:
            return Py_NewRef(object);
        case WEAK_GIVES_OTHERS:
            return Py_NewRef(weak_entry_other(entry));
        case WEAK_GIVES_REFS:
            return Py_NewRef(entry->ref);
        default:
            return table->kind == WEAK_VALUES
                       ? pair_give(iterator, entry->other, object)
                       : pair_give(iterator, object, weak_entry_other(entry));
    }
}

PyType_Spec weak_iterator_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)iterator_dealloc}, {Py_tp_traverse, (void *)iterator_traverse},
        {Py_tp_clear, (void *)iterator_clear},     {Py_tp_iter, (void *)PyObject_SelfIter},
        {Py_tp_iternext, (void *)iterator_next},   {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Iterator",
        .basicsize = sizeof(weak_iterator),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the keyed reference ------------------------------------------------------------------------

static PyObject *keyed_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *object = NULL;
    PyObject *callback = NULL;
    PyObject *key = NULL;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "KeyedRef() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_UnpackTuple(args, "KeyedRef", 3, 3, &object, &callback, &key)) {
        return NULL;
    }
    PyObject *pair = PyTuple_Pack(2, object, callback);
    PyObject *self = pair == NULL ? NULL : _PyWeakref_RefType.tp_new(type, pair, NULL);
    Py_XDECREF(pair);
    if (self != NULL) {
        ((weak_keyed_ref *)self)->key = Py_NewRef(key);
        ((weak_keyed_ref *)self)->key_hash = -1;
    }
    return self;
}

static int keyed_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    (void)self;
    (void)args;
    (void)kwargs;
    return 0;
}

static int keyed_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((weak_keyed_ref *)self)->key);
    return _PyWeakref_RefType.tp_traverse(self, visit, arg);
}

static int keyed_clear(PyObject *self) {
    Py_CLEAR(((weak_keyed_ref *)self)->key);
    return _PyWeakref_RefType.tp_clear(self);
}

static void keyed_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    // Before the trashcan, which may put off the rest: nobody may come here from the object.
    _PyWeakref_RefType.tp_clear(self);
    Py_TRASHCAN_BEGIN(self, keyed_dealloc) Py_CLEAR(((weak_keyed_ref *)self)->key);
    _PyWeakref_RefType.tp_dealloc(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const PyMemberDef keyed_members[] = {
    {"key", MM_MEMBER_OBJECT, offsetof(weak_keyed_ref, key), MM_MEMBER_READONLY,
     "The key under which it stands."},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_keyed_ref_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)keyed_new},
        {Py_tp_init, (void *)keyed_init},
        {Py_tp_traverse, (void *)keyed_traverse},
        {Py_tp_clear, (void *)keyed_clear},
        {Py_tp_dealloc, (void *)keyed_dealloc},
        {Py_tp_members, (void *)keyed_members},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.KeyedRef",
        .basicsize = sizeof(weak_keyed_ref),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = (PyType_Slot *)slots,
    };
}
