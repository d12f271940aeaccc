"""Ordinary steps over a package: gevent."""

import itertools

import gevent
import gevent.queue

N = itertools.count(1).__next__


def _gevent_queue():
    queue = gevent.queue.Queue(3)
    jobs = [gevent.spawn(queue.put, N()), gevent.spawn(queue.get)]
    gevent.joinall(jobs)


STEPS = """
gevent_spawn: gevent.spawn(N).get()
gevent_pool: gevent.joinall([gevent.spawn(N) for _ in range(3)])
gevent_queue: _gevent_queue()
gevent_timeout: gevent.with_timeout(5, N)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
