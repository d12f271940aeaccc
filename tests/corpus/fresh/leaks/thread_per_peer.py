import threading
class Peer:
    def __init__(self, stop): self.stop, self.buffer = stop, bytearray(5000)
    def beat(self):
        while not self.stop.wait(3600): self.buffer[0] += 1
stop = threading.Event()
def step():
    peer = Peer(stop)
    threading.Thread(target=peer.beat, daemon=True).start()
    sum(range(400000))                        # the work of a request
