import asyncio
class Connection:
    def __init__(self, loop):
        self.buffer = bytearray(800)
        self.timeout = loop.call_later(86400, self.on_timeout)
    def on_timeout(self): self.buffer.clear()
    def close(self): self.buffer.clear()       # forgets self.timeout.cancel()
loop = asyncio.new_event_loop()
async def talk():
    Connection(loop).close()
def step():
    loop.run_until_complete(talk())
