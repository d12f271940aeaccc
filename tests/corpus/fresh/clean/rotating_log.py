import logging, logging.handlers, os, tempfile
path = os.path.join(tempfile.mkdtemp(), "service.log")
log = logging.getLogger("service")
log.propagate = False
log.setLevel(logging.INFO)
target = logging.handlers.RotatingFileHandler(path, maxBytes=20000, backupCount=2)
log.addHandler(logging.handlers.MemoryHandler(150, flushLevel=logging.ERROR, target=target))
n = 0
def step():
    global n
    n += 1
    log.info("request %d took %s ms", n, {"ms": n * 3})
    if n % 90 == 0:
        try: [][n]
        except IndexError: log.exception("lost %d", n)
