"""Ordinary steps over a package: yarl."""

import itertools

import yarl

N = itertools.count(1).__next__

STEPS = """
yarl_url: yarl.URL(f"https://a.org/{N()}/b") / "c"
yarl_query: yarl.URL("https://a.org").with_query({"n": N()})
yarl_join: yarl.URL("https://a.org/x/").join(yarl.URL(f"../y{N()}"))
yarl_build: yarl.URL.build(scheme="https", host=f"h{N()}.org", path="/p")
yarl_human: yarl.URL(f"https://a.org/{N()} \\u00e9").human_repr()
yarl_parts: yarl.URL(f"https://h{N()}.org/a/b/c").parts
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
