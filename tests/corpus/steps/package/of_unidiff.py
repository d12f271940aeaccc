"""Ordinary steps over a package: unidiff."""

import itertools

import unidiff

N = itertools.count(1).__next__

PATCH = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"

STEPS = """
unidiff_parse: unidiff.PatchSet(PATCH)[0].added
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
