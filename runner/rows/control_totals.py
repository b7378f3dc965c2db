"""Control totals: what was announced of a sheet, compared with what was read before anything is sent.

the sheet has 411 lines, not 412 as announced: 1 less
the sum of amount is 18,440.00, not 18,442.50 as announced: 2.50 less
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from runner.exact import EXACT
from runner.recipe.model import Rows
from runner.rows.derived import LINES
from runner.rows.findings import Findings
from runner.template import EvaluationError, Template, Unknown


class Announced:
    """Adds up what is announced of some rows. Raises EvaluationError where an announced number cannot be told."""

    def __init__(self, rows: Rows, scope: Mapping[str, Any]) -> None:
        given = rows.expect_total or {}
        self._counts = {
            name: _number(given[name], scope, name) for name in ("lines", "rows") if name in given
        }
        self._sums = {
            name: _number(tree, scope, f"sum of {name}")
            for name, tree in given.get("sum", {}).items()
        }
        self._found = dict.fromkeys(
            (name for name, value in self._sums.items() if value is not None), Decimal(0)
        )

    def add(self, values: Mapping[str, Any]) -> None:
        """One line of the input."""
        for name in self._found:
            lines = [values] if name in values else values.get(LINES, ())
            for line in lines:
                self._found[name] = EXACT.add(self._found[name], Decimal(line.get(name) or 0))

    def check(self, findings: Findings, *, lines: int, rows: int) -> None:
        """Note what is not as it was announced."""
        for what, expected, found in self._compared(lines, rows):
            if expected != found:
                less = EXACT.subtract(Decimal(found), Decimal(expected))
                said = f"{abs(less):,f} {'more' if less > 0 else 'less'}"
                message = f"{what} {found:,f}, not {expected:,f} as announced: {said}"
                remedy = "nothing was sent: ask for the right sheet, or mend `expect_total` or what it is given with -v"
                findings.add(message, "announced", remedy=remedy)

    def agreed(self) -> Mapping[str, Any]:
        """What was announced, and is so once `check` has found nothing: {lines: 412, sum: {amount: 18442.50}}."""
        counts = {name: int(value) for name, value in self._counts.items() if value is not None}
        return counts | ({"sum": self._found} if self._found else {})

    def _compared(self, lines: int, rows: int) -> Iterator[tuple[str, Decimal, Decimal]]:
        found = {"lines": lines, "rows": rows}
        for name, expected in self._counts.items():
            if expected is not None:
                yield f"the number of {name} is", expected, Decimal(found[name])
        for name, total in self._found.items():
            expected = self._sums[name]
            if expected is not None:
                yield f"the sum of {name} is", expected, total


def _number(tree: Any, scope: Mapping[str, Any], name: str) -> Decimal | None:
    """An announced number; None where a variable that nobody gave leaves it out."""
    value = tree.render(scope) if isinstance(tree, Template) else tree
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            value = value or None
    if value is None:
        return None
    if isinstance(value, bool | Unknown) or not isinstance(value, int | Decimal):
        raise EvaluationError(f"expect_total: {name} is announced as {value!r}, which is no number")
    return Decimal(value)
