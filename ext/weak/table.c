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
static inline size_t slot_of(const weak_table *table, Py_hash_t hash, Py_ssize_t at) {
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
static void places_move(const weak_table *table) {
    for (weak_place *place = table->places; place != NULL; place = place->next) {
        Py_ssize_t at = 0;
        Py_ssize_t end = 0;
        for (Py_ssize_t i = 0; i < table->end && i < place->end; i++) {
            bool is_live = weak_entry_at(table, i)->ref != NULL;
            at += is_live && i < place->at;
            end += is_live;
        }
        place->at = at;
        place->end = end;
    }
}

// Entries without the holes, in another block.
static void entries_pack(weak_table *table, char *entries) {
    size_t stride = weak_stride(table);
    char *to = entries;
    for (Py_ssize_t i = 0; i < table->end; i++) {
        const weak_entry *entry = weak_entry_at(table, i);
        if (entry->ref != NULL) {
            memcpy(to, entry, stride);
            to += stride;
        }
    }
    places_move(table);
    PyMem_Free(table->entries);
    table->entries = entries;
    table->end = table->live;
}

// Slots for so many entries; -1: there are never so many.
static Py_ssize_t slots_for(Py_ssize_t entries) {
    Py_ssize_t slots = SLOTS_FIRST;
    while (room_of(slots) < entries) {
        if (slots > INT32_MAX / 2) {
            return -1;
        }
        slots *= 2;
    }
    return slots;
}

// Room for so many entries. -1 with an exception set. REQUIRES: no fewer than are alive.
static int table_rebuild(weak_table *table, Py_ssize_t count) {
    Py_ssize_t slots = slots_for(count);
    int32_t *index = slots < 0 ? NULL : PyMem_Malloc((size_t)slots * sizeof(int32_t));
    size_t size = slots < 0 ? 0 : (size_t)room_of(slots) * weak_stride(table);
    // Entries among which is no hole stay what they are.
    bool packed = table->live == table->end;
    char *entries = index == NULL ? NULL
                    : packed      ? PyMem_Realloc(table->entries, size)
                                  : PyMem_Malloc(size);
    if (entries == NULL) {
        PyMem_Free(index);
        PyErr_NoMemory();
        return -1;
    }
    if (packed) {
        table->entries = entries;
    } else {
        entries_pack(table, entries);
    }
    memset(index, 0xff, (size_t)slots * sizeof(int32_t));
    PyMem_Free(table->index);
    table->index = index;
    table->mask = slots - 1;
    table->room = room_of(slots);
    table->filled = table->live;
    for (Py_ssize_t i = 0; i < table->end; i++) {
        index_put(table, weak_entry_at(table, i)->hash, (int32_t)i);
    }
    table->layout++;
    return 0;
}

// ---- the guard ----------------------------------------------------------------------------------

static Py_hash_t hash_of_ref(const weak_table *table, PyObject *ref) {
    return table->kind == WEAK_VALUES ? ((weak_keyed_ref *)ref)->key_hash
                                      : ((PyWeakReference *)ref)->hash;
}

// As weak_table_find_ref(), with the slot of the index.
static Py_ssize_t ref_find(const weak_table *table, PyObject *ref, size_t *ret_slot) {
    if (table->end == 0) {
        return -1;
    }
    // Who came last often goes first: a list lets go from its end.
    const weak_entry *last = weak_entry_at(table, table->end - 1);
    if (last->ref == ref) {
        *ret_slot = slot_of(table, last->hash, table->end - 1);
        return table->end - 1;
    }
    Py_hash_t hash = hash_of_ref(table, ref);
    size_t mask = (size_t)table->mask;
    size_t perturb = (size_t)hash;
    size_t slot = perturb & mask;
    int32_t at = 0;
    while ((at = table->index[slot]) != WEAK_EMPTY) {
        if (at >= 0 && weak_entry_at(table, at)->ref == ref) {
            *ret_slot = slot;
            return at;
        }
        perturb >>= WEAK_PERTURB_SHIFT;
        slot = (slot * 5 + perturb + 1) & mask;
    }
    return -1;
}

Py_ssize_t weak_table_find_ref(const weak_table *table, PyObject *ref) {
    size_t slot = 0;
    return ref_find(table, ref, &slot);
}

// What an entry has beside the weak reference, now the caller's. Runs no code.
static PyObject *other_own(const weak_entry *entry) {
    weak_carrier *carrier = weak_entry_carrier(entry);
    return carrier == NULL ? entry->other : weak_carrier_end(carrier);
}

// As weak_table_take(), of an entry that stands in this slot of the index.
static inline void entry_take(weak_table *table, Py_ssize_t at, size_t slot, PyObject **ret_ref,
                              PyObject **ret_other) {
    weak_entry *entry = weak_entry_at(table, at);
    table->index[slot] = WEAK_GONE;
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

void weak_table_take(weak_table *table, Py_ssize_t at, PyObject **ret_ref, PyObject **ret_other) {
    size_t slot = slot_of(table, weak_entry_at(table, at)->hash, at);
    entry_take(table, at, slot, ret_ref, ret_other);
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
    Py_DECREF(other);
    while (depth == DEPTH_MAX && (late = guard->late) != NULL) {
        other = late->object;
        guard->late = late->next;
        PyMem_Free(late);
        Py_DECREF(other);
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
    size_t slot = 0;
    Py_ssize_t at = ref_find(table, args[0], &slot);
    if (at >= 0) {
        PyObject *ref = NULL;
        PyObject *other = NULL;
        entry_take(table, at, slot, &ref, &other);
        // The table may be gone behind these.
        Py_DECREF(ref);
        if (other != NULL) {
            guard_let_go(guard, other);
        }
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

int weak_table_ask(weak_table *table, PyObject *key, Py_hash_t *ret_hash, Py_ssize_t *ret_at) {
    // What cannot be weakly referenced is not there, and is refused.
    *ret_hash = weak_table_hash(table, key);
    return *ret_hash == -1 ? -1 : weak_table_find(table, key, *ret_hash, ret_at);
}

Py_hash_t weak_table_hash(const weak_table *table, PyObject *key) {
    if (table->kind != WEAK_VALUES && !MM_IS_REFERABLE(Py_TYPE(key))) {
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
static PyObject *ref_new(const weak_table *table, PyObject *weak, PyObject *other, Py_hash_t hash) {
    if (table->kind != WEAK_VALUES) {
        PyObject *ref = PyWeakref_NewRef(weak, (PyObject *)table->guard);
        if (ref != NULL) {
            ((PyWeakReference *)ref)->hash = hash;
        }
        return ref;
    }
    // What calling the type does, without its detours.
    PyObject *pair = PyTuple_Pack(2, weak, table->guard);
    PyObject *ref = pair == NULL ? NULL : _PyWeakref_RefType.tp_new(table->ref_type, pair, NULL);
    Py_XDECREF(pair);
    if (ref != NULL) {
        ((weak_keyed_ref *)ref)->key = Py_NewRef(other);
        ((weak_keyed_ref *)ref)->key_hash = hash;
    }
    return ref;
}

// Add an entry, at a free slot of the index where one is known (else -1). `ref` is taken. -1 with
// an exception set. REQUIRES: no entry has the key.
static int entry_append(weak_table *table, Py_ssize_t slot, Py_hash_t hash, PyObject *ref,
                        PyObject *other) {
    if (table->filled >= table->room) {
        slot = -1;
        if (table_rebuild(table, table->live + table->live / 2 + 1) < 0) {
            Py_DECREF(ref);
            return -1;
        }
    }
    weak_entry *entry = weak_entry_at(table, table->end);
    entry->hash = hash;
    entry->ref = ref;
    if (table->kind != WEAK_MEMBERS) {
        entry->other = Py_NewRef(other);
    }
    if (slot >= 0) {
        table->index[slot] = (int32_t)table->end;
    } else {
        index_put(table, hash, (int32_t)table->end);
    }
    table->end++;
    table->live++;
    table->filled++;
    table->version++;
    return 0;
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

// What a search found is replaced, or added: the rest of weak_table_put(). `at` is the entry, or
// where none was found the free slot, or -1.
static int entry_put(weak_table *table, int found, Py_ssize_t at, Py_hash_t hash, PyObject *weak,
                     PyObject *other, bool keep) {
    if (found < 0 || (found > 0 && keep)) {
        return found;
    }
    if (found > 0 && table->kind != WEAK_VALUES) {
        entry_replace(table, at, NULL, other);
        return 1;
    }
    uint64_t version = table->version;
    uint64_t layout = table->layout;
    PyObject *ref = ref_new(table, weak, other, hash);
    if (ref == NULL) {
        return -1;
    }
    bool changed = table->version != version || table->layout != layout;
    // An entry that was found may have died meanwhile, which moves nothing.
    if (changed || (found > 0 && weak_entry_at(table, at)->ref == NULL)) {
        at = -1;
        found = weak_table_find(table, table->kind == WEAK_VALUES ? other : weak, hash, &at);
    }
    if (found == 0) {
        return entry_append(table, at, hash, ref, other);
    }
    if (found > 0 && !keep) {
        entry_replace(table, at, ref, other);
    } else {
        Py_DECREF(ref);
    }
    return found;
}

int weak_table_put(weak_table *table, PyObject *key, Py_hash_t hash, PyObject *weak,
                   PyObject *other, bool keep) {
    Py_ssize_t at = -1;
    int found = weak_table_glance(table, key, hash, &at);
    found = found == 2 ? weak_table_find(table, key, hash, &at) : found;
    return entry_put(table, found, at, hash, weak, other, keep);
}

int weak_table_put_new(weak_table *table, Py_ssize_t slot, Py_hash_t hash, PyObject *weak,
                       PyObject *other) {
    return entry_put(table, 0, slot, hash, weak, other, false);
}

int weak_table_add(weak_table *table, PyObject *weak, PyObject *other, bool keep) {
    PyObject *key = table->kind == WEAK_VALUES ? other : weak;
    Py_hash_t hash = weak_table_hash(table, key);
    return hash == -1 ? -1 : weak_table_put(table, key, hash, weak, other, keep);
}

int weak_table_reserve(weak_table *table, Py_ssize_t count) {
    return count <= table->room ? 0 : table_rebuild(table, count);
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
