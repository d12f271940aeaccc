"""Op programs for the oracle: what the ops mean, and random ones.

A program is lines `op a b c d` over 8 roots R, 8 weak references W that stand outside the heap, and
a list of watches. Objects have three strong fields s0, s1, s2 and a weak field w; a leaf has none.
Root and weak numbers are taken modulo 8, fields modulo 3, generations modulo 3, so that any line is
an op and a program stays one when lines are taken out.

    n root kind action argument   new object; kind 0 plain, 1 with finalizer, 2 leaf
    d root                        R[root] = nothing
    c root target                 R[target] = R[root]
    s root field source           R[root].field = R[source]
    l root field target           R[target] = R[root].field
    w weak root                   W[weak] = weak reference to R[root]
    L weak root                   R[root] = what W[weak] leads to
    f root source                 R[root].w = weak reference to R[source]
    F root target                 R[target] = what R[root].w leads to
    W target owner action arg     watch R[target]; owner is a root, or -1 for none
    u number                      end a watch that has no owner
    G generation                  collect
    N generation                  collect, and log how many objects were found
    T root                        R[root] = the first of the garbage list, taken off it
    D flag                        save what is found in the garbage list, or (0) no longer
    z which                       freeze (0), unfreeze (1); legacy mode knows neither
    p, q                          log counts and garbage; log tracked and finalized

Actions of a finalizer: 0 nothing, 1 self into a root, 2 drop a root, 3 collect, 4 new object into a
root, 5 empty an own field, 6 W[argument] = weak reference to self, 7 self into s0 of a root's
object, 8 what the own weak field leads to into a root, 9 what W[argument] leads to into the root of
the same number. Of a callback: 0 nothing, 1 collect, 2 new object into a root, 3 drop a root, 4 as
a finalizer's 9. Random programs have neither 9 nor 4: a weak reference that a finalizer made to
trash gives a CPython that does not empty it an object that is half taken down.

The log has a line for each finalizer (`fin id liveness own-weak-field`), callback (`cb number
liveness owner`, -1 for none) and death (`dead id liveness`), and stands between `<generation` and
`>generation` where a collection runs; before it ends `kept` has the garbage list, if there is any.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

ROOTS = 8
WEAKS = 8
OPS_MIN = 25
OPS_MAX = 90
FIN_ACTIONS = 9
FIN_WEAK_TO_SELF = 6
CALLBACK_ACTIONS = 4


@dataclass(frozen=True, slots=True)
class Flavour:
    """What a random program has; chances are out of 1."""

    finalizers: float
    finalizer_actions: float
    callback_actions: float
    leaves: float
    has_owners: bool
    has_weak_fields: bool
    weights: tuple[tuple[str, int], ...]


def choose_flavour(rng: random.Random) -> Flavour:
    """Some programs have little, so that what goes wrong is seen alone; some have all."""
    has_owners = rng.random() < 0.6
    has_weak_fields = rng.random() < 0.4
    weights = {"n": 20, "d": 14, "c": 5, "s": 26, "l": 5, "w": 8, "L": 3, "G": 6, "p": 2, "q": 1}
    weights["W"] = rng.choice((0, 8, 16))
    weights["u"] = 1 if weights["W"] else 0
    weights["T"] = 1
    weights["z"] = rng.choice((0, 0, 0, 0, 0, 0, 0, 2))
    weights["o"] = rng.choice((0, 4, 8))  # a ring, many ops
    if has_weak_fields:
        weights |= {"f": 6, "F": 2}
    elif not has_owners:
        # CPython counts and saves weak references and tuples of owners too.
        weights |= {"N": 3, "D": rng.choice((0, 0, 2))}
        weights["T"] += weights["D"]
    return Flavour(
        finalizers=rng.choice((0.0, 0.3, 0.6, 0.9)),
        finalizer_actions=rng.choice((0.0, 0.0, 0.4, 0.8)),
        callback_actions=rng.choice((0.0, 0.0, 0.5)),
        leaves=rng.choice((0.0, 0.1, 0.2)),
        has_owners=has_owners,
        has_weak_fields=has_weak_fields,
        weights=tuple(weights.items()),
    )


def random_new(rng: random.Random, flavour: Flavour) -> str:
    """A line that makes an object."""
    kind = action = argument = 0
    if rng.random() < flavour.leaves:
        kind = 2
    elif rng.random() < flavour.finalizers:
        kind = 1
        if rng.random() < flavour.finalizer_actions:
            action = rng.randrange(1, FIN_ACTIONS)
            if action == FIN_WEAK_TO_SELF and dict(flavour.weights).get("D"):
                action = 0  # what is saved lives on, and what differs then would differ for ever
            argument = rng.randrange(ROOTS)
    return f"n {rng.randrange(ROOTS)} {kind} {action} {argument}"


def random_watch(rng: random.Random, flavour: Flavour) -> str:
    """A line that watches."""
    owner = rng.randrange(ROOTS) if flavour.has_owners and rng.random() < 0.6 else -1
    action = argument = 0
    if rng.random() < flavour.callback_actions:
        action = rng.randrange(1, CALLBACK_ACTIONS)
        argument = rng.randrange(ROOTS)
    return f"W {rng.randrange(ROOTS)} {owner} {action} {argument}"


def random_op(rng: random.Random, op: str, flavour: Flavour) -> str:
    """A line of this op."""
    if op == "n":
        return random_new(rng, flavour)
    if op == "W":
        return random_watch(rng, flavour)
    if op in "GN":
        return f"{op} {rng.choice((0, 0, 1, 1, 2, 2, 2))}"
    if op in "sl":
        return f"{op} {rng.randrange(ROOTS)} {rng.randrange(3)} {rng.randrange(ROOTS)}"
    if op in "Dz":
        return f"{op} {rng.randrange(2)}"
    count = {"d": 1, "u": 1, "T": 1, "p": 0, "q": 0}.get(op, 2)
    return " ".join([op, *(str(rng.randrange(ROOTS)) for _ in range(count))])


def random_ring(rng: random.Random, flavour: Flavour) -> list[str]:
    """A ring of some roots' new objects, watched and led to, and let go of."""
    roots = rng.sample(range(ROOTS), rng.randrange(1, 5))
    lines = [f"n {root}{random_new(rng, flavour)[3:]}" for root in roots]
    ends = zip(roots, [*roots[1:], roots[0]], strict=True)
    lines += [f"s {root} {rng.randrange(3)} {end}" for root, end in ends]
    for op in rng.choices("swWfp", (4, 2, 3, 1, 1), k=rng.randrange(6)):
        if op not in "Wf" or dict(flavour.weights).get(op):
            lines.append(random_op(rng, op, flavour))
    if flavour.has_weak_fields:
        lines.append(f"f {rng.choice(roots)} {rng.randrange(ROOTS)}")
    if flavour.callback_actions and flavour.has_owners:
        # The newer watch is told first, and may end the other's owner.
        target, owner = rng.choice(roots), rng.randrange(ROOTS)
        lines += [f"W {target} {owner} 0 0", f"W {target} -1 3 {owner}"]
    return lines + [f"d {root}" for root in rng.sample(roots, len(roots)) if rng.random() < 0.9]


def generate(seed: int) -> list[str]:
    """The lines of the random program of a seed, the same on every machine."""
    rng = random.Random(f"op program {seed}")
    flavour = choose_flavour(rng)
    names = [name for name, _ in flavour.weights]
    weights = [weight for _, weight in flavour.weights]
    # Roots that are full give the other ops something to work on.
    lines = [f"n {root}{random_new(rng, flavour)[3:]}" for root in range(rng.randrange(ROOTS + 1))]
    for op in rng.choices(names, weights, k=rng.randrange(OPS_MIN, OPS_MAX)):
        lines += random_ring(rng, flavour) if op == "o" else [random_op(rng, op, flavour)]
    last = "N 2" if "N" in names else "G 2"
    if "D" in names:
        lines.append("D 0")
    lines += ["p", "q", *(f"d {root}" for root in range(ROOTS)), last, "p", last, "p"]
    return lines
