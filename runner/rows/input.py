"""Checked input: its rows, typed and grouped, read again on each use."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from runner.keys import canonical
from runner.problems import PROBLEMS_SHOWN, InvalidError, Problem
from runner.recipe.model import Column, Rows
from runner.rows.cell_digest import digest_of_cells
from runner.rows.derived import RowBuilder, read_columns
from runner.rows.findings import Findings
from runner.rows.formats.decode import Spool
from runner.rows.formats.xlsx.cells import original_cells
from runner.rows.group import Keys, Row, RowKeyError, merge
from runner.rows.index import FORMER, OF_GROUPS, Index, Place
from runner.rows.name_check import Known, NameCheck
from runner.rows.part import Part
from runner.rows.wrong_rows import WrongLine, problems_of, wrong_row

if TYPE_CHECKING:
    from runner.rows.formats.xlsx.workbook import Workbook


@dataclass(frozen=True, kw_only=True)
class Input:
    """Checked files as one input. Iterating and `raw_lines` read them again; InvalidError for one that has changed.

    `digest` is the SHA-256 of its bytes in hexadecimal, or of the names and digests of several files; `header` has its
    trimmed names, none where each record names its own. Lines are counted from `LINES_A_FILE` on in the second file;
    `place` returns the file. `origin` is the text from which it can be opened again, as the journal stores it.
    `left_out` are the lines that `where` filters out, `announced` the control totals; `warnings` report guesses about
    the file. `wrong` are the lines with wrong cells: rows with such a line have no values, and `rows` leaves them out.
    """

    name: str
    digest: str
    parts: tuple[Part, ...] = field(repr=False)
    warnings: tuple[Problem, ...] = ()
    announced: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    left_out: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    wrong: dict[int, WrongLine] = field(default_factory=dict, repr=False)
    _builder: RowBuilder = field(repr=False)
    _rows: Rows = field(repr=False)
    _keys: Keys | None = field(repr=False)
    _index: Index = field(repr=False)

    @property
    def path(self) -> Path:
        """The file, or the first of several."""
        return self.parts[0].path

    @property
    def title(self) -> str:
        """The name without its folder: orders.csv; orders.csv and 2 more."""
        more = len(self.parts) - 1
        return f"{self.path.name} and {more} more" if more else self.path.name

    @property
    def agreed(self) -> str:
        """The confirmed control totals, for people: 412 lines, amount 18,442.50."""
        totals = self.announced
        counts = [(name, totals[name]) for name in ("lines", "rows") if name in totals]
        texts = [f"{count:,} {name if count != 1 else name[:-1]}" for name, count in counts]
        texts += [f"{name} {total:,f}" for name, total in totals.get("sum", {}).items()]
        return ", ".join(texts)

    @property
    def header(self) -> tuple[str, ...]:
        """The names in the header."""
        return self.parts[0].read.header

    @property
    def layout(self) -> str:
        """The interpretation of the file, for people; empty where its ending implies it."""
        if len(self.parts) == 1:
            return self.parts[0].read.layout
        return "; ".join(
            f"{part.name}: {part.read.layout}" for part in self.parts if part.read.layout
        )

    @property
    def piped(self) -> Spool | None:
        """The piped input, at its beginning; None for files."""
        file = self.parts[0].piped
        if file is not None:
            file.seek(0)
        return file

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return self._index.row_count

    @property
    def line_count(self) -> int:
        """The number of records, without the header."""
        return len(self._index)

    @property
    def grouped(self) -> bool:
        """True when a row may have several lines."""
        return bool(self._rows.group_by)

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order, without those with wrong cells."""
        return (row for row in self.every_row() if not row.wrong)

    def every_row(
        self, *, besides: Callable[[int, Sequence[int]], bool] | None = None
    ) -> Iterator[Row]:
        """Yield the rows in order, those with wrong cells among them.

        Those for which `besides` (number, lines) is true are neither read nor yielded; it is asked in order.
        """
        for number, lines, records, raw in self._groups(besides):
            if not records:
                row = wrong_row(number, lines, self.wrong)
                yield row if self._keys is not None else row._replace(key=str(number))
                continue
            values: Mapping[str, Any] = records[0]
            differing: Mapping[str, tuple[int, int]] = {}
            if self._rows.group_by:
                values, differing = self._merged(lines, records)
            key, former = str(number), tuple[str, ...]()
            if self._keys is not None:
                key = self._keys.of(values, differing=differing)
                former = self._keys.former(values, key)
            yield Row(number, key, values, lines, differing, former, raw)

    @property
    def problems(self) -> list[Problem]:
        """The problems of wrong cells."""
        return [problem for line in self.wrong.values() for problem in line.problems]

    def refusal(self, rows: Iterable[Row]) -> InvalidError | None:
        """Return the problems of the cells of these rows as an error; None where there are none."""
        problems = problems_of(rows, self.wrong)
        return InvalidError(problems[:PROBLEMS_SHOWN], total=len(problems)) if problems else None

    def digests(self, row: Row) -> tuple[str, ...]:
        """Return a digest of the cells of each line of a row, equal for equal cells in whatever format and order."""
        return tuple(
            digest_of_cells(self._part_of(number).cells(raw))
            for number, raw in zip(row.lines, row.raw, strict=True)
        )

    def place(self, number: int) -> tuple[str, int]:
        """Return the file of a line, by its name in messages, and the line in that file."""
        part = self._part_of(number)
        return part.name, number - part.before

    @property
    def header_line(self) -> int:
        """The number of rows down to the header: of a workbook those of the sheet, of text the header alone."""
        return len(self._workbook.above) if self.sheet else 1

    def rows_with(self, columns: Sequence[Column]) -> Rows:
        """Return how the files are read, with other columns and every line a row of its own."""
        return self._rows._replace(
            columns=tuple(columns), group_by="", key=None, key_was=(), where=None, unpivot=None,
            expect_total=None, shared={}, require=(),
        )  # fmt: skip

    def reads(self, header: str) -> bool:
        """Return whether a column of the recipe is read from this header."""
        names = (name for column in read_columns(self._rows) for name in column.headers)
        return canonical(header) in map(canonical, names)

    def header_bytes(self) -> bytes:
        """Return the header, with all lines above it and its line end, as UTF-8."""
        return self.parts[0].read.header_bytes

    def raw_lines(self, numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the records that begin on these lines, unchanged but as UTF-8, with their line ends, in file order.

        Raises ValueError for a line on which none begins.
        """
        # Reading ahead may draw several places before their bytes are yielded.
        lines: deque[int] = deque()

        def places() -> Iterator[Place]:
            for place in self._index.find(numbers):
                lines.append(place[0])
                yield place

        for raw in self._raw(places()):
            yield lines.popleft(), raw

    def records(self) -> Iterator[int]:
        """Yield the first line of each record, in file order, without the header."""
        return self._index.numbers()

    def has_record(self, number: int) -> bool:
        """Return whether a record that belongs to a row begins on this line."""
        try:
            return any(True for _ in self._index.find([number]))
        except ValueError:
            return False

    @property
    def retry_ending(self) -> str:
        """The ending of a retry file that is read in the same way as this input."""
        part = self.parts[0]
        if part.kind in ("xlsx", "json"):
            return f".{part.kind}"
        plain = part.path.with_suffix("") if part.path.suffix.lower() == ".gz" else part.path
        return plain.suffix.lower() or f".{part.kind}"

    @property
    def sheet(self) -> str:
        """The sheet of the workbook with the records; empty for text."""
        return self._workbook.sheet if self.parts[0].kind == "xlsx" else ""

    @property
    def _workbook(self) -> Workbook:
        # Cast, as its class is slow to import, and most input is text.
        return cast("Workbook", self.parts[0].read.format)

    def sheet_cells(self, numbers: Collection[int]) -> Iterator[list[Any]]:
        """Yield the unchanged cells of a workbook: its rows up to the header, and the rows with these numbers."""
        yield from map(original_cells, self._workbook.above)
        for number, raw in self.raw_lines(numbers):
            yield self._part_of(number).arranged(original_cells(raw))

    def table(self) -> Iterator[Sequence[Any]]:
        """Yield the unchanged cells of a sheet: the rows down to the header, and each record."""
        numbers = array("Q", self.records())
        if self.sheet:
            yield from self.sheet_cells(numbers)
            return
        yield self.header
        for number, raw in self.raw_lines(numbers):
            part = self._part_of(number)
            cells = part.read.format.cells(raw)
            yield part.arranged([*cells])

    def write_some(self, file: IO[bytes], numbers: Collection[int]) -> None:
        """Write the header and the records that begin on these lines, unchanged. Raises OSError."""
        # Files in several encodings have UTF-8 in common.
        encodings = {part.encoding for part in self.parts}
        encoding = encodings.pop() if len(encodings) == 1 else "utf-8"
        records: Iterator[bytes] = chain([self.header_bytes()], self._ended(numbers))
        if self.parts[0].kind == "json":
            records = _as_array(records)
        file.writelines(
            records if encoding == "utf-8" else (raw.decode().encode(encoding) for raw in records)
        )

    def _ended(self, numbers: Collection[int]) -> Iterator[bytes]:
        """Yield these records. The last one of a file may lack a line end, which is added between records."""
        last = max(numbers, default=0)
        for number, raw in self.raw_lines(numbers):
            raw = self._part_of(number).arranged_text(raw)
            yield raw if number == last or raw.endswith((b"\n", b"\r")) else raw + b"\n"

    def check_keys(self, findings: Findings) -> None:
        """Report keys that two rows have, or that look alike, and groups without a key, which are among `wrong`."""
        if self._keys is not None and not self._keys.early:
            self._claim_groups(self._keys, findings)
        self._names(findings).within()

    def check_known(self, known: Known) -> None:
        """Raise InvalidError where a key or shared value looks like another one on record."""
        findings = Findings(self.name)
        self._names(findings).beside(known)
        if findings.total:
            raise findings.error()

    def _names(self, findings: Findings) -> NameCheck:
        def report(
            number: int, columns: Collection[str], message: str, kind: str, remedy: str
        ) -> None:
            self._report(findings, number, columns, message, kind, remedy)

        return NameCheck(self._index, self._rows, self._keys, self._line_name, report)

    def keys(self) -> Iterator[str]:
        """Yield the keys of all rows, and the keys of earlier versions for them, in no order.

        Long keys are in brief.
        """
        grouped = self._rows.group_by and self._keys is not None and self._keys.early
        claimed = self._index.shared(OF_GROUPS) if grouped else self._index.claimed()
        return (entry.key for entry in chain(claimed, self._index.shared(FORMER)))

    def warning(
        self, number: int, column: str, *, message: str, kind: str, remedy: str = ""
    ) -> Problem:
        """Return a warning about the cell of a column on line `number`."""
        problem = self.problem(number, [column], message=message, kind=kind, remedy=remedy)
        return replace(problem, severity="warning")

    def problem(
        self, number: int, columns: Collection[str], *, message: str, kind: str, remedy: str = ""
    ) -> Problem:
        """Return a problem of the cells of these columns on line `number`."""
        findings = Findings(self.name)
        self._report(findings, number, columns, message, kind, remedy)
        return findings.error().problems[0]

    def _claim_groups(self, keys: Keys, findings: Findings) -> None:
        """Claim the keys that depend on all lines of a group."""
        for _, lines, records, _ in self._groups():
            if not records:
                continue
            values, differing = self._merged(lines, records)
            told = findings.total
            try:
                key = keys.of(values, differing=differing)
                self._index.claim(key, lines[0], keys.former(values, key))
            except RowKeyError as error:
                columns = keys.columns
                self._report(findings, lines[0], columns, error.message, error.kind, error.remedy)
                self.wrong[lines[0]] = WrongLine("", tuple(findings.since(told)))

    def _report(
        self,
        findings: Findings,
        number: int,
        names: Collection[str],
        message: str,
        kind: str,
        remedy: str,
    ) -> None:
        if findings.full:
            findings.total += 1
            return
        part = self._part_of(number)
        findings.file = part.name
        raw = next(raw for _, raw in self.raw_lines([number]))
        part.read.format.report(
            findings,
            number=number - part.before,
            raw=raw,
            names=list(names),
            message=message,
            kind=kind,
            remedy=remedy,
        )

    def _part_of(self, number: int) -> Part:
        return self.parts[bisect_right(self.parts, number - 1, key=attrgetter("before")) - 1]

    def _line_name(self, number: int, beside: int) -> str:
        """Return the name of a line in a message about line `beside`."""
        part = self._part_of(number)
        line = f"line {number - part.before}"
        return line if part is self._part_of(beside) else f"{line} of {part.name}"

    def _merged(
        self, numbers: Sequence[int], lines: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
        return merge(numbers, lines, unpivoted=self._builder.unpivoted)

    def _built(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield records with their derived values."""
        for values in records:
            row = self._builder.build(values)
            # The index has only records that passed the filter, and their bytes are checked.
            if row is None:
                raise RuntimeError("a record of the index was filtered out")
            yield row

    def _groups(
        self, besides: Callable[[int, Sequence[int]], bool] | None = None
    ) -> Iterator[tuple[int, tuple[int, ...], list[Mapping[str, Any]], tuple[bytes, ...]]]:
        """Yield the number of each row, the numbers of its lines, their values and their bytes.

        A row with wrong cells is not read: it has neither values nor bytes.
        """
        rows: deque[tuple[int, list[Place]]] = deque()
        wrong: deque[tuple[int, tuple[int, ...]]] = deque()

        def places() -> Iterator[list[Place]]:
            for number, members in enumerate(self._index.rows(), start=1):
                numbers = tuple(map(itemgetter(0), members))
                if besides is not None and besides(number, numbers):
                    continue
                if self.wrong and not self.wrong.keys().isdisjoint(numbers):
                    wrong.append((number, numbers))
                else:
                    rows.append((number, members))
                    yield members

        read = deque[bytes]()
        lines = self._values(chain.from_iterable(places()), read)
        if self._builder.needed:
            lines = self._built(lines)
        for first in lines:
            # Drawing the first line has drawn the places of its row.
            number, members = rows.popleft()
            while wrong and wrong[0][0] < number:
                yield *wrong.popleft(), [], ()
            records = [first, *islice(lines, len(members) - 1)]
            raw = tuple(read.popleft() for _ in members)
            yield number, tuple(map(itemgetter(0), members)), records, raw
        for each in wrong:
            yield *each, [], ()

    def _values(self, places: Iterable[Place], read: deque[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield the typed values of records, and append their bytes to `read`."""

        def noted(raw: Iterable[bytes]) -> Iterator[bytes]:
            for each in raw:
                read.append(each)
                yield each

        parts = ((self.parts[number], some) for number, some in groupby(places, itemgetter(1)))
        return chain.from_iterable(
            part.read.format.values(noted(part.raw(some))) for part, some in parts
        )

    def _raw(self, places: Iterable[Place]) -> Iterator[bytes]:
        """Yield the bytes of records."""
        for number, some in groupby(places, itemgetter(1)):
            yield from self.parts[number].raw(some)


def _as_array(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield objects as one JSON array, each on a line of its own."""
    separator = b"[\n"
    for record in records:
        if record:
            yield separator + record.rstrip(b"\n")
            separator = b",\n"
    yield b"\n]\n"
