import asyncio
class Feed:
    def __init__(self): self.subscribers = set()
    def publish(self, event):
        for queue in list(self.subscribers)[:3]: queue.put_nowait(event) if not queue.full() else None
feed, loop = Feed(), asyncio.new_event_loop()
async def websocket():
    queue = asyncio.Queue(2)
    feed.subscribers.add(queue)               # nobody discards it when the socket closes
    feed.publish({"type": "hello"})
    await asyncio.sleep(0)
def step():
    loop.run_until_complete(websocket())
