"""Writes the golden .mort files from docs/format.md, without the engine's writer.

Each file is small and shows something: the name says what. Files of one format version never
change: a difference is a change of the format. `--check` compares instead of writing.

    python3 tests/golden/make_golden.py [--check] [FOLDER]
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHOP = 0x7F12_3450_0000 >> 20


def varint(value: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> int:
    """A difference as a natural number."""
    return value * 2 if value >= 0 else -value * 2 - 1


def text(value: str | bytes) -> bytes:
    """Length and UTF-8."""
    raw = value if isinstance(value, bytes) else value.encode()
    return varint(len(raw)) + raw


def numbers(*values: int) -> bytes:
    """Varints, one behind the other."""
    return b"".join(map(varint, values))


def reference(delta: int, naming: int, number: int | None = None) -> bytes:
    """The short form of a reference."""
    return varint(zigzag(delta) << 3 | naming) + (b"" if number is None else varint(number))


def extended(delta: int, naming: int, flags: int, number: int | None = None) -> bytes:
    """The extended form of a reference."""
    head = varint((zigzag(delta) + 1) << 3 | 7)
    return head + bytes([naming | flags]) + (b"" if number is None else varint(number))


def skip(count: int) -> bytes:
    """Empty slots."""
    return b"\x0f\x09" + varint(count)


END = b"\x07"


def record(
    delta: int, kind: int, count: int, flags: int, *rest: bytes, sizes: Iterable[int] = ()
) -> bytes:
    """A record of OBJS."""
    fixed = numbers(zigzag(delta), kind, count) + bytes([flags]) + numbers(*sizes)
    return fixed + b"".join(rest)


def type_record(
    name: str, *, found: int = 0, kind: int = 2, size: int = 16, base: int = 0,
    fields: Iterable[tuple[int, str, int]] = (), keys: Iterable[int] = (), flags: int = 1,
) -> bytes:  # fmt: skip
    """A record of TYPE; `found`, `base` and `keys` are already plus 1."""
    fields, keys = list(fields), list(keys)
    out = varint(found) + text(name) + numbers(kind, flags, size, 8, base, len(fields))
    for word, field_name, field_flags in fields:
        out += varint(word) + text(field_name) + bytes([field_flags])
    return out + numbers(len(keys), *keys)


def checksum(data: bytes) -> int:
    """FNV-1a over words."""
    value = 0xCBF29CE484222325
    for (word,) in struct.iter_unpack("<Q", data):
        value = (value ^ word) * 0x100000001B3 % 2**64
    return value


def chunk(tag: str, payload: bytes) -> bytes:
    """A chunk with its padding."""
    return tag.encode() + struct.pack("<I", len(payload)) + payload + bytes(-len(payload) % 8)


def mort(
    chunks: Iterable[tuple[str, bytes]], objects: int, references: int, incomplete: int = 0
) -> bytes:
    """A whole file."""
    data = b"\x89MORT\r\n\x1a" + struct.pack("<II16x", 1, 8)
    data += b"".join(chunk(tag, payload) for tag, payload in chunks)
    head = b"END!" + struct.pack("<IQQQ", 48, objects, references, len(data) + 56)
    tail = struct.pack("<i12x", incomplete)
    return data + head + struct.pack("<Q", checksum(data + head + tail)) + tail


def pieces(tag: str, payload: bytes, size: int) -> list[tuple[str, bytes]]:
    """A stream cut into chunks of a size."""
    return [(tag, payload[at : at + size]) for at in range(0, len(payload), size)]


OBJECT_TYPE = ("TYPE", type_record("object"))
BLOCK = ("BLKS", varint(SHOP))


def empty() -> bytes:
    """No object at all."""
    return mort([], 0, 0)


def every_naming() -> bytes:
    """Each naming in its short and its extended form, and skips."""
    forms = [
        reference(0, 0), reference(8, 0), reference(-8, 0), reference(8, 1), reference(8, 2),
        reference(0, 3, 4), reference(0, 3, 2**31), reference(0, 4, 1), reference(0, 5),
        reference(0, 6, 0), skip(5), reference(0, 0), skip(0), skip(2**31), reference(0, 0),
        extended(0, 0, 16, 7), reference(0, 0), extended(-16, 1, 32), extended(16, 2, 64),
        extended(0, 3, 128, 9), extended(0, 4, 16 | 32, 0), extended(0, 5, 64 | 128),
        extended(0, 6, 0, 3), extended(0, 8, 0, 2), extended(0, 0, 0, 2**32 - 2),
    ]  # fmt: skip
    objects = record(0, 0, 2, 16, *forms, END) + record(8, 0, 2, 4) + record(8, 0, 2, 4)
    keys = type_record("shop.Exam", keys=[1, 0, 9], fields=[(4, "wörd", 0), (9, "", 64)])
    names = text("") + text("codec_error_registry") + text("Überschrift …")
    skips = sum(form.startswith(b"\x0f\x09") for form in forms)
    streams = [BLOCK, ("OBJS", objects), ("TYPE", keys), ("NAME", names)]
    return mort(streams, 3, len(forms) - skips)


def every_flag() -> bytes:
    """Object flags, sizes and counts, small and larger than 32 bits; a value without a key."""
    objects = [
        record(100, 0, 0, 4),
        record(2, 1, 1, 4 | 1, sizes=[0]),
        record(-4, 0, 2**32, 4 | 2, sizes=[2**32 - 1]),
        record(2**17, 1, 2**64 - 1, 4 | 1 | 2 | 8 | 16 | 32, sizes=[2**63, 2**40]),
        record(2, 2, 3, 1 | 16, END, sizes=[2**32 - 2]),
        record(2, 0, 3, 0, reference(-2, 2), reference(-2, 1), reference(0, 2), END),
        record(2, 0, 3, 64, reference(-2, 1), reference(0, 2), extended(0, 1, 16), END),
    ]
    types = type_record("object") + type_record("str", kind=24, base=1, size=49)
    types += type_record("odd", kind=99, size=2**40, base=2, flags=511, found=101)
    blocks = numbers(SHOP + 7, SHOP)
    return mort([("BLKS", blocks), ("OBJS", b"".join(objects)), ("TYPE", types)], 7, 6)


def every_stream() -> bytes:
    """Each stream of the specification, the optional ones with a record, and one of tomorrow."""
    objects = record(0, 0, 2, 0, reference(2, 1), reference(2, 2), END)
    objects += record(2, 0, 2, 4) + record(2, 0, 2, 4)
    streams = [
        ("META", text("runtime") + text("cpython") + text("warning") + text('tab\t"quote"\\')),
        BLOCK,
        ("OBJS", objects),
        OBJECT_TYPE,
        ("NAME", text("modules") + text("")),
        ("THRD", numbers(0, 4711, 1) + numbers(1, 0, 0)),
        ("FRAM", numbers(0, 3, 12, 1) + numbers(1, 0, 0, 2)),
        ("ROOT", numbers(1) + b"\x00" + numbers(0, 1, 0, 0)
         + numbers(5) + b"\x20" + numbers(0, 7, 1, 4) + numbers(77) + b"\x10" + numbers(9, 0, 0, 2)
         + numbers(4) + b"\x00" + numbers(1, 2, 2, 2)),
        ("TEXT", varint(zigzag(4)) + text("_seen") + varint(zigzag(-2)) + text("")),
        ("FACT", numbers(zigzag(4), 10, 1, zigzag(-4), 9, 2**64 - 1, 0, 1, 7, 0, 2**40, 1)),
        ("EPHE", numbers(0, 2, 4)),
        ("KHSH", varint(4) + bytes(range(8))),
        ("CTYP", numbers(0, 9, 2**40, 8)),
        ("CENS", numbers(32, 7, 1)),
        ("CRAW", numbers(32, 2)),
        ("UNOW", numbers(0, 512, 2)),
        ("MAPS", numbers(5, 4, 2, 1) + text("/usr/bin/python3")),
        ("PROC", text("rss") + varint(2**30)),
        ("SITE", numbers(0, 1, 3)),
        ("GCST", numbers(0, 1, 2, 3, 4, 5)),
        ("LPOS", numbers(0, 1, 4, 0)),
        ("LIBS", varint(SHOP) + text("/usr/lib/libc.so.6") + text("ab12")),
        ("zzzz", b"of tomorrow"),
    ]  # fmt: skip
    return mort(streams, 3, 2)


def many_chunks() -> bytes:
    """Records that run over chunks of three bytes, between those of another; empty chunks."""
    count = 40
    objects = b"".join(
        record(3 if i else 0, 0, 2, 0, reference(-3 if i else 0, 0), skip(9), END)
        for i in range(count)
    )
    left, right = pieces("OBJS", objects, 3), pieces("TEXT", varint(12) + text("é" * 90), 1)
    streams = [chunks for pair in zip(left, right, strict=False) for chunks in pair]
    streams += [("META", b""), ("zzzz", b""), *left[len(right) :], *right[len(left) :]]
    return mort([BLOCK, *streams, *pieces("TYPE", OBJECT_TYPE[1], 1)], count, count)


def many_blocks() -> bytes:
    """Objects in blocks that are numbered against the order of their addresses."""
    count = 9
    blocks = numbers(*(SHOP - 1000 * i for i in range(count)))
    objects = b"".join(
        record(2**17 - 4096 if i else 2**17 - 1, 0, 2, 0, reference(0, 5), END)
        for i in range(count)
    )
    return mort([("OBJS", objects), ("BLKS", blocks), OBJECT_TYPE], count, count)


def incomplete() -> bytes:
    """A capture that ended early: what it lacks is left out of everything that speaks of it."""
    objects = record(0, 0, 2, 0, reference(2, 1), reference(2, 2), reference(-4, 0), END)
    objects += record(2, 0, 2, 0, reference(8, 0), END)
    streams = [
        ("META", text("incomplete") + text("out of memory")), BLOCK, ("OBJS", objects),
        ("TYPE", type_record("object", found=99, keys=[99, 1])),
        ("FRAM", numbers(0, 99, 1, 0)),
        ("ROOT", numbers(1) + b"\x00" + numbers(0, 0, 0, 99) + numbers(2, 0, 0, 0, 0, 2)),
        ("TEXT", varint(zigzag(99)) + text("gone")), ("FACT", numbers(zigzag(99), 1, 1)),
        ("EPHE", numbers(0, 99, 2)),
    ]  # fmt: skip
    return mort(streams, 2, 4, -1)


FILES = {
    function.__name__: function
    for function in (
        empty, every_naming, every_flag, every_stream, many_chunks, many_blocks, incomplete,
    )
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """The command."""
    folders = [argument for argument in arguments if argument != "--check"]
    folder = Path(folders[0]) if folders else HERE
    differing = 0
    for name, function in FILES.items():
        path = folder / f"{name}.mort"
        if "--check" not in arguments:
            path.write_bytes(function())
        elif not path.is_file() or path.read_bytes() != function():
            print(f"{path.name}: is not what make_golden.py writes", file=sys.stderr)
            differing += 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
