"""Ordinary steps over a package: zstd."""

import io
import itertools

import zstandard

N = itertools.count(1).__next__

compressor = zstandard.ZstdCompressor()

STEPS = """
zstd_round: zstandard.decompress(compressor.compress(b"x" * (N() % 999)))
zstd_stream: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(compressor.compress(b"abc"))).read()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
