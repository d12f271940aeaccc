// WeakKeyDictionary, WeakIdKeyDictionary and WeakValueDictionary. Their methods are the same: what
// differs is on which side of an entry the weak reference stands.
#include "weak.h"

// The two sides of an entry, both held. REQUIRES: its referent is alive.
static void pair_hold(const weak_table *table, Py_ssize_t at, PyObject **ret_key,
                      PyObject **ret_value) {
    const weak_entry *entry = weak_entry_at(table, at);
    PyObject *referent = weak_referent(entry->ref);
    *ret_key = Py_NewRef(table->kind == WEAK_VALUES ? entry->other : referent);
    *ret_value = Py_NewRef(table->kind == WEAK_VALUES ? referent : weak_entry_other(entry));
}

static PyObject *value_hold(const weak_table *table, Py_ssize_t at) {
    const weak_entry *entry = weak_entry_at(table, at);
    return Py_NewRef(table->kind == WEAK_VALUES ? weak_referent(entry->ref)
                                                : weak_entry_other(entry));
}

static int mapping_find(weak_object *self, PyObject *key, Py_hash_t *ret_hash, Py_ssize_t *ret_at) {
    return weak_table_look(&self->table, key, ret_hash, ret_at);
}

// As weak_table_put().
static int mapping_put(weak_object *self, PyObject *key, Py_hash_t hash, PyObject *value,
                       bool keep) {
    if (self->ephemeron) {
        return weak_ephemeron_put(self, key, hash, value, keep);
    }
    bool keys = self->table.kind != WEAK_VALUES;
    return weak_table_put(&self->table, key, hash, keys ? key : value, keys ? value : key, keep);
}

// Out of the table, its value to the caller.
static PyObject *value_take(weak_object *self, Py_ssize_t at) {
    PyObject *value = value_hold(&self->table, at);
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
        return value_hold(&object->table, at);
    }
    if (found == 0) {
        weak_key_error(key);
    }
    return NULL;
}

static int mapping_set_item(PyObject *self, PyObject *key, PyObject *value) {
    weak_object *object = (weak_object *)self;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (value != NULL) {
        if (!object->ephemeron && weak_table_spot(&object->table, key, &at) == 1) {
            weak_entry_set_other(weak_entry_at(&object->table, at), value);
            return 0;
        }
        hash = weak_table_hash(&object->table, key);
        return hash == -1 || mapping_put(object, key, hash, value, false) < 0 ? -1 : 0;
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

static int mapping_contains(PyObject *self, PyObject *key) {
    weak_object *object = (weak_object *)self;
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (object->table.kind != WEAK_VALUES && !PyType_SUPPORTS_WEAKREFS(Py_TYPE(key))) {
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
        return found < 0 ? NULL : value_hold(&((weak_object *)self)->table, at);
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
        int there = mapping_put(object, key, hash, value, true);
        if (there <= 0) {
            return there < 0 ? NULL : Py_NewRef(value);
        }
        found = weak_table_find(&object->table, key, hash, &at);
    }
    return found < 0 ? NULL : value_hold(&object->table, at);
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

static bool has_weak_values(PyObject *self) {
    return ((weak_object *)self)->table.kind == WEAK_VALUES;
}

static PyObject *mapping_iter(PyObject *self) {
    return weak_iterate((weak_object *)self,
                        has_weak_values(self) ? WEAK_GIVES_OTHERS : WEAK_GIVES_OBJECTS);
}

static PyObject *mapping_keys(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return mapping_iter(self);
}

static PyObject *mapping_values(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self,
                        has_weak_values(self) ? WEAK_GIVES_OBJECTS : WEAK_GIVES_OTHERS);
}

static PyObject *mapping_items(PyObject *self, PyObject *ignored) {
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
            Py_hash_t hash = weak_table_hash(&self->table, key);
            result = hash == -1 || mapping_put(self, key, hash, value, false) < 0 ? -1 : 0;
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

static PyObject *mapping_update(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (!has_weak_values(self) && kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
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
static int mapping_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    weak_table_clear(&((weak_object *)self)->table);
    if (has_weak_values(self)) {
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

// Put all entries into another table of the same kind. -1 with an exception set.
static int entries_copy(weak_object *from, weak_object *to) {
    weak_place place;
    PyObject *object = NULL;
    const weak_entry *entry = NULL;
    int result = 0;
    weak_place_enter(&place, &from->table);
    while (result >= 0 && (entry = weak_table_step(&from->table, &place, &object)) != NULL) {
        bool values = from->table.kind == WEAK_VALUES;
        Py_hash_t hash = entry->hash;
        PyObject *weak = Py_NewRef(object);
        PyObject *other = Py_NewRef(weak_entry_other(entry));
        result = mapping_put(to, values ? other : weak, hash, values ? weak : other, false);
        Py_DECREF(weak);
        Py_DECREF(other);
    }
    weak_place_leave(&place);
    return result;
}

// A new one of the plain type, as the stdlib's copy() makes, with the same entries.
static PyObject *mapping_copy(PyObject *self, PyObject *ignored) {
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
    if (copy != NULL && entries_copy((weak_object *)self, (weak_object *)copy) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

// Of a weak-key dict the values are copied, of a weak-value dict the keys.
static PyObject *mapping_deepcopy(PyObject *self, PyObject *memo) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *copy = state == NULL ? NULL : PyObject_CallNoArgs((PyObject *)Py_TYPE(self));
    if (copy != NULL && ((weak_object *)self)->ephemeron && weak_is_mapping(copy)) {
        ((weak_object *)copy)->ephemeron = true;
    }
    if (copy != NULL && weak_remember(memo, self, copy) < 0) {
        Py_CLEAR(copy);
    }
    PyObject *pairs = copy == NULL ? NULL : mapping_items(self, NULL);
    PyObject *pair = NULL;
    int result = pairs == NULL ? -1 : 0;
    Py_ssize_t side = has_weak_values(self) ? 0 : 1;
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
static PyObject *mapping_reduce(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *module = PyImport_ImportModule("copyreg");
    bool ephemeron = ((weak_object *)self)->ephemeron;
    const char *name = ephemeron ? "__newobj_ex__" : "__newobj__";
    PyObject *maker = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    PyObject *state = maker == NULL ? NULL : PyObject_CallMethod(self, "__getstate__", NULL);
    PyObject *pairs = state == NULL ? NULL : mapping_items(self, NULL);
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
static PyObject *mapping_data(PyObject *self, void *ignored) {
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
static int mapping_set_data(PyObject *self, PyObject *data, void *ignored) {
    (void)ignored;
    PyObject *pairs = pairs_of_data(data, has_weak_values(self));
    int result = -1;
    if (pairs != NULL) {
        weak_table_clear(&((weak_object *)self)->table);
        result = update_pairs((weak_object *)self, pairs);
        Py_DECREF(pairs);
    }
    return result;
}

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

// ---- operators ----------------------------------------------------------------------------------

static int is_mapping(PyObject *self, PyObject *object) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    return state == NULL ? -1 : PyObject_IsInstance(object, state->mapping_abc);
}

static int mapping_add(PyObject *self, PyObject *other) {
    return weak_is_exact(self) ? weak_mapping_update((weak_object *)self, other)
                               : weak_add_through(self, other);
}

static PyObject *mapping_or(PyObject *left, PyObject *right) {
    bool reflected = !weak_is_mapping(left);
    PyObject *self = reflected ? right : left;
    int fits = is_mapping(self, reflected ? left : right);
    if (fits <= 0) {
        return fits < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    PyObject *result = reflected             ? PyObject_CallNoArgs((PyObject *)Py_TYPE(self))
                       : weak_is_exact(self) ? mapping_copy(self, NULL)
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

static PyObject *mapping_or_in_place(PyObject *self, PyObject *other) {
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
                PyObject *mine = value_hold(&self->table, at);
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
static PyObject *mapping_compare(PyObject *self, PyObject *other, int how) {
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

static PyObject *mapping_repr(PyObject *self) {
    PyObject *name = PyType_GetName(Py_TYPE(self));
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("<%U at %p>", name, self);
    Py_XDECREF(name);
    return text;
}

// ---- the types ----------------------------------------------------------------------------------

// A new one, an ephemeron dict if asked here or by its type: a pickle does not call __init__().
static PyObject *keyed_new_with(PyTypeObject *type, weak_kind kind, PyObject *kwargs) {
    PyObject *asked = kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, "ephemeron");
    int ephemeron = asked == NULL ? 0 : PyObject_IsTrue(asked);
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
        {"items", mapping_items, METH_NOARGS,                                                    \
         "items($self, /)\n--\n\nAn iterator over (key, value)."},                               \
        {"update", FAST(mapping_update), METH_VARARGS | METH_KEYWORDS,                           \
         "Add all of a mapping, or of pairs."},                                                  \
        {"clear", weak_object_empty, METH_NOARGS, "clear($self, /)\n--\n\nTake all out."},       \
        {"copy", mapping_copy, METH_NOARGS,                                                      \
         "copy($self, /)\n--\n\nA new one with the same entries."},                              \
        {"__copy__", mapping_copy, METH_NOARGS, NULL},                                           \
        {"__deepcopy__", mapping_deepcopy, METH_O, NULL},                                        \
        {"__reduce__", mapping_reduce, METH_NOARGS, NULL},                                       \
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
        {"data", mapping_data, mapping_set_data,                                               \
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

#define MAPPING_SLOTS(new_function, methods, attributes, doc)                                     \
    {Py_tp_new, (void *)(new_function)}, {Py_tp_init, (void *)mapping_init},                      \
        {Py_tp_dealloc, (void *)weak_object_dealloc},                                             \
        {Py_tp_traverse, (void *)weak_object_traverse}, {Py_tp_clear, (void *)weak_object_clear}, \
        {Py_tp_methods, (void *)(methods)}, {Py_tp_members, (void *)weak_object_members},         \
        {Py_tp_getset, (void *)(attributes)}, {Py_tp_iter, (void *)mapping_iter},                 \
        {Py_tp_repr, (void *)mapping_repr}, {Py_tp_richcompare, (void *)mapping_compare},         \
        {Py_tp_hash, (void *)PyObject_HashNotImplemented}, {Py_tp_doc, (void *)(doc)},            \
        {Py_mp_length, (void *)weak_object_len}, {Py_mp_subscript, (void *)mapping_get_item},     \
        {Py_mp_ass_subscript, (void *)mapping_set_item},                                          \
        {Py_sq_contains, (void *)mapping_contains}, {Py_nb_or, (void *)mapping_or},               \
        {Py_nb_inplace_or, (void *)mapping_or_in_place}, {                                        \
        0, NULL                                                                                   \
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
        key_dict_new, key_methods, key_attributes,
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
        id_dict_new, key_methods, key_attributes,
        "WeakIdKeyDictionary(dict=None, *, ephemeron=False)\n--\n\n"
        "A WeakKeyDictionary whose keys are told apart by identity: for keys that cannot be\n"
        "hashed, or that compare element by element.")};
    return mapping_spec("mortmain.weak.WeakIdKeyDictionary", slots);
}

PyType_Spec weak_value_dict_spec(void) {
    static const PyType_Slot slots[] = {MAPPING_SLOTS(
        value_dict_new, value_methods, value_attributes,
        "Maps keys to values as long as the values live, as weakref.WeakValueDictionary does.")};
    return mapping_spec("mortmain.weak.WeakValueDictionary", slots);
}
