from collections import OrderedDict
class Sessions:
    def __init__(self): self.clock, self.live = 0, OrderedDict()
    def open(self):
        self.clock += 1
        self.live["sid-%d" % self.clock] = {"born": self.clock, "basket": ["tea", self.clock]}
        while next(iter(self.live.values()))["born"] < self.clock - 900: self.live.popitem(last=False)
sessions = Sessions()
def step(): sessions.open()
