"""What `mortmain loop --try-fix` starts to learn what a step answers: writes it down, call by call.

Arguments: overlay.py, the overlay or "", kind, target, name, sys.path[0], the file to write, how
often to call, for how many seconds at most, and source files. One line for each call. What says
nothing of a value, its address above all, is left out. At the exit, which functions of these files
were called goes beside it, to the same name with ``.called``: what cleans up may run as late.
Knows: how to call a step. Must not know: what is compared.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import importlib
import importlib.util
import inspect
import os
import sys
import threading
import time
import types
from typing import Any

DEPTH, ITEMS = 4, 50


def describe(value: Any, depth: int = 0) -> str:
    """A value in words that are the same whenever it is the same."""
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return repr(value)[:2000]
    if depth < DEPTH and kind in (list, tuple):
        inner = ", ".join(describe(each, depth + 1) for each in value[:ITEMS])
        return f"{kind.__name__} {len(value)} [{inner}]"
    if depth < DEPTH and kind in (set, frozenset):
        inner = ", ".join(sorted(describe(each, depth + 1) for each in value))
        return f"{kind.__name__} {len(value)} {{{inner[:2000]}}}"
    if depth < DEPTH and kind is dict:
        pairs = list(value.items())[:ITEMS]
        inner = ", ".join(
            f"{describe(key, depth + 1)}: {describe(each, depth + 1)}" for key, each in pairs
        )
        return f"dict {len(value)} {{{inner}}}"
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, BaseException):
        return f"{name}{describe(value.args, depth + 1)}"
    if isinstance(value, type | types.FunctionType):
        return f"{name} {value.__qualname__}"
    return name


def load(kind: str, target: str, name: str) -> Any:
    """What is to be called."""
    if kind == "code":
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(name, "<setup>", "exec"), names)
        try:
            code = compile(target, "<stmt>", "eval")
        except SyntaxError:
            code = compile(target, "<stmt>", "exec")
        return lambda: eval(code, names)
    found: Any
    if kind == "module":
        found = importlib.import_module(target)
    else:
        plain = target.rpartition("/")[2].removesuffix(".py")
        while plain in sys.modules:
            plain += "_"
        spec = importlib.util.spec_from_file_location(plain, target)
        assert spec is not None
        loader: Any = spec.loader
        found = importlib.util.module_from_spec(spec)
        sys.modules[plain] = found
        # As a script: no compiled form of it is left beside it.
        exec(loader.source_to_code(loader.get_data(target), target), found.__dict__)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def call(step: Any, runner: asyncio.Runner) -> str:
    """What one call comes to."""
    try:
        value = step()
        if inspect.iscoroutine(value):
            value = runner.run(value)
    except Exception as error:
        return f"raised {describe(error)}"
    return f"returned {describe(value)}"


def note_calls(files: list[str], out: str) -> None:
    """Write down at the exit which functions of some files were called, each once."""
    seen: dict[int, types.CodeType] = {}

    def called(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.setdefault(id(frame.f_code), frame.f_code)

    def told() -> None:
        sys.setprofile(None)
        places = {each: os.path.realpath(each) for each in {c.co_filename for c in seen.values()}}
        lines = {
            f"{places[code.co_filename]}\t{code.co_qualname}\n"
            for code in list(seen.values())
            if places[code.co_filename] in files
        }
        with open(out, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123
            stream.writelines(sorted(lines))

    # What is registered first is called last.
    atexit.register(told)
    sys.setprofile(called)
    threading.setprofile(called)


def main() -> None:
    """Call it, and write down what it answers."""
    overlay, text, kind, target, name, path0, out, count, seconds, *files = sys.argv[1:]
    sys.argv[:] = ["-c" if kind == "code" else target]
    sys.path[0] = path0
    if text:
        names: dict[str, Any] = {"__name__": "overlay"}
        with open(overlay, "rb") as stream:  # noqa: PTH123
            exec(compile(stream.read(), overlay, "exec"), names)
        names["install"](text)
    note_calls(files, out + ".called")
    with open(out, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123
        step = load(kind, target, name)
        runner = asyncio.Runner()
        end = time.monotonic() + float(seconds)
        for number in range(int(count)):
            told = call(step, runner)
            stream.write(told.replace("\n", " ") + "\n")
            if number % 10 == 9:
                gc.collect()
            if number > 2 and time.monotonic() > end:
                break


main()
