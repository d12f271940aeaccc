"""Ordinary steps over a package: anyio."""

import asyncio
import itertools

import anyio

N = itertools.count(1).__next__

loop = asyncio.new_event_loop()


async def _nursery():
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)
        group.start_soon(anyio.sleep, 0)


async def _channel():
    send, receive = anyio.create_memory_object_stream(3)
    async with send, receive:
        await send.send(N())
        await receive.receive()


async def _scope():
    with anyio.move_on_after(5):
        await anyio.lowlevel.checkpoint()
    return await anyio.to_thread.run_sync(len, "abc")


STEPS = """
anyio_group: loop.run_until_complete(_nursery())
anyio_channel: loop.run_until_complete(_channel())
anyio_run: anyio.run(_nursery)
anyio_scope: anyio.run(_scope)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
