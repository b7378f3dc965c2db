"""The lines of an export taken together: one for each group, with what is added up over its lines.

Only the groups are in memory, however many lines there are. Sums are exact. A value that is null is in no sum, and is
neither the least nor the greatest; where all are, the total is null. Groups stand in the order of their values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from runner.exact import EXACT
from runner.keys import canonical
from runner.problems import StoppedError
from runner.recipe.model import Export, Total
from runner.report.files.cells import as_text

MOST_GROUPS = 100_000

_KINDS = ((bool, 0), (int, 1), (Decimal, 1), (dt.date, 2), (str, 3))


class Groups:
    """Adds up the lines of an export, each a value for each of `outputs`."""

    def __init__(self, export: Export, outputs: Sequence[str]) -> None:
        self._places = {name: at for at, name in enumerate(outputs)}
        self._by = [self._places[name] for name in export.group_by]
        self._totals = export.totals
        self._groups: dict[tuple[Any, ...], tuple[tuple[Any, ...], list[Any]]] = {}
        if not self._by:  # of no lines at all there are totals too
            self._group(())

    def add(self, line: Sequence[Any]) -> None:
        """Take a line. Raises StoppedError for more groups than memory is meant for."""
        totals = self._group([_named(line[at]) for at in self._by])
        for at, (name, total) in enumerate(self._totals.items()):
            value = None if total.kind == "count" else line[self._places[total.output]]
            totals[at] = _taken(name, total, totals[at], value)

    def lines(self) -> Iterator[Sequence[Any]]:
        """Yield a line for each group, in their order."""
        for key in sorted(self._groups):
            values, totals = self._groups[key]
            yield [*values, *totals]

    def _group(self, values: Sequence[Any]) -> list[Any]:
        key = tuple(_ordered(value) for value in values)
        if key not in self._groups:
            if len(self._groups) >= MOST_GROUPS:
                remedy = "group by something that has fewer values, or export the lines themselves"
                raise StoppedError(f"there are more than {MOST_GROUPS:,} groups", remedy=remedy)
            empty = [0 if total.kind == "count" else None for total in self._totals.values()]
            self._groups[key] = tuple(values), empty
        return self._groups[key][1]


def _taken(name: str, total: Total, before: Any, value: Any) -> Any:
    """A total with one more value."""
    if total.kind == "count":
        return before + 1
    if value is None or before is None:
        return before if value is None else value
    if total.kind == "sum":
        if isinstance(before, int) and isinstance(value, int):
            return before + value
        return EXACT.add(Decimal(before), Decimal(value))
    one, other = _ordered(before), _ordered(value)
    if one[0] != other[0]:
        message = f"the total {name!r} compares {as_text(before)!r} with {as_text(value)!r}, which are of two kinds"
        raise StoppedError(message, remedy="make them one with | string, | decimal or | to_date")
    return (min if total.kind == "min" else max)(before, value)


def _named(value: Any) -> Any:
    """A value as the name of a group: spaces at its ends and the form of its accents make no difference."""
    return canonical(value) if isinstance(value, str) else value


def _ordered(value: Any) -> tuple[int, Any]:
    """A value in a form that all values are ordered in: by their kind, then by themselves; null is last."""
    kind = next((kind for type_, kind in _KINDS if isinstance(value, type_)), 4)
    return (kind, value) if kind < 4 else (kind, "")
