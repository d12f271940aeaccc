"""Writes the seeds of the fuzz targets: fuzz/corpus/read and fuzz/corpus/why.

    python3 fuzz/seeds.py

`read` gets the golden files; `why` gets them, and a program in small, each with a question behind
it: the text of WHAT, and one byte with its length.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/golden"))
import make_golden as golden

HERE = Path(__file__).resolve().parent

INDEX, KEY, VALUE, WORD, MEMBER, LOCAL, NAMED = 0, 1, 2, 3, 5, 6, 8
WEAK = 16
FIRST_LINE, ARGUMENTS, FREE, CURRENT_LINE, NAMESPACE = 1, 2, 5, 6, 10
# name, kind, flags, fields of the types of the program in small.
TYPES = [
    ("?", 0, 0, []),
    ("str", 24, 0, []),
    ("dict", 3, 2, []),
    ("list", 4, 2, []),
    ("tuple", 5, 2, []),
    ("set", 6, 2, []),
    ("function", 7, 2, []),
    ("cell", 8, 2, [(2, "cell_contents", 0)]),
    ("method", 9, 2, [(2, "__func__", 0), (3, "__self__", 0)]),
    ("module", 10, 2, []),
    ("type", 11, 66, []),
    ("code", 12, 0, []),
    ("frame", 13, 2, []),
    ("generator", 14, 2, []),
    ("ValueError", 17, 34, [(5, "__traceback__", 0)]),
    ("traceback", 18, 2, [(2, "tb_next", 0), (3, "tb_frame", 0)]),
    ("weakref.ref", 19, 2, [(2, "wr_object", WEAK)]),
    ("shop.Exam", 2, 23, []),
]
WHATS = ("Exam", "shop.Exam", "shop:Within._seen", "shop:all[0]", "0x7f1234500000", "list", "a.f()")


@dataclass
class Program:
    """Objects with references, roots and facts, as a .mort file."""

    types: list[int] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    references: list[list[tuple[int, int, int]]] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=lambda: ["modules"])
    facts: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, type_name: str, *items: int, text: str = "") -> int:
        """A new object; `items` are its INDEX references."""
        self.types.append([name for name, *_ in TYPES].index(type_name))
        self.references.append([(INDEX, item, 0) for item in items])
        if text:
            self.texts[len(self.types) - 1] = text
        return len(self.types) - 1

    def name(self, text: str) -> int:
        """A str that is a name."""
        return self.add("str", text=text)

    def named(self, source: int, name: str, target: int) -> None:
        """A reference of a C struct's field."""
        if name not in self.names:
            self.names.append(name)
        self.references[source].append((NAMED, target, self.names.index(name)))

    def entry(self, table: int, key: int, value: int) -> None:
        """An entry of a dict."""
        self.references[table] += [(KEY, key, 0), (VALUE, value, 0)]

    def space(self, owner: int, **attributes: int) -> int:
        """The namespace of a module or class."""
        space = self.add("dict")
        self.named(owner, "__dict__", space)
        self.facts.append((space, NAMESPACE, 1))
        for name, value in attributes.items():
            self.entry(space, self.name(name), value)
        return space

    def file(self, roots: bytes, frames: bytes, exam: int) -> bytes:
        """The whole file; `exam` is the class of the last type."""
        found = [0] * len(self.types)
        for references in self.references:
            for _, target, _ in references:
                found[target] += 1
        objects = b""
        for i, references in enumerate(self.references):
            at, encoded = i, b""
            for naming, target, number in references:
                delta, at = 16 * (target - at), target
                if naming == NAMED:
                    encoded += golden.extended(delta, naming, 0, number)
                else:
                    has_number = naming in (WORD, LOCAL)
                    encoded += golden.reference(delta, naming, number if has_number else None)
            count = found[i] + 1 + self.counts.get(i, 0)
            objects += golden.record(16 if i else 0, self.types[i], count, 16, encoded, golden.END)
        types = b"".join(
            golden.type_record(
                name, kind=kind, flags=flags, fields=fields, size=48,
                found=16 * exam + 1 if name == "shop.Exam" else 0,
            )
            for name, kind, flags, fields in TYPES
        )  # fmt: skip
        texts = facts = b""
        at = 0
        for i, value in sorted(self.texts.items()):
            texts += golden.varint(golden.zigzag(16 * i - at)) + golden.text(value)
            at = 16 * i
        at = 0
        for i, fact, number in sorted(self.facts):
            facts += golden.numbers(golden.zigzag(16 * i - at), fact, number)
            at = 16 * i
        streams = [
            ("META", golden.text("runtime") + golden.text("cpython")),
            golden.BLOCK, ("OBJS", objects), ("TYPE", types), ("TEXT", texts), ("FACT", facts),
            ("NAME", b"".join(map(golden.text, self.names))), ("THRD", golden.numbers(0, 7, 1)),
            ("FRAM", frames), ("ROOT", roots),
        ]  # fmt: skip
        return golden.mort(streams, len(self.types), sum(map(len, self.references)))


def shop() -> bytes:
    """A module, a class that holds instances, a function with its frame, an exception."""
    heap = Program()
    modules, module, within, exam = (heap.add(kind) for kind in ("dict", "module", "type", "type"))
    heap.facts.append((modules, NAMESPACE, 1))
    heap.entry(modules, heap.name("shop"), module)
    exams = [heap.add("shop.Exam") for _ in range(6)]
    seen = heap.add("dict")
    for each in exams[:3]:
        heap.entry(seen, each, each)
    code = heap.add("code")
    heap.named(code, "co_localsplusnames", heap.add("tuple", *map(heap.name, "axv")))
    heap.named(code, "co_qualname", heap.name("f"))
    heap.named(code, "co_filename", heap.name("shop.py"))
    heap.named(code, "co_names", heap.add("tuple", heap.name("_seen")))
    heap.facts += [(code, FIRST_LINE, 9), (code, ARGUMENTS, 2), (code, FREE, 1)]
    function, cell = heap.add("function"), heap.add("cell")
    heap.references[cell].append((WORD, exams[3], 2))
    heap.named(function, "__code__", code)
    heap.named(function, "__qualname__", heap.name("f"))
    heap.named(function, "__closure__", heap.add("tuple", cell))
    heap.named(function, "__defaults__", heap.add("tuple", exams[3]))
    frame, traceback, error = (heap.add(kind) for kind in ("frame", "traceback", "ValueError"))
    heap.named(frame, "f_code", code)
    heap.references[frame].append((LOCAL, exams[4], 1))
    heap.facts.append((frame, CURRENT_LINE, 11))
    heap.references[traceback].append((WORD, frame, 3))
    heap.references[error].append((WORD, traceback, 5))
    generator, members, method = (heap.add(kind) for kind in ("generator", "set", "method"))
    heap.named(generator, "gi_code", code)
    heap.references[generator].append((LOCAL, exams[4], 1))
    heap.references[members].append((MEMBER, exams[5], 0))
    heap.references[method] += [(WORD, function, 2), (WORD, exams[5], 3)]
    heap.counts[exams[5]] = 2
    heap.named(within, "__qualname__", heap.name("Within"))
    heap.named(exam, "__qualname__", heap.name("Exam"))
    name = heap.name("shop")
    heap.space(within, __module__=name, _seen=seen, f=function)
    heap.space(exam, __module__=name)
    heap.space(
        module, __name__=name, Within=within, Exam=exam, last=error, g=generator,
        all=heap.add("list", *exams[:2]), members=members, call=method,
    )  # fmt: skip
    roots = golden.numbers(1) + b"\0" + golden.numbers(0, 1, 0, 16 * modules)
    roots += golden.numbers(5) + b"\0" + golden.numbers(0, 1, 1, 16 * exams[0])
    return heap.file(roots, golden.numbers(0, 16 * code + 1, 11, 1), exam)


def main() -> None:
    """Writes both folders."""
    for name in ("read", "why"):
        (HERE / "corpus" / name).mkdir(parents=True, exist_ok=True)
    files = {name: function() for name, function in golden.FILES.items()}
    files["shop"] = shop()
    for name, data in files.items():
        (HERE / "corpus/read" / f"{name}.mort").write_bytes(data)
        for i, what in enumerate(WHATS if name == "shop" else WHATS[:1]):
            asked = data + what.encode() + bytes([len(what)])
            (HERE / "corpus/why" / f"{name}_{i}").write_bytes(asked)


if __name__ == "__main__":
    main()
