"""`where` and `expect` of a read: which entries of a list are meant, and whether it has those that it has to have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from runner.engine.calls.diff import literal
from runner.engine.calls.searches import check_where
from runner.engine.sending.outcome import Outcome
from runner.recipe.model import Step
from runner.template import EvaluationError, Expression, Undecided, Unknown, paths_of

CANDIDATES_SHOWN = 3
FIELDS_SHOWN = 3

ENOUGH: Mapping[str, int] = {"one": CANDIDATES_SHOWN + 1, "first": 1, "none": CANDIDATES_SHOWN + 1}
"""The entries after which a list need not be read on, by what is expected of it."""

_WISHES = {"one": "exactly one", "first": "at least one", "none": "none"}


def fits(where: Expression | None, item: Any, scope: Mapping[str, Any]) -> bool:
    """Return whether `where` is true of an entry, which it sees as `item`. Raises EvaluationError."""
    return where is None or bool(where.evaluate({**scope, "item": item}))


def failed(expect: Expression, value: Any, scope: Mapping[str, Any]) -> str:
    """Say why the data of a success is not what `expect` says; empty when it is."""
    seen = {**scope, "result": value}
    try:
        if expect.evaluate(seen):
            return ""
        compared = ", ".join(literal(each) for each in expect.compared(seen))
    except EvaluationError as error:
        return str(error)
    return f"expected {expect.text}" + (f"; compared: {compared}" if compared else "")


def hopeless(expect: Expression, step: str, scope: Mapping[str, Any]) -> str:
    """Say why `expect` or `verify` of a step is not true whatever is answered; empty where the answer decides."""
    seen = {**scope, "result": Unknown(step)}
    try:
        value = expect.evaluate(seen)
    except EvaluationError as error:
        return str(error)
    if isinstance(value, Unknown) and any(_is_false(each, seen) for each in expect.conditions):
        value = False
    return "" if isinstance(value, Unknown) or value else f"expected {expect.text}"


def _is_false(condition: Callable[[Mapping[str, Any]], Any], scope: Mapping[str, Any]) -> bool:
    """Tell whether a side of an `and` is known to be false; what it cannot be computed of may never be looked at."""
    with suppress(EvaluationError):
        value = condition(scope)
        return not isinstance(value, Unknown) and not value
    return False


def chosen(step: Step, outcome: Outcome, scope: Mapping[str, Any]) -> Outcome:
    """Return what a row takes of an answer that rows share, as `where` and `expect` say. Raises EvaluationError."""
    value = outcome.value
    try:
        if isinstance(value, Unknown):
            raise Undecided(value.origin)
        if isinstance(value, list) and step.where is not None:
            if step.single:
                check_where(step.where, scope)
            value = [item for item in value if fits(step.where, item, scope)]
    except Undecided:
        nothing = step.expect == "none"
        return outcome._replace(value=None if nothing else Unknown(step.id))
    except EvaluationError as error:
        raise EvaluationError(f"where: {error}") from None
    outcome = expected(step, outcome._replace(value=value), scope)
    if not outcome.ok:
        raise EvaluationError(outcome.reason)
    return outcome


def expected(step: Step, outcome: Outcome, scope: Mapping[str, Any]) -> Outcome:
    """Return the value that a read hands on, or why it is not what the step expects."""
    value, expect = outcome.value, step.expect
    if isinstance(expect, Expression):
        wrong = failed(expect, value, scope)
        return outcome._replace(state="rejected", reason=wrong) if wrong else outcome
    listed = value if isinstance(value, list) else [value]
    whole = step.poll is not None or bool(step.once)
    wrong = unexpected(expect, listed, where=step.where, whole=whole)
    if wrong:
        return outcome._replace(state="rejected", reason=wrong)
    if expect in ("one", "first"):
        return outcome._replace(value=listed[0])
    return outcome._replace(value=None) if expect == "none" else outcome


def unexpected(expect: str, listed: Sequence[Any], *, where: Expression | None, whole: bool) -> str:
    """Say how many entries there are, and the first of them, where that is not as `expect` says; empty where it is.

    `whole` says that the list was read to its end.

    expected exactly one, found 2: id 7 status WIP; id 9 status WIP
    """
    count = len(listed)
    if {"one": count == 1, "first": count > 0, "none": count == 0}.get(expect, True):
        return ""
    said = f"expected {_WISHES[expect]}, found {count or 'none'}"
    if count > CANDIDATES_SHOWN and not whole:
        said = f"expected {_WISHES[expect]}, found {count} or more"
    if where is not None:
        said += f" where {' '.join(where.text.split())}"
    shown = candidates(listed, first=_looked_at(where), more=False)
    return f"{said}: {shown}" if shown else said


def candidates(entries: Sequence[Any], *, first: Collection[str] = (), more: bool = True) -> str:
    """Return the first entries by a few of their fields: their id, then those in `first`, then others."""
    shown = [" ".join(_fields(entry, first)) for entry in entries[:CANDIDATES_SHOWN]]
    left = len(entries) - len(shown)
    also = [f"and {left} more"] if left > 0 and more else []
    return "; ".join([*filter(None, shown), *also])


def _fields(entry: Any, first: Collection[str]) -> Iterable[str]:
    fields = entry if isinstance(entry, Mapping) else {}
    order = [*(name for name in ("id", *first) if name in fields), *fields]
    told = [name for name in dict.fromkeys(order) if _is_told(fields[name])]
    return (f"{name} {fields[name]}" for name in told[:FIELDS_SHOWN])


def _is_told(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _looked_at(where: Expression | None) -> list[str]:
    """The fields of an entry that a condition looks at."""
    paths = paths_of(where.tree) if where is not None else {}
    found = [str(path[1]) for path in paths if path[0] == "item" and len(path) > 1]
    return list(dict.fromkeys(found))
