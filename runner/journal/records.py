"""Records of the journal, as immutable values."""

from __future__ import annotations

import datetime as dt
import json
from typing import Literal, NamedTuple

CallState = Literal[
    "intent", "done", "found", "rejected", "unknown", "not sent", "throttled", "denied", "absent"
]
"""The state of a call. `intent`: about to be sent or sent, no outcome yet: after a crash it is unknown.

    intent ──> done       a 2xx that means success
           ──> unknown    it may have landed; never sent again by itself
           ──> rejected   400 404 409 422, or a failure the API declares
           ──> not sent   no byte left; throttled: 429; denied: 401 403
    unknown ──> done      a search or a person found it
            ──> absent    a person says it did not land; it may be sent again
    found                 a search found it before anything was sent
"""

SETTLED = ("done", "found")
OPEN = ("intent", "unknown")

CUT_SHORT = "the run ended before this row did"
"""The reason of a row that was begun and counts as not started."""


class Identity(NamedTuple):
    """The identity of a call across all runs. `per` is `row`, or `once` if `key` is a once_per value.

    `generation` counts how often somebody has asked for a row to be sent again, knowing that it was done.
    """

    account: str
    recipe: str
    per: str
    key: str
    step: str
    item: str
    generation: int = 0


class CallRecord(NamedTuple):
    """A call as the journal knows it. `url` is path and query below the API's base URL; `answer` is JSON text.

    `digest` is over method, that path and the body. `before` is JSON text too: the search that was made before it was
    sent, and what was there then. `content` is a digest of what was sent by value, `position` the number
    of an item from 1 where items are told apart by that. `made` is the path of the object that a create has made,
    or that it or a read has found, its id at the end; empty without one, None in the record of an earlier version.
    `run` and `row` are those that sent it; `concluded` is the later run whose search showed what became of it, 0 for
    none.
    """

    identity: Identity
    operation: str
    effect: str
    run: int
    state: CallState
    method: str
    url: str
    digest: str
    body: str = ""
    amount: str = ""
    status: int = 0
    answer: str = ""
    reason: str = ""
    attempts: int = 0
    sent_at: str = ""
    row: int = 0
    before: str = ""
    content: str = ""
    position: int = 0
    made: str | None = ""
    concluded: int = 0
    id: int = 0

    @property
    def is_open(self) -> bool:
        """True if this is a write whose outcome is unknown."""
        return self.state in OPEN and self.effect != "read"

    @property
    def said_open(self) -> str:
        """The reason of a row that is unknown by this call."""
        step, run = self.identity.step, self.run
        return f"{step}: its outcome in run {run} is not known: runner settle {run}"

    @property
    def shown_item(self) -> str:
        """The item as people count it: its number from 1 where it is told apart by position, else its key."""
        return str(self.position) if self.position else self.identity.item


class MadeCall(NamedTuple):
    """A write that was carried out, without what was sent and answered: `id` is that of its CallRecord."""

    id: int
    sent_at: str
    key: str
    step: str
    item: str
    effect: str
    operation: str
    amount: str
    position: int = 0

    @property
    def shown_item(self) -> str:
        """The item as people count it: its number from 1 where it is told apart by position, else its key."""
        return str(self.position) if self.position else self.item


class KeyRun(NamedTuple):
    """Run with what its keys were made of, as JSON text; `declared` where somebody has said that it is other work."""

    run: int
    columns: str
    declared: bool


class RunRecord(NamedTuple):
    """A run: what was asked, with which recipe, input and values, and how it ended (`running` until then;
    `killed`, where its process is gone and no end is on record).

    `vars` is a JSON object, `only` a JSON list of row keys, empty for all rows; `date` is ISO, times are UTC.
    `max_failures` is how many rejected rows stop it, None for no such number; `who` started it. `left_out` counts lines
    beside `line_count` of which the recipe makes no rows. `new_identity` is 1 where somebody has said that its rows are
    other work than that of another recipe or account. `key_text` is how the recipe writes the key of its rows.
    `previous` is the run that expressions see as run.previous, 0 for none. `key_columns` is JSON text: the columns that
    the key is made of, and how. `aside` is 1 where rows that cannot be sent as they are are rejected and others sent.
    """

    recipe: str
    target: str
    account: str
    recipe_file: str
    recipe_digest: str
    input_file: str
    input_digest: str
    vars: str
    date: str
    started_at: str
    state: str = "running"
    exit_code: int | None = None
    finished_at: str = ""
    line_count: int = 0
    row_count: int = 0
    reason: str = ""
    only: str = "[]"
    max_failures: int | None = None
    who: str = ""
    left_out: int = 0
    new_identity: int = 0
    key_text: str = ""
    previous: int = 0
    key_columns: str = ""
    aside: int = 0
    id: int = 0

    @property
    def input_files(self) -> tuple[str, ...]:
        """The file, or the several files and patterns, that `input_file` has as a JSON list."""
        return (
            tuple(json.loads(self.input_file))
            if self.input_file.startswith("[")
            else (self.input_file,)
        )


class SentWrite(NamedTuple):
    """A write that was carried out, or may have been: whose, for which row or shared value, and in which run.

    `row` is the number of the row in that run.
    """

    account: str
    recipe: str
    per: str
    key: str
    step: str
    operation: str
    run: int
    row: int


class SentLine(NamedTuple):
    """A line of an input for which something was sent, or may have been: under which key, first in which run.

    `line` is the digest of its cells; the key is that of a row, or the value for which `step` is done once.
    """

    line: str
    step: str
    key: str
    run: int


class AgainRecord(NamedTuple):
    """A request to send a row again in a run as `generation`, although it is done: by whom, when and why."""

    key: str
    generation: int
    why: str
    who: str
    at: str
    run: int = 0


def now() -> str:
    """Return the current time in the format of the journal."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def moment_after(at: str, seconds: float) -> str:
    """Return the time so many seconds after another one, in the format of the journal."""
    after = dt.datetime.fromisoformat(at) + dt.timedelta(seconds=seconds)
    return after.isoformat(timespec="milliseconds")


class NoticeRecord(NamedTuple):
    """A notification of the end of a run. `reason` is why it failed, empty if it was sent; `at` is UTC."""

    run: int
    at: str
    name: str
    reason: str = ""


class RowRecord(NamedTuple):
    """The outcome of a row in a run. `lines` and `outputs` are JSON text.

    `money` is what was posted for it by then, in this and earlier runs, `unsettled` what may have been; a text is empty
    where that was not recorded. `ids` and `links` are what its calls have made or found, as people read it. `reached`
    is 0 for a row that the run did not get to the end of: then this is what was known of it. `on_record` is the former
    key that its calls are on record under; empty where that is `key`.
    """

    run: int
    number: int
    key: str
    lines: str
    bucket: str
    reason: str
    outputs: str = "{}"
    money: str = ""
    ids: str = ""
    links: str = ""
    reached: int = 1
    on_record: str = ""
    unsettled: str = ""


Verdict = Literal["done", "absent", "undone"]


class SettlementRecord(NamedTuple):
    """A decision of a person about a call, by its number: it was done, it was not, or the last decision was wrong.

    `name` is the id that the API gave to what a done call created, `shown` what the API showed of it; `before` is JSON:
    the call and its rows as they were, for taking the decision back. None of these records is ever changed.
    """

    call: int
    at: str
    who: str
    verdict: Verdict
    name: str = ""
    why: str = ""
    shown: str = ""
    before: str = "{}"


class AttemptRecord(NamedTuple):
    """One request that was sent for a call: when (ISO, UTC), the state it led to, and the seconds it took."""

    at: str
    state: str
    status: int
    reason: str
    seconds: float


class SentCall(NamedTuple):
    """A call that a run had a part in, with the attempts it made in that run; `call.run` may be a later one."""

    call: CallRecord
    attempts: tuple[AttemptRecord, ...] = ()

    @property
    def requests(self) -> tuple[AttemptRecord, ...]:
        """The attempts of which something was sent: where no connection could be made, there was no request."""
        return tuple(each for each in self.attempts if each.state != "not sent")
