"""What every first pass over an input has in common, whatever its format: lines to rows, and keys claimed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runner.keys import canonical, canonical_shared
from runner.recipe.model import Rows
from runner.rows.control_totals import Announced
from runner.rows.derived import Making, MakingError
from runner.rows.findings import Findings
from runner.rows.group import Keys, RowKeyError
from runner.rows.index import OF_GROUPS, Index
from runner.template import (
    EvaluationError,
    Expression,
    Undecided,
    Unknown,
    identity_of,
    identity_scope,
)

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
    """What a first pass found: how to read the records again, and how many bytes there are.

    `header` has the names in the header; `header_bytes` all that stands before the first record. `layout` says to
    people how the file was read, where that is not how its ending has it.
    """

    format: Format
    size: int
    header: tuple[str, ...] = ()
    header_bytes: bytes = b""
    layout: str = ""


class Indexing:
    """Remembers where each record stands, which of them make up a row, which keys there are, and what is left out.

    `part` is the file in hand, from 0, and `before` what its lines are counted from: `LINES_A_FILE` for each before it.
    """

    def __init__(
        self, rows: Rows, keys: Keys | None, *, scope: Mapping[str, Any], making: Making, announced: Announced
    ) -> None:  # fmt: skip
        self.index = Index()
        self.left_out = array("Q")
        self._making, self._announced = making, announced
        self.part = self.before = self.count = 0
        self._group_by, self._keys = rows.group_by, keys
        self._group: Hashable = None
        self._shared = tuple(rows.shared.items())
        self._scope = scope
        used = (each.path for value in rows.shared.values() for each in value.references)
        self._read = frozenset(str(path[0]) for path in used if path)
        self._whole = not rows.columns or making.needed or rows.expect_total is not None

    def uses(self, name: str) -> bool:
        """Whether `add` looks at the values of this column."""
        return (
            self._whole
            or name == self._group_by
            or name in self._read
            or (self._keys is not None and self._keys.uses(name))
        )

    def leaves_out(self, number: int, values: Mapping[str, Any]) -> bool:
        """Whether the record on line `number`, of which only `values` can be used, is no row."""
        if not self._making.leaves_out(values):
            return False
        self.left_out.append(number + self.before)
        return True

    def add(
        self, record: tuple[int, int, int, int], values: Mapping[str, Any], *, labels: Mapping[str, str], report: Report
    ) -> None:  # fmt: skip
        """Take a record: offset, length, line and checksum; `labels` are what messages call its columns.

        Of a column that is not used, `values` need not have a value.
        """
        offset, length, number, checksum = record
        number += self.before
        if self._making.needed:
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
        self.count += 1
        if self._group_by:
            group = identity_in(values, self._group_by)
            # The lines of a group mostly follow each other, and what was found of the first one holds for all.
            if group is None or group != self._group or type(group) is not type(self._group):
                self._group = self._checked_group(values, labels, report)
                if self._group is not None:
                    self.index.share(OF_GROUPS, identity_of(self._group), number)
        elif self._keys is not None:
            key = self._key(self._keys, values, report)
            if key:
                self.index.claim(key, number, self._keys.former(values, key))
        for step, value in self._shared:
            self._share(step, value, values, number)
        self.index.add((number, self.part, offset, length, checksum), self._group)

    def _share(self, step: str, value: Expression, values: Mapping[str, Any], number: int) -> None:
        """Note the value for which a step is done once; what has none is refused when its row is."""
        try:
            found = value.evaluate(identity_scope({**self._scope, "row": values}, value.references))
            text = "" if isinstance(found, Unknown) else canonical_shared(identity_of(found))
        except (EvaluationError, Undecided):
            return
        if text:
            self.index.share(step, text, number)

    def _checked_group(
        self, values: Mapping[str, Any], labels: Mapping[str, str], report: Report
    ) -> Hashable | None:
        """The group that a record belongs to; None when it cannot be told, or has no key, which is a problem."""
        group, keys = self._group_of(values, labels, report), self._keys
        if group is None or keys is None or not keys.early:
            return group
        return group if self._key(keys, values, report) else None

    def _key(self, keys: Keys, values: Mapping[str, Any], report: Report) -> str:
        """The key of a record, or nothing, which is a problem."""
        try:
            return keys.of(values, differing={})
        except RowKeyError as error:
            report(keys.columns, error.message, error.kind, error.remedy)
            return ""

    def _group_of(
        self, values: Mapping[str, Any], labels: Mapping[str, str], report: Report
    ) -> Hashable | None:
        """The group that a record belongs to; None when it cannot be told, which is a problem."""
        value: Hashable = identity_in(values, self._group_by)
        wrong = "" if isinstance(value, Hashable) else "is not one value"
        if value is None or value == "":
            wrong = "is empty"
        if wrong:
            message = (
                f"{labels.get(self._group_by, self._group_by)} {wrong}, and lines are grouped by it"
            )
            report([self._group_by], message, "bad-value", "fill it in")
            return None
        return value


def identity_in(values: Mapping[str, Any], name: str) -> Any:
    """Return the value by which a record is compared with others: of a text its canonical form."""
    value = values.get(name)
    return canonical(value) if isinstance(value, str) else value
