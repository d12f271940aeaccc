import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
pool = ThreadPoolExecutor(3)
local = threading.local()
def work(i):
    if not hasattr(local, "seen"): local.seen = {}
    local.seen[i % 200] = [i] * 5
    return len(local.seen)
n = 0
def step():
    global n
    n += 1
    list(as_completed([pool.submit(work, n * 3 + i) for i in range(3)]))
