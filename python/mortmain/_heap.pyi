from os import PathLike
from typing import TypeAlias, TypedDict, final

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

# (chain, file, line, text)
_Source: TypeAlias = tuple[int, str, int, str] | tuple[int, str, int, str, _Fix | None]
# (cure, role, type, checked, patch, proven or -1,
#  (objects before, steps before, objects after, steps after), -1 for unknown ones, hint)
_Fix: TypeAlias = tuple[
    str, str | None, str, tuple[str, ...], str | None, int, tuple[int, int, int, int], str | None
]
_Steps: TypeAlias = tuple[tuple[str, str | None, bool], ...]
# (finding, kind, leak, type, holder, cure, role, file,
#  (file, scope, attribute, anchors), path, ring,
#  type held, can be weak, by identity, leads back, grown objects, steps,
#  ((file, scope, attribute, anchors, depth), ...))
_Cure: TypeAlias = tuple[
    int,
    str,
    bool,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    tuple[str, str, str, tuple[tuple[str, int], ...]] | None,
    _Steps,
    _Steps,
    str | None,
    bool,
    bool,
    bool,
    int,
    int,
    tuple[tuple[str, str, str, tuple[tuple[str, int], ...], int], ...],
]
# (file, what to call it, line, function, text)
_Line: TypeAlias = tuple[str, str, int, str | None, str | None]
# (finding, objects, line, called at)
_Site: TypeAlias = tuple[int, int, _Line, _Line | None]
# (chain, file, scope, attribute, ((qualified name, first line), ...))
_Scope: TypeAlias = tuple[int, str, str, str, tuple[tuple[str, int], ...]]
# (kind, is leak, is hidden, is own type, type, grown objects, holder, role, path)
_Row: TypeAlias = tuple[
    str,
    bool,
    bool,
    bool,
    str | None,
    int | None,
    str | None,
    str | None,
    tuple[tuple[str, str | None, bool], ...],
]

def verify(
    path: str | bytes | PathLike[str] | PathLike[bytes],
    /,
    *,
    width: int = 80,
    ascii: bool = False,
) -> tuple[str, str]: ...
def verify_json(
    path: str | bytes | PathLike[str] | PathLike[bytes], /
) -> tuple[bool, str, str]: ...
def grow(paths: list[str], /) -> Findings: ...
def diff(paths: list[str], /) -> Findings: ...

@final
class Heap:
    def __new__(cls, path: str | bytes | PathLike[str] | PathLike[bytes], /) -> Heap: ...
    def summary(self, /) -> _Summary: ...
    def warning(self, /) -> str: ...
    def types(self, /) -> list[tuple[str, int, int]]: ...
    def types_text(
        self,
        /,
        *,
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
        verbose: bool = False,
    ) -> str: ...
    def types_json(self, /) -> str: ...
    def tree_text(
        self,
        /,
        *,
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
        verbose: bool = False,
    ) -> str: ...
    def tree_json(self, /, *, verbose: bool = False) -> str: ...
    def findings(self, /) -> Findings: ...
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
    def scopes(self, /) -> list[_Scope]: ...
    def head(self, /) -> str: ...
    def text(
        self,
        /,
        *,
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
        sources: tuple[_Source, ...] = (),
    ) -> str: ...
    def json(self, /, *, sources: tuple[_Source, ...] = ()) -> str: ...

@final
class Findings:
    def verdict(self, /) -> str: ...
    def has_leak(self, /) -> bool: ...
    def cures(self, /) -> list[_Cure]: ...
    def against_text(
        self,
        after: Findings,
        name: str,
        after_name: str,
        /,
        *,
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
        sites: tuple[_Site, ...] = (),
        after_sites: tuple[_Site, ...] = (),
    ) -> str: ...
    def against_json(
        self,
        after: Findings,
        name: str,
        after_name: str,
        /,
        *,
        sites: tuple[_Site, ...] = (),
        after_sites: tuple[_Site, ...] = (),
    ) -> str: ...
    def cycles_text(
        self, /, *, width: int = 80, colour: bool = False, ascii: bool = False
    ) -> str: ...
    def cycles_json(self, /) -> str: ...
    def rows(self, /) -> list[_Row]: ...
    def one_text(
        self,
        number: int,
        /,
        *,
        width: int = 80,
        sources: tuple[_Source, ...] = (),
        sites: tuple[_Site, ...] = (),
    ) -> str: ...
    def scopes(self, /) -> list[_Scope]: ...
    def text(
        self,
        /,
        *,
        width: int = 80,
        colour: bool = False,
        ascii: bool = False,
        verbose: bool = False,
        sources: tuple[_Source, ...] = (),
        sites: tuple[_Site, ...] = (),
    ) -> str: ...
    def json(
        self, /, *, sources: tuple[_Source, ...] = (), sites: tuple[_Site, ...] = ()
    ) -> str: ...
    def wanted(self, /) -> tuple[bool, bool]: ...
    def made(
        self, path: str, waiting: bool, all: bool = False, /
    ) -> list[tuple[int, int, bytes]]: ...
    def place(self, files: tuple[str, ...], /) -> int: ...
