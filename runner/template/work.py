"""The budgets of evaluation: the elements that one rendering goes through, and what is made for one row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runner.template.values import EvaluationError

MAX_WORK = 10_000_000
"""Elements that one rendering may go through, over all of its loops and filters."""

MAX_MADE = 48_000_000
"""Bytes of texts and lists that may be made for one row, in all of its templates and named values."""

LONG = 1_000
"""Characters of a text, or elements of a list, from which on it counts as made: small ones count as work."""

NUMBER_SIZE, TEXT_SIZE, LIST_SIZE = 36, 60, 72
"""Bytes of a number, of a short text and of a short list in a list."""


class _Budget(threading.local):
    left: int | None = None
    room: int | None = None
    alone: bool = False


_BUDGET = _Budget()


@contextmanager
def one_row() -> Iterator[None]:
    """Count what is made from here on as that of one row."""
    around = _BUDGET.room
    _BUDGET.room = MAX_MADE if around is None else around
    try:
        yield
    finally:
        if around is None:
            _BUDGET.room = None


def begin() -> bool:
    """Count the work from here on, where none is counted yet; whether this began it, and has to `end` it."""
    if _BUDGET.left is not None:
        return False
    _BUDGET.left = MAX_WORK
    _BUDGET.alone = _BUDGET.room is None
    if _BUDGET.alone:
        _BUDGET.room = MAX_MADE
    return True


def end() -> None:
    """Stop counting."""
    _BUDGET.left = None
    if _BUDGET.alone:
        _BUDGET.room, _BUDGET.alone = None, False


def spend(units: int) -> None:
    """Take `units` of work from the budget, where there is one. Raises EvaluationError when it is used up."""
    if _BUDGET.left is not None:
        _BUDGET.left -= units
        if _BUDGET.left < 0:
            raise EvaluationError(
                f"it goes through more than {MAX_WORK:,} elements; choose fewer, or make two steps of it"
            )


def make(size: int) -> None:
    """Take `size` bytes from what may be made, where that is counted. Raises EvaluationError when it is used up."""
    if _BUDGET.room is not None:
        _BUDGET.room -= size
        if _BUDGET.room < 0:
            raise EvaluationError(
                f"the row makes more than {MAX_MADE // 1_000_000} MB of texts and lists; make less of them"
            )
