import contextvars, decimal
user = contextvars.ContextVar("user", default=None)
n = 0
def handle(name):
    token = user.set({"name": name})
    try:
        with decimal.localcontext() as context:
            context.prec = 8 + n % 20
            return decimal.Decimal(n) / 7
    finally: user.reset(token)
def step():
    global n
    n += 1
    handle("u%d" % n)
    contextvars.copy_context().run(user.set, n)
