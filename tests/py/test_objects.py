"""Instances and containers whose storage is easily misread: one Thing each, with its one name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

# What is run, with `mine` a new object; the reference to it as `refs` and a snapshot name it.
CASES = {
    "inline": ("o = K(); o.a = mine", "o.a"),
    "materialised": ("o = K(); o.a = mine; vars(o)", "o.a"),
    "materialised first": ("o = K(); vars(o); o.a = mine", "o.a"),
    "dict kept elsewhere": ("o = K(); o.a = mine; d = vars(o)", "o.a"),
    "dict replaced": ("o = K(); o.b = 1; o.__dict__ = {'a': mine}", "o.a"),
    "dict replaced with other keys": ("o = K(); o.__dict__ = {'a': mine, 5: 6, (7,): 8}", "o.a"),
    "dict of another instance": (
        "p = K(); p.a = mine; o = K(); o.__dict__ = vars(p); del p",
        "o.a",
    ),
    "dict deleted": ("o = K(); o.b = 1; del o.__dict__; o.a = mine", "o.a"),
    "many attributes": (
        "o = K()\nfor i in range(40): setattr(o, f'x{i}', i)\no.x17 = mine",
        "o.x17",
    ),
    "more attributes than share": (
        "o = K()\nfor i in range(400): setattr(o, f'x{i}', i)\no.x317 = mine",
        "o.x317",
    ),
    "deleted attributes": (
        "o = K()\nfor i in range(9): setattr(o, f'x{i}', i)\n"
        "for i in range(0, 9, 2): delattr(o, f'x{i}')\no.x3 = mine",
        "o.x3",
    ),
    "attribute deleted and set again": ("o = K(); o.a = 1; o.b = 2; del o.a; o.a = mine", "o.a"),
    "attributes in another order": (
        "p = K(); p.a = p.b = p.c = 1; o = K(); o.c = 1; o.b = mine; o.a = 3",
        "o.b",
    ),
    "shared keys with holes": (
        "p = K(); p.a = p.b = p.c = 1; o = K(); o.c = mine",
        "o.c",
    ),
    "name that is no identifier": ("o = K(); setattr(o, 'a-b', mine)", "o.a-b"),
    "slots": ("o = Slots(); o.a = mine", "o.a"),
    "empty slots": ("o = Slots(); o.b = mine", "o.b"),
    "slots and dict": ("o = Both(); o.a = 1; o.c = mine", "o.c"),
    "slot of slots and dict": ("o = Both(); o.a = mine; o.c = 1", "o.a"),
    "slots and weak references": ("o = Weak(); w = weakref.ref(o); o.a = mine", "o.a"),
    "inherited slots": ("o = MoreSlots(); o.a = 1; o.z = mine", "o.z"),
    "slot of a base": ("o = MoreSlots(); o.z = 1; o.a = mine", "o.a"),
    "private slot": ("o = Private(); o.set(mine)", "o._Private__x"),
    "weak references and dict": ("o = K(); w = weakref.ref(o); o.a = mine", "o.a"),
    "metaclass": ("o = Made(); o.a = mine", "o.a"),
    "attribute of a class with a metaclass": ("Made.a = mine", "Made.a"),
    "list subclass": ("o = L(); o.append(1); o.append(mine)", "o[1]"),
    "list subclass's attribute": ("o = L([1, 2]); o.a = mine", "o.a"),
    "dict subclass": ("o = D(k=mine)", "o['k']"),
    "dict subclass's attribute": ("o = D(k=1); o.a = mine", "o.a"),
    "tuple subclass": ("o = T([1, mine])", "o[1]"),
    "tuple subclass's attribute": ("o = T([1, 2, 3]); o.a = mine", "o.a"),
    "int subclass's attribute": ("o = I(2 ** 70); o.a = mine", "o.a"),
    "str subclass's attribute": ("o = S('text'); o.a = mine", "o.a"),
    "bytes subclass's attribute": ("o = B(b'some'); o.a = mine", "o.a"),
    "set subclass's attribute": ("o = M([1]); o.a = mine", "o.a"),
    "exception's attribute": ("o = E('x'); o.a = mine", "o.a"),
    "exception's argument": ("o = E(mine)", "o.args[0]"),
    "exception's note": ("o = E(); o.add_note('n'); o.__notes__.append(mine)", "o.__notes__[1]"),
    "function's attribute": ("def o(): pass\no.a = mine", "o.a"),
    "module's attribute": ("o = types.ModuleType('o'); o.a = mine", "o.a"),
    "module subclass's attribute": ("o = Module('o'); o.a = mine", "o.a"),
    "partial's attribute": ("o = functools.partial(print); o.a = mine", "o.a"),
    "deque subclass's attribute": ("o = Q(); o.a = mine", "o.a"),
    "set member": ("o = {1, mine}", "o member"),
    "frozenset member": ("o = frozenset([1, mine])", "o member"),
    "large set": ("o = set(range(1000)) | {mine}", "o member"),
    "list": ("o = [None, mine]", "o[1]"),
    "list that shrank": ("o = list(range(100)); del o[3:]; o.append(mine)", "o[3]"),
    "tuple in a tuple": ("o = (1, (2, mine))", "o[1][1]"),
    "dict that shrank": (
        "o = {i: i for i in range(99)}; o.clear(); o['k'] = mine",
        "o['k']",
    ),
    "dict with a deleted key": ("o = {'a': 1, 'k': mine, 'c': 3}; del o['a']", "o['k']"),
    "dict with keys of all kinds": ("o = {1: 2, 'k': mine, (3,): 4, None: 5}", "o['k']"),
    "dict whose keys were shared": (
        "p = K(); p.a = 1; p.k = mine; o = vars(p).copy(); del p",
        "o['k']",
    ),
    "attributes of an AttrDict": ("o = AttrDict(); o.k = mine", "o.k"),
    "simple namespace": ("o = types.SimpleNamespace(a=mine)", "o.a"),
    "dataclass": ("o = Data(mine)", "o.field"),
    "dataclass with slots": ("o = SlotData(mine)", "o.field"),
    "generic": ("o = Generic[int](); o.a = mine", "o.a"),
    "enum member's attribute": ("Colour.RED.a = mine; o = Colour.RED", "o.a"),
    "property's cache": ("o = Cached(); o.a", "o.a"),
}  # fmt: skip

SETUP = """
import collections, dataclasses, enum, functools, types, typing, weakref
class K: pass
class Slots: __slots__ = ("a", "b", "c")
class MoreSlots(Slots): __slots__ = ("z",)
class Both: __slots__ = ("a", "__dict__")
class Weak: __slots__ = ("a", "__weakref__")
class Private:
    __slots__ = ("__x",)
    def set(self, x): self.__x = x
class Meta(type):
    def __call__(cls): return super().__call__()
class Made(metaclass=Meta): pass
class L(list): pass
class D(dict): pass
class T(tuple): pass
class I(int): pass
class S(str): pass
class B(bytes): pass
class M(set): pass
class E(Exception): pass
class Q(collections.deque): pass
class Module(types.ModuleType): pass
class AttrDict(dict):
    def __init__(self): self.__dict__ = self
@dataclasses.dataclass
class Data: field: object
@dataclasses.dataclass(slots=True)
class SlotData: field: object
V = typing.TypeVar("V")
class Generic(typing.Generic[V]): pass
class Colour(enum.Enum): RED = 1
class Cached:
    @functools.cached_property
    def a(self): return KEPT.pop()
KEPT = []
"""

DRIVER = """
pieces = {pieces!r}
made = {{}}
for number, (name, piece) in enumerate(pieces.items()):
    kind = type(f"Held{{number}}", (), {{"__module__": "__main__", "__slots__": ()}})
    space = types.ModuleType(f"space{{number}}")
    sys.modules[space.__name__] = space
    exec({setup!r}, vars(space))
    space.mine = kind()
    space.KEPT.append(space.mine)
    exec(piece, vars(space))
    space.KEPT.clear()
    del space.mine
del space, kind
answers = {{}}
for options in ({{}}, {{"in_process": True}}):
    heap = take(keys=True, **options)
    for number, name in enumerate(pieces):
        found = json.loads(heap.why(f"__main__.Held{{number}}").json())
        names = [each["name"] for each in found["references"]]
        answers.setdefault(name, []).append([found["reference_count"], found["unaccounted"], names])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All of them in one process, each in a module of its own."""
    folder = tmp_path_factory.mktemp("objects")
    pieces = {name: piece for name, (piece, _) in CASES.items()}
    said = harness.run(folder, DRIVER.format(pieces=pieces, setup=SETUP))
    return json.loads(said)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", CASES)
def test_objects(answers: dict[str, Any], name: str) -> None:
    for count, unaccounted, names in answers[name]:
        # `o` may be shown with its module in front.
        plain = [
            each[each.index(".") + 1 :] if each.startswith("space") else each for each in names
        ]
        assert (count, unaccounted, plain) == (1, 0, [CASES[name][1]])


def test_attribute_dict_that_is_its_own(tmp_path: Path) -> None:
    """``self.__dict__ = self`` is a ring of one: told once, and when lost it waits."""
    program = """
class AttrDict(dict):
    def __init__(self): self.__dict__ = self
kept = AttrDict()
kept.inner = AttrDict()
kept.inner.thing = Thing()
print(refs(kept.inner))
print(chain("__main__.Thing", keys=True))
class Lost(AttrDict): pass
Lost()
found = json.loads(take().why("__main__.Lost").json())
print(found["objects"], found["waiting_for_gc"])
"""
    said = harness.run(tmp_path, program).replace("attributes of ", "")
    assert said.splitlines() == [
        "2 references: kept.inner, AttrDict.__dict__",
        "module __main__ .kept AttrDict .inner AttrDict .thing Thing",
        "1 1",
    ]
