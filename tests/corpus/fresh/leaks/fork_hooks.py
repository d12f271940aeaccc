import os, random
class Sampler:
    def __init__(self):
        self.random = random.Random(7)
        os.register_at_fork(after_in_child=self.reseed)
    def reseed(self): self.random.seed()
def step():
    Sampler().random.random()
