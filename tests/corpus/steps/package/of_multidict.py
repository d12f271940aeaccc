"""Ordinary steps over a package: multidict."""

import itertools

import multidict

N = itertools.count(1).__next__

STEPS = """
multidict_add: multidict.MultiDict(a=1).add("b", N())
multidict_ci: multidict.CIMultiDict({"Content-Type": "a"}).extend({"n": str(N())})
multidict_proxy: multidict.MultiDictProxy(multidict.MultiDict(a=N())).copy()
multidict_popall: multidict.MultiDict([("a", 1), ("a", N())]).popall("a")
multidict_istr: multidict.istr(f"X-{N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
