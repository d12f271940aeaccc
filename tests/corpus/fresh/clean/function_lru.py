import functools
class Shape:
    def __init__(self, n): self.n = n
@functools.lru_cache(maxsize=4096)
def render(n): return Shape(n)
n = 0
def step():
    global n
    n += 1
    render(n).n
