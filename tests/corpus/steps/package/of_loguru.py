"""Ordinary steps over a package: loguru."""

import io
import itertools

import loguru

N = itertools.count(1).__next__
loguru.logger.remove()
loguru.logger.add(lambda message: None)

STEPS = """
loguru_line: loguru.logger.info("number {}", N())
loguru_bound: loguru.logger.bind(n=N()).debug("a")
loguru_added: loguru.logger.remove(loguru.logger.add(io.StringIO()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
