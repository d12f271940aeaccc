"""Builds the walker as one flat, freestanding, position-independent image, and refuses a bad one.

Knows the compiler flags of the freestanding build: the meson target and the hygiene test both come
here, so that there is one list. The image may have no undefined symbol, no relocation and no
writable memory: it is copied into other processes at any address.

SIMD registers are allowed: the image runs in a process of its own, whose registers nobody shares.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "engine/capture/blob.ld"
ENTRY = "mm_blob_entry"
FLAGS = [
    "-std=c11",
    "-O2",
    "-ffreestanding",
    "-fPIE",
    "-fno-plt",
    "-fvisibility=hidden",
    "-fno-stack-protector",
    "-fno-sanitize=all",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fno-common",
    "-fno-ident",
    "-fcf-protection=none",
    "-DMM_FREESTANDING=1",
    "-DNDEBUG",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Werror",
    f"-I{ROOT / 'engine'}",
]
# A switch that only picks a string becomes a table of pointers, and pointers need relocations: each
# compiler has its own word against that. Jump tables are relative, they may stay.
GCC_FLAGS = ["-fno-tree-switch-conversion", "-fno-tree-loop-distribute-patterns"]
CLANG_FLAGS = ["-mllvm", "-switch-to-lookup=false"]
LINK_FLAGS = [
    "-nostdlib",
    "-static-pie",
    "-Wl,--no-undefined",
    "-Wl,--build-id=none",
    "-Wl,-z,text,-z,noexecstack,-z,norelro",
    f"-Wl,-T,{SCRIPT}",
]
# Output sections of blob.ld beside the image, and what it means if one is not empty.
MEANING = {
    ".relocations": "a relocation (an address stored in memory: use an offset)",
    ".pointers": "a table of pointers (use offsets into one array)",
    ".writable": "initialised writable data",
    ".zeroed": "zeroed writable data",
}


class BlobError(Exception):
    """The image could not be built, or breaks a rule; the message says which."""


def run(command: list[str]) -> str:
    """Runs a command and returns its output; its complaint becomes the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BlobError(f"{' '.join(command)}\n{done.stderr}{done.stdout}".rstrip())
    return done.stdout


def compile_all(cc: list[str], sources: list[Path], folder: Path) -> tuple[list[str], set[str]]:
    """Compiles each source; returns the objects and every file they were made from."""
    is_clang = "clang" in run([*cc, "--version"]).lower()
    flags = FLAGS + (CLANG_FLAGS if is_clang else GCC_FLAGS)
    objects: list[str] = []
    inputs: set[str] = set()
    for index, source in enumerate(sources):
        target = folder / f"{index}-{source.stem}.o"
        listing = target.with_suffix(".d")
        where = ["-MMD", "-MF", str(listing), "-c", str(source), "-o", str(target)]
        run([*cc, *flags, *where])
        text = listing.read_text().replace("\\\n", " ")
        inputs.update(text.partition(":")[2].split())
        objects.append(str(target))
    return objects, inputs


def check(elf: Path) -> int:
    """Raises if the linked image breaks a rule; returns its size in bytes."""
    # [Nr] Name Type Address Off Size ES Flg ...: what has the flag A is there at run time.
    row = re.compile(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+\S+\s+\S+\s+([0-9a-f]+)\s+\S+\s+\w*A")
    found = filter(None, map(row.match, run(["readelf", "-SW", str(elf)]).splitlines()))
    sizes = {match[1]: int(match[2], 16) for match in found}
    for section, size_bytes in sizes.items():
        if section != ".blob" and size_bytes:
            meaning = MEANING.get(section, "a section that engine/capture/blob.ld does not place")
            raise BlobError(f"{elf.name}: {section} has {size_bytes} bytes: {meaning}")
    relocations = run(["readelf", "-rW", str(elf)]).strip()
    if "no relocations" not in relocations:
        raise BlobError(f"{elf.name}: relocations remain:\n{relocations}")
    symbols = run(["nm", str(elf)]).splitlines()
    undefined = [line.split()[-1] for line in symbols if line.split()[-2] in "Uvw"]
    if undefined:
        raise BlobError(f"{elf.name}: undefined: {', '.join(undefined)}")
    entry = [line.split()[0] for line in symbols if line.split()[-1] == ENTRY]
    if [int(address, 16) for address in entry] != [0]:
        raise BlobError(f"{elf.name}: {ENTRY} is not at offset 0: put it in section .text.{ENTRY}")
    return sizes[".blob"]


def build(cc: list[str], sources: list[Path], elf: Path, flat: Path | None) -> tuple[int, set[str]]:
    """Builds `elf` and its flat copy; returns the image's bytes and the files it was made from."""
    with tempfile.TemporaryDirectory() as name:
        objects, inputs = compile_all(cc, sources, Path(name))
        run([*cc, *LINK_FLAGS, *objects, "-o", str(elf)])
    size_bytes = check(elf)
    if flat is not None:
        objcopy = shutil.which("objcopy") or "objcopy"
        run([objcopy, "-O", "binary", "-j", ".blob", str(elf), str(flat)])
        if flat.stat().st_size != size_bytes:
            raise BlobError(f"{flat.name}: {flat.stat().st_size} bytes, not {size_bytes}")
    return size_bytes, inputs


def main() -> int:
    """Builds once, from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="cc", help="compiler, with its arguments")
    parser.add_argument("--elf", type=Path, required=True)
    parser.add_argument("--bin", type=Path)
    parser.add_argument("--depfile", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    options = parser.parse_args()
    try:
        _, inputs = build(options.cc.split(), options.sources, options.elf, options.bin)
    except BlobError as error:
        options.elf.unlink(missing_ok=True)
        print(f"blob: {error}", file=sys.stderr)
        return 1
    if options.depfile is not None:
        options.depfile.write_text(f"{options.elf}: {' '.join(sorted(inputs))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
