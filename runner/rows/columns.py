"""The columns of an input: the header matched with what the recipe declares, and a record turned into values."""

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

CELLS_KEPT = 20_000
"""Texts of all columns together that are not read again."""

LONGEST_KEPT = 100
"""Characters of such a text: longer ones seldom stand twice, and would fill the memory."""

Report = Callable[[int, str, str, str], None]
"""Called with a cell of the header (from 0), a message, a kind and a remedy."""


class Taken(NamedTuple):
    """A column, taken from the cell `at` (from 0). Of a `plain` one each text but the empty one is its own value.

    So is each of those of a `verbatim` one that are not wrong.
    """

    name: str
    at: int
    convert: Convert | None
    plain: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns that rows are made of, in the order of the recipe, or of the file where none are declared."""

    width: int
    labels: Mapping[str, str]
    plan: tuple[Taken, ...] = field(repr=False)
    header: tuple[str, ...] = field(default=(), repr=False)
    """The header down to the last column with a name."""
    free: tuple[tuple[int, Column], ...] = field(default=(), repr=False)
    """The columns, by their places, that take any text."""

    def values(self, cells: Sequence[Any]) -> dict[str, Any]:
        """The typed values of a record, by column name. Raises CellError for a cell that is wrong."""
        empty, plain, remembered = self._loops
        values = empty.copy()  # costs less than putting the names in one by one
        for name, at, convert in plain:
            if cells[at]:
                values[name] = cells[at]
            elif convert:
                values[name] = convert(cells[at])
        for name, at, known in remembered:
            values[name] = known[cells[at]]
        return values

    def check(self, cells: Sequence[Any]) -> None:
        """Raise CellError for a cell that is wrong. Nothing is made of the others, which is most of the first pass."""
        _, plain, remembered = self._loops
        for _, at, convert in plain:
            if convert and not cells[at]:
                convert(cells[at])
        for _, at, known in remembered:
            known[cells[at]]

    def split(self, used: Callable[[str], bool]) -> tuple[Columns, Columns]:
        """The columns whose values are used, and the others, as far as something can be wrong with them."""
        taken = tuple(column for column in self.plan if used(column.name))
        others = tuple(column for column in self.plan if not used(column.name) and column.convert)
        return replace(self, plan=taken), replace(self, plan=others)

    def checked(self) -> Columns:
        """The same columns, for texts in which nothing was wrong."""
        return replace(
            self, plan=tuple(column._replace(plain=column.verbatim) for column in self.plan)
        )

    @cached_property
    def _loops(
        self,
    ) -> tuple[dict[str, Any], Sequence[tuple[str, int, Convert | None]], Sequence[_Known]]:
        """The plan as `values` goes through it for every record: all names, the plain columns, and the others."""
        read = [
            (name, at, convert)
            for name, at, convert, plain, _ in self.plan
            if not plain and convert
        ]
        known = tuple(
            (name, at, _Remembered(convert, CELLS_KEPT // len(read))) for name, at, convert in read
        )
        plain = tuple(column[:3] for column in self.plan if column.plain)
        return dict.fromkeys(column.name for column in self.plan), plain, known

    def faults(self, cells: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """All that is wrong with a record: the place of the cell, the message and the remedy."""
        for name, at, convert, *_ in self.plan:
            try:
                if convert:
                    convert(cells[at])
            except CellError as error:
                yield at, f"{self.labels[name]} {error.message}", error.remedy

    def defects(self, cells: Sequence[Any]) -> list[tuple[int, str, str]]:
        """Whether a record whose values are in order is one: else the place, the message and the remedy of each fault.

        It is none where it is the header once more, or where a spreadsheet has put something in place of a text.
        """
        if self._is_header(cells):
            return [(0, "is the header once more: two files in one", "take the line out")]
        named = {at: name for name, at, *_ in self.plan}
        found = leftovers(cells, self.free)
        return [
            (at, f"{self.labels[named[at]]} {message}", remedy) for at, message, remedy in found
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
        """The values of the cells that are not wrong; an empty cell has none, whether or not it is required."""
        found: dict[str, Any] = {}
        for name, at, convert, *_ in self.plan:
            with suppress(CellError):
                found[name] = (
                    None if cells[at] == "" else convert(cells[at]) if convert else cells[at]
                )
        return found

    def place(self, name: str) -> int:
        """The place of a column in the file, from 0."""
        return next(at for known, at, *_ in self.plan if known == name)

    def place_of(self, names: Sequence[str]) -> int:
        """The place of the first of these names that is a column, or 0."""
        return next((at for name in names for known, at, *_ in self.plan if known == name), 0)


def match_columns(header: Sequence[str], rows: Rows, report: Report) -> Columns:
    """Find the columns of the recipe in `header` (stripped). What is wrong goes to `report`, all of it."""
    places = {as_header(name): at for at, name in reversed(list(enumerate(header))) if name}
    declared = read_columns(rows)
    if not rows.columns:
        declared = tuple(Column(name, name) for name in sorted(places, key=places.__getitem__))
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
        labels[column.name] = _label(column, found[0])
        try:
            taken = compile_cell(column), is_plain(column), is_plain(column, checked=True)
            plan.append(Taken(column.name, places[found[0]], *taken))
            if is_free(column):
                free.append((places[found[0]], column))
        except CellError as error:
            report(
                places[found[0]],
                f"{labels[column.name]} {error.message}",
                "bad-column",
                error.remedy,
            )
    _check_names(rows, declared, report)
    names = list(map(as_header, header))
    while names and not names[-1]:
        names.pop()
    return Columns(len(header), labels, tuple(plan), tuple(names), tuple(free))


class _Remembered(dict[Any, Any]):
    """Some texts of a column with their values: most stand there more than once, and close to each other.

    What is no text is of some type already, and read again each time; so are lists, each of which is somebody's own.
    """

    def __init__(self, convert: Convert, kept: int) -> None:
        super().__init__()
        self._convert = convert
        self._kept = kept

    def __missing__(self, cell: Any) -> Any:
        value = self._convert(cell)
        if type(cell) is str and len(cell) <= LONGEST_KEPT and type(value) is not list:
            if len(self) >= self._kept:
                self.clear()
            self[cell] = value
        return value


_Known = tuple[str, int, _Remembered]


def as_header(text: str) -> str:
    """A header as it compares: in its canonical form, so that a line break in the cell is a space."""
    return canonical(text)


def present_headers(column: Column, present: Container[str]) -> list[str]:
    """Those of the headers that a column accepts which are there."""
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
    column: Column, found: Sequence[str], places: Mapping[str, int]
) -> tuple[int, str, str, str]:
    message = f"{' and '.join(map(repr, found))} are both there, and {column.name} is one of them"
    return (
        places[found[1]],
        message,
        "repeated-column",
        "take one of them out of the sheet, or out of `from`",
    )


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


def _remedy(wanted: str, header: Sequence[str]) -> str:
    """The nearest header, unless the whole header is one cell: then it is the delimiter that is wrong."""
    if len(header) == 1:
        for delimiter, said in ((";", "';'"), ("\t", "a tab"), (",", "a comma"), ("|", "'|'")):
            if delimiter in header[0]:
                return f"the cells seem to be separated by {said}: say so with `delimiter` under `rows`"
    return nearest(wanted, [name for name in header if name], noun="columns")
