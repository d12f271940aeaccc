"""cached_method: what it does as functools.lru_cache does, and that it keeps nobody."""

from __future__ import annotations

import abc
import copy
import functools
import gc
import inspect
import pickle
import weakref
from typing import Any

import pytest

from mortmain import weak


class Square:
    """With cached methods."""

    def __init__(self, side: int = 2) -> None:
        """Of a side."""
        self.side = side
        self.calls = 0

    @weak.cached_method
    def area(self, unit: str = "cm", *, power: int = 2) -> str:
        """An area."""
        self.calls += 1
        return f"{self.side**power} {unit}"

    @weak.cached_method(maxsize=2, typed=True)
    def scaled(self, factor: float) -> float:
        """Bounded and typed."""
        self.calls += 1
        return self.side * factor

    @weak.cached_method(maxsize=None)
    def fibonacci(self, number: int) -> int:
        """Recursive."""
        self.calls += 1
        return number if number < 2 else self.fibonacci(number - 1) + self.fibonacci(number - 2)


# ---- as lru_cache --------------------------------------------------------------------------------


class Both:
    """The same function, cached by both."""

    def __init__(self, **options: Any) -> None:
        def function(*args: Any, **kwargs: Any) -> Any:
            return [args, kwargs]

        class Owner:
            cached = weak.cached_method(**options)(lambda self, *a, **k: function(*a, **k))

        self.owner = Owner()
        self.ours = self.owner.cached
        self.theirs = functools.lru_cache(**options)(function)

    def agree(self, *args: Any, **kwargs: Any) -> None:
        """On the answer, or on the exception."""
        answers = []
        for cached in (self.ours, self.theirs):
            try:
                answers.append(cached(*args, **kwargs))
            except TypeError as error:
                answers.append(str(error))
        assert answers[0] == answers[1]
        assert self.ours.cache_info() == self.theirs.cache_info()


@pytest.mark.parametrize(
    "options", [{}, {"maxsize": 3}, {"maxsize": None}, {"maxsize": 0}, {"maxsize": -5},
                {"maxsize": 3, "typed": True}, {"maxsize": None, "typed": True}, {"maxsize": 1}]
)  # fmt: skip
def test_it_counts_as_lru_cache(options: dict[str, Any]) -> None:
    """Hits, misses and size, whatever the arguments are."""
    both = Both(**options)
    assert both.ours.cache_info() == both.theirs.cache_info()
    for _ in range(3):
        for value in (1, 1.0, "1", 2, 3, True, (1, 2), None, 4, 1):
            both.agree(value)
            both.agree(value, value)
            both.agree(value, key=value)
            both.agree(key=value, other=1)
            both.agree(other=1, key=value)
        both.agree()
        both.agree([])
        both.agree({}, key=[])
        both.agree(*range(20), **{f"k{n}": n for n in range(20)})
    assert both.ours.cache_parameters() == both.theirs.cache_parameters()
    both.ours.cache_clear()
    both.theirs.cache_clear()
    both.agree(1)


def test_how_it_may_be_written() -> None:
    """Bare, called, with the limit by place; and what is refused."""

    def function(self: object, x: int) -> int:
        return x

    ways: list[Any] = [weak.cached_method, weak.cached_method(), weak.cached_method(4)]
    limits = [way(function).cache_parameters()["maxsize"] for way in ways]
    assert limits == [128, 128, 4]
    made: Any = weak.cached_method
    assert made(function, True).cache_parameters() == {"maxsize": 128, "typed": True}
    wrongs: list[Any] = ["x", 1.5, []]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="Expected first argument to be an integer"):
            made(wrong)
    with pytest.raises(TypeError, match="is for functions, not for 'classmethod' objects"):
        made()(classmethod(function))
    with pytest.raises(TypeError, match="needs an instance"):
        made(function)()


def test_it_looks_like_the_function() -> None:
    """Name, documentation, module, signature, and the function itself."""
    square = Square()
    for method in (Square.area, square.area):
        shown: Any = method
        assert shown.__name__ == "area"
        assert shown.__doc__ == "An area."
        assert shown.__qualname__ == "Square.area"
        assert shown.__module__ == __name__
        assert shown.__wrapped__(square, "m") == "4 m"
    assert list(inspect.signature(Square.area).parameters) == ["self", "unit", "power"]
    assert list(inspect.signature(square.area).parameters) == ["unit", "power"]
    assert repr(Square.area) == "<cached method Square.area>"
    assert repr(square.area).startswith("<bound cached method Square.area of <")
    shown = square.area
    assert shown.__self__ is square and shown.__func__ is Square.area
    assert square.area == square.area and hash(square.area) == hash(square.area)
    assert square.area != square.scaled and square.area != Square().area
    with pytest.raises(AttributeError):
        shown.nothing  # noqa: B018
    assert Square.area(square, "km") == square.area("km")
    assert Square.area.cache_info(square).misses == 1
    Square.area.cache_clear(square)
    assert square.area.cache_info().misses == 0


def test_an_abstract_one_is_abstract() -> None:
    """For abc."""

    class Base(abc.ABC):
        @weak.cached_method
        @abc.abstractmethod
        def work(self) -> int: ...

    class Works(Base):
        @weak.cached_method
        def work(self) -> int:
            return 3

    made: Any = Base
    with pytest.raises(TypeError, match="abstract"):
        made()
    assert Works().work() == 3


def test_recursion() -> None:
    """Each number once."""
    square = Square()
    assert square.fibonacci(150) == 9969216677189303386214405760200
    assert square.calls == 151


def test_an_exception_is_not_kept() -> None:
    """The next call tries again."""

    class Fails:
        tries = 0

        @weak.cached_method
        def work(self) -> int:
            self.tries += 1
            raise KeyError(self.tries)

    one = Fails()
    for number in (1, 2):
        with pytest.raises(KeyError, match=str(number)):
            one.work()
    assert one.work.cache_info().currsize == 0


# ---- an instance each ----------------------------------------------------------------------------


def test_it_keeps_nobody() -> None:
    """The instance dies by counting, and the cache with it."""
    gc.disable()
    try:
        square = Square()
        square.area("m")
        square.scaled(2)
        bound = square.area
        watch = weakref.ref(square)
        del square
        assert watch() is not None
        del bound
        assert watch() is None
    finally:
        gc.enable()


def test_each_instance_has_its_own() -> None:
    """Results, statistics and limit; nothing is made by asking."""
    one, two = Square(1), Square(2)
    assert (one.area(), two.area(), one.area()) == ("1 cm", "4 cm", "1 cm")
    assert one.area.cache_info()[:2] == (1, 1)
    assert two.area.cache_info()[:2] == (0, 1)
    one.area.cache_clear()
    assert two.area.cache_info().currsize == 1
    three = Square()
    assert three.area.cache_info() == (0, 0, 128, 0)
    three.area.cache_clear()
    assert list(vars(three)) == ["side", "calls"]


def test_self_need_not_be_hashable() -> None:
    """It is in no key."""

    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise AssertionError("asked")

        @weak.cached_method
        def work(self, x: int) -> list[int]:
            return [x]

    one = Unhashable()
    assert one.work(1) is one.work(1)


def test_super() -> None:
    """A method of the same name in a base class, and even in one of the same name."""

    class Base:
        @weak.cached_method
        def work(self, x: int) -> list[Any]:
            return ["base", x]

    def derive(base: Any) -> Any:
        class Base(base):  # type: ignore[misc]
            @weak.cached_method
            def work(self, x: int) -> list[Any]:
                return ["derived", super().work(x)]

        return Base

    one = derive(derive(Base))()
    assert one.work(1) == ["derived", ["derived", ["base", 1]]]
    assert one.work(1) is one.work(1)
    assert Base.work(one, 1) is one.work(1)[1][1]
    assert Base.work.cache_info(one)[:2] == (1, 1)
    assert one.work.cache_info()[:2] == (3, 1)


def test_names() -> None:
    """An alias is the same method; without a class it has the function's name."""

    class Aliased:
        @weak.cached_method
        def one(self) -> list[int]:
            return []

        two = one

    made = Aliased()
    assert made.one() is made.two()
    late: Any = Aliased
    late.three = weak.cached_method(lambda self: [])
    late.four = weak.cached_method(functools.partial(lambda self: []))
    other: Any = Aliased()
    assert other.three() is other.three()
    assert other.four() is other.four() is not other.three()
    assert set(vars(other)) == {"_cached_<lambda>", "_cached_call"}


# ---- where it stands -----------------------------------------------------------------------------


def test_a_slot_serves() -> None:
    """With room for weak references; otherwise one clear error."""

    class Slotted:
        __slots__ = ("__weakref__", "_cached_work")

        @weak.cached_method
        def work(self) -> list[int]:
            return []

    one = Slotted()
    assert one.work() is one.work()

    class Bare:
        __slots__ = ("_cached_work",)
        work = Slotted.work

    class Full:
        __slots__ = ("__weakref__",)
        work = Slotted.work

    with pytest.raises(TypeError, match="put '__weakref__' into __slots__"):
        Bare().work()
    with pytest.raises(TypeError, match="no room for '_cached_work': put it into __slots__"):
        Full().work()
    with pytest.raises(TypeError, match="cannot be kept in a class"):
        Slotted.work(Slotted)


def test_copies_do_not_share_it() -> None:
    """A copy begins anew, as often as it is copied; so does what was pickled."""
    one = Square(1)
    kept = one.area()
    makes: list[Any] = [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
    for make in makes:
        made = make(one)
        made.side = 7
        assert made.area() == "49 cm"
        assert made.area.cache_info()[:2] == (0, 1)
        assert one.area() is kept
    # The address of one that died is that of another soon.
    for side in range(100):
        one = copy.copy(one)
        one.side = side
        assert one.area() == f"{side**2} cm"
        one = copy.copy(copy.copy(one))


def test_methods_can_be_pickled() -> None:
    """By name, and with the instance."""
    assert pickle.loads(pickle.dumps(Square.area)) is Square.area
    assert copy.deepcopy(Square.area) is Square.area
    bound = pickle.loads(pickle.dumps(Square(3).area))
    assert bound("m") == "9 m"


def test_weak_references_to_a_bound_one() -> None:
    """weakref.WeakMethod takes it."""
    square = Square()
    made: Any = weakref.WeakMethod(square.area)
    assert made()("m") == "4 m"
    del square
    assert made() is None


# ---- hostile -------------------------------------------------------------------------------------


class Key:
    """An argument that does things when it is hashed and compared."""

    def __init__(self, square: Square) -> None:
        self.square = square

    def __hash__(self) -> int:
        self.square.scaled.cache_clear()
        return 1

    def __eq__(self, other: object) -> bool:
        self.square.scaled(3)
        vars(self.square).pop("_cached_scaled", None)
        gc.collect()
        return self is other

    def __mul__(self, other: object) -> Any:
        return self

    __rmul__ = __mul__

    def __del__(self) -> None:
        self.square.scaled(4)


def test_arguments_that_clear_the_cache() -> None:
    """The call in hand goes on; a collection at every allocation."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        square = Square()
        for _ in range(50):
            keys: list[Any] = [Key(square) for _ in range(4)]
            for key in keys * 2:
                assert square.scaled(key) is key
    finally:
        gc.set_threshold(*threshold)


def test_it_is_collected() -> None:
    """A result that leads back to the instance is a ring, which the collector frees."""

    class Ring:
        @weak.cached_method
        def me(self, x: int) -> Any:
            return [self, x]

        def __del__(self) -> None:
            gone.append(self.me(1)[1])

    gone: list[int] = []
    one = Ring()
    one.me(1), one.me(2)
    watch = weakref.ref(one)
    del one
    gc.collect()
    assert watch() is None
    assert gone == [1]
    kind = weakref.ref(Ring)
    del Ring
    gc.collect()
    assert kind() is None


def test_a_long_chain_of_results() -> None:
    """Each instance keeps the next: they go one after the other, on a short stack."""

    class Link:
        @weak.cached_method
        def next(self) -> Any:
            return Link()

    first = one = Link()
    for _ in range(100_000):
        one = one.next()
    watch = weakref.ref(one)
    del one, first
    assert watch() is None


def test_a_name_that_changes_while_it_is_used() -> None:
    """The error says the name that had no room."""

    class Renames:
        """Where the cache was to be: nobody else has that name."""

        def __set__(self, instance: Any, value: Any) -> None:
            delattr(Keeper, "_cached_" + place)
            method.__set_name__(Keeper, "another")
            raise AttributeError

    class Keeper:
        """With no room."""

    def plain(self: Any) -> int:
        return 1

    place = plain.__name__ = "name" * 30
    method: Any = weak.cached_method(plain)
    setattr(Keeper, "_cached_" + place, Renames())
    with pytest.raises(TypeError) as told:
        method(Keeper())
    assert f"no room for '_cached_{place}'" in str(told.value)
