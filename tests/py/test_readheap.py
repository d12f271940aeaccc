"""Two readers of .mort files, written from one specification, say the same of every file."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
SOURCES = [
    *sorted((ROOT / "engine/format").glob("*.c")),
    *sorted((ROOT / "engine/base/free").glob("*.c")),
    *(ROOT / "engine/base/os" / name for name in ("load.c", "pages.c")),
    ROOT / "tests/unit/dump_heap.c",
]
READHEAP = [sys.executable, str(ROOT / "tools/readheap.py"), "--dump"]
sys.path.insert(0, str(GOLDEN))

import make_golden  # noqa: E402


@pytest.fixture(scope="session")
def dump_heap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    output = tmp_path_factory.mktemp("format") / "dump_heap"
    flags = ["-std=c11", "-D_GNU_SOURCE=", "-O1", "-g", "-w", f"-I{ROOT / 'engine'}"]
    subprocess.run([compiler, *flags, "-o", output, *SOURCES], check=True)
    return output


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


def assert_same(dump_heap: Path, path: Path) -> bool:
    """Both readers print the same, or both refuse. Answers whether the file is one."""
    engine = run([str(dump_heap), str(path)])
    second = run([*READHEAP, str(path)])
    assert engine.returncode in (0, 1), engine.stderr
    reasons = engine.stderr + second.stderr
    assert engine.returncode == second.returncode, reasons
    assert engine.stdout == second.stdout
    return engine.returncode == 0


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.mort")), ids=lambda path: path.stem)
def test_golden(dump_heap: Path, path: Path) -> None:
    assert assert_same(dump_heap, path)


def test_golden_files_are_what_the_specification_says() -> None:
    assert make_golden.main(["--check"]) == 0


def repaired(data: bytes) -> bytes:
    """With the checksum that the rest asks for."""
    kept = data[:-24] + data[-16:]
    return data[:-24] + make_golden.checksum(kept).to_bytes(8, "little") + data[-16:]


def test_damaged_files_are_judged_alike(dump_heap: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    sources = [path.read_bytes() for path in sorted(GOLDEN.glob("*.mort"))]
    accepted = 0
    for _ in range(60):
        data = bytearray(chance.choice(sources))
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(32, len(data))
            data[at] = chance.choice((chance.randrange(256), data[at] ^ 1 << chance.randrange(8)))
        path = tmp_path / "damaged.mort"
        path.write_bytes(repaired(bytes(data)))
        accepted += assert_same(dump_heap, path)
    assert 0 < accepted < 60


def random_heap(seed: int) -> bytes:
    """A heap of some hundred objects in a few blocks, written by the specification."""
    chance = random.Random(seed)
    golden, count = make_golden, chance.randint(1, 200)
    ids = sorted(chance.sample(range(3 << 17), count), key=lambda _: chance.random())
    records, previous, references = [], 0, 0
    for each in ids:
        forms, target = [], each
        for _ in range(chance.randint(0, 8)):
            other = chance.choice(ids)
            naming = chance.choice((0, 1, 2, 3, 5, 6))
            number = chance.getrandbits(chance.randint(1, 31)) if naming in (3, 6) else None
            if chance.random() < 0.3:
                number = chance.getrandbits(20) if naming == 0 else number
                flags = chance.randrange(16) << 4
                forms.append(golden.extended(other - target, naming, flags, number))
            else:
                forms.append(golden.reference(other - target, naming, number))
            target = other
        references += len(forms)
        sizes = [chance.getrandbits(chance.randint(1, 64)) for _ in range(2)]
        count_code = chance.getrandbits(40)
        flags = chance.choice((3, 3 | 8, 3 | 16, 3 | 64))
        records.append(
            golden.record(each - previous, 0, count_code, flags, *forms, golden.END, sizes=sizes)
        )
        previous = each
    blocks = golden.numbers(*(chance.sample(range(1 << 30), 3)))
    streams = [("BLKS", blocks), *golden.pieces("OBJS", b"".join(records), chance.randint(1, 99))]
    return golden.mort([*streams, golden.OBJECT_TYPE], len(ids), references)


@pytest.mark.parametrize("seed", range(8))
def test_random_heaps(dump_heap: Path, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "heap.mort"
    path.write_bytes(random_heap(seed))
    assert assert_same(dump_heap, path)


def test_cut_off(dump_heap: Path, tmp_path: Path) -> None:
    data = (GOLDEN / "every_naming.mort").read_bytes()
    path = tmp_path / "cut.mort"
    for count in range(0, len(data), 24):
        path.write_bytes(data[:count])
        assert not assert_same(dump_heap, path)
