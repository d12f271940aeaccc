import io, logging, traceback
last = {}
def parse(text):
    numbers = [0] * 100
    return int(text) + len(numbers)
n = 0
def step():
    global n
    n += 1
    try:
        parse("no number %d" % n)
    except ValueError as error:
        last["error"] = error
        traceback.print_exc(file=io.StringIO())
        "".join(traceback.TracebackException.from_exception(error).format())
    logging.getLogger("quiet").debug("n", exc_info=True)
