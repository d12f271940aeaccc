// WeakChildren: the descriptor that gives a parent its list of children; the list is child_list.c.
//
// General note on reentrancy. Making a list may run code that asks for it as well: the one that
// stands in the instance then counts.
#include "link.h"

typedef struct weak_children {
    PyObject_HEAD PyObject *link;  ///< name of the children's link
    PyObject *place;               /* private name; NULL: none yet */
    PyObject *name;
} weak_children;

// ---- the descriptor -----------------------------------------------------------------------------

// The list that is an instance's own, and not one that came along when another was copied. 1 and a
// new reference, 0, or -1 with an exception set.
static int children_find(const weak_state *state, const weak_children *self, PyObject *owner,
                         PyObject **ret) {
    int found = weak_private_get(owner, self->place, ret);
    if (found > 0 && (Py_TYPE(*ret) != state->patterns.children_list_type ||
                      weak_children_owner(*ret) != owner)) {
        Py_CLEAR(*ret);
        return 0;
    }
    return found;
}

static PyObject *children_get(PyObject *object, PyObject *owner, PyObject *class) {
    (void)class;
    weak_children *self = (weak_children *)object;
    if (owner == NULL || owner == Py_None) {
        return Py_NewRef(object);
    }
    weak_state *state = weak_state_of(Py_TYPE(object));
    if (state == NULL || !weak_private_is_named(object, self->place)) {
        return NULL;
    }
    PyObject *list = NULL;
    int found = children_find(state, self, owner, &list);
    if (found != 0) {
        return list;
    }
    PyObject *made = weak_children_new(state, owner, self->link);
    // Making it may have run code that asked for it, too.
    found = made == NULL ? -1 : children_find(state, self, owner, &list);
    if (found == 0 && weak_private_set(owner, self->place, made) == 0) {
        return made;
    }
    Py_XDECREF(made);
    return list;
}

static int children_set(PyObject *object, PyObject *owner, PyObject *value) {
    // To read it from None is to ask for the descriptor, which is no list.
    if (owner == Py_None) {
        PyErr_SetString(PyExc_TypeError, "None has no children");
        return -1;
    }
    PyObject *list = children_get(object, owner, NULL);
    PyObject *children = list == NULL    ? NULL
                         : value == NULL ? PyList_New(0)
                                         : PySequence_List(value);
    int result = children == NULL ? -1 : weak_children_become(list, children);
    Py_XDECREF(children);
    Py_XDECREF(list);
    return result;
}

static PyObject *children_set_name(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    weak_children *self = (weak_children *)object;
    return weak_private_take_name(object, args, count, &self->place, &self->name);
}

static PyObject *children_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"link", NULL};
    PyObject *link = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:WeakChildren", (char **)names, &link)) {
        return NULL;
    }
    weak_children *self = (weak_children *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->link = Py_NewRef(link);
        PyUnicode_InternInPlace(&self->link);
    }
    return (PyObject *)self;
}

static int children_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static void children_dealloc(PyObject *object) {
    weak_children *self = (weak_children *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->link);
    Py_CLEAR(self->place);
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static const char children_doc[] =
    "WeakChildren(link)\n--\n\n"
    "A descriptor for the children of a parent: a list that sets and clears their links.\n\n"
    "The instance has the list under `_name`; a slot of that name serves too. The list keeps the\n"
    "children, which know their parent weakly: letting go of the root frees the tree at once. A\n"
    "child has one place: what is added leaves the list it was in.\n\n"
    "Args:\n"
    "    link: The name of the WeakLink in the children's class.\n\n"
    ">>> class Node:\n"
    "...     parent = WeakLink()\n"
    "...     children = WeakChildren('parent')\n"
    ">>> root, leaf = Node(), Node()\n"
    ">>> root.children.append(leaf)\n"
    ">>> leaf.parent is root\n"
    "True\n"
    ">>> root.children.remove(leaf)\n"
    ">>> leaf.parent is None\n"
    "True\n";

static const PyMethodDef children_methods[] = {
    {"__set_name__", (PyCFunction)(void (*)(void))children_set_name, METH_FASTCALL, NULL},
    {"__class_getitem__", weak_object_alias, METH_O | METH_CLASS, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMemberDef children_members[] = {
    {"link", MM_MEMBER_OBJECT, offsetof(weak_children, link), MM_MEMBER_READONLY,
     "The name of the children's link."},
    {"name", MM_MEMBER_OBJECT, offsetof(weak_children, name), MM_MEMBER_READONLY,
     "The name of the attribute, or None."},
    {NULL, 0, 0, 0, NULL},
};

PyType_Spec weak_children_spec(void) {
    static const PyType_Slot slots[] = {
        {Py_tp_new, (void *)children_new},
        {Py_tp_dealloc, (void *)children_dealloc},
        {Py_tp_traverse, (void *)children_traverse},
        {Py_tp_descr_get, (void *)children_get},
        {Py_tp_descr_set, (void *)children_set},
        {Py_tp_methods, (void *)children_methods},
        {Py_tp_members, (void *)children_members},
        {Py_tp_doc, (void *)children_doc},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.WeakChildren",
        .basicsize = sizeof(weak_children),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = (PyType_Slot *)slots,
    };
}
