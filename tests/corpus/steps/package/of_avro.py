"""Ordinary steps over a package: avro."""

import io
import itertools

import avro.io
import avro.schema

N = itertools.count(1).__next__

slow_avro = avro.schema.parse(
    '{"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}'
)


def _avro():
    encoder = avro.io.BinaryEncoder(target := io.BytesIO())
    avro.io.DatumWriter(slow_avro).write({"n": N()}, encoder)
    target.seek(0)
    return avro.io.DatumReader(slow_avro).read(avro.io.BinaryDecoder(target))


STEPS = """
avro_datum: _avro()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
