"""Ways on for a recipe whose keys are made in another way than on record, as it is told to write them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runner.engine.past.key_columns import cleaning
from runner.recipe.model import Numbers

Made = Mapping[str, Any]

_PLAIN = json.loads(json.dumps(Numbers()))
"""The format of numbers that a column has which says nothing of it."""


def renamed(then: Made, now: Made, header: Sequence[str]) -> list[str]:
    """The way on where a column has another header: both in `from`, unless the sheet has both."""
    pairs = [
        (one["from"], other["from"])
        for one, other in zip(then["columns"], now["columns"], strict=False)
        if "from" in one and "from" in other and set(one["from"]).isdisjoint(other["from"])
    ]
    return [
        f"where only the header has another name, name both: from: {_flow([*was, *is_now])}"
        for was, is_now in pairs
        if set(was).isdisjoint(header)
    ]


def kept(then: Made, now: Made, header: Sequence[str], taken: Collection[str]) -> str:
    """The way on by key_was, with the columns as they were then."""
    text = "{{ row.<0> }}" if then["text"] == "{}" else str(then["text"])
    columns: list[str] = []
    added: list[str] = []
    for number, column in enumerate(then["columns"]):
        special = column.get("serial") or column.get("drop_time") or column.get("trim")
        if "from" not in column or column.get("numbers", _PLAIN) != _PLAIN or special:
            return (
                "declare the columns as they were then under names of their own, and name the key that is made of them "
                "in key_was beside key"
            )
        names = {*taken, *added}
        name = next(f"old{n or ''}" for n in range(len(names) + 1) if f"old{n or ''}" not in names)
        added.append(name)
        text = text.replace(f"row.<{number}>", f"row.{name}")
        columns.append(f"{name}: {_declared(column, now, number, header)}")
    more = f"add the columns {', '.join(columns)} and" if columns else "write"
    way = f"so that what was sent still counts, {more} key_was: {text!r} beside key"
    gone = [column["from"] for column in then["columns"] if _is_gone(column, header)]
    if not gone:
        return way
    return f"{way}, where only the header has another name (else the sheet needs {_flow(gone[0])} as it had it then)"


def _is_gone(column: Made, header: Sequence[str]) -> bool:
    """Tell whether the sheet has none of the headers of a column any more."""
    return bool(header) and set(column["from"]).isdisjoint(header)


def _declared(column: Made, now: Made, number: int, header: Sequence[str]) -> str:
    """A column as a recipe declares it; with the header of now where the sheet has not that of then."""
    names = list(column["from"])
    if _is_gone(column, header) and number < len(now["columns"]):
        names += now["columns"][number].get("from", [])
    parts = [f"from: {_flow(names) if len(names) > 1 else _word(names[0])}"]
    parts += [f"type: {column['type']}"] if column["type"] != "string" else []
    parts += [f"{name}: {_said(name, value)}" for name, value in cleaning(column).items()]
    return f"{{{', '.join(parts)}}}"


def _said(name: str, value: Any) -> str:
    """What is on record of a column's cells in the words of a recipe."""
    if name == "part":
        return "{} of {}".format(*value)
    return _flow(dict(value) if name == "replace" else value)


def _flow(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_word, value))}]"
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else _word(value)


def _word(text: object) -> str:
    plain = isinstance(text, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]*", text)
    return text if plain and isinstance(text, str) else json.dumps(text, ensure_ascii=False)
