"""Signal in the place of blinker's and Django's, for their own tests.

    python signal_adapters.py blinker FOLDER     the folder of blinker's tests
    python signal_adapters.py django FOLDER      the folder that Django's tests/dispatch is in

Prints one line of JSON: the names of the tests that passed, and those that failed with what they
said last. An adapter is what somebody would write who moves from one to the other: other defaults,
another order of arguments. What is left out has no counterpart; test_weak_signal_suites.py says
why.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import types
import unittest
import warnings

from mortmain.weak import Signal


class BlinkerSignal(Signal):
    """As blinker calls it: everything weak unless asked, the sender in second place."""

    def __new__(cls, doc=None):
        self = super().__new__(cls)
        self.__doc__ = doc
        return self

    def __init__(self, doc=None):
        """A signal."""

    def connect(self, receiver, sender=Signal.ANY, weak=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return super().connect(receiver, sender=sender, weak=weak)

    def connect_via(self, sender, weak=False):
        return lambda receiver: self.connect(receiver, sender, weak)

    def has_receivers_for(self, sender):
        return bool(self.receivers_for(sender))

    # What blinker's tests look into to see that the dead are gone: there is nothing like it here.
    _by_receiver = _by_sender = types.MappingProxyType({})

    @property
    def receivers(self):
        """By number, those for one sender too, of whom only the number is told."""
        return dict(enumerate(self.receivers_for() or [None] * len(self)))


class DjangoSignal(Signal):
    """As Django calls it: no sender is any, and receivers get all by name."""

    def __new__(cls, use_caching=False):
        return super().__new__(cls)

    def connect(self, receiver, sender=None, weak=True):
        super().connect(receiver, sender=self.ANY if sender is None else sender, weak=weak)

    def disconnect(self, receiver, sender=None):
        return super().disconnect(receiver, self.ANY if sender is None else sender)

    def send(self, sender, **named):
        return super().send(sender=sender, signal=self, **named)

    def send_robust(self, sender, **named):
        return super().send_robust(sender=sender, signal=self, **named)

    def has_listeners(self, sender=None):
        return bool(self.receivers_for(sender))

    @property
    def receivers(self):
        return [None] * len(self)


def run_blinker(folder: str) -> tuple[list[str], dict[str, str]]:
    """The tests are functions for pytest."""
    import pytest

    blinker = types.ModuleType("blinker")
    blinker.Signal, blinker.ANY = BlinkerSignal, Signal.ANY
    sys.modules["blinker"] = blinker

    class Notes:
        passed: list[str] = []  # noqa: RUF012
        failed: dict[str, str] = {}  # noqa: RUF012

        def pytest_runtest_logreport(self, report):
            name = report.nodeid.rpartition("::")[2]
            if report.failed:
                self.failed[name] = str(report.longrepr)[-2000:]
            elif report.when == "call" and report.passed:
                self.passed.append(name)

    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", folder]
    with contextlib.redirect_stdout(io.StringIO()):
        files = [f"{folder}/test_{name}.py" for name in ("signals", "context")]
        pytest.main([*options, *files, "-W", "ignore"], plugins=[Notes()])
    return Notes.passed, Notes.failed


def run_django(folder: str) -> tuple[list[str], dict[str, str]]:
    """The tests are a unittest's."""
    sys.path.insert(0, folder)
    import django
    import django.dispatch
    from django.conf import settings

    settings.configure(DATABASES={})
    django.setup()
    django.dispatch.Signal = DjangoSignal
    passed: list[str] = []

    class Result(unittest.TextTestResult):
        def addSuccess(self, test):
            super().addSuccess(test)
            passed.append(test.id().rpartition(".")[2])

    suite = unittest.defaultTestLoader.loadTestsFromName("dispatch.tests")
    runner = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Result)
    result = runner.run(suite)
    failed = {
        case.id().rpartition(".")[2]: trace[-2000:]
        for case, trace in result.failures + result.errors
    }
    return passed, failed


if __name__ == "__main__":
    passed, failed = {"blinker": run_blinker, "django": run_django}[sys.argv[1]](sys.argv[2])
    print(json.dumps({"passed": sorted(passed), "failed": failed}), flush=True)
