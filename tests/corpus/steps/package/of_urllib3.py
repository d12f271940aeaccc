"""Ordinary steps over a package: urllib3."""

import itertools

import urllib3

N = itertools.count(1).__next__

pool_manager = urllib3.PoolManager(num_pools=5)

STEPS = """
urllib3_parse: urllib3.util.parse_url(f"https://u:p@a.org:8{N() % 1000}/x?y#z")
urllib3_pools: pool_manager.connection_from_url(f"https://host{N()}.org")
urllib3_headers: urllib3.HTTPHeaderDict(a="1", b=str(N())).add("a", "2")
urllib3_retry: urllib3.Retry(3).increment("GET", "/", error=None, response=urllib3.HTTPResponse(status=503))
urllib3_response: urllib3.HTTPResponse(body=b"x" * 100, status=200).read()
urllib3_fields: urllib3.encode_multipart_formdata({"a": "b", "n": str(N())})
urllib3_timeout: urllib3.Timeout(connect=2.0, read=N()).clone()
urllib3_make_headers: urllib3.make_headers(basic_auth=f"a:{N()}", keep_alive=True)
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
