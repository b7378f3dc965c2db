"""First pass over an input of any format: records are grouped, and keys claimed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runner.keys import canonical, canonical_shared
from runner.recipe.model import Rows
from runner.rows.control_totals import ControlTotals
from runner.rows.derived import DerivationError, RowBuilder
from runner.rows.findings import Findings
from runner.rows.group import Keys, RowKeyError
from runner.rows.index import OF_GROUPS, Index
from runner.rows.wrong_rows import WrongLine
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
    """Conversion of the records of a file to values."""

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield the typed values of records that passed the check."""

    def cells(self, raw: bytes) -> Mapping[str, Any] | Sequence[Any]:
        """Return the unchanged cells of a record: the fields of an object, or a cell for each name in the header."""

    def report(
        self,
        findings: Findings,
        *,
        number: int,
        raw: bytes,
        names: Sequence[str],
        message: str,
        kind: str,
        remedy: str,
    ) -> None:
        """Report a problem of the first of these columns, in the record that begins on line `number`."""


@dataclass(frozen=True)
class FirstPass:
    """Result of a first pass: the format to read the records again, and the number of bytes.

    `header` has the names in the header; `header_bytes` all bytes before the first record. `layout` describes how the
    file was read, where that differs from what its ending implies.
    """

    format: Format
    size: int
    header: tuple[str, ...] = ()
    header_bytes: bytes = b""
    layout: str = ""


class Indexing:
    """Records the place of each record, the rows that they form, the keys, and the filtered lines.

    `part` is the number of the current file, from 0, and `before` its first line number: `LINES_A_FILE` per earlier
    file. `wrong` has the records with wrong cells, by their lines: each belongs to a row, but has no values.
    """

    def __init__(
        self,
        rows: Rows,
        keys: Keys | None,
        *,
        scope: Mapping[str, Any],
        builder: RowBuilder,
        totals: ControlTotals,
        findings: Findings,
    ) -> None:
        self.index = Index()
        self.wrong: dict[int, WrongLine] = {}
        self._findings = findings
        self.left_out = array("Q")
        self._builder, self._totals = builder, totals
        self.part = self.before = self.count = 0
        self._group_by, self._keys = rows.group_by, keys
        self._group: Hashable = None
        self._shared = tuple(rows.shared.items())
        self._scope = scope
        used = (ref.path for value in rows.shared.values() for ref in value.references)
        self._read = frozenset(str(path[0]) for path in used if path)
        self._uses_all = not rows.columns or builder.needed or rows.expect_total is not None

    def uses(self, name: str) -> bool:
        """Return whether `add` reads the values of this column."""
        return (
            self._uses_all
            or name == self._group_by
            or name in self._read
            or (self._keys is not None and self._keys.uses(name))
        )

    def leaves_out(self, number: int, values: Mapping[str, Any]) -> bool:
        """Return whether the record on line `number` is filtered out; `values` are its valid cells."""
        if not self._builder.leaves_out(values):
            return False
        self.left_out.append(number + self.before)
        return True

    def add(
        self,
        record: tuple[int, int, int, int],
        values: Mapping[str, Any],
        *,
        labels: Mapping[str, str],
        report: Report,
    ) -> None:
        """Add a record: its offset, length, line and checksum. `labels` are the names of its columns in messages.

        `values` may lack columns that are not used.
        """
        number, told = record[2] + self.before, self._findings.total
        if self._builder.needed:
            try:
                row = self._builder.build(values)
            except DerivationError as error:
                report(error.columns, error.message, "bad-value", error.remedy)
                self.add_wrong(record, values, told=told)
                return
            if row is None:
                self.left_out.append(number)
                return
            values = row
        if self._group_by:
            group = identity_in(values, self._group_by)
            # Lines of a group are mostly adjacent: the check of the first holds for all. 1 equals True.
            if group is None or group != self._group or type(group) is not type(self._group):
                self._group = self._checked_group(values, labels, report)
                if self._group is not None:
                    self.index.share(OF_GROUPS, identity_of(self._group), number)
        elif self._keys is not None and not self._claim(self._keys, values, number, report):
            self.add_wrong(record, values, told=told)
            return
        for step, value in self._shared:
            self._share(step, value, values, number)
        self._totals.add(values)
        self._place(record, self._group)

    def add_wrong(
        self, record: tuple[int, int, int, int], usable: Mapping[str, Any], *, told: int
    ) -> None:
        """Add a record some of whose cells are wrong; what is wrong was reported after the first `told` problems.

        `usable` are the valid cells. A record without a group may belong to any row: it is not among the wrong ones,
        so that its problems are those of the whole input.
        """
        number, group = record[2] + self.before, None
        if self._group_by:
            group = identity_in(usable, self._group_by)
            if not isinstance(group, Hashable) or group is None or group == "":
                self.add_broken(record)
                return
            self.index.share(OF_GROUPS, identity_of(group), number)
        problems = tuple(self._findings.since(told))
        self.wrong[number] = WrongLine(self._usable_key(usable, number), problems)
        # The next record is compared with none, as this one was not checked.
        self._group = None
        self._totals.add(usable)
        self._place(record, group)

    def add_broken(self, record: tuple[int, int, int, int]) -> None:
        """Add a record that belongs to no row, whose problems are those of the whole input."""
        self._group = None
        self._place(record, None)

    def _place(self, record: tuple[int, int, int, int], group: Hashable) -> None:
        """Add a record to the index."""
        offset, length, line, checksum = record
        self.count += 1
        self.index.add((line + self.before, self.part, offset, length, checksum), group)

    def _usable_key(self, usable: Mapping[str, Any], number: int) -> str:
        """Return the key of a record with wrong cells, and record it; empty where the valid cells do not make it."""
        if self._keys is None:
            return ""
        try:
            key = self._keys.of(usable, differing={})
        except RowKeyError:
            return ""
        if not self._group_by:
            self.index.claim(key, number)
        return key

    def _share(self, step: str, value: Expression, values: Mapping[str, Any], number: int) -> None:
        """Record the value for which a step is done once; a row without one is refused when it is planned."""
        try:
            scope = identity_scope({**self._scope, "row": values}, value.references)
            shared = value.evaluate(scope)
            text = "" if isinstance(shared, Unknown) else canonical_shared(identity_of(shared))
        except (EvaluationError, Undecided):
            return
        if text:
            self.index.share(step, text, number)

    def _checked_group(
        self, values: Mapping[str, Any], labels: Mapping[str, str], report: Report
    ) -> Hashable | None:
        """Return the group of a record; None, after a report, where it has none, or has no key."""
        group, keys = self._group_of(values, labels, report), self._keys
        if group is None or keys is None or not keys.early:
            return group
        return group if self._key(keys, values, report) else None

    def _claim(self, keys: Keys, values: Mapping[str, Any], number: int, report: Report) -> bool:
        """Record the key of a record and its former ones; False, after a report, where there is none."""
        try:
            key = keys.of(values, differing={})
            self.index.claim(key, number, keys.former(values, key))
        except RowKeyError as error:
            report(keys.columns, error.message, error.kind, error.remedy)
            return False
        return True

    def _key(self, keys: Keys, values: Mapping[str, Any], report: Report) -> str:
        """Return the key of a record, or "" after a report."""
        try:
            return keys.of(values, differing={})
        except RowKeyError as error:
            report(keys.columns, error.message, error.kind, error.remedy)
            return ""

    def _group_of(
        self, values: Mapping[str, Any], labels: Mapping[str, str], report: Report
    ) -> Hashable | None:
        """Return the group of a record, or None after a report."""
        value: Hashable = identity_in(values, self._group_by)
        wrong = "" if isinstance(value, Hashable) else "is not one value"
        if value is None or value == "":
            wrong = "is empty"
        if wrong:
            message = (
                f"{labels.get(self._group_by, self._group_by)} {wrong}, and lines are grouped by it"
            )
            report([self._group_by], message, "no-group", "fill it in")
            return None
        return value


def identity_in(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a column for comparisons between records: of a text its canonical form."""
    value = values.get(name)
    return canonical(value) if isinstance(value, str) else value
