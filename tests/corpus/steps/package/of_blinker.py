"""Ordinary steps over a package: blinker."""

import itertools

import blinker

N = itertools.count(1).__next__

changed = blinker.Signal()


class Receiver:
    def hear(self, sender):
        return sender


server_side = blinker.Signal()


def _connected_to():
    with server_side.connected_to(lambda sender: sender):
        server_side.send(N())


def _connect_and_disconnect():
    def hear(sender):
        return sender

    server_side.connect(hear)
    server_side.disconnect(hear)


STEPS = """
blinker_send: changed.send(N())
blinker_connect: changed.connect(Receiver().hear)
blinker_connected_to: _connected_to()
blinker_disconnect: _connect_and_disconnect()
blinker_namespace: blinker.Namespace().signal(f"s{N()}")
"""

for _line in STEPS.strip().splitlines():
    _name, _, _body = _line.partition(": ")
    exec(compile(f"def {_name}():\n    {_body}\n", __file__, "exec"))
