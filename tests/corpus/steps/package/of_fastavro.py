"""Ordinary steps over a package: fastavro."""

import io
import itertools

import fastavro

N = itertools.count(1).__next__

AVRO = {"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}

avro_schema = fastavro.parse_schema(AVRO)


def _fastavro():
    fastavro.writer(target := io.BytesIO(), avro_schema, [{"n": N()}])
    target.seek(0)
    return list(fastavro.reader(target))


STEPS = """
fastavro_file: _fastavro()
fastavro_validate: fastavro.validate({"n": N()}, avro_schema, raise_errors=False)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
