"""Check of keys and shared values: none twice, and none that a person confuses with another.

the key 'PO-1' is repeated: line 2 has it too
the key 'po-1' looks like 'PO-1' on line 2: they differ in case
the former key 'po-1' looks like 'PO-1', done in run 3: they differ in case
once_per of contact, 'Acme-1', looks like 'Acme 1', done in run 3: they differ in spaces and hyphens
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from runner.keys import SHORT, apart, brief, mistakable
from runner.recipe.model import Rows
from runner.rows.findings import shown
from runner.rows.group import Keys
from runner.rows.index import FORMER, OF_GROUPS, Claimed, Conflict, Index

BATCH = 400
"""Names that are compared with the record at a time."""

_BOTH = "write both the same, or say `keys: exact` under rows if they are two"

Report = Callable[[int, Collection[str], str, str, str], None]
"""Called with a line, the columns at fault, a message, a kind and a remedy."""


class Known(Protocol):
    """Record of earlier runs."""

    def conflicts(
        self, step: str, claimed: Sequence[Claimed]
    ) -> Iterator[tuple[Claimed, str, str]]:
        """Yield the names that look like others on record, with each of these, and its use and time.

        `step` is that of a `once_per`; it is empty for the keys of rows.
        """


@dataclass(frozen=True)
class NameCheck:
    """Check of one input. `line_name` returns the name of the first line in a message about the second."""

    index: Index
    rows: Rows
    keys: Keys | None
    line_name: Callable[[int, int], str]
    report: Report

    def within(self) -> None:
        """Report names that are repeated in the input, or look alike in it."""
        for conflict in self.index.conflicts() if self.keys is not None else ():
            if conflict.repeated:
                self._repeated(conflict)
            elif not self.rows.exact:
                self._alike(conflict, f"the key {_shown(conflict.key)}")
        for conflict in () if self.rows.exact else self.index.alike():
            name = f"once_per of {conflict.step}, {_shown(conflict.key)},"
            if conflict.step == OF_GROUPS:
                name = f"the group {_shown(conflict.key)}"
            self._alike(conflict, name)

    def beside(self, known: Known) -> None:
        """Report names that look like others on record."""
        if self.rows.exact:
            return
        if self.keys is not None:
            # Where the group is the key, groups are recorded instead of keys.
            early = self.rows.group_by and self.keys.early
            claimed = self.index.shared(OF_GROUPS) if early else self.index.claimed()
            self._on_record(known, "", claimed)
            self._on_record(known, FORMER, self.index.shared(FORMER))
        for step in self.rows.shared:
            self._on_record(known, step, self.index.shared(step))

    def _on_record(self, known: Known, step: str, claimed: Iterator[Claimed]) -> None:
        names = {"": "the key {}", FORMER: "the former key {}"}
        while batch := list(islice(claimed, BATCH)):
            reported = None
            for one, other, use in known.conflicts("" if step == FORMER else step, batch):
                # A row of this input has that key, or continues it: the row itself, or another one.
                if step == FORMER and self._has(other):
                    continue
                if step == "" and self.index.line_of(FORMER, other) == one.number:
                    continue
                if one is reported or self._is_other_row(step, one, other):
                    continue
                reported = one
                name = names.get(step, f"once_per of {step}, {{}},").format(_shown(one.key))
                differ = f": they differ {apart(one.key, other)}" if len(one.key) <= SHORT else ""
                message = f"{name} looks like {_shown(other)}, {use}{differ}"
                self.report(one.number, self._columns(step), message, "look-alike", _BOTH)

    def _is_other_row(self, step: str, one: Claimed, other: str) -> bool:
        """Return whether a name on record is in the input as well, differing in zeros alone, as 1.1 from 1.10."""
        if brief(mistakable(other)) == one.look:
            return False
        return self._has(other) if step in ("", FORMER) else self.index.has(step, other)

    def _has(self, key: str) -> bool:
        """Return whether a row of the input has this key, or had it."""
        index = self.index
        return index.has_key(key) or index.has(FORMER, key) or index.has(OF_GROUPS, key)

    def _repeated(self, conflict: Conflict) -> None:
        remedy = "use a key that differs for each group"
        if not self.rows.group_by:
            remedy = (
                "use a key that differs on each line, or `group_by` for lines that belong together"
            )
        line = self.line_name(conflict.first, conflict.number)
        message = f"the key {_shown(conflict.key)} is repeated: {line} has it too"
        self.report(conflict.number, self._columns(conflict.step), message, "repeated-key", remedy)

    def _alike(self, conflict: Conflict, name: str) -> None:
        line = self.line_name(conflict.first, conflict.number)
        # A long key is stored in brief, so that the difference is not known.
        differ = ""
        if len(conflict.key) <= SHORT:
            differ = f": they differ {apart(conflict.key, conflict.first_key)}"
        message = f"{name} looks like {_shown(conflict.first_key)} on {line}{differ}"
        self.report(conflict.number, self._columns(conflict.step), message, "look-alike", _BOTH)

    def _columns(self, step: str) -> Collection[str]:
        """Return the columns of a name."""
        if step in self.rows.shared:
            paths = (ref.path for ref in self.rows.shared[step].references if ref.root == "row")
            return [str(path[0]) for path in paths if path]
        if self.keys is not None:
            return self.keys.columns
        return [self.rows.group_by] if self.rows.group_by else []


def _shown(name: str) -> str:
    """Return a key for messages; of a long one its beginning."""
    return shown(name[: SHORT + 1])
