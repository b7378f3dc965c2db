"""Derived parts of a row: computed columns, filtered lines, and columns that become lines.

columns:  {qty: {type: integer}, price: {type: decimal}, total: {type: decimal, value: "{{ row.qty * row.price }}"}}
where:    row.qty > 0
unpivot:  {columns: [S, M, L], name: size, value: qty}       a line with three quantities is three in row.lines
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.recipe.model import Column, Rows
from runner.rows.cells import CellError, Convert, compile_cell
from runner.template import EvaluationError, Expression, Template, Unknown, columns_read, to_text

LINES = "lines"


class DerivationError(Exception):
    """Error in a derived value: the columns that it depends on, a message and a remedy."""

    def __init__(self, columns: Sequence[str], message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.columns = columns
        self.message = message
        self.remedy = remedy


def read_columns(rows: Rows) -> tuple[Column, ...]:
    """Return the columns that are read from the file: not the computed ones, but those that become lines."""
    unpivot = rows.unpivot
    own = [column for column in rows.columns if column.value is None]
    if unpivot is None:
        return tuple(own)
    value = next(column for column in rows.columns if column.name == unpivot.value)
    others = [column for column in own if column.name not in (unpivot.name, unpivot.value)]
    cells = (
        value._replace(name=_place(value, header), header=header, others=())
        for header in unpivot.columns
    )
    return (*others, *cells)


def _place(column: Column, header: str) -> str:
    """Return the internal name of a column that becomes lines. Its space keeps it apart from names of recipes."""
    return f"{column.name} {header}"


class RowBuilder:
    """Adds the derived values to records. Raises CellError at once for a column that cannot be used."""

    def __init__(self, rows: Rows, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._where = rows.where
        self._order = [column.name for column in rows.columns]
        self._computed = [
            (column, column.value, compile_cell(column))
            for column in rows.columns
            if column.value is not None
        ]
        self._unpivot = rows.unpivot
        self._pivoted: list[tuple[str, Any]] = []
        if rows.unpivot is not None:
            names = {column.name: column for column in rows.columns}
            convert, value = compile_cell(names[rows.unpivot.name]), names[rows.unpivot.value]
            for header in rows.unpivot.columns:
                label = header if convert is None else convert(header)
                self._pivoted.append((_place(value, header), label))
        computed = {column.name for column, *_ in self._computed}
        # A filter without computed columns is applied first: a filtered line need not be computable.
        self._early = rows.where is not None and computed.isdisjoint(columns_read(rows.where))
        self.unpivoted = rows.unpivot is not None
        self.needed = bool(self._computed or self._where or self._unpivot)
        """True when records have derived values, or are filtered."""

    def build(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return a record with its derived values; None for one that is filtered out. Raises DerivationError."""
        cells = [(label, values[place]) for place, label in self._pivoted]
        places = {place for place, _ in self._pivoted}
        row = {name: value for name, value in values.items() if name not in places}
        if self._early and not self._passes(row):
            return None
        for column, value, convert in self._computed:
            row[column.name] = self._value(column, value, convert, row)
        if self._computed:
            # In the order of the recipe.
            row = {**{name: row[name] for name in self._order if name in row}, **row}
        if not self._early and not self._passes(row):
            return None
        if self._unpivot is not None:
            one, other = self._unpivot.name, self._unpivot.value
            row[LINES] = [
                {**row, one: label, other: value} for label, value in cells if value is not None
            ]
        return row

    def leaves_out(self, values: Mapping[str, Any]) -> bool:
        """Return whether a record is filtered out, although it has wrong cells; `values` are the valid ones."""
        try:
            return self._early and not self._passes(values)
        except DerivationError:
            return False

    def _passes(self, row: Mapping[str, Any]) -> bool:
        return self._where is None or bool(self._evaluated(self._where, row, "where"))

    def _value(
        self, column: Column, value: Template | str, convert: Convert | None, row: Mapping[str, Any]
    ) -> Any:
        result = value if isinstance(value, str) else self._evaluated(value, row, column.name)
        if isinstance(result, Mapping) or (isinstance(result, list) and not column.listed):
            kind = "an object" if isinstance(result, Mapping) else "a list"
            raise DerivationError(columns_read(value), f"{column.name} is {kind}, not one value")
        try:
            return _text(result) if convert is None else convert(result)
        except CellError as error:
            raise DerivationError(
                columns_read(value), f"{column.name} {error.message}", remedy=error.remedy
            ) from None

    def _evaluated(self, source: Template | Expression, row: Mapping[str, Any], name: str) -> Any:
        scope = {**self._scope, "row": row}
        try:
            result = (
                source.render(scope) if isinstance(source, Template) else source.evaluate(scope)
            )
        except EvaluationError as error:
            raise DerivationError(
                columns_read(source), f"{name} cannot be computed: {error}"
            ) from None
        if isinstance(result, Unknown):
            message = f"{name} needs {result.origin}, which is only known after the run"
            raise DerivationError(columns_read(source), message)
        return result


def _text(value: Any) -> Any:
    """Return a computed value of a plain text column."""
    return None if value is None else to_text(value) or None
