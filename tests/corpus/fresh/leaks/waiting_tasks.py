import asyncio
class Upload:
    def __init__(self): self.data = bytearray(1000)
loop = asyncio.new_event_loop()
shutdown = asyncio.Event()
async def abort_at_shutdown(upload):
    await shutdown.wait()
    upload.data.clear()
async def handle():
    upload = Upload()
    asyncio.ensure_future(abort_at_shutdown(upload))
    await asyncio.sleep(0)
def step():
    loop.run_until_complete(handle())
