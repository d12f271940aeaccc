"""The second reader of .mort files: docs/format.md, section by section, in plain Python.

It shares no code with the engine and does not try to be fast. Where it and the engine's reader
differ, one of them or the specification is wrong.

    python3 tools/readheap.py FILE            what is in it, in a few lines
    python3 tools/readheap.py --dump FILE     all of it, as tests/unit/dump_heap.c prints it
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NONE = 2**32 - 1  # no object, no name, no type
WORD = 2**64
INDEX, KEY, VALUE, WORD_AT, INLINE, MEMBER, LOCAL, EXTENDED, NAMED, SKIP = range(10)
HIDDEN_KEYS = 64  # of an object: its short KEYs are hidden, which is the same bit there
HAS_NUMBER = {WORD_AT, INLINE, LOCAL, NAMED, SKIP}
KINDS = 29


class BadFile(Exception):
    """The file is not what it claims to be; the message says in which way."""


def check(condition: bool, message: str) -> None:
    """Refuses the file unless the condition holds."""
    if not condition:
        raise BadFile(message)


# ---- The shape -----------------------------------------------------------------------------------


@dataclass
class Frame:
    """What the frame of a file says."""

    objects: int
    references: int
    incomplete: int
    streams: dict[str, bytes]


def u(data: bytes) -> int:
    """A fixed-width unsigned integer."""
    return int.from_bytes(data, "little")


def read_frame(data: bytes) -> Frame:
    """Checks the header, the chunks and END!, and joins the streams."""
    check(data[:8] == b"\x89MORT\r\n\x1a", "the magic is wrong")
    check(len(data) >= 32 + 56 and len(data) % 8 == 0, "cut off")
    check(u(data[8:12]) == 1 and u(data[12:16]) == 8, "not version 1 with pointers of 8 bytes")
    check(not any(data[16:32]), "reserved bytes are not zero")
    end = len(data) - 56
    last = data[end:]
    check(last[:8] == b"END!" + (48).to_bytes(4, "little"), "no END!: cut off")
    check(u(last[24:32]) == len(data), "the length is wrong")
    check(u(last[32:40]) == checksum(data[: end + 32] + last[40:]), "the checksum is wrong")
    incomplete = int.from_bytes(last[40:44], "little", signed=True)
    check(incomplete <= 0 and not any(last[44:]), "END! has a status that never was")
    return Frame(u(last[8:16]), u(last[16:24]), incomplete, read_chunks(data, end))


def checksum(data: bytes) -> int:
    """FNV-1a over words of eight bytes."""
    value = 0xCBF29CE484222325
    for (word,) in struct.iter_unpack("<Q", data):
        value = (value ^ word) * 0x100000001B3 % WORD
    return value


def read_chunks(data: bytes, end: int) -> dict[str, bytes]:
    """Joins the payloads of the chunks with the same tag."""
    streams: dict[str, bytearray] = {}
    at = 32
    while at < end:
        length = u(data[at + 4 : at + 8])
        behind = at + 8 + length
        padded = (behind + 7) // 8 * 8
        check(padded <= end, "a chunk runs over the end")
        check(data[at : at + 4] != b"END!", "END! is not the last chunk")
        check(not any(data[behind:padded]), "the padding is not zero")
        streams.setdefault(data[at : at + 4].decode("latin-1"), bytearray()).extend(
            data[at + 8 : behind]
        )
        at = padded
    return {tag: bytes(stream) for tag, stream in streams.items()}


class Cursor:
    """Reads the records of one stream."""

    def __init__(self, frame: Frame, tag: str) -> None:
        """Begins at the start of the stream, which may be missing."""
        self.data = frame.streams.get(tag, b"")
        self.at = 0
        self.previous = 0

    def more(self) -> bool:
        """Is there another record?"""
        return self.at < len(self.data)

    def byte(self) -> int:
        """One byte."""
        check(self.at < len(self.data), "a record is cut off")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self, limit: int = WORD) -> int:
        """A number, which must be below the limit."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                check(value < WORD and value < limit, "a number is out of range")
                return value
        raise BadFile("a number of more than 64 bits")

    def delta(self) -> int:
        """A sparse id as the difference to the record before."""
        self.previous = (self.previous + unzigzag(self.varint())) % WORD
        return self.previous

    def text(self) -> str:
        """A text."""
        length = self.varint()
        check(length <= len(self.data) - self.at, "a text is cut off")
        self.at += length
        try:
            text = self.data[self.at - length : self.at].decode()
        except UnicodeDecodeError as error:
            raise BadFile("a text is not UTF-8") from error
        check("\0" not in text, "a text has a NUL")
        return text

    def flags(self) -> int:
        """The flags of a reference: the high half of a byte."""
        byte = self.byte()
        check(byte & 15 == 0, "flags with unknown bits")
        return byte


def unzigzag(value: int) -> int:
    """A difference."""
    return value >> 1 if value % 2 == 0 else -(value >> 1) - 1


# ---- Object ids and OBJS -------------------------------------------------------------------------


@dataclass
class Reference:
    """One reference as it stands in the file; `target` is a sparse id."""

    target: int
    naming: int
    flags: int
    number: int


@dataclass
class Object:
    """One object."""

    sparse: int
    type: int
    refcount: int
    flags: int
    size: int | None
    storage: int
    references: list[Reference] = field(default_factory=list)
    address: int = 0


def read_object(cursor: Cursor) -> Object:
    """One record of OBJS."""
    sparse, kind, refcount, flags = cursor.delta(), cursor.varint(), cursor.varint(), cursor.byte()
    check(flags < 128, "an object with unknown flags")
    size = cursor.varint() if flags & 1 else None
    storage = cursor.varint() if flags & 2 else 0
    found = Object(sparse, kind, refcount, flags, size, storage)
    if not flags & 4:
        found.references = list(read_references(cursor, sparse, flags & HIDDEN_KEYS))
    return found


def read_references(cursor: Cursor, target: int, key_flags: int) -> Iterator[Reference]:
    """The references of one record, up to its end; `key_flags` are those of its short KEYs."""
    index = 0
    while True:
        head = cursor.varint()
        naming, flags, delta = head & 7, 0, head >> 3
        flags = key_flags if naming == KEY else 0
        if naming == EXTENDED:
            if delta == 0:
                return
            delta -= 1
            byte = cursor.byte()
            naming, flags = byte & 15, byte & 0xF0
            check(naming <= SKIP and naming != EXTENDED, "an unknown naming")
        extended = head & 7 == EXTENDED
        number = 0
        if naming in HAS_NUMBER or (extended and naming == INDEX):
            number = cursor.varint(NONE)
        if naming == SKIP:
            check(delta == 0 and flags == 0, "a skip that refers to something")
            index += number
            check(index < NONE, "an index out of range")
            continue
        if naming == INDEX:
            number = number if extended else index
            check(number < NONE, "an index out of range")
            index = number + 1
        target = (target + unzigzag(delta)) % WORD
        yield Reference(target, naming, flags, number)


# ---- The other streams ---------------------------------------------------------------------------


@dataclass
class Type:
    """One type; objects are dense ids or NONE."""

    found: int
    name: str
    kind: int
    flags: int
    size: int
    item: int
    base: int
    fields: list[tuple[int, str, int]]
    keys: list[int]


class Heap:
    """A whole file, with dense ids."""

    def __init__(self, data: bytes) -> None:
        """Reads and checks everything."""
        self.bytes = len(data)
        self.frame = read_frame(data)
        self.objects = self.read_objects()
        self.dense = {each.sparse: i for i, each in enumerate(self.objects)}
        self.names = [*self.records("NAME", Cursor.text)]
        self.types = [*self.records("TYPE", self.read_type)]
        self.check_types()
        self.edges = [[*self.resolve(each)] for each in self.objects]
        self.threads = [*self.records("THRD", lambda c: (small(c), c.varint(), small(c)))]
        self.frames = [*self.records("FRAM", self.read_frame_record)]
        self.roots = [r for r in self.records("ROOT", self.read_root) if r[5] != NONE]
        facts = self.records("FACT", lambda c: (self.find(c.delta()), c.varint(), c.varint()))
        known = [fact for fact in facts if fact[0] != NONE and fact[1] < 2**32]
        self.facts = sorted(known, key=lambda fact: fact[:2])
        texts = self.records("TEXT", lambda c: (self.find(c.delta()), c.text()))
        self.texts = sorted((t for t in texts if t[0] != NONE), key=lambda t: t[0])
        self.meta = [*self.records("META", lambda c: (c.text(), c.text()))]
        entries = self.records("EPHE", lambda c: [self.find(c.varint()) for _ in range(3)])
        self.ephemerons = [entry for entry in entries if NONE not in entry]
        self.census_types = [*self.records("CTYP", self.read_census_type)]
        self.census_sizes = [*self.records("CENS", lambda c: (c.varint(), c.varint(), c.varint()))]
        self.census_raws = [*self.records("CRAW", lambda c: (c.varint(), c.varint()))]

    def records(self, tag: str, read: Callable[[Cursor], T]) -> Iterator[T]:
        """Every record of a stream."""
        cursor = Cursor(self.frame, tag)
        while cursor.more():
            yield read(cursor)

    def read_objects(self) -> list[Object]:
        """BLKS and OBJS: the objects in the order of their addresses."""
        blocks = [*self.records("BLKS", lambda c: c.varint(2**44))]
        check(len(set(blocks)) == len(blocks), "a block has two numbers")
        objects = [*self.records("OBJS", read_object)]
        for each in objects:
            check(each.sparse >> 17 < len(blocks), "an object outside the blocks")
            each.address = (blocks[each.sparse >> 17] << 20) + ((each.sparse & 0x1FFFF) << 3)
        check(len({each.sparse for each in objects}) == len(objects), "two records for one object")
        references = sum(len(each.references) for each in objects)
        written = (self.frame.objects, self.frame.references)
        check((len(objects), references) == written, "END! counts otherwise")
        return sorted(objects, key=lambda each: each.address)

    def find(self, sparse: int) -> int:
        """A dense id; NONE where an incomplete file has no such record."""
        found = self.dense.get(sparse, NONE)
        check(found != NONE or self.frame.incomplete != 0, "an object without a record")
        return found

    def find_plus_one(self, cursor: Cursor) -> int:
        """A dense id or NONE, from a sparse id plus 1."""
        sparse = cursor.varint()
        return self.find(sparse - 1) if sparse else NONE

    def read_type(self, cursor: Cursor) -> Type:
        """One record of TYPE."""
        found, name, kind = self.find_plus_one(cursor), cursor.text(), cursor.varint()
        flags, size, item, base = small(cursor), cursor.varint(), cursor.varint(), cursor.varint()
        fields = [(small(cursor), cursor.text(), cursor.flags()) for _ in range(small(cursor))]
        keys = [self.find_plus_one(cursor) for _ in range(small(cursor))]
        kind = kind if kind < KINDS else 0
        return Type(found, name, kind, flags, size, item, base - 1 if base else NONE, fields, keys)

    def check_types(self) -> None:
        """Bases lie in the table and lead nowhere back."""
        bases = [each.base for each in self.types]
        check(all(base == NONE or base < len(bases) for base in bases), "a base outside TYPE")
        for start in range(len(bases)):
            at, steps = bases[start], 0
            while at != NONE:
                steps += 1
                check(steps <= len(bases), "a type is its own base")
                at = bases[at]

    def resolve(self, source: Object) -> Iterator[tuple[int, int, int, int]]:
        """The references of an object as (target, naming, flags, argument)."""
        check(source.type < len(self.types), "a type outside TYPE")
        key = NONE
        for each in source.references:
            target, argument = self.find(each.target), each.number
            if each.naming == KEY:
                key = target
            elif each.naming == VALUE:
                argument = key
            elif each.naming == NAMED:
                check(argument < len(self.names), "a name outside NAME")
            elif each.naming == INLINE:
                check(argument < len(self.types[source.type].keys), "no such shared key")
            if target != NONE:
                yield target, each.naming, each.flags, argument

    def read_frame_record(self, cursor: Cursor) -> tuple[int, int, int, int]:
        """One record of FRAM."""
        thread = small(cursor)
        check(not self.threads or thread < len(self.threads), "a thread outside THRD")
        return thread, self.find_plus_one(cursor), small(cursor), small(cursor)

    def read_root(self, cursor: Cursor) -> tuple[int, ...]:
        """One record of ROOT."""
        kind, flags, owner = cursor.varint(), cursor.flags(), small(cursor)
        kind = kind if kind < 256 else 0
        name = small(cursor) if kind == 5 else cursor.varint(len(self.names) + 1) - 1
        frame = cursor.varint(len(self.frames) + 1) - 1
        return kind, flags, owner, name % 2**32, frame % 2**32, self.find(cursor.varint())

    def read_census_type(self, cursor: Cursor) -> tuple[int, ...]:
        """One record of CTYP."""
        record = small(cursor), cursor.varint(), cursor.varint(), cursor.varint()
        check(record[0] < len(self.types), "a type outside TYPE")
        check(record[3] <= record[1], "more blocks than there are")
        return record

    # ---- Printing --------------------------------------------------------------------------------

    def dump(self) -> Iterator[str]:
        """Everything, one thing on a line."""
        references = sum(map(len, self.edges))
        yield (
            f"file bytes={self.bytes} objects={len(self.objects)}"
            f" references={references} incomplete={self.frame.incomplete}"
        )
        yield from (f"meta {quote(key)} {quote(value)}" for key, value in self.meta)
        yield from (f"name {i} {quote(name)}" for i, name in enumerate(self.names))
        yield from self.dump_types()
        yield from self.dump_objects()
        for interpreter, native, flags in self.threads:
            yield f"thread interpreter={interpreter} native={native} flags={flags}"
        for thread, code, line, flags in self.frames:
            yield f"frame thread={thread} code={number(code)} line={line} flags={flags}"
        for kind, flags, owner, name, frame, found in self.roots:
            yield (
                f"root kind={kind} flags={flags} owner={owner} name={number(name)}"
                f" frame={number(frame)} object={found}"
            )
        yield from (f"fact {found} {fact} {value}" for found, fact, value in self.facts)
        yield from (f"text {found} {quote(text)}" for found, text in self.texts)
        yield from (f"ephemeron {t} {k} {v}" for t, k, v in self.ephemerons)
        for kind, blocks, size, loose in self.census_types:
            yield f"census type={kind} blocks={blocks} bytes={size} loose={loose}"
        yield from (f"blocks size={s} used={u} free={f}" for s, u, f in self.census_sizes)
        yield from (f"raw size={size} blocks={blocks}" for size, blocks in self.census_raws)

    def dump_types(self) -> Iterator[str]:
        """Types with their fields and keys."""
        for i, each in enumerate(self.types):
            yield (
                f"type {i} object={number(each.found)} name={quote(each.name)} kind={each.kind}"
                f" flags={each.flags} size={each.size} item={each.item} base={number(each.base)}"
            )
            yield from (f"field {word} {flags} {quote(name)}" for word, name, flags in each.fields)
            yield from (f"key {number(key)}" for key in each.keys)

    def dump_objects(self) -> Iterator[str]:
        """Objects with their references."""
        for i, each in enumerate(self.objects):
            size = self.types[each.type].size if each.size is None else each.size
            count = "-" if each.refcount == 0 else min(each.refcount - 1, NONE - 1)
            yield (
                f"object {i} address={each.address:#x} type={each.type} refcount={count}"
                f" size={size} storage={each.storage} flags={each.flags}"
            )
            for target, naming, flags, argument in self.edges[i]:
                how = f"naming={naming} flags={flags} argument={number(argument)}"
                yield f"reference {target} {how}"

    def summary(self) -> Iterator[str]:
        """What is in the file, in a few lines."""
        yield f"{len(self.objects)} objects, {sum(map(len, self.edges))} references"
        yield f"{self.bytes} bytes, {self.bytes / max(len(self.objects), 1):.1f} for each object"
        yield from (f"{key}: {value}" for key, value in self.meta)
        for tag, stream in sorted(self.frame.streams.items()):
            yield f"{tag}  {len(stream)} bytes"


def small(cursor: Cursor) -> int:
    """A number that a reader keeps in 32 bits."""
    return cursor.varint(NONE)


def number(value: int) -> str:
    """A number or `-` for none."""
    return "-" if value == NONE else str(value)


def quote(text: str) -> str:
    """A text on one line."""
    plain = (f"\\x{ord(c):02x}" if c < " " or c in '\x7f"\\' else c for c in text)
    return '"' + "".join(plain) + '"'


def main(arguments: list[str]) -> int:
    """The command."""
    paths = [argument for argument in arguments if argument != "--dump"]
    if len(paths) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        heap = Heap(Path(paths[0]).read_bytes())
    except (BadFile, OSError) as error:
        print(f"readheap: {paths[0]}: {error}", file=sys.stderr)
        return 1
    lines = heap.dump() if "--dump" in arguments else heap.summary()
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
