"""What must not compile with <mortmain.h>, and that the header is C++ as well.

Each misuse stands beside the same lines used well: those compile, so it is the misuse that is
refused and nothing else. Prints TAP.

    misuse.py INCLUDE COMPILER...
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
#include <mortmain.h>
struct plain {{ int number; }};
struct other {{ mort_object head; int number; }};
struct mine {{
    mort_object head;
    struct mine *strong;
    struct other *second;
    mort_object *any;
    mort_weak weak;
    mort_array array;
    struct plain *foreign;
    int number;
    char *text;
}};
{table}
static const mort_spec mine_spec = {{"Mine", sizeof(struct mine), mine_fields, NULL, NULL}};
int main(void) {{
    mort_heap *heap = NULL;
    mort_type *type = NULL;
    if (mort_heap_new(&heap, NULL) != MORT_OK) {{
        return 1;
    }}
    if (mort_type_new(&type, heap, &mine_spec) != MORT_OK) {{
        return 1;
    }}
    struct mine *object = (struct mine *)mort_new(type);
    {call}
    mort_release(object);
    return mort_heap_free(heap) == 0 ? 0 : 1;
}}
"""
TABLE = "MORT_FIELDS(mine, {});"
STRONG = "MORT_STRONG(mine, strong)"
CALL = "mort_set(&object->strong, object->strong);"


@dataclass(frozen=True, slots=True)
class Misuse:
    """A mistake, and the same done well; each is a row of a field table or a call."""

    name: str
    wrong: str
    right: str
    is_call: bool = False

    def programs(self) -> tuple[str, str]:
        """The program with the mistake, and the one without."""

        def program(line: str) -> str:
            if self.is_call:
                return PROGRAM.format(table=TABLE.format(STRONG), call=line)
            return PROGRAM.format(table=TABLE.format(line), call=CALL)

        return program(self.wrong), program(self.right)


MISUSES = (
    Misuse("strong: a pointer to no object", "MORT_STRONG(mine, foreign)", STRONG),
    Misuse("strong: text", "MORT_STRONG(mine, text)", "MORT_STRONG(mine, second)"),
    Misuse("strong: a number", "MORT_STRONG(mine, number)", STRONG),
    Misuse("strong: a weak field", "MORT_STRONG(mine, weak)", STRONG),
    Misuse("strong: an array", "MORT_STRONG(mine, array)", STRONG),
    Misuse("strong: any object", "MORT_STRONG(mine, any)", "MORT_STRONG_ANY(mine, any)"),
    Misuse("any: a pointer of a type", "MORT_STRONG_ANY(mine, strong)", STRONG),
    Misuse("strong: no such member", "MORT_STRONG(mine, absent)", STRONG),
    Misuse("weak: a pointer", "MORT_WEAK(mine, strong)", "MORT_WEAK(mine, weak)"),
    Misuse("weak: a pointer to any object", "MORT_WEAK(mine, any)", "MORT_WEAK(mine, weak)"),
    Misuse("weak: an array", "MORT_WEAK(mine, array)", "MORT_WEAK(mine, weak)"),
    Misuse("array: a weak field", "MORT_ARRAY(mine, weak)", "MORT_ARRAY(mine, array)"),
    Misuse("array: a pointer", "MORT_ARRAY(mine, strong)", "MORT_ARRAY(mine, array)"),
    Misuse(
        "set: an integer for an address",
        "mort_set(object->number, object->strong);",
        "mort_set(&object->strong, object->strong);",
        is_call=True,
    ),
    Misuse(
        "set: the pointer for its address",
        "mort_set(object->strong, object->strong);",
        "mort_set(&object->strong, object->strong);",
        is_call=True,
    ),
    Misuse(
        "give: a weak field",
        "mort_give(&object->weak, NULL);",
        "mort_give(&object->any, NULL);",
        is_call=True,
    ),
    Misuse(
        "take: an array",
        "mort_release(mort_take(&object->array));",
        "mort_release(mort_take(&object->strong));",
        is_call=True,
    ),
)


def compiles(command: list[str], suffix: str, program: str) -> bool:
    """True if a compiler accepts a program."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"program{suffix}"
        source.write_text(program)
        done = subprocess.run(
            [*command, "-fsyntax-only", str(source)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    return done.returncode == 0


def main() -> int:
    """Compiles all of it; the status says whether each was as it should."""
    include, compiler = sys.argv[1], sys.argv[2:]
    count = 0
    failed = 0

    def ok(passed: bool, name: str) -> None:
        nonlocal count, failed
        count += 1
        failed += not passed
        print(f"{'' if passed else 'not '}ok {count} - {name}")

    c = [*compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
    cxx_path = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    cxx = [cxx_path or "", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
    for misuse in MISUSES:
        wrong, right = misuse.programs()
        ok(compiles(c, ".c", right), f"C: used well, beside {misuse.name}")
        ok(not compiles(c, ".c", wrong), f"C: {misuse.name}")
        if cxx_path is None:
            count += 1
            print(f"ok {count} - C++: {misuse.name} # SKIP no C++ compiler")
            continue
        good = compiles([*cxx, "-std=c++20"], ".cc", right)
        bad = compiles([*cxx, "-std=c++11"], ".cc", wrong)
        ok(good and not bad, f"C++: {misuse.name}")
    if cxx_path is not None:
        _, right = MISUSES[0].programs()
        ok(compiles([*cxx, "-std=c++11"], ".cc", right), "C++11: used well")
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
