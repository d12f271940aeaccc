"""Ordinary steps over a package: pandas."""

import itertools

import numpy as np
import pandas as pd

N = itertools.count(1).__next__

table = pd.DataFrame({"k": list("abcab") * 8, "v": range(40), "w": np.linspace(0, 1, 40)})

dates = pd.date_range("2024-01-01", periods=48, freq="h")

series = pd.Series(range(48), index=dates)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
pandas_groupby: table.groupby("k")["v"].agg(["sum", "mean"])
pandas_merge: table.merge(table.head(3), on="k")
pandas_pivot: table.pivot_table(index="k", values="v", aggfunc="sum")
pandas_assign: table.assign(n=N()).query("v > 30")
pandas_column: table.copy().__setitem__(f"c{N()}", 1)
pandas_resample: series.resample("6h").sum()
pandas_rolling: series.rolling(5).mean().iloc[-1]
pandas_csv: pd.read_csv(__import__("io").StringIO(f"a,b\\n1,{N()}\\n"))
pandas_json: table.head(3).to_json()
pandas_text: table["k"].str.upper().str.cat()
pandas_category: table["k"].astype("category").cat.codes.sum()
pandas_apply: table.head(5).apply(lambda r: r["v"] + N(), axis=1)
pandas_concat: pd.concat([table.head(2), table.tail(2)])
pandas_loc: table.set_index("v").loc[N() % 40]
pandas_dates: pd.to_datetime(f"2024-03-{N() % 28 + 1:02d}")
pandas_offset: pd.Timestamp("2024-01-31") + pd.offsets.MonthEnd(N() % 20)
pandas_multi: table.set_index(["k", "v"]).sort_index().index.levels
pandas_interval: pd.cut(table["v"], 4 + N() % 5).value_counts()
pandas_key_error: _expect(lambda: table[f"none{N()}"])
pandas_repr: repr(table.head(3))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
