import asyncio
async def worker(queue, out):
    while (item := await queue.get()) is not None: out.append(item * 2)
async def main():
    queue, out = asyncio.Queue(4), []
    task = asyncio.create_task(worker(queue, out))
    for i in range(10): await queue.put(i)
    await queue.put(None)
    await task
    return out
def step():
    assert asyncio.run(main())[-1] == 18
