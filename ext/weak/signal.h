// Signal: who hears an event, held no longer than they live. What its files share.
//
// A signal has a roster, an array of ties in the order in which they are called. A tie is one
// connection: a weak reference to what must live (or the thing itself where it is held strongly)
// and what of it is called. The tie is the callback of its own weak references, so a death finds
// its connection without a search, runs no Python code and allocates nothing.
//
// General note on reentrancy. A receiver may do anything to the signal that calls it: connect,
// disconnect, die, emit, drop the signal's last name. So a call pins the roster: a pinned roster
// never changes, one that must change is copied first, and the copy becomes the signal's. A tie
// that is taken out meanwhile stays in pinned rosters as an ended one (`signal` NULL), which is
// skipped. What a tie held is given up last, when roster and index are whole.
#ifndef MORTMAIN_WEAK_SIGNAL_H
#define MORTMAIN_WEAK_SIGNAL_H

#include "weak.h"

typedef struct weak_signal weak_signal;

/// What of the subject is called.
typedef enum tie_kind {
    TIE_PLAIN,   ///< the subject itself; also a method written in C that is held strongly
    TIE_METHOD,  ///< the function or cached method `what`, with the subject as its first argument
    TIE_NAMED,   ///< the subject's attribute `what`: methods of types written in C
    TIE_KEPT     ///< what is in the subject, a box that the owner holds
} tie_kind;

/// A connection.
typedef struct weak_tie {
    PyObject_HEAD vectorcallfunc call;
    weak_signal *signal; /* borrowed; NULL: ended, and the references are given up */
    Py_ssize_t at;       ///< place in the roster that is the signal's
    size_t key;          ///< of the index
    PyObject *subject;   ///< owned: the object, or a weak reference to it
    PyObject *what;      ///< owned: function, weak reference to one, or name; NULL
    PyObject *sender;    ///< owned: the object, or a weak reference to it; NULL: any
    Py_ssize_t most;     ///< positional arguments that it is given at most; -1: all
    int priority;
    tie_kind kind;
    bool is_weak;         ///< `subject` is a weak reference
    bool is_what_weak;    ///< `what` is a weak reference
    bool is_sender_weak;  ///< `sender` is a weak reference
    bool is_once;         ///< ends with its first call
    bool is_direct;       ///< a weak method written in Python, for any sender, no more
} weak_tie;

/// Links in the order of their calls: highest priority first, then first connected first.
typedef struct weak_roster {
    Py_ssize_t pins;   ///< calls that read it, and the signal while it is the signal's
    Py_ssize_t count;  ///< entries, holes included
    Py_ssize_t room;
    weak_tie *ties[];  ///< owned; NULL: a hole
} weak_roster;

struct weak_signal {
    PyObject_HEAD vectorcallfunc call;
    weak_roster *roster;  ///< NULL: nothing was ever connected
    Py_ssize_t live;      ///< ties that have not ended
    weak_tie **index;     ///< borrowed ties by key; NULL: too few for one
    size_t index_mask;
    Py_ssize_t muted;    ///< how many blocks mute it
    PyObject *types;     ///< tuple: what emit() is called with, as documentation
    PyObject *name;      ///< str or NULL
    PyObject *own_name;  ///< str: where an instance keeps its signal; NULL: not asked yet
    PyObject *instance;  ///< weak reference to the instance whose signal it is, or NULL
    PyObject *weak_list;
};

/// Something to call, taken apart. All borrowed.
typedef struct weak_callable {
    tie_kind kind;
    PyObject *subject;
    PyObject *function;  ///< of a method
    const char *name;    ///< of a method written in C
} weak_callable;

/// The same of a tie that is alive, on its way to be called or shown. All owned.
typedef struct weak_target {
    tie_kind kind;
    PyObject *subject;
    PyObject *what;
} weak_target;

/// What a callable is made of.
weak_callable weak_callable_of(PyObject *callable);

// ---- signal_roster.c: which ties there are -----------------------------------------------------

/// A tie that is not a signal's yet, with nothing in it. NULL with an exception set.
weak_tie *weak_tie_new(weak_state *state);
/// Is the tie for this sender? `sender` NULL is that of a tie for any, and of no other.
bool weak_tie_has_sender(const weak_tie *tie, PyObject *sender);
/// What the tie calls. False: it has ended, or what it called is dead.
bool weak_tie_resolve(const weak_tie *tie, weak_target *ret);
bool weak_tie_is_alive(const weak_tie *tie);
/// Note whether the tie is the common one. REQUIRES: it is a signal's.
void weak_tie_classify(weak_tie *tie);
void weak_target_release(const weak_target *target);
/// The callable that a target was made of; NULL with an exception set.
PyObject *weak_target_callable(const weak_target *target);
PyType_Spec weak_tie_spec(void);

/// The first tie that leads to a callable: for this sender, or, with `all`, for any. Borrowed.
weak_tie *weak_signal_find(const weak_signal *self, const weak_callable *callable, PyObject *sender,
                           bool all);
/// Add a tie to a callable, at the place of its priority. -1 with an exception set: nothing was
/// done.
int weak_signal_add(weak_signal *self, weak_tie *tie, const weak_callable *callable);
/// Take a tie out. May run Python code, last.
void weak_signal_remove(weak_tie *tie);
/// Take all out. May run Python code, last.
void weak_signal_empty(weak_signal *self);

/// Keep the roster as it is now, until it is unpinned. NULL: nothing is connected.
weak_roster *weak_signal_pin(weak_signal *self);
void weak_signal_unpin(weak_signal *self, weak_roster *roster);

// ---- signal_keep.c: callables that live as long as their owner ----------------------------------

/// Put a callable into a box that the owner holds: the box. NULL with an exception set.
PyObject *weak_keep(weak_state *state, PyObject *owner, PyObject *callable);
/// What is in a box, borrowed; NULL: nothing any more.
PyObject *weak_box_content(PyObject *box);
/// Empty a box. May run Python code.
void weak_box_empty(PyObject *box);
/// An attribute of an object or a class, new; NULL, without an exception: it has none. A class
/// keeps its attributes in another place than objects do, and says no in another way.
PyObject *weak_owner_get(PyObject *owner, PyObject *name);
/// Set it, past any __setattr__ of the object. -1 with an exception set.
int weak_owner_set(PyObject *owner, PyObject *name, PyObject *value);
PyType_Spec weak_box_spec(void);
PyType_Spec weak_kept_spec(void);

// ---- signal_emit.c: calling them ----------------------------------------------------------------

PyObject *weak_signal_vectorcall(PyObject *self, PyObject *const *args, size_t count_and_flag,
                                 PyObject *names);
PyObject *weak_signal_emit(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names);
PyObject *weak_signal_send(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names);
PyObject *weak_signal_send_robust(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *names);

// ---- signal_connect.c: making and ending connections --------------------------------------------

/// connect(fn=None, *, ...) and disconnect(fn, sender=...).
PyObject *weak_signal_connect(PyObject *self, PyObject *const *args, Py_ssize_t count,
                              PyObject *names);
PyObject *weak_signal_disconnect(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *names);
/// A receiver and a sender out of arguments, borrowed; `...`, any, becomes NULL. -1 with an
/// exception set.
int weak_signal_pair(const char *function, PyObject *const *args, Py_ssize_t count, PyObject *names,
                     PyObject **ret_receiver, PyObject **ret_sender);
/// Connect strongly, unless it is connected already: 1; or 0 with the new tie, owned; or -1 with an
/// exception set.
int weak_signal_connect_strongly(weak_signal *self, PyObject *receiver, PyObject *sender,
                                 weak_tie **ret_tie);

// ---- signal_scope.c: `with` ---------------------------------------------------------------------

/// Context managers: the signal is mute, or a receiver is connected.
PyObject *weak_signal_muted(PyObject *self, PyObject *ignored);
PyObject *weak_signal_connected_to(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *names);
PyType_Spec weak_scope_spec(void);

PyType_Spec weak_signal_spec(void);
PyType_Spec weak_method_spec(void);
PyType_Spec weak_watch_spec(void);

#endif
