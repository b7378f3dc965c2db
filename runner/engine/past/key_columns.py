"""Columns of the key that are others than they were: the text of the key is the same, and every row has another key.

What was sent for a line is found by its cells as long as these are the same. In a sheet in which other cells have
changed too nothing shows that a row was sent under another key. So a recipe whose key is made in another way than it
was when something was sent is refused, unless a row of the sheet has a key that is on record: then keys are as before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from runner.engine.context import Context
from runner.problems import StoppedError, printable
from runner.recipe.model import Column, Recipe
from runner.rows import Row
from runner.template import Expression, Template, plain

_AT_ONCE = 300
"""Rows whose keys are looked up together."""

_DEPTH = 20
"""Computed columns that are made of computed columns, at most."""


def key_columns(recipe: Recipe) -> str:
    """The way in which the key of a recipe's rows is made, as the journal keeps it; empty without such a key."""
    rows = recipe.rows
    if rows is None or not rows.columns or (rows.key is None and not rows.group_by):
        return ""
    return _defined(recipe, rows.key if rows.key is not None else rows.group_by)


def check_columns(context: Context, rows: Iterable[Row]) -> None:
    """Refuse rows whose keys are made of other columns than those that are on record. Raises StoppedError."""
    recipe, now = context.recipe, key_columns(context.recipe)
    if recipe.rows is None or not now:
        return
    runs = context.history.key_columns(context.account, recipe.name)
    first = next((run for run, _, sent in runs if sent), 0)
    if any(run >= first and _same(then, now) for run, then, _ in runs):  # that was looked at then
        return
    former = [_defined(recipe, key) for key in recipe.rows.key_was]
    others = [
        (run, then)
        for run, then, sent in runs
        if sent and not any(_same(then, each) for each in former)
    ]
    if not others or _are_known(context, rows):
        return
    run, then = others[-1]
    raise StoppedError(
        printable(
            f"the key was made of {_said(then)} in run {run}, and is made of {_said(now)} now; no row of the sheet has "
            "a key that is on record; nothing was sent"
        ),
        remedy="put the columns back; or keep the earlier one under a name of its own and name it in key_was beside "
        "key, so that what was sent still counts; if it is other work: --new-identity",
    )


def _are_known(context: Context, rows: Iterable[Row]) -> bool:
    """Tell whether a row has a key that is on record, or there is none at all."""
    left, count = iter(rows), 0
    while batch := list(islice(left, _AT_ONCE)):
        count += len(batch)
        keys = {name for row in batch for name in (row.key, *row.former)}
        if context.history.generation(context.account, context.recipe.name, keys) is not None:
            return True
    return not count


def _defined(recipe: Recipe, key: Template | str) -> str:
    assert recipe.rows is not None  # noqa: S101 - the callers' condition
    columns = {column.name: column for column in recipe.rows.columns}
    if isinstance(key, str) and key in columns:  # the column of group_by
        made = {"text": "{}", "columns": [_column(columns[key], columns, _DEPTH)]}
    else:
        made = _made(key, columns, _DEPTH)
    return json.dumps(made, ensure_ascii=False, sort_keys=True, default=str)


def _made(value: Template | str, columns: Mapping[str, Column], depth: int) -> dict[str, Any]:
    """A template with its columns as they are made, whatever their names are."""
    text = " ".join(value.text.split()) if isinstance(value, Template) else value
    names = list(dict.fromkeys(_names(value)))
    for number, name in enumerate(names):
        text = text.replace(f"row.{name}", f"row.<{number}>")
    made = [
        _column(columns[name], columns, depth - 1) for name in names if name in columns and depth
    ]
    return {"text": text, "columns": made}


def _names(value: Template | str) -> Iterator[str]:
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
    return _alike(json.loads(then), json.loads(now))


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


def _said(made: str) -> str:
    """The columns of a key for people."""
    return "; ".join(_said_column(each) for each in json.loads(made)["columns"]) or "a text"


def _said_column(column: Mapping[str, Any]) -> str:
    if "from" not in column:
        inner = ", ".join(map(_said_column, column["columns"]))
        return f"{column['text']} of {inner}" if inner else str(column["text"])
    changes = [name for name in ("case", "replace", "map", "split", "part") if column[name]]
    more = f" as {column['type']}" if column["type"] != "string" else ""
    more += f" with {', '.join(changes)}" if changes else ""
    return f"{' or '.join(map(repr, column['from']))}{more}"
