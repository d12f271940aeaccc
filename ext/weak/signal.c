// The type Signal: see signal.h.
//
// As an attribute of a class it is a descriptor: each instance has a signal of its own, kept in the
// instance under a name of its own and knowing it weakly. That name goes along when the instance's
// __dict__ is copied, so what is found there counts only if it knows this very instance.
#include "signal.h"

#define OWN_PREFIX "_signal_"

static PyObject *signal_alloc(PyTypeObject *type, PyObject *types, PyObject *name) {
    weak_signal *self = (weak_signal *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->call = weak_signal_vectorcall;
        self->types = Py_NewRef(types);
        self->name = Py_XNewRef(name);
    }
    return (PyObject *)self;
}

static PyObject *signal_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *name = NULL;
    PyObject *word = NULL;
    Py_ssize_t at = 0;
    Py_ssize_t count = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    bool is_known = count == 0 || (count == 1 && PyDict_Next(kwargs, &at, &word, &name) &&
                                   PyUnicode_CompareWithASCIIString(word, "name") == 0);
    if (!is_known) {
        PyErr_SetString(PyExc_TypeError, "Signal() takes no keyword but name");
        return NULL;
    }
    if (name != NULL && name != Py_None && !PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "name must be a str, not '%s'", Py_TYPE(name)->tp_name);
        return NULL;
    }
    return signal_alloc(type, args, name == Py_None ? NULL : name);
}

// Arguments are tp_new's affair.
static int signal_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    (void)self;
    (void)args;
    (void)kwargs;
    return 0;
}

static int signal_traverse(PyObject *self, visitproc visit, void *arg) {
    const weak_signal *signal = (weak_signal *)self;
    const weak_roster *roster = signal->roster;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(signal->types);
    Py_VISIT(signal->name);
    Py_VISIT(signal->own_name);
    Py_VISIT(signal->instance);
    for (Py_ssize_t i = 0; roster != NULL && i < roster->count; i++) {
        Py_VISIT(roster->ties[i]);
    }
    return 0;
}

static int signal_clear(PyObject *self) {
    weak_signal *signal = (weak_signal *)self;
    weak_signal_empty(signal);
    Py_CLEAR(signal->types);
    Py_CLEAR(signal->name);
    Py_CLEAR(signal->own_name);
    Py_CLEAR(signal->instance);
    return 0;
}

static void signal_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, signal_dealloc) if (((weak_signal *)self)->weak_list != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    signal_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

// ---- as a collection ----------------------------------------------------------------------------

// How many ties lead to something that is alive, counted up to `most`.
static Py_ssize_t signal_count(const weak_signal *self, Py_ssize_t most) {
    const weak_roster *roster = self->live == 0 ? NULL : self->roster;
    Py_ssize_t found = 0;
    for (Py_ssize_t i = 0; roster != NULL && i < roster->count && found < most; i++) {
        const weak_tie *tie = roster->ties[i];
        found += tie != NULL && tie->signal != NULL && weak_tie_is_alive(tie);
    }
    return found;
}

static Py_ssize_t signal_len(PyObject *self) {
    return signal_count((weak_signal *)self, PY_SSIZE_T_MAX);
}

static int signal_bool(PyObject *self) {
    return signal_count((weak_signal *)self, 1) > 0;
}

static int signal_contains(PyObject *self, PyObject *receiver) {
    weak_callable callable = weak_callable_of(receiver);
    return weak_signal_find((weak_signal *)self, &callable, NULL, true) != NULL;
}

static PyObject *signal_receivers_for(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                      PyObject *names) {
    weak_signal *signal = (weak_signal *)self;
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (!weak_check_count("receivers_for", count, 0, 1 - (named == 1)) ||
        (named > 0 && (named > 1 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0),
                                                                     "sender") != 0))) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "receivers_for() takes no keyword but sender");
        }
        return NULL;
    }
    PyObject *sender = count + named == 0 || args[0] == Py_Ellipsis ? NULL : args[0];
    PyObject *list = PyList_New(0);
    weak_roster *roster = weak_signal_pin(signal);
    for (Py_ssize_t i = 0; list != NULL && roster != NULL && i < roster->count; i++) {
        const weak_tie *tie = roster->ties[i];
        weak_target target;
        if (tie == NULL || tie->signal == NULL ||
            (tie->sender != NULL && !weak_tie_has_sender(tie, sender)) ||
            !weak_tie_resolve(tie, &target)) {
            continue;
        }
        PyObject *receiver = weak_target_callable(&target);
        if (receiver == NULL || PyList_Append(list, receiver) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(receiver);
        weak_target_release(&target);
    }
    if (roster != NULL) {
        weak_signal_unpin(signal, roster);
    }
    return list;
}

static PyObject *signal_repr(PyObject *self) {
    const weak_signal *signal = (weak_signal *)self;
    Py_ssize_t count = signal_len(self);
    const char *plural = count == 1 ? "" : "s";
    return signal->name == NULL
               ? PyUnicode_FromFormat("<Signal, %zd receiver%s>", count, plural)
               : PyUnicode_FromFormat("<Signal %R, %zd receiver%s>", signal->name, count, plural);
}

// ---- as a descriptor ----------------------------------------------------------------------------

static PyObject *signal_set_name(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    weak_signal *signal = (weak_signal *)self;
    if (!weak_check_count("__set_name__", count, 2, 2)) {
        return NULL;
    }
    if (!PyUnicode_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "the name of an attribute must be a str");
        return NULL;
    }
    // By its first name, where it has several, all find the same signal in an instance.
    if (signal->name == NULL) {
        signal->name = Py_NewRef(args[1]);
    }
    Py_RETURN_NONE;
}

// The instance's own signal, new; NULL: none yet. No exception is set.
static PyObject *own_signal(PyObject *self, PyObject *instance, PyObject *own_name) {
    PyObject *found = weak_owner_get(instance, own_name);
    bool is_signal = found != NULL && Py_TYPE(found) == Py_TYPE(self);
    PyObject *whose = is_signal ? ((weak_signal *)found)->instance : NULL;
    if (whose == NULL || weak_referent(whose) != instance) {
        Py_CLEAR(found);
    }
    return found;
}

// A signal like this one without receivers. A subclass has a say in it, as in any copy.
static PyObject *signal_like(PyObject *self) {
    const weak_signal *signal = (weak_signal *)self;
    if (weak_is_exact(self)) {
        return signal_alloc(Py_TYPE(self), signal->types, signal->name);
    }
    PyObject *copy = PyImport_ImportModule("copy");
    PyObject *made = copy == NULL ? NULL : PyObject_CallMethod(copy, "copy", "O", self);
    Py_XDECREF(copy);
    if (made != NULL && (made == self || Py_TYPE(made) != Py_TYPE(self))) {
        PyErr_Format(PyExc_TypeError, "a copy of a '%s' must be another one",
                     Py_TYPE(self)->tp_name);
        Py_CLEAR(made);
    }
    return made;
}

static PyObject *own_signal_make(PyObject *self, PyObject *instance, PyObject *own_name) {
    weak_signal *made = (weak_signal *)signal_like(self);
    PyObject *ref = made == NULL ? NULL : PyWeakref_NewRef(instance, NULL);
    if (ref == NULL) {
        Py_XDECREF(made);
        return NULL;
    }
    Py_XSETREF(made->instance, ref);
    // Making it may have run other code, and that may have asked for the same.
    PyObject *other = own_signal(self, instance, own_name);
    if (other != NULL) {
        Py_DECREF(made);
        return other;
    }
    if (weak_owner_set(instance, own_name, (PyObject *)made) < 0) {
        Py_DECREF(made);
        if (PyErr_ExceptionMatches(PyExc_TypeError) ||
            PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Format(
                PyExc_TypeError,
                "'%s' object cannot keep a signal: give its class a __dict__ or the slot %U",
                Py_TYPE(instance)->tp_name, own_name);
        }
        return NULL;
    }
    return (PyObject *)made;
}

static PyObject *signal_get(PyObject *self, PyObject *instance, PyObject *owner) {
    (void)owner;
    weak_signal *signal = (weak_signal *)self;
    if (instance == NULL || instance == Py_None) {
        return Py_NewRef(self);
    }
    if (signal->name == NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "a signal that is set on a class later needs a name: "
                        "Signal(name=...)");
        return NULL;
    }
    if (signal->own_name == NULL) {
        PyObject *own_name = PyUnicode_FromFormat(OWN_PREFIX "%U", signal->name);
        if (own_name == NULL) {
            return NULL;
        }
        PyUnicode_InternInPlace(&own_name);
        Py_XSETREF(signal->own_name, own_name);
    }
    PyObject *own = own_signal(self, instance, signal->own_name);
    return own != NULL ? own : own_signal_make(self, instance, signal->own_name);
}

// ---- the type -----------------------------------------------------------------------------------

// A copy is like the signal, and has receivers of its own: what was connected was connected to one.
static PyObject *signal_new_args(PyObject *self, PyObject *ignored) {
    (void)ignored;
    const weak_signal *signal = (weak_signal *)self;
    return Py_BuildValue("(O{s:O})", signal->types, "name",
                         signal->name == NULL ? Py_None : signal->name);
}

static PyObject *signal_get_name(PyObject *self, void *ignored) {
    (void)ignored;
    PyObject *name = ((weak_signal *)self)->name;
    return Py_NewRef(name == NULL ? Py_None : name);
}

static PyObject *signal_get_types(PyObject *self, void *ignored) {
    (void)ignored;
    return Py_NewRef(((weak_signal *)self)->types);
}

static PyObject *signal_get_instance(PyObject *self, void *ignored) {
    (void)ignored;
    PyObject *ref = ((weak_signal *)self)->instance;
    PyObject *instance = ref == NULL ? NULL : weak_referent(ref);
    return Py_NewRef(instance == NULL ? Py_None : instance);
}

static const PyGetSetDef signal_attributes[] = {
    {"name", signal_get_name, NULL, "The name it was given, or that of the attribute; or None.",
     NULL},
    {"types", signal_get_types, NULL, "What emit() is called with: for the reader alone.", NULL},
    {"instance", signal_get_instance, NULL, "Whose signal it is, while that lives; or None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const PyMemberDef signal_members[] = {
    {"__vectorcalloffset__", MM_MEMBER_OFFSET, offsetof(weak_signal, call), MM_MEMBER_READONLY,
     NULL},
    {"__weaklistoffset__", MM_MEMBER_OFFSET, offsetof(weak_signal, weak_list), MM_MEMBER_READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

#define FAST(function) ((PyCFunction)(void (*)(void))(function)), METH_FASTCALL
#define FAST_NAMED(function) \
    ((PyCFunction)(void (*)(void))(function)), METH_FASTCALL | METH_KEYWORDS

static const PyMethodDef signal_methods[] = {
    {"connect", FAST_NAMED(weak_signal_connect),
     "connect($self, /, fn=None, *, weak='auto', owner=None, sender=..., priority=0, once=False,\n"
     "        max_args=None)\n--\n\n"
     "Have a callable called; gives the callable. Without one: a decorator.\n\n"
     "Connecting it again, for the same sender, changes how it is connected.\n\n"
     "Args:\n"
     "    fn: The receiver.\n"
     "    weak: 'auto': methods are held by a weak reference to their object, functions and\n"
     "        all else strongly. True: everything weakly. False: everything strongly.\n"
     "    owner: An object that alone keeps the receiver alive, and as long as itself.\n"
     "    sender: Hear send() of this object alone; Signal.ANY, which is ...: of any.\n"
     "    priority: Higher ones are called first.\n"
     "    once: Disconnect at the first call.\n"
     "    max_args: Pass on so many positional arguments at most.\n\n"
     "Example:\n"
     "    >>> from mortmain.weak import Signal\n"
     "    >>> class Window:\n"
     "    ...     title = 'start'\n"
     "    >>> saved, window = Signal(), Window()\n"
     "    >>> _ = saved.connect(lambda name: setattr(window, 'title', name), owner=window)\n"
     "    >>> saved.emit('draft')\n"
     "    >>> window.title\n"
     "    'draft'"},
    {"disconnect", FAST_NAMED(weak_signal_disconnect),
     "disconnect($self, fn, /, sender=...)\n--\n\n"
     "Have it called no more, for one sender or for all; tell whether it was."},
    {"emit", FAST_NAMED(weak_signal_emit),
     "emit($self, /, *args, **kwargs)\n--\n\n"
     "Call all receivers that are not for one sender. What one raises comes out at once."},
    {"send", FAST_NAMED(weak_signal_send),
     "send($self, /, sender=None, **kwargs)\n--\n\n"
     "Call the receivers for this sender and for any: [(receiver, result), ...].\n\n"
     "Receivers get the sender as it was given: first, or by name. What one raises comes out.\n\n"
     "Example:\n"
     "    >>> from mortmain.weak import Signal\n"
     "    >>> saved = Signal()\n"
     "    >>> @saved.connect\n"
     "    ... def count(sender, *, words):\n"
     "    ...     return len(words)\n"
     "    >>> [result for receiver, result in saved.send('editor', words=['one', 'two'])]\n"
     "    [2]"},
    {"send_robust", FAST_NAMED(weak_signal_send_robust),
     "send_robust($self, /, sender=None, **kwargs)\n--\n\n"
     "As send(); an Exception that a receiver raises is its result."},
    {"receivers_for", FAST_NAMED(signal_receivers_for),
     "receivers_for($self, /, sender=...)\n--\n\n"
     "The receivers that send() of this sender would call; without one, those for any."},
    {"connected_to", FAST_NAMED(weak_signal_connected_to),
     "connected_to($self, fn, /, sender=...)\n--\n\n"
     "A context in which the receiver is connected, and held strongly."},
    {"muted", weak_signal_muted, METH_NOARGS,
     "muted($self, /)\n--\n\nA context in which nobody is called."},
    {"__set_name__", FAST(signal_set_name),
     "__set_name__($self, owner, name, /)\n--\n\nTake the name of the attribute."},
    {"__getnewargs_ex__", signal_new_args, METH_NOARGS,
     "__getnewargs_ex__($self, /)\n--\n\nA copy is a signal without receivers."},
    {NULL, NULL, 0, NULL},
};

PyType_Spec weak_signal_spec(void) {
    static const char doc[] =
        "Signal(*types, name=None)\n--\n\n"
        "Tells receivers that something happened, and keeps none of them alive unasked.\n\n"
        "As an attribute of a class each instance has its own.\n\n"
        "Args:\n"
        "    types: What emit() is called with: for the reader alone.\n"
        "    name: For its repr; an attribute's name is its own.\n\n"
        "Example:\n"
        "    >>> from mortmain.weak import Signal\n"
        "    >>> class Thermometer:\n"
        "    ...     changed = Signal(float)\n"
        "    >>> class Display:\n"
        "    ...     def __init__(self, thermometer):\n"
        "    ...         thermometer.changed.connect(self.show)\n"
        "    ...     def show(self, degrees):\n"
        "    ...         print(f'{degrees} degrees')\n"
        "    >>> thermometer = Thermometer()\n"
        "    >>> display = Display(thermometer)\n"
        "    >>> thermometer.changed.emit(21.5)\n"
        "    21.5 degrees\n"
        "    >>> del display\n"
        "    >>> thermometer.changed.emit(22.0)\n"
        "    >>> len(thermometer.changed)\n"
        "    0";
    static const PyType_Slot slots[] = {
        {Py_tp_doc, (void *)doc},
        {Py_tp_new, (void *)signal_new},
        {Py_tp_init, (void *)signal_init},
        {Py_tp_dealloc, (void *)signal_dealloc},
        {Py_tp_traverse, (void *)signal_traverse},
        {Py_tp_clear, (void *)signal_clear},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_repr, (void *)signal_repr},
        {Py_tp_descr_get, (void *)signal_get},
        {Py_sq_length, (void *)signal_len},
        {Py_sq_contains, (void *)signal_contains},
        {Py_nb_bool, (void *)signal_bool},
        {Py_tp_methods, (void *)signal_methods},
        {Py_tp_members, (void *)signal_members},
        {Py_tp_getset, (void *)signal_attributes},
        {0, NULL},
    };
    return (PyType_Spec){
        .name = "mortmain.weak.Signal",
        .basicsize = sizeof(weak_signal),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE |
                 Py_TPFLAGS_HAVE_VECTORCALL,
        .slots = (PyType_Slot *)slots,
    };
}

// ---- the module's part --------------------------------------------------------------------------

static int signals_add(PyObject *module, PyType_Spec spec, PyTypeObject *base, bool is_public,
                       PyTypeObject **ret) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, (PyObject *)base);
    *ret = (PyTypeObject *)type;
    return type == NULL || (is_public && PyModule_AddType(module, *ret) < 0) ? -1 : 0;
}

int weak_signals_init(PyObject *module, weak_signal_types *types) {
    if (signals_add(module, weak_tie_spec(), NULL, false, &types->tie) < 0 ||
        signals_add(module, weak_box_spec(), NULL, false, &types->box) < 0 ||
        signals_add(module, weak_kept_spec(), NULL, false, &types->kept) < 0 ||
        signals_add(module, weak_scope_spec(), NULL, false, &types->scope) < 0 ||
        signals_add(module, weak_watch_spec(), NULL, false, &types->watch) < 0 ||
        signals_add(module, weak_signal_spec(), NULL, true, &types->signal) < 0 ||
        signals_add(module, weak_method_spec(), &_PyWeakref_RefType, true, &types->method) < 0) {
        return -1;
    }
    return PyObject_SetAttrString((PyObject *)types->signal, "ANY", Py_Ellipsis);
}

int weak_signals_traverse(const weak_signal_types *types, visitproc visit, void *arg) {
    Py_VISIT(types->signal);
    Py_VISIT(types->tie);
    Py_VISIT(types->box);
    Py_VISIT(types->kept);
    Py_VISIT(types->scope);
    Py_VISIT(types->method);
    Py_VISIT(types->watch);
    return 0;
}

void weak_signals_clear(weak_signal_types *types) {
    Py_CLEAR(types->signal);
    Py_CLEAR(types->tie);
    Py_CLEAR(types->box);
    Py_CLEAR(types->kept);
    Py_CLEAR(types->scope);
    Py_CLEAR(types->method);
    Py_CLEAR(types->watch);
}
