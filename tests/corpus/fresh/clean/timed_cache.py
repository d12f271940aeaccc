from cachetools import TTLCache, cached
n = 0
@cached(TTLCache(maxsize=600, ttl=3600))
def lookup(number): return {"number": number, "rows": [number] * 20}
def step():
    global n
    n += 1
    lookup(n)
