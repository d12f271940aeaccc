"""Ordinary steps over a package: h11."""

import itertools

import h11

N = itertools.count(1).__next__


def _h11_read():
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(f"GET /{N()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return connection.next_event(), connection.next_event()


STEPS = """
h11_request: h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target=f"/{N()}", headers=[("Host", "a")]))
h11_receive: _h11_read()
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
