"""Heaps of unusual shape: very long, very wide, very deep, frozen, busy, half dead."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

LINKED = """
import resource
class Node:
    __slots__ = ("next", "last")

head = node = Node()
for _ in range({count}):
    node.next = Node()
    node = node.next
node.last = Thing()
node = None
# Recursion over such a list would need more than this, long before its end.
thread = threading.current_thread()
begin = time.monotonic()
heap = take(in_process={in_process})
told = heap.why("__main__.Thing")
names = [type(head.next).__name__]
path = json.loads(told.json())["chains"][0]
assert path["steps_left_out"] > {count} - 100, path["steps_left_out"]
assert len(path["path"]) < 100
assert [step["object"] for step in path["path"][-2:]] == ["Node", "Thing"]
assert path["path"][0]["object"] == "module __main__"
assert len(str(told)) < 10_000
count = next(each for each in heap.types() if each.name == "__main__.Node").object_count
assert count == {count} + 1, count
sys.stdout.write(f"{{time.monotonic() - begin:.1f}}")
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("in_process", [False, True])
def test_linked_list(tmp_path: Path, in_process: bool) -> None:
    seconds = harness.run(tmp_path, LINKED.format(count=200_000, in_process=in_process))
    assert float(seconds) < 30


@pytest.mark.slow
def test_linked_list_of_ten_millions(tmp_path: Path) -> None:
    program = LINKED.format(count=10_000_000, in_process=False)
    seconds = harness.run(tmp_path, program, timeout=500)
    assert float(seconds) < 200
    (tmp_path / harness.TAKEN).unlink()


def test_deep_nesting(tmp_path: Path) -> None:
    """Tuples, lists, dicts and closures in one another."""
    program = """
def bury(depth, wrap):
    inner = (Thing(),)
    for _ in range(depth):
        inner = wrap(inner)
    return inner

def closure(inner):
    return lambda: inner

tuples = bury(100_000, lambda inner: (inner,))
lists = bury(100_000, lambda inner: [inner])
dicts = bury(30_000, lambda inner: {"k": inner})
cells = bury(30_000, closure)
errors = bury(1000, lambda inner: ValueError(inner))
answer = json.loads(take().why("__main__.Thing").json())
assert (answer["objects"], answer["reference_count"]) == (5, 5)
assert answer["waiting_for_gc"] == 0
sys.stdout.write("done")
sys.stdout.flush()
os._exit(0)
"""
    assert harness.run(tmp_path, program) == "done"


def test_wide_containers(tmp_path: Path) -> None:
    program = """
wide = {number: None for number in range(1_000_000)}
wide["here"] = Thing()
many = set(range(1_000_000))
class Member: pass
many.add(Member())
class Holes: pass
for number in range(0, 1_000_000, 2):
    del wide[number]
listed = [None] * 1_000_000
listed[999_999] = Holes()
heap = take(keys=True)
for name, edge in (("Thing", "['here']"), ("Member", " member"), ("Holes", "[999999]")):
    path = json.loads(heap.why(f"__main__.{name}").json())["chains"][0]["path"]
    assert [step["edge"] for step in path[1:]] == [edge, None], path
entries = {step["object"]: step["entries"] for step in path}
assert entries["list"] == 1_000_000, entries
path = json.loads(heap.why("__main__.Thing").json())["chains"][0]["path"]
assert path[1]["entries"] == 500_001, path[1]
"""
    harness.run(tmp_path, program)


def test_frozen_objects(tmp_path: Path) -> None:
    program = """
early = [Thing()]
gc.freeze()
class Late: pass
late = [Late()]
gc.disable()
assert gc.get_freeze_count() > 0
print(chain("__main__.Thing"), "/", chain("__main__.Late"))
gc.unfreeze()
print(chain("__main__.Thing"), "/", refs(early[0]))
"""
    assert harness.run(tmp_path, program) == (
        "module __main__ .early list [0] Thing / module __main__ .late list [0] Late\n"
        "module __main__ .early list [0] Thing / 1 reference: early[0]\n"
    )


def test_frozen_before_a_fork(tmp_path: Path) -> None:
    """As servers do it that fork their workers."""
    program = """
shared = [Thing()]
gc.disable()
gc.collect()
gc.freeze()
child = os.fork()
if child == 0:
    gc.enable()
    print(chain("__main__.Thing"), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    assert harness.run(tmp_path, program) == "module __main__ .shared list [0] Thing\n"


def test_inside_a_collection(tmp_path: Path) -> None:
    """A callback and a finalizer run while the lists are taken apart: one clear error."""
    program = """
said = []
def attempt(where):
    for ask in (lambda: _door.snapshot("a.mort"), lambda: _door.snapshot("b.mort", in_process=True),
                lambda: refs(said), lambda: why(said)):
        try:
            ask()
        except mortmain.MortmainError as error:
            said.append((where, str(error)))
        else:
            said.append((where, "it worked"))

class Cycle:
    def __init__(self):
        self.me = self
    def __del__(self):
        attempt("finalizer")

gc.callbacks.append(lambda phase, info: attempt(phase))
Cycle()
gc.collect()
gc.callbacks.clear()
where = {place: {text for at, text in said if at == place} for place, _ in said}
assert list(where) == ["start", "finalizer", "stop"], list(where)
for place, texts in where.items():
    for text in texts:
        assert "\\n" not in text and "collect" in text, (place, text)
assert not os.path.exists("a.mort") and not os.path.exists("b.mort")
assert not [name for name in os.listdir() if name.startswith(".")]
take()
assert str(refs(said)) == "1 reference: __main__.said", refs(said)
"""
    harness.run(tmp_path, program)


def test_inside_a_finalizer_that_no_collection_called(tmp_path: Path) -> None:
    program = """
class Dying:
    def __del__(self):
        self.thing = Thing()
        take()
        print("taken")
dying = Dying()
del dying
"""
    assert harness.run(tmp_path, program) == "taken\n"
    assert harness.ask(tmp_path, "__main__.Thing")


def test_busy_threads(tmp_path: Path) -> None:
    program = """
stop = threading.Event()
class Mine: pass

def work(number):
    held = Mine()
    while not stop.is_set():
        table = {i: [i, str(i)] for i in range(50)}
        exec(f"def f{number}(): return {number}", table)
        type("Made", (), {"x": table})

sys.setswitchinterval(0.0002)
threads = [threading.Thread(target=work, args=(i,)) for i in range(50)]
for each in threads:
    each.start()
for number in range(6):
    taken = _door.snapshot(f"{number}.mort", in_process=number % 2 == 0)
    assert taken["unreadable"] == 0 and taken["retries"] == 0, taken
    assert taken["door"] == ("fork" if number % 2 else "in process"), taken
stop.set()
for each in threads:
    each.join()
for number in range(6):
    heap = mortmain.Heap.open(f"{number}.mort")
    found = json.loads(heap.why("__main__.Mine").json())
    locals_ = sum(r["count"] for r in found["references"] if r["kind"] == "running frame's local")
    assert locals_ == found["objects"] == 50, (locals_, found["objects"])
"""
    harness.run(tmp_path, program, timeout=200)


def test_subinterpreters(tmp_path: Path) -> None:
    program = """
try:
    import _interpreters as module
    made = [module.create("isolated"), module.create("legacy")]
    execute = module.exec
except ImportError:
    import _xxsubinterpreters as module
    made = [module.create(), module.create(isolated=False)]
    execute = module.run_string
kept = Thing()
for each in made:
    execute(each, "class Foreign: pass\\nforeign = [Foreign() for _ in range(10)]")
for in_process in (False, True):
    taken = _door.snapshot("a.mort", force=True, in_process=in_process)
    assert taken["unreadable"] == 0 and taken["warning"] == "", taken
    said = best(mortmain.Heap.open("a.mort").why("__main__.Thing"))
    assert said == "module __main__ .kept Thing", said
assert str(refs(kept)) == "1 reference: __main__.kept", refs(kept)
for each in made:
    module.destroy(each)
take()
"""
    harness.run(tmp_path, program)


def test_child_of_a_fork_and_a_thread_that_forked(tmp_path: Path) -> None:
    program = """
kept = Thing()
def work():
    child = os.fork()
    if child == 0:
        print(chain("__main__.Thing"), refs(kept), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
import warnings
warnings.simplefilter("ignore")
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    said = "module __main__ .kept Thing 1 reference: __main__.kept\n"
    assert harness.run(tmp_path, program) == said
