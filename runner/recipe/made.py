"""What a recipe says of rows beside their cells: lines made of columns, columns that are computed, announced totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.problems import Problem, nearest
from runner.recipe.texts import mapping, sequence
from runner.source import Source, TreePath

_OF_CELLS = ("from",)


def check_made(source: Source, rows: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of `unpivot`, `expect_total` and columns with a `value`."""
    columns = mapping(rows.get("columns"))
    for name, column in columns.items():
        for key in _OF_CELLS if "value" in mapping(column) else ():
            if key in mapping(column):
                message = f"{key!r} and 'value' do not go together: a column is read, or computed"
                place = source.key(("rows", "columns", name, key))
                yield source.problem(place, message, "column", remedy="leave one of them out")
    if isinstance(rows.get("unpivot"), dict):
        yield from _unpivot(source, rows["unpivot"], rows, columns)
    for name in mapping(mapping(rows.get("expect_total")).get("sum")):
        yield from _sum(source, ("rows", "expect_total", "sum", name), columns, name)


def _unpivot(
    source: Source, unpivot: Mapping[str, Any], rows: Mapping[str, Any], columns: Mapping[str, Any]
) -> Iterator[Problem]:  # fmt: skip
    for key in ("name", "value"):
        name, path = unpivot.get(key), ("rows", "unpivot", key)
        if not isinstance(name, str):
            continue
        if name not in columns:
            remedy = nearest(name, columns, noun="columns") if columns else ""
            declare = (
                f"declare it: columns: {{{name}: {{type: integer}}}}"
                if key == "value"
                else f"add {name}: {{}}"
            )
            remedy = remedy if remedy.startswith("did you") else declare
            yield source.problem(
                source.value(path), f"no column is called {name!r}", "unknown-column", remedy=remedy
            )
        elif {"from", "value"} & mapping(columns[name]).keys():
            message = f"{name!r} is made by unpivot, and has a place of its own"
            yield source.problem(
                source.value(path), message, "column", remedy="leave its from or value out"
            )
        elif name == rows.get("group_by"):
            message = f"{name!r} is a column of the lines that unpivot makes, and lines are grouped before"
            place = source.value(("rows", "group_by"))
            yield source.problem(place, message, "column", remedy="group by another column")
    if unpivot.get("name") == unpivot.get("value"):
        message = "'name' and 'value' are two columns: one takes the header, one the cell"
        place = source.value(("rows", "unpivot", "value"))
        yield source.problem(place, message, "column", remedy="give one another name")
    if "lines" in columns and "group_by" not in rows:
        place = source.key(("rows", "columns", "lines"))
        message = (
            "a column cannot be called 'lines' under unpivot: row.lines are the lines it makes"
        )
        yield source.problem(
            place, message, "reserved-name", remedy="call it otherwise; from: names its header"
        )
    first: dict[str, int] = {}
    for at, header in enumerate(sequence(unpivot.get("columns"))):
        if isinstance(header, str) and first.setdefault(header.strip(), at) != at:
            place = source.value(("rows", "unpivot", "columns", at))
            yield source.problem(
                place, f"{header!r} stands twice", "column", remedy="keep one of the two"
            )


def _sum(
    source: Source, path: TreePath, columns: Mapping[str, Any], name: str
) -> Iterator[Problem]:
    if name not in columns:
        remedy = nearest(name, columns, noun="columns") or "declare it under columns, with its type"
        yield source.problem(
            source.key(path), f"no column is called {name!r}", "unknown-column", remedy=remedy
        )
        return
    column = mapping(columns[name])
    if column.get("type", "string") not in ("integer", "decimal"):
        message = f"{name!r} is no column of numbers, and a sum is made of them"
        yield source.problem(
            source.key(path), message, "column", remedy=f"{name}: {{type: decimal}}"
        )
    elif "split" in column and "part" not in column:
        message = f"{name!r} is a list of numbers, and a sum is made of one in each line"
        yield source.problem(source.key(path), message, "column", remedy="sum another column")
