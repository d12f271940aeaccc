"""The oracle itself: what it lets pass, what it does not, and how it makes programs small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from compare import ORDER, WEAK_TO_TRASH, Verdict, compare, split_logs
from op_programs import generate
from shrink import shrink
from sides import PROBE, describe_python, run_logs, run_python

RINGS = ["n 0 1 0 0", "G 2"]
ACTIONS = ["n 0 1 2 3", "G 2"]
EARLIER = ["<2", ">2", "<2"]


def judge(
    theirs: list[str],
    ours: list[str],
    *,
    program: list[str] = RINGS,
    in_place: bool = True,
    second: bool = True,
) -> Verdict:
    """Compares two logs as those of the default build, unless told otherwise."""
    return compare(program, ours, theirs, in_place=in_place, second=second)


def test_equal_logs() -> None:
    """Notes are no difference, and are counted."""
    verdict = judge(["<2", "~2", "~4", "fin 0 00000000 0", ">2"], ["<2", "fin 0 00000000 0", ">2"])
    assert verdict == Verdict(True, True, frozenset("24"), "")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (["fin 0 00000000 0"], ["fin 0 00000000 1"]),
        (["cb 0 00000000"], []),
        ([], ["cb 0 00000000"]),
        (["dead 0 00000000"], ["dead 0 00000000", "FAULT anything"]),
        (["p 0:1 - 00000000 garbage 0"], ["p 0:2 - 00000000 garbage 0"]),
        # Two hooks change places, but not in a collection; and in the first one of all.
        (["dead 0 00000000", "dead 1 00000000"], ["dead 1 00000000", "dead 0 00000000"]),
        (["<2", "fin 0 0 0", "fin 1 0 0", ">2"], ["<2", "fin 1 0 0", "fin 0 0 0", ">2"]),
        # A hook comes twice here and never there.
        ([*EARLIER, "fin 0 0 0", "fin 1 0 0", ">2"], [*EARLIER, "fin 1 0 0", "fin 1 0 0", ">2"]),
        # A weak reference made to trash may differ in that collection alone, and no other may.
        (["<2", "~3 1", "dead 0 01000000", ">2"], ["<2", "dead 0 00100000", ">2"]),
        (["<2", "~3 1", ">2", "dead 0 01000000"], ["<2", ">2", "dead 0 00000000"]),
    ],
)
def test_wrong(theirs: list[str], ours: list[str]) -> None:
    """What no rule explains is wrong, in both builds."""
    assert judge(theirs, ours).is_wrong
    assert judge(theirs, ours, in_place=False, second=False).is_wrong


def test_order_among_survivors() -> None:
    """Another order in a later collection passes where marking is in place, and nowhere else."""
    theirs = [*EARLIER, "fin 0 0 0", "fin 1 0 0", ">2"]
    ours = [*EARLIER, "fin 1 0 0", "fin 0 0 0", ">2"]
    assert judge(theirs, ours) == Verdict(False, True, frozenset(ORDER), "")
    assert judge(theirs, ours, in_place=False).is_wrong


def test_order_with_weak_references() -> None:
    """A weak reference that dies in the midst of a collection shows the order, and no more."""
    theirs = [*EARLIER, "dead 0 10000000", "dead 1 00000000", ">2"]
    ours = [*EARLIER, "dead 1 10000000", "dead 0 00000000", ">2"]
    assert judge(theirs, ours) == Verdict(False, True, frozenset(ORDER), "")
    assert judge([*theirs, "p 10000000"], [*ours, "p 00000000"]).is_wrong


def test_order_that_ends_an_owner() -> None:
    """A callback may be missing where another order let its owner die before."""
    theirs = [*EARLIER, "cb 2 00000000 6", "cb 1 00000000 -1", "dead 6 00000000", ">2"]
    ours = [*EARLIER, "cb 1 00000000 -1", "dead 6 00000000", ">2"]
    assert not judge(theirs, ours, program=ACTIONS).is_wrong
    assert not judge(ours, theirs, program=ACTIONS).is_wrong
    assert judge([line.replace(" 6", " 7", 1) for line in theirs], ours, program=ACTIONS).is_wrong


def test_order_that_matters() -> None:
    """After another order, other things happen only where a hook acts."""
    theirs = [*EARLIER, "fin 0 0 0", "fin 1 0 0", ">2", "dead 0 00000000"]
    ours = [*EARLIER, "fin 1 0 0", "fin 0 0 0", ">2", "dead 1 00000000"]
    assert judge(theirs, ours).is_wrong
    assert judge(theirs, ours, program=ACTIONS) == Verdict(False, False, frozenset(ORDER), "")


def test_order_of_garbage() -> None:
    """It matters to who takes from it, and is no excuse where other objects are kept."""
    theirs = [*EARLIER, "kept 0 1", ">2", "p 0:1"]
    ours = [*EARLIER, "kept 1 0", ">2", "p 1:1"]
    assert judge(theirs, ours).is_wrong
    assert not judge(theirs, ours, program=[*RINGS, "T 0"]).is_wrong
    assert judge(theirs, ours, program=[*RINGS, "T 0"], in_place=False).is_wrong
    assert judge(theirs, [*EARLIER, "kept 1", ">2", "p 1:1"], program=[*RINGS, "T 0"]).is_wrong
    assert judge(theirs[2:], ours[2:], program=[*RINGS, "T 0"]).is_wrong


def test_weak_reference_to_trash() -> None:
    """It may differ where one side empties it and the other does not."""
    theirs = ["<2", "~3 1", "fin 0 00000000 0", "dead 0 01000000", ">2"]
    ours = ["<2", "fin 0 00000000 0", "dead 0 00000000", ">2"]
    assert judge(theirs, ours) == Verdict(True, True, frozenset(WEAK_TO_TRASH), "")
    assert judge(theirs, ours, second=False).is_wrong


def test_programs_are_the_same_each_time() -> None:
    """A seed is a program; another seed is another."""
    assert generate(7) == generate(7)
    assert len({tuple(generate(seed)) for seed in range(50)}) == 50


def test_shrink() -> None:
    """What is left is what the failure needs, in order."""
    lines = [f"d {number}" for number in range(60)]
    needed = ["d 3", "d 31", "d 32", "d 59"]

    def fails(candidates: list[list[str]]) -> list[bool]:
        return [set(needed) <= set(candidate) for candidate in candidates]

    assert shrink(lines, fails) == needed


def test_cpython_side() -> None:
    """The log of a ring on this Python: callbacks, then finalizers, then deaths."""
    python = Path(sys.executable)
    if describe_python(python) is None:
        pytest.skip("no model of this heap: 3.11 to 3.13 are")
    ring = ["n 0 1 0 0", "s 0 0 0", "w 2 0", "W 0 -1 0 0", "W 0 0 0 0", "p", "d 0", "G 2"]
    assert run_python(python, {"ring": ring})["ring"] == [
        "p 0:2 - - - - - - - 00100000 garbage 0",
        "<2",
        "cb 0 00000000 -1",
        "fin 0 00000000 0",
        "dead 0 00000000",
        ">2",
    ]
    assert "~3 3" in run_python(python, {"probe": PROBE})["probe"]


def test_a_side_that_crashes_is_named(tmp_path: Path) -> None:
    """Other programs of the batch keep their logs."""
    program = tmp_path / "side.py"
    program.write_text(
        "import sys\n"
        "for line in sys.stdin:\n"
        "    print(line, end='', flush=True)\n"
        "    if line == 'd 3\\n':\n"
        "        sys.exit('an error')\n"
    )

    batch = {str(number): [f"d {number}"] for number in range(6)}
    logs = run_logs([sys.executable, str(program)], batch)
    assert logs.pop("3") == ["d 3", "FAULT an error"]
    assert logs == {number: lines for number, lines in batch.items() if number != "3"}


def test_split_logs() -> None:
    """Names stand above their logs, empty ones too."""
    assert split_logs("= a\n= b\nfin\n") == {"a": [], "b": ["fin"]}
