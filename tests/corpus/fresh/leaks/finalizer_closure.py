import weakref
class Lease:
    def __init__(self, size):
        self.buffer = bytearray(size)
        weakref.finalize(self, lambda: self.buffer.clear())
def step():
    Lease(2000)
