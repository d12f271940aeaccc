"""``refs`` names all direct references to an object, and none that the question itself holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

pytestmark = pytest.mark.names
SETUP = """
import asyncio, contextvars, ctypes, functools, operator
from mortmain import refs as ask

class Person:
    pass

p1 = Person()
all_people = [Person()]
both = Person()
twice = [both, both]
"""

P1 = "1 reference: __main__.p1"
MEMBER = "1 reference: all_people[0]"
NONE = "0 references"

# Each piece prints one line of the answer.
CASES = {
    "global": ("print(refs(p1))", P1),
    "member": ("print(refs(all_people[0]))", MEMBER),
    "keyword": ("print(refs(obj=p1))", P1),
    "attribute of the module": ("print(mortmain.refs(p1))", P1),
    "another name of the function": ("print(ask(p1))", P1),
    "global and members": ("print(refs(both))", "3 references: __main__.both, twice[0], twice[1]"),
    "starred": ("print(refs(*[p1]))", P1),
    "starred dict": ("print(refs(**{'obj': Person()}))", NONE),
    "new object": ("print(refs(Person()))", NONE),
    "walrus": ("print(refs(q := Person()))", "1 reference: __main__.q"),
    "function": ("def f():\n    print(refs(p1))\nf()", P1),
    "caller's local": ("def f():\n    x = Person()\n    print(refs(x))\nf()", NONE),
    "caller's argument": ("def f(x):\n    print(refs(x))\nf(Person())", NONE),
    "caller's argument of a global": ("def f(x):\n    print(refs(x))\nf(p1)", P1),
    "caller's cell": (
        "def f():\n    x = Person()\n    def g(): return x\n    print(refs(x))\nf()",
        "1 reference: closure variable x of f.<locals>.g",
    ),
    "caller's variables, one of them in a list": (
        "def f():\n    x = Person()\n    y = [x]\n    z = x\n    print(refs(x))\nf()",
        "1 reference: y[0]",
    ),
    "caller's starred arguments": (
        "def f(*args, **kwargs):\n    print(refs(kwargs['a']))\nf(p1, a=Person())",
        "1 reference: kwargs['a']",
    ),
    "caller's caller": (
        "def f(x):\n    print(str(refs(x)).split(' (')[0])\n"
        "def g():\n    y = Person()\n    f(y)\ng()",
        "1 reference: local y of g",
    ),
    "method": (
        "class K:\n    def m(self):\n        print(refs(self))\nK().m()",
        NONE,
    ),
    "class body": ("class K:\n    print(refs(p1))", P1),
    "class body's own name": ("class K:\n    x = Person()\n    print(refs(x))", NONE),
    "partial": (
        "print(functools.partial(refs, p1)())",
        "2 references: __main__.p1, partial.args[0]",
    ),
    "partial without arguments": ("print(functools.partial(refs)(p1))", P1),
    "kept partial": (
        "call = functools.partial(refs, p1)\nprint(call())",
        "2 references: __main__.p1, call.args[0]",
    ),
    "list comprehension": ("print([refs(x) for x in all_people][0])", MEMBER),
    "list comprehension in a function": (
        "def f():\n    print([refs(x) for x in all_people][0])\nf()",
        MEMBER,
    ),
    "generator expression": ("print(next(refs(x) for x in all_people))", MEMBER),
    "generator": ("def g():\n    yield refs(p1)\nprint(next(g()))", P1),
    "generator's local": ("def g():\n    x = Person()\n    yield refs(x)\nprint(next(g()))", NONE),
    # The vector of arguments is the iterator's own: no variable, and no Python object.
    "map": ("print(*map(refs, all_people))", "2 references: all_people[0], 1 unaccounted"),
    "lambda": ("print((lambda: refs(p1))())", P1),
    "loop": (
        "for x in all_people:\n    print(refs(x))\ndel x",
        "2 references: __main__.x, all_people[0]",
    ),
    "loop in a function": (
        "def f():\n    for x in all_people:\n        print(refs(x))\nf()",
        MEMBER,
    ),
    "thread": ("t = threading.Thread(target=lambda: print(refs(p1)))\nt.start()\nt.join()", P1),
    "thread's argument": (
        "def f(x):\n    print(refs(x).unaccounted_count)\n"
        "t = threading.Thread(target=f, args=(Person(),))\nt.start()\nt.join()",
        "0",
    ),
    "async function": ("async def f():\n    print(refs(p1))\nasyncio.run(f())", P1),
    "async function's local": (
        "async def f():\n    x = Person()\n    await asyncio.sleep(0)\n    print(refs(x))\n"
        "asyncio.run(f())",
        NONE,
    ),
    "context": ("contextvars.copy_context().run(lambda: print(refs(p1)))", P1),
    "exec": ("exec('print(refs(p1))')", P1),
    "eval": ("print(eval('refs(p1)'))", P1),
    "decorator": ("@refs\ndef f(): pass\nprint(f)", NONE),
    # The list that is sorted, and the copy whose items are hidden meanwhile.
    "sorted by key": (
        "sorted([p1], key=lambda x: print(refs(p1)))",
        "3 references: __main__.p1, list[0], 1 unaccounted",
    ),
    "inside a property": (
        "class K:\n    @property\n    def p(self):\n        return refs(p1)\nprint(K().p)",
        P1,
    ),
    "inside an except block": (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    print(refs(p1))",
        P1,
    ),
    "inside a with block": (
        "import contextlib\nwith contextlib.nullcontext(p1):\n    print(refs(p1))",
        "2 references: __main__.p1, nullcontext.enter_result",
    ),
    "weakref.ref": ("w = weakref.ref(p1)\nprint(refs(p1))", P1),
    "weakref.ref with callback": ("w = weakref.ref(p1, print)\nprint(refs(p1))", P1),
    "weakref.proxy": ("w = weakref.proxy(p1)\nprint(refs(p1))", P1),
    "WeakValueDictionary": ("w = weakref.WeakValueDictionary(k=p1)\nprint(refs(p1))", P1),
    "WeakKeyDictionary": ("w = weakref.WeakKeyDictionary({p1: 1})\nprint(refs(p1))", P1),
    "WeakSet": ("w = weakref.WeakSet([p1])\nprint(refs(p1))", P1),
    "WeakMethod": (
        "class K:\n    def m(self): pass\nk = K()\nw = weakref.WeakMethod(k.m)\nprint(refs(k))",
        "1 reference: __main__.k",
    ),
    "finalize": ("w = weakref.finalize(p1, print)\nprint(refs(p1))", P1),
    "only weak ones": (
        "def f():\n    x = Person()\n    w = weakref.ref(x)\n    s = weakref.WeakSet([x])\n"
        "    found = refs(x)\n    print(found.reference_count, found.weak_count)\nf()",
        "0 2",
    ),
    "held by C": (
        "ctypes.pythonapi.Py_IncRef(ctypes.py_object(p1))\nprint(refs(p1))",
        "2 references: __main__.p1, 1 unaccounted",
    ),
    "held by C alone": (
        "def f():\n    x = Person()\n    ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))\n"
        "    print(refs(x))\nf()",
        "1 reference: 1 unaccounted",
    ),
    "held by C three times": (
        "for _ in range(3):\n    ctypes.pythonapi.Py_IncRef(ctypes.py_object(p1))\nprint(refs(p1))",
        "4 references: __main__.p1, 3 unaccounted",
    ),
    "py_object": (
        "held = ctypes.py_object(Person())\nprint(refs(held.value))",
        "1 reference: held._objects",
    ),
    "another function's running frame": (
        "def g():\n    y = p1\n    print(str(f(y)).split(' (')[0])\n"
        "def f(x):\n    return refs(x)\ng()",
        "2 references: __main__.p1, local y of g",
    ),
    "asked often": ("for _ in range(9):\n    refs(p1)\nprint(refs(p1))", P1),
    "asked about the answer": ("r = refs(p1)\nprint(refs(r))", "1 reference: __main__.r"),
    "why": ("print(str(why(p1)).splitlines()[0])", P1),
    "why in a function": (
        "def f(x):\n    print(str(why(x)).splitlines()[0])\nf(all_people[0])",
        MEMBER,
    ),
    "why by keyword": ("print(str(why(obj=p1)).splitlines()[0])", P1),
}  # fmt: skip


# Where it is wrong, and why.
NOT_YET = {
    "partial without arguments": "the evaluation stack of the caller is not read",
    "class body's own name": "the namespace of a class body that runs is told as a dict",
}
if sys.version_info < (3, 12):
    NOT_YET["starred"] = NOT_YET["starred dict"] = "3.11 keeps starred arguments through the call"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One process for all: each piece runs in a module of its own that ends with it."""
    folder = tmp_path_factory.mktemp("refs")
    driver = f"""
import contextlib, traceback
for name, piece in {[(name, SETUP + piece) for name, (piece, _) in CASES.items()]!r}:
    child = os.fork()
    if child == 0:
        main = sys.modules["__main__"]
        with open("answer-" + name.replace(" ", "-"), "w") as file:
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                try:
                    exec(compile(piece, "piece.py", "exec"), vars(main))
                except BaseException:
                    traceback.print_exc()
        os._exit(0)
    os.waitpid(child, 0)
"""
    harness.run(folder, driver)
    return {n: (folder / f"answer-{n.replace(' ', '-')}").read_text().strip() for n in CASES}


def names() -> list[Any]:
    """What is known to be wrong is expected to fail."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=NOT_YET[name]))
        if name in NOT_YET
        else name
        for name in CASES
    ]


@pytest.mark.parametrize("name", names())
def test_refs(answers: dict[str, str], name: str) -> None:
    assert answers[name] == CASES[name][1]
