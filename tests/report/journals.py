"""A run in a journal, with rows in every bucket, written by the journal itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from runner.catalogue import Catalogue
from runner.journal import CallRecord, CallState, History, Identity, Journal, RowRecord, RunRecord

START = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
NO_API = Catalogue({})
HOSTILE = "</script><img src=x onerror=alert(1)>\u202eevil\x1b[2J{{7*7}}<!--"
"""What a page must show and never be."""

RUN = RunRecord(
    recipe="orders", target="live", account="acme", recipe_file="/secret/place/orders.yaml", recipe_digest="ab" * 32,
    input_file="/secret/place/orders.csv", input_digest="cd" * 32, vars='{"terms":"Net 30"}', date="2024-05-01",
    started_at=START.isoformat(timespec="milliseconds"),
)  # fmt: skip


def moment(seconds: float) -> str:
    """A time of the run, as the journal writes it."""
    return (START + dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def call(
    row: int, key: str, step: str, state: CallState, *, status: int = 201, amount: str = "", reason: str = "",
    body: str = "", answer: str = "", run: int = 1,
) -> CallRecord:  # fmt: skip
    """A write of a row."""
    body = body or f'{{"ref":"{key}","quantity":{row},"price":12.10}}'
    return CallRecord(
        Identity("acme", "orders", "row", key, step, ""), f"shop.create_{step}", "create", run, state, "POST",
        f"/jobs/{row}/{step}", "digest", body=body, amount=amount, status=status, answer=answer, reason=reason,
        attempts=1, sent_at=moment(row), row=row,
    )  # fmt: skip


def write_run(
    folder: Path, rows: int = 12, *, end: bool = True, hostile: str = HOSTILE, run: RunRecord = RUN
) -> None:
    """Run 1 in `folder`: row 2 is rejected, 3 unknown with a payment, 4 found, 5 hostile and rejected, and one more
    than `rows` is not reached; all others are done, after a first answer that was 429.
    """
    with Journal(folder) as journal:
        journal.begin(run._replace(row_count=rows + 1, line_count=2 * rows + 2))
        for number in range(1, rows + 1):
            _row(journal, number, hostile)
            if number % 1000 == 0:
                journal.flush()
        if end:
            journal.end(1, state="finished", exit_code=5, finished_at=moment(rows + 1))


def last_run(folder: Path) -> tuple[History, RunRecord]:
    """The journal in `folder`, and its last run."""
    history = History(folder)
    return history, history.runs()[-1]


def _row(journal: Journal, number: int, hostile: str) -> None:
    key, lines = f"PO-{number}", f"[{number * 2},{number * 2 + 1}]"
    finished = RowRecord(
        1, number, key, lines, "done", "", f'{{"job_number":{31000 + number}}}', "99.50"
    )
    job = call(number, key, "job", "done", answer=f'{{"id":{31000 + number},"total":1.10}}')
    if number == 2:
        reason = "job: 422 country is over the max length of 2 characters"
        journal.record(
            job._replace(state="rejected", status=422, answer="", reason=reason),
            at=moment(2),
            seconds=0.2,
        )
        journal.row(finished._replace(bucket="rejected", reason=reason, outputs="{}", money="0"))
        return
    if number == 5:
        key = f"PO-5 {hostile}"
        job = call(
            5, key, "job", "rejected", status=422, reason=hostile, body=f'{{"note":"{hostile}"}}'
        )
        journal.record(job, at=moment(5), seconds=0.1)
        journal.row(RowRecord(1, 5, key, lines, "rejected", hostile, "{}", "0"))
        return
    if number == 4:
        journal.note(job._replace(state="found"))
        journal.row(finished._replace(bucket="found", money="0"))
        return
    journal.record(job._replace(state="throttled", status=429), at=moment(number), seconds=0.05)
    journal.record(job, at=moment(number + 0.5), seconds=0.1 + number % 7 / 10)
    paid = call(number, key, "deposit", "done", amount="99.50", answer=f'{{"id":{9000 + number}}}')
    if number == 3:
        lost = paid._replace(
            state="unknown", status=0, answer="", reason="connection lost before an answer"
        )
        journal.record(lost, at=moment(3.9), seconds=2)
        reason = "deposit: connection lost before an answer"
        journal.row(finished._replace(bucket="unknown", reason=reason, outputs="{}", money="0"))
        return
    journal.record(paid, at=moment(number + 0.9), seconds=0.3)
    journal.row(finished)
