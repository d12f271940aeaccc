// What the files of ext/weak share: the module's state and the container object.
#ifndef MORTMAIN_WEAK_WEAK_H
#define MORTMAIN_WEAK_WEAK_H

#include "patterns.h"
#include "table.h"

/// Who sees to values that hang on their keys.
typedef enum weak_ephemerons { WEAK_UNTESTED, WEAK_BY_COLLECTOR, WEAK_BY_SWEEP } weak_ephemerons;

/// Types of Signal and WeakMethod. All owned.
typedef struct weak_signal_types {
    PyTypeObject *signal;
    PyTypeObject *tie;
    PyTypeObject *box;
    PyTypeObject *kept;
    PyTypeObject *scope;
    PyTypeObject *method;
    PyTypeObject *watch;
} weak_signal_types;

/// Types of this module, made anew for each interpreter. All owned.
typedef struct weak_state {
    PyTypeObject *guard_type;
    PyTypeObject *keyed_ref_type;
    PyTypeObject *iterator_type;
    PyTypeObject *holder_type;
    PyTypeObject *probe_type;
    PyTypeObject *key_dict_type;
    PyTypeObject *ephemeron_dict_type;
    PyTypeObject *id_dict_type;
    PyTypeObject *value_dict_type;
    PyTypeObject *set_type;
    PyObject *holder_name;  ///< attribute of keys
    visitproc mark;         ///< the collector's, as it was learnt
    weak_ephemerons ephemerons;
    weak_signal_types signals;
    weak_patterns patterns;
    PyObject *mapping_abc;  ///< collections.abc.Mapping
    PyObject *deepcopy;     ///< copy.deepcopy, loaded when it is first needed
} weak_state;

/// The module, by its definition in module.c.
extern struct PyModuleDef weak_module;

/// A container: any of the four types, or a subclass.
typedef struct weak_object {
    PyObject_HEAD weak_table table;
    PyObject *attributes;  ///< __dict__
    PyObject *weak_list;   ///< of weak references to the container
    bool ephemeron;        ///< values are to hang on their keys
} weak_object;

/// What an iterator gives.
typedef enum weak_gives {
    WEAK_GIVES_OBJECTS,  ///< keys of a weak-key dict, members of a set
    WEAK_GIVES_OTHERS,   ///< what stands beside the weak reference
    WEAK_GIVES_PAIRS,    ///< (key, value)
    WEAK_GIVES_REFS      ///< the weak references
} weak_gives;

/// State of the module that made a container's type; NULL with an exception set.
weak_state *weak_state_of(PyTypeObject *type);

// Slots that all four share.
PyObject *weak_object_new(PyTypeObject *type, weak_kind kind);
void weak_object_dealloc(PyObject *self);
int weak_object_traverse(PyObject *self, visitproc visit, void *arg);
int weak_object_clear(PyObject *self);
Py_ssize_t weak_object_len(PyObject *self);
/// Give a new container all entries of another of the same kind, in their order; none is compared
/// with another. -1 with an exception set. May run Python code.
int weak_object_copy(weak_object *to, weak_object *from);
/// Method clear().
PyObject *weak_object_empty(PyObject *self, PyObject *ignored);
/// Method __sizeof__().
PyObject *weak_object_sizeof(PyObject *self, PyObject *ignored);
/// `__class_getitem__`.
PyObject *weak_object_alias(PyObject *type, PyObject *item);
/// Members __dictoffset__ and __weaklistoffset__, and the attribute `__dict__`.
extern const PyMemberDef weak_object_members[];

/// Is it a WeakSet, or one of the dictionaries, or of a subclass?
bool weak_is_set(PyObject *object);
bool weak_is_mapping(PyObject *object);
/// Is a container of one of the four types itself? What a subclass has of its own must be called
/// wherever the stdlib's classes call it.
bool weak_is_exact(PyObject *self);
/// self.update(other). -1 with an exception set.
int weak_add_through(PyObject *self, PyObject *other);
/// `!=` as object has it: not `==`.
PyObject *weak_unequal(PyObject *self, PyObject *other);
/// Raise KeyError with a key.
void weak_key_error(PyObject *key);
/// Raise TypeError, and answer false, unless `count` arguments are from `least` to `most`.
bool weak_check_count(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most);

/// A new iterator over a container.
PyObject *weak_iterate(weak_object *owner, weak_gives gives);
PyType_Spec weak_iterator_spec(void);

/// Add all of a mapping, or of pairs. -1 with an exception set.
int weak_mapping_update(weak_object *self, PyObject *other);
/// Names of the types.
PyType_Spec weak_key_dict_spec(void);
PyType_Spec weak_id_dict_spec(void);
PyType_Spec weak_value_dict_spec(void);
PyType_Spec weak_set_spec(void);

/// Put a value in that hangs on its key, where that can be: as weak_table_put() else.
int weak_ephemeron_put(weak_object *self, PyObject *key, Py_hash_t hash, PyObject *value,
                       bool keep);
/// Who sees to them. Tests it first, which may run Python code.
weak_ephemerons weak_ephemerons_by(weak_state *state);
PyType_Spec weak_holder_spec(void);
PyType_Spec weak_probe_spec(void);
PyType_Spec weak_ephemeron_dict_spec(void);

/// Is a method that is written in C what its object has under that name? super() gives others, and
/// such as belong to no type. 1, 0, or -1 with an exception set. May run Python code.
int weak_is_attribute(PyObject *object, PyObject *name, PyObject *method);
/// Make the types of Signal and WeakMethod. -1 with an exception set.
int weak_signals_init(PyObject *module, weak_signal_types *types);
/// For the module's m_traverse and m_clear.
int weak_signals_traverse(const weak_signal_types *types, visitproc visit, void *arg);
void weak_signals_clear(weak_signal_types *types);

/// sweep(*tables, budget=None) and find_ephemeron_leaks(*tables, budget=None).
PyObject *weak_sweep(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *weak_find_leaks(PyObject *module, PyObject *const *args, Py_ssize_t count,
                          PyObject *names);

/// copy.deepcopy(object, memo).
PyObject *weak_deepcopy(weak_state *state, PyObject *object, PyObject *memo);
/// Give `to` deep copies of the attributes of `from`. -1 with an exception set.
int weak_state_copy(weak_state *state, PyObject *from, PyObject *to, PyObject *memo);
/// Note in a memo of copy.deepcopy() what became of an object. -1 with an exception set.
int weak_remember(PyObject *memo, PyObject *from, PyObject *to);

#endif
