// The table: see table.h.
//
//     index     │ · │ 2 │ · │ 0 │ × │ 1 │ · │ · │     open addressing, dict's perturbation
//     entries   │ hash ref other │ hash ref other │ (hole) │ hash ref other │
//
// Entries are added at the end and slots of the index are never used again before the next
// rebuild, so an entry that is added while somebody compares stands behind all that they have
// looked at. `filled` counts used slots, those of the dead included: one slot in three stays empty,
// or a search would not end. A rebuild runs no Python code: it allocates with PyMem, which starts
// no collection.
#include "table.h"

#include <string.h>

enum { SLOTS_FIRST = 8 };

// ---- memory -------------------------------------------------------------------------------------

static Py_ssize_t room_of(Py_ssize_t slots) {
    return slots * 2 / 3;
}

size_t weak_table_bytes(const weak_table *table) {
    if (table->mask < 0) {
        return 0;
    }
    return (size_t)(table->mask + 1) * sizeof(int32_t) + (size_t)table->room * weak_stride(table);
}

static void index_put(weak_table *table, Py_hash_t hash, int32_t number) {
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    while (table->index[slot] != WEAK_EMPTY) {
        perturb >>= WEAK_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
    table->index[slot] = number;
}

// Where an entry stands in the index. REQUIRES: it does.
static size_t slot_of(const weak_table *table, Py_hash_t hash, Py_ssize_t at) {
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    while (table->index[slot] != at) {
        perturb >>= WEAK_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
    return slot;
}

// Places stand where they stood: before as many live entries as there were.
static void places_move(weak_table *table, const char *old, Py_ssize_t old_end) {
    for (weak_place *place = table->places; place != NULL; place = place->next) {
        Py_ssize_t at = 0;
        Py_ssize_t end = 0;
        for (Py_ssize_t i = 0; i < old_end && i < place->end; i++) {
            const weak_entry *entry =
                (const weak_entry *)(const void *)(old + (size_t)i * weak_stride(table));
            at += entry->ref != NULL && i < place->at;
            end += entry->ref != NULL;
        }
        place->at = at;
        place->end = end;
    }
}

// Room for as many entries again as are alive. -1 with an exception set.
static int table_rebuild(weak_table *table) {
    Py_ssize_t slots = SLOTS_FIRST;
    while (room_of(slots) <= table->live + table->live / 2) {
        if (slots > INT32_MAX / 2) {
            PyErr_NoMemory();
            return -1;
        }
        slots *= 2;
    }
    size_t stride = weak_stride(table);
    int32_t *index = PyMem_Malloc((size_t)slots * sizeof(int32_t));
    char *entries = PyMem_Malloc((size_t)room_of(slots) * stride);
    if (index == NULL || entries == NULL) {
        PyMem_Free(index);
        PyMem_Free(entries);
        PyErr_NoMemory();
        return -1;
    }
    memset(index, 0xff, (size_t)slots * sizeof(int32_t));
    char *old = table->entries;
    Py_ssize_t old_end = table->end;
    PyMem_Free(table->index);
    table->index = index;
    table->entries = entries;
    table->mask = slots - 1;
    table->room = room_of(slots);
    table->end = 0;
    table->filled = table->live;
    for (Py_ssize_t i = 0; i < old_end; i++) {
        const weak_entry *entry = (const weak_entry *)(void *)(old + (size_t)i * stride);
        if (entry->ref != NULL) {
            memcpy(weak_entry_at(table, table->end), entry, stride);
            index_put(table, entry->hash, (int32_t)table->end);
            table->end++;
        }
    }
    places_move(table, old, old_end);
    PyMem_Free(old);
    table->layout++;
    return 0;
}

// ---- the guard ----------------------------------------------------------------------------------

static Py_hash_t hash_of_ref(const weak_table *table, PyObject *ref) {
    return table->kind == WEAK_VALUES ? ((weak_keyed_ref *)ref)->key_hash
                                      : ((PyWeakReference *)ref)->hash;
}

Py_ssize_t weak_table_find_ref(const weak_table *table, PyObject *ref) {
    if (table->mask < 0) {
        return -1;
    }
    Py_hash_t hash = hash_of_ref(table, ref);
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    while (table->index[slot] != WEAK_EMPTY) {
        int32_t at = table->index[slot];
        if (at >= 0 && weak_entry_at(table, at)->ref == ref) {
            return at;
        }
        perturb >>= WEAK_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
    return -1;
}

// What stood beside a weak reference may be the last that holds the next object of the table, and
// so on. Most types put off what is too deep, functions and modules for example do not: here it is
// put off, and given up by the call that stands at the limit. Without memory it is not put off.
static void guard_let_go(weak_guard *guard, PyObject *other) {
    enum { DEPTH_MAX = 50 };
    weak_late *late = guard->depth < DEPTH_MAX ? NULL : PyMem_Malloc(sizeof(*late));
    if (late != NULL) {
        *late = (weak_late){other, guard->late};
        guard->late = late;
        return;
    }
    int depth = ++guard->depth;
    Py_XDECREF(other);
    while (depth == DEPTH_MAX && (late = guard->late) != NULL) {
        other = late->object;
        guard->late = late->next;
        PyMem_Free(late);
        Py_XDECREF(other);
    }
    guard->depth--;
}

static PyObject *guard_call(PyObject *self, PyObject *const *args, size_t count_and_flag,
                            PyObject *names) {
    weak_guard *guard = (weak_guard *)self;
    if (PyVectorcall_NARGS(count_and_flag) != 1 || names != NULL || !PyWeakref_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "the guard of a weak container takes a weak reference");
        return NULL;
    }
    weak_table *table = guard->table;
    bool keyed = table != NULL && table->kind == WEAK_VALUES;
    if (table == NULL || (keyed && !PyObject_TypeCheck(args[0], table->ref_type))) {
        Py_RETURN_NONE;
    }
    Py_ssize_t at = weak_table_find_ref(table, args[0]);
    if (at >= 0) {
        PyObject *ref = NULL;
        PyObject *other = NULL;
        weak_table_take(table, at, &ref, &other);
        // The table may be gone behind these.
        Py_DECREF(ref);
        guard_let_go(guard, other);
    }
    Py_RETURN_NONE;
}

static void guard_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static const PyMemberDef guard_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(weak_guard, call), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_guard_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)guard_dealloc},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_members, (void *)guard_members},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Guard",
        .basicsize = sizeof(weak_guard),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the table ----------------------------------------------------------------------------------

int weak_table_init(weak_table *table, weak_kind kind, PyTypeObject *guard_type,
                    PyTypeObject *ref_type) {
    weak_guard *guard = (weak_guard *)guard_type->tp_alloc(guard_type, 0);
    if (guard == NULL) {
        return -1;
    }
    guard->call = guard_call;
    guard->table = table;
    *table = (weak_table){.kind = kind, .mask = -1, .guard = guard};
    if (kind == WEAK_VALUES) {
        table->ref_type = (PyTypeObject *)Py_NewRef(ref_type);
    }
    return 0;
}

void weak_table_deinit(weak_table *table) {
    weak_table_clear(table);
    if (table->guard != NULL) {
        table->guard->table = NULL;
        Py_CLEAR(table->guard);
    }
    Py_CLEAR(table->ref_type);
}

int weak_table_traverse(const weak_table *table, visitproc visit, void *arg) {
    Py_VISIT(table->ref_type);
    for (Py_ssize_t i = 0; i < table->end; i++) {
        const weak_entry *entry = weak_entry_at(table, i);
        // What a hole has as `other` is nothing.
        if (entry->ref != NULL) {
            Py_VISIT(entry->ref);
            const weak_carrier *carrier =
                table->kind == WEAK_MEMBERS ? NULL : weak_entry_carrier(entry);
            if (carrier != NULL && !weak_carrier_is_tables(carrier)) {
                continue;
            }
            if (table->kind != WEAK_MEMBERS) {
                Py_VISIT(weak_entry_other(entry));
            }
        }
    }
    return 0;
}

// What an entry has beside the weak reference, now the caller's. Runs no code.
static PyObject *other_own(const weak_entry *entry) {
    weak_carrier *carrier = weak_entry_carrier(entry);
    return carrier == NULL ? entry->other : weak_carrier_end(carrier);
}

void weak_table_clear(weak_table *table) {
    char *old = table->entries;
    Py_ssize_t end = table->end;
    size_t stride = weak_stride(table);
    PyMem_Free(table->index);
    table->index = NULL;
    table->entries = NULL;
    table->mask = -1;
    table->room = table->end = table->live = table->filled = 0;
    table->layout++;
    table->version++;
    for (weak_place *place = table->places; place != NULL; place = place->next) {
        place->at = place->end = 0;
    }
    // No carrier may know of the table when code runs.
    for (Py_ssize_t i = 0; table->mark != NULL && i < end; i++) {
        weak_entry *entry = (weak_entry *)(void *)(old + (size_t)i * stride);
        if (entry->ref != NULL) {
            entry->other = other_own(entry);
        }
    }
    for (Py_ssize_t i = 0; i < end; i++) {
        const weak_entry *entry = (const weak_entry *)(void *)(old + (size_t)i * stride);
        PyObject *other = table->kind == WEAK_MEMBERS ? NULL : entry->other;
        if (entry->ref != NULL) {
            Py_DECREF(entry->ref);
            Py_XDECREF(other);
        }
    }
    PyMem_Free(old);
}

Py_hash_t weak_table_hash(const weak_table *table, PyObject *key) {
    if (table->kind != WEAK_VALUES && !PyType_SUPPORTS_WEAKREFS(Py_TYPE(key))) {
        PyErr_Format(PyExc_TypeError, "cannot create weak reference to '%s' object",
                     Py_TYPE(key)->tp_name);
        return -1;
    }
    return table->kind == WEAK_IDS ? MM_HASH_POINTER(key) : PyObject_Hash(key);
}

// Do only identical objects compare equal, without running code?
static bool compares_by_identity(PyObject *object) {
    return Py_TYPE(object)->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

// May they be compared without running code?
static bool compares_quietly(PyObject *first, PyObject *second) {
    return (PyUnicode_CheckExact(first) || PyLong_CheckExact(first)) &&
           Py_IS_TYPE(second, Py_TYPE(first));
}

// Is the entry's key the one looked for, another object with the same hash? 1, 0, -1 with an
// exception; 2: the table was rebuilt meanwhile. After 1 the entry is there, and alive.
static int entry_compare(weak_table *table, Py_ssize_t at, PyObject *stored, PyObject *key) {
    uint64_t layout = table->layout;
    PyObject *ref = Py_NewRef(weak_entry_at(table, at)->ref);
    Py_INCREF(stored);
    int equal = PyObject_RichCompareBool(stored, key, Py_EQ);
    // Under a key that was compared another value may stand by now: it is found all the same.
    bool kept = table->layout == layout && table->kind == WEAK_VALUES &&
                weak_entry_at(table, at)->ref != NULL && weak_entry_at(table, at)->other == stored;
    // This may be its last reference, and its death takes the entry out; not that of a key that was
    // kept.
    Py_DECREF(stored);
    const weak_entry *entry = table->layout != layout ? NULL : weak_entry_at(table, at);
    bool same = entry != NULL && (kept || entry->ref == ref) && weak_referent(entry->ref) != NULL;
    // The entry holds it too, or it is the table's no more and all may happen here.
    Py_DECREF(ref);
    if (equal < 0) {
        return -1;
    }
    return table->layout != layout ? 2 : equal > 0 && same;
}

int weak_table_find(weak_table *table, PyObject *key, Py_hash_t hash, Py_ssize_t *ret_at) {
    if (table->live == 0) {
        return 0;
    }
again:;
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    for (int32_t at = 0; table->mask >= 0 && (at = table->index[slot]) != WEAK_EMPTY;
         perturb >>= WEAK_PERTURB_SHIFT, slot = (slot * 5 + perturb + 1) & mask) {
        if (at < 0) {
            continue;
        }
        const weak_entry *entry = weak_entry_at(table, at);
        if (entry->hash != hash) {
            continue;
        }
        PyObject *referent = weak_referent(entry->ref);
        PyObject *stored = table->kind == WEAK_VALUES ? entry->other : referent;
        if (referent == NULL) {
            continue;
        }
        if (stored == key) {
            *ret_at = at;
            return 1;
        }
        if (table->kind == WEAK_IDS ||
            (compares_by_identity(stored) && compares_by_identity(key))) {
            continue;
        }
        int equal = compares_quietly(stored, key) ? PyObject_RichCompareBool(stored, key, Py_EQ)
                                                  : entry_compare(table, at, stored, key);
        if (equal == 2) {
            goto again;
        }
        if (equal != 0) {
            *ret_at = at;
            return equal;
        }
    }
    return 0;
}

Py_ssize_t weak_table_seek(const weak_table *table, PyObject *object, Py_hash_t hash) {
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    for (int32_t at = 0; table->mask >= 0 && (at = table->index[slot]) != WEAK_EMPTY;
         perturb >>= WEAK_PERTURB_SHIFT, slot = (slot * 5 + perturb + 1) & mask) {
        const weak_entry *entry = at < 0 ? NULL : weak_entry_at(table, at);
        if (entry != NULL && entry->hash == hash && weak_referent(entry->ref) == object) {
            return at;
        }
    }
    return -1;
}

// A weak reference with the guard, which remembers the hash. NULL with an exception set. May start
// a collection.
static PyObject *ref_new(const weak_table *table, PyObject *weak, PyObject *key, Py_hash_t hash) {
    if (table->kind != WEAK_VALUES) {
        PyObject *ref = PyWeakref_NewRef(weak, (PyObject *)table->guard);
        if (ref != NULL) {
            ((PyWeakReference *)ref)->hash = hash;
        }
        return ref;
    }
    PyObject *ref = PyObject_CallFunctionObjArgs((PyObject *)table->ref_type, weak,
                                                 (PyObject *)table->guard, key, NULL);
    if (ref != NULL) {
        ((weak_keyed_ref *)ref)->key_hash = hash;
    }
    return ref;
}

static void entry_append(weak_table *table, Py_hash_t hash, PyObject *ref, PyObject *other) {
    weak_entry *entry = weak_entry_at(table, table->end);
    entry->hash = hash;
    entry->ref = ref;
    if (table->kind != WEAK_MEMBERS) {
        entry->other = Py_NewRef(other);
    }
    index_put(table, hash, (int32_t)table->end);
    table->end++;
    table->live++;
    table->filled++;
    table->version++;
}

// An entry's weak reference stays; of a weak value it is replaced. `ref` is taken.
static void entry_replace(weak_table *table, Py_ssize_t at, PyObject *ref, PyObject *other) {
    weak_entry *entry = weak_entry_at(table, at);
    PyObject *old = ref;
    if (table->kind == WEAK_VALUES) {
        old = entry->ref;
        entry->ref = ref;
    } else if (table->kind != WEAK_MEMBERS) {
        weak_entry_set_other(entry, other);
    }
    Py_XDECREF(old);
}

int weak_table_put(weak_table *table, PyObject *key, Py_hash_t hash, PyObject *weak,
                   PyObject *other, bool keep) {
    Py_ssize_t at = 0;
    int found = table->kind == WEAK_VALUES ? 2 : weak_table_glance(table, key, hash, &at);
    found = found == 2 ? weak_table_find(table, key, hash, &at) : found;
    if (found > 0 && keep) {
        return 1;
    }
    if (found > 0 && table->kind != WEAK_VALUES) {
        entry_replace(table, at, NULL, other);
        return 1;
    }
    PyObject *ref = NULL;
    if (found >= 0) {
        uint64_t version = table->version;
        uint64_t layout = table->layout;
        ref = ref_new(table, weak, other, hash);
        bool changed = table->version != version || table->layout != layout;
        // An entry that was found may have died meanwhile, which moves nothing.
        bool lost = found > 0 && !changed && weak_entry_at(table, at)->ref == NULL;
        if (ref != NULL && (changed || lost)) {
            found = weak_table_find(table, key, hash, &at);
        }
    }
    if (found < 0 || ref == NULL) {
        Py_XDECREF(ref);
        return -1;
    }
    if (found > 0) {
        if (keep) {
            Py_DECREF(ref);
        } else {
            entry_replace(table, at, ref, other);
        }
        return 1;
    }
    if (table->filled >= table->room && table_rebuild(table) < 0) {
        Py_DECREF(ref);
        return -1;
    }
    entry_append(table, hash, ref, other);
    return 0;
}

void weak_table_take(weak_table *table, Py_ssize_t at, PyObject **ret_ref, PyObject **ret_other) {
    weak_entry *entry = weak_entry_at(table, at);
    table->index[slot_of(table, entry->hash, at)] = WEAK_GONE;
    *ret_ref = entry->ref;
    *ret_other = table->kind == WEAK_MEMBERS ? NULL : other_own(entry);
    entry->ref = NULL;
    table->live--;
    if (table->places != NULL) {
        return;
    }
    // Holes at the end are used again at once: what empties a table from there finds its way.
    while (table->end > 0 && weak_entry_at(table, table->end - 1)->ref == NULL) {
        table->end--;
    }
    // Short lives one after the other: an empty small table starts again without a rebuild.
    if (table->live == 0 && table->mask < SLOTS_FIRST * 8) {
        memset(table->index, 0xff, (size_t)(table->mask + 1) * sizeof(int32_t));
        table->filled = 0;
        table->layout++;
    }
}

Py_ssize_t weak_table_last(const weak_table *table) {
    for (Py_ssize_t at = table->end; at-- > 0;) {
        const weak_entry *entry = weak_entry_at(table, at);
        if (entry->ref != NULL && weak_referent(entry->ref) != NULL) {
            return at;
        }
    }
    return -1;
}

// ---- places -------------------------------------------------------------------------------------

void weak_place_enter(weak_place *place, weak_table *table) {
    place->at = 0;
    place->end = table->end;
    place->next = table->places;
    place->link = &table->places;
    if (place->next != NULL) {
        place->next->link = &place->next;
    }
    table->places = place;
}

void weak_place_leave(weak_place *place) {
    if (place->link != NULL) {
        *place->link = place->next;
        if (place->next != NULL) {
            place->next->link = place->link;
        }
        place->link = NULL;
    }
}

weak_entry *weak_table_step(const weak_table *table, weak_place *place, PyObject **ret_object) {
    while (place->at < place->end) {
        weak_entry *entry = weak_entry_at(table, place->at++);
        PyObject *object = entry->ref == NULL ? NULL : weak_referent(entry->ref);
        if (object != NULL) {
            *ret_object = object;
            return entry;
        }
    }
    return NULL;
}
