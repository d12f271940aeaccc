"""Ordinary steps over a package: oauth."""

import itertools

import oauthlib.oauth1

N = itertools.count(1).__next__

STEPS = """
oauth_sign: oauthlib.oauth1.Client("key", "secret", nonce=str(N()), timestamp="1").sign("https://a.org/x")
oauth_params: oauthlib.common.urldecode(f"a=b&n={N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
