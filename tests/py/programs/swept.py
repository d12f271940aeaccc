"""Steps that add to a list which is swept now and then, and one to a list which never is.

The intervals fit almost evenly into the thousand calls that a round has where steps are quick.
"""

import weakref


class _Value:
    pass


class _Noted:
    """Weak references to values that die at once."""

    def __init__(self, most):
        self.most = most
        self.notes = []

    def note(self):
        if self.most is not None and len(self.notes) > self.most:
            self.notes = [note for note in self.notes if note() is not None]
        self.notes.append(weakref.ref(_Value()))


_once, _twice, _thrice, _never = _Noted(991), _Noted(496), _Noted(330), _Noted(None)


def once():
    _once.note()


def twice():
    _twice.note()


def thrice():
    _thrice.note()


def never():
    _never.note()
