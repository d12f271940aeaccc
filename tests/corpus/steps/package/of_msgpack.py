"""Ordinary steps over a package: msgpack."""

import io
import itertools

import msgpack

N = itertools.count(1).__next__

STEPS = """
msgpack_pack: msgpack.unpackb(msgpack.packb({"n": N(), "b": b"x"}))
msgpack_stream: list(msgpack.Unpacker(io.BytesIO(msgpack.packb(N()) * 3)))
msgpack_ext: msgpack.packb(msgpack.ExtType(4, str(N()).encode()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
