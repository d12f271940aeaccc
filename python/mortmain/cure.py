"""Which cure fits a finding, as its source calls for, and the patch that makes it.

Knows: roles of holders and their cures, in one table. Must not know: heaps, and how an answer
looks: what is said of a cure is worded by the engine, here are ids.

Whether a weak reference is right depends on what the holder is for, never on how it holds. A side
table and a queue hold alike; a weak queue would lose its orders. So the source is read: what is put
in, under which key, and what is done with it. Where that is not understood, the cure is the one
that loses nothing, and there is no patch. What the standard library keeps has its own rules, by who
keeps it (cure_sites.py): they are asked where the source of the holder gives no patch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mortmain import (
    _heap,
    cure_functions,
    cure_imports,
    cure_memos,
    cure_patch,
    cure_rings,
    cure_rules,
    cure_sites,
    cure_source,
    cure_tables,
    cure_undo,
    cure_weak,
)
from mortmain.cure_case import Answer, Case, Facts, is_nested

Rule = Callable[[Case], Answer | None]

# The first that answers decides. Those that need no container come first: they read the path or
# the ring alone. The last one always answers.
RULES: tuple[Rule, ...] = (
    cure_rules.threads,
    cure_rules.raised_again,
    cure_rings.exception_in_a_local,
    cure_rings.reference_to_the_owner,
    cure_rings.method_of_its_own,
    cure_functions.cached_method,
    cure_functions.cached_function,
    cure_functions.mutable_default,
    cure_functions.closure,
    cure_functions.attribute_of_function,
    cure_weak.own_table,
    cure_tables.weak_container,
    cure_rules.stored_exception,
    cure_rules.dead_references,
    cure_tables.keyed_by_id,
    cure_rules.callbacks,
    cure_tables.side_table,
    cure_tables.membership,
    cure_rules.classes,
    cure_rules.instances,
    cure_rules.tasks,
    cure_tables.taken_out,
    cure_tables.timers,
    cure_tables.looked_up,
    cure_memos.computed_by_itself,
    cure_memos.memo,
    cure_memos.flyweights,
    cure_rules.shared_by_instances,
    cure_rules.observers,
    cure_rules.log,
    cure_rules.never_read,
    cure_rules.owner,
)

# What is taken out again by hand, if the source has something for that.
_UNDONE = ("remove-when-done", "unsubscribe")

# Those that understand a container in another one: the lists of a dict of lists.
NESTED_RULES: tuple[Rule, ...] = (cure_rules.callbacks, cure_rules.tasks)


@dataclass(frozen=True, slots=True)
class Fix:
    """What the source calls for.

    Attributes:
        facts: The finding.
        cure: Id, as engine/explain/cures.h has it.
        role: What the holder is for; None: as the finding says.
        checked: Ids of what was checked.
        file: The source file, as it is shown.
        path: The source file.
        line: Where the holder is made; 0 where nobody knows.
        text: That line.
        patch: A unified diff, or None.
        after: The whole file when it is patched, or None.
        proven: True: it was tried and nothing grows. False: it was withdrawn. None: not tried.
        tried: Objects and steps before, and after; -1 is unknown.
        hint: What the source has that does it, without a stop at the end, or None.
    """

    facts: Facts
    cure: str
    role: str | None
    checked: tuple[str, ...]
    file: str
    path: str
    line: int
    text: str
    patch: str | None
    after: str | None
    proven: bool | None = None
    tried: tuple[int, int, int, int] = (-1, -1, -1, -1)
    hint: str | None = None

    def row(self) -> _heap._Fix:
        """What the engine prints."""
        proven = -1 if self.proven is None else int(self.proven)
        held = self.facts.held or "it"
        return (self.cure, self.role, held, self.checked, self.patch, proven, self.tried, self.hint)

    def withdrawn(self, tried: tuple[int, int, int, int]) -> Fix:
        """The cure that loses nothing, and no patch."""
        return replace(self, patch=None, after=None, proven=False, tried=tried)


def find(facts: Facts, files: Sequence[str] = ()) -> Fix | None:
    """Find the cure for a finding.

    Args:
        facts: The finding.
        files: Where to look for functions of which the finding knows no more than a name.

    Returns:
        The cure; None where there is no source to read, or nothing is to be said.
    """
    if any(text == "_lru_cache_wrapper" for text, _, _ in facts.path):
        # A function is looked for by its name: what wraps others may be of another file.
        facts = replace(facts, scope=None, places=())
    if cure_weak.is_receiver(facts):
        # Whoever connects it is to blame, not where the signal is.
        site = cure_sites.find(facts, files)
        return None if site is None else _fix(facts, *site)
    first: Fix | None = None
    for each in _lights(facts):
        for file in _files(each, files):
            found = _of_file(each, file)
            if found is not None and found.patch is not None:
                return found
            first = first or found
    if first is None and facts.places:
        # What else the finding names is not the container: a patch of it would be for another.
        plain = (_of_file(facts, file) for file in _files(facts, files))
        first = next((replace(each, patch=None, after=None) for each in plain if each), None)
    site = cure_sites.find(facts, files)
    # What the library's source says of its own container is no advice to who fills it; nor is what
    # a file says that has no container.
    if site is not None and (first is None or site[1].edits or _is_apart(facts, first)):
        return _fix(facts, *site)
    return first


def _is_apart(facts: Facts, found: Fix) -> bool:
    """Was a cure found without the source of a container that can be changed?"""
    return found.patch is None and (facts.scope is None or cure_source.is_stdlib(found.path))


def _lights(facts: Facts) -> list[Facts]:
    """The finding, by each attribute that may be the one to change; the nearest ones first."""
    far = 1 if is_nested(facts) or facts.kind == "weak container" else 0
    near = [place for place in facts.places if place[4] <= far]
    scopes = [place[:4] for place in near if not cure_source.is_stdlib(place[0])]
    if facts.scope in scopes or not scopes or facts.cure == "drop-exception":
        return [facts]
    return [replace(facts, scope=scope) for scope in scopes]


def _of_file(facts: Facts, file: str) -> Fix | None:
    """The first rule that answers decides."""
    module = cure_source.read(file)
    if module is None or (
        facts.scope is not None and not cure_source.matches(module, facts.scope[3])
    ):
        return None
    case = Case.of(facts, module)
    for rule in NESTED_RULES if case.is_nested else RULES:
        answer = rule(case)
        if answer is not None:
            made = _fix(facts, module, answer)
            is_undone = answer.cure in _UNDONE and made.patch is None
            return replace(made, hint=cure_undo.hint(case)) if is_undone else made
    return None


def _files(facts: Facts, files: Sequence[str]) -> list[str]:
    if facts.scope is not None:
        return [facts.scope[0]]
    if facts.ring and facts.file is None:
        return [file for file in files if Path(file).is_file()]
    found = [] if facts.file is None else [facts.file]
    for text, edge, _ in facts.path[:1]:
        for file in [*cure_imports.files_of(text.removeprefix("module ")), *files]:
            # Where the module names what another one makes, it is that one's source.
            module = cure_source.read(file)
            name = (edge or "").removeprefix(".")
            found += [file, *(cure_imports.sources(module, name) if module is not None else ())]
    return found


def _fix(facts: Facts, module: cure_source.Module, answer: Answer) -> Fix:
    # What the standard library does, its users cannot change: they are told, no more.
    mine = answer.edits and not cure_source.is_stdlib(module.file)
    after = cure_patch.apply(module, answer.edits) if mine else None
    patch = cure_patch.diff(module, after) if after is not None else None
    shown = cure_source.shown(module.file)
    text = module.line(answer.line).strip() if answer.line else ""
    return Fix(
        facts, answer.cure, answer.role, answer.checked if patch or not answer.edits else (),
        shown, module.file, answer.line, text, patch, after if patch else None,
    )  # fmt: skip
