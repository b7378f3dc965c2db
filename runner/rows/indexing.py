"""What every first pass over an input has in common, whatever its format: lines to rows, and keys claimed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runner.recipe.model import Rows
from runner.rows.announced import Announced
from runner.rows.findings import Findings
from runner.rows.group import Index, Keys, RowKeyError
from runner.rows.making import Making, MakingError

MAX_LINES = 2_000_000
"""Records of one input; runner.rows.group says what they take in memory."""

Report = Callable[[Sequence[str], str, str, str], None]
"""Called with columns, the first of which is at fault, a message, a kind and a remedy."""


class Format(Protocol):
    """How the records of a file become values."""

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """The typed values of records that were found to be in order."""

    def report(
        self, findings: Findings, *, number: int, raw: bytes, names: Sequence[str], message: str, kind: str, remedy: str
    ) -> None:  # fmt: skip
        """A problem of the first of these columns, in the record that begins on line `number`."""


@dataclass(frozen=True)
class Read:
    """What a first pass found: how to read the records again, the bytes read and their SHA-256, the header."""

    format: Format
    size: int
    digest: str
    header: tuple[str, ...] = ()
    header_bytes: bytes = b""


class Indexing:
    """Remembers where each record stands, which of them make up a row, which keys there are, and what is left out."""

    def __init__(
        self, rows: Rows, keys: Keys | None, findings: Findings, *, making: Making, announced: Announced
    ) -> None:  # fmt: skip
        self.index = Index()
        self.left_out = array("Q")
        self._making, self._announced = making, announced
        self._group_by, self._keys, self._findings = rows.group_by, keys, findings
        self._count = 0

    def count(self, number: int) -> None:
        """One record more, on line `number`. Raises InvalidError when there are too many."""
        self._count += 1
        if self._count > MAX_LINES:
            message = f"has more than {MAX_LINES:,} lines"
            self._findings.add(message, "too-many-lines", remedy="split the file", line=number)
            raise self._findings.error()

    def leaves_out(self, number: int, values: Mapping[str, Any]) -> bool:
        """Whether the record on line `number`, of which only `values` can be used, is no row; then it is counted."""
        if not self._making.leaves_out(values):
            return False
        self.count(number)
        self.left_out.append(number)
        return True

    def add(
        self, record: tuple[int, int, int, int], values: Mapping[str, Any], *, labels: Mapping[str, str], report: Report
    ) -> None:  # fmt: skip
        """Take a record: offset, length, line and checksum; `labels` are what messages call its columns."""
        offset, length, number, checksum = record
        self.count(number)
        try:
            made = self._making.of(values)
        except MakingError as error:
            report(error.columns, error.message, "bad-value", error.remedy)
            return
        if made is None:
            self.left_out.append(number)
            return
        values = made
        self._announced.add(values)
        self.index.add(offset=offset, length=length, number=number, checksum=checksum)
        if self._begins_row(values, labels, report) and self._keys is not None and self._keys.early:
            try:
                self._keys.claim(self._keys.of(values, differing={}), number)
            except RowKeyError as error:
                report(self._keys.columns, error.message, error.kind, error.remedy)

    def _begins_row(self, values: Mapping[str, Any], labels: Mapping[str, str], report: Report) -> bool:
        if not self._group_by:
            return True
        value = values.get(self._group_by)
        wrong = "" if isinstance(value, Hashable) else "is not one value"
        if value is None:
            wrong = "is empty"
        if wrong:
            message = f"{labels.get(self._group_by, self._group_by)} {wrong}, and lines are grouped by it"
            report([self._group_by], message, "bad-value", "fill it in")
            return False
        return self.index.join(value)
