"""Ordinary steps over a package: twisted."""

import itertools

import twisted.internet.defer
import twisted.internet.task

N = itertools.count(1).__next__


def _deferred():
    first = twisted.internet.defer.Deferred()
    first.addCallback(lambda v: v + 1).addErrback(lambda f: None)
    first.callback(N())
    return first


def _deferred_failure():
    failed = twisted.internet.defer.fail(ValueError(str(N())))
    return failed.addErrback(lambda f: f.getErrorMessage())


@twisted.internet.defer.inlineCallbacks
def _inline():
    value = yield twisted.internet.defer.succeed(N())
    return value


def _clock():
    clock = twisted.internet.task.Clock()
    clock.callLater(3, N)
    clock.advance(5)


STEPS = """
twisted_callback: _deferred()
twisted_failure: _deferred_failure()
twisted_inline: _inline()
twisted_clock: _clock()
twisted_gather: twisted.internet.defer.gatherResults([_deferred(), _inline()])
twisted_lock: twisted.internet.defer.DeferredLock().run(N)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
