import asyncio
loop = asyncio.new_event_loop()
async def fetch(i):
    await asyncio.sleep(0)
    return {"i": i, "body": bytes(i)}
async def crawl():
    tasks = [asyncio.ensure_future(fetch(i)) for i in range(8)]
    done, _ = await asyncio.wait(tasks)
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0)
    except asyncio.TimeoutError:
        pass
    return len(done)
def step():
    assert loop.run_until_complete(crawl()) == 8
