class Handler:
    by_name = {}
    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        Handler.by_name[cls.__name__] = cls
n = 0
def step():
    global n
    n += 1
    made = type("Handler%d" % n, (Handler,), {"limit": n, "run": lambda self: self.limit})
    made().run()
