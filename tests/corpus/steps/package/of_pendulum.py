"""Ordinary steps over a package: pendulum."""

import itertools

import pendulum

N = itertools.count(1).__next__

STEPS = """
pendulum_parse: pendulum.parse(f"2024-05-{N() % 28 + 1:02d}").add(days=3)
pendulum_diff: pendulum.datetime(2024, 1, 1).diff(pendulum.datetime(2024, 1, N() % 28 + 1)).in_words()
pendulum_zone: pendulum.from_timestamp(N()).in_timezone("Asia/Tokyo")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
