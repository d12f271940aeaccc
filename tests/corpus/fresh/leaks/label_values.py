from prometheus_client import CollectorRegistry, Counter
registry = CollectorRegistry()
requests_total = Counter("requests", "Requests", ["path", "user"], registry=registry)
n = 0
def step():
    global n
    n += 1
    requests_total.labels(path="/login", user="user-%d" % n).inc()
