"""Ordinary steps over a package: werkzeug."""

import itertools

import werkzeug.datastructures
import werkzeug.exceptions
import werkzeug.http
import werkzeug.routing
import werkzeug.test
import werkzeug.utils
import werkzeug.wrappers

N = itertools.count(1).__next__

rules = werkzeug.routing.Map([werkzeug.routing.Rule("/item/<int:n>", endpoint="item")])

adapter = rules.bind("example.org")


def _expect(act):
    """The act fails, and what it raises is dropped."""
    try:
        act()
    except Exception as error:
        return len(str(error))
    raise AssertionError("it did not fail")


STEPS = """
werkzeug_request: werkzeug.wrappers.Request(werkzeug.test.create_environ(f"/a?n={N()}")).args
werkzeug_form: werkzeug.wrappers.Request(werkzeug.test.create_environ(method="POST", data={"n": N()})).form
werkzeug_response: werkzeug.wrappers.Response(f"body {N()}", headers={"a": "b"}).get_data()
werkzeug_match: adapter.match(f"/item/{N()}")
werkzeug_build: adapter.build("item", {"n": N()})
werkzeug_missing: _expect(lambda: adapter.match(f"/none/{N()}"))
werkzeug_headers: werkzeug.datastructures.Headers([("a", "b")]).add("n", str(N()))
werkzeug_multidict: werkzeug.datastructures.MultiDict([("a", 1), ("a", N())]).getlist("a")
werkzeug_accept: werkzeug.http.parse_accept_header("text/html;q=0.9,*/*")
werkzeug_cookie: werkzeug.http.dump_cookie("n", str(N()))
werkzeug_date: werkzeug.http.parse_date(werkzeug.http.http_date(N()))
werkzeug_etag: werkzeug.http.generate_etag(str(N()).encode())
werkzeug_options: werkzeug.http.parse_options_header('form-data; name="a"; filename="b"')
werkzeug_filename: werkzeug.utils.secure_filename(f"../a {N()}.txt")
werkzeug_exception: werkzeug.exceptions.NotFound(f"no {N()}").get_response()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
