// The list of children that WeakChildren gives: it sets and clears their links.
//
//     parent ──strong──▶ ChildList ──strong──▶ child
//        ▲                   │                   │
//        └───────weak────────┴───────weak────────┘
//
// Strong references lead down and weak ones up, so counting frees a tree whose root is let go. All
// children of a list share its one weak reference to the parent; what a child has under its link
// therefore also tells which list it is in.
//
// A child is in one place at a time. What is added is first taken out of the list it was in; what
// is there already moves. The inner list is never handed out, so that nothing gets in or out of it
// another way.
//
// General note on reentrancy. Python code runs where the class of a child is asked for its link,
// where the child has a descriptor under the private name, in __eq__ of children and when something
// is given up. Links change before the inner list does, references are given up after it did;
// positions are looked up again after anything that may have run code.
//
// A change is done or it is not: what can fail comes first, and is taken back. Putting a child in
// can fail, taking one out cannot.
#include "link.h"

#include <string.h>

typedef struct child_list {
    PyObject_HEAD PyObject *items; /* owned, and nobody else's */
    PyObject *ref;                 ///< to the parent; all children share it
    PyObject *link;                ///< name of the children's link
    PyObject *weak_list;
} child_list;

// ---- one child ----------------------------------------------------------------------------------

// The parent, new; NULL with DeadLinkError set.
static PyObject *list_owner(const weak_state *state, const child_list *self) {
    PyObject *owner = weak_referent(self->ref);
    if (owner == NULL) {
        PyErr_SetString(state->patterns.dead_link_error, "the parent of these children is gone");
    }
    return Py_XNewRef(owner);
}

// Where a child stands, by identity; -1: nowhere.
static Py_ssize_t list_place_of(const child_list *self, const PyObject *child) {
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(self->items); at++) {
        if (PyList_GET_ITEM(self->items, at) == child) {
            return at;
        }
    }
    return -1;
}

// Take a child out of the inner list, where it stands. REQUIRES: the caller holds it, too.
static void items_remove(PyObject *items, Py_ssize_t at) {
    if (PyList_SetSlice(items, at, at + 1, NULL) == 0) {
        return;
    }
    // There was no memory for a shorter list: it keeps what it has.
    PyErr_Clear();
    PyObject **first = ((PyListObject *)items)->ob_item;
    Py_ssize_t size = PyList_GET_SIZE(items) - 1;
    PyObject *child = first[at];
    memmove(first + at, first + at + 1, (size_t)(size - at) * sizeof(*first));
    Py_SET_SIZE((PyVarObject *)items, size);
    Py_DECREF(child);
}

// Move a child to another place, with the others between them.
static void items_move(PyObject *items, Py_ssize_t from, Py_ssize_t to) {
    PyObject **first = ((PyListObject *)items)->ob_item;
    PyObject *child = first[from];
    if (from < to) {
        memmove(first + from, first + from + 1, (size_t)(to - from) * sizeof(*first));
    } else {
        memmove(first + to + 1, first + to, (size_t)(from - to) * sizeof(*first));
    }
    first[to] = child;
}

// The parent of any object: 1 and a new reference, 0, or -1 with an exception set.
static int parent_of(weak_state *state, PyObject *object, PyObject *name, PyObject **ret) {
    weak_uplink *link = weak_uplink_of(state, Py_TYPE(object), name);
    PyObject *ref = NULL;
    *ret = NULL;
    if (link == NULL) {
        // Who has no such link has no parent.
        bool is_none = PyErr_ExceptionMatches(PyExc_TypeError);
        if (is_none) {
            PyErr_Clear();
        }
        return is_none ? 0 : -1;
    }
    int found = weak_uplink_get_ref(state, link, object, &ref);
    if (found > 0) {
        *ret = Py_XNewRef(weak_referent(ref));
    }
    Py_XDECREF(ref);
    Py_DECREF((PyObject *)link);
    return found < 0 ? -1 : *ret != NULL;
}

// Does anybody have an object as parent? A list without children asks nothing of it.
static bool is_parent(const weak_state *state, PyObject *object) {
    if (!PyType_SUPPORTS_WEAKREFS(Py_TYPE(object))) {
        return false;
    }
    PyObject *ref = *PyObject_GET_WEAKREFS_LISTPTR(object);
    for (; ref != NULL; ref = (PyObject *)((PyWeakReference *)ref)->wr_next) {
        if (Py_TYPE(ref) == state->patterns.link_ref_type) {
            const child_list *list = (child_list *)((weak_uplink_ref *)ref)->list;
            if (list == NULL || PyList_GET_SIZE(list->items) > 0) {
                return true;
            }
        }
    }
    return false;
}

// Is an object above another, or that itself? Links set by hand may form rings: the walk ends when
// it meets a place it has marked, and marks places ever farther apart. Most of what is added has no
// children yet, and cannot be above anything. -1 with an exception set.
static int stands_above(weak_state *state, PyObject *object, PyObject *below, PyObject *name) {
    if (object == below || !is_parent(state, object)) {
        return object == below;
    }
    PyObject *at = Py_NewRef(below);
    PyObject *mark = NULL;
    int found = 0;
    for (size_t steps = 1; at != NULL && at != mark && found == 0; steps++) {
        PyObject *above = NULL;
        if ((steps & (steps - 1)) == 0) {
            Py_XSETREF(mark, Py_NewRef(at));
        }
        found = parent_of(state, at, name, &above) < 0 ? -1 : above == object;
        Py_SETREF(at, above);
    }
    Py_XDECREF(at);
    Py_XDECREF(mark);
    return found;
}

static int child_check(weak_state *state, const child_list *self, PyObject *owner,
                       PyObject *child) {
    int is_above = stands_above(state, child, owner, self->link);
    if (is_above > 0) {
        PyErr_Format(PyExc_ValueError, "a '%s' object cannot stand below itself",
                     Py_TYPE(child)->tp_name);
    }
    return is_above == 0 ? 0 : -1;
}

// Make the link of a child lead here. `ret_old` is what it was, new; NULL: it led nowhere. -1 with
// an exception set.
static int child_adopt(weak_state *state, const child_list *self, PyObject *child,
                       PyObject **ret_old) {
    weak_uplink *link = weak_uplink_of(state, Py_TYPE(child), self->link);
    *ret_old = NULL;
    int result = link == NULL ? -1 : weak_uplink_get_ref(state, link, child, ret_old);
    if (result >= 0 && *ret_old != self->ref) {
        result = weak_uplink_put_ref(link, child, self->ref);
    }
    if (result < 0) {
        Py_CLEAR(*ret_old);
    }
    Py_XDECREF((PyObject *)link);
    return result < 0 ? -1 : 0;
}

// The link of a child becomes another, or None, if it leads here. -1 with an exception set.
static int child_release(weak_state *state, const child_list *self, PyObject *child,
                         PyObject *instead) {
    weak_uplink *link = weak_uplink_of(state, Py_TYPE(child), self->link);
    PyObject *ref = NULL;
    int result = link == NULL ? -1 : weak_uplink_get_ref(state, link, child, &ref);
    if (result > 0 && ref == self->ref && instead != self->ref) {
        result = weak_uplink_put_ref(link, child, instead == NULL ? Py_None : instead);
    }
    Py_XDECREF(ref);
    Py_XDECREF((PyObject *)link);
    return result < 0 ? -1 : 0;
}

// It could not be put in after all: its link is what it was. The exception that is set stays.
static void child_return(weak_state *state, const child_list *self, PyObject *child,
                         PyObject *old) {
    PyObject *type = NULL;
    PyObject *error = NULL;
    PyObject *trace = NULL;
    PyErr_Fetch(&type, &error, &trace);
    if (child_release(state, self, child, old) < 0) {
        PyErr_Clear();
    }
    PyErr_Restore(type, error, trace);
}

// It is here now, and leaves the list that it was in.
static void child_leave(const child_list *self, PyObject *child, PyObject *old) {
    PyObject *list = old == NULL || old == self->ref ? NULL : ((weak_uplink_ref *)old)->list;
    if (list != NULL) {
        weak_children_drop(list, child);
    }
}

PyObject *weak_children_owner(PyObject *list) {
    return weak_referent(((child_list *)list)->ref);
}

void weak_children_drop(PyObject *list, PyObject *child) {
    const child_list *self = (child_list *)list;
    Py_ssize_t at = list_place_of(self, child);
    if (at >= 0) {
        items_remove(self->items, at);
    }
}

// ---- changes ------------------------------------------------------------------------------------

// Put a child before a position, as list.insert() has it. -1 with an exception set.
static int list_insert(child_list *self, Py_ssize_t at, PyObject *child) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *owner = state == NULL ? NULL : list_owner(state, self);
    PyObject *old = NULL;
    int result = owner == NULL || child_check(state, self, owner, child) < 0
                     ? -1
                     : child_adopt(state, self, child, &old);
    Py_XDECREF(owner);
    if (result < 0) {
        return -1;
    }
    Py_ssize_t size = PyList_GET_SIZE(self->items);
    at = at < 0 ? at + size : at;
    at = at < 0 ? 0 : at > size ? size : at;
    // Whose link led elsewhere is not here.
    Py_ssize_t was = old == self->ref ? list_place_of(self, child) : -1;
    if (was >= 0) {
        items_move(self->items, was, at > was ? at - 1 : at);
    } else {
        result = PyList_Insert(self->items, at, child);
    }
    if (result < 0) {
        child_return(state, self, child, old);
    } else {
        child_leave(self, child, old);
    }
    Py_XDECREF(old);
    return result;
}

// Take a child out: it is the caller's. NULL with an exception set.
static PyObject *list_take(child_list *self, Py_ssize_t at) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    PyObject *child = Py_NewRef(PyList_GET_ITEM(self->items, at));
    if (child_release(state, self, child, NULL) < 0) {
        Py_CLEAR(child);
    } else {
        weak_children_drop((PyObject *)self, child);
    }
    return child;
}

// The addresses of children: a set. NULL with an exception set: ValueError if one is there twice.
static PyObject *addresses_of(PyObject *children) {
    PyObject *addresses = PySet_New(NULL);
    for (Py_ssize_t at = 0; addresses != NULL && at < PyList_GET_SIZE(children); at++) {
        PyObject *address = PyLong_FromVoidPtr(PyList_GET_ITEM(children, at));
        if (address == NULL || PySet_Add(addresses, address) < 0) {
            Py_CLEAR(addresses);
        } else if (PySet_GET_SIZE(addresses) == at) {
            PyErr_Format(PyExc_ValueError, "the same '%s' object twice: a child has one place",
                         Py_TYPE(PyList_GET_ITEM(children, at))->tp_name);
            Py_CLEAR(addresses);
        }
        Py_XDECREF(address);
    }
    return addresses;
}

// Those children that are not among the addresses: a list. NULL with an exception set.
static PyObject *others_of(PyObject *children, PyObject *addresses) {
    PyObject *others = PyList_New(0);
    for (Py_ssize_t at = 0; others != NULL && at < PyList_GET_SIZE(children); at++) {
        PyObject *child = Py_NewRef(PyList_GET_ITEM(children, at));
        PyObject *address = PyLong_FromVoidPtr(child);
        int stays = address == NULL ? -1 : PySet_Contains(addresses, address);
        Py_XDECREF(address);
        if (stays < 0 || (stays == 0 && PyList_Append(others, child) < 0)) {
            Py_CLEAR(others);
        }
        Py_DECREF(child);
    }
    return others;
}

// Clear the links of those that are children here no more. -1 with the first exception set.
static int release_all(weak_state *state, const child_list *self, PyObject *leaving) {
    PyObject *type = NULL;
    PyObject *error = NULL;
    PyObject *trace = NULL;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(leaving); at++) {
        if (child_release(state, self, PyList_GET_ITEM(leaving, at), NULL) < 0) {
            // Code may run for the next one: it must find no exception.
            if (type == NULL) {
                PyErr_Fetch(&type, &error, &trace);
            } else {
                PyErr_Clear();
            }
        }
    }
    if (type != NULL) {
        PyErr_Restore(type, error, trace);
    }
    return type == NULL ? 0 : -1;
}

// May they all be children here? -1 with an exception set.
static int children_check(weak_state *state, const child_list *self, PyObject *children) {
    // Letting go is possible without a parent.
    Py_ssize_t count = PyList_GET_SIZE(children);
    PyObject *owner = count == 0 ? NULL : list_owner(state, self);
    int result = count > 0 && owner == NULL ? -1 : 0;
    for (Py_ssize_t at = 0; result == 0 && at < count; at++) {
        result = child_check(state, self, owner, PyList_GET_ITEM(children, at));
    }
    Py_XDECREF(owner);
    return result;
}

int weak_children_become(PyObject *list, PyObject *children) {
    child_list *self = (child_list *)list;
    weak_state *state = weak_state_of(Py_TYPE(self));
    PyObject *addresses = state == NULL ? NULL : addresses_of(children);
    if (addresses == NULL || children_check(state, self, children) < 0) {
        Py_XDECREF(addresses);
        return -1;
    }
    Py_ssize_t count = PyList_GET_SIZE(children);
    PyObject **olds = PyMem_Calloc((size_t)count + 1, sizeof(*olds));
    PyObject *leaving = NULL;
    Py_ssize_t adopted = 0;
    while (olds != NULL && adopted < count &&
           child_adopt(state, self, PyList_GET_ITEM(children, adopted), &olds[adopted]) == 0) {
        adopted++;
    }
    if (olds == NULL) {
        PyErr_NoMemory();
    } else if (adopted == count) {
        leaving = others_of(self->items, addresses);
    }
    int result = leaving == NULL ? -1 : 0;
    PyObject *items = self->items;
    if (result == 0) {
        self->items = Py_NewRef(children);
    }
    for (Py_ssize_t at = 0; at < adopted; at++) {
        if (result == 0) {
            child_leave(self, PyList_GET_ITEM(children, at), olds[at]);
        } else {
            child_return(state, self, PyList_GET_ITEM(children, at), olds[at]);
        }
    }
    if (result == 0) {
        result = release_all(state, self, leaving);
    }
    for (Py_ssize_t at = 0; at < adopted; at++) {
        Py_XDECREF(olds[at]);
    }
    PyMem_Free(olds);
    Py_DECREF(addresses);
    if (leaving != NULL) {
        Py_DECREF(leaving);
        Py_DECREF(items);
    }
    return result;
}

// The children as a list of its own.
static PyObject *list_copied(const child_list *self) {
    return PyList_GetSlice(self->items, 0, PyList_GET_SIZE(self->items));
}

static int list_extend(child_list *self, PyObject *others) {
    PyObject *children = PySequence_List(others);
    int result = children == NULL ? -1 : 0;
    for (Py_ssize_t at = 0; result == 0 && at < PyList_GET_SIZE(children); at++) {
        result = list_insert(self, PyList_GET_SIZE(self->items), PyList_GET_ITEM(children, at));
    }
    Py_XDECREF(children);
    return result;
}

// ---- the list's slots ---------------------------------------------------------------------------

static Py_ssize_t list_len(PyObject *self) {
    return PyList_GET_SIZE(((child_list *)self)->items);
}

static PyObject *list_item(PyObject *self, Py_ssize_t at) {
    PyObject *items = ((child_list *)self)->items;
    if (at < 0 || at >= PyList_GET_SIZE(items)) {
        PyErr_SetString(PyExc_IndexError, "child index out of range");
        return NULL;
    }
    return Py_NewRef(PyList_GET_ITEM(items, at));
}

static PyObject *list_subscript(PyObject *self, PyObject *key) {
    // An __index__ may give the list other children.
    PyObject *items = Py_NewRef(((child_list *)self)->items);
    PyObject *result = PyObject_GetItem(items, key);
    Py_DECREF(items);
    return result;
}

static int list_ass_subscript(PyObject *object, PyObject *key, PyObject *value) {
    child_list *self = (child_list *)object;
    PyObject *children = list_copied(self);
    int result = children == NULL ? -1
                 : value == NULL  ? PyObject_DelItem(children, key)
                                  : PyObject_SetItem(children, key, value);
    result = result < 0 ? -1 : weak_children_become(object, children);
    Py_XDECREF(children);
    return result;
}

static int list_contains(PyObject *self, PyObject *value) {
    PyObject *items = Py_NewRef(((child_list *)self)->items);
    int found = PySequence_Contains(items, value);
    Py_DECREF(items);
    return found;
}

static PyObject *list_concat(PyObject *self, PyObject *other) {
    PyObject *children = list_copied((child_list *)self);
    PyObject *others = children == NULL ? NULL : PySequence_List(other);
    PyObject *result = others == NULL ? NULL : PySequence_InPlaceConcat(children, others);
    Py_XDECREF(children);
    Py_XDECREF(others);
    return result;
}

static PyObject *list_inplace_concat(PyObject *self, PyObject *other) {
    return list_extend((child_list *)self, other) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *list_compare(PyObject *self, PyObject *other, int how) {
    bool is_ours = Py_TYPE(other) == Py_TYPE(self);
    if (!is_ours && !PyList_Check(other)) {
        return Py_NewRef(Py_NotImplemented);
    }
    PyObject *mine = list_copied((child_list *)self);
    PyObject *theirs = is_ours ? list_copied((child_list *)other) : Py_NewRef(other);
    PyObject *result =
        mine == NULL || theirs == NULL ? NULL : PyObject_RichCompare(mine, theirs, how);
    Py_XDECREF(mine);
    Py_XDECREF(theirs);
    return result;
}

static PyObject *list_repr(PyObject *self) {
    // The inner list stays, whatever a repr does: it would see that it is being shown already.
    PyObject *items = Py_NewRef(((child_list *)self)->items);
    PyObject *text = PyObject_Repr(items);
    Py_DECREF(items);
    return text;
}

// ---- the list's methods -------------------------------------------------------------------------

static PyObject *list_append(PyObject *object, PyObject *child) {
    child_list *self = (child_list *)object;
    if (list_insert(self, PyList_GET_SIZE(self->items), child) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *list_method_insert(PyObject *self, PyObject *args) {
    Py_ssize_t at = 0;
    PyObject *child = NULL;
    if (!PyArg_ParseTuple(args, "nO:insert", &at, &child) ||
        list_insert((child_list *)self, at, child) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *list_method_extend(PyObject *self, PyObject *others) {
    if (list_extend((child_list *)self, others) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *list_remove(PyObject *object, PyObject *value) {
    child_list *self = (child_list *)object;
    Py_ssize_t at = list_place_of(self, value);
    if (at < 0) {
        PyObject *items = Py_NewRef(self->items);
        at = PySequence_Index(items, value);
        // What was found there may have moved while it was compared.
        PyObject *found =
            at < 0 || at >= PyList_GET_SIZE(items) ? NULL : Py_NewRef(PyList_GET_ITEM(items, at));
        Py_DECREF(items);
        at = found == NULL ? -1 : list_place_of(self, found);
        Py_XDECREF(found);  // not the last reference, if it is still there
    }
    PyObject *child = at < 0 ? NULL : list_take(self, at);
    if (child == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "remove(x): x is no child");
        }
        return NULL;
    }
    Py_DECREF(child);
    Py_RETURN_NONE;
}

static PyObject *list_pop(PyObject *object, PyObject *args) {
    child_list *self = (child_list *)object;
    Py_ssize_t at = -1;
    if (!PyArg_ParseTuple(args, "|n:pop", &at)) {
        return NULL;
    }
    Py_ssize_t size = PyList_GET_SIZE(self->items);
    at = at < 0 ? at + size : at;
    if (at < 0 || at >= size) {
        PyErr_SetString(PyExc_IndexError,
                        size == 0 ? "pop from empty list of children" : "pop index out of range");
        return NULL;
    }
    return list_take(self, at);
}

static PyObject *list_clear(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *nothing = PyList_New(0);
    int result = nothing == NULL ? -1 : weak_children_become(self, nothing);
    Py_XDECREF(nothing);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *list_reverse(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return PyList_Reverse(((child_list *)self)->items) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *list_sort(PyObject *object, PyObject *args, PyObject *kwargs) {
    child_list *self = (child_list *)object;
    PyObject *children = list_copied(self);
    PyObject *sort = children == NULL ? NULL : PyObject_GetAttrString(children, "sort");
    PyObject *done = sort == NULL ? NULL : PyObject_Call(sort, args, kwargs);
    int result = done == NULL ? -1 : weak_children_become(object, children);
    Py_XDECREF(done);
    Py_XDECREF(sort);
    Py_XDECREF(children);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

// A method of list that changes nothing.
static PyObject *list_ask(PyObject *self, const char *name, PyObject *args) {
    PyObject *method = PyObject_GetAttrString(((child_list *)self)->items, name);
    PyObject *result = method == NULL ? NULL : PyObject_Call(method, args, NULL);
    Py_XDECREF(method);
    return result;
}

static PyObject *list_index(PyObject *self, PyObject *args) {
    return list_ask(self, "index", args);
}

static PyObject *list_count(PyObject *self, PyObject *args) {
    return list_ask(self, "count", args);
}

static PyObject *list_method_copy(PyObject *self, PyObject *ignored) {
    (void)ignored;
    return list_copied((child_list *)self);
}

static PyObject *list_reversed(PyObject *self, PyObject *ignored) {
    (void)ignored;
    PyObject *children = list_copied((child_list *)self);
    PyObject *result =
        children == NULL || PyList_Reverse(children) < 0 ? NULL : PyObject_GetIter(children);
    Py_XDECREF(children);
    return result;
}

// ---- copies -------------------------------------------------------------------------------------

PyObject *weak_children_new(weak_state *state, PyObject *owner, PyObject *link) {
    PyTypeObject *type = state->patterns.children_list_type;
    child_list *self = (child_list *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->items = PyList_New(0);
    self->link = Py_NewRef(link);
    self->ref = self->items == NULL ? NULL : weak_uplink_ref_new(state, owner, (PyObject *)self);
    if (self->ref == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

// What a pickle calls: the list of a parent, which it does not have yet.
static PyObject *list_tp_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"parent", "link", NULL};
    PyObject *owner = NULL;
    PyObject *link = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OU:ChildList", (char **)names, &owner, &link)) {
        return NULL;
    }
    weak_state *state = weak_state_of(type);
    return state == NULL ? NULL : weak_children_new(state, owner, link);
}

static PyObject *list_reduce(PyObject *object, PyObject *ignored) {
    (void)ignored;
    const child_list *self = (child_list *)object;
    PyObject *owner = Py_XNewRef(weak_referent(self->ref));
    PyObject *children = list_copied(self);
    if (children == NULL || owner == NULL) {
        Py_XDECREF(owner);
        return children == NULL ? NULL : Py_BuildValue("O(N)", &PyList_Type, children);
    }
    PyObject *iterator = PyObject_GetIter(children);
    Py_DECREF(children);
    if (iterator == NULL) {
        Py_DECREF(owner);
        return NULL;
    }
    return Py_BuildValue("O(NO)ON", Py_TYPE(object), owner, self->link, Py_None, iterator);
}

// Deep copies of the children. Below the copy of the parent, if that is being copied too; otherwise
// a plain list.
static PyObject *list_deepcopy(PyObject *object, PyObject *memo) {
    const child_list *self = (child_list *)object;
    weak_state *state = weak_state_of(Py_TYPE(object));
    PyObject *children = state == NULL ? NULL : list_copied(self);
    PyObject *owner = children == NULL ? NULL : Py_XNewRef(weak_referent(self->ref));
    PyObject *owner_copy = NULL;
    int found = owner == NULL ? 0 : weak_uplink_copied(memo, owner, &owner_copy);
    PyObject *copy = NULL;
    if (children != NULL && found >= 0) {
        copy = found > 0 ? weak_children_new(state, owner_copy, self->link) : PyList_New(0);
    }
    Py_XDECREF(owner_copy);
    Py_XDECREF(owner);
    if (copy != NULL && weak_remember(memo, object, copy) < 0) {
        Py_CLEAR(copy);
    }
    for (Py_ssize_t at = 0; copy != NULL && at < PyList_GET_SIZE(children); at++) {
        PyObject *child = weak_deepcopy(state, PyList_GET_ITEM(children, at), memo);
        PyObject *done = child == NULL ? NULL : PyObject_CallMethod(copy, "append", "O", child);
        Py_XDECREF(child);
        if (done == NULL) {
            Py_CLEAR(copy);
        }
        Py_XDECREF(done);
    }
    Py_XDECREF(children);
    return copy;
}

// ---- the list's life ----------------------------------------------------------------------------

static int list_traverse(PyObject *object, visitproc visit, void *arg) {
    const child_list *self = (child_list *)object;
    Py_VISIT(Py_TYPE(object));
    // The collector empties the inner list itself, which breaks every ring through here.
    Py_VISIT(self->items);
    Py_VISIT(self->ref);
    return 0;
}

static void list_dealloc(PyObject *object) {
    child_list *self = (child_list *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    // Before the trashcan, which may put off the rest: nobody may come here from a child any more.
    if (self->ref != NULL) {
        ((weak_uplink_ref *)self->ref)->list = NULL;
    }
    Py_TRASHCAN_BEGIN(object, list_dealloc) if (self->weak_list != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->ref);
    Py_CLEAR(self->items);
    Py_CLEAR(self->link);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static const PyMethodDef list_methods[] = {
    {"append", list_append, METH_O, "append($self, child, /)\n--\n\nAdd a child at the end."},
    {"insert", list_method_insert, METH_VARARGS,
     "insert($self, index, child, /)\n--\n\nAdd a child before an index."},
    {"extend", list_method_extend, METH_O,
     "extend($self, children, /)\n--\n\nAdd each of them at the end."},
    {"remove", list_remove, METH_O,
     "remove($self, child, /)\n--\n\nTake a child out: itself, or else the first that is equal."},
    {"pop", list_pop, METH_VARARGS,
     "pop($self, index=-1, /)\n--\n\nTake the child at an index out and return it."},
    {"clear", list_clear, METH_NOARGS, "clear($self, /)\n--\n\nTake all out."},
    {"index", list_index, METH_VARARGS, "Index of the first child that is equal."},
    {"count", list_count, METH_VARARGS,
     "count($self, child, /)\n--\n\nNumber of children that are equal."},
    {"reverse", list_reverse, METH_NOARGS, "reverse($self, /)\n--\n\nReverse the order."},
    {"sort", (PyCFunction)(void (*)(void))list_sort, METH_VARARGS | METH_KEYWORDS,
     "sort($self, /, *, key=None, reverse=False)\n--\n\nSort the children."},
    {"copy", list_method_copy, METH_NOARGS, "copy($self, /)\n--\n\nA plain list of the children."},
    {"__copy__", list_method_copy, METH_NOARGS, NULL},
    {"__deepcopy__", list_deepcopy, METH_O, NULL},
    {"__reduce__", list_reduce, METH_NOARGS, NULL},
    {"__reversed__", list_reversed, METH_NOARGS, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef list_members[] = {
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(child_list, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_children_list_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)list_tp_new},
        {Py_tp_dealloc, (void *)list_dealloc},
        {Py_tp_traverse, (void *)list_traverse},
        {Py_tp_iter, (void *)PySeqIter_New},
        {Py_tp_repr, (void *)list_repr},
        {Py_tp_richcompare, (void *)list_compare},
        {Py_tp_hash, (void *)PyObject_HashNotImplemented},
        {Py_tp_methods, (void *)list_methods},
        {Py_tp_members, (void *)list_members},
        {Py_sq_length, (void *)list_len},
        {Py_sq_item, (void *)list_item},
        {Py_sq_contains, (void *)list_contains},
        {Py_sq_concat, (void *)list_concat},
        {Py_sq_inplace_concat, (void *)list_inplace_concat},
        {Py_mp_length, (void *)list_len},
        {Py_mp_subscript, (void *)list_subscript},
        {Py_mp_ass_subscript, (void *)list_ass_subscript},
        {Py_tp_doc, (void *)"The children of a parent: a list that sets and clears their links."},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.ChildList",
        .basicsize = sizeof(child_list),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_SEQUENCE,
        .slots = (PyType_Slot *)slots,
    };
}
