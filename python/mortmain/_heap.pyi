from os import PathLike
from typing import TypedDict, final

class _Summary(TypedDict):
    runtime: str
    version: str
    door: str
    warning: str
    incomplete_reason: str
    object_count: int
    reference_count: int
    type_count: int
    bytes: int
    file_bytes: int
    incomplete_status: int

class _Counts(TypedDict):
    object_count: int
    reference_count: int
    unaccounted_count: int
    weak_count: int

def verify(
    path: str | bytes | PathLike[str] | PathLike[bytes],
    /,
    *,
    width: int = 80,
    ascii: bool = False,
) -> str: ...
def verify_json(path: str | bytes | PathLike[str] | PathLike[bytes], /) -> tuple[bool, str]: ...

@final
class Heap:
    def __new__(cls, path: str | bytes | PathLike[str] | PathLike[bytes], /) -> Heap: ...
    def summary(self, /) -> _Summary: ...
    def types(self, /) -> list[tuple[str, int, int]]: ...
    def why(
        self,
        what: str | int,
        /,
        *,
        verbose: bool = False,
        own: int = 0,
        caller: bool = False,
    ) -> Answer: ...

@final
class Answer:
    def counts(self, /) -> _Counts: ...
    def references(self, /) -> list[tuple[str, str, int]]: ...
    def holders(self, /) -> list[tuple[int, str, str]]: ...
    def source(self, chain: int, file: str, line: int, text: str, /) -> None: ...
    def head(self, /) -> str: ...
    def text(self, /, *, width: int = 80, colour: bool = False, ascii: bool = False) -> str: ...
    def json(self, /) -> str: ...
