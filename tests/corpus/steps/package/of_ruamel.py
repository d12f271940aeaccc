"""Ordinary steps over a package: ruamel."""

import io
import itertools

import ruamel.yaml

N = itertools.count(1).__next__


def _fresh(typ):
    """One that is used again keeps an entry of `doc_infos` for every document."""
    return ruamel.yaml.YAML(typ=typ, pure=True)


def _dump(yaml, data):
    yaml.dump(data, target := io.StringIO())
    return yaml.load(target.getvalue())


STEPS = """
ruamel_round: _dump(_fresh("rt"), {"n": N(), "l": [1, 2]})
ruamel_safe: _dump(_fresh("safe"), {"n": N()})
ruamel_comments: _fresh("rt").load(f"a: {N()}  # c\\nb: [1]\\n")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
