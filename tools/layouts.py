"""Make the layout tables of engine/locate out of DWARF.

    layouts.py LIBPYTHON VERSION [-o engine/locate/layouts_3_MINOR.c]

Reads which offsets are wanted from MM_AT_LIST (engine/base/free/layout.h) and MM_PLACE_LIST
(engine/locate/layouts.h), which words of objects refer to others from layout_fields.tsv, and what
the pointers of interpreter and thread state are from layout_words.tsv. LIBPYTHON is a libpython or
a static python that carries debug information. Needs pyelftools.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
# Compilation units that together define every struct we read: the others are not parsed.
UNITS = re.compile(r"(^|/)(Objects|Python|Modules)/[^/]*\.c$")
# Integers that hold object pointers.
POINTER_WORDS = re.compile(r"signals\.handlers\[\d+\]\.func(\._value)?")
ARRAY_MAX = 160  # longer arrays of pointers in the state structs are caches, not roots
KIND_STRUCTS = {
    "dict": "PyDictObject",
    "list": "PyListObject",
    "set": "PySetObject",
    "function": "PyFunctionObject",
    "cell": "PyCellObject",
    "method": "PyMethodObject",
    "module": "PyModuleObject",
    "type": "_heaptypeobject",
    "exception": "PyBaseExceptionObject",
    "traceback": "PyTracebackObject|_traceback",
    "weakref": "_PyWeakReference",
    "builtin": "PyCFunctionObject",
    "property": "propertyobject",
    "classmethod": "classmethod",
    "staticmethod": "staticmethod",
    "ordered_dict": "_odictobject",
    "str": "PyUnicodeObject",
    "bytearray": "PyByteArrayObject",
}


class NoDebugInformation(Exception):
    """The binary was stripped."""


class Dwarf:
    """Structs of a binary by tag or typedef name."""

    def __init__(self, path: Path) -> None:
        from elftools.elf.elffile import ELFFile

        elf = ELFFile(io.BytesIO(path.read_bytes()))
        if not elf.has_dwarf_info():
            raise NoDebugInformation(path)
        self.structs: dict[str, Any] = {}
        self.typedefs: dict[str, Any] = {}
        for unit in elf.get_dwarf_info().iter_CUs():
            top = unit.get_top_DIE()
            if UNITS.search(self.name(top) or ""):
                for die in top.iter_children():
                    self.take(die)

    @staticmethod
    def name(die: Any) -> str | None:
        """What a DIE is called; None when it has no name."""
        attribute = die.attributes.get("DW_AT_name")
        return attribute.value.decode() if attribute else None

    def take(self, die: Any) -> None:
        """Remember a top-level struct or typedef."""
        name = self.name(die)
        if name is None or "DW_AT_declaration" in die.attributes:
            return
        if die.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
            self.structs.setdefault(name, die)
        elif die.tag == "DW_TAG_typedef":
            self.typedefs.setdefault(name, []).append(die)

    @staticmethod
    def target(die: Any) -> Any:
        """The type that a typedef, member, pointer or array speaks of; None for void."""
        if "DW_AT_type" not in die.attributes:
            return None
        return die.get_DIE_from_attribute("DW_AT_type")

    def bare(self, die: Any) -> Any:
        """Without typedefs and qualifiers; what is only declared here by its definition."""
        wrappers = (
            "DW_TAG_typedef",
            "DW_TAG_const_type",
            "DW_TAG_volatile_type",
            "DW_TAG_atomic_type",
        )
        while die is not None and die.tag in wrappers:
            die = self.target(die)
        if die is not None and "DW_AT_declaration" in die.attributes:
            return self.structs.get(self.name(die) or "", die)
        return die

    def struct(self, name: str) -> Any:
        """The struct of this tag or typedef name; None when there is none."""
        if name in self.structs:
            return self.structs[name]
        for die in self.typedefs.get(name, []):
            bare = self.bare(die)
            if bare is not None and "DW_AT_byte_size" in bare.attributes:
                return bare
        return None

    def members(self, die: Any) -> Iterator[tuple[str | None, int, Any]]:
        """(name, offset, member) of one struct."""
        for member in die.iter_children():
            if member.tag == "DW_TAG_member":
                place = member.attributes.get("DW_AT_data_member_location")
                yield self.name(member), place.value if place else 0, member

    def find(self, die: Any, path: list[str]) -> tuple[int, Any] | None:
        """Offset and member DIE of a path, through anonymous structs and unions."""
        for name, offset, member in self.members(die):
            inner = self.bare(self.target(member))
            if name is None:
                found = self.find(inner, path)
            elif name == path[0]:
                if len(path) == 1:
                    return offset, member
                found = self.find(inner, path[1:])
            else:
                continue
            if found:
                return offset + found[0], found[1]
        return None

    def length(self, array: Any) -> int:
        """Elements of an array, of all its dimensions; 0 when it is open."""
        total = 1
        for child in array.iter_children():
            if "DW_AT_upper_bound" in child.attributes:
                total *= child.attributes["DW_AT_upper_bound"].value + 1
            elif "DW_AT_count" in child.attributes:
                total *= child.attributes["DW_AT_count"].value
            else:
                total = 0
        return total

    def value(self, source: str) -> int | None:
        """What one source of MM_AT_LIST or MM_PLACE_LIST comes to; None where it does not exist."""
        for one in source.split("|"):
            match = re.fullmatch(r"(?:(\w+)\()?([\w.]+)\)?", one)
            assert match is not None, one
            verb, path = match.groups()
            name, *rest = path.split(".")
            die = self.struct(name)
            if die is None:
                continue
            if verb == "sizeof":
                return int(die.attributes["DW_AT_byte_size"].value)
            found = self.find(die, rest)
            if found is None:
                continue
            offset, member = found
            if verb == "bitoffset":
                first = self.find(die, rest[:-1])
                assert first is not None
                return int(member.attributes["DW_AT_data_bit_offset"].value)
            bare = self.bare(self.target(member))
            if verb == "count":
                if bare.tag != "DW_TAG_array_type":
                    continue
                return self.length(bare)
            return offset
        return None

    def is_object(self, die: Any) -> bool:
        """Does this pointer point to a struct that begins as objects do?"""
        if die is None:
            return False
        bare = self.bare(die)
        if bare is None or bare.tag != "DW_TAG_structure_type":
            return False
        while self.name(bare) != "_object":
            first = next(self.members(bare), None)
            if first is None or first[1] != 0:
                return False
            bare = self.bare(self.target(first[2]))
            if bare is None or bare.tag not in ("DW_TAG_structure_type", "DW_TAG_union_type"):
                return False
        return True

    def words(self, die: Any, base: int, path: str) -> Iterator[tuple[int, str]]:
        """(offset, path) of every object pointer in a struct."""
        for name, offset, member in self.members(die):
            here = f"{path}.{name}" if path and name else (name or path)
            yield from self.words_of(self.bare(self.target(member)), base + offset, here)

    def words_of(self, bare: Any, at: int, here: str) -> Iterator[tuple[int, str]]:
        """(offset, path) of every object pointer in one member."""
        if bare is None:
            return
        if bare.tag == "DW_TAG_pointer_type":
            if self.is_object(self.target(bare)):
                yield at, here
        elif bare.tag == "DW_TAG_base_type":
            if POINTER_WORDS.fullmatch(here):
                yield at, here
        elif bare.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
            yield from self.words(bare, at, here)
        elif bare.tag == "DW_TAG_array_type" and 0 < self.length(bare) <= ARRAY_MAX:
            element = self.bare(self.target(bare))
            size = element.attributes["DW_AT_byte_size"].value if element else 8
            for i in range(self.length(bare)):
                yield from self.words_of(element, at + i * size, f"{here}[{i}]")


def wanted(header: Path, prefix: str) -> list[tuple[str, str]]:
    """(name, source) of the X-list `prefix` in a header."""
    text = header.read_text()
    body = text[text.index(f"#define {prefix}_LIST(X)") :]
    body = body[: re.search(r"[^\\]\n", body).end()]  # type: ignore[union-attr]
    return re.findall(r'X\(\s*(\w+),[\s\\]*"([^"]+)"\s*\)', body)


def rows(table: str, columns: int) -> Iterator[list[str]]:
    """Cells of a table beside this file, filled up to `columns`."""
    for line in (TOOLS / table).read_text().splitlines():
        if line and not line.startswith("#"):
            cells = line.split("\t")
            yield cells + [""] * (columns - len(cells))


def field_flags(text: str) -> str:
    """The C expression for `A|B` of the table."""
    return "|".join(f"MM_FIELD_{flag}" for flag in text.split("|") if flag) or "0"


def classify(path: str, rules: list[list[str]]) -> tuple[str, str] | None:
    """(name, flags) of a state word, or None when it is no reference."""
    for pattern, what in rules:
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        if what == "skip":
            return None
        if what == "borrowed":
            return path, "MM_FIELD_BORROWED"
        return match.expand(what), "0"
    return path, "0"


def merged(words: list[tuple[int, str, str]]) -> Iterator[str]:
    """Rows, with the elements of one array as one row whose name has an empty `[]`."""
    at = 0
    while at < len(words):
        offset, name, flags = words[at]
        array = re.sub(r"\[0\]", "[]", name, count=1)
        stride = words[at + 1][0] - offset if array != name and at + 1 < len(words) else 0
        count = 1
        while array != name and at + count < len(words):
            element = (offset + count * stride, array.replace("[]", f"[{count}]"), flags)
            if words[at + count] != element:
                break
            count += 1
        yield f'{{{offset}, {flags}, {count}, {stride}, "{array}"}}'
        at += count


def state_words(dwarf: Dwarf, name: str) -> list[tuple[int, str, str]]:
    """(offset, name, flags) of the references in one state struct, by offset."""
    die = dwarf.struct(name)
    rules = [cells[:2] for cells in rows("layout_words.tsv", 2)]
    found: dict[int, tuple[int, str, str]] = {}
    for offset, path in dwarf.words(die, 0, ""):
        kept = classify(path.removeprefix("base."), rules)
        if kept is not None:
            found.setdefault(offset, (offset, *kept))
    return [found[offset] for offset in sorted(found)]


def packed(items: list[str]) -> str:
    """Initialisers, as many on a line as fit."""
    lines: list[str] = []
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])


def c_array(element: str, name: str, items: list[str]) -> str:
    """A constant C array."""
    return f"static const {element} {name}[] = {{\n{packed(items)}\n}};\n"


def generate(binary: Path, minor: int, version: str) -> str:
    """The C file for one binary."""
    dwarf = Dwarf(binary)
    at = []
    for name, source in wanted(ROOT / "engine/base/free/layout.h", "MM_AT"):
        value = dwarf.value(source)
        at.append(f"[MM_AT_{name}] = {'MM_AT_NONE' if value is None else value}")
    place = []
    for name, source in wanted(ROOT / "engine/locate/layouts.h", "MM_PLACE"):
        value = dwarf.value(source)
        place.append(f"[MM_PLACE_{name}] = {'MM_PLACE_NONE' if value is None else value}")
    sizes = []
    for kind, struct in KIND_STRUCTS.items():
        value = dwarf.value("|".join(f"sizeof({one})" for one in struct.split("|")))
        if value is None:
            raise SystemExit(f"{binary}: no struct {struct}")
        sizes.append(f"{{MM_KIND_{kind.upper()}, {value}}}")
    fields = []
    for kind, source, name, flags in rows("layout_fields.tsv", 4):
        value = dwarf.value(source)
        if value is not None:
            fields.append(f'{{MM_KIND_{kind.upper()}, {field_flags(flags)}, {value}, "{name}"}}')
    tables: dict[str, str] = {}
    thread = "_PyThreadStateImpl" if dwarf.struct("_PyThreadStateImpl") else "_ts"
    parts = [
        f"// CPython {version}: made by tools/layouts.py from its debug information.",
        '#include "locate/layouts.h"',
        "",
        "// clang-format off",
        c_array("mm_kind_size", f"sizes_3_{minor}", sizes),
        c_array("mm_field_row", f"fields_3_{minor}", fields),
    ]
    for role, struct in (("interpreter", "_is"), ("thread", thread), ("runtime", "pyruntimestate")):
        words = list(merged(state_words(dwarf, struct)))
        if not words:
            continue
        tables[role] = f"{{{role}_3_{minor}, MM_COUNTOF({role}_3_{minor})}}"
        parts.append(c_array("mm_word_row", f"{role}_3_{minor}", words))
    parts.append(
        f"const mm_version_table mm_table_3_{minor} = {{\n    .minor = {minor},\n"
        f"    .at = {{\n{packed(at)}\n    }},\n    .place = {{\n{packed(place)}\n    }},\n"
        f"    .sizes = sizes_3_{minor},\n    .size_count = MM_COUNTOF(sizes_3_{minor}),\n"
        f"    .fields = fields_3_{minor},\n    .field_count = MM_COUNTOF(fields_3_{minor}),"
    )
    parts.extend(f"    .{role} = {table}," for role, table in tables.items())
    parts.append("};\n")
    return "\n".join(parts)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("binary", type=Path)
    parser.add_argument("version", help="as 3.11.7")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = generate(options.binary, int(options.version.split(".")[1]), options.version)
    if options.output:
        options.output.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
