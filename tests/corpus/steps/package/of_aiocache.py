"""Ordinary steps over a package: aiocache."""

import asyncio
import itertools

import aiocache

N = itertools.count(1).__next__

loop = asyncio.new_event_loop()


@aiocache.cached(ttl=60, key_builder=lambda f, n: str(n % 40))
async def _cached(n):
    return n


STEPS = """
aiocache_get: loop.run_until_complete(_cached(N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
