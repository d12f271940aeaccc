"""``refs`` and ``why``: what holds an object, and never what the question itself holds."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import jsonschema
import pytest

import mortmain
from mortmain import Heap, MortmainError

DOCS = Path(__file__).parents[2] / "docs"

# Each line of the program prints what its comment says, on every version.
REFERENCES = """
import functools, sys, threading, weakref
import mortmain
from mortmain import refs

class Person:
    def ask(self):
        return refs(self)

class Slots:
    __slots__ = ("a", "b")

class Node:
    pass

p1 = Person()
all_people = [Person()]
table = {"k": Person()}
slots = Slots()
slots.a = slots.b = Person()
node = Node()
node.next = Person()

print(refs(p1))                          # 1 reference: __main__.p1
print(refs(obj=p1))                      # 1 reference: __main__.p1
print(refs(all_people[0]))               # 1 reference: all_people[0]
print(refs(table["k"]))                  # 1 reference: table['k']
print(refs(slots.a))                     # 2 references: slots.a, slots.b
print(refs(node.next))                   # 1 reference: node.next
print(refs(Person()))                    # 0 references
print(p1.ask())                          # 1 reference: __main__.p1
print(Person().ask())                    # 0 references
print((lambda: refs(p1))())              # 1 reference: __main__.p1
print((lambda q: refs(q))(p1))           # 1 reference: __main__.p1

def alone():
    x = Person()
    print(refs(x))                       # 0 references
    w = weakref.ref(x)
    v = weakref.proxy(x)
    print(refs(x))                       # 0 references
    d = weakref.WeakValueDictionary(a=x)
    print(refs(x))                       # 0 references
    kept.append(x)
    print(refs(x))                       # 1 reference: kept[0]

kept = []
alone()

def outer():
    y = Person()
    def inner(z):
        return refs(z)
    print(str(inner(y)).split(" (")[0])  # 1 reference: local y of outer

outer()

def in_thread():
    print(refs(p1))                      # 1 reference: __main__.p1

thread = threading.Thread(target=in_thread)
thread.start()
thread.join()

sys.setprofile(lambda *a: None)
r = refs(p1)
sys.setprofile(None)
print(r)                                 # 1 reference: __main__.p1
sys.settrace(lambda *a: None)
r = refs(p1)
sys.settrace(None)
print(r)                                 # 1 reference: __main__.p1
for i in range(5):
    refs(p1)
print(refs(p1))                          # 1 reference: __main__.p1
"""


def run(tmp_path: Path, program: str) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(program)
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.names
def test_references(tmp_path: Path) -> None:
    lines = [line for line in REFERENCES.splitlines() if line.lstrip().startswith("print(")]
    got = run(tmp_path, REFERENCES)
    assert len(got) == len(lines)
    for line, said in zip(lines, got, strict=True):
        assert said == line.split("# ")[1], line


class Thing:
    """What is asked about."""


KEPT: list[Thing] = []
NAME = f"{__name__}.KEPT[0]"


@pytest.fixture(autouse=True)
def kept() -> None:
    """A new object for each test: the traceback of a failed one would hold the old one."""
    KEPT[:] = [Thing()]


@pytest.mark.names
def test_fields() -> None:
    weak = weakref.ref(KEPT[0])
    found = mortmain.refs(KEPT[0])
    assert str(found) == repr(found) == f"1 reference: {NAME}"
    assert (found.reference_count, found.unaccounted_count) == (1, 0)
    assert found.weak_count == 1
    assert [(each.name, each.count) for each in found.references] == [(NAME, 1)]
    assert weak() is KEPT[0]
    with pytest.raises(AttributeError):
        found.text = ""  # type: ignore[misc]


@pytest.mark.names
def test_why() -> None:
    answer = mortmain.why(KEPT[0])
    text = str(answer)
    assert text.startswith(f"1 reference: {NAME}\n")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text
    assert "\x1b" in answer.render(colour=True)
    assert all(len(line) <= 40 for line in answer.render(width=40).splitlines())
    assert answer.render(ascii=True).isascii()
    document = json.loads(answer.json())
    jsonschema.validate(document, json.loads((DOCS / "why.schema.json").read_text()))
    assert document["schema"] == "mortmain.why/1"
    assert document["reference_count"] == 1
    with pytest.raises(ValueError, match="width"):
        answer.render(width=1)


@pytest.mark.names
def test_heap(tmp_path: Path) -> None:
    path = tmp_path / "a.mort"
    mortmain.snapshot(path)
    heap = Heap.open(path)
    path.unlink()
    types = {total.name: total for total in heap.types()}
    assert types[f"{__name__}.Thing"].object_count == 1
    assert list(heap.types()) == sorted(heap.types(), key=lambda row: -row.bytes)
    assert [each.name for each in heap.referrers(f"{__name__}.Thing").references] == [
        f"{__name__}.KEPT[0]"
    ]
    assert str(heap.why(id(KEPT[0]))).startswith(f"1 reference: {NAME}\n")
    assert str(heap.why(hex(id(KEPT[0])))).startswith(f"1 reference: {NAME}\n")
    for nonsense in ("no.such.Thing", 8, "", "shop.f()"):
        with pytest.raises(MortmainError) as caught:
            heap.why(nonsense)
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError):
        heap.why(None)  # type: ignore[arg-type]
    with pytest.raises(MortmainError, match="no text"):
        heap.why("a\0b")
    with pytest.raises(MortmainError, match="no object"):
        heap.why(-1)


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mort"
    mortmain.snapshot(path)
    whole = path.read_bytes()
    for bad in (b"", b"\x89MORT", whole[:-1], whole[: len(whole) // 2], b"x" * 100):
        path.write_bytes(bad)
        with pytest.raises(MortmainError) as caught:
            Heap.open(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(MortmainError, match="No such file"):
        Heap.open(tmp_path / "none.mort")
    with pytest.raises(MortmainError):
        Heap.open(tmp_path)


@pytest.mark.names
def test_many_threads_ask_one_heap(tmp_path: Path) -> None:
    mortmain.snapshot(tmp_path / "a.mort")
    heap = Heap.open(tmp_path / "a.mort")
    name = f"{__name__}.Thing"
    expected = heap.why(name).json()
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.extend(heap.why(name).json() for _ in range(3)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 12


# Descriptors, blocks of Python's allocator and pages of the process, when everything was asked
# five times and when it was asked twenty times more.
LEAK = """
import gc, json, os, sys
import mortmain

class Thing:
    pass

kept = [Thing()]

def ask(path):
    str(mortmain.refs(kept[0]))
    mortmain.why(kept[0]).json()
    mortmain.snapshot(path, force=True)
    heap = mortmain.Heap.open(path)
    heap.summary()
    heap.types()
    heap.why("__main__.Thing").render()
    for nonsense in ("no.such.Thing", "", "a.f()"):
        try:
            heap.why(nonsense)
        except mortmain.MortmainError:
            pass

# The interpreter's cache of attributes holds names.
clear = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache

def used():
    clear()
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    return len(os.listdir("/proc/self/fd")), sys.getallocatedblocks(), pages

for _ in range(5):
    ask("a.mort")
before = used()
for _ in range(20):
    ask("a.mort")
print(json.dumps([before, used()]))
"""


@pytest.mark.names
def test_no_leak(tmp_path: Path) -> None:
    program = tmp_path / "leak.py"
    program.write_text(LEAK)
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, check=True)
    before, after = json.loads(done.stdout)
    assert after[0] == before[0], "descriptors"
    assert after[1] - before[1] < 20, "blocks: less than one for each time"
    assert after[2] - before[2] < 20 * 16, "pages: less than 64 KiB for each time"


def test_all_names_are_there() -> None:
    for name in mortmain.__all__:
        assert getattr(mortmain, name).__name__ == name
    assert set(mortmain.__all__) <= set(dir(mortmain))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mortmain.nothing  # noqa: B018
