import sys
class Collector:
    def __init__(self): self.records = []
    def __call__(self, record): self.records.append(record)
collector = sys.unraisablehook = Collector()
class Handle:
    def __init__(self): self.block = bytearray(600)
    def __del__(self): raise RuntimeError("already closed")
def step():
    Handle()
