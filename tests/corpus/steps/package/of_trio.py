"""Ordinary steps over a package: trio."""

import itertools

import trio

N = itertools.count(1).__next__


async def _trio_nursery():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0)
        nursery.start_soon(trio.lowlevel.checkpoint)


async def _trio_channel():
    send, receive = trio.open_memory_channel(2)
    async with send, receive:
        await send.send(N())
        return await receive.receive()


STEPS = """
trio_nursery: trio.run(_trio_nursery)
trio_channel: trio.run(_trio_channel)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
