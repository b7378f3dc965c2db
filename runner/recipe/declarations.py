"""Checks of variables and rows beyond the recipe schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.problems import Problem, nearest
from runner.recipe.columns import check_column
from runner.recipe.foreign import VALUES
from runner.recipe.model import Var
from runner.recipe.schema_errors import rows_of_lookup
from runner.recipe.texts import Texts, mapping, sequence
from runner.recipe.variables import TYPES, var_value
from runner.source import Source, TreePath

_OF_CELLS = ("from",)


def check_made(source: Source, rows: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of `unpivot`, `expect_total` and columns with a `value`."""
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


def check_vars(source: Source, declared: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the variables: templates, and defaults that are not what they are declared to be."""
    for name, value in declared.items():
        path: TreePath = ("vars", name)
        given = value if isinstance(value, dict) else {"default": value}
        path = (*path, "default") if isinstance(value, dict) else path
        default = given.get("default")
        if isinstance(default, str) and ("{{" in default or "{%" in default):
            message = f"{name!r} is a template, and a variable is a plain value"
            yield source.problem(
                source.value(path),
                message,
                "variable",
                remedy="write the template where it is used",
            )
            continue
        if given.get("required") is True and "default" in given:
            message = f"{name!r} is required and has a default, which would never be used"
            yield source.problem(
                source.key(path), message, "variable", remedy="drop one of the two"
            )
        if given.get("type", "") not in ("", *TYPES) or not isinstance(given.get("enum", []), list):
            continue
        try:
            var_value(variable(name, value), default)
        except ValueError as error:
            yield source.problem(source.value(path), str(error), "variable")


def variable(name: str, value: Any) -> Var:
    """Return a declared variable: a mapping declares, anything else is the default."""
    given = value if isinstance(value, dict) else {"default": value}
    return Var(
        name,
        type=given.get("type", ""),
        default=given.get("default"),
        enum=tuple(given.get("enum", ())),
        required=given.get("required", False),
        description=given.get("description", ""),
    )


def check_rows(source: Source, recipe: Mapping[str, Any], texts: Texts) -> Iterator[Problem]:
    """Yield the problems of the rows: what makes a row this row, and what its columns are declared to be."""
    if "rows" not in recipe:
        return
    rows = mapping(recipe["rows"])
    for name in ("key", "key_was", "keys"):
        if name in recipe:
            message = f"{name!r} is for recipes without rows: with rows, each row has its own"
            yield source.problem(source.key((name,)), message, "key", remedy="move it into rows")
    if (
        "key" not in recipe
        and isinstance(recipe["rows"], dict)
        and "steps" in recipe
        and "export" not in recipe
        and "key" not in rows
        and "group_by" not in rows
    ):
        message = (
            "rows have no 'key': nothing says which row is the same when the file is run again"
        )
        remedy = 'add key: "{{ row.x }}", x being a column that never repeats; or group_by: x'
        yield source.problem(source.key(("rows",)), message, "key", remedy=remedy)
    listed = mapping(mapping(recipe.get("lookups")).get(str(rows.get("file"))))
    if listed:
        message = f"'file' names a sheet, and {rows['file']!r} is a lookup"
        remedy = rows_of_lookup(str(rows["file"]), listed)
        place = source.value(("rows", "file"))
        yield source.problem(place, message, "rows", remedy=remedy, severity="warning")
    yield from _row_key(source, rows, texts)
    yield from _origin(source, rows)
    columns = mapping(rows.get("columns"))
    group_by = rows.get("group_by")
    if isinstance(group_by, str) and columns and group_by not in columns:
        place = source.value(("rows", "group_by"))
        remedy = nearest(group_by.strip("{} ").removeprefix("row."), columns, noun="columns")
        yield source.problem(
            place, f"no column is called {group_by!r}", "unknown-column", remedy=remedy
        )
    if (
        isinstance(group_by, str)
        and "split" in (grouping := mapping(columns.get(group_by)))
        and "part" not in grouping
    ):
        place = source.value(("rows", "group_by"))
        message = f"{group_by!r} is split, so it is a list, and lines are grouped by one value"
        remedy = "group by another column, or take one part with part: 1 of 2"
        yield source.problem(place, message, "column", remedy=remedy)
    if "group_by" in rows and "lines" in columns:
        place = source.key(("rows", "columns", "lines"))
        message = (
            "a column cannot be called 'lines' under group_by: row.lines are the lines of the group"
        )
        yield source.problem(
            place, message, "reserved-name", remedy="call it otherwise; from: names its header"
        )
    yield from check_made(source, rows)
    for name, column in columns.items():
        if isinstance(column, str):
            place = source.value(("rows", "columns", name))
            kind = VALUES.get(column.lower(), column.lower())
            remedy = f"write {name}: {{type: {kind}}}, or {name}: {{from: {column}}}"
            message = f"{column!r} may be the type of the column or its header"
            yield source.problem(place, message, "column", remedy=remedy)
        yield from check_column(source, ("rows", "columns", name), mapping(column))


def _origin(source: Source, rows: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the source of the rows: a file, or an API."""
    for name in (
        ("file", "delimiter", "encoding", "header", "sheet", "unpivot") if "use" in rows else ()
    ):
        if name in rows:
            message = (
                f"'{name}' and 'use' do not go together: rows come from a file, or from an API"
            )
            remedy = "leave one out; --rows reads a saved answer (.jsonl) instead of the API"
            yield source.problem(source.key(("rows", name)), message, "rows", remedy=remedy)
    for name in ("with",) if "use" not in rows else ():
        if name in rows:
            message = f"'{name}' is for rows from an API, and there is no 'use'"
            yield source.problem(
                source.key(("rows", name)), message, "rows", remedy="add use: with an operation"
            )


def _row_key(source: Source, rows: Mapping[str, Any], texts: Texts) -> Iterator[Problem]:
    key, path = rows.get("key"), ("rows", "key")
    if not isinstance(key, str):
        return
    text = texts.get(path)
    if text is None and "{{" in key:
        return  # it could not be compiled
    roots = {reference.root for reference in text.compiled.references} if text else set()
    if not {"row", "item"} & roots:  # an item has a message of its own
        column = key.strip().removeprefix("row.")
        guess = (
            f'did you mean "{{{{ row.{column} }}}}"?'
            if column in mapping(rows.get("columns"))
            else ""
        )
        message = f"the key {key!r} is the same for every row"
        yield source.problem(
            source.value(path),
            message,
            "key",
            remedy=guess or 'build it from the row: "{{ row.x }}"',
        )
    for reference in text.compiled.references if text else ():
        if (reference.root, *reference.path[:1]) == ("run", "id"):
            place = source.within(path, reference.offset, reference.length)
            message = "run.id differs in every run: the same row would be sent again"
            yield source.problem(
                place, message, "key", remedy="leave it out of the key", severity="warning"
            )
