import io, logging
buffer = io.StringIO()
log = logging.getLogger("job")
log.propagate = False
log.addHandler(logging.StreamHandler(buffer))
n = 0
def step():
    global n
    n += 1
    log.warning("row %d could not be read", n)
