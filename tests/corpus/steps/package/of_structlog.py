"""Ordinary steps over a package: structlog."""

import itertools
import logging

import structlog

N = itertools.count(1).__next__

quiet = structlog.wrap_logger(
    logging.getLogger("steps"), processors=[structlog.processors.JSONRenderer()]
)

STEPS = """
structlog_line: quiet.bind(n=N()).info("said")
structlog_bind: structlog.get_logger().bind(a=1).bind(n=N()).unbind("a")
structlog_context: (structlog.contextvars.bind_contextvars(n=N()), structlog.contextvars.clear_contextvars())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
