import numpy as np
ring, at = [None] * 64, 0
rng = np.random.default_rng(3)
def step():
    global at
    ring[at % 64] = rng.random(500)
    at += 1
    assert sum(float(a.mean()) for a in ring if a is not None) > 0
