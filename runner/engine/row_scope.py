"""Names that the expressions of a row see beside the results of its steps: the row itself, and what `let` names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from runner.catalogue import Catalogue, of_entry
from runner.problems import said_line
from runner.recipe.model import Recipe
from runner.rows import Row
from runner.template import EvaluationError, Expression, Lazy


class _RowValues(dict[str, Any]):
    """The values of a row; a column that differs between the lines of its group is refused when it is used."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.values)
        self._differing = row.differing

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._differing

    def __missing__(self, name: str) -> Any:
        if name not in self._differing:
            raise KeyError(name)
        first, second = self._differing[name]
        lines = f"{said_line(first)} and {said_line(second)}"
        raise EvaluationError(
            f"{name!r} differs on lines {lines}; what differs by line is read from row.lines"
        )


def name_values(scope: dict[str, Any], let: Mapping[str, Expression]) -> None:
    """Add the values that a `let` names to a scope, each computed in it when it is first read."""
    scope |= {
        name: Lazy(partial(value.evaluate, scope), (value, scope)) for name, value in let.items()
    }


def visible(row: Row, recipe: Recipe, catalogue: Catalogue) -> Mapping[str, Any]:
    """What expressions see as `row`: of one that an API lists, what it leaves out is null."""
    if row.differing:
        return _RowValues(row)
    rows = recipe.rows
    if rows is None or rows.search is None or rows.columns or rows.group_by:
        return row.values
    operation = catalogue.operation(rows.search.operation)
    found: Mapping[str, Any] = of_entry(operation, row.values)
    return found
