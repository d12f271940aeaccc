"""Ordinary steps over files, databases, documents, logs, processes and programs as data."""

import argparse
import ast
import atexit
import builtins
import bz2
import contextlib
import contextvars
import ctypes
import dis
import email
import email.message
import email.policy
import email.utils
import errno
import filecmp
import gc
import glob
import gzip
import http.client
import http.cookies
import imaplib
import importlib
import importlib.resources
import importlib.util
import inspect
import io
import itertools
import linecache
import logging
import logging.handlers
import lzma
import mimetypes
import mmap
import operator
import os
import pathlib
import pkgutil
import platform
import selectors
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import symtable
import sys
import tarfile
import tempfile
import timeit
import token
import tokenize
import traceback
import types
import typing
import unittest
import unittest.mock
import urllib.request
import urllib.robotparser
import warnings
import weakref
import xml.dom.minidom
import xml.etree.ElementTree as ET
import xml.sax
import zipfile
from html.parser import HTMLParser

numbers = itertools.count()
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="clean-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FILE = FOLDER / "file.txt"
FILE.write_text("line\n" * 100)
XML = "<a>" + "".join(f"<b id='{i}'>text {i}</b>" for i in range(20)) + "</a>"
database = sqlite3.connect(":memory:")
database.execute("create table t (a integer primary key, b text)")
quiet = logging.getLogger("clean.quiet")
quiet.addHandler(logging.NullHandler())
quiet.propagate = False
buffer = logging.handlers.MemoryHandler(50, target=logging.NullHandler())
buffered = logging.getLogger("clean.buffered")
buffered.addHandler(buffer)
buffered.propagate = False
variable = contextvars.ContextVar("variable", default=0)
MAIL = "From: a@b.test\nTo: c@d.test\nSubject: =?utf-8?q?h=C3=A9?=\n\nbody\n"


def file_read():
    return FILE.read_text().count("line")


def file_write():
    (FOLDER / "out.txt").write_text(str(next(numbers)))


def file_lines():
    with FILE.open() as stream:
        return sum(len(line) for line in stream)


def file_temporary():
    with tempfile.TemporaryFile() as stream:
        stream.write(b"x")
        return stream.tell()


def file_named_temporary():
    with tempfile.NamedTemporaryFile(dir=FOLDER) as stream:
        return stream.name


def file_folder():
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        pathlib.Path(name, "x").touch()
        return os.listdir(name)


def file_stat():
    return stat.filemode(os.stat(FILE).st_mode)


def file_glob():
    return glob.glob(str(FOLDER / "*.txt")), list(FOLDER.rglob("*"))


def file_paths():
    p = pathlib.PurePosixPath(f"/a/b/c{next(numbers)}.tar.gz")
    return p.suffixes, p.parent, p.with_name("x"), p.relative_to("/a")


def file_missing():
    try:
        open(FOLDER / "missing").close()
    except OSError as error:
        return errno.errorcode[error.errno]


def file_mmap():
    with FILE.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as m:
        return m[:4]


def file_compare():
    return filecmp.cmp(FILE, FILE, shallow=False)


def file_linecache():
    linecache.checkcache()
    return linecache.getline(str(FILE), 3)


def pipe():
    a, b = os.pipe()
    os.write(b, b"x")
    data = os.read(a, 1)
    os.close(a)
    os.close(b)
    return data


def socket_pair():
    a, b = socket.socketpair()
    with a, b:
        a.sendall(b"x")
        return b.recv(1)


def selector():
    a, b = socket.socketpair()
    with a, b, selectors.DefaultSelector() as chooser:
        chooser.register(a, selectors.EVENT_READ)
        b.send(b"x")
        return len(chooser.select(0))


def gzip_round():
    return gzip.decompress(gzip.compress(b"x" * 500))


def bz2_round():
    return bz2.decompress(bz2.compress(b"x" * 500))


def lzma_round():
    return lzma.decompress(lzma.compress(b"x" * 100, preset=0))


def zip_round():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", "text")
    with zipfile.ZipFile(stream) as archive:
        return archive.read("a")


def tar_round():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return len(stream.getvalue())


def sql_insert_delete():
    database.execute("insert into t (b) values (?)", (str(next(numbers)),))
    database.execute("delete from t")


def sql_select():
    return database.execute("select 1, 'x', 2.5, null").fetchall()


def sql_new_statements():
    return database.execute(f"select {next(numbers)}").fetchone()


def sql_transaction():
    with contextlib.suppress(ZeroDivisionError), database:
        database.execute("insert into t (b) values ('x')")
        raise ZeroDivisionError


def sql_error():
    try:
        database.execute("selec")
    except sqlite3.Error as error:
        return str(error)


def sql_connection():
    connection = sqlite3.connect(":memory:")
    connection.create_function("f", 1, lambda x: x)
    connection.row_factory = sqlite3.Row
    row = connection.execute("select f(1) as a").fetchone()
    connection.close()
    return row["a"]


def xml_tree():
    return [b.get("id") for b in ET.fromstring(XML).iter("b")]


def xml_build():
    root = ET.Element("r")
    for i in range(10):
        ET.SubElement(root, "c", n=str(i)).text = "x"
    return ET.tostring(root)


def xml_find():
    return ET.fromstring(XML).find(f"./b[@id='{next(numbers) % 20}']")


def xml_new_paths():
    return ET.fromstring(XML).findall(f"./b[@id='{next(numbers)}']")


def xml_pull():
    parser = ET.XMLPullParser()
    parser.feed(XML)
    return sum(1 for _ in parser.read_events())


def xml_sax():
    xml.sax.parseString(XML, xml.sax.ContentHandler())


def xml_dom_unlinked():
    document = xml.dom.minidom.parseString(XML)
    n = len(document.getElementsByTagName("b"))
    document.unlink()
    return n


def xml_error():
    try:
        ET.fromstring("<a>")
    except ET.ParseError as error:
        return error.position


def html_parser():
    parser = HTMLParser()
    parser.feed("<p class=a>x<br>&amp;</p>" * 10)
    parser.close()


def mail_parse():
    return email.message_from_string(MAIL)["subject"]


def mail_parse_new():
    return email.message_from_string(MAIL, policy=email.policy.default)["subject"]


def mail_build():
    message = email.message.EmailMessage()
    message["Subject"] = f"n {next(numbers)}"
    message.set_content("text")
    message.add_attachment(b"x", maintype="a", subtype="b", filename="f")
    return message.as_bytes()


def mail_addresses():
    return email.utils.getaddresses(["A <a@b.test>, c@d.test"]), email.utils.formatdate(0)


def http_cookies():
    cookie = http.cookies.SimpleCookie("a=1; b=2")
    return cookie.output()


def http_headers():
    return http.client.parse_headers(io.BytesIO(b"A: b\r\nC: d\r\n\r\n"))["a"]


def http_request():
    request = urllib.request.Request("http://a.test/b", headers={"X": "y"})
    return request.host, request.get_header("X")


def http_robots():
    robots = urllib.robotparser.RobotFileParser()
    robots.parse(["User-agent: *", "Disallow: /x"])
    return robots.can_fetch("a", "http://a.test/x")


def http_opener():
    return len(urllib.request.build_opener().handlers)


def imap_date():
    return imaplib.Time2Internaldate(0)


def mime_guess():
    return mimetypes.guess_type(f"a{next(numbers)}.html")


def log_quiet():
    quiet.warning("message %s", next(numbers))


def log_disabled():
    quiet.debug("message %s", next(numbers))


def log_buffered():
    buffered.error("message %s", next(numbers))


def log_exception():
    try:
        raise ValueError(next(numbers))
    except ValueError:
        quiet.exception("failed")


def log_handler_added_and_removed():
    handler = logging.StreamHandler(io.StringIO())
    quiet.addHandler(handler)
    quiet.info("x")
    quiet.removeHandler(handler)
    handler.close()


def log_child():
    return logging.getLogger(f"clean.quiet.{next(numbers) % 20}").getEffectiveLevel()


def log_adapter():
    logging.LoggerAdapter(quiet, {"a": 1}).warning("x")


def log_rotating():
    handler = logging.handlers.RotatingFileHandler(FOLDER / "log", maxBytes=2000, backupCount=1)
    record = logging.LogRecord("n", 10, "p", 1, "m %d", (next(numbers),), None)
    handler.emit(record)
    handler.close()


def warn_same():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("same", stacklevel=1)


def warn_recorded():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.warn(f"n {next(numbers)}", stacklevel=1)
    return len(seen)


def raise_caught():
    try:
        raise KeyError(next(numbers))
    except KeyError as error:
        return error.args


def raise_chained():
    try:
        try:
            raise KeyError(1)
        except KeyError as error:
            raise ValueError(2) from error
    except ValueError as error:
        return traceback.format_exception(error)


def raise_group():
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError:
        pass
    except* TypeError:
        pass


def traceback_summary():
    return traceback.extract_stack()[-1].name


def context_stack():
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.nullcontext())
        stack.callback(len, "x")


def context_redirect():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print("x")
    return out.getvalue()


def context_variable():
    mark = variable.set(next(numbers))
    variable.reset(mark)


def context_variable_kept():
    variable.set(next(numbers))


def context_copy():
    return contextvars.copy_context().run(variable.get)


def args_parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("-x", type=int, choices=range(5))
    parser.add_argument("rest", nargs="*")
    return parser.parse_args(["-x", "3", "a"])


def args_subparsers():
    parser = argparse.ArgumentParser()
    parser.add_subparsers(dest="verb").add_parser("go").add_argument("--fast")
    return parser.parse_args(["go", "--fast", "1"]).verb


def code_compile():
    return compile(f"x = {next(numbers)}\ny = x + 1", "<text>", "exec").co_names


def code_exec():
    names = {}
    exec("def f(a):\n    return a + 1\nx = f(2)", names)
    return names["x"]


def code_eval():
    return eval(f"{next(numbers)} + 1")


def code_ast():
    return ast.unparse(ast.parse("def f(x, *, y=1):\n    return [x for x in y if x]"))


def code_literal():
    return ast.literal_eval(f"{{'a': [{next(numbers)}, (2, 3)]}}")


def code_transform():
    return ast.fix_missing_locations(ast.NodeTransformer().visit(ast.parse("a = b + c")))


def code_tokens():
    return [token.tok_name[t.type] for t in tokenize.tokenize(io.BytesIO(b"a = 1\n").readline)]


def code_dis():
    return dis.Bytecode(code_compile).dis()


def code_symbols():
    return symtable.symtable("def f(): x = 1", "f", "exec").get_children()[0].get_name()


def code_timeit():
    return timeit.timeit("pass", number=3)


def inspect_signature():
    return str(inspect.signature(argparse.ArgumentParser.add_argument))


def inspect_source():
    return len(inspect.getsource(inspect_signature))


def inspect_members():
    return len(inspect.getmembers(FILE))


def inspect_stack():
    return inspect.currentframe().f_code.co_name


def inspect_static():
    return inspect.getattr_static(FILE, "name", None)


def typing_hints():
    def f(a: int, b: "list[str]") -> None: ...

    return typing.get_type_hints(f)


def typing_generics():
    return typing.Optional[typing.Dict[str, typing.List[int]]]


def typing_many_literals():
    return typing.Literal[next(numbers) % 300]


def import_again():
    return importlib.import_module("json.decoder").__name__


def import_reload():
    return (
        importlib.reload(sys.modules["colorsys"])
        if "colorsys" in sys.modules
        else __import__("colorsys")
    )


def import_spec():
    return importlib.util.find_spec("json").origin


def import_missing():
    try:
        importlib.import_module("no_such_module_anywhere")
    except ImportError as error:
        return error.name


def import_from_text():
    module = types.ModuleType("made")
    exec("x = 1", module.__dict__)
    return module.x


def import_added_and_removed():
    sys.modules["made_here"] = types.ModuleType("made_here")
    del sys.modules["made_here"]


def import_walk():
    return [m.name for m in pkgutil.iter_modules(importlib.import_module("json").__path__)]


def weak_reference():
    thing = Thing()
    return weakref.ref(thing)() is thing


weak_values = weakref.WeakValueDictionary()
weak_keys = weakref.WeakKeyDictionary()
weak_set = weakref.WeakSet()


class Thing:
    def method(self):
        return 1


def weak_dictionary():
    thing = Thing()
    weak_values[next(numbers)] = thing
    return len(weak_values)


def weak_key_dictionary():
    thing = Thing()
    weak_keys[thing] = [1]
    return len(weak_keys)


def weak_set_member():
    thing = Thing()
    weak_set.add(thing)
    return len(weak_set)


def weak_finalize():
    thing = Thing()
    weakref.finalize(thing, len, "x")


def weak_method():
    thing = Thing()
    return weakref.WeakMethod(thing.method)()()


def class_made():
    return type("Made", (), {"x": next(numbers)})().x


def class_slots():
    class Slots:
        __slots__ = ("a",)

    thing = Slots()
    thing.a = 1
    return thing.a


def class_property():
    class Local:
        @property
        def x(self):
            return 1

    return Local().x


def closure_made():
    n = next(numbers)
    return (lambda: n)()


def recursion():
    def f(n):
        return n if n < 2 else f(n - 1) + f(n - 2)

    return f(8)


def cycle_made():
    a, b = [], []
    a.append(b)
    b.append(a)


def collect():
    return gc.collect(0)


def ctypes_struct():
    return ctypes.sizeof(ctypes.c_int * 5), ctypes.create_string_buffer(b"x").value


def ctypes_call():
    return ctypes.pythonapi.Py_IsInitialized()


def signal_handler():
    old = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, old)


def environ_set():
    # glibc keeps each value that was ever set: new ones for ever would be a leak.
    os.environ["CLEAN_STEP"] = str(next(numbers) % 10)
    del os.environ["CLEAN_STEP"]


def platform_text():
    return platform.platform(), sys.version_info[0]


def mock_local():
    mock = unittest.mock.Mock(return_value=1)
    mock(2)
    mock.assert_called_once_with(2)


def mock_patch():
    with unittest.mock.patch.object(os, "getpid", return_value=5):
        return os.getpid()


def mock_reset():
    shared_mock(next(numbers))
    shared_mock.reset_mock()


shared_mock = unittest.mock.Mock()


def test_case():
    case = unittest.FunctionTestCase(lambda: None)
    result = unittest.TestResult()
    case.run(result)
    return result.testsRun


def process_true():
    return subprocess.run(["true"], check=True).returncode


def process_output():
    return subprocess.check_output(["echo", "x"])


def process_fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def ssl_bytes():
    return len(ssl.RAND_bytes(20))


def path_walk():
    return sum(len(files) for _, _, files in os.walk(FOLDER))


def shutil_copy():
    return shutil.copy(FILE, FOLDER / "copy.txt")


def stdin_name():
    return builtins.len(
        operator.attrgetter("a.b")(types.SimpleNamespace(a=types.SimpleNamespace(b="x")))
    )
