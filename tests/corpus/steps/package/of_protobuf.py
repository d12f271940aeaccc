"""Ordinary steps over a package: protobuf."""

import itertools

from google.protobuf import json_format, struct_pb2, timestamp_pb2

N = itertools.count(1).__next__

STEPS = """
protobuf_struct: json_format.MessageToDict(json_format.ParseDict({"n": N(), "l": [1, "a"]}, struct_pb2.Struct()))
protobuf_bytes: timestamp_pb2.Timestamp.FromString(timestamp_pb2.Timestamp(seconds=N()).SerializeToString())
protobuf_text: str(timestamp_pb2.Timestamp(seconds=N()))
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
