// The ties of a signal: see signal.h.
//
//     roster   │ tie │ tie │ (hole) │ tie │ ended │      in the order of the calls
//     index    │ · │ tie │ · │ · │ tie │ tie │ · │ ·     by the callable, where there are many
//
// A tie that ends leaves a hole, or, in a roster that is pinned, stays behind as an ended one; both
// go when they are more than half. The index is linear probing that closes the gap of what is taken
// out, so that it has no dead slots. Its keys are made of addresses, which is sound because an
// address is never believed: what is found must be alive, and be the very object.
#include "signal.h"

#include <string.h>

enum { ROOM_FIRST = 4, INDEX_FROM = 16, HOLES_KEPT = 8 };

// ---- callables ----------------------------------------------------------------------------------

weak_callable weak_callable_of(PyObject *callable) {
    if (PyMethod_Check(callable)) {
        return (weak_callable){.kind = TIE_METHOD,
                               .subject = PyMethod_GET_SELF(callable),
                               .function = PyMethod_GET_FUNCTION(callable)};
    }
    weak_callable bound = {.kind = TIE_METHOD};
    if (weak_bound_apart(callable, &bound.subject, &bound.function)) {
        return bound;
    }
    // A function of a module has the module as its self.
    PyObject *self = PyCFunction_Check(callable) ? PyCFunction_GET_SELF(callable) : NULL;
    if (self != NULL && !PyModule_Check(self)) {
        return (weak_callable){.kind = TIE_NAMED,
                               .subject = self,
                               .name = ((PyCFunctionObject *)callable)->m_ml->ml_name};
    }
    return (weak_callable){.kind = TIE_PLAIN, .subject = callable};
}

static size_t key_of(const weak_callable *callable) {
    uint64_t key = (uint64_t)(uintptr_t)callable->subject;
    key = key * 31 + (uint64_t)(uintptr_t)callable->function;
    for (const char *at = callable->name; at != NULL && *at != '\0'; at++) {
        key = key * 31 + (unsigned char)*at;
    }
    // Addresses differ in their middle bits: the golden ratio brings these to the top.
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(key >> 24);
}

static bool callables_are_same(const weak_callable *one, const weak_callable *other) {
    return one->kind == other->kind && one->subject == other->subject &&
           one->function == other->function &&
           (one->name == NULL || strcmp(one->name, other->name) == 0);
}

// ---- a tie -------------------------------------------------------------------------------------

static PyObject *tie_subject(const weak_tie *tie) {
    PyObject *subject = tie->subject;
    return subject != NULL && tie->is_weak ? weak_referent(subject) : subject;
}

static PyObject *tie_what(const weak_tie *tie) {
    return tie->is_what_weak ? weak_referent(tie->what) : tie->what;
}

// Borrowed. False: dead.
static bool tie_look(const weak_tie *tie, weak_target *ret) {
    PyObject *subject = tie_subject(tie);
    if (subject != NULL && tie->kind == TIE_KEPT) {
        subject = weak_box_content(subject);
    }
    PyObject *what = subject == NULL ? NULL : tie_what(tie);
    *ret = (weak_target){tie->kind, subject, what};
    return subject != NULL && (what != NULL || tie->what == NULL);
}

bool weak_tie_is_alive(const weak_tie *tie) {
    weak_target target;
    return tie_look(tie, &target);
}

bool weak_tie_resolve(const weak_tie *tie, weak_target *ret) {
    if (!tie_look(tie, ret)) {
        return false;
    }
    Py_INCREF(ret->subject);
    Py_XINCREF(ret->what);
    return true;
}

void weak_tie_classify(weak_tie *tie) {
    PyObject *function = tie->kind == TIE_METHOD && tie->is_what_weak ? tie_what(tie) : NULL;
    tie->is_direct = function != NULL && PyFunction_Check(function) && tie->is_weak &&
                     tie->sender == NULL && tie->most < 0 && !tie->is_once;
}

void weak_target_release(const weak_target *target) {
    Py_DECREF(target->subject);
    Py_XDECREF(target->what);
}

PyObject *weak_target_callable(const weak_target *target) {
    switch (target->kind) {
        case TIE_METHOD:
            return weak_bind(target->what, target->subject);
        case TIE_NAMED:
            return PyObject_GetAttr(target->subject, target->what);
        default:
            return Py_NewRef(target->subject);
    }
}

static bool tie_leads_to(const weak_tie *tie, const weak_callable *callable) {
    PyObject *subject = tie_subject(tie);
    if (subject == NULL) {
        return false;
    }
    if (tie->kind == TIE_KEPT || tie->kind == TIE_PLAIN) {
        PyObject *whole = tie->kind == TIE_KEPT ? weak_box_content(subject) : subject;
        weak_callable own = whole == NULL ? *callable : weak_callable_of(whole);
        return whole != NULL && callables_are_same(&own, callable);
    }
    if (tie->kind != callable->kind || subject != callable->subject) {
        return false;
    }
    return tie->kind == TIE_METHOD
               ? tie_what(tie) == callable->function
               : PyUnicode_CompareWithASCIIString(tie->what, callable->name) == 0;
}

bool weak_tie_has_sender(const weak_tie *tie, PyObject *sender) {
    PyObject *own = tie->sender;
    if (own == NULL || sender == NULL) {
        return own == sender;
    }
    own = tie->is_sender_weak ? weak_referent(own) : own;
    if (own == sender || own == NULL) {
        return own == sender;
    }
    // Of these equal ones are as good, and no Python code compares them.
    bool by_value = PyUnicode_CheckExact(own) || PyLong_CheckExact(own) || PyBytes_CheckExact(own);
    return by_value && Py_TYPE(own) == Py_TYPE(sender) &&
           PyObject_RichCompareBool(own, sender, Py_EQ) > 0;
}

// What the tie calls, or whose events it hears, died.
static PyObject *tie_call(PyObject *self, PyObject *const *args, size_t count_and_flag,
                          PyObject *names) {
    weak_tie *tie = (weak_tie *)self;
    if (PyVectorcall_NARGS(count_and_flag) != 1 || names != NULL || !PyWeakref_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "a connection takes a weak reference");
        return NULL;
    }
    PyObject *ref = args[0];
    if (tie->signal != NULL && (ref == tie->subject || ref == tie->sender)) {
        Py_INCREF(ref);
        weak_signal_remove(tie);
        Py_DECREF(ref);
    }
    Py_RETURN_NONE;
}

weak_tie *weak_tie_new(weak_state *state) {
    weak_tie *tie = PyObject_GC_New(weak_tie, state->signals.tie);
    if (tie == NULL) {
        return NULL;
    }
    memset((char *)tie + sizeof(PyObject), 0, sizeof(weak_tie) - sizeof(PyObject));
    tie->call = tie_call;
    tie->most = -1;
    PyObject_GC_Track(tie);
    return tie;
}

static int tie_traverse(PyObject *self, visitproc visit, void *arg) {
    const weak_tie *tie = (weak_tie *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(tie->subject);
    Py_VISIT(tie->what);
    Py_VISIT(tie->sender);
    return 0;
}

// Give up what it holds: a box's content first, which the owner would keep.
static void tie_give_up(weak_tie *tie) {
    PyObject *subject = tie->subject;
    PyObject *what = tie->what;
    PyObject *sender = tie->sender;
    PyObject *box = tie->kind == TIE_KEPT ? Py_XNewRef(tie_subject(tie)) : NULL;
    tie->subject = tie->what = tie->sender = NULL;
    assert(!tie->is_direct);
    if (box != NULL) {
        weak_box_empty(box);
        Py_DECREF(box);
    }
    Py_XDECREF(subject);
    Py_XDECREF(what);
    Py_XDECREF(sender);
}

static int tie_clear(PyObject *self) {
    weak_tie *tie = (weak_tie *)self;
    if (tie->signal != NULL) {
        weak_signal_remove(tie);
    } else {
        tie_give_up(tie);
    }
    return 0;
}

static void tie_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    tie_give_up((weak_tie *)self);
    type->tp_free(self);
    Py_DECREF(type);
}

static const PyMemberDef tie_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(weak_tie, call), MM_MEMBER_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_tie_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)tie_dealloc}, {Py_tp_traverse, (void *)tie_traverse},
        {Py_tp_clear, (void *)tie_clear},     {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_members, (void *)tie_members}, {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.Connection",
        .basicsize = sizeof(weak_tie),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the index ----------------------------------------------------------------------------------

static void probe_put(weak_tie **index, size_t mask, weak_tie *tie) {
    size_t slot = tie->key & mask;
    while (index[slot] != NULL) {
        slot = (slot + 1) & mask;
    }
    index[slot] = tie;
}

// Make place for one more; -1 with an exception set. Runs no Python code.
static int probe_reserve(weak_signal *self) {
    Py_ssize_t wanted = self->live + 1;
    if (wanted <= INDEX_FROM || (self->index != NULL && (size_t)wanted * 2 <= self->index_mask)) {
        return 0;
    }
    size_t slots = (size_t)INDEX_FROM * 2;
    while (slots < (size_t)wanted * 3) {
        slots *= 2;
    }
    weak_tie **index = PyMem_Calloc(slots, sizeof(*index));
    if (index == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    const weak_roster *roster = self->roster;
    for (Py_ssize_t i = 0; roster != NULL && i < roster->count; i++) {
        if (roster->ties[i] != NULL && roster->ties[i]->signal != NULL) {
            probe_put(index, slots - 1, roster->ties[i]);
        }
    }
    PyMem_Free(self->index);
    self->index = index;
    self->index_mask = slots - 1;
    return 0;
}

static void probe_remove(weak_signal *self, const weak_tie *tie) {
    if (self->index == NULL) {
        return;
    }
    size_t mask = self->index_mask;
    size_t gap = tie->key & mask;
    while (self->index[gap] != tie) {
        gap = (gap + 1) & mask;
    }
    // Whoever may stand in the gap, having been pushed past it, moves into it.
    for (size_t slot = (gap + 1) & mask; self->index[slot] != NULL; slot = (slot + 1) & mask) {
        size_t home = self->index[slot]->key & mask;
        if (((slot - home) & mask) >= ((slot - gap) & mask)) {
            self->index[gap] = self->index[slot];
            gap = slot;
        }
    }
    self->index[gap] = NULL;
}

weak_tie *weak_signal_find(const weak_signal *self, const weak_callable *callable, PyObject *sender,
                           bool all) {
    size_t key = key_of(callable);
    if (self->index != NULL) {
        for (size_t slot = key & self->index_mask; self->index[slot] != NULL;
             slot = (slot + 1) & self->index_mask) {
            weak_tie *tie = self->index[slot];
            if (tie->key == key && tie_leads_to(tie, callable) &&
                (all || weak_tie_has_sender(tie, sender))) {
                return tie;
            }
        }
        return NULL;
    }
    for (Py_ssize_t i = 0; self->roster != NULL && i < self->roster->count; i++) {
        weak_tie *tie = self->roster->ties[i];
        if (tie != NULL && tie->key == key && tie_leads_to(tie, callable) &&
            (all || weak_tie_has_sender(tie, sender))) {
            return tie;
        }
    }
    return NULL;
}

// ---- the roster ---------------------------------------------------------------------------------

static void roster_release(weak_roster *roster) {
    assert(roster->pins > 0);
    if (--roster->pins > 0) {
        return;
    }
    for (Py_ssize_t i = 0; i < roster->count; i++) {
        Py_XDECREF(roster->ties[i]);
    }
    PyMem_Free(roster);
}

// Close the holes of a roster that nobody else reads. Ended ties hold nothing: no code runs.
static void roster_close(weak_roster *roster) {
    Py_ssize_t end = 0;
    assert(roster->pins == 1);
    for (Py_ssize_t i = 0; i < roster->count; i++) {
        weak_tie *tie = roster->ties[i];
        if (tie != NULL && tie->signal == NULL) {
            Py_DECREF(tie);
        } else if (tie != NULL) {
            tie->at = end;
            roster->ties[end++] = tie;
        }
    }
    roster->count = end;
}

static void roster_close_if_sparse(const weak_signal *self) {
    weak_roster *roster = self->roster;
    if (roster != NULL && roster->pins == 1 && roster->count > 2 * self->live + HOLES_KEPT) {
        roster_close(roster);
    }
}

// A roster of the live ties, with room for one more. NULL with an exception set.
static weak_roster *roster_copy(const weak_signal *self) {
    Py_ssize_t room = self->live < ROOM_FIRST ? ROOM_FIRST : self->live + self->live / 2 + 1;
    weak_roster *copy =
        PyMem_Malloc(offsetof(weak_roster, ties) + (size_t)room * sizeof(weak_tie *));
    if (copy == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *copy = (weak_roster){.pins = 1, .room = room};
    const weak_roster *old = self->roster;
    for (Py_ssize_t i = 0; old != NULL && i < old->count; i++) {
        weak_tie *tie = old->ties[i];
        if (tie != NULL && tie->signal != NULL) {
            tie->at = copy->count;
            copy->ties[copy->count++] = (weak_tie *)Py_NewRef(tie);
        }
    }
    assert(copy->count == self->live);
    return copy;
}

int weak_signal_add(weak_signal *self, weak_tie *tie, const weak_callable *callable) {
    assert(tie->signal == NULL);
    if (probe_reserve(self) < 0) {
        return -1;
    }
    weak_roster *roster = self->roster;
    if (roster == NULL || roster->pins > 1 || roster->count == roster->room) {
        weak_roster *copy = roster_copy(self);
        if (copy == NULL) {
            return -1;
        }
        self->roster = copy;
        if (roster != NULL) {
            roster_release(roster);
        }
        roster = copy;
    }
    Py_ssize_t at = roster->count++;
    for (; at > 0; at--) {
        weak_tie *before = roster->ties[at - 1];
        if (before != NULL && before->signal != NULL && before->priority >= tie->priority) {
            break;
        }
        roster->ties[at] = before;
        if (before != NULL) {
            before->at = at;
        }
    }
    roster->ties[at] = (weak_tie *)Py_NewRef(tie);
    tie->at = at;
    tie->key = key_of(callable);
    tie->signal = self;
    weak_tie_classify(tie);
    self->live++;
    if (self->index != NULL) {
        probe_put(self->index, self->index_mask, tie);
    }
    return 0;
}

void weak_signal_remove(weak_tie *tie) {
    weak_signal *self = tie->signal;
    weak_roster *roster = self->roster;
    assert(roster->ties[tie->at] == tie);
    Py_INCREF(tie);
    probe_remove(self, tie);
    tie->signal = NULL;
    tie->is_direct = false;
    self->live--;
    if (roster->pins == 1) {
        roster->ties[tie->at] = NULL;
        Py_DECREF(tie);
        roster->count -= tie->at == roster->count - 1;
        roster_close_if_sparse(self);
    }
    tie_give_up(tie);
    Py_DECREF(tie);
}

void weak_signal_empty(weak_signal *self) {
    weak_roster *roster = self->roster;
    self->roster = NULL;
    PyMem_Free(self->index);
    self->index = NULL;
    self->live = 0;
    for (Py_ssize_t i = 0; roster != NULL && i < roster->count; i++) {
        if (roster->ties[i] != NULL) {
            roster->ties[i]->signal = NULL;
            roster->ties[i]->is_direct = false;
        }
    }
    for (Py_ssize_t i = 0; roster != NULL && i < roster->count; i++) {
        if (roster->ties[i] != NULL) {
            tie_give_up(roster->ties[i]);
        }
    }
    if (roster != NULL) {
        roster_release(roster);
    }
}

weak_roster *weak_signal_pin(weak_signal *self) {
    if (self->roster != NULL) {
        self->roster->pins++;
    }
    return self->roster;
}

void weak_signal_unpin(weak_signal *self, weak_roster *roster) {
    roster_release(roster);
    roster_close_if_sparse(self);
}
