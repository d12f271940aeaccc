"""Ordinary steps over a package: redis."""

import itertools

import fakeredis

N = itertools.count(1).__next__

server = fakeredis.FakeRedis()


def _redis_pipeline():
    with server.pipeline() as pipe:
        return pipe.set("n", N()).incr("count").get("n").execute()


STEPS = """
redis_set: server.set(f"k{N() % 100}", "v", ex=60)
redis_list: (server.lpush("l", N()), server.ltrim("l", 0, 50))
redis_hash: server.hset("h", f"f{N() % 64}", "v")
redis_pipeline: _redis_pipeline()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
