"""Steps whose tables have a number beside them: a bound in the first half, none in the second."""

import collections
import functools
import itertools
import sys
import weakref

FAR = 10_000_000
MAX_ROWS = FAR
REPORT_SIZE = FAR

_numbers = itertools.count()


def fresh():
    return [next(_numbers)]


def decorated(function):
    @functools.wraps(function)
    def wrapped(*arguments):
        return function(*arguments)

    return wrapped


# ---- bounded -------------------------------------------------------------------------------------


class Slotted:
    __slots__ = ("capacity", "entries", "ratio")

    def __init__(self):
        self.capacity = FAR
        self.entries = {}
        self.ratio = 0.5


class Measured:
    def __init__(self):
        self.n = FAR
        self.entries = {}
        self.hits = {"found": 0}

    def put(self, value):
        self.entries[value[0]] = value
        if len(self.entries) > self.n:
            self.entries.clear()
        self.hits["found"] += 1


class Ordered(collections.OrderedDict):
    def __init__(self):
        super().__init__()
        self.size = FAR

    def put(self, value):
        self[value[0]] = value
        if len(self) > self.size:
            self.popitem(last=False)


class Wrapped:
    limit = FAR

    def __init__(self):
        self.entries = collections.deque()

    @decorated
    def put(self, value):
        self.entries.append(value)
        while len(self.entries) > self.limit:
            self.entries.popleft()


class Shelf:
    limit = FAR
    books = {}  # noqa: RUF012

    @classmethod
    def add(cls, value):
        cls.books[value[0]] = value
        if len(cls.books) > cls.limit:
            cls.books.clear()


class Link:
    def __init__(self, value, before):
        self.value = value
        self.before = before


class Linked:
    """A table, and links to all of its values in their order."""

    def __init__(self):
        self.limit = FAR
        self.links = {}
        self.last = Link(None, None)

    def put(self, value):
        self.last = self.links[value[0]] = Link(value, self.last)
        if len(self.links) > self.limit:
            self.links.clear()


class Order:
    def __init__(self):
        self.keys = {}

    def add(self, key):
        self.keys[key] = None


class Indexed:
    """A table, and an order of its keys, which is an object of its own."""

    def __init__(self):
        self.limit = FAR
        self.entries = {}
        self.order = Order()

    def put(self, value):
        self.entries[str(value)] = value
        self.order.add(next(reversed(self.entries)))
        if len(self.entries) > self.limit:
            self.entries.clear()


_slotted, _measured, _ordered, _wrapped = Slotted(), Measured(), Ordered(), Wrapped()
_linked, _indexed = Linked(), Indexed()
_rows = {}
_parsed = {}


def in_slots():
    value = fresh()
    _slotted.entries[value[0]] = value


def in_attribute():
    _measured.put(fresh())


def in_itself():
    _ordered.put(fresh())


def in_class():
    _wrapped.put(fresh())


def in_class_table():
    Shelf.add(fresh())


def in_links():
    _linked.put(fresh())


def in_an_order():
    _indexed.put(fresh())


def in_module():
    value = fresh()
    _rows[value[0]] = value
    if len(_rows) > MAX_ROWS:
        _rows.clear()


def in_code():
    if len(_parsed) >= 10_000_000:
        del _parsed[next(iter(_parsed))]
    value = fresh()
    _parsed[value[0]] = value


def _default(value, cache=[], max_rows=FAR):  # noqa: B006
    cache.append(value)
    if len(cache) > max_rows:
        cache.pop(0)


def in_default():
    _default(fresh())


def _closed(limit):
    cache = {}
    order = collections.deque()

    def step():
        value = fresh()
        cache[value[0]] = value
        order.append(value[0])
        if len(order) > limit:
            del cache[order.popleft()]

    return step


in_closure = _closed(FAR)

# ---- leaks ---------------------------------------------------------------------------------------


class Registry:
    """Large numbers, and nobody holds a length against them."""

    timeout = FAR

    def __init__(self):
        self.size = self.n = self.port = self.id = self.limit = FAR
        self.entries = []

    def put(self, value):
        if self.size > 0 and self.limit > self.timeout - self.n:
            self.entries.append(value)


class Counted:
    """Its size is as many as there are."""

    def __init__(self):
        self.entries = []
        self.size = 0

    def put(self, value):
        self.entries.append(value)
        self.size = len(self.entries)


class Small:
    """Its limit is not kept."""

    def __init__(self):
        self.entries = []
        self.limit = 30

    def put(self, value):
        self.entries.append(value)
        if len(self.entries) == self.limit:
            self.limit_met = True


class Two:
    """The one that is measured is not the one that grows."""

    def __init__(self):
        self.limit = FAR
        self.waiting = collections.deque(range(100))
        self.done = []

    def put(self, value):
        self.waiting.append(value)
        if len(self.waiting) < self.limit:
            self.done.append(self.waiting.popleft())


class Users:
    """There are never many users, but each has all of its visits."""

    def __init__(self):
        self.limit = FAR
        self.visits = {name: [] for name in range(20)}

    def put(self, value):
        self.visits[value[0] % 20].append(value)
        if len(self.visits) > self.limit:
            self.visits.clear()


class Unasked:
    """A method measures, another container grows, which no method measures."""

    def __init__(self):
        self.limit = FAR
        self.seen = []
        self.cache = {}

    def put(self, value):
        self.seen.append(value)

    def trim(self):
        if len(self.cache) > self.limit:
            self.cache.clear()


class Chained:
    """Links that are no entries of the table that is measured."""

    def __init__(self):
        self.limit = FAR
        self.links = {}
        self.last = Link(None, None)

    def put(self, value):
        self.last = Link(value, self.last)
        self.links[value[0] % 1000] = value
        if len(self.links) > self.limit:
            self.links.clear()


class Audited:
    """What the helper keeps are no entries of the table that is measured."""

    def __init__(self):
        self.limit = FAR
        self.entries = {}
        self.audit = Order()

    def put(self, value):
        self.entries[value[0]] = value
        self.audit.add(f"entry {value[0]}")
        if len(self.entries) > self.limit:
            self.entries.clear()


_registry, _counted, _small, _two, _users, _unasked, _chained, _audited = (
    Registry(), Counted(), Small(), Two(), Users(), Unasked(), Chained(), Audited(),
)  # fmt: skip
_log = []
_reported = []


def beside_numbers():
    _registry.put(fresh())


def beside_its_count():
    _counted.put(fresh())


def above_its_limit():
    _small.put(fresh())


def beside_another():
    _two.put(fresh())


def below_a_table():
    _users.put(fresh())


def beside_a_measured_one():
    _unasked.put(fresh())


def beside_links():
    _chained.put(fresh())


def beside_an_index():
    _audited.put(fresh())


def in_code_that_only_asks():
    _log.append(fresh())
    if len(_log) % 10_000_000 == 0:
        print(len(_log))


def _reports(value, timeout=FAR):
    _reported.append(value)
    return len(_reported) < timeout


def beside_a_timeout():
    _reports(fresh())


def _open(timeout, port):
    held = []

    def step():
        held.append(fresh())
        return len(held) + timeout + port

    return step


in_closure_without = _open(FAR, FAR)


def _pair(limit):
    held = []
    waiting = collections.deque(range(100))

    def step():
        held.append(fresh())
        waiting.append(held[-1])
        while len(waiting) > 100 or len(waiting) > limit:
            waiting.popleft()

    return step


in_closure_beside = _pair(FAR)


_known = weakref.WeakValueDictionary()
_strong = collections.deque(maxlen=FAR)


class _Value:
    pass


def weak_beside_a_ring():
    value = _Value()
    _known[id(value)] = value
    _strong.append(value)


class _Jar:
    MAX_TIME = FAR

    def __init__(self):
        self.cookies = {}

    def put(self, value):
        self.cookies[value[0]] = value
        return min(len(self.cookies), self.MAX_TIME)


class _Endless:
    def __init__(self):
        self.maxsize = sys.maxsize
        self.entries = []

    def put(self, value):
        if len(self.entries) < self.maxsize:
            self.entries.append(value)


_jar, _endless = _Jar(), _Endless()


def beside_a_time():
    _jar.put(fresh())


def without_end():
    _endless.put(fresh())
