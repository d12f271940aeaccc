// Values that hang on their keys, for the interpreter's own collector: `ephemeron=True`.
//
// A weak dictionary holds its values, so a value that leads back to its key keeps the pair for
// ever. Here the dictionary's entry does not hold the value: a carrier does, which stands in a
// holder that the key itself has, under the attribute `__ephemerons__`.
//
//     table T    │ hash │ weak reference to K │ carrier │
//                                                  │ borrowed
//     key K  ── __ephemerons__ ──► holder H: carriers ──► value V     one carrier for each table
//
// While nobody collects this is plain ownership: K holds H, H holds V. T lets go of V when K dies,
// by its callback, and when it dies itself. What is missing is that V must not live for K's sake
// when T is garbage: H and T share the edge. CPython's collector visits the objects it looks at,
// its *set*, twice (Modules/gcmodule.c, Python/gc.c):
//     subtract_refs: each reference that is visited is one that the set explains. V has one for the
//         carrier: H shows it where H is in the set, else T does. So it is counted once.
//     move_unreachable: what is visited is alive. The later one of H and T shows V: when it comes
//         the other one was there already. So V is alive when both are, and only then.
// An object is in the set, and this pass has not come to it yet, when one bit in the word before it
// says so. Which pass it is tells the address of the visiting function: a probe learns it, in a
// collection of the youngest objects alone. After that small cases must turn out as they should, or
// no value is carried: the entries are those of a plain weak dictionary, and sweep() is for them.
// All other visitors are shown H as the owner.
//
// Sound whatever the set is: what is not in the set is alive as far as the collector knows, and the
// rules never hide from the second pass what the first was shown by an object that is alive.
//
// General note on reentrancy. Making holder and carrier may run Python code (a collection, keys in
// the instance's dict with an `__eq__` of their own), so both are made before the entry is looked
// up for the last time. Carrying an entry, and putting its value back, runs none.
#include <string.h>

#include "weak.h"

// The first carrier is part of its holder: most keys are in one dictionary.
typedef struct weak_holder {
    PyObject_HEAD PyObject *key; /* borrowed, compared only; NULL when it was let go */
    weak_carrier *carriers;
    weak_carrier first;
} weak_holder;

// ---- carriers -----------------------------------------------------------------------------------

static void carrier_link(weak_holder *holder, weak_carrier *carrier) {
    carrier->holder = (PyObject *)holder;
    carrier->previous = NULL;
    carrier->next = holder->carriers;
    if (carrier->next != NULL) {
        carrier->next->previous = carrier;
    }
    holder->carriers = carrier;
}

PyObject *weak_carrier_end(weak_carrier *carrier) {
    weak_holder *holder = (weak_holder *)carrier->holder;
    PyObject *value = carrier->value;
    if (carrier->previous == NULL) {
        holder->carriers = carrier->next;
    } else {
        carrier->previous->next = carrier->next;
    }
    if (carrier->next != NULL) {
        carrier->next->previous = carrier->previous;
    }
    if (carrier == &holder->first) {
        memset(carrier, 0, sizeof(*carrier));
    } else {
        PyMem_Free(carrier);
    }
    return value;
}

// The entry's value hangs on the holder from now on; without memory it stays where it is, which is
// a plain weak dictionary's entry. REQUIRES: it is not carried, and the holder is its key's.
static void entry_carry(weak_table *table, Py_ssize_t at, weak_holder *holder) {
    weak_entry *entry = weak_entry_at(table, at);
    weak_carrier *carrier =
        holder->first.table == NULL ? &holder->first : PyMem_Malloc(sizeof(*carrier));
    if (carrier == NULL) {
        return;
    }
    carrier->value = entry->other;
    carrier->table = table;
    carrier->ref = entry->ref;
    carrier_link(holder, carrier);
    entry->other = weak_carrier_tagged(carrier);
}

// ---- what the collector sees --------------------------------------------------------------------

// Is the object in the set that is collected, and has the pass not been there? The bit is
// PREV_MASK_COLLECTING of the word before the object, in all versions that self_test() lets pass.
static bool is_collecting(const void *object) {
    enum { COLLECTING = 2 };
    return (((const uintptr_t *)object)[-1] & COLLECTING) != 0;
}

static const weak_object *owner_of(const weak_table *table) {
    return (const weak_object *)(const void *)((const char *)table - offsetof(weak_object, table));
}

bool weak_carrier_is_tables(const weak_carrier *carrier) {
    // While it is collected a table has this bit in both passes; and after them, if it is garbage:
    // where something uncollectable reaches it, what hangs on keys that live is saved with it.
    return is_collecting(owner_of(carrier->table)) && !is_collecting(carrier->holder);
}

static int holder_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    const weak_holder *holder = (weak_holder *)self;
    for (const weak_carrier *carrier = holder->carriers; carrier != NULL; carrier = carrier->next) {
        const weak_table *table = carrier->table;
        if (visit != table->mark || !is_collecting(owner_of(table))) {
            Py_VISIT(carrier->value);
        }
    }
    return 0;
}

// ---- holders ------------------------------------------------------------------------------------

static Py_ssize_t carrier_at(const weak_carrier *carrier) {
    Py_ssize_t at = weak_table_find_ref(carrier->table, carrier->ref);
    assert(at >= 0);  // what takes an entry out, or its reference, ends its carrier
    return at;
}

// What belongs to a key that is alive goes back into its table: code may take from an instance all
// its attributes, and a value may have them then. So this comes before the collector clears
// anything: it looks at the value again, which a table has that is alive.
static void holder_finalize(PyObject *self) {
    weak_holder *holder = (weak_holder *)self;
    holder->key = NULL;  // it gets nothing any more
    weak_carrier *next = NULL;
    for (weak_carrier *carrier = holder->carriers; carrier != NULL; carrier = next) {
        next = carrier->next;
        weak_entry *entry = weak_entry_at(carrier->table, carrier_at(carrier));
        if (weak_referent(entry->ref) != NULL) {
            entry->other = weak_carrier_end(carrier);
        }
    }
}

// The carriers end.
static int holder_clear(PyObject *self) {
    weak_holder *holder = (weak_holder *)self;
    holder_finalize(self);
    while (holder->carriers != NULL) {
        PyObject *ref = NULL;
        PyObject *value = NULL;
        weak_table_take(holder->carriers->table, carrier_at(holder->carriers), &ref, &value);
        Py_DECREF(ref);
        Py_DECREF(value);
    }
    return 0;
}

static void holder_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)holder_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

// Copies of the key, deep or from a pickle, have None instead.
static PyObject *holder_reduce(PyObject *self, PyObject *ignored) {
    (void)self;
    (void)ignored;
    return Py_BuildValue("O()", (PyObject *)Py_TYPE(Py_None));
}

PyType_Spec weak_holder_spec(void) {
    static const PyMethodDef methods[] = {
        {"__reduce__", holder_reduce, METH_NOARGS, NULL},
        {NULL, NULL, 0, NULL},
    };
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)holder_dealloc}, {Py_tp_traverse, (void *)holder_traverse},
        {Py_tp_clear, (void *)holder_clear},     {Py_tp_finalize, (void *)holder_finalize},
        {Py_tp_methods, (void *)methods},        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Holder",
        .basicsize = sizeof(weak_holder),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// A new holder on a key; NULL without an exception: it cannot have one. The attribute is set past
// any __setattr__ of the class, which may forbid or record what it is given.
static PyObject *holder_new(const weak_state *state, PyObject *key) {
    weak_holder *holder = PyObject_GC_New(weak_holder, state->holder_type);
    if (holder != NULL) {
        holder->key = key;
        holder->carriers = NULL;
        memset(&holder->first, 0, sizeof(holder->first));
        PyObject_GC_Track(holder);
        // A class remembers what was found in it, and must be told.
        setattrofunc set =
            PyType_Check(key) ? PyType_Type.tp_setattro : PyBaseObject_Type.tp_setattro;
        if (set(key, state->holder_name, (PyObject *)holder) < 0) {
            Py_CLEAR(holder);
        }
    }
    PyErr_Clear();
    return (PyObject *)holder;
}

// The key's holder, a new one if it has none; NULL without an exception: it cannot have one.
static PyObject *holder_of(const weak_state *state, PyObject *key) {
    if (!PyObject_IS_GC(key)) {
        return NULL;  // no collector sees what it has
    }
    PyObject *there = _PyObject_GenericGetAttrWithDict(key, state->holder_name, NULL, 1);
    if (there != NULL && Py_TYPE(there) == state->holder_type &&
        ((weak_holder *)there)->key == key) {
        return there;
    }
    // A copy has its original's, or None; an instance may find its class's. Else it is not ours.
    bool replaced = there == NULL || there == Py_None || Py_TYPE(there) == state->holder_type;
    Py_XDECREF(there);
    PyErr_Clear();
    return replaced ? holder_new(state, key) : NULL;
}

// ---- the self-test ------------------------------------------------------------------------------

/// Writes down who visits it, and whether it was in the set then.
typedef struct weak_probe {
    PyObject_HEAD visitproc seen[4];
    int count;  ///< visits, of which the first four are in `seen`
    bool all_collecting;
} weak_probe;

static int probe_traverse(PyObject *self, visitproc visit, void *arg) {
    weak_probe *probe = (weak_probe *)self;
    if (probe->count < 4) {
        probe->seen[probe->count] = visit;
    }
    probe->count++;
    probe->all_collecting = probe->all_collecting && is_collecting(self);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void probe_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyType_Spec weak_probe_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)probe_dealloc},
        {Py_tp_traverse, (void *)probe_traverse},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Probe",
        .basicsize = sizeof(weak_probe),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                 Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// Collect the youngest objects. -1 with an exception set.
static int collect_young(PyObject *gc) {
    PyObject *done = PyObject_CallMethod(gc, "collect", "i", 0);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

// Which functions visit: false where it is not as it was read to be, or where no collection ran.
static bool visitors_learn(weak_state *state, PyObject *gc, bool *ret_ran) {
    weak_probe *probe = PyObject_GC_New(weak_probe, state->probe_type);
    if (probe == NULL) {
        return false;
    }
    probe->count = 0;
    PyObject_GC_Track(probe);
    // Debug builds visit what is tracked, to see whether it is sound.
    probe->count = 0;
    probe->all_collecting = true;
    bool fits = !is_collecting(probe) && collect_young(gc) == 0;
    *ret_ran = probe->count > 0;
    fits = fits && probe->count == 2 && probe->all_collecting && !is_collecting(probe) &&
           probe->seen[0] != probe->seen[1];
    state->mark = probe->seen[1];
    Py_DECREF(probe);
    return fits;
}

// One entry that is carried: a table, a key and a list as the value that holds one object.
typedef struct test_case {
    PyObject *table;
    PyObject *key;
    PyObject *holder;
    PyObject *value;
} test_case;

static void case_deinit(test_case *all) {
    Py_CLEAR(all->table);
    Py_CLEAR(all->key);
    Py_CLEAR(all->holder);
    Py_CLEAR(all->value);
}

// -1 with an exception set, or because it could not be carried.
static int case_init(const weak_state *state, test_case *all) {
    *all = (test_case){
        .table = weak_object_new(state->id_dict_type, WEAK_IDS),
        .key = PyModule_New("mortmain._weak.test"),
        .value = PyList_New(0),
    };
    if (all->table == NULL || all->key == NULL || all->value == NULL) {
        return -1;
    }
    weak_table *table = &((weak_object *)all->table)->table;
    table->mark = state->mark;
    all->holder = holder_of(state, all->key);
    if (all->holder == NULL || weak_table_put(table, all->key, MM_HASH_POINTER(all->key), all->key,
                                              all->value, false) != 0) {
        return -1;
    }
    entry_carry(table, 0, (weak_holder *)all->holder);
    return weak_entry_carrier(weak_entry_at(table, 0)) == NULL ? -1 : 0;
}

// Three entries, one collection: a value that holds its key, of which nothing else is held but the
// table; the same with the key held as well; one that holds its table, with the key held alone.
static bool cases_pass(const weak_state *state, PyObject *gc) {
    test_case dead;
    test_case alive;
    test_case orphan;
    int result = case_init(state, &dead);
    result = case_init(state, &alive) < 0 ? -1 : result;
    result = case_init(state, &orphan) < 0 ? -1 : result;
    bool fits = result == 0 && PyList_Append(dead.value, dead.key) == 0 &&
                PyList_Append(alive.value, alive.key) == 0 &&
                PyList_Append(orphan.value, orphan.table) == 0;
    if (fits) {
        Py_CLEAR(dead.key);
        Py_CLEAR(dead.holder);
        Py_CLEAR(dead.value);
        Py_CLEAR(alive.value);
        Py_CLEAR(orphan.table);
        Py_CLEAR(orphan.value);
        fits = collect_young(gc) == 0;
    }
    if (fits) {
        const weak_table *table = &((weak_object *)alive.table)->table;
        const weak_carrier *kept = ((weak_holder *)alive.holder)->carriers;
        fits = ((weak_object *)dead.table)->table.live == 0 && table->live == 1 && kept != NULL &&
               kept == weak_entry_carrier(weak_entry_at(table, 0)) &&
               PyList_GET_SIZE(kept->value) == 1 && PyList_GET_ITEM(kept->value, 0) == alive.key &&
               ((weak_holder *)orphan.holder)->carriers == NULL;
    }
    case_deinit(&dead);
    case_deinit(&alive);
    case_deinit(&orphan);
    return fits;
}

// With DEBUG_SAVEALL no garbage goes.
static bool garbage_is_kept(PyObject *gc) {
    enum { DEBUG_SAVEALL = 32 };
    PyObject *flags = PyObject_CallMethod(gc, "get_debug", NULL);
    long kept = flags == NULL ? 0 : PyLong_AsLong(flags);
    Py_XDECREF(flags);
    return kept == -1 || (kept & DEBUG_SAVEALL) != 0;
}

// Once for each interpreter. May run Python code: that of finalizers of what is young and garbage.
static void self_test(weak_state *state) {
    state->ephemerons = WEAK_BY_SWEEP;  // for whoever asks meanwhile
    int enabled = PyGC_Disable();
    PyObject *gc = PyImport_ImportModule("gc");
    bool ran = true;
    if (gc == NULL || garbage_is_kept(gc)) {
        ran = false;
    } else if (visitors_learn(state, gc, &ran) && cases_pass(state, gc)) {
        state->ephemerons = WEAK_BY_COLLECTOR;
    }
    // In the middle of a collection nothing was learnt: the next one asks again.
    if (!ran) {
        state->ephemerons = WEAK_UNTESTED;
    }
    Py_XDECREF(gc);
    if (enabled) {
        PyGC_Enable();
    }
    PyErr_Clear();
}

weak_ephemerons weak_ephemerons_by(weak_state *state) {
    if (state->ephemerons == WEAK_UNTESTED && MM_COLLECTOR_IS_KNOWN) {
        self_test(state);
    }
    return state->ephemerons == WEAK_BY_COLLECTOR ? WEAK_BY_COLLECTOR : WEAK_BY_SWEEP;
}

// ---- entries ------------------------------------------------------------------------------------

int weak_ephemeron_put(weak_object *self, PyObject *key, Py_hash_t hash, PyObject *value,
                       bool keep) {
    weak_table *table = &self->table;
    weak_state *state = weak_state_of(Py_TYPE(self));
    Py_ssize_t at = 0;
    if (state == NULL) {
        PyErr_Clear();  // the interpreter ends: plain entries will do
        return weak_table_put(table, key, hash, key, value, keep);
    }
    int found = weak_table_glance(table, key, hash, &at);
    found = found == 2 ? weak_table_find(table, key, hash, &at) : found;
    if (found < 0 || (found > 0 && keep)) {
        return found;
    }
    weak_entry *there = found > 0 ? weak_entry_at(table, at) : NULL;
    if (there != NULL && weak_entry_carrier(there) != NULL) {
        weak_entry_set_other(there, value);
        return 1;
    }
    // Another key that equals this one may stand in the table: it is the one to have the value.
    PyObject *own = Py_NewRef(there == NULL ? key : weak_referent(there->ref));
    PyObject *holder = NULL;
    // What refers to nothing leads nowhere.
    if (PyObject_IS_GC(value) && weak_ephemerons_by(state) == WEAK_BY_COLLECTOR) {
        table->mark = state->mark;
        holder = holder_of(state, own);
    }
    int result = weak_table_put(table, key, hash, key, value, keep);
    if (result >= 0 && holder != NULL) {
        at = weak_table_seek(table, own, hash);
        const weak_entry *entry = at < 0 ? NULL : weak_entry_at(table, at);
        if (entry != NULL && weak_entry_carrier(entry) == NULL) {
            entry_carry(table, at, (weak_holder *)holder);
        }
    }
    Py_XDECREF(holder);
    Py_DECREF(own);
    return result;
}
