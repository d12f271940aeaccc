"""Locating: what engine/locate says of an interpreter is compared with what that interpreter says.

The engine's part is built into a shared library of its own, without Python.h, and loaded with
ctypes by every Python that is found here, so that one library meets all versions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import check
import layouts
import versions

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    *sorted((ROOT / "engine/locate").glob("*.c")),
    *sorted((ROOT / "engine/base/free").glob("*.c")),
    *(ROOT / "engine/base/os" / name for name in ("elf.c", "maps.c", "pages.c")),
    Path(__file__).with_name("locate_probe.c"),
]
PYTHONS = {"this": Path(sys.executable), **check.find_pythons()}


def is_known(name: str) -> bool:
    """Are there tables for one of PYTHONS?"""
    if name == "this":
        return versions.is_known()
    _, major, minor, *_ = re.split(r"[-.]", name)
    return versions.is_known((int(major), int(minor)))


# Runs in the target. `locate()` answers what the probe printed, by first word.
PRELUDE = """
import atexit, codecs, collections, ctypes, gc, os, sys, tempfile, threading, types, weakref

class Found(dict):
    def roots(self, name):
        return [int(row[3]) for row in self["root"] if row[4] == name]

def locate(hide_kinds=0, hide_version=0):
    library = ctypes.CDLL(sys.argv[1])
    handle, path = tempfile.mkstemp()
    os.close(handle)
    caller = ctypes.c_uint64(threading.get_native_id())
    library.probe_locate(path.encode(), hide_kinds, hide_version, caller)
    found = Found()
    with open(path) as file:
        for line in file:
            word, _, rest = line.rstrip("\\n").partition(" ")
            found.setdefault(word, []).append(rest.split(" ", 4))
    os.unlink(path)
    for word in ("root", "type", "field", "static", "warning"):
        found.setdefault(word, [])
    return found

def address(cell):
    return ctypes.c_uint64.from_address(cell).value

known = sys.version_info[:2] in KNOWN
"""
PRELUDE = PRELUDE.replace("KNOWN", repr(versions.KNOWN))

# An object of every kind, with as many of its fields filled as can be.
OBJECTS = """
class Plain:
    __slots__ = ("x", "__weakref__")
    @property
    def prop(self): "text"
    def method(self, a=object(), *, k=object()):
        "text"
        return __class__
class Sub(Plain): pass
Plain.method.__annotations__ = {"a": Plain}
Plain.method.attribute = 1
def generate(): yield
async def coroutine(): pass
async def agen(): yield
sys.set_coroutine_origin_tracking_depth(3)
waiting = coroutine()
sys.set_asyncgen_hooks(finalizer=lambda generator: None)
stepped = agen()
try:
    stepped.__anext__().send(None)
except StopIteration:
    pass
sys.set_asyncgen_hooks(None, None)
def failed():
    try:
        try:
            raise KeyError(Plain)
        except KeyError as error:
            raise ValueError(Plain()) from error
    except ValueError as error:
        error.attribute = 1
        return error
def framed():
    frame = sys._getframe()
    frame.f_trace = lambda *args: None
    if sys.version_info >= (3, 13):
        frame.f_locals["new"] = object()
        ctypes.pythonapi.PyEval_GetLocals()
    return frame
error = failed()
classed, static = classmethod(Plain.method), staticmethod(Plain.method)
classed.attribute = static.attribute = 1
ordered = collections.OrderedDict(a=Plain())
objects = [
    Plain.method, Plain.method.__closure__[0], Plain().method, types.ModuleType("name"),
    Plain, Sub, Plain.method.__code__, framed(), generate(), waiting, stepped, error,
    error.__traceback__, weakref.ref(Plain.method, print), [].append, len, Plain.prop,
    classed, static, ordered, str.join, Plain.x, int.__add__, dict.__dict__["fromkeys"],
]
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    output = tmp_path_factory.mktemp("locate") / "liblocate_probe.so"
    flags = [
        "-std=c11",
        "-D_GNU_SOURCE",
        "-O1",
        "-g",
        "-fPIC",
        "-shared",
        "-w",
        f"-I{ROOT / 'engine'}",
    ]
    subprocess.run([compiler, *flags, "-o", output, *SOURCES], check=True)
    return output


@pytest.fixture(params=sorted(PYTHONS))
def python(request: pytest.FixtureRequest) -> Path:
    return PYTHONS[request.param]


# A Python that there are tables for, and one that there are none for.
@pytest.fixture(params=sorted(name for name in PYTHONS if is_known(name)))
def known(request: pytest.FixtureRequest) -> Path:
    return PYTHONS[request.param]


@pytest.fixture(params=sorted(name for name in PYTHONS if not is_known(name)))
def unknown(request: pytest.FixtureRequest) -> Path:
    return PYTHONS[request.param]


def run(python: Path, library: Path, body: str) -> None:
    script = PRELUDE + textwrap.dedent(body)
    done = subprocess.run(
        [python, "-c", script, library], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_generations(python: Path, library: Path) -> None:
    run(
        python,
        library,
        """
        gc.disable()
        gc.collect()
        held = [[i] for i in range(3000)]
        locate()  # once before, so that it makes nothing new between the counts
        before = [len(gc.get_objects(i)) for i in range(3)]
        found = locate()
        assert found["status"][0][0] == "0", found["status"]
        row = found["interpreter"][0]
        rings = [int(cell) for cell in " ".join(row[4:]).split()]
        assert row[3] == "collecting=0", row
        assert rings[3] == gc.get_freeze_count()
        for ring, count in zip(rings, before):
            assert abs(ring - count) < 60, (rings, before)
        assert sum(rings[:3]) > 3000
        gc.freeze()
        rings = [int(cell) for cell in " ".join(locate()["interpreter"][0][4:]).split()]
        assert abs(rings[3] - gc.get_freeze_count()) < 60, rings
        """,
    )


def test_collecting(python: Path, library: Path) -> None:
    run(
        python,
        library,
        """
        seen = []
        def callback(phase, info):
            seen.append(locate()["interpreter"][0][3])
        gc.callbacks.append(callback)
        gc.collect()
        gc.callbacks.clear()
        assert seen == ["collecting=1"] * 2, seen
        """,
    )


def test_threads(python: Path, library: Path) -> None:
    run(
        python,
        library,
        """
        stop = threading.Event()
        threads = [threading.Thread(target=stop.wait) for _ in range(5)]
        for thread in threads:
            thread.start()
        try:
            found = locate()
        finally:
            stop.set()
        assert len(found["thread"]) == 6
        if known:
            native = {int(row[2].removeprefix("native=")) for row in found["thread"]}
            wanted = {thread.native_id for thread in threads} | {threading.get_native_id()}
            assert native == wanted
            callers = [row for row in found["thread"] if row[3] == "flags=1"]
            assert len(callers) == 1
            assert callers[0][2] == f"native={threading.get_native_id()}"
        """,
    )


def test_roots_without_a_table(unknown: Path, library: Path) -> None:
    """Nothing has a name, but the words are there."""
    run(
        unknown,
        library,
        """
        assert id(sys.modules) in [int(row[3]) for row in locate()["root"]]
        """,
    )


def test_roots(known: Path, library: Path) -> None:
    run(
        known,
        library,
        """
        import builtins, signal, warnings
        def hook(*args, **kwargs): pass
        class Watched: pass
        kept = [Watched() for _ in range(3)]
        atexit.register(hook, kept[0], key=kept[1])
        os.register_at_fork(before=hook)
        sys.addaudithook(hook)
        codecs.register(hook)
        sys.setprofile(hook)
        found = locate()
        sys.setprofile(None)
        one = lambda name: found.roots(name)[0]
        assert one("modules") == id(sys.modules)
        assert [int(row[3]) for row in found["root"] if row[0] == "1"] == [id(sys.modules)]
        assert one("builtins") == id(vars(builtins))
        assert one("sysdict") == id(vars(sys))
        assert one("gc.garbage") == id(gc.garbage)
        assert one("gc.callbacks") == id(gc.callbacks)
        assert one("importlib") == id(sys.modules["_frozen_importlib"])
        assert one("import_func") == id(builtins.__import__)
        assert one("warnings.filters") == id(warnings.filters)
        listed = lambda name: ctypes.cast(one(name), ctypes.py_object).value
        assert hook in listed("before_forkers")
        assert hook in listed("audit_hooks")
        assert hook in listed("codec_search_path")
        assert "strict" in listed("codec_error_registry")
        assert one("c_profileobj") == id(hook)
        numbers = [row[4] for row in found["root"] if int(row[3]) == id(hook)]
        number = next(n for n in numbers if n.startswith("atexit callback")).split()[2]
        kwargs = ctypes.cast(one(f"atexit callback {number} kwargs"), ctypes.py_object).value
        assert kwargs == {"key": kept[1]}
        args = ctypes.cast(one(f"atexit callback {number} args"), ctypes.py_object).value
        assert args == (kept[0],)
        assert not [row for row in found["root"] if row[4].startswith("interpreter+")]
        assert sys._stdlib_dir == found["stdlib"][0][0]
        interned = [int(row[3]) for row in found["root"] if row[0] == "8"]
        assert len(interned) == 1
        """,
    )


def test_no_kinds_without_a_table(unknown: Path, library: Path) -> None:
    run(
        unknown,
        library,
        """
        found = locate()
        assert found["warning"][0][0] == "unknown", found["warning"]
        assert found["version"][0][1] == "minor=0"
        assert found["type"] == found["field"] == []
        """,
    )


def test_kinds(known: Path, library: Path) -> None:
    run(
        known,
        library,
        """
        found = locate()
        assert found["version"][0][3] == "failed=0", found["version"]
        assert found["warning"] in ([], [[""]])
        kinds = {int(row[0]): int(row[1]) for row in found["type"]}
        wanted = {dict: 3, list: 4, tuple: 5, set: 6, frozenset: 6, types.FunctionType: 7,
                  types.CellType: 8, types.MethodType: 9, types.ModuleType: 10, type: 11,
                  types.CodeType: 12, types.FrameType: 13, types.GeneratorType: 14,
                  types.CoroutineType: 15, types.AsyncGeneratorType: 16, BaseException: 17,
                  types.TracebackType: 18, weakref.ref: 19, weakref.ProxyType: 19,
                  types.BuiltinFunctionType: 20, property: 21, classmethod: 22,
                  staticmethod: 23, str: 24, int: 25, bool: 25, collections.OrderedDict: 26,
                  types.MethodDescriptorType: 27, bytearray: 28, object: 2, float: 1, bytes: 1,
                  complex: 1, type(None): 1}
        for known_type, kind in wanted.items():
            assert kinds.get(id(known_type)) == kind, known_type
        assert sorted(kinds) == list(kinds)
        """,
    )


def test_fields(known: Path, library: Path) -> None:
    run(
        known,
        library,
        OBJECTS
        + """
found = locate()
kinds = {int(row[0]): int(row[1]) for row in found["type"]}
kind_of = lambda o: next((kinds[id(t)] for t in type(o).__mro__ if id(t) in kinds))
fields = {}
for kind, flags, offset, name in found["field"]:
    fields.setdefault(int(kind), []).append((int(flags), int(offset), name))
seen = set()
for o in objects:
    visited = {id(r) for r in gc.get_referents(o)}
    for flags, offset, name in fields.get(kind_of(o), []):
        word = address(id(o) + offset) if offset < type(o).__basicsize__ else 0
        if word:
            seen.add((kind_of(o), name))
            assert (word in visited) == (flags & 5 == 0), (o, name)
# What has not been seen with a value is not proven either way: keep it short.
everything = {(kind, f[2]) for kind, rows in fields.items() for f in rows}
assert len(everything - seen) < 18, everything - seen
waiting.close()
""",
    )


def test_static_dicts(known: Path, library: Path) -> None:
    run(
        known,
        library,
        """
        found = locate()
        rows = {int(row[0]): row for row in found["static"]}
        if sys.version_info < (3, 12):
            assert not rows  # 3.11: in the types themselves
            raise SystemExit
        ctypes.pythonapi.PyType_GetDict.restype = ctypes.py_object
        ctypes.pythonapi.PyType_GetDict.argtypes = [ctypes.py_object]
        checked = 0
        for one in [object, *object.__subclasses__(), int, bool, OSError, KeyError]:
            if not one.__flags__ & 1 << 9 and id(one) in rows:
                assert int(rows[id(one)][2]) == id(ctypes.pythonapi.PyType_GetDict(one)), one
                checked += 1
        assert checked > 60
        for one in (object, int, dict, type, BaseException, Exception):
            assert id(one) in rows
        assert int(rows[id(Exception)][3]) != 0
        """,
    )


def test_hidden_kind_and_version(known: Path, library: Path) -> None:
    run(
        known,
        library,
        """
        whole = locate()
        less = locate(hide_kinds=1 << 7)
        gone = {(row[0]) for row in whole["type"]} - {row[0] for row in less["type"]}
        assert gone == {str(id(types.FunctionType))}
        assert not [row for row in less["field"] if row[0] == "7"]
        assert less["version"][0][3] == "failed=80"
        assert less["warning"] in ([], [[""]])
        assert less.roots("modules") == [id(sys.modules)]
        # Attributes of every kind's subclasses are read by way of key tables.
        assert locate(hide_kinds=1 << 3)["type"] == []

        blind = locate(hide_version=1)
        assert blind["status"][0][0] == "0"
        assert blind["version"][0][1] == "minor=0"
        assert "unknown CPython 3." in " ".join(blind["warning"][0])
        assert blind["type"] == blind["field"] == []
        rings = [int(cell) for cell in " ".join(blind["interpreter"][0][4:]).split()]
        assert sum(rings) > 1000
        assert len(blind["thread"]) == 1
        assert id(sys.modules) in [int(row[3]) for row in blind["root"]]
        """,
    )


def test_subinterpreters(python: Path, library: Path) -> None:
    run(
        python,
        library,
        """
        try:
            import _interpreters as module
            make = lambda: (module.create("isolated"), module.create("legacy"))
            counts = (1, 2)
        except ImportError:
            import _xxsubinterpreters as module
            own = sys.version_info >= (3, 12)
            make = lambda: (module.create(isolated=True), module.create(isolated=False))
            counts = (1, 2) if own else (0, 3)
        made = make()
        found = locate()
        assert len(found["interpreter"]) == 3, found["interpreter"]
        own = [row for row in found["interpreter"] if row[2] == "own_lock=1"]
        if known:
            assert len(own) == counts[0], found["interpreter"]
            tables = {row[1] for row in found["root"] if row[0] == "1"}
            assert len(tables) == counts[1]
        for row in found["interpreter"]:
            if row[2] == "own_lock=0":
                rings = [int(cell) for cell in " ".join(row[4:]).split()]
                assert min(rings) >= 0 and sum(rings) > 500, row
        for one in made:
            module.destroy(one)
        assert len(locate()["interpreter"]) == 1
        """,
    )


def test_regions(python: Path, library: Path) -> None:
    run(
        python,
        library,
        """
        import mmap
        shared = mmap.mmap(-1, 1 << 20)
        rows = [tuple(map(int, row)) for row in locate()["region"]]
        for (_, end, _), (start, _, _) in zip(rows, rows[1:]):
            assert end <= start
        inside = lambda a: [flags for start, end, flags in rows if start <= a < end]
        assert inside(id(object()))
        assert inside(id(dict))[0] & 4
        assert inside(id(dict))[0] & 1
        assert not inside(ctypes.addressof(ctypes.c_char.from_buffer(shared)))
        assert not inside(0)
        """,
    )


def test_lies(python: Path, library: Path) -> None:
    """Memory that contradicts itself: an answer or a refusal, never a crash or an endless loop."""
    run(
        python,
        library,
        """
        library = ctypes.CDLL(sys.argv[1])
        answers = collections.Counter()
        for rate in (1 << 20, 1 << 16, 1 << 13, 1 << 10):
            for seed in range(40):
                answers[library.probe_hostile(ctypes.c_uint64(seed), ctypes.c_uint64(rate))] += 1
        assert answers[1] == 0
        assert answers[0] > 20, answers
        assert set(answers) <= {0, -4, -5, -7, -8}, answers
        """,
    )


def test_little_memory(library: Path) -> None:
    run(
        Path(sys.executable),
        library,
        """
        library = ctypes.CDLL(sys.argv[1])
        limits = [4096, *range(1 << 16, 8 << 20, 1 << 17)]
        answers = [library.probe_limited(ctypes.c_uint64(limit)) for limit in limits]
        assert answers[0] == -1
        assert answers[-1] == 0
        assert answers == sorted(answers), answers
        """,
    )


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_tables_are_what_dwarf_says(minor: int) -> None:
    committed = (ROOT / f"engine/locate/layouts_3_{minor}.c").read_text()
    made_from = committed.removeprefix("// CPython ").partition(":")[0]
    for python in PYTHONS.values():
        where = subprocess.run(
            [
                python,
                "-c",
                "import platform, sys; print(platform.python_version(), sys.base_prefix)",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        version, prefix = where.stdout.strip().split(" ", 1)
        for binary in sorted(Path(prefix).glob(f"lib/libpython3.{minor}.so.1.0")):
            if version != made_from:
                continue
            try:
                made = layouts.generate(binary, minor, version)
            except layouts.NoDebugInformation:
                continue
            assert made == committed
            return
    pytest.skip(f"no CPython {made_from} with debug information")
