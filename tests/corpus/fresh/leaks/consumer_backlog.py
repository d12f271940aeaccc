import queue, threading
class Job:
    def __init__(self): self.payload = bytearray(500)
jobs, handled = queue.Queue(), threading.Semaphore(0)
def consume():
    backlog = []
    while True:
        job = jobs.get()
        backlog.append(job)                    # meant to be sent in batches
        if len(backlog) > 10 ** 9: backlog.clear()
        del job
        handled.release()
threading.Thread(target=consume, daemon=True).start()
def step():
    jobs.put(Job())
    handled.acquire()
