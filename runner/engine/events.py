"""What the engine tells: frozen values that reporters turn into text, files and exit codes. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from runner.catalogue import Operation, Request
from runner.journal import Identity

Bucket = Literal["done", "found", "changed", "rejected", "unknown", "not started"]
"""Where every input line ends up, in exactly one.

    done         every step is finished, in this run or an earlier one
    found        every write was found to be there already; nothing was created
    changed      what was sent of it is not what the sheet or the recipe says now; set aside, nothing of it is sent
    rejected     the API or the data refused a step; fix the sheet and run it again
    unknown      a call may have landed; nothing is sent again until it is settled
    not started  not reached, or stopped part of the way; the next run goes on from there
"""

BUCKETS: tuple[Bucket, ...] = (
    "done", "found", "changed", "rejected", "unknown", "not started"
)  # fmt: skip

PlannedState = Literal[
    "to send",
    "to read",
    "read",
    "undecided",
    "skipped",
    "done",
    "found",
    "unknown",
    "changed",
    "invalid",
]
"""What a dry run says of a call.

    to send    a write that would go out      to read   a read that would
    undecided  `when` needs an id that only the run knows; shown as if it were sent
    skipped    `when` is false                done, found, unknown   so says the journal; nothing is sent
    read       a read that was made while it was planned; `found` is also what such a read found to be there
    changed    done or unknown before, with other content: the row is set aside
    invalid    it cannot be built; the row is not sent
"""


class PlannedCall(NamedTuple):
    """One call of a dry run. `request` is what goes on the wire; `item` the position under `for_each`, from 0.

    `unless_found` is the search before it, `read_back` the read after it.
    """

    step: str
    operation: Operation
    state: PlannedState
    request: Request | None = None
    item: int | None = None
    reason: str = ""
    unless_found: Request | None = None
    run: int = 0
    read_back: Request | None = None


SENT_WHOLE = "; all that is to be sent for the row was sent"
"""In the reason of a row that is rejected for an output alone: nothing of it is left to do."""


class OutputFault(NamedTuple):
    """An output that cannot be computed, and why."""

    output: str
    reason: str

    @property
    def text(self) -> str:
        """The fault as the row's reason has it."""
        return f"output {self.output}: {self.reason}"

    @property
    def cell(self) -> str:
        """The fault as it reads in the cell of the output."""
        return f"(not computed: {self.reason})"


class RowResult(NamedTuple):
    """What became of a row. `lines` are the line numbers of the input; `planned` is filled by a dry run only.

    `money` is what was posted for it, now and in earlier runs, and `unsettled` what may have been. `ids` and `links`
    are what its calls have made or found, as `runner.engine.calls.objects` writes it. All of it is what the journal
    knows by the end of the row, whatever its bucket.
    `faults` are the outputs that cannot be computed of what the row came to. `refused_by` is the step that rejected it,
    with the status of the answer; None where no call was made for it. `on_record` is the former key that its calls are
    on record under; empty where that is `key`.
    `named` has the values that `let` names, where a dry run is asked for them.
    """

    number: int
    key: str
    lines: tuple[int, ...]
    bucket: Bucket
    reason: str = ""
    outputs: Mapping[str, Any] = MappingProxyType({})
    planned: tuple[PlannedCall, ...] = ()
    earlier_run: int = 0
    money: Decimal = Decimal(0)
    stop: bool = False
    ids: str = ""
    links: str = ""
    faults: tuple[OutputFault, ...] = ()
    named: Mapping[str, Any] = MappingProxyType({})
    refused_by: tuple[str, int] | None = None
    on_record: str = ""
    unsettled: Decimal = Decimal(0)


class RunStarted(NamedTuple):
    """A run or a dry run begins. `rows` and `lines` count the input; `writes_before` what earlier runs finished.

    `again` are the keys of rows that are sent once more although they are done.
    `search` is the operation that gives the rows, where it is not a file. In a dry run nothing has been read: one row
    stands for each, and `reads` is the request of the first page. `left_out` counts the lines beside `lines` of which
    the recipe's `where` is not true; `agreed` says which totals of the input were announced, and are right.
    `lookups` are the operations that a dry run knows its run to read before the first row, one for each lookup.
    `previous` is what the recipe sees as run.previous, where it asks: run 12, started 2026-11-29T22:15:04Z; or none.
    """

    run: int
    recipe: str
    target: str
    rows: int
    lines: int
    dry_run: bool
    resumed: bool = False
    writes_before: int = 0
    outputs: tuple[str, ...] = ()
    pace: str = ""
    search: str = ""
    reads: Request | None = None
    again: tuple[str, ...] = ()
    left_out: int = 0
    agreed: str = ""
    lookups: tuple[str, ...] = ()
    previous: str = ""


class CallFinished(NamedTuple):
    """One request was answered, or not. `state` as in the journal.

    `path` is path and query below the API's base URL, `made` what the API calls what the call has made. `item` is the
    item as people count it: its number from 1, or its item_key.
    """

    step: str
    operation: Operation
    state: str
    status: int
    seconds: float
    amount: Decimal | None = None
    reason: str = ""
    key: str = ""
    row: int = 0
    identity: Identity | None = None
    path: str = ""
    attempt: int = 1
    made: str = ""
    item: str = ""


class Waiting(NamedTuple):
    """The run holds back for `seconds`, and why."""

    reason: str
    seconds: float


class RowsRead(NamedTuple):
    """That many rows were read by now with `operation`, which gives the rows of this run."""

    operation: str
    rows: int


class Checking(NamedTuple):
    """That many `rows` of `total` are `what` by now, before the first request."""

    what: str
    rows: int
    total: int


class Noticed(NamedTuple):
    """Something that nobody has to act on by itself, and that explains what may look odd."""

    text: str


class RowFinished(NamedTuple):
    """A row is finished, or as far as it gets in this run."""

    result: RowResult


class Outstanding(NamedTuple):
    """A call of an earlier `run` whose outcome is unknown, and that no row of this run shows: its row is not in it, or
    it is of what rows share. `step` has its item, `key` is that of the row, or the value.
    """

    run: int
    step: str
    key: str
    amount: Decimal = Decimal(0)


class RunEnded(NamedTuple):
    """The end. `stopped` says why before the last row, if so; `exit_code` is what the command ends with.

    `outstanding` is what earlier runs of the recipe have left unknown, beside the rows of this one.
    """

    run: int
    buckets: Mapping[Bucket, int]
    line_buckets: Mapping[Bucket, int]
    exit_code: int
    seconds: float
    stopped: str = ""
    remedy: str = ""
    outstanding: tuple[Outstanding, ...] = ()


Event = RunStarted | CallFinished | Waiting | RowsRead | Checking | Noticed | RowFinished | RunEnded
Reporter = Callable[[Event], None]
