"""Ordinary steps over a package: httpx."""

import itertools

import httpx

N = itertools.count(1).__next__

client = httpx.Client(transport=httpx.MockTransport(lambda q: httpx.Response(200, text=q.url.path)))


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
httpx_get: client.get(f"https://a.org/{N()}").read()
httpx_post: client.post("https://a.org/p", json={"n": N()}).text
httpx_stream: [list(r.iter_bytes()) for r in [client.get("https://a.org/s")]]
httpx_request: httpx.Request("GET", "https://a.org", headers={"n": str(N())})
httpx_url: httpx.URL(f"https://a.org/{N()}?q=1#f").copy_with(path="/b")
httpx_params: httpx.QueryParams({"n": N(), "m": [1, 2]}).set("k", "v")
httpx_headers: httpx.Headers({"A": "b", "n": str(N())}).raw
httpx_cookies: httpx.Cookies({"a": "b"}).set("n", str(N()))
httpx_error: _expect(lambda: httpx.Response(500, request=httpx.Request("GET", "https://a")).raise_for_status())
httpx_client: httpx.Client(transport=httpx.MockTransport(lambda q: httpx.Response(200))).close()
httpx_timeout: httpx.Timeout(5, connect=N())
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
