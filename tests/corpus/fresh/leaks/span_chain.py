from contextvars import ContextVar
current_span = ContextVar("current_span", default=None)
class Span:
    def __init__(self, name):
        self.name, self.parent, self.tags = name, current_span.get(), {"service": "shop"}
        current_span.set(self)                 # the token is thrown away, reset() never called
def step():
    Span("request").tags["status"] = 200
