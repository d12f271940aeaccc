"""The same descriptor, which lets go: the dict holds its keys weakly.

When an `Exam` dies, its entry goes with it.
"""

from __future__ import annotations

import weakref


class Within:
    """A number between two bounds."""

    _seen: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __get__(self, instance: object, owner: type) -> float:
        return self._seen[instance]

    def __set__(self, instance: object, value: float) -> None:
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is not between {self.low} and {self.high}")
        self._seen[instance] = value


class Exam:
    """A graded exam."""

    grade = Within(0, 100)

    def __init__(self, student: str, grade: float) -> None:
        self.student = student
        self.grade = grade


def mark_exams(count: int) -> float:
    """Grade some exams and forget them; only the average is of interest."""
    total = 0.0
    for number in range(count):
        exam = Exam(f"student {number}", number % 101)
        total += exam.grade
    return total / count


def main() -> None:
    """Work. Nothing of it should be left."""
    average = mark_exams(10_000)
    print(f"The average of 10,000 exams is {average:.1f}. No exam is needed any more.")


if __name__ == "__main__":
    main()
