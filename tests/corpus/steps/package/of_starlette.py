"""Ordinary steps over a package: starlette."""

import itertools

import starlette.applications
import starlette.datastructures
import starlette.responses
import starlette.routing

N = itertools.count(1).__next__

star = starlette.applications.Starlette(
    routes=[starlette.routing.Route("/a/{n}", lambda q: starlette.responses.JSONResponse({}))]
)

STEPS = """
starlette_match: star.routes[0].matches({"type": "http", "path": f"/a/{N()}", "method": "GET"})
starlette_headers: starlette.datastructures.Headers({"a": str(N())}).mutablecopy()
starlette_url: starlette.datastructures.URL(f"https://a.org/{N()}").replace(path="/b")
starlette_response: starlette.responses.JSONResponse({"n": N()}).body
starlette_cookie: starlette.responses.Response("x").set_cookie("n", str(N()))
starlette_state: setattr(star.state, "n", N())
starlette_query: starlette.datastructures.QueryParams(f"a=b&n={N()}").multi_items()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
