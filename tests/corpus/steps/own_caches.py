"""Ordinary steps over caches as programs write them for themselves, full soon or filling for long.

The bound stands where the design puts it: in an attribute, a slot, a closure, a default, a constant
of the class or module, or as a number in the code.
"""

import bisect
import collections
import heapq
import itertools
import random
import weakref

BOUNDS = [300, 30000]
MEMO_MAX = 30000
POOL_LIMIT = 40_000

_memo = {}
_parsed = {}
_pool = {}
_words = collections.OrderedDict()
_ids = itertools.count()


class Item:
    def __init__(self, n):
        self.n = n
        self.text = f"text {n}"


def _put(cache):
    """A cache with a `put`, given ever new entries."""
    numbers = itertools.count()

    def step():
        n = next(numbers)
        cache.put(n, Item(n))

    return step


class Ordered:
    def __init__(self, bound):
        self._items = collections.OrderedDict()
        self._max = bound

    def put(self, key, value):
        self._items[key] = value
        if len(self._items) > self._max:
            self._items.popitem(last=False)


class Inherited(collections.OrderedDict):
    def __init__(self, bound):
        super().__init__()
        self.size = bound

    def put(self, key, value):
        self[key] = value
        while len(self) > self.size:
            self.popitem(last=False)


class Table(dict):
    def __init__(self, bound):
        super().__init__()
        self.limit = bound

    def put(self, key, value):
        if len(self) >= self.limit:
            del self[next(iter(self))]
        self[key] = value


class Queued:
    __slots__ = ("entries", "limit", "order")

    def __init__(self, bound):
        self.entries = {}
        self.limit = bound
        self.order = collections.deque()

    def put(self, key, value):
        self.entries[key] = value
        self.order.append(key)
        if len(self.order) > self.limit:
            del self.entries[self.order.popleft()]


class Heaped:
    def __init__(self, bound):
        self.limit = bound
        self.heap = []
        self.values = {}

    def put(self, key, value):
        heapq.heappush(self.heap, (0, key))
        self.values[key] = value
        if len(self.heap) > self.limit:
            _, oldest = heapq.heappop(self.heap)
            del self.values[oldest]


class Ring:
    def __init__(self, bound):
        self.size = bound
        self.slots = []
        self.at = 0

    def put(self, key, value):
        if len(self.slots) < self.size:
            self.slots.append(value)
        else:
            self.slots[self.at] = value
            self.at = (self.at + 1) % self.size


class Generations:
    def __init__(self, bound):
        self.size = bound
        self.young = {}
        self.old = {}

    def put(self, key, value):
        self.young[key] = value
        if len(self.young) >= self.size:
            self.old = self.young
            self.young = {}


class Constant:
    MAX = 30000

    def __init__(self, bound):
        self.found = {}

    def put(self, key, value):
        if len(self.found) >= self.MAX:
            self.found.clear()
        self.found[key] = value


class Clock:
    def __init__(self, bound):
        self.cap = bound
        self.hand = 0
        self.keys = []
        self.used = {}
        self.values = {}

    def put(self, key, value):
        if len(self.keys) < self.cap:
            self.keys.append(key)
        else:
            while self.used[self.keys[self.hand]]:
                self.used[self.keys[self.hand]] = False
                self.hand = (self.hand + 1) % self.cap
            out = self.keys[self.hand]
            del self.values[out], self.used[out]
            self.keys[self.hand] = key
        self.used[key] = False
        self.values[key] = value


class TwoQueues:
    def __init__(self, bound):
        self.limit = bound
        self.recent = collections.OrderedDict()
        self.frequent = collections.OrderedDict()

    def put(self, key, value):
        self.recent[key] = value
        if len(self.recent) + len(self.frequent) > self.limit:
            (self.recent or self.frequent).popitem(last=False)


class Sharded:
    def __init__(self, bound):
        self.shard_limit = bound // 8
        self.shards = [collections.OrderedDict() for _ in range(8)]

    def put(self, key, value):
        shard = self.shards[key % 8]
        shard[key] = value
        if len(shard) > self.shard_limit:
            shard.popitem(last=False)


class Strong:
    def __init__(self, bound):
        self.known = weakref.WeakValueDictionary()
        self.strong = collections.deque(maxlen=bound)

    def put(self, key, value):
        self.known[key] = value
        self.strong.append(value)


class Node:
    __slots__ = ("key", "next", "previous", "value")

    def __init__(self, key, value):
        self.key, self.value = key, value
        self.next = self.previous = None


class Linked:
    def __init__(self, bound):
        self.cap = bound
        self.nodes = {}
        self.head, self.tail = Node(None, None), Node(None, None)
        self.head.next, self.tail.previous = self.tail, self.head

    def put(self, key, value):
        node = Node(key, value)
        node.previous, node.next = self.tail.previous, self.tail
        node.previous.next = self.tail.previous = node
        self.nodes[key] = node
        if len(self.nodes) > self.cap:
            first = self.head.next
            self.head.next, first.next.previous = first.next, self.head
            del self.nodes[first.key]


class Lines:
    def __init__(self, bound):
        self.keep = bound
        self.lines = []

    def put(self, key, value):
        self.lines.append(value.text)
        if len(self.lines) > self.keep:
            del self.lines[: -self.keep]


class Sorted:
    def __init__(self, bound):
        self.maximum = bound
        self.keys = []
        self.values = {}

    def put(self, key, value):
        bisect.insort(self.keys, key)
        self.values[key] = value
        if len(self.keys) > self.maximum:
            del self.values[self.keys.pop(0)]


class Keys:
    def __init__(self, bound):
        self.max_keys = bound
        self.stamps = {}

    def put(self, key, value):
        self.stamps.setdefault(key, []).append(value.n)
        if len(self.stamps) > self.max_keys:
            self.purge()

    def purge(self):
        for key in list(self.stamps)[: self.max_keys // 2]:
            del self.stamps[key]


class Sized:
    def __init__(self, bound):
        self.max_bytes = bound * 9
        self.bytes = 0
        self.texts = collections.OrderedDict()

    def put(self, key, value):
        self.texts[key] = value.text
        self.bytes += len(value.text)
        while self.bytes > self.max_bytes:
            self.bytes -= len(self.texts.popitem(last=False)[1])


class Batches:
    def __init__(self, bound):
        self.batch_size = bound
        self.rows = []

    def put(self, key, value):
        self.rows.append(value)
        if len(self.rows) >= self.batch_size:
            self.flush()

    def flush(self):
        self.rows.clear()


class Ageing:
    """What is older than so many ticks goes: nothing says how many entries that are."""

    def __init__(self, bound):
        self.age = min(bound, 2000)
        self.entries = {}

    def put(self, key, value):
        self.entries[key] = value
        self.entries.pop(key - self.age, None)


class Random:
    def __init__(self, bound):
        self.bound = bound
        self.dice = random.Random(1)
        self.keys = []
        self.values = {}

    def put(self, key, value):
        if len(self.keys) >= self.bound:
            at = self.dice.randrange(len(self.keys))
            self.keys[at], self.keys[-1] = self.keys[-1], self.keys[at]
            del self.values[self.keys.pop()]
        self.keys.append(key)
        self.values[key] = value


class Shelf:
    limit = 30000
    books = {}  # noqa: RUF012

    @classmethod
    def add(cls, key, value):
        cls.books[key] = value
        if len(cls.books) > cls.limit:
            cls.books.clear()


def _dict_and_order(maxsize):
    cache = {}
    order = collections.deque()
    numbers = itertools.count()

    def step():
        n = next(numbers)
        cache[n] = Item(n)
        order.append(n)
        if len(order) > maxsize:
            del cache[order.popleft()]

    return step


def _swapped(limit):
    young, old = {}, {}
    numbers = itertools.count()

    def step():
        nonlocal young, old
        n = next(numbers)
        young[n] = Item(n)
        if len(young) > limit:
            young, old = {}, young

    return step


def _links_of_lists(maxsize):
    """As functools.lru_cache is written in Python: its links are lists, its len has a name."""
    cache = {}
    cache_len = cache.__len__
    full = False
    root = []
    root[:] = [root, root, None, None]
    numbers = itertools.count()

    def step():
        nonlocal root, full
        key = next(numbers)
        if full:
            root[2], root[3] = key, Item(key)
            gone, root = root, root[1]
            cache.pop(root[2], None)
            root[2] = root[3] = None
            cache[key] = gone
        else:
            last = root[0]
            link = [last, root, key, Item(key)]
            last[1] = root[0] = cache[key] = link
            full = cache_len() >= maxsize

    return step


def _seen(limit):
    seen = set()
    numbers = itertools.count()

    def step():
        seen.add(f"name {next(numbers)}")
        if len(seen) > limit:
            seen.pop()

    return step


def _memoized(limit):
    memo = {}
    numbers = itertools.count()

    def step():
        n = next(numbers)
        if n not in memo:
            if len(memo) >= limit:
                memo.clear()
            memo[n] = Item(n)
        return memo[n]

    return step


def _remembered(n, cache={}, maxsize=30000):  # noqa: B006
    if n not in cache:
        while len(cache) >= maxsize:
            cache.popitem()
        cache[n] = Item(n)
    return cache[n]


def default_argument():
    _remembered(next(_ids))


def module_constant():
    n = next(_ids)
    _memo[n] = Item(n)
    if len(_memo) > MEMO_MAX:
        _memo.popitem()


def number_in_code():
    if len(_parsed) > 50_000:
        _parsed.clear()
    n = next(_ids)
    _parsed[n] = Item(n)


def _interned(text):
    if len(_pool) >= POOL_LIMIT:
        del _pool[next(iter(_pool))]
    return _pool.setdefault(text, text)


def module_helper():
    _interned(f"some text {next(_ids)}")


def number_and_first_key():
    _words[next(_ids)] = "text"
    if len(_words) > 60_000:
        del _words[next(iter(_words))]


def class_attributes():
    n = next(_ids)
    Shelf.add(n, Item(n))


CLASSES = [
    Ordered, Inherited, Table, Queued, Heaped, Ring, Generations, Constant, Clock, TwoQueues,
    Sharded, Strong, Linked, Lines, Sorted, Keys, Sized, Batches, Ageing, Random,
]  # fmt: skip
CLOSURES = [_dict_and_order, _swapped, _links_of_lists, _seen, _memoized]

for _bound in BOUNDS:
    for _class in CLASSES:
        globals()[f"{_class.__name__.lower()}_{_bound}"] = _put(_class(_bound))
    for _make in CLOSURES:
        globals()[f"{_make.__name__[1:]}_{_bound}"] = _make(_bound)
