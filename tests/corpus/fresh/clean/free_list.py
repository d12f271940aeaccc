import random
class Bullet:
    free = []
    def __init__(self): self.trail = [0.0] * 30
    @classmethod
    def fire(cls): return cls.free.pop() if cls.free else cls()
    def hit(self):
        if len(self.free) < 1000: self.free.append(self)
flying, dice = [], random.Random(11)
def step():
    flying.append(Bullet.fire())
    if len(flying) > 40 and dice.random() < 0.7:
        while len(flying) > dice.randrange(40): flying.pop().hit()
