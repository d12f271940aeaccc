from multiprocessing.util import Finalize
class Channel:
    def __init__(self): self.buffer = bytearray(400)
    def drain(self): self.buffer.clear()
def open_channel():
    channel = Channel()
    Finalize(None, channel.drain, exitpriority=10)
    return channel
def step():
    open_channel().buffer[0] = 1
