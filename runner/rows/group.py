"""Lines to rows: where each line of the input stands, which lines make up a row, and the key of the row.

What a line of the input costs in memory, whatever its width, measured with tracemalloc on files of 200,000 and
2,000,000 lines with keys of eight characters: 21 bytes are kept (offset, length, number and checksum of its
record), and in a grouped input up to 30. While the file is checked, the keys seen so far take 120 bytes each and
the groups 75 to 130 more. So a file of the most lines that are accepted, 2,000,000, takes 270 MB while it is
checked (520 MB with each line a group) and 40 to 60 MB afterwards.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.rows.findings import shown
from runner.template import EvaluationError, Template, to_text

SHORT = 32
"""Characters of a key up to which it is remembered as it is; of longer ones, the SHA-256."""

_LONE_COLUMN = re.compile(r"""\{\{ *row(?:\.[A-Za-z0-9_]+|\[(?:'[^'\\]*'|"[^"\\]*")\]) *\}\}""").fullmatch
_END = 2**32 - 1


@dataclass(frozen=True)
class Line:
    """One record of the input. `number` is its first physical line in the file, from 1."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """What the steps run once for. `number` counts rows from 1; `lines` are the numbers of its input lines.

    `values` is what `row` is. In a grouped input it has the values that agree on all lines and, as `lines`,
    the values of each line; `differing` names the columns that do not agree, each with two lines that differ.
    """

    number: int
    key: str
    values: Mapping[str, Any]
    lines: tuple[int, ...]
    differing: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class RowKeyError(Exception):
    """What is wrong with the key of a row: a message, a kind and a remedy."""

    def __init__(self, message: str, kind: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.remedy = remedy


class Index:
    """Where each record stands, and in a grouped input which records belong together, in the order of first lines."""

    def __init__(self) -> None:
        self.offsets = array("Q")
        self.lengths = array("I")
        self.numbers = array("I")
        self.checksums = array("I")
        self._first = array("I")
        self._last = array("I")
        self._next = array("I")
        self._groups: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self.offsets)

    def add(self, *, offset: int, length: int, number: int, checksum: int) -> None:
        """Append a record."""
        self.offsets.append(offset)
        self.lengths.append(length)
        self.numbers.append(number)
        self.checksums.append(checksum)

    def join(self, group: Hashable) -> bool:
        """Put the record added last into `group`. True when it is the first one there."""
        record = len(self.offsets) - 1
        place = self._groups.setdefault(_mark(group), len(self._first))
        self._next.append(_END)
        if place == len(self._first):
            self._first.append(record)
            self._last.append(record)
            return True
        self._next[self._last[place]] = record
        self._last[place] = record
        return False

    def close(self) -> None:
        """Forget what only adding needs."""
        self._groups = {}
        self._last = array("I")

    @property
    def row_count(self) -> int:
        """How many rows the records make up."""
        return len(self._first) if self._next else len(self.offsets)

    def rows(self) -> Iterator[Sequence[int]]:
        """For each row the records that it is made of, counted from 0."""
        if not self._next:
            yield from ((record,) for record in range(len(self.offsets)))
        for record in self._first:
            members = []
            while record != _END:
                members.append(record)
                record = self._next[record]
            yield members

    def find(self, numbers: Collection[int]) -> list[int]:
        """The records that begin on these lines, in file order. Raises ValueError where none begins."""
        records = []
        for number in sorted(set(numbers)):
            record = bisect_left(self.numbers, number)
            if record == len(self.numbers) or self.numbers[record] != number:
                raise ValueError(f"no record begins on line {number}")
            records.append(record)
        return records


class Keys:
    """The keys of rows: evaluated, and each accepted once."""

    def __init__(self, key: Template | str, scope: Mapping[str, Any], *, group_by: str = "") -> None:
        self._key = key
        self._scope = scope
        self._grouped = bool(group_by)
        self._first: dict[Hashable, int] = {}
        paths = [] if isinstance(key, str) else [ref.path for ref in key.references if ref.root == "row"]
        self.columns = tuple(str(path[0]) for path in paths if path)
        # Most keys are one column: looking it up instead of rendering halves the time of the first pass.
        self._column = self.columns[0] if not isinstance(key, str) and _LONE_COLUMN(key.text) else ""
        self.early = not group_by or all(path[:1] == (group_by,) for path in paths)
        """Whether the first line of a row is enough to know its key."""

    def of(self, values: Mapping[str, Any], *, differing: Mapping[str, tuple[int, int]]) -> str:
        """The key of a row with these values. Raises RowKeyError when there is none."""
        if isinstance(self._key, str):
            return self._filled(self._key, repr(self._key))
        for name in self.columns if differing else ():
            if name in differing:
                lines = " and ".join(map(str, differing[name]))
                message = f"the key uses {name}, which is not the same on lines {lines} of one group"
                raise RowKeyError(message, "bad-key", f"make {name} the same, or leave it out of the key")
        try:
            value = values[self._column] if self._column in values else self._key.render({**self._scope, "row": values})
            key = "" if value is None else to_text(value)
        except EvaluationError as error:
            raise RowKeyError(f"the key cannot be made: {error}", "bad-key") from None
        return self._filled(key, self._key.text)

    def claim(self, key: str, number: int) -> None:
        """The row that begins on line `number` has this key. Raises RowKeyError when another has it too."""
        first = self._first.setdefault(_mark(key), number)
        if first != number:
            remedy = "use a key that differs for each group"
            if not self._grouped:
                remedy = "use a key that differs on each line, or `group_by` for lines that belong together"
            raise RowKeyError(f"the key {shown(key)} is repeated: line {first} has it too", "repeated-key", remedy)

    def _filled(self, key: str, text: str) -> str:
        if not key or key.isspace():
            raise RowKeyError(f"the key {text} is empty", "empty-key", "fill in what the key is made of")
        return key

    def close(self) -> None:
        """Forget which keys there are."""
        self._first = {}


def merge(
    lines: Sequence[Line], *, unpivoted: bool = False
) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:  # fmt: skip
    """The values of a group, with its `lines`, and the columns that differ on two of them.

    Where columns are `unpivoted`, each line of the input has made lines of its own.
    """
    made = [line.values["lines"] if unpivoted else [dict(line.values)] for line in lines]
    lines = [Line(line.number, _without_lines(line.values)) for line in lines] if unpivoted else lines
    first = lines[0].values
    differing: dict[str, tuple[int, int]] = {}
    for line in lines[1:]:
        if line.values != first:
            for name in {**first, **line.values}:  # records of JSON need not have the same fields
                if line.values.get(name) != first.get(name):
                    differing.setdefault(name, (lines[0].number, line.number))
    values = {name: value for name, value in first.items() if name not in differing}
    return {**values, "lines": [line for some in made for line in some]}, differing


def _without_lines(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "lines"}


def _mark(value: Hashable) -> Hashable:
    """What stands for a value that has to be met again, in bounded memory."""
    if isinstance(value, str) and len(value) > SHORT:
        return hashlib.sha256(value.encode()).digest()
    return value
