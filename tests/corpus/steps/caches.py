"""Ordinary steps with caches, rings and memos that fill, each with a bound of its own.

Bounds run from what is full at once to what is still filling when the watching ends.
"""

import collections
import functools
import itertools
import random
import re

BOUNDS = [5, 64, 300, 1000, 2048, 5000, 8192, 20000, 32768, 100000]


class Item:
    def __init__(self, n):
        self.n = n
        self.text = str(n)


def _lru_numbers(bound):
    numbers = itertools.count()

    @functools.lru_cache(maxsize=bound)
    def remembered(n):
        return Item(n)

    return lambda: remembered(next(numbers))


def _lru_cycled(bound):
    numbers = itertools.cycle(range(bound))

    @functools.lru_cache(maxsize=None)
    def remembered(n):
        return str(n)

    return lambda: remembered(next(numbers))


def _lru_random(bound):
    dice = random.Random(bound)

    @functools.lru_cache(maxsize=bound)
    def remembered(n):
        return [n]

    return lambda: remembered(dice.randrange(bound * 2))


def _ring(bound):
    numbers = itertools.count()
    ring = collections.deque(maxlen=bound)
    return lambda: ring.append(Item(next(numbers)))


def _ring_of_text(bound):
    numbers = itertools.count()
    ring = collections.deque(maxlen=bound)
    return lambda: ring.append(f"line {next(numbers)}")


def _sawtooth(bound):
    numbers = itertools.count()
    items = []

    def step():
        items.append(Item(next(numbers)))
        if len(items) > bound:
            items.clear()

    return step


def _trimmed(bound):
    numbers = itertools.count()
    items = {}

    def step():
        n = next(numbers)
        items[n] = Item(n)
        while len(items) > bound:
            del items[next(iter(items))]

    return step


def _ordered_lru(bound):
    numbers = itertools.count()
    items = collections.OrderedDict()

    def step():
        n = next(numbers)
        items[n] = str(n)
        items.move_to_end(n)
        if len(items) > bound:
            items.popitem(last=False)

    return step


def _sliced(bound):
    numbers = itertools.count()
    state = {"items": []}

    def step():
        state["items"] = [*state["items"], next(numbers)][-bound:]

    return step


def _slots(bound):
    numbers = itertools.count()
    slots = [None] * bound

    def step():
        n = next(numbers)
        slots[n % bound] = Item(n)

    return step


def _memo_of_keys(bound):
    dice = random.Random(bound)
    memo = {}

    def step():
        key = dice.randrange(bound)
        if key not in memo:
            memo[key] = Item(key)
        return memo[key]

    return step


def _counted(bound):
    dice = random.Random(bound)
    counts = collections.Counter()

    def step():
        counts[f"word {dice.randrange(bound)}"] += 1

    return step


def _halved(bound):
    numbers = itertools.count()
    items = {}

    def step():
        n = next(numbers)
        items[n] = Item(n)
        if len(items) >= bound:
            for key in list(items)[: bound // 2]:
                del items[key]

    return step


def _buffer(bound):
    buffer = bytearray()

    def step():
        buffer.extend(b"some bytes")
        if len(buffer) > bound * 10:
            buffer.clear()

    return step


def _queue(bound):
    numbers = itertools.count()
    items = collections.deque()

    def step():
        items.append(Item(next(numbers)))
        if len(items) > bound:
            items.popleft()

    return step


def _patterns(bound):
    numbers = itertools.cycle(range(bound))
    return lambda: re.match(f"a{next(numbers)}", "a1")


def _pool(bound):
    pool = []

    def step():
        taken = pool.pop() if pool else Item(1)
        if len(pool) < bound:
            pool.append(taken)

    return step


# What has no bound that can be known (a dict that is trimmed by hand) must have been full within
# the watching: the bounds above 1000 are for containers that carry theirs.
CARRIED = [_lru_numbers, _lru_random, _ring, _ring_of_text]
OWN = [
    _lru_cycled, _sawtooth, _trimmed, _ordered_lru, _sliced, _slots, _memo_of_keys, _counted,
    _halved, _buffer, _queue, _patterns, _pool,
]  # fmt: skip

for _make in CARRIED:
    for _bound in BOUNDS:
        globals()[f"{_make.__name__[1:]}_{_bound}"] = _make(_bound)
for _make in OWN:
    for _bound in BOUNDS[:4]:
        globals()[f"{_make.__name__[1:]}_{_bound}"] = _make(_bound)
