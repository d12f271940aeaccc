import numpy as np
class Monitor:
    def __init__(self): self.peaks = []
    def see(self, frame):
        top = int(frame.argmax())
        self.peaks.append(frame[top:top + 1])      # a view of one number keeps the whole frame
monitor = Monitor()
def step():
    monitor.see(np.random.default_rng(1).random(4000))
