"""Control totals: expected totals of a sheet, compared with those of its lines before anything is sent.

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


class ControlTotals:
    """Adds up the totals of rows to compare. Raises EvaluationError where an expected number is none."""

    def __init__(self, rows: Rows, scope: Mapping[str, Any]) -> None:
        declared = rows.expect_total or {}
        self._counts = {
            name: _number(declared[name], scope, name)
            for name in ("lines", "rows")
            if name in declared
        }
        self._sums = {
            name: _number(tree, scope, f"sum of {name}")
            for name, tree in declared.get("sum", {}).items()
        }
        self._actual = dict.fromkeys(
            (name for name, value in self._sums.items() if value is not None), Decimal(0)
        )

    def add(self, values: Mapping[str, Any]) -> None:
        """Add one line of the input."""
        for name in self._actual:
            # A column of unpivoted lines is in them, not in the record.
            lines = [values] if name in values else values.get(LINES, ())
            for line in lines:
                self._actual[name] = EXACT.add(self._actual[name], Decimal(line.get(name) or 0))

    def check(self, findings: Findings, *, lines: int, rows: int) -> None:
        """Report totals that differ from the expected ones."""
        for subject, expected, actual in self._compared(lines, rows):
            if expected != actual:
                excess = EXACT.subtract(Decimal(actual), Decimal(expected))
                difference = f"{abs(excess):,f} {'more' if excess > 0 else 'less'}"
                message = f"{subject} {actual:,f}, not {expected:,f} as announced: {difference}"
                remedy = "nothing was sent: ask for the right sheet, or mend `expect_total` or what it is given with -v"
                findings.add(message, "announced", remedy=remedy)

    def agreed(self) -> Mapping[str, Any]:
        """Return the expected totals, once `check` has passed: {lines: 412, sum: {amount: 18442.50}}."""
        counts = {name: int(value) for name, value in self._counts.items() if value is not None}
        return counts | ({"sum": self._actual} if self._actual else {})

    def _compared(self, lines: int, rows: int) -> Iterator[tuple[str, Decimal, Decimal]]:
        actual = {"lines": lines, "rows": rows}
        for name, expected in self._counts.items():
            if expected is not None:
                yield f"the number of {name} is", expected, Decimal(actual[name])
        for name, total in self._actual.items():
            expected = self._sums[name]
            if expected is not None:
                yield f"the sum of {name} is", expected, total


def _number(tree: Any, scope: Mapping[str, Any], name: str) -> Decimal | None:
    """Return an expected number; None where it is a variable without a value."""
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
