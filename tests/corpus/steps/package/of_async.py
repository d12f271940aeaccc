"""Ordinary steps over a package: async."""

import asyncio
import itertools

import async_lru

N = itertools.count(1).__next__

loop = asyncio.new_event_loop()


@async_lru.alru_cache(maxsize=64)
async def _remembered(n):
    await asyncio.sleep(0)
    return [n]


STEPS = """
async_lru_get: loop.run_until_complete(_remembered(N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
