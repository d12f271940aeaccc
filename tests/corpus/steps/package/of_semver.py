"""Ordinary steps over a package: semver."""

import itertools

import semver

N = itertools.count(1).__next__

STEPS = """
semver_compare: semver.Version.parse(f"1.2.{N()}").bump_minor()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
