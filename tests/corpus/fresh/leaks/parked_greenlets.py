import gevent, gevent.event
class Socket:
    def __init__(self): self.buffer = bytearray(600)
stopping = gevent.event.Event()
def watch(socket):
    stopping.wait()
    socket.buffer.clear()
def step():
    gevent.spawn(watch, Socket())
    gevent.sleep(0)
