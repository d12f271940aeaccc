"""Compares every size of a snapshot of this process with what sys.getsizeof says.

Usage: sizes.py SNAPSHOT READHEAP
Prints JSON: how many were compared, and differences by type for sizes that claim to be exact.
"""

from __future__ import annotations

import collections
import gc
import importlib.util
import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import references

ESTIMATED = 8


def main() -> None:
    """Build, take, compare, print."""
    warnings.simplefilter("ignore")
    path, reader = sys.argv[1], sys.argv[2]
    kept: list[object] = [references.odd_objects(), references.import_much()]
    kept += [2**100, "\u20ac" * 9, "\U0001f600", "\xe9", "", b"abc", bytearray(99), -5, 0, 1.5, 2j]
    spec = importlib.util.spec_from_file_location("readheap", reader)
    assert spec is not None and spec.loader is not None
    readheap = importlib.util.module_from_spec(spec)
    sys.modules["readheap"] = readheap
    spec.loader.exec_module(readheap)
    from mortmain import _door

    gc.collect()
    gc.disable()
    objects = gc.get_objects()
    objects += gc.get_referents(*objects)
    _door.snapshot(path, force=True)
    expected = {id(each): (sys.getsizeof(each), type(each).__name__) for each in objects}
    with Path(path).open("rb") as file:
        heap = readheap.Heap(file.read())
    differences: collections.Counter[str] = collections.Counter()
    examples: dict[str, str] = {}
    exact = estimated = 0
    for each in heap.objects:
        wanted, kind = expected.get(each.address, (0, ""))
        if not kind or each.address in (id(objects), id(expected)):
            continue
        if each.flags & ESTIMATED:
            estimated += 1
            continue
        exact += 1
        size = heap.types[each.type].size if each.size is None else each.size
        if size != wanted:
            differences[kind] += 1
            examples[kind] = f"{size} instead of {wanted}"
    answer = {"exact": exact, "estimated": estimated, "examples": examples}
    sys.stdout.write(json.dumps(answer | {"differences": dict(differences.most_common())}))
    sys.stdout.flush()
    del kept


if __name__ == "__main__":
    main()
