"""Ordinary steps over a package: dns."""

import itertools

import dns.message
import dns.name

N = itertools.count(1).__next__

STEPS = """
dns_name: dns.name.from_text(f"a{N()}.example.org").parent()
dns_message: dns.message.from_wire(dns.message.make_query(f"n{N()}.org", "A").to_wire())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
