"""An input that was found to be in order: its rows, typed and grouped, read again each time they are used."""

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

from runner.problems import Problem
from runner.recipe.model import Rows
from runner.rows.derived import Making
from runner.rows.findings import Findings
from runner.rows.formats.xlsx.cells import original_cells
from runner.rows.group import Keys, Row, RowKeyError, merge
from runner.rows.index import FORMER, OF_GROUPS, Index, Place
from runner.rows.name_check import Known, NameCheck
from runner.rows.part import Part

if TYPE_CHECKING:
    from runner.rows.formats.xlsx.workbook import Workbook


@dataclass(frozen=True, kw_only=True)
class Input:
    """Checked files as one input. Iterating and `raw_lines` read them anew, and raise InvalidError when one is another.

    `digest` is the SHA-256 of its bytes in hexadecimal, or of the names and digests of several files; `header` has its
    names without blanks around them, none where each record names its own. Lines are counted from `LINES_A_FILE` on
    in the second file; `place` tells the file. `origin` is what it can be opened from again, as the journal keeps it.
    `left_out` are the lines that `where` left out, `announced` the totals that it had to have; `warnings` tell what was
    guessed of the file.
    """

    name: str
    digest: str
    parts: tuple[Part, ...] = field(repr=False)
    warnings: tuple[Problem, ...] = ()
    announced: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    left_out: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    _making: Making = field(repr=False)
    _rows: Rows = field(repr=False)
    _keys: Keys | None = field(repr=False)
    _index: Index = field(repr=False)

    @property
    def path(self) -> Path:
        """The file, or the first of several."""
        return self.parts[0].path

    @property
    def title(self) -> str:
        """What it is called without its folder: orders.csv; orders.csv and 2 more."""
        return (
            self.path.name
            if len(self.parts) == 1
            else f"{self.path.name} and {len(self.parts) - 1} more"
        )

    @property
    def agreed(self) -> str:
        """What is as it was announced, for people: 412 lines, amount 18,442.50."""
        known = [
            (name, self.announced[name]) for name in ("lines", "rows") if name in self.announced
        ]
        counts = [f"{count:,} {name if count != 1 else name[:-1]}" for name, count in known]
        return ", ".join(
            [
                *counts,
                *(f"{name} {total:,f}" for name, total in self.announced.get("sum", {}).items()),
            ]
        )

    @property
    def header(self) -> tuple[str, ...]:
        """The names in the header."""
        return self.parts[0].read.header

    @property
    def layout(self) -> str:
        """How the file was read, for people; empty where it was read as its ending has it."""
        if len(self.parts) == 1:
            return self.parts[0].read.layout
        return "; ".join(
            f"{part.name}: {part.read.layout}" for part in self.parts if part.read.layout
        )

    @property
    def piped(self) -> IO[bytes] | None:
        """What was piped in, at its beginning; None for files."""
        file = self.parts[0].piped
        if file is not None:
            file.seek(0)
        return file

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self._index.row_count

    @property
    def line_count(self) -> int:
        """How many records there are, without the header."""
        return len(self._index)

    @property
    def grouped(self) -> bool:
        """Whether a row may have several lines."""
        return bool(self._rows.group_by)

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def rows(self, *, besides: Callable[[int, Sequence[int]], bool] | None = None) -> Iterator[Row]:
        """The rows in their order, but for those `besides`, which is asked by number and lines; they are not read."""
        for number, lines, found in self._groups(besides):
            values, differing = (
                self._merged(lines, found) if self._rows.group_by else (found[0], {})
            )
            key = (
                self._keys.of(values, differing=differing)
                if self._keys is not None
                else str(number)
            )
            former = self._keys.former(values, key) if self._keys is not None else ()
            yield Row(number, key, values, lines, differing, former)

    def place(self, number: int) -> tuple[str, int]:
        """The file that a line is in, as messages call it, and its line there."""
        part = self._part_of(number)
        return part.name, number - part.before

    def header_bytes(self) -> bytes:
        """The header as it stands in the file, with all that is above it and its line end, as UTF-8."""
        return self.parts[0].read.header_bytes

    def raw_lines(self, numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """The records that begin on these lines, as they stand but as UTF-8, with their line ends, in file order.

        Raises ValueError for a line on which none begins.
        """
        places: deque[int] = deque()

        def noted() -> Iterator[Place]:
            for place in self._index.find(numbers):
                places.append(place[0])
                yield place

        for raw in self._raw(noted()):
            yield places.popleft(), raw

    def records(self) -> Iterator[int]:
        """The first line of each record, in file order, without the header."""
        return self._index.numbers()

    @property
    def retry_ending(self) -> str:
        """The ending of a file with some of the records that is read as this input is."""
        part = self.parts[0]
        if part.kind in ("xlsx", "json"):
            return f".{part.kind}"
        plain = part.path.with_suffix("") if part.path.suffix.lower() == ".gz" else part.path
        return plain.suffix.lower() or f".{part.kind}"

    @property
    def sheet(self) -> str:
        """The sheet of a workbook that the records are from; empty where the input is text."""
        return self._workbook.sheet if self.parts[0].kind == "xlsx" else ""

    @property
    def _workbook(self) -> Workbook:
        return cast(
            "Workbook", self.parts[0].read.format
        )  # its class takes its time to import, and most input is text

    def sheet_cells(self, numbers: Collection[int]) -> Iterator[list[Any]]:
        """The cells of a workbook down to its header, and of the rows with these numbers, as they stand."""
        yield from map(original_cells, self._workbook.above)
        for number, raw in self.raw_lines(numbers):
            yield self._part_of(number).arranged(original_cells(raw))

    def write_some(self, file: IO[bytes], numbers: Collection[int]) -> None:
        """Write the header and the records that begin on these lines, as they stand. May raise OSError."""
        encodings = {part.encoding for part in self.parts}
        encoding = encodings.pop() if len(encodings) == 1 else "utf-8"
        records: Iterator[bytes] = chain([self.header_bytes()], self._ended(numbers))
        if self.parts[0].kind == "json":
            records = _as_array(records)
        file.writelines(
            records if encoding == "utf-8" else (raw.decode().encode(encoding) for raw in records)
        )

    def _ended(self, numbers: Collection[int]) -> Iterator[bytes]:
        """These records, each but the last with a line end, which the last one of a file may not have."""
        last = max(numbers, default=0)
        for number, raw in self.raw_lines(numbers):
            raw = self._part_of(number).arranged_text(raw)
            yield raw if number == last or raw.endswith((b"\n", b"\r")) else raw + b"\n"

    def check_keys(self, findings: Findings) -> None:
        """Check that no two rows have one key, or keys that look alike. Raises InvalidError with every problem."""
        if self._keys is not None and not self._keys.early:
            self._claim_groups(findings)
        self._names(findings).within()
        if findings.total:
            raise findings.error()

    def check_known(self, known: Known) -> None:
        """Check that no key or shared value looks like another one that is on record. Raises InvalidError."""
        findings = Findings(self.name)
        self._names(findings).beside(known)
        if findings.total:
            raise findings.error()

    def _names(self, findings: Findings) -> NameCheck:
        def report(
            number: int, columns: Collection[str], message: str, kind: str, remedy: str
        ) -> None:
            self._report(findings, number, columns, message, kind, remedy)

        return NameCheck(self._index, self._rows, self._keys, self._said, report)

    def keys(self) -> Iterator[str]:
        """The keys of all rows in no order, the long ones in brief; and those that earlier versions made of them."""
        grouped = self._rows.group_by and self._keys is not None and self._keys.early
        found = self._index.shared(OF_GROUPS) if grouped else self._index.claimed()
        return (claimed.key for claimed in chain(found, self._index.shared(FORMER)))

    def warning(
        self, number: int, column: str, *, message: str, kind: str, remedy: str = ""
    ) -> Problem:
        """A warning about the cell of a column on line `number`."""
        found = self.problem(number, [column], message=message, kind=kind, remedy=remedy)
        return replace(found, severity="warning")

    def problem(
        self, number: int, columns: Collection[str], *, message: str, kind: str, remedy: str = ""
    ) -> Problem:
        """A problem of the cells of these columns on line `number`."""
        findings = Findings(self.name)
        self._report(findings, number, columns, message, kind, remedy)
        return findings.error().problems[0]

    def _claim_groups(self, findings: Findings) -> None:
        """The keys that need all the lines of a group."""
        assert self._keys is not None  # noqa: S101 - without keys there is nothing to check
        for _, lines, found in self._groups():
            values, differing = self._merged(lines, found)
            try:
                key = self._keys.of(values, differing=differing)
                self._index.claim(key, lines[0], self._keys.former(values, key))
            except RowKeyError as error:
                columns = self._keys.columns
                self._report(findings, lines[0], columns, error.message, error.kind, error.remedy)

    def _report(
        self, findings: Findings, number: int, names: Collection[str], message: str, kind: str, remedy: str
    ) -> None:  # fmt: skip
        if findings.full:
            findings.total += 1
            return
        part = self._part_of(number)
        findings.file = part.name
        raw = next(raw for _, raw in self.raw_lines([number]))
        part.read.format.report(
            findings, number=number - part.before, raw=raw, names=list(names), message=message, kind=kind,
            remedy=remedy,
        )  # fmt: skip

    def _part_of(self, number: int) -> Part:
        return self.parts[bisect_right(self.parts, number - 1, key=attrgetter("before")) - 1]

    def _said(self, number: int, beside: int) -> str:
        """A line as a message about another one calls it."""
        part = self._part_of(number)
        line = f"line {number - part.before}"
        return line if part is self._part_of(beside) else f"{line} of {part.name}"

    def _merged(
        self, numbers: Sequence[int], lines: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:  # fmt: skip
        return merge(numbers, lines, unpivoted=self._making.unpivoted)

    def _made(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The whole values of a record that was taken when the file was checked."""
        made = self._making.of(values)
        assert made is not None  # noqa: S101 - the same bytes and the same variables
        return made

    def _groups(
        self, besides: Callable[[int, Sequence[int]], bool] | None = None
    ) -> Iterator[tuple[int, tuple[int, ...], list[Mapping[str, Any]]]]:
        """The number of each row that is read, the numbers of its lines, and their values."""
        rows: deque[tuple[int, list[Place]]] = deque()

        def taken() -> Iterator[list[Place]]:
            for number, members in enumerate(self._index.rows(), start=1):
                if besides is None or not besides(number, [place[0] for place in members]):
                    rows.append((number, members))
                    yield members

        lines = self._values(chain.from_iterable(taken()))
        if self._making.needed:
            lines = map(self._made, lines)
        for first in lines:  # which draws the places of its row
            number, members = rows.popleft()
            yield (
                number,
                tuple(map(itemgetter(0), members)),
                [first, *islice(lines, len(members) - 1)],
            )

    def _values(self, places: Iterable[Place]) -> Iterator[Mapping[str, Any]]:
        """The typed values of records."""
        parts = ((self.parts[number], some) for number, some in groupby(places, itemgetter(1)))
        return chain.from_iterable(part.read.format.values(part.raw(some)) for part, some in parts)

    def _raw(self, places: Iterable[Place]) -> Iterator[bytes]:
        """The bytes of records."""
        for number, some in groupby(places, itemgetter(1)):
            yield from self.parts[number].raw(some)


def _as_array(records: Iterable[bytes]) -> Iterator[bytes]:
    """Objects as one array, each on a line of its own."""
    sign = b"[\n"
    for record in records:
        if record:
            yield sign + record.rstrip(b"\n")
            sign = b",\n"
    yield b"\n]\n"
