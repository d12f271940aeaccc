"""Ordinary steps over a package: simpy."""

import itertools

import simpy

N = itertools.count(1).__next__


def _simulate():
    env = simpy.Environment()

    def car():
        with simpy.Resource(env, 1).request() as request:
            yield request
            yield env.timeout(3)

    for _ in range(3):
        env.process(car())
    env.run(until=20)


STEPS = """
simpy_run: _simulate()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
