"""Columns of keys and shared values that are others than they were: every row has another key by the same text.

What was sent for a line is found by its cells as long as these are the same. In a sheet in which other cells have
changed too nothing shows that a row was sent under another key. So a recipe whose key is made in another way than it
was when something was sent is refused, unless a row of the sheet has a key that is on record: then keys are as before.
The same holds for the values of each `once_per` without a search.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from runner.engine.context import Context
from runner.engine.once_per import shared_value
from runner.engine.past.contents import scopes_of
from runner.problems import StoppedError, printable
from runner.recipe.model import Column, Recipe, Step
from runner.rows import Row
from runner.template import EvaluationError, Expression, Template, plain

_AT_ONCE = 300
"""Rows whose keys are looked up together."""

_DEPTH = 20
"""Computed columns that are made of computed columns, at most."""


def key_columns(recipe: Recipe) -> str:
    """The way in which the key of a recipe's rows is made, as the journal keeps it; empty without such a key.

    The values of its steps with `once_per` are in it as well, by the names of the steps.
    """
    rows = recipe.rows
    if rows is None or not rows.columns or (rows.key is None and not rows.group_by):
        return ""
    made = _defined(recipe, rows.key if rows.key is not None else rows.group_by)
    shared = {step.id: _made_of(recipe, step.once_per) for step in _sharing(recipe)}
    return _text(made | {"shared": shared} if shared else made)


def check_columns(context: Context, rows: Iterable[Row]) -> None:
    """Refuse rows whose keys are made of other columns than those that are on record. Raises StoppedError."""
    recipe, now = context.recipe, key_columns(context.recipe)
    if recipe.rows is None or not now:
        return
    runs = context.history.key_columns(context.account, recipe.name)
    first = next((run for run, _, sent in runs if sent), 0)
    if any(run >= first and _same(then, now) for run, then, _ in runs):  # that was looked at then
        return
    former = [_text(_defined(recipe, key)) for key in recipe.rows.key_was]
    others = [
        (run, then)
        for run, then, sent in runs
        if sent and not any(_same(then, each) for each in former)
    ]
    if not others or _are_known(context, rows):
        return
    run, was = others[-1]
    said_then, said_now = (_said(json.loads(each)) for each in (was, now))
    raise StoppedError(
        printable(
            f"the key was made of {said_then} in run {run}, and is made of {said_now} now; no row of the sheet has "
            "a key that is on record; nothing was sent"
        ),
        remedy="put the columns back; or keep the earlier one under a name of its own and name it in key_was beside "
        "key, so that what was sent still counts; if it is other work: --new-identity",
    )


def check_shared(context: Context, rows: Iterable[Row]) -> None:
    """Refuse rows that share things by values that are made of other columns than those on record.

    Raises StoppedError.
    """
    recipe = context.recipe
    if not key_columns(recipe) or not _sharing(recipe):
        return
    done = {*context.history.once_steps(context.account, recipe.name)}
    runs = context.history.key_columns(context.account, recipe.name)
    others = {}
    for step in _sharing(recipe):
        now = _made_of(recipe, step.once_per)
        if done.isdisjoint(step.names) or (other := _other(runs, step, now)) is None:
            continue
        others[step.id] = (*other, now)
    if not others:
        return
    for name in _known_values(context, rows, others):
        others.pop(name, None)
    for name, (run, then, now) in others.items():
        raise StoppedError(
            printable(
                f"the values of {name} were made of {_said(then)} in run {run}, and are made of {_said(now)} now; none "
                "of them in the sheet is on record; nothing was sent"
            ),
            remedy="put the columns back; if it is other work: --new-identity",
        )


def _other(
    runs: Iterable[tuple[int, str, bool]], step: Step, now: Mapping[str, Any]
) -> tuple[int, Mapping[str, Any]] | None:
    """The last run that made the values of a step in another way; None where one has made them as now since it is."""
    found = None
    sent_before = False
    for run, text, sent in runs:
        shared = json.loads(text).get("shared", {})
        then = next((shared[name] for name in step.names if name in shared), None)
        if then is None:
            continue
        sent_before = sent_before or sent
        if sent_before and _alike(then, now):  # that was looked at then
            return None
        if sent:
            found = run, then
    return found


def _known_values(context: Context, rows: Iterable[Row], names: Collection[str]) -> Iterator[str]:
    """Yield those of some steps of which a value of the sheet is on record, or that have none."""
    left, having = iter(rows), set()
    missing = {*names}
    while missing and (batch := list(islice(left, _AT_ONCE))):
        values: dict[str, set[str]] = {}
        for step, scope in (each for row in batch for each in scopes_of(context, row)):
            if step.id in missing and step.once_per is not None:
                with suppress(EvaluationError):
                    value = shared_value(step, scope)
                    if isinstance(value, str):  # else it depends on an answer
                        values.setdefault(step.id, set()).add(value)
        steps = {step.id: step.names for step in context.recipe.steps}
        for name, found in values.items():
            having.add(name)
            if context.history.has_shared(context.account, context.recipe.name, steps[name], found):
                missing.discard(name)
                yield name
    yield from missing - having


def _sharing(recipe: Recipe) -> list[Step]:
    return [
        step for step in recipe.steps if step.once_per is not None and step.unless_found is None
    ]


def _are_known(context: Context, rows: Iterable[Row]) -> bool:
    """Tell whether a row has a key that is on record, or there is none at all."""
    left, count = iter(rows), 0
    while batch := list(islice(left, _AT_ONCE)):
        count += len(batch)
        keys = {name for row in batch for name in (row.key, *row.former)}
        if context.history.generation(context.account, context.recipe.name, keys) is not None:
            return True
    return not count


def _defined(recipe: Recipe, key: Template | str) -> dict[str, Any]:
    columns = _columns_of(recipe)
    if isinstance(key, str) and key in columns:  # the column of group_by
        return {"text": "{}", "columns": [_column(columns[key], columns, _DEPTH)]}
    return _made(key, columns, _DEPTH)


def _made_of(recipe: Recipe, value: Expression | None) -> dict[str, Any]:
    """What the journal keeps of the value that rows share: as it reads it."""
    assert value is not None  # noqa: S101 - the callers' condition
    made: dict[str, Any] = json.loads(_text(_made(value, _columns_of(recipe), _DEPTH)))
    return made


def _columns_of(recipe: Recipe) -> dict[str, Column]:
    assert recipe.rows is not None  # noqa: S101 - the callers' condition
    return {column.name: column for column in recipe.rows.columns}


def _text(made: Mapping[str, Any]) -> str:
    return json.dumps(made, ensure_ascii=False, sort_keys=True, default=str)


def _made(
    value: Template | Expression | str, columns: Mapping[str, Column], depth: int
) -> dict[str, Any]:
    """A template with its columns as they are made, whatever their names are."""
    text = value if isinstance(value, str) else " ".join(value.text.split())
    names = list(dict.fromkeys(_names(value)))
    for number, name in enumerate(names):
        text = text.replace(f"row.{name}", f"row.<{number}>")
    made = [
        _column(columns[name], columns, depth - 1) for name in names if name in columns and depth
    ]
    return {"text": text, "columns": made}


def _names(value: Template | Expression | str) -> Iterator[str]:
    for reference in value.references if isinstance(value, Template | Expression) else ():
        if reference.root == "row" and reference.path:
            yield str(reference.path[0])


def _column(column: Column, columns: Mapping[str, Column], depth: int) -> dict[str, Any]:
    """What of a column makes its values, without what only refuses cells."""
    if column.value is not None:
        return _made(column.value, columns, depth)
    return {
        "from": list(column.headers), "type": column.type, "case": column.case, "replace": column.replace,
        "map": plain(column.map), "split": column.split, "part": column.part,
    }  # fmt: skip


def _same(then: str, now: str) -> bool:
    """Tell whether a key is made in the same way, whatever the values are that rows share."""
    return _alike(*({**json.loads(each), "shared": None} for each in (then, now)))


def _alike(then: Any, now: Any) -> bool:
    """Tell whether a key is made in the same way; of the headers of a column one may be another by now."""
    if not isinstance(then, dict) or not isinstance(now, dict) or then.keys() != now.keys():
        return bool(then == now)
    for name, each in then.items():
        if name == "from":
            same = not set(each).isdisjoint(now[name])
        elif name == "columns":
            same = len(each) == len(now[name]) and all(map(_alike, each, now[name]))
        else:
            same = each == now[name]
        if not same:
            return False
    return True


def _said(made: Mapping[str, Any]) -> str:
    """The columns of a key, or of a value that rows share, for people."""
    return "; ".join(_said_column(each) for each in made["columns"]) or "a text"


def _said_column(column: Mapping[str, Any]) -> str:
    if "from" not in column:
        inner = ", ".join(map(_said_column, column["columns"]))
        return f"{column['text']} of {inner}" if inner else str(column["text"])
    changes = [name for name in ("case", "replace", "map", "split", "part") if column[name]]
    more = f" as {column['type']}" if column["type"] != "string" else ""
    more += f" with {', '.join(changes)}" if changes else ""
    return f"{' or '.join(map(repr, column['from']))}{more}"
