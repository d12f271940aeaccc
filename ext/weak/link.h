// What link.c, children.c and child_list.c share: the weak reference that stands in a child, and
// the list that the child may be in.
#ifndef MORTMAIN_WEAK_LINK_H
#define MORTMAIN_WEAK_LINK_H

#include "weak.h"

/// A weak reference to a parent. `list` is that of the children that made it, and NULL where the
/// link was set by hand, or the list is gone; `by_list` stays as it was.
typedef struct weak_uplink_ref {
    PyWeakReference base;
    PyObject *list; /* borrowed */
    bool by_list;
} weak_uplink_ref;

typedef struct weak_uplink weak_uplink;

/// A new reference object to a parent; NULL with an exception set.
PyObject *weak_uplink_ref_new(weak_state *state, PyObject *parent, PyObject *list);

/// The WeakLink that a type has under a name: a new reference, or NULL with TypeError set.
weak_uplink *weak_uplink_of(weak_state *state, PyTypeObject *type, PyObject *name);

/// What stands in a child: 1 and its reference to a parent, new; 0: none; or -1.
int weak_uplink_get_ref(weak_state *state, const weak_uplink *link, PyObject *child,
                        PyObject **ret);

/// Put such a reference into a child, or None. -1 with an exception set.
int weak_uplink_put_ref(const weak_uplink *link, PyObject *child, PyObject *ref);

/// The copy that copy.deepcopy() made of an object, by its memo: 1 and a new reference, 0, or -1.
int weak_uplink_copied(PyObject *memo, PyObject *object, PyObject **ret);

/// An empty list of a parent's children, whose links have this name; NULL with an exception set.
PyObject *weak_children_new(weak_state *state, PyObject *owner, PyObject *link);

/// The parent, borrowed; NULL when it is gone.
PyObject *weak_children_owner(PyObject *list);

/// Have these children and no others; `children` is a list of the caller's alone and becomes the
/// inner one. -1 with an exception set: then nothing has changed, unless it was a link of one that
/// is no child any more, which could not be cleared.
int weak_children_become(PyObject *list, PyObject *children);

/// Take a child out of the list it is in, if it is there. The link stays as it is. REQUIRES: the
/// caller holds the child. Runs no code.
void weak_children_drop(PyObject *list, PyObject *child);

#endif
