"""Ordinary steps over a package: msgspec."""

import itertools

import msgspec

N = itertools.count(1).__next__


class Row(msgspec.Struct):
    n: int
    tags: list[str] = []


decoder = msgspec.json.Decoder(Row)


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
msgspec_json: decoder.decode(msgspec.json.encode(Row(N(), ["a"])))
msgspec_convert: msgspec.convert({"n": N(), "tags": []}, Row)
msgspec_bad: _expect(lambda: decoder.decode(b'{"n": "x%d"}' % N()))
msgspec_msgpack: msgspec.msgpack.decode(msgspec.msgpack.encode([N()]))
msgspec_asdict: msgspec.structs.asdict(msgspec.structs.replace(Row(1), n=N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
