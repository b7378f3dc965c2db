"""Columns inferred from a sheet's headers and values: a type only where all values have it and none loses by it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple
from unicodedata import combining, normalize

from runner.catalogue import AnswerError
from runner.catalogue.values.scalars import WRITTEN
from runner.problems import InvalidError, UsageError
from runner.recipe.dates import ISO_DATE
from runner.recipe.model import EMPTY_CELLS, Column, Rows
from runner.rows.findings import Findings
from runner.rows.formats.decode import Content, unpack
from runner.rows.formats.detect import DELIMITERS, kind_of
from runner.rows.formats.dialect import HEADER_WITHIN, lay_out
from runner.rows.formats.json_array import spool_objects
from runner.rows.formats.jsonl import read_object
from runner.rows.formats.lines import Lines, open_file, read_records
from runner.rows.formats.xlsx.cells import Formatted, UnusableCell, unpack_cells
from runner.rows.formats.xlsx.workbook import spool_sheet
from runner.rows.guess import MOST_DIGITS, dates_of, mark_of, written_of
from runner.rows.leftovers import NOTHING
from runner.template import to_text

DATES = (ISO_DATE, "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y")

_is_integer = WRITTEN["integer"].fullmatch
_DECIMAL = re.compile(r"-?(?:[1-9][0-9]*|0)(?:\.[0-9]+)?").fullmatch

_NAMES_AMOUNT = re.compile(
    r"\b(?:qty|quantity|price|amount|total|cost|units?|count|pieces|pcs)\b", re.IGNORECASE
)
_NAMES_DAY = re.compile(r"\b(?:date|day|due|datum|in[- ]hands?|month|year)\b", re.IGNORECASE)
"""Headers of amounts and dates, which are equal or different on lines by chance."""

_NAMES_ORDER = re.compile(r"\b(?:order|po|job|invoice|ref|reference)\b", re.IGNORECASE)
_NAMES_ONE = re.compile(r"\b(?:id|key|number|no|nr|code|e-?mail)\b|#", re.IGNORECASE)
"""Headers of columns that the lines of one order share, and of other identifiers."""

_NAMES_TEXT = re.compile(
    r"\b(?:phone|tel|telephone|mobile|fax|zip|postcode|postal code|plz)\b", re.IGNORECASE
)
"""Headers of columns whose digits are no numbers."""

_SUM = re.compile(
    r"\s*(?:(?:(?:sub|grand)[ -]?)?totals?|(?:zwischen)?summe|gesamt)\s*:?\s*", re.IGNORECASE
)
"""Texts in place of a row's name on a line with sums."""

_WORDS = frozenset(
    {
        "true",
        "false",
        "null",
        "none",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
    }
)
"""Words with another meaning in YAML or in an expression."""


def _is_date(form: str) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            return dt.datetime.strptime(text, form).strftime(form) == text  # noqa: DTZ007 - a date has no time zone
        except ValueError:
            return False

    return fits


_KINDS: dict[tuple[str, str], Callable[[str], object]] = {
    ("integer", ""): lambda text: _is_integer(text) and len(text) <= MOST_DIGITS,
    ("decimal", ""): lambda text: _DECIMAL(text) and len(text) <= MOST_DIGITS,
    ("boolean", ""): lambda text: text in ("true", "false"),
    **{("date", form): _is_date(form) for form in DATES},
}
"""Tests for the types of a value and, for dates, their formats, in the order of preference."""


@dataclass(frozen=True)
class Sheet:
    """Inferred structure of a sheet. `key` names the column that identifies rows; `grouped`: rows have several lines.

    `key` is empty where no column is certain to. `constant` names the columns that are the same on all lines of a row;
    `sums` are the values of the key that mark a line with sums, which is no row; nor is a line on which all of `named`
    are empty, which has amounts alone.
    """

    columns: tuple[Column, ...]
    key: str
    grouped: bool = False
    delimiter: str = ""
    constant: frozenset[str] = frozenset()
    sums: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@dataclass
class _Profile:
    """Properties of a column after some lines."""

    kinds: list[tuple[str, str]] = field(default_factory=lambda: list(_KINDS))
    values: set[str] = field(default_factory=set)
    filled: int = 0
    required: bool = True
    constant: bool = True
    blank: bool = False
    padded: bool = False
    nothing: set[str] = field(default_factory=set)

    def add(self, cell: str) -> None:
        text = cell.strip()
        if not text:
            self.required = False
            self.kinds = self.kinds if not cell else []
            self.blank = self.blank or bool(cell)
            return
        if text in NOTHING:
            self.required = False
            self.nothing.add(text)
            return
        self.filled += 1
        self.kinds = [kind for kind in self.kinds if _KINDS[kind](text)]
        self.values.add(text)
        self.padded = self.padded or text != cell

    @property
    def unique(self) -> bool:
        return self.required and len(self.values) == self.filled

    def kind(self) -> tuple[str, str]:
        """Return the type and format; a date only where no other format of dates fits as well."""
        dates = [kind for kind in self.kinds if kind[0] == "date"]
        if not self.filled or not self.kinds or (self.kinds == dates and len(dates) > 1):
            return "string", ""
        return self.kinds[0]


def _column(name: str, label: str, seen: _Profile, *, key: bool, mark: str) -> Column:
    """Return a column by all of its cells. An identifier stays text; `mark` is the sheet's decimal mark, if known."""
    empty = (*EMPTY_CELLS, *sorted(seen.nothing))
    column = Column(name, header=label, required=seen.required, empty=empty)
    kind, form = seen.kind()
    key = key or _NAMES_TEXT.search(label) is not None
    if key or (kind, seen.filled) == ("string", 0):
        return column._replace(trim=key and seen.padded)
    if kind != "string" and (kind != "decimal" or mark != ","):
        return column._replace(type=kind, format=() if form in ("", ISO_DATE) else (form,))
    # A cell of spaces alone has no type, so that the column stays text.
    if seen.blank:
        return column._replace(trim=seen.padded)
    written = written_of(seen.values) if kind == "string" else None
    if written is None and mark:
        written = written_of(seen.values, mark=mark)
    if written is not None:
        return column._replace(type=written[0], written=written[1])
    formats, locale = dates_of(seen.values)
    if formats:
        return column._replace(type="date", format=formats, locale=locale)
    return column._replace(trim=seen.padded)


def infer(path: Path) -> Sheet:
    """Return the structure of the sheet at `path`. Raises UsageError for a file that is none."""
    try:
        delimiter, header, read = _load(path, Findings(str(path)))
    except InvalidError as error:
        first = error.problems[0]
        raise UsageError(f"{path}:{first.line}: {first.message}", remedy=first.remedy) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", remedy=error.remedy) from None
    except AnswerError as error:
        raise UsageError(
            f"{path} is no JSON Lines: {error.reason}", remedy="an object stands on each line"
        ) from None
    if not read.records:
        raise UsageError(
            f"{path} has no lines", remedy="it needs a header and a line for each record"
        )
    names, key = _names(header), read.key
    mark = mark_of(own.values for own in read.profiles if own.filled and not own.blank)
    columns = tuple(
        _column(names[place], label, own, key=place == key, mark=mark)
        for place, (label, own) in enumerate(zip(header, read.profiles, strict=True))
        if label
    )
    constant = (name for name, own in zip(names, read.profiles, strict=True) if own.constant)
    values = read.profiles[key].values if key is not None else ()
    sums = tuple(sorted(filter(_SUM.fullmatch, values)))
    return Sheet(
        columns,
        names[key] if key is not None else "",
        read.grouped,
        delimiter,
        frozenset(constant),
        sums if len(sums) < read.records else (),
        tuple(names[place] for place in read.named),
    )


def _load(path: Path, findings: Findings) -> tuple[str, list[str], _Read]:
    """Return the delimiter where it is not the usual one, the header, and the table below it."""
    delimiter = ""
    with open_file(path, findings) as file:
        content = unpack(file, "", findings)
        kind = kind_of(path, content, Rows(), findings)
        if kind == "xlsx":
            records = _sheet_records(content, findings)
        elif kind in ("json", "jsonl"):
            spool = spool_objects(content.file, findings) if kind == "json" else content.file
            records = _object_records(spool, findings)
        else:
            usual = DELIMITERS[kind]
            sign, line = lay_out(content.file, Rows(), usual, findings)
            delimiter = "" if sign == usual else sign
            lines = Lines(content.file, sign, findings)
            lines.skip(line)
            records = _below_titles(read_records(lines, findings))
        header = [name.strip() for name in next(records, [])]
        if findings.total:
            raise findings.error()
        read = _read(header, records)
    if findings.total:
        raise findings.error()
    return delimiter, header, read


def _below_titles(records: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the records from the header on.

    Where lines with one cell are above it, the header is the first record with the most cells.
    """
    top = list(islice(records, HEADER_WITHIN))
    filled = [sum(map(bool, map(str.strip, cells))) for cells in top]
    titled = bool(top) and len(top[0]) > 1 >= filled[0]
    return chain(top[filled.index(max(filled)) if titled else 0 :], records)


def _sheet_records(content: Content, findings: Findings) -> Iterator[list[str]]:
    """Yield the rows of a sheet as text, from its header on.

    The header is the first of the top rows with the most cells.
    """
    spool, *_ = spool_sheet(content, Rows(), findings)
    filled = [
        sum(cell != "" for cell in unpack_cells(line)) for line in islice(spool, HEADER_WITHIN)
    ]
    spool.seek(0)
    for line in islice(spool, filled.index(max(filled)) if filled else 0, None):
        yield [
            "" if isinstance(cell, UnusableCell) else _as_text(cell) for cell in unpack_cells(line)
        ]


def _as_text(cell: Any) -> str:
    """Return a cell as text: a number with leading zeros as the sheet shows it, else unformatted."""
    if isinstance(cell, Formatted):
        shown = str(cell)
        return shown if shown[:1] == "0" and shown[1:2].isdigit() else to_text(cell.number)
    return str(cell) if isinstance(cell, dt.time | dt.timedelta) else to_text(cell)


def _object_records(spool: IO[bytes], findings: Findings) -> Iterator[list[str]]:
    """Yield the fields of objects as text, under a header with all names; lists and objects are empty cells.

    What is no object is reported and left out.
    """
    header: dict[str, None] = {}
    lines = enumerate(spool, start=1)
    found = (read_object(raw, line, findings) for line, raw in lines if raw.strip())
    objects = [record for record in found if record is not None]
    for record in objects:
        header.update(
            dict.fromkeys(
                name for name, value in record.items() if not isinstance(value, list | Mapping)
            )
        )
    yield list(header)
    for record in objects:
        values = (record.get(name) for name in header)
        yield [
            "" if value is None or isinstance(value, list | Mapping) else to_text(value)
            for value in values
        ]


class _Read(NamedTuple):
    """Table below a header: the columns, the place of the one that identifies rows (or None), and the line count.

    `named` are the places that are empty on a last line with sums.
    """

    profiles: list[_Profile]
    key: int | None
    grouped: bool
    records: int
    named: tuple[int, ...] = ()


def _read(header: Sequence[str], records: Iterator[list[str]]) -> _Read:
    """Return the table below a header. Raises UsageError for records that form none."""
    if not any(header) or len(set(filter(None, header))) != len(list(filter(None, header))):
        raise UsageError(
            "the header is empty, or a name in it stands twice",
            remedy="give each column its own name",
        )
    lines: list[list[str]] = []
    for cells in records:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            message = f"record {len(lines) + 1} below the header has {len(cells)} cells where that has {len(header)}"
            raise UsageError(
                message,
                remedy="put a cell that has the separator in it into quotes, or correct the line",
            )
        lines.append(cells)
    named = _empty_on_sums(header, lines)
    rows, sums = (lines[:-1], lines[-1:]) if named else (lines, [])
    profiles = [_Profile() for _ in header]
    for cells in rows:
        for profile, cell in zip(profiles, cells, strict=True):
            profile.add(cell)
    key = _identifying(header, profiles)
    grouped = key is not None and not profiles[key].unique
    groups: dict[str, list[str]] = {}
    for number, cells in enumerate(rows):
        first = groups.setdefault(cells[key].strip() if key is not None else str(number), cells)
        for place, cell in enumerate(cells):
            profiles[place].constant &= cell.strip() == first[place].strip()
    # The line of sums has no part in the key, but its amounts have to fit the types.
    for cells in sums:
        for profile, cell in zip(profiles, cells, strict=True):
            profile.add(cell)
    return _Read(profiles, key, grouped, len(lines), named)


def _empty_on_sums(header: Sequence[str], lines: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return the places that all lines but the last have, if the last has amounts and nothing else."""
    if len(lines) < 2:
        return ()
    last = lines[-1]
    filled = [place for place, cell in enumerate(last) if cell.strip()]
    if not all(_NAMES_AMOUNT.search(header[place]) for place in filled):
        return ()
    return tuple(
        place
        for place, label in enumerate(header)
        if label
        and place not in filled
        and not _NAMES_AMOUNT.search(label)
        and all(cells[place].strip() for cells in lines[:-1])
    )


def _identifying(header: Sequence[str], profiles: Sequence[_Profile]) -> int | None:
    """Return the column that identifies rows: that of orders, else another identifier, else text that differs.

    The lines of a column of orders that repeats belong together. Amounts and dates are excluded: they differ by chance.
    """
    usable = [
        place
        for place, label in enumerate(header)
        if label and profiles[place].required and not _differs_by_chance(label, profiles[place])
    ]
    orders = [place for place in usable if _NAMES_ORDER.search(header[place])]
    ones = [place for place in usable if _NAMES_ONE.search(header[place])]
    ranked = [
        *(place for place in orders if profiles[place].unique),
        *orders,
        *(place for place in ones if profiles[place].unique),
        *ones,
        *(place for place in usable if profiles[place].unique),
    ]
    return next(iter(ranked), None)


def _differs_by_chance(label: str, seen: _Profile) -> bool:
    named = _NAMES_AMOUNT.search(label) or _NAMES_DAY.search(label)
    written = written_of(seen.values) if seen.kind()[0] == "string" else None
    return bool(named or written or seen.kind()[0] in ("decimal", "date", "boolean"))


def _names(header: Sequence[str]) -> list[str]:
    """Return names for expressions, all different: 'Order #' is order, 'Unit Price' unit_price, 'Größe' grosse."""
    names: list[str] = []
    for place, label in enumerate(header, start=1):
        letters = "".join(
            sign for sign in normalize("NFKD", label.casefold()) if not combining(sign)
        )
        plain = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
        usable = re.match("[a-z]", plain) and plain not in _WORDS
        name = plain if usable else f"column_{plain or place}"
        # Names that rows have in expressions already: their lines, and the methods of objects.
        name = f"{name}_" if name in ("lines", "items", "keys", "values") else name[:90]
        while name in names:
            name += "_"
        names.append(name)
    return names
