"""A snapshot of a bare interpreter, or of a large program.

Usage: accounting.py FILE bare|large

The large one imports most of the standard library and makes some hundred thousand objects of every
kind. Prints how many objects the snapshot has.
"""

from __future__ import annotations

import gc
import sys

from mortmain import _door

MODULES = """
argparse array ast asyncio base64 bdb bisect bz2 calendar cmd code codecs collections colorsys
concurrent.futures configparser contextlib contextvars copy csv ctypes dataclasses datetime decimal
difflib dis doctest email.message email.mime.text enum filecmp fileinput fnmatch fractions ftplib
functools getpass gettext glob graphlib gzip hashlib heapq hmac html.parser http.client http.server
imaplib importlib.metadata inspect io ipaddress itertools json keyword linecache locale logging
logging.config lzma mailbox math mimetypes multiprocessing netrc numbers operator optparse pathlib
pdb pickle pickletools pkgutil platform plistlib poplib pprint profile pstats pyclbr pydoc queue
quopri random re reprlib rlcompleter sched secrets selectors shelve shlex shutil site smtplib socket
socketserver sqlite3 ssl statistics string struct subprocess symtable sysconfig tabnanny tarfile
tempfile textwrap threading timeit token tokenize trace traceback tracemalloc types typing
unicodedata unittest unittest.mock urllib.request uuid venv warnings wave weakref webbrowser
wsgiref.simple_server xml.dom.minidom xml.etree.ElementTree xml.sax xmlrpc.client zipapp zipfile
zipimport zoneinfo
"""


def large() -> object:
    """Modules, syntax trees, instances, closures, generators, exceptions, tables of data."""
    import ast
    import collections
    import dataclasses
    import decimal
    import functools
    import importlib
    import re
    from pathlib import Path

    loaded = []
    for name in MODULES.split():
        try:
            loaded.append(importlib.import_module(name))
        except ImportError:  # built without its library
            continue

    @dataclasses.dataclass
    class Row:
        number: int
        label: str
        parts: list[tuple[int, str]]

    def closure(number: int) -> object:
        return lambda: number

    def steps(number: int) -> object:
        yield number

    def failed(number: int) -> Exception:
        try:
            raise ValueError(number)
        except ValueError as error:
            return error

    sources = sorted(Path(ast.__file__).parent.glob("*.py"))[:40]
    return [
        loaded,
        [ast.parse(path.read_bytes()) for path in sources],
        [Row(n + 1000, f"row {n}", [(n + 2000, f"part {n}")]) for n in range(20_000)],
        [closure(n + 3000) for n in range(2000)],
        [steps(n + 4000) for n in range(2000)],
        [failed(n + 5000) for n in range(2000)],
        [decimal.Decimal(n) for n in range(2000)],
        [functools.partial(int, n + 6000) for n in range(2000)],
        [collections.deque([n + 7000]) for n in range(2000)],
        [re.compile(f"a{n}b") for n in range(300)],
        {f"key {n}": {n + 8000, str(n)} for n in range(5000)},
    ]


def main() -> None:
    """Build, take, print."""
    keep = large() if sys.argv[2] == "large" else None
    gc.collect()
    print(_door.snapshot(sys.argv[1], force=True)["objects"])
    del keep


if __name__ == "__main__":
    main()
