"""Weak containers in C, and every name of the stdlib's weakref: a drop-in for it.

    import mortmain.weak as weakref

WeakKeyDictionary, WeakValueDictionary and WeakSet are written in C here: look-ups run at the speed
of dict and set, nothing raises when keys die or threads write during an iteration, and the values
of dead keys go at once. WeakIdKeyDictionary tells its keys apart by identity. EphemeronDict
lets the collector free entries whose value leads back to the key, sweep() does it without, and
find_ephemeron_leaks() names them. Bounded, cached_method,
WeakLink, WeakChildren and WeakLRU are patterns that do not leak. Signal tells receivers
of something and keeps none of them, WeakMethod is weakref's in C. The other names are those of
weakref itself. What each guarantees and costs: docs/weak.md.

Knows the C module mortmain._weak; loads nothing else of mortmain.
"""

from weakref import (
    CallableProxyType,
    ProxyType,
    ProxyTypes,
    ReferenceType,
    finalize,
    getweakrefcount,
    getweakrefs,
    proxy,
    ref,
)

from mortmain._weak import (
    Bounded,
    DeadLinkError,
    EphemeronDict,
    KeyedRef,
    Signal,
    WeakChildren,
    WeakIdKeyDictionary,
    WeakKeyDictionary,
    WeakLink,
    WeakLRU,
    WeakMethod,
    WeakSet,
    WeakValueDictionary,
    cached_method,
    find_ephemeron_leaks,
    sweep,
)

__all__ = [
    "Bounded",
    "CallableProxyType",
    "DeadLinkError",
    "EphemeronDict",
    "KeyedRef",
    "ProxyType",
    "ProxyTypes",
    "ReferenceType",
    "Signal",
    "WeakChildren",
    "WeakIdKeyDictionary",
    "WeakKeyDictionary",
    "WeakLRU",
    "WeakLink",
    "WeakMethod",
    "WeakSet",
    "WeakValueDictionary",
    "cached_method",
    "finalize",
    "find_ephemeron_leaks",
    "getweakrefcount",
    "getweakrefs",
    "proxy",
    "ref",
    "sweep",
]
