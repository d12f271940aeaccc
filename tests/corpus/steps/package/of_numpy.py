"""Ordinary steps over a package: numpy."""

import itertools

import numpy as np

N = itertools.count(1).__next__

rng = np.random.default_rng(2)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
numpy_sort: np.sort(rng.random(200))
numpy_matmul: rng.random((12, 12)) @ rng.random((12, 12))
numpy_solve: np.linalg.solve(np.eye(6) * (N() + 1), np.ones(6))
numpy_record: np.array([(N(), "a")], dtype=[("n", "i8"), ("s", "U5")])["n"]
numpy_dtype: np.dtype([(f"f{N()}", "f4"), ("b", "i2")]).names
numpy_masked: np.ma.masked_greater(np.arange(20), N() % 20).mean()
numpy_object: np.array([{}, [], N()], dtype=object).tolist()
numpy_text: np.array([f"a{N()}", "b"]).astype("S").tolist()
numpy_fft: np.fft.fft(rng.random(64 + N() % 50)).real.sum()
numpy_einsum: np.einsum("ij,jk->ik", np.eye(4), np.ones((4, 4)))
numpy_vectorize: np.vectorize(lambda v: v * 2)([1, N()])
numpy_error: _expect(lambda: np.ones(3) + np.ones(4 + N() % 7))
numpy_random: np.random.default_rng(N()).normal(size=20)
numpy_poly: np.polynomial.Polynomial([1, 2, N()]).roots()
numpy_datetime: np.datetime64("2020-01-01") + np.arange(N() % 30)
numpy_unique: np.unique(rng.integers(0, 50, 200), return_counts=True)
numpy_memoryview: memoryview(np.ones(N() % 40 + 1)).tobytes()
numpy_print: str(rng.random((3, 3)))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
