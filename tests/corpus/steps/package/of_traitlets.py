"""Ordinary steps over a package: traitlets."""

import itertools

import traitlets

N = itertools.count(1).__next__


class Settings(traitlets.HasTraits):
    n = traitlets.Int()
    names = traitlets.List(traitlets.Unicode())


settings = Settings()


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


def _observed():
    def hear(change):
        return change["new"]

    settings.observe(hear, "n")
    settings.n = N()
    settings.unobserve(hear, "n")


STEPS = """
traitlets_set: setattr(settings, "n", N())
traitlets_new: Settings(n=N(), names=["a"]).trait_names()
traitlets_observe: _observed()
traitlets_wrong: _expect(lambda: setattr(settings, "n", f"x{N()}"))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
