import httpx
class Trace:
    def __init__(self): self.events = [0] * 40
    def __call__(self, request): self.events[0] += 1
client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(204)))
quiet = [0]
def fetch(path):
    trace = Trace()
    client.event_hooks["response"].append(lambda response, trace=trace: None)
    return path
def step():
    fetch("/items")
