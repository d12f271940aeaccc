"""A snapshot runs no code of the program, and changes nothing that the program can see."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

# Whatever is called writes a line to a pipe; a list would be part of what a child cannot change.
SHOUTING = '''
reading, writing = os.pipe()
NAMES = """__sizeof__ __repr__ __str__ __bytes__ __format__ __eq__ __ne__ __lt__ __hash__ __len__
__iter__ __next__ __bool__ __contains__ __getitem__ __call__ __reduce__ __reduce_ex__ __dir__
__index__ __int__ __float__ __length_hint__ __reversed__ __copy__ __deepcopy__ __getstate__
__enter__ __exit__ __await__ __get__ __set__ __instancecheck__ __subclasscheck__ __subclasses__
__missing__ __fspath__ __buffer__ __set_name__ __prepare__ mro""".split()

def shout(name, answer=None):
    def method(*args, **kwargs):
        os.write(writing, (name + "\\n").encode())
        if answer is not None:
            return answer(*args, **kwargs)
        raise RuntimeError(name)
    return method

def heard():
    os.set_blocking(reading, False)
    try:
        return os.read(reading, 65536).decode().split()
    except BlockingIOError:
        return []

members = {name: shout(name) for name in NAMES}
members["__getattribute__"] = shout("__getattribute__", object.__getattribute__)
members["__getattr__"] = shout("__getattr__")
members["__setattr__"] = shout("__setattr__", object.__setattr__)
members["__delattr__"] = shout("__delattr__")
members["__hash__"] = shout("__hash__", object.__hash__)
members["__del__"] = shout("__del__", lambda self: None)
members["__class__"] = property(shout("__class__"))
members["__dict__"] = property(shout("__dict__"))
members["__doc__"] = property(shout("__doc__"))
members["prop"] = property(shout("prop"))

class Descriptor:
    __get__ = shout("descriptor __get__")
    __set__ = shout("descriptor __set__")

members["field"] = Descriptor()
meta = {k: v for k, v in members.items() if k not in ("mro", "__dict__", "__doc__")}
meta["__getattribute__"] = shout("type __getattribute__", type.__getattribute__)
meta["__setattr__"] = shout("type __setattr__", type.__setattr__)
meta["__hash__"] = shout("type __hash__", type.__hash__)
meta["__del__"] = shout("type __del__", lambda cls: None)
meta["__class__"] = property(shout("type __class__"))
Meta = type("Meta", (type,), meta)

def subclass(base, **more):
    return Meta.__new__(Meta, "Loud" + base.__name__.title(), (base,), {**members, **more})

loud_types = [subclass(base) for base in (object, int, str, float, bytes, tuple, frozenset)]
loud_types += [subclass(base, __init__=base.__init__)
               for base in (list, dict, set, bytearray, Exception, types.ModuleType)]
loud_types.append(subclass(object, __slots__=("a", "b", "__weakref__")))
plain, *_, slotted = loud_types

def make(kind):
    return kind.__mro__[1].__new__(kind)

kept = [object.__new__(plain)]
object.__setattr__(kept[0], "attribute", 1)
for kind in loud_types[1:]:
    base = type.__getattribute__(kind, "__mro__")[1]
    kept.append(base.__new__(kind, "m") if base is types.ModuleType else base.__new__(kind))
dict.__setitem__(kept[8], "k", kept[0])
list.append(kept[7], kept[0])
as_key = {kept[0]: kept[1]}
as_member = {kept[0]}
weak = weakref.ref(kept[0], shout("weakref callback"))
heard()
'''


@pytest.mark.parametrize("door", ["fork", "in process"])
def test_snapshot_is_silent(tmp_path: Path, door: str) -> None:
    in_process = door == "in process"
    program = f"""
{SHOUTING}
for keys in (False, True):
    taken = mortmain.snapshot("a.mort", force=True, in_process={in_process}, keys=keys)
    assert taken.door == {door!r}, taken
    assert taken.warning == "" and taken.retries == 0
told = heard()
assert told == [], told
names = {{total.name for total in mortmain.Heap.open("a.mort").types()}}
print(len([name for name in names if "Loud" in name]), flush=True)
told = heard()
assert told == [], told
os._exit(0)
"""
    assert harness.run(tmp_path, program) == "13\n"


def test_they_would_shout(tmp_path: Path) -> None:
    program = f"""
{SHOUTING}
tries = [repr, len, bool, iter, hash, sys.getsizeof, lambda o: o.__class__, lambda o: o.prop,
         lambda o: o == 1, lambda o: o.field, repr]
for call in tries:
    for one in kept[0], plain:
        try:
            call(one)
        except RuntimeError:
            pass
told = set(heard())
del kept[0]
print(len(told) > 12, flush=True)
os._exit(0)
"""
    assert harness.run(tmp_path, program) == "True\n"


def test_questions_are_silent(tmp_path: Path) -> None:
    """``refs`` and ``why`` about each of them, from a module and from a function."""
    program = f"""
{SHOUTING}
def ask(number):
    mine = kept[number]
    return str(refs(mine)), str(why(kept[number])), why(mine).json()

for number in range(len(kept)):
    said = [str(refs(kept[number])), repr(refs(kept[number])), str(why(kept[number]))]
    said += ask(number)
    told = heard()
    assert told == [], (number, told)
    assert f"kept[{{number}}]" in said[0], said[0]
    assert said[3] == said[0], said
heap = take(keys=True)
for kind in loud_types:
    heap.why(id(kind)).json()
told = heard()
assert told == [], told
os._exit(0)
"""
    harness.run(tmp_path, program)


def test_audit_hooks_and_traces(tmp_path: Path) -> None:
    """Neither of them hears of an object of the program."""
    program = """
events = []
sys.addaudithook(lambda event, args: events.append(event))
mine = Thing()
before = len(events)
_door.snapshot("a.mort")
_door.snapshot("b.mort", in_process=True)
print([e for e in events[before:] if e.startswith(("gc.", "object.", "code.", "sys._getframe"))])
calls = []
sys.setprofile(lambda frame, event, arg: calls.append((event, frame.f_code.co_name, arg)))
_door.snapshot("c.mort")
sys.setprofile(None)
print(sorted({name for _, name, _ in calls}))
"""
    assert harness.run(tmp_path, program) == "[]\n['<module>']\n"


def test_collector_is_left_alone(tmp_path: Path) -> None:
    program = """
called = []
gc.callbacks.append(lambda phase, info: called.append(phase))
junk = [Thing(), Thing()]
for each in junk:
    each.me = each
del junk, each
_door.snapshot("warm.mort")
for enabled in (True, False):
    gc.enable() if enabled else gc.disable()
    for in_process in (False, True):
        before = gc.get_stats(), gc.get_threshold(), gc.isenabled(), gc.get_debug()
        frozen, garbage = gc.get_freeze_count(), len(gc.garbage)
        counts = gc.get_count()
        _door.snapshot("a.mort", force=True, in_process=in_process)
        after_counts = gc.get_count()
        after = gc.get_stats(), gc.get_threshold(), gc.isenabled(), gc.get_debug()
        assert before == after
        assert (gc.get_freeze_count(), len(gc.garbage)) == (frozen, garbage)
        assert counts[1:] == after_counts[1:]
        assert abs(counts[0] - after_counts[0]) < 20, (counts, after_counts)
assert called == [], called
# Garbage that waits is evidence, and is still there.
print(mortmain.Heap.open("a.mort").why("__main__.Thing").json().count("waiting_for_gc"))
found = json.loads(mortmain.Heap.open("a.mort").why("__main__.Thing").json())
print(found["objects"], found["waiting_for_gc"])
"""
    assert harness.run(tmp_path, program) == "1\n2 2\n"


def test_counts_are_left_alone(tmp_path: Path) -> None:
    program = """
import ast, decimal
objects = [Thing() for _ in range(20)] + [[], {}, set(), "".join("ab"), 2**70, 1.5, b"xyz"]
objects += [dict, type, Thing, print, len, sys, os, refs, Thing.__init__, ast.AST, decimal.Decimal]
objects += [sys.modules, vars(sys), __builtins__, globals(), take.__code__, take, sys._getframe()]
objects += list(vars(os).values())[:80]
assert len(objects) > 100
weak = [weakref.ref(each) for each in objects[:20]]

def counts():
    return [sys.getrefcount(each) for each in objects]

_door.snapshot("a.mort"), _door.snapshot("b.mort", in_process=True), counts()
before = counts()
for number in range(6):
    _door.snapshot("c.mort", force=True, in_process=number % 2 == 1, keys=number > 3)
after = counts()
assert before == after, [(b, a, o) for b, a, o in zip(before, after, objects) if a != b]
assert [weakref.getweakrefcount(each) for each in objects[:20]] == [1] * 20
"""
    harness.run(tmp_path, program)


def test_memory_is_left_alone(tmp_path: Path) -> None:
    """Instances keep their attributes where they were: no dict is made for one."""
    program = """
made = [Thing() for _ in range(1000)]
for each in made:
    each.a, each.b = 1, 2
del each
_door.snapshot("a.mort")
sizes, blocks = sum(map(sys.getsizeof, made)), sys.getallocatedblocks()
for in_process in (False, True, False, True):
    _door.snapshot("a.mort", force=True, in_process=in_process)
assert abs(sys.getallocatedblocks() - blocks) < 50, (blocks, sys.getallocatedblocks())
assert sum(map(sys.getsizeof, made)) == sizes
"""
    harness.run(tmp_path, program)
