import numpy as np
class Cell:
    def __init__(self, width):
        self.neighbours = np.empty(width, dtype=object)
        self.neighbours[0] = self
        self.state = 0
def step():
    Cell(8).state += 1
