"""The budget of work that one rendering may use: loops within loops over a large input end with a message."""

from __future__ import annotations

import threading

from runner.template.values import EvaluationError

MAX_WORK = 10_000_000
"""Elements that one rendering may go through, over all of its loops and filters."""


class _Budget(threading.local):
    left: int | None = None


_BUDGET = _Budget()


def begin() -> bool:
    """Count the work from here on, where none is counted yet; whether this began it, and has to `end` it."""
    if _BUDGET.left is not None:
        return False
    _BUDGET.left = MAX_WORK
    return True


def end() -> None:
    """Stop counting."""
    _BUDGET.left = None


def spend(units: int) -> None:
    """Take `units` of work from the budget, where there is one. Raises EvaluationError when it is used up."""
    if _BUDGET.left is not None:
        _BUDGET.left -= units
        if _BUDGET.left < 0:
            raise EvaluationError(
                f"it goes through more than {MAX_WORK:,} elements; choose fewer, or make two steps of it"
            )
