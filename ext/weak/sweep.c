// Entries of weak-key dictionaries whose value leads back to the key: found by trial deletion.
//
// Such an entry lives for ever: the table holds the value, the value the key. Seen as an ephemeron
// the table holds the value only while the key lives. So:
//   1. Gather all that the values lead to, and count for each object the references that come
//      from there, the entries' own included.
//   2. What has more references than these is held from outside: it is live.
//   3. What live objects lead to is live. The value of an entry is live when its key is, or when
//      its key is not among what was gathered.
//   4. Entries whose key is not live go. What they held is freed as usual, finalizers and all.
// This is how CPython's own collector counts (Modules/gcmodule.c: subtract_refs, move_unreachable),
// with one rule more, and with nothing but Py_REFCNT and tp_traverse.
//
// Stopping early is sound. What is not looked into - types, modules, other weak containers, the
// globals of functions, all beyond the budget - has references that are not counted, so whatever it
// leads to has more than were counted, and is live.
//
// General note on reentrancy. From the first count to the last entry taken out no Python code runs
// and no object is made: memory comes from PyMem, which starts no collection. What was taken out is
// given up when all tables are whole.
#include "weak.h"

typedef struct sweep_node {
    PyObject *object;   /* borrowed */
    Py_ssize_t inside;  ///< references that were counted
    Py_ssize_t entry;   ///< first entry with this key, or -1
    Py_ssize_t shown;   ///< node that showed it last while references were counted, or -1
    bool live;
} sweep_node;

typedef struct sweep_entry {
    Py_ssize_t table;  ///< number of its container
    Py_ssize_t at;     ///< number in a table of ours
    PyObject *key;     /* borrowed */
    PyObject *value;   /* borrowed */
    Py_ssize_t next;   ///< of the same key, or -1
} sweep_entry;

typedef struct sweep {
    PyObject *containers; /* borrowed: a list */
    PyObject *dicts;      /* borrowed: a list, `data` of the stdlib's or None */
    sweep_node *nodes;
    Py_ssize_t node_count;
    Py_ssize_t node_first;  ///< those before are barriers: `data` of the stdlib's
    Py_ssize_t node_room;
    Py_ssize_t *index;  ///< numbers of nodes, or -1; twice as many as there is room
    sweep_entry *entries;
    Py_ssize_t entry_count;
    Py_ssize_t entry_room;
    Py_ssize_t *live;  ///< stack of live nodes to look into
    Py_ssize_t live_count;
    Py_ssize_t budget;
    const PyObject *skipped[2];  ///< of the object that is looked into
    Py_ssize_t looking;          ///< its node
    bool borrows;                ///< it may show more references than it has
    bool failed;                 ///< there was no memory
} sweep;

// ---- nodes --------------------------------------------------------------------------------------

static size_t slot_first(const sweep *all, const PyObject *object) {
    size_t hash = (size_t)object >> 4;
    return (hash ^ (hash >> 15)) & (size_t)(2 * all->node_room - 1);
}

// Number of an object's node or barrier; -1: it has none.
static Py_ssize_t node_seek(const sweep *all, const PyObject *object) {
    if (all->node_room == 0) {
        return -1;
    }
    size_t slot = slot_first(all, object);
    while (all->index[slot] >= 0 && all->nodes[all->index[slot]].object != object) {
        slot = (slot + 1) & (size_t)(2 * all->node_room - 1);
    }
    return all->index[slot];
}

// Number of an object's node; -1: it has none, or is a barrier.
static Py_ssize_t node_find(const sweep *all, const PyObject *object) {
    Py_ssize_t number = node_seek(all, object);
    return number < all->node_first ? -1 : number;
}

static void node_index(sweep *all, Py_ssize_t number) {
    size_t slot = slot_first(all, all->nodes[number].object);
    while (all->index[slot] >= 0) {
        slot = (slot + 1) & (size_t)(2 * all->node_room - 1);
    }
    all->index[slot] = number;
}

static bool nodes_grow(sweep *all) {
    Py_ssize_t room = all->node_room == 0 ? 256 : all->node_room * 2;
    sweep_node *nodes = PyMem_Realloc(all->nodes, (size_t)room * sizeof(*nodes));
    if (nodes == NULL) {
        return false;
    }
    all->nodes = nodes;
    Py_ssize_t *index = PyMem_Realloc(all->index, 2 * (size_t)room * sizeof(*index));
    if (index == NULL) {
        return false;
    }
    all->index = index;
    all->node_room = room;
    for (Py_ssize_t i = 0; i < 2 * room; i++) {
        index[i] = -1;
    }
    for (Py_ssize_t i = 0; i < all->node_count; i++) {
        node_index(all, i);
    }
    return true;
}

// What is not looked into. Its references are not counted.
static bool is_barrier(PyObject *object) {
    return !PyObject_GC_IsTracked(object) || PyType_Check(object) || PyModule_Check(object) ||
           weak_is_mapping(object) || weak_is_set(object);
}

static Py_ssize_t node_add(sweep *all, PyObject *object) {
    if (all->node_count >= all->node_room && !nodes_grow(all)) {
        all->failed = true;
        return -1;
    }
    Py_ssize_t number = all->node_count++;
    all->nodes[number] = (sweep_node){.object = object, .entry = -1, .shown = -1};
    node_index(all, number);
    return number;
}

// Number of the object's node, a new one if need be; -1: it has none.
static Py_ssize_t node_of(sweep *all, PyObject *object) {
    Py_ssize_t number = node_seek(all, object);
    if (number >= 0) {
        return number < all->node_first ? -1 : number;
    }
    bool ends = all->node_count - all->node_first >= all->budget || is_barrier(object);
    return ends ? -1 : node_add(all, object);
}

static bool has_frame(const PyObject *object) {
    return PyGen_CheckExact(object) || PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object) ||
           PyFrame_Check(object);
}

// Visit what an object refers to; of a function neither globals nor builtins.
static void node_look_into(sweep *all, Py_ssize_t number, visitproc visit) {
    PyObject *object = all->nodes[number].object;
    all->skipped[0] = all->skipped[1] = NULL;
    all->looking = number;
    all->borrows = MM_FRAMES_BORROW && has_frame(object);
    if (PyFunction_Check(object)) {
        all->skipped[0] = ((PyFunctionObject *)object)->func_globals;
        all->skipped[1] = ((PyFunctionObject *)object)->func_builtins;
    }
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse != NULL) {
        (void)traverse(object, visit, all);
    }
}

static int visit_count(PyObject *object, void *arg) {
    sweep *all = arg;
    if (object == all->skipped[0] || object == all->skipped[1]) {
        return 0;
    }
    Py_ssize_t number = node_of(all, object);
    // Of what may be borrowed one reference counts: one too few is sound.
    if (number >= 0 && !(all->borrows && all->nodes[number].shown == all->looking)) {
        all->nodes[number].inside++;
        all->nodes[number].shown = all->looking;
    }
    return all->failed ? -1 : 0;
}

// ---- entries ------------------------------------------------------------------------------------

static bool entry_add(sweep *all, Py_ssize_t table, Py_ssize_t at, PyObject *key, PyObject *value) {
    if (!PyObject_GC_IsTracked(value)) {
        return true;  // leads nowhere
    }
    if (all->entry_count >= all->entry_room) {
        Py_ssize_t room = all->entry_room == 0 ? 64 : all->entry_room * 2;
        sweep_entry *entries = PyMem_Realloc(all->entries, (size_t)room * sizeof(*entries));
        if (entries == NULL) {
            return false;
        }
        all->entries = entries;
        all->entry_room = room;
    }
    all->entries[all->entry_count++] = (sweep_entry){table, at, key, value, -1};
    Py_ssize_t number = node_of(all, value);
    if (number >= 0) {
        all->nodes[number].inside++;
    }
    return !all->failed;
}

static bool entries_of(sweep *all, Py_ssize_t number) {
    PyObject *dict = PyList_GET_ITEM(all->dicts, number);
    if (dict == Py_None) {
        const weak_table *table = &((weak_object *)PyList_GET_ITEM(all->containers, number))->table;
        for (Py_ssize_t at = 0; at < table->end; at++) {
            const weak_entry *entry = weak_entry_at(table, at);
            PyObject *key = entry->ref == NULL ? NULL : weak_referent(entry->ref);
            // A carried value is the collector's affair: its key holds it.
            bool plain = key != NULL && weak_entry_carrier(entry) == NULL;
            if (plain && !entry_add(all, number, at, key, entry->other)) {
                return false;
            }
        }
        return true;
    }
    Py_ssize_t at = 0;
    PyObject *ref = NULL;
    PyObject *value = NULL;
    while (PyDict_Next(dict, &at, &ref, &value)) {
        PyObject *key = PyWeakref_CheckRef(ref) ? weak_referent(ref) : NULL;
        if (key != NULL && !entry_add(all, number, at, key, value)) {
            return false;
        }
    }
    return true;
}

// ---- life ---------------------------------------------------------------------------------------

static void node_live(sweep *all, Py_ssize_t number) {
    if (number >= 0 && !all->nodes[number].live) {
        all->nodes[number].live = true;
        all->live[all->live_count++] = number;
    }
}

static int visit_live(PyObject *object, void *arg) {
    node_live(arg, node_find(arg, object));
    return 0;
}

// Steps 2 and 3. REQUIRES: room for all nodes in `live`.
static void mark(sweep *all) {
    for (Py_ssize_t i = 0; i < all->entry_count; i++) {
        sweep_entry *entry = &all->entries[i];
        Py_ssize_t key = node_find(all, entry->key);
        if (key < 0) {
            node_live(all, node_find(all, entry->value));
        } else {
            entry->next = all->nodes[key].entry;
            all->nodes[key].entry = i;
        }
    }
    for (Py_ssize_t i = all->node_first; i < all->node_count; i++) {
        if (Py_REFCNT(all->nodes[i].object) > all->nodes[i].inside) {
            node_live(all, i);
        }
    }
    while (all->live_count > 0) {
        Py_ssize_t number = all->live[--all->live_count];
        node_look_into(all, number, visit_live);
        for (Py_ssize_t i = all->nodes[number].entry; i >= 0; i = all->entries[i].next) {
            node_live(all, node_find(all, all->entries[i].value));
        }
    }
}

// Keep those entries alone whose key is not live. False: there was no memory.
static bool find_dead(sweep *all) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all->dicts); i++) {
        PyObject *dict = PyList_GET_ITEM(all->dicts, i);
        if (dict != Py_None && node_add(all, dict) < 0) {
            return false;
        }
        all->node_first = all->node_count;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all->containers); i++) {
        if (!entries_of(all, i)) {
            return false;
        }
    }
    for (Py_ssize_t i = all->node_first; i < all->node_count && !all->failed; i++) {
        node_look_into(all, i, visit_count);
    }
    all->live = PyMem_Malloc(((size_t)all->node_count + 1) * sizeof(*all->live));
    if (all->failed || all->live == NULL) {
        return false;
    }
    mark(all);
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < all->entry_count; i++) {
        Py_ssize_t key = node_find(all, all->entries[i].key);
        if (key >= 0 && !all->nodes[key].live) {
            all->entries[kept++] = all->entries[i];
        }
    }
    all->entry_count = kept;
    return true;
}

static void sweep_deinit(sweep *all) {
    PyMem_Free(all->nodes);
    PyMem_Free(all->index);
    PyMem_Free(all->entries);
    PyMem_Free(all->live);
}

// ---- arguments ----------------------------------------------------------------------------------

// One container with weak keys. 1: taken, 0: it is none; -1 with an exception set.
static int container_add(PyObject *object, PyObject *foreign, PyObject *containers,
                         PyObject *dicts) {
    PyObject *dict = Py_NewRef(Py_None);
    bool ours = weak_is_mapping(object) && ((weak_object *)object)->table.kind != WEAK_VALUES;
    if (!ours) {
        int theirs = foreign == NULL ? 0 : PyObject_TypeCheck(object, (PyTypeObject *)foreign);
        Py_SETREF(dict, theirs ? PyObject_GetAttrString(object, "data") : NULL);
        if (dict == NULL || !PyDict_CheckExact(dict)) {
            Py_XDECREF(dict);
            // One whose __init__() has not run yet is empty.
            if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError)) {
                return -1;
            }
            PyErr_Clear();
            return 0;
        }
    }
    // Twice the same would count its references twice.
    int seen = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(containers) && !seen; i++) {
        seen = PyList_GET_ITEM(containers, i) == object ||
               (dict != Py_None && PyList_GET_ITEM(dicts, i) == dict);
    }
    int result = seen                                                                      ? 1
                 : PyList_Append(containers, object) < 0 || PyList_Append(dicts, dict) < 0 ? -1
                                                                                           : 1;
    Py_DECREF(dict);
    return result;
}

// All containers that the collector knows.
static int containers_all(PyObject *foreign, PyObject *containers, PyObject *dicts) {
    PyObject *module = PyImport_ImportModule("gc");
    PyObject *objects = module == NULL ? NULL : PyObject_CallMethod(module, "get_objects", NULL);
    int result = objects == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; result >= 0 && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        if (weak_is_mapping(object) ||
            (foreign != NULL && PyObject_TypeCheck(object, (PyTypeObject *)foreign))) {
            result = container_add(object, foreign, containers, dicts);
        }
    }
    Py_XDECREF(objects);
    Py_XDECREF(module);
    return result < 0 ? -1 : 0;
}

// The budget, by name. -1 with an exception set.
static Py_ssize_t budget_of(PyObject *const *values, PyObject *names) {
    if (names == NULL || PyTuple_GET_SIZE(names) == 0) {
        return PY_SSIZE_T_MAX;
    }
    PyObject *name = PyTuple_GET_ITEM(names, PyTuple_GET_SIZE(names) - 1);
    if (PyTuple_GET_SIZE(names) > 1 || PyUnicode_CompareWithASCIIString(name, "budget") != 0) {
        PyErr_SetString(PyExc_TypeError, "the only keyword argument is budget");
        return -1;
    }
    if (values[0] == Py_None) {
        return PY_SSIZE_T_MAX;
    }
    Py_ssize_t budget = PyNumber_AsSsize_t(values[0], PyExc_OverflowError);
    if (budget < 0 && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "budget is a number of objects, and not negative");
    }
    return budget < 0 ? -1 : budget;
}

// Fill both lists from the arguments. -1 with an exception set.
static int containers_given(PyObject *const *args, Py_ssize_t count, PyObject *foreign,
                            PyObject *containers, PyObject *dicts) {
    if (count == 0) {
        return containers_all(foreign, containers, dicts);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        int added = container_add(args[i], foreign, containers, dicts);
        if (added == 0) {
            PyErr_Format(PyExc_TypeError, "'%s' object is no dictionary with weak keys%s",
                         Py_TYPE(args[i])->tp_name, foreign == NULL ? " of mortmain.weak" : "");
        }
        if (added <= 0) {
            return -1;
        }
    }
    return 0;
}

// ---- the functions ------------------------------------------------------------------------------

// Take the dead entries out, then give up what they held.
static PyObject *entries_drop(sweep *all) {
    PyObject **held = PyMem_Malloc(((size_t)all->entry_count * 2 + 1) * sizeof(*held));
    if (held == NULL) {
        return PyErr_NoMemory();
    }
    Py_ssize_t count = all->entry_count;
    for (Py_ssize_t i = 0; i < count; i++) {
        const sweep_entry *entry = &all->entries[i];
        weak_object *object = (weak_object *)PyList_GET_ITEM(all->containers, entry->table);
        weak_table_take(&object->table, entry->at, &held[2 * i], &held[2 * i + 1]);
    }
    for (Py_ssize_t i = 0; i < 2 * count; i++) {
        Py_DECREF(held[i]);
    }
    PyMem_Free(held);
    return PyLong_FromSsize_t(count);
}

// [(container, [key, ...]), ...]
static PyObject *entries_list(sweep *all) {
    // Making objects may start a collection: the keys are held before the first is made.
    for (Py_ssize_t i = 0; i < all->entry_count; i++) {
        Py_INCREF(all->entries[i].key);
    }
    PyObject *result = PyList_New(0);
    PyObject *keys = NULL;  // borrowed from the last pair of `result`
    Py_ssize_t table = -1;
    for (Py_ssize_t i = 0; result != NULL && i < all->entry_count; i++) {
        const sweep_entry *entry = &all->entries[i];
        if (entry->table != table) {
            table = entry->table;
            keys = PyList_New(0);
            PyObject *container = PyList_GET_ITEM(all->containers, table);
            PyObject *pair = keys == NULL ? NULL : PyTuple_Pack(2, container, keys);
            Py_XDECREF(keys);
            if (pair == NULL || PyList_Append(result, pair) < 0) {
                Py_CLEAR(result);
            }
            Py_XDECREF(pair);
        }
        if (result != NULL && PyList_Append(keys, entry->key) < 0) {
            Py_CLEAR(result);
        }
    }
    for (Py_ssize_t i = 0; i < all->entry_count; i++) {
        Py_DECREF(all->entries[i].key);
    }
    return result;
}

static PyObject *sweep_with(PyObject *const *args, Py_ssize_t count, PyObject *names,
                            PyObject *foreign, PyObject *(*finish)(sweep *)) {
    sweep all = {.budget = budget_of(args + count, names)};
    PyObject *containers = all.budget < 0 ? NULL : PyList_New(0);
    PyObject *dicts = containers == NULL ? NULL : PyList_New(0);
    PyObject *result = NULL;
    if (dicts != NULL && containers_given(args, count, foreign, containers, dicts) == 0) {
        all.containers = containers;
        all.dicts = dicts;
        result = find_dead(&all) ? finish(&all) : PyErr_NoMemory();
        sweep_deinit(&all);
    }
    Py_XDECREF(dicts);
    Py_XDECREF(containers);
    return result;
}

PyObject *weak_sweep(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)module;
    return sweep_with(args, count, names, NULL, entries_drop);
}

PyObject *weak_find_leaks(PyObject *module, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    (void)module;
    PyObject *weakref = PyImport_ImportModule("weakref");
    PyObject *foreign =
        weakref == NULL ? NULL : PyObject_GetAttrString(weakref, "WeakKeyDictionary");
    PyObject *result = NULL;
    if (foreign != NULL && !PyType_Check(foreign)) {
        PyErr_SetString(PyExc_TypeError, "weakref.WeakKeyDictionary is no class");
    } else if (foreign != NULL) {
        result = sweep_with(args, count, names, foreign, entries_list);
    }
    Py_XDECREF(foreign);
    Py_XDECREF(weakref);
    return result;
}
