"""Steps whose tables have a number beside them: a bound in the first half, none in the second."""

import collections
import functools
import itertools
import sys
import weakref

FAR = 10_000_000
SLOTS = 1_000_000
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


class Sharded:
    """Tables in a list, each of which is measured: a list has no popitem."""

    def __init__(self):
        self.limit = FAR // 8
        self.shards = [collections.OrderedDict() for _ in range(8)]

    def put(self, value):
        shard = self.shards[value[0] % 8]
        shard[value[0]] = value
        if len(shard) > self.limit:
            shard.popitem(last=False)


class Heavy:
    """What it takes is counted in bytes, and something goes where that is too much."""

    def __init__(self):
        self.max_bytes = FAR
        self.bytes = 0
        self.texts = collections.OrderedDict()

    def put(self, value):
        self.texts[value[0]] = text = str(value)
        self.bytes += len(text)
        while self.bytes > self.max_bytes:
            self.bytes -= len(self.texts.popitem(last=False)[1])


class Heard:
    """A small table beside the one that is measured, with a number and a length of its own."""

    def __init__(self):
        self.maxsize = FAR
        self.listeners_max = 4
        self.entries = {}
        self.listeners = []

    def listen(self, listener):
        if len(self.listeners) < self.listeners_max:
            self.listeners.append(listener)

    def put(self, value):
        size = len(value)
        for each in self.listeners:
            each(size)
        self.entries[value[0]] = value
        if len(self.entries) > self.maxsize:
            self.entries.clear()


class Clock:
    """The key that it puts into a slot takes the place of another; nothing asks for a length."""

    def __init__(self):
        self.size = SLOTS
        self.hand = 0
        self.keys = [None] * SLOTS
        self.entries = {}

    def put(self, value):
        key = str(value)
        self.entries.pop(self.keys[self.hand], None)
        self.keys[self.hand] = key
        self.entries[key] = value
        self.hand = (self.hand + 1) % self.size


_slotted, _measured, _ordered, _wrapped = Slotted(), Measured(), Ordered(), Wrapped()
_linked, _indexed, _sharded, _clock = Linked(), Indexed(), Sharded(), Clock()
_heavy, _heard = Heavy(), Heard()
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


def in_shards():
    _sharded.put(fresh())


def in_bytes():
    _heavy.put(fresh())


def beside_listeners():
    _heard.put(fresh())


def in_slots_of_a_list():
    _clock.put(fresh())


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


def _tuple_of_shards(limit):
    shards = tuple({} for _ in range(16))

    def step():
        value = fresh()
        shard = shards[value[0] % 16]
        shard[value[0]] = value
        if len(shard) > limit:
            shard.clear()

    return step


in_shards_of_a_closure = _tuple_of_shards(FAR // 16)


def _links(max_size):
    """Links that are lists: the table of them is measured, and an attribute has the first one."""
    links = {}
    root = []
    root[:] = [root, root, None, None]

    def step():
        value = fresh()
        last = root[0]
        last[1] = root[0] = links[str(value)] = [last, root, str(value), value]
        if links.__len__() > max_size:
            links.clear()
            root[:] = [root, root, None, None]

    step.root = root
    return step


in_links_of_lists = _links(FAR)

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


class Rooms:
    """Of the list as much is taken away as of what stands in it: which of them is measured?"""

    def __init__(self):
        self.limit = FAR
        self.rooms = [{} for _ in range(20)]

    def put(self, value):
        self.rooms[value[0] % 20][value[0]] = value
        if len(self.rooms) > self.limit:
            self.rooms.pop()


class Cut:
    """A size in bytes, and each entry is measured by it: nothing is taken out."""

    def __init__(self):
        self.max_bytes = FAR
        self.lines = []

    def put(self, value):
        text = str(value)
        self.lines.append(text[: self.max_bytes] if len(text) > self.max_bytes else text)


class Recent:
    """The slots have the last few keys, and the table has all."""

    def __init__(self):
        self.keys = [None] * 200
        self.entries = {}

    def put(self, value):
        key = str(value)
        self.keys[value[0] % 200] = key
        self.entries[key] = value


class Beside:
    """A list with room for much, in which the keys of the table do not stand."""

    def __init__(self):
        self.slots = [None] * SLOTS
        self.entries = {}

    def put(self, value):
        self.slots[value[0] % 1000] = value
        self.entries[str(value)] = value[0]


class Pool:
    """The number is for the idle ones, which are few; of those that were made nobody asks."""

    def __init__(self):
        self.maxsize = FAR
        self.made = []
        self.idle = []

    def take(self, value):
        if len(self.idle) < self.maxsize and self.idle:
            return self.idle.pop()
        self.made.append(value)
        return value


class Worker:
    """The number is for the jobs, each of which is done at once; the results stay."""

    max_jobs = FAR

    def __init__(self):
        self.jobs = []
        self.results = []

    def run(self, value):
        if len(self.jobs) < self.max_jobs:
            self.jobs.append(value)
        self.results.append(self.jobs.pop())


_registry, _counted, _small, _two, _users, _unasked, _chained, _audited = (
    Registry(), Counted(), Small(), Two(), Users(), Unasked(), Chained(), Audited(),
)  # fmt: skip
_rooms, _recent, _beside, _cut = Rooms(), Recent(), Beside(), Cut()
_pool, _worker = Pool(), Worker()
_log = []
_reported = []
_noted = []
_errors = []


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


def in_rooms():
    _rooms.put(fresh())


def beside_a_size():
    _cut.put(fresh())


def beside_recent_keys():
    _recent.put(fresh())


def beside_empty_slots():
    _beside.put(fresh())


def beside_idle_ones():
    _pool.take(fresh())


def beside_jobs():
    _worker.run(fresh())


def beside_errors():
    _noted.append(fresh())
    if len(_errors) >= MAX_ROWS:
        _errors.clear()


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


def _chain(max_size):
    """A table that is measured has its values, and the links are none of them."""
    known = {}
    root = []
    root[:] = [root, root, None, None]

    def step():
        value = fresh()
        last = root[0]
        last[1] = root[0] = [last, root, None, value]
        known[str(value)] = value
        if len(known) > max_size:
            known.clear()

    return step


beside_a_chain = _chain(FAR)


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


# ---- written out as a whole ----------------------------------------------------------------------

_batch = []
_written = 0


def in_batches():
    """Nothing says how many they are: only a run that is longer than the batch shows that."""
    global _batch, _written
    _batch.append(fresh())
    if len(_batch) == 30_000:
        _written += len(_batch)
        _batch = []
