"""What `validate --rows` checks of an input: everything that can be known of it without a network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.catalogue import Catalogue
from runner.cli.inputs import open_named
from runner.problems import Problem, UsageError
from runner.recipe.indexes import indexing_columns, names_in
from runner.recipe.model import Column, Recipe, Var
from runner.rows import Input, spelled_otherwise
from runner.template import Unknown

_STANDS_FOR: Mapping[str, Any] = {
    "integer": 0, "decimal": Decimal(0), "boolean": False, "date": dt.date(2000, 1, 1),
}  # fmt: skip
"""What stands for a required variable in the keys of rows: they differ from each other without it too."""


def check_rows(recipe: Recipe, files: Sequence[Path], catalogue: Catalogue) -> tuple[Input, list[Problem]]:
    """The input in `files`, and what is worth knowing about it. Raises InvalidError with every problem, by line."""
    if recipe.rows is None:
        raise UsageError("this recipe has no rows, so --rows has no meaning", remedy="leave --rows out")
    used = indexing_columns(recipe)
    columns = tuple(_named(column, recipe, catalogue, used) for column in recipe.rows.columns)
    values = {name: _value(var) for name, var in recipe.vars.items()}
    scope = {"vars": values, "run": {"id": Unknown("run.id"), "date": dt.datetime.now().astimezone().date()}}
    rows = recipe.rows._replace(columns=columns)
    if any(var.required for var in recipe.vars.values()):  # what stands for a value was not announced by anybody
        rows = rows._replace(expect_total=None)
    input_ = open_named(files, rows, scope)
    return input_, [*input_.warnings, *spelled_otherwise(input_, used)]


def _named(column: Column, recipe: Recipe, catalogue: Catalogue, used: Mapping[str, str]) -> Column:
    """The column, with the names that its cells can be where it finds entries of a lookup whose names are known."""
    if column.name not in used or column.enum:
        return column
    return column._replace(enum=names_in(recipe, catalogue, used[column.name]))


def _value(var: Var) -> Any:
    return _STANDS_FOR.get(var.type, f"({var.name})") if var.required else var.default
