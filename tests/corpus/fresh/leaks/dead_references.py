import weakref
class Shape:
    def __init__(self, canvas):
        self.xs = [0] * 30
        canvas.shapes.append(weakref.ref(self))
class Canvas:
    def __init__(self): self.shapes = []
    def draw(self): return [s for s in (r() for r in self.shapes[-20:]) if s is not None]
canvas = Canvas()
def step():
    Shape(canvas)
    canvas.draw()
