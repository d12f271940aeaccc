import functools
@functools.singledispatch
def encode(thing): return repr(thing)
def plugin(version):
    class Message:
        number = version
    @encode.register(Message)
    def _(thing): return thing.number
    return Message
n = 0
def step():
    global n
    n += 1
    encode(plugin(n)())
