"""Makes an import of one source file read another text, in the process that runs this.

The file on disk stays as it is, and so does its compiled form. Nothing of this package is imported:
the names here live in a namespace of their own, which the loaded code never sees.
Arguments: a file whose first line is the path and whose rest is the text.
Knows: the import system. Must not know: what the text is for.
"""

import _frozen_importlib_external as external
import os
from typing import Any


def install(overlay: str) -> None:
    """Read this text from now on wherever the path is loaded."""
    with open(overlay, "rb") as stream:  # noqa: PTH123
        path = stream.readline()[:-1].decode("utf-8", "surrogateescape")
        text = stream.read()
    loader: Any = external.SourceFileLoader
    get_data, get_code = loader.get_data, loader.get_code

    def is_it(name: object) -> bool:
        return isinstance(name, str) and os.path.realpath(name) == path

    def read(self: Any, name: Any) -> Any:
        return text if is_it(name) else get_data(self, name)

    def code(self: Any, fullname: str) -> Any:
        name = self.get_filename(fullname)
        return self.source_to_code(text, name) if is_it(name) else get_code(self, fullname)

    loader.get_data, loader.get_code = read, code
