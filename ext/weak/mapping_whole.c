// What the weak dictionaries do with all entries at once: update() and __init__(), copies, pickles,
// `data`, `|` and `==`. See mapping.c.
//
// General note on reentrancy. All of it goes through the public face of the other mapping, and of
// subclasses of ours, so Python code runs between any two entries. Nothing is kept from one to the
// next but a place in the table, which the table moves along.
#include "mapping.h"

// ---- adding -------------------------------------------------------------------------------------

// An item's key and value, both new. -1 with an exception set.
static int pair_split(PyObject *pair, PyObject **ret_key, PyObject **ret_value) {
    PyObject *fast = PySequence_Fast(pair, "an item is no pair of key and value");
    bool fits = fast != NULL && PySequence_Fast_GET_SIZE(fast) == 2;
    if (fits) {
        *ret_key = Py_NewRef(PySequence_Fast_GET_ITEM(fast, 0));
        *ret_value = Py_NewRef(PySequence_Fast_GET_ITEM(fast, 1));
    } else if (fast != NULL) {
        PyErr_SetString(PyExc_ValueError, "an item is no pair of key and value");
    }
    Py_XDECREF(fast);
    return fits ? 0 : -1;
}

static int update_pairs(weak_object *self, PyObject *pairs) {
    PyObject *iterator = PyObject_GetIter(pairs);
    PyObject *pair = NULL;
    int result = iterator == NULL ? -1 : 0;
    while (result == 0 && (pair = PyIter_Next(iterator)) != NULL) {
        PyObject *key = NULL;
        PyObject *value = NULL;
        result = pair_split(pair, &key, &value);
        if (result == 0) {
            result = weak_mapping_set(self, key, value) < 0 ? -1 : 0;
            Py_DECREF(key);
            Py_DECREF(value);
        }
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}

int weak_mapping_update(weak_object *self, PyObject *other) {
    PyObject *source = Py_NewRef(other);
    PyObject *items = PyObject_GetAttrString(source, "items");
    if (items == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        if (self->table.kind == WEAK_IDS) {
            // Its keys may be such that no dict takes.
            int result = update_pairs(self, source);
            Py_DECREF(source);
            return result;
        }
        Py_SETREF(source, PyObject_CallOneArg((PyObject *)&PyDict_Type, source));
        items = source == NULL ? NULL : PyObject_GetAttrString(source, "items");
    }
    PyObject *pairs = items == NULL ? NULL : PyObject_CallNoArgs(items);
    int result = pairs == NULL ? -1 : update_pairs(self, pairs);
    Py_XDECREF(pairs);
    Py_XDECREF(items);
    Py_XDECREF(source);
    return result;
}

// Positional arguments and keywords of __init__() and update().
static int update_args(PyObject *self, PyObject *args, PyObject *kwargs, const char *name) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "%s expected at most 1 argument, got %zd", name, count);
        return -1;
    }
    PyObject *other = count > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
    if (other != Py_None && weak_mapping_update((weak_object *)self, other) < 0) {
        return -1;
    }
    return kwargs == NULL ? 0 : weak_mapping_update((weak_object *)self, kwargs);
}

PyObject *weak_mapping_update_with(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (!weak_has_weak_values(self) && kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError,
                        "Keyword arguments are not supported: "
                        "cannot create weak reference to 'str' object");
        return NULL;
    }
    if (update_args(self, args, kwargs, "update") < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

// A subclass's update() counts here, as in the stdlib's classes.
int weak_mapping_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    weak_table_clear(&((weak_object *)self)->table);
    if (weak_has_weak_values(self)) {
        if (weak_is_exact(self)) {
            return update_args(self, args, kwargs, "WeakValueDictionary");
        }
        PyObject *update = PyObject_GetAttrString(self, "update");
        PyObject *done = update == NULL ? NULL : PyObject_Call(update, args, kwargs);
        Py_XDECREF(update);
        Py_XDECREF(done);
        return done == NULL ? -1 : 0;
    }
    static const char *const names[] = {"dict", "ephemeron", NULL};
    PyObject *other = Py_None;
    int ephemeron = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$p", (char **)names, &other, &ephemeron)) {
        return -1;
    }
    ((weak_object *)self)->ephemeron |= ephemeron != 0;
    return other == Py_None      ? 0
           : weak_is_exact(self) ? weak_mapping_update((weak_object *)self, other)
                                 : weak_add_through(self, other);
}

// ---- copies -------------------------------------------------------------------------------------

// A new one of the plain type, as the stdlib's copy() makes, with the same entries.
PyObject *weak_mapping_copy(PyObject *self, PyObject *ignored) {
    (void)ignored;
    weak_state *state = weak_state_of(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    weak_kind kind = ((weak_object *)self)->table.kind;
    bool ephemeron = ((weak_object *)self)->ephemeron;
    PyTypeObject *type = kind == WEAK_VALUES ? state->value_dict_type
                         : kind == WEAK_IDS  ? state->id_dict_type
                         : ephemeron         ? state->ephemeron_dict_type
                                             : state->key_dict_type;
    PyObject *copy = weak_object_new(type, kind);
    if (copy != NULL) {
        ((weak_object *)copy)->ephemeron = ephemeron;
    }
    if (copy != NULL && weak_object_copy((weak_object *)copy, (weak_object *)self) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

// Of a weak-key dict the values are copied, of a weak-value dict the keys.
PyObject *weak_mapping_deepcopy(PyObject *self, PyObject *memo) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *copy = state == NULL ? NULL : PyObject_CallNoArgs((PyObject *)Py_TYPE(self));
    if (copy != NULL && ((weak_object *)self)->ephemeron && weak_is_mapping(copy)) {
        ((weak_object *)copy)->ephemeron = true;
    }
    if (copy != NULL && weak_remember(memo, self, copy) < 0) {
        Py_CLEAR(copy);
    }
    PyObject *pairs = copy == NULL ? NULL : weak_mapping_items(self, NULL);
    PyObject *pair = NULL;
    int result = pairs == NULL ? -1 : 0;
    Py_ssize_t side = weak_has_weak_values(self) ? 0 : 1;
    while (result == 0 && (pair = PyIter_Next(pairs)) != NULL) {
        PyObject *own = weak_deepcopy(state, PyTuple_GET_ITEM(pair, side), memo);
        PyObject *shared = PyTuple_GET_ITEM(pair, 1 - side);
        result = own == NULL
                     ? -1
                     : PyObject_SetItem(copy, side == 0 ? own : shared, side == 0 ? shared : own);
        Py_XDECREF(own);
        Py_DECREF(pair);
    }
    Py_XDECREF(pairs);
    if (result < 0 || PyErr_Occurred()) {
        Py_CLEAR(copy);
    }
    return copy;
}

// As a dict is pickled: __new__() makes it, then come the entries, then the attributes. So what a
// subclass's __init__() wants is its own affair.
PyObject *weak_mapping_reduce(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *module = PyImport_ImportModule("copyreg");
    bool ephemeron = ((weak_object *)self)->ephemeron;
    const char *name = ephemeron ? "__newobj_ex__" : "__newobj__";
    PyObject *maker = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    PyObject *state = maker == NULL ? NULL : PyObject_CallMethod(self, "__getstate__", NULL);
    PyObject *pairs = state == NULL ? NULL : weak_mapping_items(self, NULL);
    if (pairs == NULL) {
        Py_XDECREF(maker);
        Py_XDECREF(state);
        return NULL;
    }
    return ephemeron ? Py_BuildValue("N(O(){sO})NON", maker, Py_TYPE(self), "ephemeron", Py_True,
                                     state, Py_None, pairs)
                     : Py_BuildValue("N(O)NON", maker, Py_TYPE(self), state, Py_None, pairs);
}

// What the stdlib's classes keep inside: a snapshot here.
PyObject *weak_mapping_data(PyObject *self, void *ignored) {
    (void)ignored;
    weak_table *table = &((weak_object *)self)->table;
    PyObject *data = PyDict_New();
    PyObject *object = NULL;
    const weak_entry *entry = NULL;
    weak_place place;
    weak_place_enter(&place, table);
    while (data != NULL && (entry = weak_table_step(table, &place, &object)) != NULL) {
        PyObject *ref = Py_NewRef(entry->ref);
        PyObject *other = Py_NewRef(weak_entry_other(entry));
        bool values = table->kind == WEAK_VALUES;
        if (PyDict_SetItem(data, values ? other : ref, values ? ref : other) < 0) {
            Py_CLEAR(data);
        }
        Py_DECREF(ref);
        Py_DECREF(other);
    }
    weak_place_leave(&place);
    return data;
}

// The pairs of a dict that has weak references on one side: a list. NULL with an exception set.
static PyObject *pairs_of_data(PyObject *data, bool values) {
    if (data == NULL || !PyDict_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "data must be a dict");
        return NULL;
    }
    PyObject *items = PyDict_Items(data);
    PyObject *pairs = items == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; pairs != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        PyObject *ref = PyTuple_GET_ITEM(item, values ? 1 : 0);
        if (!PyWeakref_Check(ref)) {
            PyErr_SetString(PyExc_TypeError, "data must have weak references");
            Py_CLEAR(pairs);
            break;
        }
        PyObject *referent = weak_referent(ref);
        PyObject *other = PyTuple_GET_ITEM(item, values ? 0 : 1);
        if (referent != NULL) {
            Py_INCREF(referent);
            PyObject *pair = PyTuple_Pack(2, values ? other : referent, values ? referent : other);
            Py_DECREF(referent);
            if (pair == NULL || PyList_Append(pairs, pair) < 0) {
                Py_CLEAR(pairs);
            }
            Py_XDECREF(pair);
        }
    }
    Py_XDECREF(items);
    return pairs;
}

// Code that writes `data` gives a dict with weak references: the table is made anew from it.
int weak_mapping_set_data(PyObject *self, PyObject *data, void *ignored) {
    (void)ignored;
    PyObject *pairs = pairs_of_data(data, weak_has_weak_values(self));
    int result = -1;
    if (pairs != NULL) {
        weak_table_clear(&((weak_object *)self)->table);
        result = update_pairs((weak_object *)self, pairs);
        Py_DECREF(pairs);
    }
    return result;
}

// ---- operators ----------------------------------------------------------------------------------

static int is_mapping(PyObject *self, PyObject *object) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    return state == NULL ? -1 : PyObject_IsInstance(object, state->mapping_abc);
}

static int mapping_add(PyObject *self, PyObject *other) {
    return weak_is_exact(self) ? weak_mapping_update((weak_object *)self, other)
                               : weak_add_through(self, other);
}

PyObject *weak_mapping_or(PyObject *left, PyObject *right) {
    bool reflected = !weak_is_mapping(left);
    PyObject *self = reflected ? right : left;
    int fits = is_mapping(self, reflected ? left : right);
    if (fits <= 0) {
        return fits < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    PyObject *result = reflected             ? PyObject_CallNoArgs((PyObject *)Py_TYPE(self))
                       : weak_is_exact(self) ? weak_mapping_copy(self, NULL)
                                             : PyObject_CallMethod(self, "copy", NULL);
    if (result != NULL && !weak_is_mapping(result)) {
        PyErr_SetString(PyExc_TypeError, "copy() gave no weak dictionary");
        Py_CLEAR(result);
    }
    if (result != NULL &&
        ((reflected && mapping_add(result, left) < 0) || mapping_add(result, right) < 0)) {
        Py_CLEAR(result);
    }
    return result;
}

PyObject *weak_mapping_or_in_place(PyObject *self, PyObject *other) {
    return mapping_add(self, other) < 0 ? NULL : Py_NewRef(self);
}

// Has the other, a mapping or its items, the same keys by identity, with equal values? 1, 0, -1.
static int ids_equal(weak_object *self, PyObject *items) {
    PyObject *iterator = PyObject_GetIter(items);
    PyObject *pair = NULL;
    Py_ssize_t count = 0;
    int equal = iterator == NULL ? -1 : 1;
    while (equal > 0 && (pair = PyIter_Next(iterator)) != NULL) {
        PyObject *key = NULL;
        PyObject *value = NULL;
        equal = pair_split(pair, &key, &value);
        if (equal == 0) {
            Py_ssize_t at = 0;
            equal = weak_table_find(&self->table, key, MM_HASH_POINTER(key), &at);
            if (equal > 0) {
                PyObject *mine = weak_mapping_value(&self->table, at);
                equal = PyObject_RichCompareBool(mine, value, Py_EQ);
                Py_DECREF(mine);
            }
            Py_DECREF(key);
            Py_DECREF(value);
        }
        Py_DECREF(pair);
        count++;
    }
    Py_XDECREF(iterator);
    return equal < 0 || PyErr_Occurred() ? -1 : equal && count == self->table.live;
}

// dict(self.items()) == dict(other.items()), as collections.abc.Mapping has it.
PyObject *weak_mapping_compare(PyObject *self, PyObject *other, int how) {
    if (how != Py_EQ) {
        return how == Py_NE ? weak_unequal(self, other) : Py_NewRef(Py_NotImplemented);
    }
    int fits = is_mapping(self, other);
    if (fits <= 0) {
        return fits < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    PyObject *theirs = PyObject_CallMethod(other, "items", NULL);
    if (theirs != NULL && ((weak_object *)self)->table.kind == WEAK_IDS) {
        int equal = ids_equal((weak_object *)self, theirs);
        Py_DECREF(theirs);
        return equal < 0 ? NULL : PyBool_FromLong(equal);
    }
    PyObject *result = NULL;
    PyObject *mine = theirs == NULL ? NULL : PyObject_CallMethod(self, "items", NULL);
    if (mine != NULL) {
        Py_SETREF(mine, PyObject_CallOneArg((PyObject *)&PyDict_Type, mine));
        if (mine != NULL) {
            Py_SETREF(theirs, PyObject_CallOneArg((PyObject *)&PyDict_Type, theirs));
        }
        if (mine != NULL && theirs != NULL) {
            result = PyObject_RichCompare(mine, theirs, Py_EQ);
        }
    }
    Py_XDECREF(mine);
    Py_XDECREF(theirs);
    return result;
}
