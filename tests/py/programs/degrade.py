"""Takes snapshots of this process with tables hidden, and compares them with gc.get_referents.

Usage: degrade.py LIBRARY READHEAP [NAME...]
Prints JSON: by what was hidden, what the snapshot said and what differs.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import references

KINDS = range(1, 29)


class Answer(ctypes.Structure):
    """What the probe says."""

    _fields_ = (
        ("objects", ctypes.c_uint64),
        ("references", ctypes.c_uint64),
        ("unreadable", ctypes.c_uint64),
        ("kinds_failed", ctypes.c_uint32),
        ("warning", ctypes.c_char * 160),
    )


class Thing:
    """What is asked about."""


class Holder:
    """Its class holds it."""

    seen = {"k": Thing()}  # noqa: RUF012


def main() -> None:
    """Hide, take, compare, print."""
    warnings.simplefilter("ignore")
    library = ctypes.PyDLL(sys.argv[1])
    sys.path.insert(0, str(Path(sys.argv[2]).parent))
    import readheap
    from mortmain import Heap

    kept = references.odd_objects()
    caller = ctypes.c_uint64(threading.get_native_id())
    found: dict[str, object] = {}
    runs = [(str(kind), 1 << kind, 0, 1) for kind in KINDS]
    runs += [("nothing", 0, 0, 1), ("all kinds", 0x1FFFFFFE, 0, 1), ("version", 0, 1, 1)]
    runs += [("traverse", 0, 0, 0), ("version and traverse", 0, 1, 0)]
    runs = [run for run in runs if run[0] in sys.argv[3:]] or runs
    for name, kinds, version, traverse in runs:
        gc.collect()
        gc.disable()
        answer = Answer()
        objects = gc.get_objects()
        status = library.probe_snapshot(
            b"a.mort", kinds, version, traverse, caller, ctypes.byref(answer)
        )
        expected = references.referents(objects)
        names = {id(each): type(each).__name__ for each in objects}
        said: dict[str, object] = {
            "status": status,
            "unreadable": answer.unreadable,
            "kinds_failed": answer.kinds_failed,
            "warning": answer.warning.decode(),
        }
        heap = readheap.Heap(Path("a.mort").read_bytes())
        taken: dict[str, object] = {"unreadable": 0, "door": "", "warning": ""}
        own = [heap, taken, said, answer, found]
        said = references.compare(heap, expected, names, objects, taken) | said
        said["kinds"] = sorted({each.kind for each in heap.types})
        chain = json.loads(Heap.open("a.mort").why(id(Holder.seen["k"])).json())
        said["references_to_thing"] = chain["reference_count"]
        said["unaccounted"] = chain["unaccounted"]
        said["chain"] = [[s["object"], s["edge"]] for c in chain["chains"][:1] for s in c["path"]]
        found[name] = said
        del objects, expected, names, heap, own
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    del kept


if __name__ == "__main__":
    main()
