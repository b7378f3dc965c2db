"""Columns of keys and shared values that are others than they were: every row has another key by the same text.

What was sent for a line is found by its cells as long as these are the same. In a sheet in which other cells have
changed too nothing shows that a row was sent under another key. So where the key is made in another way than it was
when something was sent, rows whose keys are not on record are refused: they may be rows that were sent under the
other key. Rows whose keys are on record prove nothing of the others. The same holds for the values of each `once_per`
without a search.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from runner.engine.context import Context
from runner.engine.once_per import shared_value
from runner.engine.past.contents import scopes_of
from runner.engine.past.key_columns import (
    alike,
    former_columns,
    key_columns,
    made_of,
    said,
    same_key,
    sharing,
)
from runner.engine.past.key_ways import kept, renamed
from runner.journal import KeyRun
from runner.problems import StoppedError, printable
from runner.recipe.model import Step
from runner.rows import Row
from runner.template import EvaluationError

_AT_ONCE = 300
"""Rows whose keys are looked up together."""

_Made = Mapping[str, Any]


def check_columns(context: Context, rows: Iterable[Row], header: Sequence[str]) -> None:
    """Refuse rows that are not on record where keys were made of other columns. Raises StoppedError.

    `header` has the names of the sheet's columns; none where each record names its own.
    """
    recipe, now = context.recipe, key_columns(context.recipe)
    if not now:
        return
    ways = [now, *former_columns(recipe)]
    others = [
        each
        for each in _since_declared(context, lambda text: same_key(text, now))
        if not any(same_key(each.columns, way) for way in ways)
        and context.history.sent_in(each.run, per=["row"])
    ]
    key = next(_unknown_keys(context, rows), None) if others else None
    if key is None:
        return
    then, made = json.loads(others[-1].columns), json.loads(now)
    names = {column.name for column in recipe.rows.columns} if recipe.rows is not None else set()
    raise StoppedError(
        printable(
            f"the key was made of {said(then)} in run {others[-1].run}, and is made of {said(made)} now; {key!r} is "
            "not on record, and may have been sent under another key; nothing was sent"
        ),
        remedy="; or ".join(
            [
                *renamed(then, made, header),
                kept(then, made, header, names),
                "if it is other work: --new-identity",
            ]
        ),
    )


def check_shared(context: Context, rows: Iterable[Row], header: Sequence[str]) -> None:
    """Refuse rows that share things by values that are not on record where these were made of other columns.

    Raises StoppedError.
    """
    recipe = context.recipe
    if not key_columns(recipe) or not sharing(recipe):
        return
    done = {*context.history.once_steps(context.account, recipe.name)}
    others = {}
    for step in sharing(recipe):
        now = made_of(recipe, step.once_per)
        if not done.isdisjoint(step.names) and (other := _other(context, step, now)) is not None:
            others[step.id] = (*other, now)
    name, value = next(_unknown_values(context, rows, others), ("", ""))
    if not name:
        return
    run, then, now = others[name]
    raise StoppedError(
        printable(
            f"the values of {name} were made of {said(then)} in run {run}, and are made of {said(now)} now; {value!r} "
            "is not on record, and may have been sent as another value; nothing was sent"
        ),
        remedy="; or ".join(
            [
                *renamed(then, now, header),
                "make them as they were made then",
                "if it is other work: --new-identity",
            ]
        ),
    )


def _since_declared(context: Context, is_same: Callable[[str], bool]) -> list[KeyRun]:
    """The runs of a recipe behind the last one that was declared to be other work, by the way that it is made now."""
    runs = context.history.key_columns(context.account, context.recipe.name)
    last = max((each.run for each in runs if each.declared and is_same(each.columns)), default=0)
    return [each for each in runs if each.run > last]


def _other(context: Context, step: Step, now: _Made) -> tuple[int, _Made] | None:
    """The last run that made the values of a step in another way than now."""

    def made(text: str) -> _Made | None:
        shared = json.loads(text).get("shared", {})
        return next((shared[name] for name in step.names if name in shared), None)

    found = None
    for each in _since_declared(context, lambda text: alike(made(text), now)):
        then = made(each.columns)
        if then is None or alike(then, now):
            continue
        if context.history.sent_in(each.run, per=["row", "once"]):
            found = each.run, then
    return found


def _unknown_keys(context: Context, rows: Iterable[Row]) -> Iterator[str]:
    """The keys of rows for which nothing is on record, under none of their keys."""
    left, name = (row for row in rows if row.key not in context.again), context.recipe.name
    while batch := list(islice(left, _AT_ONCE)):
        keys = {key for row in batch for key in (row.key, *row.former)}
        known = context.history.sent_keys(context.account, name, keys)
        yield from (row.key for row in batch if known.isdisjoint((row.key, *row.former)))


def _unknown_values(
    context: Context, rows: Iterable[Row], names: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """The steps, by their names, and values of rows that are not on record for them."""
    steps = {step.id: step for step in context.recipe.steps if step.id in names}
    left = (row for row in rows if row.key not in context.again)
    while steps and (batch := list(islice(left, _AT_ONCE))):
        values: dict[str, dict[str, None]] = {}
        for step, scope in (each for row in batch for each in scopes_of(context, row)):
            if step.id in steps:
                with suppress(EvaluationError):
                    value = shared_value(step, scope)
                    if isinstance(value, str):  # else it depends on an answer
                        values.setdefault(step.id, {})[value] = None
        for name, found in values.items():
            known = context.history.shared_values(
                context.account, context.recipe.name, steps[name].names, found
            )
            yield from ((name, value) for value in found if value not in known)
