"""The way in which keys of rows and the values that rows share are made: their texts, and the columns behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from runner.recipe.model import EMPTY_CELLS, Column, Recipe, Step
from runner.template import Expression, Template, columns_read, plain, same_text

_DEPTH = 20
"""Computed columns that are made of computed columns, at most."""

WHOLE = frozenset(
    {
        *("type", "case", "replace", "map", "split", "part", "format", "locale", "numbers", "empty", "default"),
        *("serial", "drop_time", "trim"),
    }
)  # fmt: skip
"""What is on record of a column whose values can be made again; earlier versions have kept less."""

_CLEANING = ("case", "replace", "map", "split", "part", "format", "locale", "default")
"""What a recipe may say of a column's cells, by the name that it has there and on record."""


def key_columns(recipe: Recipe) -> str:
    """The way in which the key of a recipe's rows is made, as the journal keeps it; empty without such a key.

    The values of its steps with `once_per` are in it as well, by the names of the steps.
    """
    rows = recipe.rows
    if rows is None or not rows.columns or (rows.key is None and not rows.group_by):
        return ""
    made = _defined(recipe, rows.key if rows.key is not None else rows.group_by)
    shared = {step.id: made_of(recipe, step.once_per) for step in sharing(recipe)}
    return _text(made | {"shared": shared} if shared else made)


def former_columns(recipe: Recipe) -> list[str]:
    """The ways in which the former keys of a recipe's rows are made."""
    keys = recipe.rows.key_was if recipe.rows is not None and recipe.rows.columns else ()
    return [_text(_defined(recipe, key)) for key in keys]


def sharing(recipe: Recipe) -> list[Step]:
    """The steps whose values rows share, and that no search guards."""
    return [
        step for step in recipe.steps if step.once_per is not None and step.unless_found is None
    ]


def made_of(recipe: Recipe, value: Expression | None) -> dict[str, Any]:
    """The way in which a value that rows share is made, as the journal has it."""
    assert value is not None  # noqa: S101 - the callers' condition
    made: dict[str, Any] = json.loads(_text(_made(value, _columns_of(recipe), _DEPTH)))
    return made


def same_key(then: str, now: str, *, former: bool = False) -> bool:
    """Tell whether two keys are made in the same way, whatever the values are that rows share."""
    made, other = ({**json.loads(each), "shared": None} for each in (then, now))
    return alike(made, other, former=former)


def alike(then: Any, now: Any, *, former: bool = False) -> bool:
    """Tell whether two values are made in the same way; of the headers of a column one may be another by now.

    What the journal does not have of a column, since its version did not keep it, is not compared. A `former` key that
    a recipe names may have more cells that mean no value: those of new rows, which never had it.
    """
    if not isinstance(then, dict) or not isinstance(now, dict):
        return bool(then == now)
    if ("from" in then) != ("from" in now):
        return False
    for name, each in then.items():
        if name not in now:
            continue
        if name == "from":
            same = not set(each).isdisjoint(now[name])
        elif name == "columns":
            pairs = zip(each, now[name], strict=False)
            same = len(each) == len(now[name]) and all(
                alike(*pair, former=former) for pair in pairs
            )
        elif name == "empty" and former:
            same = set(each) <= set(now[name])
        elif name == "text":
            same = same_text(each, now[name])
        else:
            same = each == now[name]
        if not same:
            return False
    return True


def cleaning(column: Mapping[str, Any]) -> dict[str, Any]:
    """What a column on record says of its cells beside their type, as far as it says anything."""
    found = {
        name: value
        for name in _CLEANING
        if (value := column.get(name)) is not None and value not in ("", [], {})
    }
    empty = column.get("empty", [])
    return found | ({"empty": empty} if empty and empty != sorted(EMPTY_CELLS) else {})


def said(made: Mapping[str, Any]) -> str:
    """The columns of a key, or of a value that rows share, for people."""
    return "; ".join(_said_column(each) for each in made["columns"]) or "a text"


def _defined(recipe: Recipe, key: Template | str) -> dict[str, Any]:
    columns = _columns_of(recipe)
    if isinstance(key, str) and key in columns:  # the column of group_by
        return {"text": "{}", "columns": [_column(columns[key], columns, _DEPTH)]}
    return _made(key, columns, _DEPTH)


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
    names = list(dict.fromkeys(columns_read(value)))
    for number, name in enumerate(names):
        either = rf"""\brow(\.{re.escape(name)}\b|\[(['"]){re.escape(name)}\2\])"""
        text = re.sub(either, f"row.<{number}>", text)
    made = [
        _column(columns[name], columns, depth - 1) for name in names if name in columns and depth
    ]
    return {"text": text, "columns": made}


def _column(column: Column, columns: Mapping[str, Column], depth: int) -> dict[str, Any]:
    """What of a column makes its values, without what only refuses cells."""
    source: dict[str, Any] = {"from": list(column.headers)}
    if column.value is not None:
        source = _made(column.value, columns, depth)
    return source | {
        "type": column.type, "case": column.case, "replace": column.replace, "map": plain(column.map),
        "split": column.split, "part": column.part, "format": column.format, "locale": column.locale,
        "numbers": column.written, "empty": sorted(column.empty), "default": plain(column.default),
        "serial": column.serial, "drop_time": column.drop_time, "trim": column.trim,
    }  # fmt: skip


def _said_column(column: Mapping[str, Any]) -> str:
    if "from" not in column:
        inner = ", ".join(map(_said_column, column["columns"]))
        return f"{column['text']} of {inner}" if inner else str(column["text"])
    changes = cleaning(column)
    more = f" as {column['type']}" if column["type"] != "string" else ""
    more += f" with {', '.join(changes)}" if changes else ""
    return f"{' or '.join(map(repr, column['from']))}{more}"
