from os import PathLike
from typing import TypedDict

class _Taken(TypedDict):
    door: str
    fallback: str
    warning: str
    objects: int
    references: int
    unreadable: int
    memory_bytes: int
    file_bytes: int
    pause_ns: int
    seconds: float
    retries: int

def snapshot(
    path: str | bytes | PathLike[str] | PathLike[bytes],
    /,
    *,
    force: bool = False,
    in_process: bool = False,
    keys: bool = False,
    census: bool = False,
    patience_ms: int = 10000,
    kill_child: bool = False,
) -> _Taken: ...
def memory(
    *,
    in_process: bool = False,
    keys: bool = True,
    patience_ms: int = 10000,
    phase: str | None = None,
    steps: int = 0,
) -> tuple[int, _Taken]: ...
def run(
    kind: str,
    target: str,
    argv: list[str],
    orig_argv: list[str],
    path0: str | None,
    snapshot: str,
    ask: str,
    /,
) -> None: ...
def loop(kind: str, target: str, name: str, path0: str, folder: str, talk: str = "", /) -> None: ...
def listen(page: str, signal: int, /) -> None: ...
def unlisten() -> None: ...
def trace(frames: int, /) -> bool: ...
def untrace() -> None: ...
def made_at(addresses: bytes, /) -> tuple[list[tuple[tuple[str, int], ...]], bytes] | None: ...
def references_held(address: int, /) -> int: ...
