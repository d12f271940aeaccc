"""Ordinary steps over a package: tenacity."""

import itertools

import tenacity

N = itertools.count(1).__next__

retry = tenacity.Retrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_none())


def _fails_twice(seen):
    seen.append(1)
    if len(seen) < 3:
        raise OSError("not yet")


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
tenacity_retries: retry.copy()(_fails_twice, [])
tenacity_decorated: _expect(lambda: tenacity.retry(stop=tenacity.stop_after_attempt(2))(lambda: 1 / 0)())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
