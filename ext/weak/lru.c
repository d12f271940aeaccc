// WeakLRU: a mapping with weak values that keeps the last ones used.
//
// A WeakValueDictionary forgets an object as soon as nobody uses it, also when somebody wants it
// again at once; functools.lru_cache keeps its results, also when somebody holds a newer one. Here
// an object stays as long as anybody uses it, and the last `maxsize` used stay even then:
//
//     table ──▶ LruRef { weak value, key, strong, newer, older } ◀──▶ LruRef ◀──▶ ...
//
// The weak reference of an entry is also its node in the list of those kept, so that a look-up
// finds both. A node in the list has its value strongly, and the list holds the node: a value in
// the list cannot die, so its entry leaves the table only by what is written here.
//
// General note on reentrancy. As for the table (table.h); beyond that, letting a value go runs
// code. It comes last: a node has left the list and the list is whole when its value is given up.
#include "weak.h"

typedef struct lru_ref {
    weak_keyed_ref base;
    PyObject *strong; /* NULL: not in the list, or the collector took it */
    struct lru_ref *newer;
    struct lru_ref *older;
    bool is_kept;
} lru_ref;

typedef struct lru_object {
    weak_object base;
    Py_ssize_t maxsize;
    Py_ssize_t kept;
    uint64_t puts;   ///< how often something was put in
    lru_ref *newest; /* owned, as are all it leads to */
    lru_ref *oldest;
} lru_object;

// ---- the list of those kept ---------------------------------------------------------------------

static void node_unlink(lru_object *self, lru_ref *node) {
    *(node->newer == NULL ? &self->newest : &node->newer->older) = node->older;
    *(node->older == NULL ? &self->oldest : &node->older->newer) = node->newer;
    node->newer = node->older = NULL;
}

static void node_link(lru_object *self, lru_ref *node) {
    node->older = self->newest;
    *(self->newest == NULL ? &self->oldest : &self->newest->newer) = node;
    self->newest = node;
}

// Keep a value no more. May run any code.
static void node_drop(lru_object *self, lru_ref *node) {
    PyObject *value = node->strong;
    node_unlink(self, node);
    node->strong = NULL;
    node->is_kept = false;
    self->kept--;
    Py_XDECREF(value);
    Py_DECREF((PyObject *)node);
}

static void lru_trim(lru_object *self) {
    // What is let go may use others, so this ends by the count of those there were.
    for (Py_ssize_t excess = self->kept - self->maxsize; excess > 0; excess--) {
        if (self->kept > self->maxsize) {
            node_drop(self, self->oldest);
        }
    }
}

static void lru_drop_all(lru_object *self) {
    for (Py_ssize_t count = self->kept; count > 0 && self->oldest != NULL; count--) {
        node_drop(self, self->oldest);
    }
}

// A value was used: it is the newest. REQUIRES: it is alive, and held. May run any code.
static void lru_use(lru_object *self, lru_ref *node) {
    if (self->maxsize == 0 || self->newest == node) {
        return;
    }
    if (node->is_kept) {
        node_unlink(self, node);
        node_link(self, node);
        return;
    }
    node->strong = Py_NewRef(weak_referent((PyObject *)node));
    node->is_kept = true;
    Py_INCREF((PyObject *)node);
    node_link(self, node);
    self->kept++;
    lru_trim(self);
}

static lru_ref *node_at(const lru_object *self, Py_ssize_t at) {
    return (lru_ref *)weak_entry_at(&self->base.table, at)->ref;
}

// ---- the node -----------------------------------------------------------------------------------

static int node_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(((lru_ref *)object)->strong);
    return Py_TYPE(object)->tp_base->tp_traverse(object, visit, arg);
}

static int node_clear(PyObject *object) {
    Py_CLEAR(((lru_ref *)object)->strong);
    return Py_TYPE(object)->tp_base->tp_clear(object);
}

// The list holds what is in it, so a node that dies is not there.
static void node_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    PyObject *strong = ((lru_ref *)object)->strong;
    ((lru_ref *)object)->strong = NULL;
    Py_TYPE(object)->tp_base->tp_dealloc(object);
    Py_XDECREF(strong);
}

PyType_Spec weak_lru_ref_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_traverse, (void *)node_traverse},
        {Py_tp_clear, (void *)node_clear},
        {Py_tp_dealloc, (void *)node_dealloc},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.LruRef",
        .basicsize = sizeof(lru_ref),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- look-ups -----------------------------------------------------------------------------------

// 1 with the value, new, which counts as used; 0; or -1 with an exception set.
static int lru_find(lru_object *self, PyObject *key, Py_hash_t hash, PyObject **ret_value) {
    Py_ssize_t at = 0;
    int found = weak_table_find(&self->base.table, key, hash, &at);
    if (found > 0) {
        lru_ref *node = node_at(self, at);
        *ret_value = Py_NewRef(weak_referent((PyObject *)node));
        lru_use(self, node);
    }
    return found;
}

static PyObject *lru_get_item(PyObject *object, PyObject *key) {
    lru_object *self = (lru_object *)object;
    PyObject *value = NULL;
    Py_hash_t hash = PyObject_Hash(key);
    int found = hash == -1 ? -1 : lru_find(self, key, hash, &value);
    if (found == 0) {
        weak_key_error(key);
    }
    return value;
}

// Out of the table, its value to the caller.
static PyObject *lru_take(lru_object *self, Py_ssize_t at) {
    PyObject *value = Py_NewRef(weak_referent((PyObject *)node_at(self, at)));
    PyObject *ref = NULL;
    PyObject *key = NULL;
    weak_table_take(&self->base.table, at, &ref, &key);
    if (((lru_ref *)ref)->is_kept) {
        node_drop(self, (lru_ref *)ref);
    }
    Py_DECREF(ref);
    Py_DECREF(key);
    return value;
}

// Keep a node's value no more, if it is not in the table any more.
static void node_drop_stale(lru_object *self, PyObject *ref) {
    lru_ref *node = (lru_ref *)ref;
    if (node->is_kept && weak_table_find_ref(&self->base.table, ref) < 0) {
        node_drop(self, node);
    }
}

// The same with all. REQUIRES: one put ran within another, so that a node may have been replaced
// which nobody knew.
static void lru_drop_stale(lru_object *self) {
    for (lru_ref *node = self->oldest; node != NULL;) {
        bool is_stale = weak_table_find_ref(&self->base.table, (PyObject *)node) < 0;
        lru_ref *next = node->newer;
        if (is_stale) {
            node_drop(self, node);
            next = self->oldest;
        }
        node = next;
    }
}

// Set a key's value, or with `keep` leave the one that is there. The value then counts as used: it
// is given back, new. NULL with an exception set.
static PyObject *lru_put(lru_object *self, PyObject *key, PyObject *value, bool keep) {
    weak_table *table = &self->base.table;
    Py_hash_t hash = PyObject_Hash(key);
    Py_ssize_t at = 0;
    PyObject *result = NULL;
    PyObject *old = NULL;
    uint64_t puts = ++self->puts;
    int found = hash == -1 ? -1 : weak_table_find(table, key, hash, &at);
    if (found > 0) {
        old = Py_NewRef((PyObject *)node_at(self, at));
        keep = keep || weak_referent(old) == value;
    }
    if (found == 0 || (found > 0 && !keep)) {
        found = weak_table_put(table, key, hash, value, key, keep);
    }
    if (old != NULL) {
        // It makes room in the list before the new one is put there.
        node_drop_stale(self, old);
        Py_DECREF(old);
    }
    if (self->puts != puts) {
        lru_drop_stale(self);
    }
    if (found >= 0) {
        found = lru_find(self, key, hash, &result);
    }
    // Where there is none somebody took it out meanwhile.
    return found == 0 ? Py_NewRef(value) : result;
}

static int lru_set_item(PyObject *object, PyObject *key, PyObject *value) {
    lru_object *self = (lru_object *)object;
    if (value != NULL) {
        PyObject *used = lru_put(self, key, value, false);
        Py_XDECREF(used);
        return used == NULL ? -1 : 0;
    }
    Py_ssize_t at = 0;
    Py_hash_t hash = PyObject_Hash(key);
    int found = hash == -1 ? -1 : weak_table_find(&self->base.table, key, hash, &at);
    if (found == 0) {
        weak_key_error(key);
    }
    if (found <= 0) {
        return -1;
    }
    Py_DECREF(lru_take(self, at));
    return 0;
}

static int lru_contains(PyObject *object, PyObject *key) {
    Py_ssize_t at = 0;
    Py_hash_t hash = PyObject_Hash(key);
    return hash == -1 ? -1 : weak_table_find(&((lru_object *)object)->base.table, key, hash, &at);
}

// ---- methods ------------------------------------------------------------------------------------

static PyObject *lru_get(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"key", "default", NULL};
    PyObject *key = NULL;
    PyObject *other = Py_None;
    PyObject *value = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:get", (char **)names, &key, &other)) {
        return NULL;
    }
    Py_hash_t hash = PyObject_Hash(key);
    int found = hash == -1 ? -1 : lru_find((lru_object *)object, key, hash, &value);
    return found == 0 ? Py_NewRef(other) : value;
}

static PyObject *lru_setdefault(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"key", "default", NULL};
    PyObject *key = NULL;
    PyObject *value = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:setdefault", (char **)names, &key,
                                     &value)) {
        return NULL;
    }
    return lru_put((lru_object *)object, key, value, true);
}

static PyObject *lru_pop(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    lru_object *self = (lru_object *)object;
    Py_ssize_t at = 0;
    if (!weak_check_count("pop", count, 1, 2)) {
        return NULL;
    }
    Py_hash_t hash = PyObject_Hash(args[0]);
    int found = hash == -1 ? -1 : weak_table_find(&self->base.table, args[0], hash, &at);
    if (found != 0) {
        return found < 0 ? NULL : lru_take(self, at);
    }
    if (count > 1) {
        return Py_NewRef(args[1]);
    }
    weak_key_error(args[0]);
    return NULL;
}

static PyObject *lru_popitem(PyObject *object, PyObject *ignored) {
    (void)ignored;
    lru_object *self = (lru_object *)object;
    Py_ssize_t at = weak_table_last(&self->base.table);
    if (at < 0) {
        PyErr_SetString(PyExc_KeyError, "popitem(): dictionary is empty");
        return NULL;
    }
    PyObject *key = Py_NewRef(weak_entry_at(&self->base.table, at)->other);
    return Py_BuildValue("NN", key, lru_take(self, at));
}

static PyObject *lru_empty(PyObject *object, PyObject *ignored) {
    (void)ignored;
    lru_object *self = (lru_object *)object;
    weak_table_clear(&self->base.table);
    lru_drop_all(self);
    Py_RETURN_NONE;
}

static int lru_add_pairs(lru_object *self, PyObject *pairs) {
    PyObject *iterator = PyObject_GetIter(pairs);
    PyObject *pair = NULL;
    int result = iterator == NULL ? -1 : 0;
    while (result == 0 && (pair = PyIter_Next(iterator)) != NULL) {
        PyObject *both = PySequence_Tuple(pair);
        PyObject *used = NULL;
        if (both != NULL && PyTuple_GET_SIZE(both) != 2) {
            PyErr_SetString(PyExc_ValueError, "an item is no pair of key and value");
        } else if (both != NULL) {
            used = lru_put(self, PyTuple_GET_ITEM(both, 0), PyTuple_GET_ITEM(both, 1), false);
        }
        result = used == NULL ? -1 : 0;
        Py_XDECREF(used);
        Py_XDECREF(both);
        Py_DECREF(pair);
    }
    Py_XDECREF(iterator);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}

// Add all of a mapping, or of pairs. -1 with an exception set.
static int lru_add(lru_object *self, PyObject *other) {
    PyObject *name = PyUnicode_InternFromString("items");
    PyObject *items = NULL;
    int found = name == NULL ? -1 : MM_LOOK_UP(other, name, &items);
    Py_XDECREF(name);
    PyObject *pairs = found > 0 ? PyObject_CallNoArgs(items) : found == 0 ? Py_NewRef(other) : NULL;
    Py_XDECREF(items);
    int result = pairs == NULL ? -1 : lru_add_pairs(self, pairs);
    Py_XDECREF(pairs);
    return result;
}

static PyObject *lru_update(PyObject *object, PyObject *args, PyObject *kwargs) {
    PyObject *other = NULL;
    if (!PyArg_UnpackTuple(args, "update", 0, 1, &other) ||
        (other != NULL && lru_add((lru_object *)object, other) < 0) ||
        (kwargs != NULL && lru_add((lru_object *)object, kwargs) < 0)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

// ---- what there is ------------------------------------------------------------------------------

static PyObject *lru_iter(PyObject *self) {
    return weak_iterate((weak_object *)self, WEAK_GIVES_OTHERS);
}

static PyObject *lru_keys(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return lru_iter(self);
}

static PyObject *lru_values(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self, WEAK_GIVES_OBJECTS);
}

static PyObject *lru_items(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return weak_iterate((weak_object *)self, WEAK_GIVES_PAIRS);
}

// The nodes in the list, or their keys; the oldest comes first.
static PyObject *lru_list(const lru_object *self, bool keys) {
    for (;;) {
        Py_ssize_t count = self->kept;
        PyObject *list = PyList_New(count);
        // Making it may have started a collection, and with it code that uses values.
        if (list == NULL || self->kept == count) {
            const lru_ref *node = self->oldest;
            for (Py_ssize_t at = 0; list != NULL && at < count; at++, node = node->newer) {
                PyList_SET_ITEM(list, at, Py_NewRef(keys ? node->base.key : (PyObject *)node));
            }
            return list;
        }
        Py_DECREF(list);
    }
}

static PyObject *lru_kept(PyObject *object, PyObject *ignored) {
    (void)ignored;
    return lru_list((lru_object *)object, true);
}

static int pair_append(PyObject *pairs, PyObject *ref) {
    PyObject *value = Py_XNewRef(weak_referent(ref));
    if (value == NULL) {
        return 0;
    }
    PyObject *pair = PyTuple_Pack(2, ((weak_keyed_ref *)ref)->key, value);
    int result = pair == NULL ? -1 : PyList_Append(pairs, pair);
    Py_XDECREF(pair);
    Py_DECREF(value);
    return result;
}

// All pairs in an order in which adding them makes the same values the last used: those that are
// not kept, then those that are, the oldest first. A list; NULL with an exception set.
static PyObject *lru_pairs(lru_object *self) {
    PyObject *iterator = weak_iterate(&self->base, WEAK_GIVES_REFS);
    PyObject *refs = iterator == NULL ? NULL : PySequence_List(iterator);
    PyObject *kept = refs == NULL ? NULL : lru_list(self, false);
    PyObject *pairs = kept == NULL ? NULL : PyList_New(0);
    int result = pairs == NULL ? -1 : 0;
    for (Py_ssize_t at = 0; result == 0 && at < PyList_GET_SIZE(refs); at++) {
        PyObject *ref = PyList_GET_ITEM(refs, at);
        result = ((lru_ref *)ref)->is_kept ? 0 : pair_append(pairs, ref);
    }
    for (Py_ssize_t at = 0; result == 0 && at < PyList_GET_SIZE(kept); at++) {
        result = pair_append(pairs, PyList_GET_ITEM(kept, at));
    }
    Py_XDECREF(iterator);
    Py_XDECREF(refs);
    Py_XDECREF(kept);
    if (result < 0) {
        Py_CLEAR(pairs);
    }
    return pairs;
}

static PyObject *lru_maxsize(PyObject *object, void *ignored) {
    (void)ignored;
    return PyLong_FromSsize_t(((lru_object *)object)->maxsize);
}

static int lru_set_maxsize(PyObject *object, PyObject *value, void *ignored) {
    (void)ignored;
    lru_object *self = (lru_object *)object;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "maxsize cannot be deleted");
        return -1;
    }
    Py_ssize_t maxsize = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (maxsize < 0) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "maxsize is the number of values to keep: 0 or more");
        }
        return -1;
    }
    self->maxsize = maxsize;
    lru_trim(self);
    return 0;
}

static PyObject *lru_repr(PyObject *object) {
    const lru_object *self = (lru_object *)object;
    return PyUnicode_FromFormat("<WeakLRU of %zd, %zd kept, at %p>", self->base.table.live,
                                self->kept, self);
}

// ---- copies -------------------------------------------------------------------------------------

static PyObject *lru_empty_copy(PyObject *object) {
    return PyObject_CallFunction((PyObject *)Py_TYPE(object), "n", ((lru_object *)object)->maxsize);
}

static PyObject *lru_copy(PyObject *object, PyObject *ignored) {
    (void)ignored;
    PyObject *copy = lru_empty_copy(object);
    PyObject *pairs = copy == NULL ? NULL : lru_pairs((lru_object *)object);
    if (pairs == NULL || lru_add_pairs((lru_object *)copy, pairs) < 0) {
        Py_CLEAR(copy);
    }
    Py_XDECREF(pairs);
    return copy;
}

// Keys are copied and values shared, as the stdlib's WeakValueDictionary does it.
static PyObject *lru_deepcopy(PyObject *object, PyObject *memo) {
    weak_state *state = weak_state_of(Py_TYPE(object));
    PyObject *copy = state == NULL ? NULL : lru_empty_copy(object);
    PyObject *pairs = copy == NULL ? NULL : lru_pairs((lru_object *)object);
    int result = pairs == NULL ? -1 : weak_remember(memo, object, copy);
    for (Py_ssize_t at = 0; result == 0 && at < PyList_GET_SIZE(pairs); at++) {
        PyObject *pair = PyList_GET_ITEM(pairs, at);
        PyObject *key = weak_deepcopy(state, PyTuple_GET_ITEM(pair, 0), memo);
        result = key == NULL ? -1 : PyObject_SetItem(copy, key, PyTuple_GET_ITEM(pair, 1));
        Py_XDECREF(key);
    }
    Py_XDECREF(pairs);
    if (result < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

static PyObject *lru_reduce(PyObject *object, PyObject *ignored) {
    (void)ignored;
    PyObject *pairs = lru_pairs((lru_object *)object);
    PyObject *iterator = pairs == NULL ? NULL : PyObject_GetIter(pairs);
    Py_XDECREF(pairs);
    return iterator == NULL
               ? NULL
               : Py_BuildValue("O(n)OON", Py_TYPE(object), ((lru_object *)object)->maxsize, Py_None,
                               Py_None, iterator);
}

// ---- life and death -----------------------------------------------------------------------------

static PyObject *lru_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"maxsize", "other", NULL};
    PyObject *maxsize = NULL;
    PyObject *other = NULL;
    weak_state *state = weak_state_of(type);
    if (state == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:WeakLRU", (char **)names,
                                                      &maxsize, &other)) {
        return NULL;
    }
    lru_object *self = (lru_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->maxsize = 128;
    if (weak_table_init(&self->base.table, WEAK_VALUES, state->guard_type,
                        state->patterns.lru_ref_type) < 0) {
        self->base.table.mask = -1;
        Py_CLEAR(self);
    } else if ((maxsize != NULL && lru_set_maxsize((PyObject *)self, maxsize, NULL) < 0) ||
               (other != NULL && lru_add(self, other) < 0)) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int lru_traverse(PyObject *object, visitproc visit, void *arg) {
    const lru_object *self = (lru_object *)object;
    for (lru_ref *node = self->oldest; node != NULL; node = node->newer) {
        Py_VISIT((PyObject *)node);
    }
    return weak_object_traverse(object, visit, arg);
}

static int lru_clear(PyObject *object) {
    weak_object_clear(object);
    lru_drop_all((lru_object *)object);
    return 0;
}

static void lru_dealloc(PyObject *object) {
    lru_object *self = (lru_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, lru_dealloc) if (self->base.weak_list != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    weak_table_deinit(&self->base.table);
    lru_drop_all(self);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const char lru_doc[] =
    "WeakLRU(maxsize=128, other=())\n--\n\n"
    "Maps keys to values as long as the values live, and keeps the last ones used.\n\n"
    "Used is what is set or read with [], get() or setdefault(); `in` and iteration read nothing.\n"
    "Values must be such that they can be referred to weakly.\n\n"
    "Args:\n"
    "    maxsize: Number of values to keep alive; it can be changed. 0: none.\n"
    "    other: A mapping or pairs to begin with.\n\n"
    ">>> class Picture: ...\n"
    ">>> cache = WeakLRU(1)\n"
    ">>> cache['a'] = Picture()\n"
    ">>> shown = cache['b'] = Picture()\n"
    ">>> list(cache), cache.kept()\n"
    "(['b'], ['b'])\n"
    ">>> cache['c'] = Picture()\n"
    ">>> list(cache), cache.kept()\n"
    "(['b', 'c'], ['c'])\n"
    ">>> del shown\n"
    ">>> list(cache)\n"
    "['c']\n";

#define LRU_FUNCTION(function) ((PyCFunction)(void (*)(void))(function))

static const PyMethodDef lru_methods[] = {
    {"get", LRU_FUNCTION(lru_get), METH_VARARGS | METH_KEYWORDS,
     "get($self, key, default=None)\n--\n\nThe value of a key, or the default."},
    {"setdefault", LRU_FUNCTION(lru_setdefault), METH_VARARGS | METH_KEYWORDS,
     "setdefault($self, key, default=None)\n--\n\n"
     "The value of a key; where there is none the default, which is put in."},
    {"pop", LRU_FUNCTION(lru_pop), METH_FASTCALL,
     "Take a key out and return its value, or the default; KeyError without one."},
    {"popitem", lru_popitem, METH_NOARGS,
     "popitem($self, /)\n--\n\nTake the newest entry out: (key, value). KeyError if none."},
    {"keys", lru_keys, METH_NOARGS, "keys($self, /)\n--\n\nAn iterator over the keys."},
    {"values", lru_values, METH_NOARGS, "values($self, /)\n--\n\nAn iterator over the values."},
    {"items", lru_items, METH_NOARGS, "items($self, /)\n--\n\nAn iterator over (key, value)."},
    {"kept", lru_kept, METH_NOARGS,
     "kept($self, /)\n--\n\nThe keys whose values are kept: a list, the last used at its end."},
    {"update", LRU_FUNCTION(lru_update), METH_VARARGS | METH_KEYWORDS,
     "Add all of a mapping, or of pairs."},
    {"clear", lru_empty, METH_NOARGS, "clear($self, /)\n--\n\nTake all out."},
    {"copy", lru_copy, METH_NOARGS, "copy($self, /)\n--\n\nA new one with the same entries."},
    {"__copy__", lru_copy, METH_NOARGS, NULL},
    {"__deepcopy__", lru_deepcopy, METH_O, NULL},
    {"__reduce__", lru_reduce, METH_NOARGS, NULL},
    {"__sizeof__", weak_object_sizeof, METH_NOARGS, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef lru_members[] = {
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(weak_object, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

static const PyGetSetDef lru_attributes[] = {
    {"maxsize", lru_maxsize, lru_set_maxsize, "Number of values to keep alive.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Spec weak_lru_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)lru_new},
        {Py_tp_dealloc, (void *)lru_dealloc},
        {Py_tp_traverse, (void *)lru_traverse},
        {Py_tp_clear, (void *)lru_clear},
        {Py_tp_iter, (void *)lru_iter},
        {Py_tp_repr, (void *)lru_repr},
        {Py_tp_methods, (void *)lru_methods},
        {Py_tp_members, (void *)lru_members},
        {Py_tp_getset, (void *)lru_attributes},
        {Py_tp_doc, (void *)lru_doc},
        {Py_mp_length, (void *)weak_object_len},
        {Py_mp_subscript, (void *)lru_get_item},
        {Py_mp_ass_subscript, (void *)lru_set_item},
        {Py_sq_contains, (void *)lru_contains},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.WeakLRU",
        .basicsize = sizeof(lru_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MAPPING,
        .slots = (PyType_Slot *)slots,
    };
}
