"""Runs op programs on CPython and prints what happened: the other half of interpret.c.

Runs on Python 2.7 as well as on 3.11 and later, so it is written in what both understand. Programs
come on stdin, each after a line `= NAME`; logs go to stdout under the same line. What each op means
stands in op_programs.py. Lines `~N` name a place where the two sides may differ, and where this one
has done as the other does; compare.py counts them and leaves them out.

Traps, each of which has made equal things look different or different things equal:

- An int subclass with __del__ is itself an object of the collector's from 3.8 on, and its finalizer
  runs in trash order: deaths are told by PyCapsule destructors.
- A slot is emptied when a collection clears its object, which others may still hold: a probe in a
  slot tells of deaths too early. It must be where only deallocation lets go: in itertools.repeat,
  which has a tp_traverse and no tp_clear.
- One object must be one entry of the collector: classes with __slots__, no attribute dict. Slots
  are cleared in the order of their names: A, the owner's watches, first; then s0, s1, s2.
- A specialised `R[i] = f()` steals its value, the generic one holds it: values are in locals on
  both sides, and the locals are emptied in the same order.
- The containers of the harness must not be in the collector's lists: what only they hold would
  first be found unreachable and then be moved behind all others. They are untracked by hand (lists:
  a dict tracks itself again), and so hold from outside, as C's variables do.
- One fork per program, since what is left of one poisons the next; or a few in one, as long as
  every object of the one before has died.
- An object resurrected from the count path re-enters generation 0.
- 2.7 keeps an owner's watches through its resurrection; 3.x ends them in a collection.
- CPython leaves what is in gc.garbage in its generation, the heap in C has a list for it: untracked
  by hand while it is there, tracked again, among the youngest, when it is taken.
- 2.7 calls a watch whose owner is in the trash, if its object dies by count meanwhile; 3.x has
  cleared it by then. `~2`, as for dead owners: an owner that lives and has lost its weak references
  in a collection is trash.
- Weak references without callback are shared: one kept outside would be the one in the object. The
  native weak field is of a subclass, which is never shared.
- Weak references in trash: CPython 3 empties them, the heap in C does not. Values are read from a
  weak reference kept outside, and `~4` is said where the native one has lost it.
"""

from __future__ import print_function

import ctypes
import gc
import itertools
import os
import sys
import weakref

ROOTS = 8
WEAKS = 8
FIELDS = ("s0", "s1", "s2")
LEGACY = sys.version_info[0] == 2

R = [None] * ROOTS
W = [None] * WEAKS
WATCHES = []  # by number: the weak reference, None where the watch is an owner's or has ended
WEAK_FIELDS = []  # by object: the weak reference outside that stands for its native one
DEAD = []  # by object
LOG = []
COLLECTING = [0]
HAS_ENDED = [False]  # hooks are silent and do nothing
GROUP = 20  # programs in a child; fewer than 128, since the child's status counts them

api = ctypes.pythonapi
api.PyCapsule_New.restype = ctypes.py_object
DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, DESTRUCTOR]
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
api.PyObject_GC_UnTrack.restype = None
api.PyObject_GC_UnTrack.argtypes = [ctypes.py_object]
api.PyObject_GC_Track.restype = None
api.PyObject_GC_Track.argtypes = [ctypes.py_object]


def bits():
    """The liveness of all weak references."""
    return "".join(["1" if w is not None and w() is not None else "0" for w in W])


@DESTRUCTOR
def died(capsule):
    """Last of all that an object's death does to it."""
    i = api.PyCapsule_GetPointer(capsule, None) - 1
    DEAD[i] = True
    WEAK_FIELDS[i] = None
    LOG.append("dead %d %s" % (i, bits()))


class Native(weakref.ref):
    """A weak reference that is never shared."""

    __slots__ = ()


class Watch(weakref.ref):
    """A weak reference with callback that knows what it is for."""

    __slots__ = ("action", "address", "argument", "number", "owner", "owner_ref")


class Plain(itertools.repeat):
    """An object without finalizer."""

    __slots__ = ("A", "__weakref__", "action", "argument", "i", "s0", "s1", "s2", "w")


class Fin(itertools.repeat):
    """An object with one. Not a subclass: slots are cleared class by class."""

    __slots__ = ("A", "__weakref__", "action", "argument", "i", "s0", "s1", "s2", "w")

    def __del__(self):
        """Logs, then acts."""
        if HAS_ENDED[0]:
            return
        field = read_weak_field(self)
        own = "1" if field is not None else "0"
        field = None
        if LEGACY:
            refresh_owner(self)
        LOG.append("fin %d %s %s" % (self.i, bits(), own))
        FIN_ACTIONS[self.action](self, self.argument)


class Leaf(itertools.repeat):
    """An object that the collector never looks at; made so by hand."""

    __slots__ = ("A", "__weakref__", "i")


def make(kind, action, argument):
    """A new object."""
    i = len(DEAD)
    DEAD.append(False)
    WEAK_FIELDS.append(None)
    v = (Plain, Fin, Leaf)[kind % 3](api.PyCapsule_New(i + 1, None, died))
    if kind % 3 == 2:
        api.PyObject_GC_UnTrack(v)
    else:
        v.s0 = v.s1 = v.s2 = v.w = None
        v.action = action
        v.argument = argument
    v.A = None
    v.i = i
    return v


def read_weak_field(v):
    """What an object's weak field leads to, as a heap without CPython's habit would read it."""
    outside = WEAK_FIELDS[v.i]
    found = None if outside is None else outside()
    if found is not None and (v.w is None or v.w() is None):
        LOG.append("~4")
    return found


def refresh_owner(v):
    """An owner that its finalizer may resurrect is known to its watches again."""
    chain = v.A
    while chain is not None:
        chain[0].owner_ref = weakref.ref(v)
        chain = chain[1]


def is_in_trash(watch):
    """Has a collection found the owner? One that dies by count has count 0."""
    if not COLLECTING[0] or watch.owner_ref() is not None:
        return False
    return ctypes.c_ssize_t.from_address(watch.address).value > 0


def collect(generation, is_counted=False):
    """Collects, between two marks in the log."""
    generation %= 3
    LOG.append("<%d" % generation)
    COLLECTING[0] += 1
    n = gc.collect(generation)
    COLLECTING[0] -= 1
    for v in gc.garbage:
        api.PyObject_GC_UnTrack(v)
    v = None
    if gc.garbage:
        LOG.append(" ".join(["kept"] + [str(v.i) for v in gc.garbage]))
    LOG.append(">%d found %d" % (generation, n) if is_counted else ">%d" % generation)


def make_into(root):
    """A new object into a root."""
    v = make(0, 0, 0)
    R[root % ROOTS] = v
    v = None


# ---- finalizers' and callbacks' actions ----------------------------------------------------------


def fin_resurrect(self, x):
    """Into a root."""
    R[x % ROOTS] = self


def fin_clear_field(self, x):
    """A strong field of its own."""
    setattr(self, FIELDS[x % 3], None)


def fin_weak_to_self(self, x):
    """In a weak reference outside."""
    if COLLECTING[0]:
        LOG.append("~3 %d" % (x % WEAKS))
    W[x % WEAKS] = weakref.ref(self)


def fin_store_in_other(self, x):
    """In the first field of a root's object."""
    other = R[x % ROOTS]
    if other is not None and type(other) is not Leaf:
        other.s0 = self
    other = None


def fin_load_weak_field(self, x):
    """Into a root."""
    v = read_weak_field(self)
    R[x % ROOTS] = v
    v = None


def load_weak(x):
    """What a weak reference outside leads to, into the root of its number."""
    w = W[x % WEAKS]
    v = None if w is None else w()
    R[x % ROOTS] = v
    v = None


def drop(root):
    """Lets go of a root."""
    R[root % ROOTS] = None


FIN_ACTIONS = (
    lambda self, x: None,
    fin_resurrect,
    lambda self, x: drop(x),
    lambda self, x: collect(x),
    lambda self, x: make_into(x),
    fin_clear_field,
    fin_weak_to_self,
    fin_store_in_other,
    fin_load_weak_field,
    lambda self, x: load_weak(x),
)
CALLBACK_ACTIONS = (lambda x: None, collect, make_into, drop, load_weak)


def called_back(watch):
    """A watch's object is dead."""
    if HAS_ENDED[0]:
        return
    if watch.owner is None:
        has_ended = WATCHES[watch.number] is not watch
    else:
        has_ended = DEAD[watch.owner] or (LEGACY and is_in_trash(watch))
    if has_ended:
        # Another callback of the same batch ended the watch. CPython calls it all the same; in C
        # its context would be freed memory.
        LOG.append("~2")
        return
    owner = -1 if watch.owner is None else watch.owner
    LOG.append("cb %d %s %d" % (watch.number, bits(), owner))
    CALLBACK_ACTIONS[watch.action](watch.argument)


# ---- ops -----------------------------------------------------------------------------------------


def op_n(root, kind, action, argument):
    """New."""
    v = make(kind, action, argument)
    R[root % ROOTS] = v
    v = None


def op_d(root):
    """Drop."""
    R[root % ROOTS] = None


def op_c(source, target):
    """Copy."""
    x = R[source % ROOTS]
    R[target % ROOTS] = x
    x = None


def node_at(root):
    """A root's object if it has fields."""
    v = R[root % ROOTS]
    return None if type(v) is Leaf else v


def op_s(root, field, source):
    """Set a field."""
    x = node_at(root)
    y = R[source % ROOTS]
    if x is not None:
        setattr(x, FIELDS[field % 3], y)
    x = None
    y = None


def op_l(root, field, target):
    """Load a field."""
    x = node_at(root)
    y = None
    if x is not None:
        y = getattr(x, FIELDS[field % 3])
        R[target % ROOTS] = y
    x = None
    y = None


def op_w(weak, root):
    """Weak reference, outside."""
    x = R[root % ROOTS]
    W[weak % WEAKS] = None if x is None else weakref.ref(x)
    x = None


def op_L(weak, root):
    """Load a weak reference."""
    w = W[weak % WEAKS]
    x = None if w is None else w()
    R[root % ROOTS] = x
    x = None


def op_f(root, source):
    """Set a weak field."""
    x = node_at(root)
    y = R[source % ROOTS]
    if x is not None:
        x.w = None if y is None else Native(y)
        WEAK_FIELDS[x.i] = None if y is None else weakref.ref(y)
    x = None
    y = None


def op_F(root, target):
    """Load a weak field."""
    x = node_at(root)
    y = None
    if x is not None:
        y = read_weak_field(x)
        R[target % ROOTS] = y
    x = None
    y = None


def op_W(target, owner, action, argument):
    """Watch, with an owner or without."""
    x = R[target % ROOTS]
    y = None if owner < 0 else R[owner % ROOTS]
    if x is not None and (owner < 0 or y is not None):
        watch = Watch(x, called_back)
        watch.number = len(WATCHES)
        watch.action = action
        watch.argument = argument
        watch.owner = None if y is None else y.i
        if y is None:
            WATCHES.append(watch)
        else:
            WATCHES.append(None)
            watch.owner_ref = weakref.ref(y) if LEGACY else None
            watch.address = id(y)
            y.A = (watch, y.A)
        watch = None
    x = None
    y = None


def op_u(number):
    """End a watch that has no owner."""
    if WATCHES:
        WATCHES[number % len(WATCHES)] = None


def op_T(root):
    """Take the first of the garbage list."""
    if gc.garbage:
        v = gc.garbage.pop(0)
        api.PyObject_GC_Track(v)
        R[root % ROOTS] = v
        v = None


def op_D(flag):
    """Save all, or no longer."""
    gc.set_debug(gc.DEBUG_SAVEALL if flag else 0)


def op_z(which):
    """Freeze, unfreeze."""
    if not LEGACY:
        (gc.unfreeze if which else gc.freeze)()


def op_p():
    """Print counts, liveness and the length of the garbage list."""
    parts = []
    for i in range(ROOTS):
        v = R[i]
        # Two of the references are this local and the argument.
        parts.append("-" if v is None else "%d:%d" % (v.i, sys.getrefcount(v) - 2))
        v = None
    LOG.append("p %s %s garbage %d" % (" ".join(parts), bits(), len(gc.garbage)))


def op_q():
    """Print what the collector knows of each root's object."""
    if not LEGACY:
        saved = [id(v) for v in gc.garbage]
        parts = [
            "%d%d" % (gc.is_tracked(v) or id(v) in saved, gc.is_finalized(v))
            for v in R
            if v is not None
        ]
        LOG.append(" ".join(["q"] + parts))


OPS = {
    "n": (op_n, 4),
    "d": (op_d, 1),
    "c": (op_c, 2),
    "s": (op_s, 3),
    "l": (op_l, 3),
    "w": (op_w, 2),
    "L": (op_L, 2),
    "f": (op_f, 2),
    "F": (op_F, 2),
    "W": (op_W, 4),
    "u": (op_u, 1),
    "G": (collect, 1),
    "N": (lambda generation: collect(generation, True), 1),
    "T": (op_T, 1),
    "D": (op_D, 1),
    "z": (op_z, 1),
    "p": (op_p, 0),
    "q": (op_q, 0),
}


# ---- programs ------------------------------------------------------------------------------------


def run(lines):
    """Runs a program's ops."""
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        body, count = OPS[words[0]]
        numbers = [int(word) for word in words[1:]] + [0] * 4
        body(*numbers[:count])


def write(text):
    """To stdout, past any buffer: a forked child must leave none behind."""
    data = text if LEGACY else text.encode()
    while data:
        data = data[os.write(1, data) :]


def clean():
    """Lets go of a program's objects without a word; says whether all of them have died."""
    HAS_ENDED[0] = True
    for i in range(ROOTS):
        R[i] = None
    for i in range(WEAKS):
        W[i] = None
    gc.set_debug(0)
    for v in gc.garbage:  # Python 2 could not cut them
        if type(v) is not Leaf:
            v.s0 = v.s1 = v.s2 = None
    v = None
    for held in (WATCHES, gc.garbage):
        del held[:]
    gc.collect()
    gc.collect()
    is_clean = all(DEAD)
    for held in (WEAK_FIELDS, DEAD, LOG):
        del held[:]
    HAS_ENDED[0] = False
    if not LEGACY:
        gc.freeze()
    return is_clean


def run_forked(programs):
    """Runs programs in a child, one or a few; returns how many, and says so where it dies."""
    child = os.fork()
    if child == 0:
        done = 0
        try:
            for program in programs:
                lines = program.splitlines()
                run(lines[1:])
                write("\n".join(["= " + lines[0]] + LOG + [""]))
                done += 1
                if not clean():
                    break
        finally:
            os._exit(done)
    status = os.waitpid(child, 0)[1]
    done = status >> 8
    if done == 0:
        write("= %s\nFAULT CPython ended with status %d\n" % (programs[0].splitlines()[0], status))
    return max(done, 1)


def main():
    """Runs what stands on stdin."""
    gc.disable()
    for held in (R, W, WATCHES, WEAK_FIELDS, DEAD, LOG, COLLECTING, HAS_ENDED):
        api.PyObject_GC_UnTrack(held)
    programs = ("\n" + sys.stdin.read()).split("\n= ")[1:]
    gc.collect()
    # What the harness is made of costs each collection nothing.
    if hasattr(gc, "freeze"):
        gc.freeze()
    else:
        for held in gc.get_objects():
            api.PyObject_GC_UnTrack(held)
    at = 0
    while at < len(programs):
        at += run_forked(programs[at : at + GROUP])
    os._exit(0)  # what was untracked by hand must not be taken down


if __name__ == "__main__":
    main()
