"""What a row is made of beside its own cells: computed columns, the lines that are left out, columns that become lines.

columns:  {qty: {type: integer}, price: {type: decimal}, total: {type: decimal, value: "{{ row.qty * row.price }}"}}
where:    row.qty > 0
unpivot:  {columns: [S, M, L], name: size, value: qty}       a line with three quantities is three in row.lines
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.recipe.model import Column, Rows
from runner.rows.cells import CellError, Convert, compile_cell
from runner.template import EvaluationError, Expression, Template, Unknown, to_text

LINES = "lines"


class MakingError(Exception):
    """What is wrong with what is made of a record: the columns it is made of, a message and a remedy."""

    def __init__(self, columns: Sequence[str], message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.columns = columns
        self.message = message
        self.remedy = remedy


def read_columns(rows: Rows) -> tuple[Column, ...]:
    """The columns that are read from the file: without those that are computed, and with those that become lines."""
    unpivot = rows.unpivot
    own = [column for column in rows.columns if column.value is None]
    if unpivot is None:
        return tuple(own)
    held = next(column for column in rows.columns if column.name == unpivot.value)
    beside = [column for column in own if column.name not in (unpivot.name, unpivot.value)]
    cells = (
        held._replace(name=_place(held, header), header=header, others=())
        for header in unpivot.columns
    )
    return (*beside, *cells)


def _place(column: Column, header: str) -> str:
    """What a column that becomes lines is called meanwhile: no recipe can use it."""
    return f"{column.name} {header}"


class Making:
    """Makes the values of a record complete. Raises CellError at once for a column that cannot be used."""

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
            label, held = compile_cell(names[rows.unpivot.name]), names[rows.unpivot.value]
            for header in rows.unpivot.columns:
                self._pivoted.append(
                    (_place(held, header), header if label is None else label(header))
                )
        computed = {column.name for column, *_ in self._computed}
        self._early = rows.where is not None and computed.isdisjoint(_columns(rows.where))
        self.unpivoted = rows.unpivot is not None
        self.needed = bool(self._computed or self._where or self._unpivot)
        """Whether anything is made of records, or left out."""

    def of(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The values of a record with all that is made of them; None for one that is left out. Raises MakingError."""
        cells = [(label, values[place]) for place, label in self._pivoted]
        places = {place for place, _ in self._pivoted}
        row = (
            {name: value for name, value in values.items() if name not in places}
            if places
            else dict(values)
        )
        if self._early and not self._taken(row):
            return None
        for column, value, convert in self._computed:
            row[column.name] = self._value(column, value, convert, row)
        if self._computed:
            row = {**{name: row[name] for name in self._order if name in row}, **row}
        if not self._early and not self._taken(row):
            return None
        if self._unpivot is not None:
            one, other = self._unpivot.name, self._unpivot.value
            row[LINES] = [
                {**row, one: label, other: value} for label, value in cells if value is not None
            ]
        return row

    def leaves_out(self, values: Mapping[str, Any]) -> bool:
        """Whether a record is no row, although some of its cells are wrong: `values` has those that are not."""
        try:
            return self._early and not self._taken(values)
        except MakingError:
            return False

    def _taken(self, row: Mapping[str, Any]) -> bool:
        return self._where is None or bool(self._evaluated(self._where, row, "where"))

    def _value(
        self, column: Column, value: Template | str, convert: Convert | None, row: Mapping[str, Any]
    ) -> Any:
        found = value if isinstance(value, str) else self._evaluated(value, row, column.name)
        if isinstance(found, Mapping) or (isinstance(found, list) and not column.listed):
            kind = "an object" if isinstance(found, Mapping) else "a list"
            raise MakingError(_columns(value), f"{column.name} is {kind}, not one value")
        try:
            return _text(found) if convert is None else convert(found)
        except CellError as error:
            raise MakingError(
                _columns(value), f"{column.name} {error.message}", remedy=error.remedy
            ) from None

    def _evaluated(self, what: Template | Expression, row: Mapping[str, Any], name: str) -> Any:
        scope = {**self._scope, "row": row}
        try:
            found = what.render(scope) if isinstance(what, Template) else what.evaluate(scope)
        except EvaluationError as error:
            raise MakingError(_columns(what), f"{name} cannot be computed: {error}") from None
        if isinstance(found, Unknown):
            raise MakingError(
                _columns(what), f"{name} needs {found.origin}, which is only known after the run"
            )
        return found


def _text(value: Any) -> Any:
    """A computed value of a plain text column."""
    return None if value is None else to_text(value) or None


def _columns(what: Template | Expression | str) -> list[str]:
    """The columns that something is made of."""
    references = () if isinstance(what, str) else what.references
    return [
        str(reference.path[0])
        for reference in references
        if reference.root == "row" and reference.path
    ]
