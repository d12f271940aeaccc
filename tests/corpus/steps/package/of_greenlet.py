"""Ordinary steps over a package: greenlet."""

import itertools

import greenlet

N = itertools.count(1).__next__


def _switch():
    def run(n):
        return greenlet.getcurrent().parent.switch(n)

    child = greenlet.greenlet(run)
    child.switch(N())
    return child.switch(1)


STEPS = """
greenlet_switch: _switch()
greenlet_dropped: greenlet.greenlet(lambda n: greenlet.getcurrent().parent.switch(n)).switch(N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
