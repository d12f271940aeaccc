from blinker import signal
price_changed = signal("price-changed")
class Chart:
    def __init__(self):
        self.points = [0.0] * 200
        price_changed.connect(self.redraw, weak=False)
    def redraw(self, sender, **more):
        self.points[0] = sender
def step():
    Chart().points.sort()
