"""Ordinary steps over caches of packages, each with a bound: full at once, or filling for long.

A package is imported by the steps that need it: a heap without the others is walked sooner.
"""

import functools
import itertools

BOUNDS = [200, 4000, 30000, 100000]


class Item:
    def __init__(self, n):
        self.n = n
        self.text = f"text {n}"


def _mapping(cache):
    """A cache that is used as a dict is, with a key that comes back now and then."""
    numbers = itertools.count()

    def step():
        n = next(numbers)
        key = n - 3 if n % 10 == 9 else n
        try:
            return cache[key]
        except KeyError:
            cache[key] = Item(key)

    return step


def _lru_cache(bound):
    import cachetools

    return _mapping(cachetools.LRUCache(bound))


def _lfu_cache(bound):
    import cachetools

    return _mapping(cachetools.LFUCache(bound))


def _fifo_cache(bound):
    import cachetools

    return _mapping(cachetools.FIFOCache(bound))


def _random_cache(bound):
    import cachetools

    return _mapping(cachetools.RRCache(bound))


def _ttl_cache(bound):
    import cachetools

    return _mapping(cachetools.TTLCache(bound, 3600))


def _tlru_cache(bound):
    import cachetools

    return _mapping(cachetools.TLRUCache(bound, lambda key, value, now: now + 3600))


def _sized_cache(bound):
    import cachetools

    return _mapping(cachetools.LRUCache(bound * 9, getsizeof=lambda item: len(item.text)))


def _decorated(bound):
    import cachetools

    numbers = itertools.count()
    found = cachetools.cached(cachetools.LRUCache(bound))(Item)
    return lambda: found(next(numbers))


def _method(bound):
    import methodtools

    numbers = itertools.count()

    class Shop:
        @methodtools.lru_cache(maxsize=bound)
        def price(self, n):
            return Item(n)

    shop = Shop()
    return lambda: shop.price(next(numbers))


def _wrapped_method(bound):
    numbers = itertools.count()

    class Shop:
        def __init__(self):
            self.price = functools.lru_cache(maxsize=bound)(self._price)

        def _price(self, n):
            return Item(n)

    shop = Shop()
    return lambda: shop.price(next(numbers))


def _boltons_lri(bound):
    import boltons.cacheutils

    return _mapping(boltons.cacheutils.LRI(bound))


def _boltons_lru(bound):
    import boltons.cacheutils

    return _mapping(boltons.cacheutils.LRU(bound))


def _lru_dict(bound):
    import lru

    return _mapping(lru.LRU(bound))


def _pylru(bound):
    import pylru

    return _mapping(pylru.lrucache(bound))


def _expiring(bound):
    import expiringdict

    return _mapping(expiringdict.ExpiringDict(max_len=bound, max_age_seconds=3600))


def _jinja(bound):
    import jinja2.utils

    return _mapping(jinja2.utils.LRUCache(bound))


def _sqlalchemy(bound):
    import sqlalchemy.util

    return _mapping(sqlalchemy.util.LRUCache(bound))


def _zict(bound):
    import zict

    return _mapping(zict.LRU(bound, {}))


def _prompt(bound):
    import prompt_toolkit.cache

    numbers = itertools.count()
    cache = prompt_toolkit.cache.SimpleCache(maxsize=bound)

    def step():
        n = next(numbers)
        cache.get(n, lambda: Item(n))

    return step


def _cacheout(bound):
    import cacheout

    numbers = itertools.count()
    cache = cacheout.Cache(maxsize=bound)
    return lambda: cache.set(next(numbers), "text")


def _cachelib(bound):
    import cachelib

    numbers = itertools.count()
    cache = cachelib.SimpleCache(threshold=bound)
    return lambda: cache.set(str(next(numbers)), [1])


def _clocked(bound):
    import repoze.lru

    numbers = itertools.count()
    cache = repoze.lru.LRUCache(bound)

    def step():
        n = next(numbers)
        cache.put(n, Item(n))

    return step


def _memoization(bound):
    import memoization

    numbers = itertools.count()
    found = memoization.cached(max_size=bound)(Item)
    return lambda: found(next(numbers))


def _async_lru(bound):
    import asyncio

    import async_lru

    numbers = itertools.count()
    loop = asyncio.new_event_loop()

    @async_lru.alru_cache(maxsize=bound)
    async def found(n):
        return Item(n)

    return lambda: loop.run_until_complete(found(next(numbers)))


def _resolver(bound):
    import time

    import dns.resolver

    class Kept(Item):
        expiration = time.time() + 3600

    numbers = itertools.count()
    cache = dns.resolver.LRUCache(max_size=bound)

    def step():
        n = next(numbers)
        cache.put(n, Kept(n))

    return step


def _tinydb(bound):
    import tinydb.utils

    numbers = itertools.count()
    cache = tinydb.utils.LRUCache(capacity=bound)

    def step():
        n = next(numbers)
        cache.set(n, Item(n))

    return step


def _mako(bound):
    import mako.util

    return _mapping(mako.util.LRUCache(bound))


MAKERS = [
    _lru_cache, _lfu_cache, _fifo_cache, _random_cache, _ttl_cache, _tlru_cache, _sized_cache,
    _decorated, _method, _wrapped_method, _boltons_lri, _boltons_lru, _lru_dict, _pylru, _expiring,
    _jinja, _sqlalchemy, _zict, _prompt, _cacheout, _cachelib,
    _clocked, _memoization, _async_lru, _resolver, _tinydb, _mako,
]  # fmt: skip


def _asked(make, bound):
    """The step, its cache made and its package imported when it is called first."""
    step = None

    def asked():
        nonlocal step
        if step is None:
            step = make(bound)
        return step()

    return asked


for _make in MAKERS:
    for _bound in BOUNDS:
        globals()[f"{_make.__name__[1:]}_{_bound}"] = _asked(_make, _bound)
