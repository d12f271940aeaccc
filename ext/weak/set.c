// WeakSet. Whatever changes it takes out and adds what must be, and no more: what stays keeps its
// place and its weak reference, and live iterators theirs.
#include "weak.h"

static weak_table *table_of(PyObject *self) {
    return &((weak_object *)self)->table;
}

static int set_find(PyObject *self, PyObject *item, Py_hash_t *ret_hash, Py_ssize_t *ret_at) {
    return weak_table_look(WEAK_MEMBERS, table_of(self), item, ret_hash, ret_at);
}

static int set_add_item(PyObject *self, PyObject *item) {
    return weak_table_set(WEAK_MEMBERS, table_of(self), item, NULL, true);
}

// 1: it was a member, and is none now; 0; -1 with an exception set.
static int set_drop_item(PyObject *self, PyObject *item) {
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    int found = set_find(self, item, &hash, &at);
    if (found > 0) {
        PyObject *ref = NULL;
        PyObject *other = NULL;
        weak_table_take(table_of(self), at, &ref, &other);
        Py_DECREF(ref);
    }
    return found;
}

// Add them, through the add() of a subclass.
static int set_add_all(PyObject *self, PyObject *items) {
    PyObject *iterator = PyObject_GetIter(items);
    PyObject *item = NULL;
    int result = iterator == NULL ? -1 : 0;
    bool exact = weak_is_exact(self);
    while (result >= 0 && (item = PyIter_Next(iterator)) != NULL) {
        if (exact) {
            result = set_add_item(self, item);
        } else {
            PyObject *done = PyObject_CallMethod(self, "add", "O", item);
            result = done == NULL ? -1 : 0;
            Py_XDECREF(done);
        }
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}

// ---- membership ---------------------------------------------------------------------------------

static int set_contains(PyObject *self, PyObject *item) {
    Py_hash_t hash = 0;
    Py_ssize_t at = 0;
    if (!MM_IS_REFERABLE(Py_TYPE(item))) {
        return 0;
    }
    return set_find(self, item, &hash, &at);
}

static PyObject *set_iter(PyObject *self) {
    return weak_iterate((weak_object *)self, WEAK_GIVES_OBJECTS);
}

static PyObject *set_add(PyObject *self, PyObject *item) {
    return set_add_item(self, item) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *set_discard(PyObject *self, PyObject *item) {
    return set_drop_item(self, item) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *set_remove(PyObject *self, PyObject *item) {
    int dropped = set_drop_item(self, item);
    if (dropped == 0) {
        weak_key_error(item);
    }
    return dropped <= 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *set_pop(PyObject *self, PyObject *ignored) {
    (void)ignored;
    weak_table *table = table_of(self);
    Py_ssize_t at = weak_table_last(table);
    if (at < 0) {
        PyErr_SetString(PyExc_KeyError, "pop from empty WeakSet");
        return NULL;
    }
    PyObject *ref = NULL;
    PyObject *other = NULL;
    PyObject *item = Py_NewRef(weak_referent(weak_entry_at(table, at)->ref));
    weak_table_take(table, at, &ref, &other);
    Py_DECREF(ref);
    return item;
}

// ---- algebra ------------------------------------------------------------------------------------

// A new one of the type of `self`, with these members.
static PyObject *set_of(PyObject *self, PyObject *members) {
    if (!weak_is_exact(self)) {
        return PyObject_CallOneArg((PyObject *)Py_TYPE(self), members);
    }
    PyObject *result = weak_object_new(Py_TYPE(self), WEAK_MEMBERS);
    if (result != NULL && set_add_all(result, members) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *set_copy(PyObject *self, PyObject *ignored) {
    (void)ignored;
    if (!weak_is_exact(self)) {
        return set_of(self, self);
    }
    PyObject *copy = weak_object_new(Py_TYPE(self), WEAK_MEMBERS);
    if (copy != NULL && weak_object_copy((weak_object *)copy, (weak_object *)self) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

// The copy() of a subclass counts.
static PyObject *set_copied(PyObject *self) {
    return weak_is_exact(self) ? set_copy(self, NULL) : PyObject_CallMethod(self, "copy", NULL);
}

// Items without those that equal another, in their order: a dict, whose keys they are.
static PyObject *items_distinct(PyObject *items) {
    PyObject *iterator = PyObject_GetIter(items);
    PyObject *distinct = iterator == NULL ? NULL : PyDict_New();
    PyObject *item = NULL;
    while (distinct != NULL && (item = PyIter_Next(iterator)) != NULL) {
        if (PyDict_SetItem(distinct, item, Py_None) < 0) {
            Py_CLEAR(distinct);
        }
        Py_DECREF(item);
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(distinct);
    }
    Py_XDECREF(iterator);
    return distinct;
}

// The members that equal one of the items, told apart by identity: a WeakIdKeyDictionary, and a
// list that holds them meanwhile. -1 with an exception set.
static int members_in(PyObject *self, PyObject *items, PyObject **ret_members,
                      PyObject **ret_held) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *members = state == NULL ? NULL : weak_object_new(state->id_dict_type, WEAK_IDS);
    PyObject *held = members == NULL ? NULL : PyList_New(0);
    PyObject *iterator = held == NULL ? NULL : PyObject_GetIter(items);
    PyObject *item = NULL;
    int result = iterator == NULL ? -1 : 0;
    while (result == 0 && (item = PyIter_Next(iterator)) != NULL) {
        Py_hash_t hash = 0;
        Py_ssize_t at = 0;
        int found = set_find(self, item, &hash, &at);
        result = found < 0 ? -1 : 0;
        if (found > 0) {
            PyObject *member = Py_NewRef(weak_referent(weak_entry_at(table_of(self), at)->ref));
            hash = weak_table_hash(table_of(members), member);
            result =
                PyList_Append(held, member) < 0 ||
                        weak_table_put(table_of(members), member, hash, member, Py_None, true) < 0
                    ? -1
                    : 0;
            Py_DECREF(member);
        }
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    if (result < 0 || PyErr_Occurred()) {
        Py_CLEAR(members);
        Py_CLEAR(held);
    }
    *ret_members = members;
    *ret_held = held;
    return members == NULL ? -1 : 0;
}

// Is an object a key of such a WeakIdKeyDictionary? Runs no code.
static bool is_among(PyObject *members, PyObject *member) {
    Py_ssize_t at = 0;
    return weak_table_find(table_of(members), member, MM_HASH_POINTER(member), &at) > 0;
}

static PyObject *set_union(PyObject *self, PyObject *other) {
    PyObject *items = PySequence_List(self);
    PyObject *more = items == NULL ? NULL : PySequence_List(other);
    if (more != NULL) {
        Py_SETREF(more, PySequence_InPlaceConcat(items, more));
    }
    PyObject *result = more == NULL ? NULL : set_of(self, more);
    Py_XDECREF(more);
    Py_XDECREF(items);
    return result;
}

static PyObject *set_update(PyObject *self, PyObject *other) {
    return set_add_all(self, other) < 0 ? NULL : Py_NewRef(Py_None);
}

// The other's items that are members: a list.
static PyObject *items_shared(PyObject *self, PyObject *other) {
    PyObject *iterator = PyObject_GetIter(other);
    PyObject *shared = iterator == NULL ? NULL : PyList_New(0);
    PyObject *item = NULL;
    while (shared != NULL && (item = PyIter_Next(iterator)) != NULL) {
        int found = PySequence_Contains(self, item);
        if (found < 0 || (found > 0 && PyList_Append(shared, item) < 0)) {
            Py_CLEAR(shared);
        }
        Py_DECREF(item);
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(shared);
    }
    Py_XDECREF(iterator);
    return shared;
}

static PyObject *set_intersection(PyObject *self, PyObject *other) {
    PyObject *shared = items_shared(self, other);
    PyObject *result = shared == NULL ? NULL : set_of(self, shared);
    Py_XDECREF(shared);
    return result;
}

static PyObject *set_isdisjoint(PyObject *self, PyObject *other) {
    PyObject *shared = items_shared(self, other);
    PyObject *result = shared == NULL ? NULL : PyBool_FromLong(PyList_GET_SIZE(shared) == 0);
    Py_XDECREF(shared);
    return result;
}

static PyObject *set_intersection_update(PyObject *self, PyObject *other) {
    PyObject *kept = NULL;
    PyObject *held = NULL;
    PyObject *mine = members_in(self, other, &kept, &held) < 0 ? NULL : PySequence_List(self);
    for (Py_ssize_t i = 0; mine != NULL && i < PyList_GET_SIZE(mine); i++) {
        PyObject *member = PyList_GET_ITEM(mine, i);
        if (!is_among(kept, member) && set_drop_item(self, member) < 0) {
            Py_CLEAR(mine);
        }
    }
    PyObject *result = mine == NULL ? NULL : Py_NewRef(Py_None);
    Py_XDECREF(mine);
    Py_XDECREF(held);
    Py_XDECREF(kept);
    return result;
}

static PyObject *set_difference_update(PyObject *self, PyObject *other) {
    if (self == other) {
        return weak_object_empty(self, NULL);
    }
    PyObject *iterator = PyObject_GetIter(other);
    PyObject *item = NULL;
    int result = iterator == NULL ? -1 : 0;
    while (result >= 0 && (item = PyIter_Next(iterator)) != NULL) {
        result = set_drop_item(self, item);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return result < 0 || PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *set_symmetric_difference_update(PyObject *self, PyObject *other) {
    if (self == other) {
        return weak_object_empty(self, NULL);
    }
    PyObject *distinct = items_distinct(other);
    PyObject *items = distinct == NULL ? NULL : PyDict_Keys(distinct);
    int result = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; result >= 0 && i < PyList_GET_SIZE(items); i++) {
        result = set_drop_item(self, PyList_GET_ITEM(items, i));
        if (result == 0) {
            result = set_add_item(self, PyList_GET_ITEM(items, i));
        }
    }
    Py_XDECREF(items);
    Py_XDECREF(distinct);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

// A copy that was changed.
static PyObject *set_changed(PyObject *self, PyObject *other, const char *name,
                             PyCFunction change) {
    PyObject *result = set_copied(self);
    PyObject *done = result == NULL         ? NULL
                     : !weak_is_set(result) ? PyObject_CallMethod(result, name, "O", other)
                                            : change(result, other);
    if (done == NULL) {
        Py_CLEAR(result);
    }
    Py_XDECREF(done);
    return result;
}

static PyObject *set_difference(PyObject *self, PyObject *other) {
    return set_changed(self, other, "difference_update", set_difference_update);
}

static PyObject *set_symmetric_difference(PyObject *self, PyObject *other) {
    return set_changed(self, other, "symmetric_difference_update", set_symmetric_difference_update);
}

static PyObject *set_issuperset(PyObject *self, PyObject *other) {
    PyObject *iterator = PyObject_GetIter(other);
    PyObject *item = NULL;
    int found = iterator == NULL ? -1 : 1;
    while (found > 0 && (item = PyIter_Next(iterator)) != NULL) {
        Py_hash_t hash = 0;
        Py_ssize_t at = 0;
        found = set_find(self, item, &hash, &at);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return found < 0 || PyErr_Occurred() ? NULL : PyBool_FromLong(found);
}

static PyObject *set_issubset(PyObject *self, PyObject *other) {
    PyObject *found = NULL;
    PyObject *held = NULL;
    PyObject *mine = members_in(self, other, &found, &held) < 0 ? NULL : PySequence_List(self);
    bool all = true;
    for (Py_ssize_t i = 0; mine != NULL && all && i < PyList_GET_SIZE(mine); i++) {
        all = is_among(found, PyList_GET_ITEM(mine, i));
    }
    PyObject *result = mine == NULL ? NULL : PyBool_FromLong(all);
    Py_XDECREF(mine);
    Py_XDECREF(held);
    Py_XDECREF(found);
    return result;
}

// ---- operators ----------------------------------------------------------------------------------

// The right operand must be iterable, as the stdlib's; nothing is done for another left one.
static PyObject *operate(PyObject *left, PyObject *right, PyCFunction method) {
    if (!weak_is_set(left)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return method(left, right);
}

static PyObject *set_or(PyObject *left, PyObject *right) {
    return operate(left, right, set_union);
}

static PyObject *set_and(PyObject *left, PyObject *right) {
    return operate(left, right, set_intersection);
}

static PyObject *set_sub(PyObject *left, PyObject *right) {
    return operate(left, right, set_difference);
}

static PyObject *set_xor(PyObject *left, PyObject *right) {
    return operate(left, right, set_symmetric_difference);
}

static PyObject *in_place(PyObject *self, PyObject *done) {
    if (done == NULL) {
        return NULL;
    }
    Py_DECREF(done);
    return Py_NewRef(self);
}

static PyObject *set_ior(PyObject *self, PyObject *other) {
    int result = weak_is_exact(self) ? set_add_all(self, other) : weak_add_through(self, other);
    return result < 0 ? NULL : Py_NewRef(self);
}

static PyObject *set_iand(PyObject *self, PyObject *other) {
    return in_place(self, set_intersection_update(self, other));
}

static PyObject *set_isub(PyObject *self, PyObject *other) {
    return in_place(self, set_difference_update(self, other));
}

static PyObject *set_ixor(PyObject *self, PyObject *other) {
    return in_place(self, set_symmetric_difference_update(self, other));
}

static PyObject *set_compare(PyObject *self, PyObject *other, int how) {
    if (how == Py_NE) {
        return weak_unequal(self, other);
    }
    bool ordered = how != Py_EQ;
    int fits = ordered ? 1 : PyObject_IsInstance(other, (PyObject *)Py_TYPE(self));
    if (fits <= 0) {
        return fits < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    // The members, held.
    PyObject *mine = PySet_New(self);
    PyObject *theirs = mine == NULL ? NULL : PySet_New(other);
    PyObject *result = theirs == NULL ? NULL : PyObject_RichCompare(mine, theirs, how);
    Py_XDECREF(theirs);
    Py_XDECREF(mine);
    return result;
}

// ---- the object ---------------------------------------------------------------------------------

static PyObject *set_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args;
    (void)kwargs;
    return weak_object_new(type, WEAK_MEMBERS);
}

static int set_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"data", NULL};
    PyObject *items = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:WeakSet", (char **)names, &items)) {
        return -1;
    }
    weak_table_clear(table_of(self));
    return items == Py_None      ? 0
           : weak_is_exact(self) ? set_add_all(self, items)
                                 : weak_add_through(self, items);
}

// copy and pickle: a new one from the members, which gets the attributes.
static PyObject *set_reduce(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *list = PySequence_List(self);
    PyObject *state = list == NULL ? NULL : PyObject_CallMethod(self, "__getstate__", NULL);
    if (state == NULL) {
        Py_XDECREF(list);
        return NULL;
    }
    return Py_BuildValue("O(N)N", Py_TYPE(self), list, state);
}

// The members stay, the attributes are copied.
static PyObject *set_deepcopy(PyObject *self, PyObject *memo) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *list = state == NULL ? NULL : PySequence_List(self);
    PyObject *copy = list == NULL ? NULL : PyObject_CallOneArg((PyObject *)Py_TYPE(self), list);
    if (copy != NULL &&
        (weak_remember(memo, self, copy) < 0 || weak_state_copy(state, self, copy, memo) < 0)) {
        Py_CLEAR(copy);
    }
    Py_XDECREF(list);
    return copy;
}

static PyObject *set_data(PyObject *self, void *ignored) {
    (void)ignored;
    PyObject *refs = weak_iterate((weak_object *)self, WEAK_GIVES_REFS);
    PyObject *data = refs == NULL ? NULL : PySet_New(refs);
    Py_XDECREF(refs);
    return data;
}

// Code that writes `data` gives a set of weak references: their objects become the members.
static int set_set_data(PyObject *self, PyObject *data, void *ignored) {
    (void)ignored;
    PyObject *refs = data == NULL ? NULL : PySequence_List(data);
    PyObject *members = refs == NULL ? NULL : PyList_New(0);
    if (data == NULL) {
        PyErr_SetString(PyExc_TypeError, "data cannot be deleted");
    }
    for (Py_ssize_t i = 0; members != NULL && i < PyList_GET_SIZE(refs); i++) {
        PyObject *ref = PyList_GET_ITEM(refs, i);
        PyObject *member = PyWeakref_Check(ref) ? weak_referent(ref) : NULL;
        if (!PyWeakref_Check(ref)) {
            PyErr_SetString(PyExc_TypeError, "data must have weak references");
            Py_CLEAR(members);
        } else if (member != NULL && PyList_Append(members, member) < 0) {
            Py_CLEAR(members);
        }
    }
    int result = members == NULL ? -1 : 0;
    if (result == 0) {
        weak_table_clear(table_of(self));
        for (Py_ssize_t i = 0; result >= 0 && i < PyList_GET_SIZE(members); i++) {
            result = set_add_item(self, PyList_GET_ITEM(members, i));
        }
    }
    Py_XDECREF(members);
    Py_XDECREF(refs);
    return result < 0 ? -1 : 0;
}

static PyObject *set_guard(PyObject *self, void *ignored) {
    (void)ignored;
    return Py_NewRef(table_of(self)->guard);
}

static PyObject *set_repr(PyObject *self) {
    PyObject *data = set_data(self, NULL);
    PyObject *text = data == NULL ? NULL : PyObject_Repr(data);
    Py_XDECREF(data);
    return text;
}

static const PyMethodDef set_methods[] = {
    {"add", set_add, METH_O, "add($self, item, /)\n--\n\nAdd a member."},
    {"discard", set_discard, METH_O, "discard($self, item, /)\n--\n\nTake out, if it is a member."},
    {"remove", set_remove, METH_O,
     "remove($self, item, /)\n--\n\nTake a member out; KeyError if it is none."},
    {"pop", set_pop, METH_NOARGS, "pop($self, /)\n--\n\nTake out and return some member."},
    {"clear", weak_object_empty, METH_NOARGS, "clear($self, /)\n--\n\nTake all out."},
    {"copy", set_copy, METH_NOARGS, "copy($self, /)\n--\n\nA new one with the same members."},
    {"update", set_update, METH_O, "update($self, other, /)\n--\n\nAdd all of them."},
    {"union", set_union, METH_O, "union($self, other, /)\n--\n\nA new one with both's members."},
    {"difference", set_difference, METH_O,
     "difference($self, other, /)\n--\n\nA new one without the other's members."},
    {"difference_update", set_difference_update, METH_O,
     "difference_update($self, other, /)\n--\n\nTake all of them out."},
    {"intersection", set_intersection, METH_O,
     "intersection($self, other, /)\n--\n\nA new one with the members that both have."},
    {"intersection_update", set_intersection_update, METH_O,
     "intersection_update($self, other, /)\n--\n\nTake out what the other has not."},
    {"symmetric_difference", set_symmetric_difference, METH_O,
     "symmetric_difference($self, other, /)\n--\n\nA new one with the members that one has."},
    {"symmetric_difference_update", set_symmetric_difference_update, METH_O,
     "symmetric_difference_update($self, other, /)\n--\n\nKeep the members that one has."},
    {"issubset", set_issubset, METH_O,
     "issubset($self, other, /)\n--\n\nHas the other all of the members?"},
    {"issuperset", set_issuperset, METH_O,
     "issuperset($self, other, /)\n--\n\nHas it all members of the other?"},
    {"isdisjoint", set_isdisjoint, METH_O,
     "isdisjoint($self, other, /)\n--\n\nHave they no member in common?"},
    {"__deepcopy__", set_deepcopy, METH_O, NULL},
    {"__reduce__", set_reduce, METH_NOARGS, NULL},
    {"__sizeof__", weak_object_sizeof, METH_NOARGS, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyGetSetDef set_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"data", set_data, set_set_data,
     "A set of the weak references, made now. Setting it replaces the members.", NULL},
    {"_remove", set_guard, NULL, "The callback of the weak references.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Spec weak_set_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)set_new},
        {Py_tp_init, (void *)set_init},
        {Py_tp_dealloc, (void *)weak_object_dealloc},
        {Py_tp_traverse, (void *)weak_object_traverse},
        {Py_tp_clear, (void *)weak_object_clear},
        {Py_tp_methods, (void *)set_methods},
        {Py_tp_members, (void *)weak_object_members},
        {Py_tp_getset, (void *)set_attributes},
        {Py_tp_iter, (void *)set_iter},
        {Py_tp_repr, (void *)set_repr},
        {Py_tp_richcompare, (void *)set_compare},
        {Py_tp_hash, (void *)PyObject_HashNotImplemented},
        {Py_tp_doc,
         "WeakSet(data=None)\n--\n\n"
         "A set of objects, each a member as long as it lives, as weakref.WeakSet is."},
        {Py_sq_length, (void *)weak_object_len},
        {Py_sq_contains, (void *)set_contains},
        {Py_nb_or, (void *)set_or},
        {Py_nb_and, (void *)set_and},
        {Py_nb_subtract, (void *)set_sub},
        {Py_nb_xor, (void *)set_xor},
        {Py_nb_inplace_or, (void *)set_ior},
        {Py_nb_inplace_and, (void *)set_iand},
        {Py_nb_inplace_subtract, (void *)set_isub},
        {Py_nb_inplace_xor, (void *)set_ixor},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.WeakSet",
        .basicsize = sizeof(weak_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = (PyType_Slot *)slots,
    };
}
