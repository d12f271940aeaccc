"""Ordinary steps over a package: tqdm."""

import io
import itertools

import tqdm

N = itertools.count(1).__next__


def _progress_bar():
    return sum(tqdm.tqdm(range(N() % 20), file=io.StringIO(), mininterval=0))


STEPS = """
tqdm_bar: _progress_bar()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
