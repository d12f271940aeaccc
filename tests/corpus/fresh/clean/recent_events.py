from collections import deque
recent = deque(maxlen=3000)
n = 0
def step():
    global n
    n += 1
    recent.append({"id": n, "what": "click %d" % n})
