import logging
class Peer:
    def __init__(self, address):
        self.log = logging.getLogger("net.peer.%s" % address)
        self.log.debug("connected")
n = 0
def step():
    global n
    n += 1
    Peer("10-0-%d-%d" % (n >> 8, n & 255))
