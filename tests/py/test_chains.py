"""What holds an object is told as one chain, from something with a name to the object."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

pytestmark = pytest.mark.names
STORED = """
def f():
    x = Thing()
    raise ValueError("no")

def g():
    f()

def keep():
    try:
        g()
    except ValueError as error:
        return error
"""
# What every chain through such an exception ends in; `tell` puts the line in place of its number.
FRAME = 'ValueError traceback traceback frame frame of f <raise ValueError("no")> local x Thing'
LAST = "last_exc" if sys.version_info >= (3, 12) else "last_value"


def tell(folder: Path, program: str) -> str:
    """The best chain to the only Thing, after a program."""
    harness.run(folder, program + "\ntake()\n")
    return told(folder)


def told(folder: Path) -> str:
    """The best chain, each place in the program replaced by the line that stands there."""

    def line(match: re.Match[str]) -> str:
        return "<" + (folder / match[1]).read_text().splitlines()[int(match[2]) - 1].strip() + ">"

    chain = str(harness.ask(folder, "__main__.Thing")[0])
    return re.sub(r"\(((?:program|script)\.py):(\d+)\)", line, chain)


# --- exceptions ---

EXCEPTIONS = {
    "stored": ("last = keep()", ".last"),
    "in a list": ("errors = [None, keep()]", ".errors list [1]"),
    "in a class": ("class Task:\n    failure = keep()", ".Task class Task .failure"),
    "in a group": (
        "last = ExceptionGroup('several', [keep()])",
        ".last ExceptionGroup .exceptions",
    ),
    "of a future": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(1) as pool:\n    future = pool.submit(g)",
        ".future finished Future ._exception",
    ),
    "cause": (
        "try:\n    raise KeyError('again') from keep()\n"
        "except KeyError as error:\n    last = error",
        ".last KeyError .__cause__",
    ),
    "context": (
        "def again():\n    try:\n        g()\n    except ValueError:\n        raise KeyError()\n"
        "try:\n    again()\nexcept KeyError as error:\n    last = error",
        ".last KeyError .__context__",
    ),
}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions(tmp_path: Path, name: str) -> None:
    program, holder = EXCEPTIONS[name]
    said = tell(tmp_path, STORED + program).replace(" tuple [0]", "").replace("[0]", "")
    assert said == f"module __main__ {holder} {FRAME}"


def test_stored_exception_is_one_holder(tmp_path: Path) -> None:
    harness.run(tmp_path, STORED + "last = keep()\ntake()")
    chains = harness.ask(tmp_path, "__main__.Thing")
    assert [chain.kind for chain in chains] == ["stored exception"]


def test_exception_being_handled(tmp_path: Path) -> None:
    program = STORED + "try:\n    g()\nexcept ValueError:\n    take()\n    os._exit(0)\n"
    assert tell(tmp_path, program).endswith(FRAME)


def test_uncaught_exception_in_a_console(tmp_path: Path) -> None:
    program = """
import code
console = code.InteractiveConsole(globals())
console.push("g()")
console.push("take()")
"""
    said = tell(tmp_path, STORED + program)
    assert re.sub("last_(value|exc) ", "LAST ", said) == f"module sys .LAST {FRAME}"


def test_uncaught_exception_of_a_script(tmp_path: Path) -> None:
    """``python -i`` runs a script to its uncaught exception, and then reads commands."""
    script = tmp_path / "script.py"
    script.write_text(harness.PRELUDE + STORED + "\ng()\n")
    done = subprocess.run(
        [sys.executable, "-i", script],
        cwd=tmp_path,
        input="take()\n",
        env={**os.environ, "PYTHON_BASIC_REPL": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ValueError: no" in done.stderr
    assert told(tmp_path) == f"module sys .{LAST} {FRAME}"


# --- functions, classes, modules ---

PLACES = {
    "closure": (
        "def make():\n    v = Thing()\n    return lambda: v\nf = make()",
        ".f function make.<locals>.<lambda> <return lambda: v> closure variable v",
    ),
    "default": (
        "def f(a, b=Thing()): pass",
        ".f function f <def f(a, b=Thing()): pass> default of b",
    ),
    "keyword default": (
        "def f(*, a=1, b=Thing()): pass",
        ".f function f <def f(*, a=1, b=Thing()): pass> default of b",
    ),
    "function attribute": (
        "def f(): pass\nf.cache = Thing()",
        ".f function f <def f(): pass> .cache",
    ),
    "default of a method": (
        "class K:\n    def m(self, a=Thing()): pass",
        ".K class K .m function K.m <def m(self, a=Thing()): pass> default of a",
    ),
    "default behind a decorator": (
        "import functools\ndef wrapped(f):\n    @functools.wraps(f)\n    def g(): f()\n"
        "    return g\n@wrapped\ndef f(a=Thing()): pass",
        ".f function f <@functools.wraps(f)> .__wrapped__ function f <@wrapped> default of a",
    ),
    "class attribute": ("class K:\n    seen = Thing()", ".K class K .seen"),
    "attribute of a base": (
        "class Base:\n    seen = Thing()\nclass K(Base): pass\ndel Base",
        ".K class K .__base__ class Base .seen",
    ),
    "attribute of a metaclass": (
        "class Meta(type):\n    seen = Thing()\nclass K(metaclass=Meta): pass",
        ".Meta class Meta .seen",
    ),
    "module global": ("x = Thing()", ".x"),
    "instance of an instance": (
        "o = types.SimpleNamespace(a=types.SimpleNamespace()); o.a.b = Thing()",
        ".o SimpleNamespace .a SimpleNamespace .b",
    ),
    "generator": (
        "def g():\n    x = Thing()\n    yield\nit = g(); next(it)",
        ".it generator g local x",
    ),
    "generator's argument": (
        "def g(x):\n    yield\nit = g(Thing())",
        ".it generator g local x",
    ),
    "generator's cell": (
        "def g(x):\n    yield lambda: x\nit = g(Thing()); next(it)",
        ".it generator g local x",
    ),
    "bound method": (
        "class K:\n    def m(self): pass\nk = K(); k.thing = Thing(); call = k.m; del k",
        ".call method .__self__ K .thing",
    ),
    "lru_cache on a method": (
        "import functools\nclass K:\n    @functools.lru_cache\n    def m(self): return 1\n"
        "k = K(); k.thing = Thing(); k.m(); del k",
        ".K class K .m _lru_cache_wrapper {cache} K .thing",
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_places(tmp_path: Path, name: str) -> None:
    program, expected = PLACES[name]
    said = re.sub(r"(_lru_cache_wrapper ).*( K .thing)", r"\1{cache}\2", tell(tmp_path, program))
    assert said == f"module __main__ {expected} Thing"


def test_other_modules_global(tmp_path: Path) -> None:
    program = "m = types.ModuleType('m')\nsys.modules['m'] = m\nm.x = Thing()\ndel m"
    assert tell(tmp_path, program) == "module m .x Thing"


def test_atexit(tmp_path: Path) -> None:
    said = tell(tmp_path, "import atexit\natexit.register(print, Thing())")
    assert said == "interpreter atexit callback 0: args tuple [0] Thing"


def test_generator_that_waits_for_another(tmp_path: Path) -> None:
    program = """
def inner():
    x = Thing()
    yield
def outer():
    yield from inner()
it = outer()
next(it)
"""
    said = tell(tmp_path, program)
    assert said == "module __main__ .it generator outer temporary generator inner local x Thing"


# --- running ---


def test_asyncio_task(tmp_path: Path) -> None:
    program = """
import asyncio
async def work(thing):
    await asyncio.sleep(0)
    mine = Thing()
    del thing
    await asyncio.sleep(1000)
async def main():
    task = asyncio.create_task(work(None))
    for _ in range(3):
        await asyncio.sleep(0)
    take()
    os._exit(0)
asyncio.run(main())
"""
    harness.run(tmp_path, program)
    chain = harness.ask(tmp_path, "__main__.Thing")[0]
    assert str(chain).endswith("coroutine work local mine Thing"), chain
    assert str(chain).startswith("running frame of "), chain


def test_locals_of_two_threads(tmp_path: Path) -> None:
    program = """
class First: pass
class Second: pass
ready = threading.Barrier(3)
stop = threading.Event()
def one():
    held = First()
    ready.wait()
    stop.wait()
def two(held):
    ready.wait()
    stop.wait()
threads = [threading.Thread(target=one, daemon=True)]
threads.append(threading.Thread(target=lambda: two(Second()), daemon=True))
for each in threads:
    each.start()
ready.wait()
take()
stop.set()
"""
    harness.run(tmp_path, program)
    for name, function in (("First", "one"), ("Second", "two")):
        (chain,) = harness.ask(tmp_path, f"__main__.{name}")
        assert chain.kind == "running frame's local"
        assert chain.objects[0].startswith(f"running frame of {function} (")
        assert (chain.edges, chain.objects[1]) == (("local held",), name)


def test_recursion(tmp_path: Path) -> None:
    program = """
def f(depth):
    if depth == 31:
        mine = Thing()
    if depth == 50:
        take()
        return
    f(depth + 1)
f(0)
"""
    harness.run(tmp_path, program)
    (chain,) = harness.ask(tmp_path, "__main__.Thing")
    assert (chain.edges, chain.objects[1:]) == (("local mine",), ("Thing",))
    heap = harness.read(tmp_path / harness.TAKEN)
    depths = [frame for _, _, _, _, frame, _ in heap.roots if frame != harness.NONE]
    assert len(set(depths)) > 50


def test_loggers_have_names(tmp_path: Path) -> None:
    """Also those of subclasses; another class's name, in a module of another name, is data."""
    program = """
import logging
class Loud(logging.Logger):
    pass
class Logger:
    def __init__(self, name):
        self.name, self.thing = name, First()
class First: pass
class Second: pass
logging.setLoggerClass(Loud)
logging.getLogger("shop.orders").thing = Second()
mine = Logger("nobody's business")
take()
"""
    harness.run(tmp_path, program)
    (chain,) = harness.ask(tmp_path, "__main__.Second")
    assert chain.objects[-2:] == ("Loud 'shop.orders'", "Second")
    (chain,) = harness.ask(tmp_path, "__main__.First")
    assert chain.objects[-2:] == ("Logger", "First")
    assert b"nobody" not in (tmp_path / harness.TAKEN).read_bytes()
