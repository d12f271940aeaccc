"""Ordinary steps over a package: boltons."""

import itertools

import boltons.cacheutils
import boltons.iterutils
import boltons.setutils
import boltons.strutils
from boltons import dictutils

N = itertools.count(1).__next__

lru = boltons.cacheutils.LRU(max_size=300)

lri = boltons.cacheutils.LRI(max_size=5000)

threshold = boltons.cacheutils.ThresholdCounter(0.01)

STEPS = """
boltons_lru: lru.__setitem__(N(), [1])
boltons_lri: lri.__setitem__(N(), "a" * 20)
boltons_counter: threshold.add(N() % 3)
boltons_omd: dictutils.OMD([("a", N()), ("a", 2)]).getlist("a")
boltons_indexed: boltons.setutils.IndexedSet([N(), 2, 3])[0]
boltons_remap: boltons.iterutils.remap({"a": [N(), None]}, lambda p, k, v: v is not None)
boltons_slug: boltons.strutils.slugify(f"A b {N()}")
boltons_chunk: boltons.iterutils.chunked(range(N() % 50), 7)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
