import threading
from concurrent.futures import ThreadPoolExecutor
def step():
    lock, total = threading.Lock(), []
    def add(i):
        with lock: total.append(i)
    with ThreadPoolExecutor(2) as pool: list(pool.map(add, range(6)))
    t = threading.Timer(60, add, (1,))
    t.start(); t.cancel(); t.join()
    assert sorted(total) == list(range(6))
