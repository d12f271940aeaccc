"""What is registered with the interpreter holds objects: the chain begins there and says where."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness

pytestmark = pytest.mark.names

# How it is registered, and what of the interpreter the chain names.
HOOKS = {
    "before fork": ("os.register_at_fork(before=hook)", "before_forkers list [0]"),
    "after fork, parent": (
        "os.register_at_fork(after_in_parent=hook)",
        "after_forkers_parent list [0]",
    ),
    "after fork, child": (
        "os.register_at_fork(after_in_child=hook)",
        "after_forkers_child list [1]",  # threading has one,
    ),
    "codec search": ("codecs.register(hook)", "codec_search_path list [1]"),
    "codec error": ("codecs.register_error('mine', hook)", "codec_error_registry dict [*]"),
    "audit": ("sys.addaudithook(hook)", "audit_hooks list [0]"),
    "atexit": ("atexit.register(hook)", "atexit callback 0: func"),
    "atexit argument": ("atexit.register(id, hook)", "atexit callback 0: args tuple [0]"),
}


@pytest.mark.parametrize("in_process", [False, True], ids=["fork", "in process"])
@pytest.mark.parametrize("name", HOOKS)
def test_hook(tmp_path: Path, name: str, in_process: bool) -> None:
    registration, place = HOOKS[name]
    program = f"""
import atexit, codecs

def make():
    held = Thing()
    return lambda *arguments: held and None

hook = make()
{registration}
del hook
print(chain("__main__.Thing", in_process={in_process}))
"""
    said = harness.run(tmp_path, program)
    line = (tmp_path / "program.py").read_text().split("    return lambda")[0].count("\n") + 1
    function = f"function make.<locals>.<lambda> (program.py:{line})"
    assert said == f"interpreter {place} {function} closure variable held Thing\n"


def test_codec_that_is_cached(tmp_path: Path) -> None:
    """A codec that was found stays in the cache, its functions with it."""
    program = """
import codecs

def search(name):
    if name == "mine":
        held = Thing()
        encode = lambda text, errors="strict": (b"", held and 0)
        return codecs.CodecInfo(encode, None, name=name)

codecs.register(search)
"".encode("mine")
print(chain("__main__.Thing"))
"""
    said = harness.run(tmp_path, program)
    assert said.startswith("interpreter codec_search_cache dict [*] CodecInfo [0] function search.")
    assert said.endswith(" closure variable held Thing\n")
