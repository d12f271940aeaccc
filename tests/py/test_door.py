"""The doors: a snapshot harms nobody and leaves nothing behind, whatever happens."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mortmain import Heap, MortmainError, Taken, _door, snapshot

sys.path.insert(0, str(Path(__file__).parent))
import hostile

PRELUDE = """
import gc, os, signal, sys, threading, time
import mortmain
from mortmain import _door

def children():
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[1]) == os.getpid():
                found.append(int(entry))
    return found

def failure(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except mortmain.MortmainError as error:
        assert "\\n" not in str(error)
        return str(error)
    raise AssertionError("it did not fail")
"""


def with_path(folder: Path | None) -> dict[str, str]:
    """The environment with one more folder of modules."""
    if folder is None:
        return dict(os.environ)
    known = filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *known])}


def run(tmp_path: Path, script: str, *, timeout: int = 120, path: Path | None = None) -> str:
    """Runs a script in a process and a folder of its own; answers what it printed."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    file = tmp_path / "script.py"
    file.write_text(PRELUDE + textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, file],
        cwd=work,
        env=with_path(path),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def left(tmp_path: Path) -> list[str]:
    return names(tmp_path / "work")


def descriptors() -> list[str]:
    return names(Path("/proc/self/fd"))


@pytest.fixture(scope="module")
def hostile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.build(tmp_path_factory.mktemp("hostile"))


# --- what is written ---


@pytest.mark.parametrize("in_process", [False, True])
def test_whole(tmp_path: Path, in_process: bool) -> None:
    path = tmp_path / "a.mort"
    taken = snapshot(path, in_process=in_process)
    assert isinstance(taken, Taken)
    assert (taken.door, taken.fallback) == ("in process" if in_process else "fork", "")
    assert taken.objects > 1000
    assert taken.references > taken.objects
    assert taken.retries == 0
    assert 0 < taken.pause_ns < taken.seconds * 1e9
    assert taken.file_bytes == path.stat().st_size
    summary = Heap.open(path).summary()
    assert summary.incomplete is None
    assert summary.object_count == taken.objects
    assert summary.reference_count == taken.references
    assert summary.door == taken.door
    assert summary.version == ".".join(map(str, sys.version_info[:3]))


def test_permissions(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        snapshot(tmp_path / "a.mort")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.mort").stat().st_mode) == 0o600


def test_kinds_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snapshot("a.mort")
    snapshot(b"b.mort")
    snapshot(str(tmp_path / "ü\udcff.mort"))
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(ValueError, match="null"):
        snapshot("a\0b")
    with pytest.raises(TypeError):
        snapshot(1)  # type: ignore[arg-type]


def test_no_descriptor_leaks(tmp_path: Path) -> None:
    snapshot(tmp_path / "first.mort")
    before = descriptors()
    snapshot(tmp_path / "a.mort")
    snapshot(tmp_path / "b.mort", in_process=True)
    for fails in (tmp_path / "a.mort", tmp_path / "no/where", tmp_path):
        with pytest.raises(MortmainError):
            snapshot(fails)
    with pytest.raises(MortmainError):
        _door.snapshot(tmp_path / "c.mort", kill_child=True)
    assert descriptors() == before


def test_memory_has_no_name(tmp_path: Path) -> None:
    descriptor, taken = _door.memory()
    try:
        assert not os.get_inheritable(descriptor)
        assert os.fstat(descriptor).st_size == taken["file_bytes"]
        summary = Heap.open(f"/proc/self/fd/{descriptor}").summary()
    finally:
        os.close(descriptor)
    assert summary.object_count == taken["objects"]


# --- where it may stand ---


def test_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mort"
    path.write_text("precious")
    with pytest.raises(MortmainError, match=r"cannot write the snapshot '.*a\.mort': it exists"):
        snapshot(path)
    assert path.read_text() == "precious"
    snapshot(path, force=True)
    assert Heap.open(path).summary().incomplete is None
    assert names(tmp_path) == ["a.mort"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_never_replaced(tmp_path: Path, force: bool) -> None:
    aim = tmp_path / "aim"
    link = tmp_path / "link.mort"
    link.symlink_to(aim)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path, Path("/dev/null")):
        with pytest.raises(MortmainError):
            snapshot(path, force=force)
    aim.write_text("precious")
    with pytest.raises(MortmainError, match="symbolic link"):
        snapshot(link, force=force)
    assert aim.read_text() == "precious"
    assert names(tmp_path) == ["aim", "link.mort", "pipe"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MortmainError, match="No such file or directory"):
        snapshot(tmp_path / "no" / "a.mort")
    with pytest.raises(MortmainError, match="does not name a file"):
        snapshot("")


def test_deleted_working_directory(tmp_path: Path) -> None:
    run(
        tmp_path,
        f"""
        os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
        assert "No such file" in failure(mortmain.snapshot, "a.mort")
        mortmain.snapshot({str(tmp_path / "work" / "a.mort")!r})
        assert str(mortmain.refs(sys.modules)) != ""
        """,
    )
    assert left(tmp_path) == ["a.mort"]


def test_full_disk(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import resource
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        for in_process in (False, True):
            said = failure(mortmain.snapshot, "a.mort", in_process=in_process)
            assert "File too large; make room" in said, said
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        mortmain.snapshot("b.mort")
        """,
    )
    assert left(tmp_path) == ["b.mort"]


# --- the child and the application ---


def test_nobody_sees_the_child(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        told = []
        signal.signal(signal.SIGCHLD, lambda *_: told.append("SIGCHLD"))
        stop = threading.Event()

        def reap():
            while not stop.is_set():
                try:
                    told.append(os.waitpid(-1, os.WNOHANG))
                except ChildProcessError:
                    pass

        thread = threading.Thread(target=reap)
        thread.start()
        for i in range(8):
            mortmain.snapshot(f"{i}.mort")
        stop.set()
        thread.join()
        assert told == [], told
        assert children() == []
        """,
    )


@pytest.mark.parametrize("handler", ["SIG_IGN", "SIG_DFL"])
def test_ignored_children(tmp_path: Path, handler: str) -> None:
    run(
        tmp_path,
        f"""
        signal.signal(signal.SIGCHLD, signal.{handler})
        assert mortmain.snapshot("a.mort").door == "fork"
        """,
    )


def test_application_forks_meanwhile(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        stop = threading.Event()
        ended = []

        def fork():
            while not stop.is_set():
                pid = os.fork()
                if pid == 0:
                    os._exit(3)
                ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        threads = [threading.Thread(target=fork) for _ in range(2)]
        for thread in threads:
            thread.start()
        for i in range(30):
            mortmain.snapshot("a.mort", force=True)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(ended) == {3}, set(ended)
        assert children() == []
        pid = os.fork()
        if pid == 0:
            mortmain.snapshot("b.mort")
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
    )
    assert left(tmp_path) == ["a.mort", "b.mort"]


def test_child_killed_at_once(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        assert "was killed" in failure(_door.snapshot, "a.mort", kill_child=True)
        mortmain.snapshot("b.mort")
        """,
    )
    assert left(tmp_path) == ["b.mort"]


def test_child_killed_while_it_walks(tmp_path: Path, hostile_path: Path) -> None:
    run(
        tmp_path,
        """
        import hostile_type
        loop = hostile_type.Loop()

        def kill():
            while not children():
                time.sleep(0.01)
            for pid in children():
                os.kill(pid, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        assert "was killed" in failure(mortmain.snapshot, "a.mort")
        thread.join()
        del loop
        mortmain.snapshot("b.mort")
        """,
        path=hostile_path,
    )
    assert left(tmp_path) == ["b.mort"]


@pytest.mark.parametrize("kind", ["Crash", "Loop", "Exit"])
def test_foreign_code_misbehaves(tmp_path: Path, hostile_path: Path, kind: str) -> None:
    run(
        tmp_path,
        f"""
        import hostile_type
        thing = hostile_type.{kind}()
        taken = _door.snapshot("a.mort", patience_ms=300)
        assert taken["retries"] == 1, taken
        assert taken["door"] == "fork"
        assert children() == []
        heap = mortmain.Heap.open("a.mort")
        assert heap.summary().incomplete is None
        assert [t for t in heap.types() if t.name == "hostile_type.{kind}"]
        """,
        path=hostile_path,
    )


def test_several_misbehave(tmp_path: Path, hostile_path: Path) -> None:
    run(
        tmp_path,
        """
        import hostile_type
        things = [hostile_type.Crash(), hostile_type.Loop(), hostile_type.Exit()]
        assert _door.snapshot("a.mort", patience_ms=300)["retries"] == 3
        """,
        path=hostile_path,
    )


def test_interrupt(tmp_path: Path, hostile_path: Path) -> None:
    run(
        tmp_path,
        """
        import hostile_type
        loop = hostile_type.Loop()

        def raises(number, frame):
            raise KeyError("from the handler")

        for handler, expected in ((signal.default_int_handler, KeyboardInterrupt),
                                  (raises, KeyError)):
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            begin = time.monotonic()
            try:
                mortmain.snapshot("a.mort")
            except expected:
                pass
            else:
                raise AssertionError("not interrupted")
            assert time.monotonic() - begin < 5
            assert children() == []
            assert os.listdir(".") == []

        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(children()))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        assert _door.snapshot("a.mort", patience_ms=1000)["retries"] == 1
        assert len(seen) == 1 and len(seen[0]) == 1
        """,
        path=hostile_path,
    )


def test_application_killed_meanwhile(tmp_path: Path, hostile_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    script = "import hostile_type, mortmain; x = hostile_type.Loop(); mortmain.snapshot('a.mort')"
    environment = with_path(hostile_path)
    with subprocess.Popen([sys.executable, "-c", script], cwd=work, env=environment) as process:
        child = 0
        while not child:
            listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            text = listed.read_text() if listed.exists() else _children_of(process.pid)
            child = int(text.split()[0]) if text.split() else 0
        process.kill()
    for _ in range(500):
        if not Path(f"/proc/{child}").exists() or _is_zombie(child):
            break
        os.sched_yield()
        subprocess.run(["sleep", "0.01"], check=True)
    else:
        raise AssertionError("the child outlived the application")
    assert names(work) == []


def _children_of(pid: int) -> str:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return done.stdout


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_clone_refused(tmp_path: Path) -> None:
    # A seccomp filter of our own: clone answers EPERM, everything else goes on.
    run(
        tmp_path,
        """
        import ctypes, platform, struct
        number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
        program = b"".join(
            struct.pack("HBBI", *row)
            for row in ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001),
                        (0x06, 0, 0, 0x7FFF0000))
        )
        buffer = ctypes.create_string_buffer(program)
        filter = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, filter, 0, 0) == 0, ctypes.get_errno()
        taken = mortmain.snapshot("a.mort")
        assert taken.door == "in process", taken
        assert "refused to clone this process: Operation not permitted" in taken.fallback, taken
        assert mortmain.Heap.open("a.mort").summary().door == "in process"
        """,
    )


# --- the interpreter ---


def test_inside_a_collection(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        said = []

        def callback(phase, info):
            for in_process in (False, True):
                said.append(failure(mortmain.snapshot, "a.mort", in_process=in_process))

        gc.callbacks.append(callback)
        gc.collect()
        gc.callbacks.clear()

        class Ring:
            def __init__(self):
                self.me = self
            def __del__(self):
                said.append(failure(mortmain.snapshot, "a.mort"))

        Ring()
        gc.collect()
        assert len(said) >= 5 and all("inside a garbage collection" in text for text in said), said
        mortmain.snapshot("b.mort")
        """,
    )
    assert left(tmp_path) == ["b.mort"]


def test_busy_threads(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import mmap
        stop = threading.Event()
        shared = {}

        def churn(seed):
            i = seed
            while not stop.is_set():
                i += 1
                shared[i % 997] = [object(), {"k": i, str(i): (i, [i])}, bytearray(i % 5000)]
                ring = []
                ring.append(ring)
                if i % 50 == 0:
                    area = mmap.mmap(-1, 1 << 20)
                    area[:4] = b"abcd"
                    area.close()
                    bytes(1 << 20)

        threads = [threading.Thread(target=churn, args=(n,)) for n in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        for thread in threads:
            thread.start()
        for i in range(100):
            taken = mortmain.snapshot("a.mort", force=True, in_process=i % 10 == 9)
            assert taken.objects > 1000
            if i % 10 == 0:
                assert mortmain.Heap.open("a.mort").summary().object_count == taken.objects
        stop.set()
        for thread in threads:
            thread.join()
        """,
        timeout=300,
    )


def test_from_a_thread_with_a_small_stack(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        threading.stack_size(128 * 1024)
        done = []
        thread = threading.Thread(target=lambda: done.append(mortmain.snapshot("a.mort")))
        thread.start()
        thread.join()
        assert done and done[0].door == "fork"
        """,
    )


def test_subinterpreters(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        other = interpreters.create()
        interpreters.run_string(other, "class Kept: pass\\nkept = [Kept() for _ in range(100)]")
        taken = mortmain.snapshot("a.mort")
        assert taken.objects > 1000
        assert mortmain.Heap.open("a.mort").summary().incomplete is None
        interpreters.destroy(other)
        mortmain.snapshot("b.mort")
        """,
    )


def test_import_costs_nothing() -> None:
    script = (
        "import sys; before = set(sys.modules); import mortmain;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['__future__', 'mortmain']\n"


def test_no_user_code_runs(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        def shout(self, *args, **kwargs):
            print("shouted", file=sys.stderr)
            raise RuntimeError

        names = ("__sizeof__", "__repr__", "__str__", "__getattr__", "__getattribute__", "__eq__",
                 "__hash__", "__bool__", "__len__", "__iter__", "__dir__", "__reduce_ex__")
        Loud = type("Loud", (), {**dict.fromkeys(names, shout), "__class__": property(shout)})
        kept = [Loud() for _ in range(10)]
        mortmain.snapshot("a.mort")
        mortmain.snapshot("b.mort", in_process=True)
        mortmain.refs(kept[0])
        mortmain.why(kept[0])
        """,
    )
