"""What the rules for cures go by.

Knows: one finding and one source file. Must not know: which cure follows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mortmain import _heap, cure_alias, cure_patch, cure_seen, cure_source
from mortmain.cure_patch import Edit
from mortmain.cure_source import Function, Module, Use

# The bound that functools.lru_cache has by itself.
BOUND = 128
_EMPTY = {"dict", "list", "set", "deque", "OrderedDict", "defaultdict", "Queue", "SimpleQueue"}
_EMPTY |= {"WeakKeyDictionary"}


# The attribute that leads to the container: file, scope, attribute, anchors, and how many steps
# there are between them. The nearest first.
Place = tuple[str, str, str, tuple[tuple[str, int], ...], int]


@dataclass(frozen=True, slots=True)
class Facts:
    """A finding, as far as a cure depends on it; see ``Findings.cures`` of ``_heap``."""

    number: int
    kind: str
    is_leak: bool
    type: str | None
    holder: str | None
    cure: str | None
    role: str | None
    file: str | None
    scope: tuple[str, str, str, tuple[tuple[str, int], ...]] | None
    path: _heap._Steps
    ring: _heap._Steps
    held: str | None
    can_be_weak: bool
    by_identity: bool
    leads_back: bool
    grown: int
    steps: int
    places: tuple[Place, ...] = ()


def is_nested(facts: Facts) -> bool:
    """Is the container a list or a set in a dict?"""
    objects = [text for text, _, _ in facts.path]
    at = next((i for i, (_, _, guilty) in enumerate(facts.path) if guilty), 0)
    return objects[at - 1 : at] in (["dict"], ["defaultdict"]) and objects[at] in ("list", "set")


@dataclass(frozen=True, slots=True)
class Answer:
    """A cure by its id; edits make it, or there is no patch."""

    cure: str
    role: str | None
    line: int
    checked: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A finding beside its source."""

    facts: Facts
    module: Module
    scope: str
    name: str
    uses: tuple[Use, ...]
    is_nested: bool = False

    @classmethod
    def of(cls, facts: Facts, module: Module) -> Case:
        """Read what the source does with the holder, if the finding has one."""
        if facts.scope is None:
            return cls(facts, module, "", "", ())
        _, scope, attribute, _ = facts.scope
        name = cure_source.spelled(module, scope, attribute)
        found = cure_alias.with_aliases(module, cure_source.uses(module, scope, name))
        container = next((text for text, _, guilty in facts.path if guilty), "")
        own = cure_alias.own_class(module, container)
        if own is not None:
            found = [use for use in found if use.method not in cure_alias.methods(own)]
            found += cure_alias.within(module, own)
        place = next((each for each in facts.places if each[:3] == facts.scope[:3]), None)
        if place is not None and place[4] == 1 and is_nested(facts):
            return cls(facts, module, scope, name, tuple(cure_alias.inner(module, found)), True)
        return cls(facts, module, scope, name, tuple(found))

    @property
    def edge(self) -> str:
        """How the container refers to what it holds: ``"[key]"``, ``"[*]"``, ``" member"``."""
        return next((edge or "" for _, edge, guilty in self.facts.path if guilty), "")

    @property
    def container(self) -> str:
        """The type of the container: ``"dict"``."""
        return next((text for text, _, guilty in self.facts.path if guilty), "")

    def of_kind(self, *kinds: str) -> Iterator[Use]:
        """Uses of some kinds."""
        return (use for use in self.uses if use.kind in kinds)

    def only(self, *kinds: str) -> bool:
        """Is nothing else done with it, in this file or in others?"""
        quiet = ("define", "insert", "alias", "outer")
        known = all(use.kind in (*kinds, *quiet) for use in self.uses)
        return (
            known
            and (self.is_nested or bool(self.definitions()))
            and not self.is_seen_as_a_whole()
            and not cure_source.used_elsewhere(self.module, self.scope, self.name)
        )

    def is_seen_as_a_whole(self) -> bool:
        """May somebody read it, or write it out, without its name?"""
        own = cure_seen.as_a_whole(self.module, self.scope, self.name)
        return own or cure_source.seen_elsewhere(
            self.module, cure_seen.in_others(self.module, self.scope)
        )

    def definitions(self) -> list[Use]:
        """Where an empty container is made; none if one of them makes something else."""
        made = [use for use in self.of_kind("define") if use.value is not None]
        return made if all(_is_empty(use.value) for use in made) else []

    @property
    def line(self) -> int:
        """Where it is made, or else put something in; 0 where nobody knows."""
        own = [use for use in self.uses if self.is_own(use)]
        made = [use for use in own if use.kind == "define"]
        full = [use for use in made if use in self.definitions()]
        return next((use.node.lineno for use in (*full, *made, *own)), 0)

    def is_own(self, use: Use) -> bool:
        """Is it of the class of the holder, rather than of another with such an attribute?

        A class is another one where it reaches its own by `self`, and has no part in the holder's:
        neither is below the other, nor is a class of the file below both.
        """
        owner = self.module.owner(use.node)
        last = self.scope.removesuffix("()").rpartition(".")[2]
        if owner is None or not last or not isinstance(use.node, ast.Attribute):
            return True
        if self.word(use.node.value, use) not in ("self", "class"):
            return True
        if len(self.module.classes(last)) != 1 or owner.name == last:
            return True
        return cure_source.are_related(self.module, last, owner.name)

    def word(self, expression: ast.expr | None, use: Use) -> str:
        """What an expression is at the place of a use."""
        return cure_source.resolve(self.module, expression, use.function)

    def redefined(self, made: str, annotation: str) -> list[Edit]:
        """Make another empty container wherever one is made, and change what is declared."""
        edits = []
        for use in self.definitions():
            assert use.value is not None
            edits.append(cure_patch.replace(self.module, use.value, made))
        for use in self.of_kind("define"):
            statement = use.statement
            if isinstance(statement, ast.AnnAssign):
                declared = statement.annotation
                if isinstance(declared, ast.Subscript):
                    edits.append(cure_patch.replace(self.module, declared.value, annotation))
                elif isinstance(declared, ast.Name):
                    edits.append(cure_patch.replace(self.module, declared, annotation))
        return edits

    def renamed(self, before: str, after: str) -> list[Edit]:
        """Call another method wherever one is called on it."""
        edits = []
        for use in self.uses:
            attribute = self.module.parents[use.node]
            if use.method == before and isinstance(attribute, ast.Attribute):
                owner = ast.get_source_segment(self.module.text, use.node) or ""
                edits.append(cure_patch.replace(self.module, attribute, f"{owner}.{after}"))
        return edits

    def shown(self, node: ast.expr) -> str:
        """An expression as it is written."""
        return ast.get_source_segment(self.module.text, node) or ast.unparse(node)

    def is_kept(self, call: ast.Call, argument: ast.expr | None = None) -> bool:
        """Is an object used by others than who it is given to?

        Args:
            call: Makes it, or with ``argument`` hands it to a container.
            argument: The object.

        Returns:
            True where it is in a variable that is used again, or is handed back.
        """
        name = None
        if argument is None:
            parent = self.module.parents[call]
            if isinstance(parent, ast.Return | ast.withitem):
                return True
            if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
                target = parent.targets[0]
                if isinstance(target, ast.Attribute):
                    return True
                name = target.id if isinstance(target, ast.Name) else None
        elif isinstance(argument, ast.Name):
            name = argument.id
        function = self.module.function(call)
        if name is None or function is None:
            return False
        loads = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]
        return len(loads) > (0 if argument is None else 1)

    def calls_of(self, name: str) -> list[ast.Call]:
        """Calls of whatever has this name in the file."""
        return [
            node
            for node in ast.walk(self.module.tree)
            if isinstance(node, ast.Call)
            and (
                (isinstance(node.func, ast.Name) and node.func.id == name)
                or (isinstance(node.func, ast.Attribute) and node.func.attr == name)
            )
        ]

    def comes_kept(self, use: Use) -> bool:
        """Is what a function puts in kept by whoever hands it over, at each of its calls?"""
        function: Function | None = use.function
        value = use.value
        if function is None or value is None:
            return False
        word = self.word(value, use)
        if word in ("self", "callable") and function.name == "__init__":
            owner = self.module.owner(function)
            makes = self.calls_of(owner.name) if owner is not None else []
            return bool(makes) and all(self.is_kept(call) for call in makes)
        if word != "param" or not isinstance(value, ast.Name):
            return False
        position = cure_source.position(self.module, function, value.id)
        handed = [
            (call, argument)
            for call in self.calls_of(function.name)
            if (argument := cure_source.argument(call, position, value.id)) is not None
        ]
        return bool(handed) and all(self._is_kept_argument(*each) for each in handed)

    def _is_kept_argument(self, call: ast.Call, argument: ast.expr) -> bool:
        function = self.module.function(call)
        inner = argument
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if isinstance(inner, ast.Name) and function is not None:
            word = cure_source.resolve(self.module, ast.Name(inner.id, ast.Load()), function)
            if word == "self" and function.name == "__init__":
                owner = self.module.owner(function)
                makes = self.calls_of(owner.name) if owner is not None else []
                return bool(makes) and all(self.is_kept(made) for made in makes)
            if word in ("self", "param"):
                return True
        return self.is_kept(call, inner)


def _is_empty(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    if isinstance(value, ast.Call):
        name = ast.unparse(value.func).rpartition(".")[2]
        return name in _EMPTY and not value.args and not value.keywords
    return False
