"""Columns from a sheet's own headers and values: a type only where every value has it, and nothing is lost by it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple
from unicodedata import combining, normalize

from runner.catalogue import AnswerError, parse_json
from runner.catalogue.values.scalars import WRITTEN
from runner.problems import InvalidError, UsageError
from runner.recipe.dates import ISO_DATE
from runner.recipe.model import EMPTY_CELLS, Column, Rows
from runner.rows.findings import Findings
from runner.rows.formats.decode import Content, unpack
from runner.rows.formats.detect import DELIMITERS, kind_of
from runner.rows.formats.dialect import HEADER_WITHIN, lay_out
from runner.rows.formats.json_array import keep_objects
from runner.rows.formats.lines import Lines, open_file, read_records
from runner.rows.formats.xlsx.cells import Formatted, Odd, unpack_cells
from runner.rows.formats.xlsx.workbook import keep_sheet
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
"""Headers of what lines have alike, or not, by chance."""

_NAMES_ORDER = re.compile(r"\b(?:order|po|job|invoice|ref|reference)\b", re.IGNORECASE)
_NAMES_ONE = re.compile(r"\b(?:id|key|number|no|nr|code|e-?mail)\b|#", re.IGNORECASE)
"""Headers of what lines of one order share, and of what else names one of something."""

_NAMES_TEXT = re.compile(
    r"\b(?:phone|tel|telephone|mobile|fax|zip|postcode|postal code|plz)\b", re.IGNORECASE
)
"""Headers of digits that are no numbers."""

_SUM = re.compile(
    r"\s*(?:(?:(?:sub|grand)[ -]?)?totals?|(?:zwischen)?summe|gesamt)\s*:?\s*", re.IGNORECASE
)
"""What stands where the name of a row would be when the line holds a sum."""

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
"""What means something else in YAML or in an expression."""


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
"""Whether a value is of a type and, for dates, of a format, in the order in which they are preferred."""


@dataclass(frozen=True)
class Sheet:
    """What a sheet looks like. `key` names the column that tells rows apart; with `grouped` its lines belong together.

    `key` is empty where no column is sure to. `constant` names the columns that are the same on all lines of a row;
    `sums` are the values of the key that name a sum, so that their lines are no rows; nor is a line on which all of
    `named` are empty, which has amounts alone.
    """

    columns: tuple[Column, ...]
    key: str
    grouped: bool = False
    delimiter: str = ""
    constant: frozenset[str] = frozenset()
    sums: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@dataclass
class _Seen:
    """What is known of a column after some lines."""

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
        """The type and format; a date only where no other format of dates fits as well."""
        dates = [kind for kind in self.kinds if kind[0] == "date"]
        if not self.filled or not self.kinds or (self.kinds == dates and len(dates) > 1):
            return "string", ""
        return self.kinds[0]


def _column(name: str, label: str, seen: _Seen, *, key: bool, mark: str) -> Column:
    """A column by all of its cells. What tells rows apart is text; `mark` is the sheet's decimal mark, if known."""
    empty = (*EMPTY_CELLS, *sorted(seen.nothing))
    column = Column(name, header=label, required=seen.required, empty=empty)
    kind, form = seen.kind()
    key = key or _NAMES_TEXT.search(label) is not None
    if key or (kind, seen.filled) == ("string", 0):
        return column._replace(trim=key and seen.padded)
    if kind != "string" and (kind != "decimal" or mark != ","):
        return column._replace(type=kind, format=() if form in ("", ISO_DATE) else (form,))
    if (
        not seen.blank
        and (written := written_of(seen.values) if kind == "string" else None) is not None
    ):
        return column._replace(type=written[0], written=written[1])
    if mark and not seen.blank and (written := written_of(seen.values, mark=mark)) is not None:
        return column._replace(type=written[0], written=written[1])
    formats, locale = dates_of(seen.values) if not seen.blank else ((), "")
    if formats:
        return column._replace(type="date", format=formats, locale=locale)
    return column._replace(trim=seen.padded)


def infer(path: Path) -> Sheet:
    """What the sheet at `path` looks like. Raises UsageError when it is none."""
    try:
        given, header, read = _look(path, Findings(str(path)))
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
    mark = mark_of(each.values for each in read.found if each.filled and not each.blank)
    columns = tuple(
        _column(names[place], label, each, key=place == key, mark=mark)
        for place, (label, each) in enumerate(zip(header, read.found, strict=True))
        if label
    )
    constant = (name for name, each in zip(names, read.found, strict=True) if each.constant)
    values = read.found[key].values if key is not None else ()
    sums = tuple(sorted(filter(_SUM.fullmatch, values)))
    return Sheet(
        columns,
        names[key] if key is not None else "",
        read.grouped,
        given,
        frozenset(constant),
        sums if len(sums) < read.records else (),
        tuple(names[place] for place in read.named),
    )


def _look(path: Path, findings: Findings) -> tuple[str, list[str], _Read]:
    """The delimiter where it is not the usual one, the header, and what is below it."""
    delimiter = ""
    with open_file(path, findings) as file:
        content = unpack(file, "", findings)
        kind = kind_of(path, content, Rows(), findings)
        if kind == "xlsx":
            records = _sheet_records(content, findings)
        elif kind in ("json", "jsonl"):
            kept = keep_objects(content.file, findings) if kind == "json" else content.file
            records = _object_records(kept)
        else:
            usual = DELIMITERS[kind]
            found, line = lay_out(content.file, Rows(), usual, findings)
            delimiter = "" if found == usual else found
            lines = Lines(content.file, found, findings)
            lines.skip(line)
            records = _below_titles(read_records(lines, findings))
        header = [name.strip() for name in next(records, [])]
        read = _read(header, records)
    if findings.total:
        raise findings.error()
    return delimiter, header, read


def _below_titles(records: Iterator[list[str]]) -> Iterator[list[str]]:
    """The records from the header on, where lines with one cell stand above it: the first that is filled the most."""
    top = list(islice(records, HEADER_WITHIN))
    filled = [sum(map(bool, map(str.strip, cells))) for cells in top]
    titled = bool(top) and len(top[0]) > 1 >= filled[0]
    return chain(top[filled.index(max(filled)) if titled else 0 :], records)


def _sheet_records(content: Content, findings: Findings) -> Iterator[list[str]]:
    """The rows of a sheet as text, from its header on: the first of the rows at its top that are filled the most."""
    kept, *_ = keep_sheet(content, Rows(), findings)
    filled = [
        sum(cell != "" for cell in unpack_cells(line)) for line in islice(kept, HEADER_WITHIN)
    ]
    kept.seek(0)
    for line in islice(kept, filled.index(max(filled)) if filled else 0, None):
        yield ["" if isinstance(cell, Odd) else _as_text(cell) for cell in unpack_cells(line)]


def _as_text(cell: Any) -> str:
    """A cell as it is looked at: a number as the sheet shows it where that has zeros before it, else as it is."""
    if isinstance(cell, Formatted):
        shown = str(cell)
        return shown if shown[:1] == "0" and shown[1:2].isdigit() else to_text(cell.number)
    return str(cell) if isinstance(cell, dt.time | dt.timedelta) else to_text(cell)


def _object_records(kept: IO[bytes]) -> Iterator[list[str]]:
    """The fields of objects as text, under a header with all of them; lists and objects are no cells."""
    header: dict[str, None] = {}
    lines = [line for line in kept if line.strip()]
    objects = [parse_json(line) for line in lines]
    for each in objects:
        header.update(
            dict.fromkeys(
                name for name, value in each.items() if not isinstance(value, list | Mapping)
            )
        )
    yield list(header)
    for each in objects:
        values = (each.get(name) for name in header)
        yield [
            "" if value is None or isinstance(value, list | Mapping) else to_text(value)
            for value in values
        ]


class _Read(NamedTuple):
    """Every column, the place of the one that tells rows apart (None: no column does), and how many lines there are.

    `named` are the places that are empty on a last line that holds sums.
    """

    found: list[_Seen]
    key: int | None
    grouped: bool
    records: int
    named: tuple[int, ...] = ()


def _read(header: Sequence[str], records: Iterator[list[str]]) -> _Read:
    """What is below a header. Raises UsageError for what is no table."""
    if not any(header) or len(set(filter(None, header))) != len(list(filter(None, header))):
        raise UsageError(
            "the header is empty, or a name in it stands twice",
            remedy="give each column its own name",
        )
    kept: list[list[str]] = []
    for cells in records:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            message = f"record {len(kept) + 1} below the header has {len(cells)} cells where that has {len(header)}"
            raise UsageError(
                message,
                remedy="put a cell that has the separator in it into quotes, or correct the line",
            )
        kept.append(cells)
    named = _empty_on_sums(header, kept)
    rows, sums = (kept[:-1], kept[-1:]) if named else (kept, [])
    found = [_Seen() for _ in header]
    for cells in rows:
        for each, cell in zip(found, cells, strict=True):
            each.add(cell)
    key = _telling(header, found)
    grouped = key is not None and not found[key].unique
    groups: dict[str, list[str]] = {}
    for number, cells in enumerate(rows):
        first = groups.setdefault(cells[key].strip() if key is not None else str(number), cells)
        for place, cell in enumerate(cells):
            found[place].constant &= cell.strip() == first[place].strip()
    for cells in sums:
        for each, cell in zip(found, cells, strict=True):
            each.add(cell)
    return _Read(found, key, grouped, len(kept), named)


def _empty_on_sums(header: Sequence[str], kept: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """The places of what every line has and the last one lacks, if that has amounts and nothing else."""
    if len(kept) < 2:
        return ()
    last = kept[-1]
    filled = [place for place, cell in enumerate(last) if cell.strip()]
    if not all(_NAMES_AMOUNT.search(header[place]) for place in filled):
        return ()
    return tuple(
        place
        for place, label in enumerate(header)
        if label and place not in filled and not _NAMES_AMOUNT.search(label)
        and all(cells[place].strip() for cells in kept[:-1])
    )  # fmt: skip


def _telling(header: Sequence[str], found: Sequence[_Seen]) -> int | None:
    """The column that tells rows apart: that of orders, else what names one of something, else text that differs.

    The lines of a column of orders that repeats belong together. Never an amount or a day: they differ by chance.
    """
    usable = [
        place
        for place, label in enumerate(header)
        if label and found[place].required and not _differs_by_chance(label, found[place])
    ]
    orders = [place for place in usable if _NAMES_ORDER.search(header[place])]
    ones = [place for place in usable if _NAMES_ONE.search(header[place])]
    ranked = [
        *(place for place in orders if found[place].unique), *orders,
        *(place for place in ones if found[place].unique), *ones,
        *(place for place in usable if found[place].unique),
    ]  # fmt: skip
    return next(iter(ranked), None)


def _differs_by_chance(label: str, seen: _Seen) -> bool:
    named = _NAMES_AMOUNT.search(label) or _NAMES_DAY.search(label)
    written = written_of(seen.values) if seen.kind()[0] == "string" else None
    return bool(named or written or seen.kind()[0] in ("decimal", "date", "boolean"))


def _names(header: Sequence[str]) -> list[str]:
    """Names for expressions, each once: 'Order #' is order, 'Unit Price' unit_price, 'Größe' grosse."""
    names: list[str] = []
    for place, label in enumerate(header, start=1):
        letters = "".join(
            sign for sign in normalize("NFKD", label.casefold()) if not combining(sign)
        )
        plain = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
        name = (
            plain
            if re.match("[a-z]", plain) and plain not in _WORDS
            else f"column_{plain or place}"
        )
        name = f"{name}_" if name in ("lines", "items", "keys", "values") else name[:90]
        while name in names:
            name += "_"
        names.append(name)
    return names
