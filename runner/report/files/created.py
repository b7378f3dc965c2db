"""created.csv: what a run has made and changed, in the order in which it was sent; for undoing it by hand.

    time,effect,operation,id,key,row,step,item,amount,link,sent,call
    2026-03-01 14:02:11Z,create,syncore.create_job,31987,PO-1042,1,job,,,,,7
    2026-03-01 14:02:12Z,update,syncore.update_job_status,31987,PO-1042,1,status,,,,"{""status"":""Approved""}",8

Only what the journal has committed is in it. While the run goes on a line is added for each call, after a resume to
the file of before; at the end the lines are put in order, and what is missing is added from the journal. `runner
report` builds it again. A line that the journal cannot explain is never dropped: it stays, at the end, since it may
be all that is known of what was created. `sent` is the body of an update: what it changed. Items are counted from 1, in
files of earlier versions, which have no `call`, from 0.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from runner.catalogue import Catalogue, Operation, link_of, parse_json, parse_own_json
from runner.durable import WholeFile, stopping
from runner.engine.calls.snapshot import id_of
from runner.engine.events import CallFinished, Event, RunEnded, RunStarted
from runner.exact import exact_sum
from runner.journal import CallRecord, History, Identity, MadeCall
from runner.report.files.cells import record
from runner.report.files.created_lines import CreatedLine, CreatedLines
from runner.report.files.results import how_to_rebuild
from runner.report.files.witness import check_created, name_of_call, unexplained
from runner.report.text import moment

CREATED = "created.csv"
COLUMNS = (
    "time",
    "effect",
    "operation",
    "id",
    "key",
    "row",
    "step",
    "item",
    "amount",
    "link",
    "sent",
    "call",
)


@dataclass
class Made:
    """What the calls of a run add up to: how many by (effect, operation), and the money of each."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    money: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def add(self, call: MadeCall) -> None:
        """Count a call that was carried out."""
        name = (call.effect, call.operation)
        self.counts[name] += 1
        if call.amount:
            self.money[name] = exact_sum((self.money.get(name, 0), Decimal(call.amount)))


class Created:
    """Keeps created.csv in `folder` for a run. Raises StoppedError when it cannot be written.

    `live`: from the beginning, with a line for each call; else the run is one of before, perhaps one that goes on and
    keeps the file itself. `path` is None until something was made and the file is whole.
    """

    def __init__(
        self, folder: Path, history: History, catalogue: Catalogue, *, run: int, live: bool = True
    ) -> None:
        self._whole = folder / CREATED
        self._history, self._catalogue, self._run = history, catalogue, run
        self._operations: dict[str, Operation | None] = {}
        self._live = live
        self._file: IO[bytes] | None = None
        self._waiting: list[Identity] = []
        self.path: Path | None = None
        self.made = Made()
        self.strange = 0
        """Lines of the file that the journal cannot explain."""
        self.whole = False
        """Whether the file has all that the journal has, and `made` says what it adds up to."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            if self._live:
                self._begin()
        elif isinstance(event, CallFinished):
            self._add_committed()
            if (
                event.identity is not None
                and event.state == "done"
                and event.operation.effect != "read"
            ):
                self._waiting.append(event.identity)
        elif isinstance(event, RunEnded):
            self.close()
            self.write(keep=self._live)
            if self._live:
                self._add_concluded()

    def close(self) -> None:
        """Safe to call more than once."""
        if self._file is not None:
            with suppress(
                OSError
            ):  # on a full disk; what is missing is added when the whole file is made
                self._file.close()
            self._file = None

    def write(self, *, keep: bool = False) -> None:
        """The whole file, from the journal; `keep`: with the lines that it has. What no call explains stays."""
        self._rewrite(keep=keep)
        self.path, self.whole = self._whole if self.made.counts or self.strange else None, True

    def _add_concluded(self) -> None:
        """Add what earlier runs have created, as this one has found out, to their files: it was they that sent it."""
        for run in self._history.concluded_by(self._run):
            folder = self._whole.parent.parent / str(run)
            if folder.exists():
                Created(folder, self._history, self._catalogue, run=run, live=False).write(
                    keep=True
                )

    def check(self) -> None:
        """Raise StoppedError when the file has a line that the journal does not know."""
        check_created(
            self._whole, self._history, run=self._run, columns=COLUMNS, cells_of=self.cells
        )

    def _rewrite(self, *, keep: bool) -> None:
        self.made = Made()
        with stopping(self._whole, remedy=how_to_rebuild(self._run)), ExitStack() as opened:
            before = None
            if self._whole.exists():
                before = opened.enter_context(self._whole.open("rb"))
            lines = CreatedLines(before, columns=COLUMNS)
            file = opened.enter_context(WholeFile(self._whole))
            file.write(_head())
            other: list[CreatedLine] = []
            kept = keep and not lines.is_former
            for page in self._history.made_in_short(self._run):
                file.writelines(self._records(page, lines, None if kept else other))
            left = [*other, *lines.left()]
            strange = unexplained(
                left, self._history, run=self._run, cells_of=self.cells, is_former=lines.is_former
            )
            file.writelines(line.raw.removesuffix(b"\n") + b"\n" for line in strange)
        self.strange = len(strange)

    def _records(
        self, page: Sequence[MadeCall], lines: CreatedLines, other: list[CreatedLine] | None
    ) -> Iterator[bytes]:
        """The lines of some calls: those of before, and new ones for the others.

        With a list for what is `other` all are new, and the lines of before that differ in their id go there.
        """
        kept = [lines.take(name_of_call(call, is_former=lines.is_former)) for call in page]
        missing = [
            call.id
            for call, line in zip(page, kept, strict=True)
            if line is None or other is not None
        ]
        calls = self._history.calls_by_number(missing)
        for call, line in zip(page, kept, strict=True):
            self.made.add(call)
            if line is not None and other is None:
                yield line.raw
                continue
            cells = self.cells(calls[call.id])
            raw = record(cells)
            if other is not None and line is not None and line.raw != raw:
                other.append(line)
            yield raw

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The cells of each call, as the journal has them."""
        return map(self.cells, self._history.made(self._run))

    def cells(self, call: CallRecord) -> tuple[Any, ...]:
        """What is said of a call, in the order of COLUMNS."""
        answer = _answer(call.answer)
        operation = self._operation(call.operation)
        name = id_of(operation, answer) if operation is not None else _id(answer)
        link = link_of(operation, answer) if operation is not None else ""
        amount = Decimal(call.amount) if call.amount else None
        key = call.identity.key
        return (
            moment(call.sent_at), call.effect, call.operation, name, key, call.row or None, call.identity.step,
            call.shown_item, amount, link, call.body if call.effect == "update" else "", call.id,
        )  # fmt: skip

    def _operation(self, name: str) -> Operation | None:
        """None for one that the documents no longer have."""
        if name not in self._operations:
            self._operations[name] = None
            with suppress(KeyError):
                self._operations[name] = self._catalogue.operation(name)
        return self._operations[name]

    def _begin(self) -> None:
        """The file as far as the journal goes: nothing for a new run, what was made before for one that goes on."""
        with stopping(self._whole):
            self._whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._goes_on():
                self._rewrite(keep=True)
            self._file = self._whole.open("ab")

    def _goes_on(self) -> bool:
        """Whether the file of before can be added to: it begins and ends as one does, and is made whole at the end."""
        with suppress(FileNotFoundError), self._whole.open("rb") as file:
            head = _head()
            if file.read(len(head)) == head:
                file.seek(-1, os.SEEK_END)
                return file.read(1) == b"\n"
        return False

    def _add_committed(self) -> None:
        """The calls that have been committed since they were told of."""
        left: list[Identity] = []
        for identity in self._waiting:
            call = self._history.call_of(identity)
            if call is None or call.state != "done":
                left.append(identity)
            elif self._file is not None:
                with stopping(self._whole):
                    self._file.write(record(self.cells(call)))
                    self._file.flush()
        self._waiting = left


def _head() -> bytes:
    return "\ufeff".encode() + record(COLUMNS)


def _answer(text: str) -> Any:
    """What an answer says. The journal has it as it was written after it was checked; only escapes need a look."""
    if not text:
        return None
    return parse_json(text.encode()) if "\\" in text else parse_own_json(text)


def _id(answer: Any) -> str:
    """The id in an answer of an operation that is described no more."""
    return str(answer["id"]) if isinstance(answer, Mapping) and "id" in answer else ""
