"""Bounded: a descriptor whose values stand in the instance, and which may know who has one."""

from __future__ import annotations

import copy
import gc
import pickle
import tracemalloc
import weakref
from typing import Any

import pytest

from mortmain import weak


class Exam:
    """With a grade."""

    grade = weak.Bounded(0, 100)

    def __init__(self, grade: int = 50) -> None:
        """Graded."""
        self.grade = grade


class Slotted:
    """With a slot for the value, and nothing else."""

    __slots__ = ("_grade",)
    grade = weak.Bounded(0, 100)


class Seen:
    """Who is seen."""

    age = weak.Bounded(0, 150, seen=True)

    def __init__(self, age: int) -> None:
        """Of an age."""
        self.age = age


# ---- limits --------------------------------------------------------------------------------------


def test_limits_are_inside() -> None:
    """Both, and nothing beyond them."""
    exam = Exam()
    for grade in (0, 100):
        exam.grade = grade
        assert exam.grade == grade
    for grade, text in ((-1, "grade must be at least 0, not -1"),
                        (101, "grade must be at most 100, not 101")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            exam.grade = grade
    assert exam.grade == 100


def test_each_limit_may_be_missing_and_has_two_names() -> None:
    """`min=` is `lo`, `max=` is `hi`; None is no limit."""

    class Open:
        low = weak.Bounded(min=3)
        high = weak.Bounded(max=3)
        any_ = weak.Bounded[Any]()
        none = weak.Bounded(None, 3)

    one = Open()
    one.low, one.high, one.none, one.any_ = 10**30, -(10**30), -5, one
    assert one.any_ is one
    del one.any_
    for name, value in (("low", 2), ("high", 4), ("none", 4)):
        with pytest.raises(ValueError):
            setattr(one, name, value)
    assert (Open.low.lo, Open.low.hi, Open.high.hi, Open.low.name) == (3, None, 3, "low")
    with pytest.raises(TypeError, match="lo and min"):
        weak.Bounded(1, min=2)
    with pytest.raises(TypeError, match="hi and max"):
        weak.Bounded(1, 2, max=2)


def test_the_exceptions_are_chosen() -> None:
    """A class, or what makes an exception of name, value and limit."""

    class TooLow(ValueError):
        pass

    class Aged:
        age = weak.Bounded(
            0, 9, too_low=TooLow, too_high=lambda *what: KeyError(",".join(map(str, what)))
        )

    one = Aged()
    with pytest.raises(TooLow, match="age must be at least 0, not -1"):
        one.age = -1
    with pytest.raises(KeyError, match="age,10,9"):
        one.age = 10
    wrongs: list[Any] = [3, int, "x"]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            weak.Bounded(too_low=wrong)
    made: Any = weak.Bounded(0, too_low=lambda *what: "no exception")  # type: ignore[arg-type]
    made.__set_name__(Aged, "made")
    with pytest.raises(TypeError, match="make exceptions, not 'str'"):
        made.__set__(one, -1)


def test_what_cannot_be_compared_is_refused() -> None:
    """Also what is on neither side of a limit."""
    exam = Exam()
    wrongs: list[Any] = ["x", None, 1j]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            exam.grade = wrong
    nan: Any = float("nan")
    with pytest.raises(ValueError, match="comparable with 0, not nan"):
        exam.grade = nan
    assert exam.grade == 50


def test_a_default_is_read_and_not_checked() -> None:
    """As the caller wants it; without one there is no attribute."""

    class Optional:
        one = weak.Bounded(0, 9, default=None)
        two = weak.Bounded(0, 9)

    made = Optional()
    assert made.one is None
    made.one = 3
    assert made.one == 3
    del made.one
    assert made.one is None
    for name in ("one", "two"):
        with pytest.raises(AttributeError, match=f"'Optional' object has no attribute '{name}'"):
            delattr(made, name)
    with pytest.raises(AttributeError, match="'two'"):
        made.two  # noqa: B018
    assert not hasattr(made, "two")


# ---- where it stands -----------------------------------------------------------------------------


def test_it_stands_in_the_instance_under_a_private_name() -> None:
    """So it goes and is copied with it."""
    exam = Exam(70)
    assert vars(exam) == {"_grade": 70}
    assert Exam.grade is vars(Exam)["grade"]
    for made in (copy.copy(exam), copy.deepcopy(exam), pickle.loads(pickle.dumps(exam))):
        made.grade -= 10
        assert (made.grade, exam.grade) == (60, 70)


def test_a_slot_serves() -> None:
    """And one clear error where there is no room."""
    one = Slotted()
    one.grade = 3
    assert one.grade == one._grade == 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError):
        one.grade = -3

    class Full:
        __slots__ = ()
        grade = weak.Bounded(0, 100)

    with pytest.raises(TypeError, match="'Full' objects have no room for '_grade': put it into"):
        Full().grade = 3


def test_frozen_and_strange_classes() -> None:
    """It goes past __setattr__ and __getattribute__, and never writes into a class."""

    class Frozen:
        value = weak.Bounded(0, 9)

        def __init__(self) -> None:
            type(self).value.__set__(self, 4)

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError("frozen")

        def __getattr__(self, name: str) -> object:
            raise AssertionError("not asked")

    one = Frozen()
    assert one.value == 4
    with pytest.raises(AttributeError, match="frozen"):
        one.value = 5

    class Meta(type):
        value = weak.Bounded(0, 9)

    class Made(metaclass=Meta):
        pass

    with pytest.raises(TypeError, match="cannot be kept in a class"):
        Made.value = 3


def test_one_descriptor_has_one_name() -> None:
    """Two attributes would share the value."""
    made = weak.Bounded(0, 9)
    with pytest.raises(TypeError, match="has no name"):
        made.__set__(Exam(), 3)
    with pytest.raises(TypeError, match="has no name"):
        made.__get__(Exam(), Exam)
    made.__set_name__(Exam, "a")
    made.__set_name__(Exam, "a")
    with pytest.raises(TypeError, match="cannot have two names, 'a' and 'b'"):
        made.__set_name__(Exam, "b")


def test_the_dict_of_the_instance_is_not_built() -> None:
    """What `instance.__dict__[name] = value` costs each instance."""
    gc.collect()

    def bytes_of(make: Any) -> float:
        kept = [make() for _ in range(10)]
        tracemalloc.start()
        kept = [make() for _ in range(1000)]
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del kept
        return size / 1000

    class Plain:
        def __init__(self) -> None:
            self._grade = 50

    class Textbook:
        def __init__(self) -> None:
            self.__dict__["grade"] = 50

    # How many values an instance has room for is the interpreter's estimate.
    assert bytes_of(Exam) <= bytes_of(Plain) + 16
    assert bytes_of(Exam) < bytes_of(Textbook) - 30


# ---- who is seen ---------------------------------------------------------------------------------


def test_the_living_are_seen() -> None:
    """With the last value, and as long as they live."""
    one, two = Seen(1), Seen(2)
    one.age = 3
    with pytest.raises(ValueError):
        two.age = 200
    seen = Seen.age.seen
    assert dict(seen) == {one: 3, two: 2}
    assert isinstance(seen, weak.WeakIdKeyDictionary)
    del one
    assert list(seen.values()) == [2]
    del two.age
    assert len(seen) == 0
    with pytest.raises(AttributeError, match="seen=True"):
        Exam.grade.seen  # noqa: B018


def test_who_cannot_be_hashed_is_seen() -> None:
    """An instance in its __init__() mostly cannot be: it is told apart by identity."""

    class Point:
        x = weak.Bounded(0, 9, seen=True)

        def __init__(self, x: int) -> None:
            self.x = x
            self.ready = True

        def __eq__(self, other: object) -> bool:
            raise AssertionError("asked")

        def __hash__(self) -> int:
            return hash(self.ready)

    points = [Point(1), Point(1)]
    assert len(Point.x.seen) == 2
    del points
    assert len(Point.x.seen) == 0


def test_who_cannot_be_seen_gets_no_value() -> None:
    """One clear error."""

    class Full:
        __slots__ = ("_x",)
        x = weak.Bounded(0, 9, seen=True)

    one = Full()
    with pytest.raises(TypeError, match="put '__weakref__' into __slots__"):
        one.x = 3
    assert not hasattr(one, "x")


# ---- hostile objects -----------------------------------------------------------------------------


class Hostile:
    """Compares as it likes, and writes meanwhile."""

    def __init__(self, exam: Exam, answer: bool = True) -> None:
        self.exam = exam
        self.answer = answer

    def __ge__(self, other: object) -> bool:
        self.exam.grade = 7
        gc.collect()
        return self.answer

    def __le__(self, other: object) -> bool:
        del self.exam.grade
        return self.answer

    def __lt__(self, other: object) -> bool:
        raise KeyError("compared")

    def __del__(self) -> None:
        self.exam.grade = 1


def test_values_that_write_while_they_are_compared() -> None:
    """The last one written counts; what a comparison raises goes through."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        exam = Exam()
        strange: Any = Hostile(exam)
        exam.grade = strange
        assert exam.grade is strange
        del strange
        exam.grade = 3  # the one that dies writes another
        assert exam.grade == 1
        strange = Hostile(exam, answer=False)
        with pytest.raises(KeyError, match="compared"):
            exam.grade = strange
        assert exam.grade == 7
    finally:
        gc.set_threshold(*threshold)


def test_it_is_collected_with_its_class() -> None:
    """Also if an exception or the dictionary of those seen leads back."""

    def make() -> weakref.ref[Any]:
        class Owner:
            pass

        maker: Any = lambda *_: Owner  # noqa: E731
        made: Any = weak.Bounded(0, 9, too_low=maker, default=Owner, seen=True)
        Owner.x = made  # type: ignore[attr-defined]
        made.__set_name__(Owner, "x")
        one = Owner()
        made.__set__(one, 3)
        Owner.one = one  # type: ignore[attr-defined]
        return weakref.ref(Owner)

    watch = make()
    gc.collect()
    assert watch() is None
