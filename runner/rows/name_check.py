"""Keys of rows and values that rows share: none twice, and none that a person takes for another one.

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

from runner.keys import SHORT, apart, brief, look_alike
from runner.recipe.model import Rows
from runner.rows.findings import shown
from runner.rows.group import Keys
from runner.rows.index import FORMER, OF_GROUPS, Claimed, Conflict, Index

BATCH = 400
"""Names that are looked for on record at a time."""

_BOTH = "write both the same, or say `keys: exact` under rows if they are two"

Report = Callable[[int, Collection[str], str, str, str], None]
"""Called with a line, the columns at fault, a message, a kind and a remedy."""


class Known(Protocol):
    """What is on record of earlier runs."""

    def conflicts(
        self, step: str, claimed: Sequence[Claimed]
    ) -> Iterator[tuple[Claimed, str, str]]:
        """Those that look like others that are on record, with each of these, and what was done under it and when.

        `step` is that of a `once_per`; it is empty for the keys of rows.
        """


@dataclass(frozen=True)
class NameCheck:
    """The check of one input. `said` is how a message about the second of two lines calls the first."""

    index: Index
    rows: Rows
    keys: Keys | None
    said: Callable[[int, int], str]
    report: Report

    def within(self) -> None:
        """Report what is repeated in the input, or looks like something else in it."""
        for found in self.index.conflicts() if self.keys is not None else ():
            if found.repeated:
                self._repeated(found)
            elif not self.rows.exact:
                self._alike(found, f"the key {_shown(found.key)}")
        for found in () if self.rows.exact else self.index.alike():
            name = "the group" if found.step == OF_GROUPS else f"once_per of {found.step},"
            self._alike(found, f"{name} {_shown(found.key)}{',' * (found.step != OF_GROUPS)}")

    def beside(self, known: Known) -> None:
        """Report what looks like something else that is on record."""
        if self.rows.exact:
            return
        if self.keys is not None:
            early = self.rows.group_by and self.keys.early
            self._on_record(known, "", self.index.shared(OF_GROUPS) if early else self.index.claimed())  # fmt: skip
            self._on_record(known, FORMER, self.index.shared(FORMER))
        for step in self.rows.shared:
            self._on_record(known, step, self.index.shared(step))

    def _on_record(self, known: Known, step: str, claimed: Iterator[Claimed]) -> None:
        names = {"": "the key {}", FORMER: "the former key {}"}
        while batch := list(islice(claimed, BATCH)):
            reported = None
            for one, other, what in known.conflicts("" if step == FORMER else step, batch):
                if step == FORMER and self.index.has(FORMER, other):
                    continue  # another row continues it
                if one is reported or self._is_other_row(step, one, other):
                    continue
                reported = one
                name = names.get(step, f"once_per of {step}, {{}},").format(_shown(one.key))
                differ = f": they differ {apart(one.key, other)}" if len(one.key) <= SHORT else ""
                message = f"{name} looks like {_shown(other)}, {what}{differ}"
                self.report(one.number, self._columns(step), message, "look-alike", _BOTH)

    def _is_other_row(self, step: str, one: Claimed, other: str) -> bool:
        """Return whether a name on record that differs in zeros alone is there as well, as 1.1 is beside 1.10."""
        if brief(look_alike(other)) == one.look:
            return False
        if step in ("", FORMER):
            return self.index.has_key(other) or self.index.has(FORMER, other)
        return self.index.has(step, other)

    def _repeated(self, found: Conflict) -> None:
        remedy = "use a key that differs for each group"
        if not self.rows.group_by:
            remedy = (
                "use a key that differs on each line, or `group_by` for lines that belong together"
            )
        line = self.said(found.first, found.number)
        message = f"the key {_shown(found.key)} is repeated: {line} has it too"
        self.report(found.number, self._columns(found.step), message, "repeated-key", remedy)

    def _alike(self, found: Conflict, name: str) -> None:
        line = self.said(found.first, found.number)
        differ = f": they differ {apart(found.key, found.first_key)}" if len(found.key) <= SHORT else ""  # fmt: skip
        message = f"{name} looks like {_shown(found.first_key)} on {line}{differ}"
        self.report(found.number, self._columns(found.step), message, "look-alike", _BOTH)

    def _columns(self, step: str) -> Collection[str]:
        """The columns that a name is made of."""
        if step in self.rows.shared:
            paths = (each.path for each in self.rows.shared[step].references if each.root == "row")
            return [str(path[0]) for path in paths if path]
        if self.keys is not None:
            return self.keys.columns
        return [self.rows.group_by] if self.rows.group_by else []


def _shown(name: str) -> str:
    """A key as messages repeat it; of a long one its beginning."""
    return shown(name[: SHORT + 1])
