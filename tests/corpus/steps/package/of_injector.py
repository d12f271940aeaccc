"""Ordinary steps over a package: injector."""

import itertools

import injector

N = itertools.count(1).__next__


class Service:
    pass


def _injected():
    return injector.Injector(lambda binder: binder.bind(Service, to=Service())).get(Service)


STEPS = """
injector_get: _injected()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
