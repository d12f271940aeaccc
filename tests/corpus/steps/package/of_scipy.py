"""Ordinary steps over a package: scipy."""

import itertools

import numpy as np
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats

N = itertools.count(1).__next__

rng = np.random.default_rng(2)

STEPS = """
scipy_optimize: scipy.optimize.minimize(lambda v: (v[0] - N()) ** 2, [0.0])
scipy_root: scipy.optimize.brentq(lambda v: v * v - 2, 0, 2 + N())
scipy_sparse: scipy.sparse.random(20, 20, 0.1).tocsr().dot(np.ones(20))
scipy_stats: scipy.stats.norm(N(), 1).cdf(3)
scipy_ttest: scipy.stats.ttest_ind(rng.random(20), rng.random(20))
scipy_spline: scipy.interpolate.CubicSpline([0, 1, 2], [0, N(), 4])(1.5)
scipy_filter: scipy.signal.lfilter([1.0], [1.0, -0.5], rng.random(30))
scipy_lu: scipy.linalg.lu_factor(rng.random((6, 6)))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
