"""Columns of an input: the header matched with the recipe's columns, and records converted to values."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from runner.keys import canonical
from runner.problems import nearest
from runner.recipe.model import Column, Rows
from runner.rows.cells import CellError, Convert, compile_cell, is_plain
from runner.rows.derived import read_columns
from runner.rows.findings import NO_TABLE
from runner.rows.leftovers import is_free, leftovers

CELLS_CACHED = 20_000
"""Texts of all columns together whose values are cached."""

LONGEST_CACHED = 100
"""Characters of a cached text: longer ones seldom repeat, and would fill the memory."""

Report = Callable[[int, str, str, str], None]
"""Called with a cell of the header (from 0), a message, a kind and a remedy."""


class MatchedColumn(NamedTuple):
    """Column of the recipe matched with the cell `at` (from 0).

    In a `plain` column each non-empty text is its own value; in a `verbatim` one each that is not wrong.
    """

    name: str
    at: int
    convert: Convert | None
    plain: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Columns:
    """Columns of the rows, in the order of the recipe, or of the file where none are declared."""

    width: int
    labels: Mapping[str, str]
    plan: tuple[MatchedColumn, ...] = field(repr=False)
    header: tuple[str, ...] = field(default=(), repr=False)
    """The header up to the last column with a name."""
    free: tuple[tuple[int, Column], ...] = field(default=(), repr=False)
    """The columns that accept any text, by their places."""

    def values(self, cells: Sequence[Any]) -> dict[str, Any]:
        """Return the typed values of a record, by column name. Raises CellError for a wrong cell."""
        empty, plain, remembered = self._loops
        # A copy costs less than inserting the names one by one.
        values = empty.copy()
        for name, at, convert in plain:
            if cells[at]:
                values[name] = cells[at]
            elif convert:
                values[name] = convert(cells[at])
        for name, at, known in remembered:
            values[name] = known[cells[at]]
        return values

    def check(self, cells: Sequence[Any]) -> None:
        """Raise CellError for a wrong cell. Plain cells are not converted, which saves most of the first pass."""
        _, plain, remembered = self._loops
        for _, at, convert in plain:
            if convert and not cells[at]:
                convert(cells[at])
        for _, at, known in remembered:
            known[cells[at]]

    def split(self, used: Callable[[str], bool]) -> tuple[Columns, Columns]:
        """Return the columns whose values are used, and those of the others that can be wrong."""
        needed = tuple(column for column in self.plan if used(column.name))
        others = tuple(column for column in self.plan if not used(column.name) and column.convert)
        return replace(self, plan=needed), replace(self, plan=others)

    def checked(self) -> Columns:
        """Return the same columns, for texts that were checked."""
        return replace(
            self, plan=tuple(column._replace(plain=column.verbatim) for column in self.plan)
        )

    @cached_property
    def _loops(
        self,
    ) -> tuple[dict[str, Any], Sequence[tuple[str, int, Convert | None]], Sequence[_Known]]:
        """The plan split for the loop of `values`: all names, the plain columns, and the cached ones."""
        read = [
            (name, at, convert)
            for name, at, convert, plain, _ in self.plan
            if not plain and convert
        ]
        known = tuple(
            (name, at, _ValueCache(convert, CELLS_CACHED // len(read)))
            for name, at, convert in read
        )
        plain = tuple(column[:3] for column in self.plan if column.plain)
        return dict.fromkeys(column.name for column in self.plan), plain, known

    def faults(self, cells: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """Yield all errors of a record: the place of the cell, the message and the remedy."""
        for name, at, convert, *_ in self.plan:
            try:
                if convert:
                    convert(cells[at])
            except CellError as error:
                yield at, f"{self.labels[name]} {error.message}", error.remedy

    def defects(self, cells: Sequence[Any]) -> list[tuple[int, str, str]]:
        """Return place, message and remedy of each defect of a record whose values are valid.

        It is the header again, or a text that a spreadsheet has replaced.
        """
        if self._is_header(cells):
            return [(0, "is the header once more: two files in one", "take the line out")]
        named = {at: name for name, at, *_ in self.plan}
        return [
            (at, f"{self.labels[named[at]]} {message}", remedy)
            for at, message, remedy in leftovers(cells, self.free)
        ]

    def _is_header(self, cells: Sequence[Any]) -> bool:
        first, header = cells[0], self.header
        return (
            isinstance(first, str)
            and as_header(first) == header[0]
            and all(
                isinstance(cell, str) and as_header(cell) == name
                for cell, name in zip(cells, header, strict=False)
            )
        )

    def usable(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return the values of the valid cells; an empty cell is None, required or not."""
        valid: dict[str, Any] = {}
        for name, at, convert, *_ in self.plan:
            if cells[at] == "":
                valid[name] = None
                continue
            with suppress(CellError):
                valid[name] = convert(cells[at]) if convert else cells[at]
        return valid

    def place(self, name: str) -> int:
        """Return the place of a column in the file, from 0."""
        return next(at for known, at, *_ in self.plan if known == name)

    def place_of(self, names: Sequence[str]) -> int:
        """Return the place of the first of these names that is a column, or 0."""
        return next((at for name in names for known, at, *_ in self.plan if known == name), 0)


def match_columns(header: Sequence[str], rows: Rows, report: Report) -> Columns:
    """Find the columns of the recipe in `header` (stripped). What is wrong goes to `report`, all of it."""
    places = {as_header(name): at for at, name in reversed(list(enumerate(header))) if name}
    declared = read_columns(rows)
    if not rows.columns:
        declared = tuple(
            Column(name, name) for name in sorted(places, key=lambda name: places[name])
        )
    plan, labels, free = [], {}, []
    is_table = any(present_headers(column, places) for column in declared)
    if is_table:
        _check_repeated(header, report)
    for column in declared:
        found = present_headers(column, places)
        if len(found) != 1:
            report(
                *_missing(column, header, is_table=is_table)
                if not found
                else _several(column, found, places)
            )
            continue
        at = places[found[0]]
        label = labels[column.name] = _label(column, found[0])
        try:
            plain, verbatim = is_plain(column), is_plain(column, checked=True)
            plan.append(MatchedColumn(column.name, at, compile_cell(column), plain, verbatim))
            if is_free(column):
                free.append((at, column))
        except CellError as error:
            report(at, f"{label} {error.message}", "bad-column", error.remedy)
    _check_names(rows, declared, report)
    names = list(map(as_header, header))
    while names and not names[-1]:
        names.pop()
    return Columns(len(header), labels, tuple(plan), tuple(names), tuple(free))


class _ValueCache(dict[Any, Any]):
    """Values of a column's texts: most texts repeat, close to each other.

    Typed cells are converted each time; so are lists, which the caller may change.
    """

    def __init__(self, convert: Convert, size: int) -> None:
        super().__init__()
        self._convert = convert
        self._size = size

    def __missing__(self, cell: Any) -> Any:
        value = self._convert(cell)
        if type(cell) is str and len(cell) <= LONGEST_CACHED and type(value) is not list:
            # Emptied rather than ordered by age: that would cost more on every hit.
            if len(self) >= self._size:
                self.clear()
            self[cell] = value
        return value


_Known = tuple[str, int, _ValueCache]


def as_header(text: str) -> str:
    """Return a header in its canonical form, in which a line break in the cell is a space."""
    return canonical(text)


def present_headers(column: Column, present: Container[str]) -> list[str]:
    """Return those of the headers that a column accepts which the sheet has."""
    return [name for name in dict.fromkeys(map(as_header, column.headers)) if name in present]


def _missing(column: Column, header: Sequence[str], *, is_table: bool) -> tuple[int, str, str, str]:
    """A column that is not there; where none of them is, nothing is repeated of a file that may be no table."""
    wanted = " or ".join(repr(as_header(name)) for name in column.headers)
    purpose = "" if column.headers == (column.name,) else f" for {column.name}"
    remedy = _remedy(as_header(column.header), header)
    if not is_table and remedy.startswith("known "):
        remedy = (
            "no column of the recipe is there: is it the right file, and its first line a header?"
        )
    kind = "missing-column" if is_table else NO_TABLE
    return 0, f"there is no column {wanted}{purpose}", kind, remedy


def _several(
    column: Column, present: Sequence[str], places: Mapping[str, int]
) -> tuple[int, str, str, str]:
    message = f"{' and '.join(map(repr, present))} are both there, and {column.name} is one of them"
    remedy = "take one of them out of the sheet, or out of `from`"
    return places[present[1]], message, "repeated-column", remedy


def _check_repeated(header: Sequence[str], report: Report) -> None:
    first: dict[str, int] = {}
    for at, name in enumerate(header):
        if name and first.setdefault(as_header(name), at) != at:
            message = f"the header {name!r} stands twice, in columns {first[as_header(name)] + 1} and {at + 1}"
            report(at, message, "repeated-column", "give each column a name of its own")


def _check_names(rows: Rows, declared: Sequence[Column], report: Report) -> None:
    names = [column.name for column in (*declared, *rows.columns)]
    if rows.group_by and rows.group_by not in names:
        message = f"there is no column {rows.group_by!r} to group by"
        report(0, message, "missing-column", nearest(rows.group_by, names, noun="columns"))
    if rows.group_by and "lines" in names:
        message = "a column of a grouped input cannot be called 'lines': that is the name of the lines of a group"
        report(
            0,
            message,
            "bad-column",
            "give it another name under `columns`, and its header with `from`",
        )


def _label(column: Column, header: str) -> str:
    return column.name if column.name == header else f"{column.name} (column {header!r})"


def _remedy(name: str, header: Sequence[str]) -> str:
    """Return the nearest header, or a hint to the delimiter where the complete header is one cell."""
    if len(header) == 1:
        for delimiter, noun in ((";", "';'"), ("\t", "a tab"), (",", "a comma"), ("|", "'|'")):
            if delimiter in header[0]:
                return f"the cells seem to be separated by {noun}: say so with `delimiter` under `rows`"
    return nearest(name, [other for other in header if other], noun="columns")
