import contextlib, tempfile
class Resource:
    def __init__(self): self.block = bytearray(700)
    def __enter__(self): return self
    def __exit__(self, *what): self.block.clear()
service = contextlib.ExitStack()              # closed when the service ends
def handle():
    resource = service.enter_context(Resource())
    return len(resource.block)
def step():
    handle()
