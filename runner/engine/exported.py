"""The lines that one row of an export comes to: its outputs once, or once for each item of a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from runner.engine.context import Context
from runner.engine.events import OutputFault
from runner.recipe.model import Export, Recipe
from runner.template import EvaluationError, Unknown, kind

_NUMBERS = (int, Decimal)
_ORDERED = (int, Decimal, str, dt.date)


def exported(
    context: Context, scope: Mapping[str, Any]
) -> tuple[dict[str, Any], list[OutputFault]]:
    """Return the outputs of a row and why some cannot be computed.

    Of an export with `lines` each output is the list of its values, one for each item. Where the list is known by the
    run alone, each is one value that is not known yet.
    """
    export, recipe = context.recipe.export, context.recipe
    if export is None or export.lines is None:
        return _line(context, scope)
    try:
        items = _items(export, scope)
    except EvaluationError as error:
        return dict.fromkeys(recipe.outputs), [OutputFault("lines", str(error))]
    if isinstance(items, Unknown):
        return _line(context, {**scope, export.item_name: Unknown(f"each of {items.origin}")})
    columns: dict[str, Any] = {name: [] for name in recipe.outputs}
    faults: list[OutputFault] = []
    for number, item in enumerate(items, start=1):
        line, wrong = _line(context, {**scope, export.item_name: item})
        for name, value in line.items():
            columns[name].append(value)
        faults += [fault._replace(reason=f"item {number}: {fault.reason}") for fault in wrong]
    return columns, faults


def lines_of(recipe: Recipe, outputs: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """Yield the values of each line that the outputs of a row come to, in the order of the outputs."""
    names = list(recipe.outputs)
    if recipe.export is None or recipe.export.lines is None:
        yield [outputs.get(name) for name in names]
    else:
        yield from zip(*(outputs.get(name) or () for name in names), strict=True)


def _items(export: Export, scope: Mapping[str, Any]) -> Any:
    assert export.lines is not None  # noqa: S101 - the caller's condition
    items = export.lines.evaluate(scope)
    if not isinstance(items, list | tuple | Unknown):
        raise EvaluationError(f"{export.lines.text}: a list is needed")
    return items


def _line(context: Context, scope: Mapping[str, Any]) -> tuple[dict[str, Any], list[OutputFault]]:
    found: dict[str, Any] = {}
    faults: list[OutputFault] = []
    for name, tree in context.recipe.outputs.items():
        try:
            found[name] = context.render(tree, scope)
            _check(context.recipe.export, name, found[name])
        except EvaluationError as error:
            faults.append(OutputFault(name, str(error)))
            found[name] = faults[-1].cell
    return found, faults


def _check(export: Export | None, name: str, value: Any) -> None:
    """Raise EvaluationError for a value that cannot be added up, compared or grouped by as the export says."""
    if export is None or value is None or isinstance(value, Unknown):
        return
    kinds = {total.kind for total in export.totals.values() if total.output == name}
    if "sum" in kinds and not _is(value, _NUMBERS):
        raise EvaluationError(f"a sum needs numbers, not {kind(value)}")
    if kinds & {"min", "max"} and not _is(value, _ORDERED):
        raise EvaluationError(f"values are compared as numbers, dates or texts, not {kind(value)}")
    if name in export.group_by and not isinstance(value, bool | int | Decimal | str | dt.date):
        raise EvaluationError(f"lines are grouped by texts, numbers or dates, not {kind(value)}")


def _is(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)
