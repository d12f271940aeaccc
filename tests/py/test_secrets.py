"""Values never leave the process; keys of data only when they are asked for; names do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

# The program makes each canary from two halves, so that no constant of it says one as a whole.
# What is planted comes back as a line: where, and the second half.
PLANT = '''
import argparse, array, collections, contextvars, dataclasses, enum, queue, re, uuid

planted = []

def canary(where):
    """A fresh text that is in no constant, no name and no line of the source."""
    token = uuid.uuid4().hex
    planted.append((where, token))
    return token

def key(where):
    planted.append(("key " + where, uuid.uuid4().hex))
    return planted[-1][1]

planted.append(("argv", sys.argv[1]))
planted.append(("environment", os.environ["CANARY"]))
planted.append(("environment name", next(n for n in os.environ if n.startswith("CANARY_"))))
parser = argparse.ArgumentParser()
parser.add_argument("token")
parsed = parser.parse_args()

table = {key("of a dict"): canary("value of a dict")}
table[key("of an int")] = 5
table[5] = canary("value under a number")
table[(key("in a tuple"),)] = canary("value under a tuple")
table["inner"] = {key("of a nested dict"): {key("nested deeper"): [canary("nested")]}}
ordered = collections.OrderedDict({key("of an OrderedDict"): canary("in an OrderedDict")})
default = collections.defaultdict(list, {key("of a defaultdict"): [canary("in a defaultdict")]})
counted = collections.Counter([key("of a Counter")])
chained = collections.ChainMap({key("of a ChainMap"): canary("in a ChainMap")})
proxied = types.MappingProxyType({key("of a mappingproxy"): canary("in a mappingproxy")})
listed = [canary("list"), canary("list").encode(), bytearray(canary("bytearray").encode())]
listed += [canary("utf-16").encode("utf-16"), memoryview(canary("memoryview").encode())]
listed += [array.array("u", canary("array")), (canary("tuple"),), {canary("set")}]
listed += [frozenset([canary("frozenset")]), collections.deque([canary("deque")])]
listed += [int(canary("int"), 16), "\\u20ac" + canary("wide text"), "\\U0001f600" + canary("wider")]
listed += [sys.intern(canary("interned text")), slice(canary("slice")), range(5)]
listed += [re.compile(canary("pattern")), ValueError(canary("exception's argument"))]
listed += [types.SimpleNamespace(attribute_name=canary("SimpleNamespace"))]
listed += [iter(canary("iterator")), contextvars.ContextVar("context_name", default=canary("var"))]

class Holder:
    class_attribute = canary("class attribute")
    __slots__ = ("slot_name", "__weakref__")

class Plain:
    pass

@dataclasses.dataclass
class Data:
    field_name: str = canary("dataclass default")

class Colour(enum.Enum):
    # An enum looks its members up by value: the value is a key.
    MEMBER_NAME = key("of an enum's members")

holder = Holder()
holder.slot_name = canary("slot")
plain = Plain()
plain.attribute_name = canary("attribute")
shown = Plain()
shown.attribute_name = canary("attribute of a materialised dict")
shown.__dict__
data = Data(canary("dataclass field"))

def documented(default=canary("default"), *, keyword=canary("keyword default")):
    pass

documented.__doc__ = canary("docstring")
documented.__annotations__["default"] = canary("annotation")
documented.function_attribute = canary("function attribute")
sys.modules[__name__].__doc__ = canary("module docstring")
Plain.__doc__ = canary("class docstring")

source = f"def compiled(): return {canary('constant')!r}, {canary('bytes constant').encode()!r}"
exec(source)
del source
partial = __import__("functools").partial(print, canary("partial"), end=canary("partial keyword"))
waiting = queue.Queue()
waiting.put(canary("queue"))

def generator(argument):
    local_name = canary("generator's local")
    yield

suspended = generator(canary("generator's argument"))
next(suspended)

def failing(argument):
    local_name = canary("local of a traceback")
    raise KeyError(canary("exception"))

try:
    failing(canary("argument of a traceback"))
except KeyError as error:
    stored = error

stop = threading.Event()
ready = threading.Event()

def running(argument, **kwargs):
    local_name = canary("local of a thread")
    ready.set()
    stop.wait()

thread = threading.Thread(target=running, args=(canary("thread's argument"),),
                          kwargs={"keyword_name": canary("thread's keyword")},
                          name=canary("thread's name"), daemon=True)
thread.start()
ready.wait()

def take_all(argument, *args, **kwargs):
    local_name = canary("local")
    nested = {key("of a local dict"): {"k": canary("nested in a local")}}
    with open("planted", "w") as file:
        file.writelines(f"{token} {where}\\n" for where, token in planted)
    for number, (door, keys) in enumerate([(False, False), (True, False), (False, True)]):
        mortmain.snapshot(f"{number}.mort", in_process=door, keys=keys)

take_all(canary("argument"), canary("star argument"),
         **{"keyword_name": canary("keyword argument"), key("of kwargs"): canary("kwargs")})
os.environ["NEW"] = canary("environment later")
mortmain.snapshot("3.mort")
with open("planted", "a") as file:
    file.write(planted[-1][1] + " late\\n")
stop.set()
'''
NAMES = [
    *("attribute_name", "slot_name", "class_attribute", "function_attribute", "field_name"),
    *("MEMBER_NAME", "local_name", "argument", "Plain", "Holder", "documented", "compiled"),
    *("generator", "listed", "table"),
]


def forms(token: str) -> list[bytes]:
    """How a text might stand in a file."""
    texts = [token, token[::-1], token.upper()]
    encodings = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    found = [text.encode(encoding) for text in texts for encoding in encodings]
    number = int(token, 16)
    return [*found, *(number.to_bytes(16, order) for order in ("little", "big"))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    names = [f"{number:032x}" for number in (0x1F2E3D4C5B6A798897A6B5C4D3E2F1, 0xA1B2C3D4E5F6)]
    secret, argument = (n.replace("0", "e") for n in names)
    env = {"CANARY": secret, "CANARY_" + secret[::-1]: "1"}
    harness.run(folder, PLANT, argument, env=env)
    return folder


def leaked(folder: Path, name: str) -> set[str]:
    """Where the canaries were that are in a file."""
    raw = (folder / name).read_bytes()
    # A stream is cut into chunks: without their frames no canary hides in a seam.
    streams = b"\0".join(harness.read(folder / name).frame.streams.values())
    result = set()
    for line in (folder / "planted").read_text().splitlines():
        token, where = line.split(" ", 1)
        if token.startswith("CANARY_"):
            token = token.removeprefix("CANARY_")
        if any(form in raw or form in streams for form in forms(token)):
            result.add(where)
    return result


@pytest.mark.parametrize("name", ["0.mort", "1.mort", "3.mort"])
def test_nothing_leaks(files: Path, name: str) -> None:
    assert len((files / "planted").read_text().splitlines()) > 70
    assert leaked(files, name) == set()


def test_keys_when_asked_for(files: Path) -> None:
    planted = {line.split(" ", 1)[1] for line in (files / "planted").read_text().splitlines()}
    keys = {where for where in planted if where.startswith("key ")}
    found = leaked(files, "2.mort")
    assert found - {"environment name"} <= keys
    # Only a text can be a key's text; a tuple has none.
    assert keys - found == {"key in a tuple"}


def test_names_are_kept(files: Path) -> None:
    texts = {text for _, text in harness.read(files / "0.mort").texts}
    assert set(NAMES) - texts == set()


def test_long_keys_are_cut(tmp_path: Path) -> None:
    program = """
table = {"a" * 100 + "b" * 20 + "c" * 20: Thing(), "\\u00e9" * 119 + "fg": 2, "h" * 120: 3}
take(keys=True)
"""
    harness.run(tmp_path, program)
    texts = {text for _, text in harness.read(tmp_path / harness.TAKEN).texts}
    assert "h" * 120 in texts
    assert "a" * 100 + "b" * 20 + "…" in texts or "a" * 100 + "b" * 19 + "…" in texts
    assert next(text for text in texts if "é" * 100 in text).endswith("…")
    assert not [text for text in texts if "bbc" in text or text.endswith("éfg")]


def test_the_live_process_may_show_keys(tmp_path: Path) -> None:
    program = "table = {'secret': Thing()}\nprint(refs(table['secret']))"
    assert harness.run(tmp_path, program) == "1 reference: table['secret']\n"
