// WeakLink: a child's reference to its parent, which does not keep the parent.
//
// The child has a weak reference under a private name. Links that a list of children made share one
// reference, which also knows the list, so that a child can be taken out of it when it gets another
// parent. Of links set by hand the descriptor remembers the last reference it made: siblings, which
// are mostly made one after the other, share that one.
//
// A weak reference of the stdlib cannot be pickled, and with it no child could. Ours is pickled as
// the parent where it was set by hand, and as nothing where a list made it: that list, if it is
// pickled too, makes the links again. So a child that is pickled alone does not take the whole tree
// with it. deepcopy() does the same.
//
// General note on reentrancy. Python code runs where the class of a child has a descriptor under
// the private name, in the policy, and when an old value is given up. The references that are used
// are held meanwhile, and a list is told after the child is.
#include "link.h"

#include <string.h>

typedef enum link_policy { LINK_RAISES, LINK_NONE, LINK_PROXY, LINK_CALLS } link_policy;

struct weak_uplink {
    PyObject_HEAD link_policy policy;
    PyObject *dead;  /* of LINK_CALLS: what to call */
    PyObject *last;  /* NULL: none. The reference that was made last by hand */
    PyObject *place; /* private name; NULL: none yet */
    PyObject *name;
};

// ---- the reference ------------------------------------------------------------------------------

PyObject *weak_uplink_ref_new(weak_state *state, PyObject *parent, PyObject *list) {
    PyObject *args = PyTuple_Pack(1, parent);
    PyObject *ref =
        args == NULL ? NULL : _PyWeakref_RefType.tp_new(state->patterns.link_ref_type, args, NULL);
    Py_XDECREF(args);
    if (ref != NULL) {
        ((weak_uplink_ref *)ref)->list = list;
        ((weak_uplink_ref *)ref)->by_list = list != NULL;
    }
    return ref;
}

int weak_uplink_copied(PyObject *memo, PyObject *object, PyObject **ret) {
    PyObject *address = PyLong_FromVoidPtr(object);
    if (address == NULL) {
        return -1;
    }
    *ret = PyObject_GetItem(memo, address);
    Py_DECREF(address);
    if (*ret == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        return 0;
    }
    return *ret == NULL ? -1 : 1;
}

// Of None: a reference to nothing, as it is when its parent died.
static PyObject *link_ref_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *parent = Py_None;
    if ((kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) ||
        !PyArg_UnpackTuple(args, "LinkRef", 0, 1, &parent)) {
        return NULL;
    }
    weak_state *state = weak_state_of(type);
    if (state == NULL || parent != Py_None) {
        return state == NULL ? NULL : weak_uplink_ref_new(state, parent, NULL);
    }
    PyObject *nobody = PySet_New(NULL);
    PyObject *ref = nobody == NULL ? NULL : weak_uplink_ref_new(state, nobody, NULL);
    Py_XDECREF(nobody);
    return ref;
}

static int link_ref_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    (void)self;
    (void)args;
    (void)kwargs;
    return 0;
}

static int link_ref_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return _PyWeakref_RefType.tp_traverse(self, visit, arg);
}

static int link_ref_clear(PyObject *self) {
    return _PyWeakref_RefType.tp_clear(self);
}

static void link_ref_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    _PyWeakref_RefType.tp_dealloc(self);
    Py_DECREF(type);
}

static PyObject *link_ref_reduce(PyObject *self, PyObject *ignored) {
    (void)ignored;
    if (((weak_uplink_ref *)self)->by_list) {
        return Py_BuildValue("O()", Py_TYPE(Py_None));
    }
    PyObject *parent = weak_referent(self);
    return Py_BuildValue("O(O)", Py_TYPE(self), parent == NULL ? Py_None : parent);
}

// To the copy of the parent, if there is one already. What a list made is otherwise nothing.
static PyObject *link_ref_deepcopy(PyObject *self, PyObject *memo) {
    weak_state *state = weak_state_of(Py_TYPE(self));
    if (state == NULL) {
        return NULL;
    }
    PyObject *parent = weak_referent(self);
    PyObject *copy = NULL;
    int found = parent == NULL ? 0 : weak_uplink_copied(memo, parent, &copy);
    if (found == 0) {
        return Py_NewRef(((weak_uplink_ref *)self)->by_list ? Py_None : self);
    }
    PyObject *ref = found < 0 ? NULL : weak_uplink_ref_new(state, copy, NULL);
    Py_XDECREF(copy);
    return ref;
}

static const PyMethodDef link_ref_methods[] = {
    {"__reduce__", link_ref_reduce, METH_NOARGS, NULL},
    {"__deepcopy__", link_ref_deepcopy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_uplink_ref_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)link_ref_new},
        {Py_tp_init, (void *)link_ref_init},
        {Py_tp_traverse, (void *)link_ref_traverse},
        {Py_tp_clear, (void *)link_ref_clear},
        {Py_tp_dealloc, (void *)link_ref_dealloc},
        {Py_tp_methods, (void *)link_ref_methods},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain._weak.LinkRef",
        .basicsize = sizeof(weak_uplink_ref),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- what stands in a child ---------------------------------------------------------------------

weak_uplink *weak_uplink_of(weak_state *state, PyTypeObject *type, PyObject *name) {
    PyObject *link = PyObject_GetAttr((PyObject *)type, name);
    if (link == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return NULL;
    }
    if (link == NULL || !PyObject_TypeCheck(link, state->patterns.link_type)) {
        PyErr_Format(PyExc_TypeError,
                     "'%s' objects have no WeakLink '%U': write `%U = WeakLink()` in their class",
                     type->tp_name, name, name);
        Py_XDECREF(link);
        return NULL;
    }
    if (!weak_private_is_named(link, ((weak_uplink *)link)->place)) {
        Py_CLEAR(link);
    }
    return (weak_uplink *)link;
}

int weak_uplink_get_ref(weak_state *state, const weak_uplink *link, PyObject *child,
                        PyObject **ret) {
    int found = weak_private_get(child, link->place, ret);
    if (found > 0 && Py_TYPE(*ret) != state->patterns.link_ref_type) {
        // None, or what the class has under that name.
        Py_CLEAR(*ret);
        return 0;
    }
    return found;
}

int weak_uplink_put_ref(const weak_uplink *link, PyObject *child, PyObject *ref) {
    return weak_private_set(child, link->place, ref);
}

// ---- the descriptor -----------------------------------------------------------------------------

static PyObject *dead_proxy(void) {
    PyObject *nobody = PySet_New(NULL);
    PyObject *proxy = nobody == NULL ? NULL : PyWeakref_NewProxy(nobody, NULL);
    Py_XDECREF(nobody);
    return proxy;
}

static PyObject *link_dead(const weak_state *state, const weak_uplink *self, PyObject *child) {
    switch (self->policy) {
        case LINK_NONE:
            Py_RETURN_NONE;
        case LINK_PROXY:
            return dead_proxy();
        case LINK_CALLS:
            return PyObject_CallOneArg(self->dead, child);
        default:
            PyErr_Format(state->patterns.dead_link_error, "'%U' of this '%s' object is gone",
                         self->name, Py_TYPE(child)->tp_name);
            return NULL;
    }
}

static PyObject *link_get(PyObject *object, PyObject *child, PyObject *owner) {
    (void)owner;
    const weak_uplink *self = (weak_uplink *)object;
    if (child == NULL || child == Py_None) {
        return Py_NewRef(object);
    }
    weak_state *state = weak_state_of(Py_TYPE(object));
    PyObject *ref = NULL;
    if (state == NULL || !weak_private_is_named(object, self->place)) {
        return NULL;
    }
    int found = weak_uplink_get_ref(state, self, child, &ref);
    if (found <= 0) {
        return found < 0 ? NULL : Py_NewRef(Py_None);
    }
    PyObject *parent = Py_XNewRef(weak_referent(ref));
    Py_DECREF(ref);
    if (parent == NULL) {
        return link_dead(state, self, child);
    }
    if (self->policy == LINK_PROXY) {
        Py_SETREF(parent, PyWeakref_NewProxy(parent, NULL));
    }
    return parent;
}

// The reference for a parent that was given by hand; new. NULL with an exception set.
static PyObject *link_ref_for(weak_state *state, weak_uplink *self, PyObject *parent) {
    if (self->last != NULL && weak_referent(self->last) == parent) {
        return Py_NewRef(self->last);
    }
    PyObject *ref = weak_uplink_ref_new(state, parent, NULL);
    if (ref != NULL) {
        Py_XSETREF(self->last, Py_NewRef(ref));
    }
    return ref;
}

// What a proxy stands for; any other object is itself. New, or NULL with an exception set.
static PyObject *unproxied(PyObject *given) {
    if (!PyWeakref_CheckProxy(given)) {
        return Py_NewRef(given);
    }
    PyObject *parent = weak_referent(given);
    if (parent == NULL) {
        PyErr_SetString(PyExc_ReferenceError, "weakly-referenced object no longer exists");
    }
    return Py_XNewRef(parent);
}

static int link_set(PyObject *object, PyObject *child, PyObject *given) {
    weak_uplink *self = (weak_uplink *)object;
    weak_state *state = weak_state_of(Py_TYPE(object));
    if (state == NULL || !weak_private_is_named(object, self->place)) {
        return -1;
    }
    PyObject *old = NULL;
    PyObject *parent = NULL;
    PyObject *ref = NULL;
    int result = weak_uplink_get_ref(state, self, child, &old);
    if (result < 0) {
        return -1;
    }
    if (given != NULL && given != Py_None) {
        parent = unproxied(given);
        ref = parent == NULL ? NULL : link_ref_for(state, self, parent);
        result = ref == NULL ? -1 : 0;
    }
    // The same parent again: the child stays in its list.
    bool same = parent != NULL && old != NULL && weak_referent(old) == parent;
    if (result >= 0 && !same) {
        result = weak_private_set(child, self->place, ref == NULL && given != NULL ? Py_None : ref);
        PyObject *list = old == NULL ? NULL : ((weak_uplink_ref *)old)->list;
        if (result == 0 && list != NULL) {
            weak_children_drop(list, child);
        }
    }
    if (given == NULL && result < 0 && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'",
                     Py_TYPE(child)->tp_name, self->name);
    }
    Py_XDECREF(ref);
    Py_XDECREF(parent);
    Py_XDECREF(old);
    return result < 0 ? -1 : 0;
}

static PyObject *link_set_name(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    weak_uplink *self = (weak_uplink *)object;
    return weak_private_take_name(object, args, count, &self->place, &self->name);
}

// ---- life and death -----------------------------------------------------------------------------

static PyObject *link_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"policy", NULL};
    static const char *const words[] = {"raise", "none", "proxy"};
    PyObject *given = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:WeakLink", (char **)names, &given)) {
        return NULL;
    }
    int policy = given == NULL ? LINK_RAISES : LINK_CALLS;
    for (int at = 0; given != NULL && PyUnicode_Check(given) && at < LINK_CALLS; at++) {
        policy = PyUnicode_CompareWithASCIIString(given, words[at]) == 0 ? at : policy;
    }
    if (policy == LINK_CALLS && !PyCallable_Check(given)) {
        PyErr_Format(PyExc_TypeError,
                     "policy is 'raise', 'none', 'proxy' or a function of the child, not %R",
                     given);
        return NULL;
    }
    weak_uplink *self = (weak_uplink *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->policy = (link_policy)policy;
        self->dead = policy == LINK_CALLS ? Py_NewRef(given) : NULL;
    }
    return (PyObject *)self;
}

static int link_traverse(PyObject *object, visitproc visit, void *arg) {
    const weak_uplink *self = (weak_uplink *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->dead);
    Py_VISIT(self->last);
    return 0;
}

static int link_clear(PyObject *object) {
    weak_uplink *self = (weak_uplink *)object;
    Py_CLEAR(self->last);
    return 0;
}

static void link_dealloc(PyObject *object) {
    weak_uplink *self = (weak_uplink *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->last);
    Py_CLEAR(self->dead);
    Py_CLEAR(self->place);
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static const char link_doc[] =
    "WeakLink(policy='raise')\n--\n\n"
    "A descriptor for the reference from a child to its parent, which does not keep the parent.\n\n"
    "The instance has a weak reference under `_name`; a slot of that name serves too. Without a\n"
    "parent, or with None, it reads None. Setting it takes the child out of the WeakChildren that\n"
    "it is in.\n\n"
    "Args:\n"
    "    policy: What is read when the parent died. 'raise': DeadLinkError, which is a "
    "LookupError\n"
    "        and a ReferenceError; 'none': None; 'proxy': always a weakref.proxy, whose use then\n"
    "        raises ReferenceError; a function: what it gives, called with the child.\n\n"
    ">>> class Node:\n"
    "...     parent = WeakLink()\n"
    ">>> root, leaf = Node(), Node()\n"
    ">>> leaf.parent is None\n"
    "True\n"
    ">>> leaf.parent = root\n"
    ">>> leaf.parent is root\n"
    "True\n"
    ">>> del root\n"
    ">>> try:\n"
    "...     leaf.parent\n"
    "... except LookupError as error:\n"
    "...     print(error)\n"
    "'parent' of this 'Node' object is gone\n";

static const PyMethodDef link_methods[] = {
    {"__set_name__", (PyCFunction)(void (*)(void))link_set_name, METH_FASTCALL, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef link_members[] = {
    {"name", MM_MEMBER_OBJECT, offsetof(weak_uplink, name), MM_MEMBER_READONLY,
     "The name of the attribute, or None."},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_uplink_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)link_new},           {Py_tp_dealloc, (void *)link_dealloc},
        {Py_tp_traverse, (void *)link_traverse}, {Py_tp_clear, (void *)link_clear},
        {Py_tp_descr_get, (void *)link_get},     {Py_tp_descr_set, (void *)link_set},
        {Py_tp_methods, (void *)link_methods},   {Py_tp_members, (void *)link_members},
        {Py_tp_doc, (void *)link_doc},           {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.WeakLink",
        .basicsize = sizeof(weak_uplink),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = (PyType_Slot *)slots,
    };
}
