"""The talk of a run: exact output for small runs made by hand, a clock that is told what time it is."""

from __future__ import annotations

import io
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from runner.catalogue import Operation
from runner.engine.calls.identity_changes import choices
from runner.engine.calls.parents import NOTHING_ADDED
from runner.engine.events import (
    BUCKETS,
    Bucket,
    CallFinished,
    Checking,
    Event,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.report.console import INTERVAL, ROWS_SHOWN, Console


def operation(name: str, effect: str) -> Operation:
    return Operation(
        api="shop",
        name=name,
        method="POST",
        path="/x",
        summary="",
        description="",
        evidence="",
        parameters={},
        body=None,
        answer=None,
        effect=effect,
        repeatable=False,
    )


PAY = operation("create_payment", "create")
JOB = operation("create_job", "create")
LIST = operation("list_jobs", "read")


class Watch:
    """A clock that goes on when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Session:
    """A console and the events of a run, with the buckets counted as the engine counts them."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.out = io.StringIO()
        self.watch = Watch()
        self.console = Console(self.out, terminal=terminal, clock=self.watch)
        self.rows: Counter[Bucket] = Counter()
        self.lines: Counter[Bucket] = Counter()

    def __call__(self, *events: Event) -> None:
        for event in events:
            self.console(event)

    def start(self, rows: int = 4, lines: int = 8, **more: Any) -> None:
        self(RunStarted(4, "orders", "sandbox", rows, lines, dry_run=False, **more))

    def row(
        self, number: int, bucket: Bucket = "done", reason: str = "", *, money: str = "0", unsettled: str = "0"
    ) -> None:  # fmt: skip
        lines = (number * 2, number * 2 + 1)
        self.rows[bucket] += 1
        self.lines[bucket] += 2
        result = RowResult(
            number, f"PO-{number}", lines, bucket, reason, money=Decimal(money),
            unsettled=Decimal(unsettled),
        )  # fmt: skip
        self(RowFinished(result))

    def end(self, *, seconds: float = 12.5, **more: Any) -> str:
        rows = {bucket: self.rows[bucket] for bucket in BUCKETS}
        lines = {bucket: self.lines[bucket] for bucket in BUCKETS}
        self(RunEnded(4, rows, lines, 0, seconds, **more))
        return self.out.getvalue()


def posted(number: int, amount: str, state: str = "done", reason: str = "") -> CallFinished:
    return CallFinished("deposit", PAY, state, 201, 0.01, Decimal(amount), reason, f"PO-{number}")


def test_a_run_with_every_ending() -> None:
    session = Session()
    session.start(rows=5, lines=10, pace="10/s")
    session(posted(1, "1000.00"))
    session.row(1, money="1000.00")
    session(posted(2, "210.50", "unknown", "connection lost before an answer"))
    session.row(
        2, "unknown", "deposit: connection lost before an answer; it may have been carried out",
        unsettled="210.50",
    )  # fmt: skip
    session(CallFinished("job", JOB, "rejected", 422, 0.01, None, "422 country", "PO-3"))
    session.row(3, "rejected", "job: 422 country")
    session.row(4, "found", "everything was there already")
    session.rows["not started"] += 1
    session.lines["not started"] += 2
    session.watch.now += 12.5
    assert (
        session.end(stopped="interrupted", remedy="go on: runner resume")
        == """\
orders -> sandbox   run 4   5 rows from 10 lines
UNKNOWN      PO-2 (lines 4-5): deposit: connection lost before an answer; it may have been carried out
rejected     PO-3 (lines 6-7): job: 422 country
  4/5 rows   3 calls   0.2/s (pace 10/s)   1 rejected   1 unknown   0:03 left

UNKNOWN      1 row (2 lines), 210.50: may have been carried out; not sent again by itself
               PO-2 (lines 4-5)  deposit  210.50: connection lost before an answer
             look it up, then record what you find: runner settle 4
rejected     1 row (2 lines): fix them and run the file again
               1 x job: 422 country: PO-3
done         1 row (2 lines)
found        1 row (2 lines): were there already
not started  1 row (2 lines): the next run goes on with them
lines        10 read = 2 done + 2 found + 0 changed + 2 rejected + 2 unknown + 2 not started
posted       1,000.00 by 1 create_payment
calls        3 in 0:12 (0.2/s)
stopped      interrupted
             go on: runner resume
"""
    )


def test_everything_done_is_short() -> None:
    session = Session()
    session.start(rows=1, lines=0, resumed=True, writes_before=3)
    session(RowFinished(RowResult(1, "", (), "done")))
    session(RunEnded(4, {"done": 1}, {}, 0, 0.2))
    assert (
        session.out.getvalue()
        == """\
orders -> sandbox   run 4   goes on
  3 calls finished before; none is sent again
  1/1 rows   0 calls

done         1 row
calls        0 in 0.2 s
"""
    )


def test_progress_comes_at_most_every_few_seconds() -> None:
    session = Session()
    session.start(rows=100, lines=100)
    for _ in range(30):
        session.watch.now += INTERVAL / 10
        session(CallFinished("jobs", LIST, "done", 200, 0.01))
    lines = [line for line in session.out.getvalue().splitlines() if "/100 rows" in line]
    assert lines == [
        "  0/100 rows   10 calls   2.0/s",
        "  0/100 rows   20 calls   2.0/s",
        "  0/100 rows   30 calls   2.0/s",
    ]


def test_progress_says_what_it_waits_for_and_what_is_left() -> None:
    session = Session()
    session.start(rows=10, lines=20)
    for number in range(1, 6):
        session.watch.now += 2
        session.row(number)
    session(Waiting("429 too many requests", 30.0))
    session.watch.now += 10
    session(CallFinished("jobs", LIST, "done", 200, 0.01))
    assert (
        "  5/10 rows   1 call   0.1/s   0:20 left   waits 0:20: 429 too many requests\n"
        in session.out.getvalue()
    )


def test_rows_that_need_attention_are_shown_up_to_a_limit() -> None:
    session = Session()
    session.start(rows=30, lines=60)
    for number in range(1, 26):
        session.row(number, "rejected", f"job: 422 reason {'abcdefghijkl'[number % 12]}")
    shown = session.out.getvalue()
    assert shown.count("rejected     PO-") == ROWS_SHOWN
    assert shown.count("more of them are only counted here") == 1
    text = session.end()
    assert "               3 x job: 422 reason b: PO-1, PO-13, PO-25\n" in text
    assert "               and 4 rows for 2 other reasons\n" in text


def test_many_keys_of_one_reason_are_counted() -> None:
    session = Session()
    session.start(rows=8, lines=16)
    for number in range(1, 9):
        session.row(number, "rejected", "job: 422 no")
    assert "8 x job: 422 no: PO-1, PO-2, PO-3, PO-4, PO-5 and 3 more\n" in session.end()


def test_a_reason_that_names_its_row_is_one_reason() -> None:
    session = Session()
    session.start(rows=3, lines=6)
    for number in range(1, 4):
        session.row(number, "rejected", f"it changed: --again 'PO-{number}' --why ...")
    assert "3 x it changed: --again KEY --why ...: PO-1, PO-2, PO-3\n" in session.end()


def test_changed_rows_are_not_to_be_fixed_and_run_again() -> None:
    session = Session()
    session.start(rows=3, lines=6)
    for number in (1, 2):
        why = f"order: changed since it was done in run 1, 5 now 6; {choices(f'PO-{number}')}"
        session.row(number, "changed", why)
    session.row(3)
    shown = session.out.getvalue()
    text = session.end()
    assert "changed      PO-1 (lines 2-3): order: changed since" in shown
    assert "--again 'PO-1'" in shown
    assert (
        """\
changed      2 rows (4 lines): not what was sent for them before; nothing of them is sent
               2 x order: changed since it was done in run 1, 5 now 6: PO-1, PO-2
             put back what was sent, change it there by hand or with an update recipe, or send \
the row again: --again KEY --why ...
"""
        in text
    )
    assert "run the file again" not in text
    assert "6 read = 2 done + 0 found + 4 changed + 0 rejected + 0 unknown + 0 not started" in text


def test_an_unknown_of_an_earlier_run_has_the_reason_of_its_row() -> None:
    session = Session()
    session.start(rows=25, lines=50)
    for number in range(1, 26):
        reason = "deposit: it may have been carried out in run 2"
        session.row(number, "unknown", reason, unsettled="1.10")
    text = session.end()
    assert (
        "25 rows (50 lines), 27.50: may have been carried out; not sent again by itself\n" in text
    )
    assert (
        "               PO-1 (lines 2-3)  1.10  deposit: it may have been carried out in run 2\n"
        in text
    )
    assert "               and 5 more\n" in text


def test_an_unknown_that_was_found_after_all_is_not_unknown() -> None:
    session = Session()
    session.start(rows=1, lines=2)
    session(posted(1, "5.00", "unknown", "reset"))
    session.row(1, "done", money="5.00")
    text = session.end()
    assert "UNKNOWN" not in text
    assert "posted       5.00 in all for these rows, with what was posted before\n" in text


def test_reads_that_fail_are_not_unknown() -> None:
    session = Session()
    session.start(rows=1, lines=2)
    session(CallFinished("jobs", LIST, "unknown", 502, 0.1, None, "502", "PO-1"))
    session.row(1, "rejected", "jobs: 502")
    assert "UNKNOWN" not in session.end()


def test_lines_that_are_lost_are_said_loudly() -> None:
    session = Session()
    session.start(rows=2, lines=4)
    session.row(1)
    expected = (
        "CHECK        4 lines read, but 2 accounted for = "
        "2 done + 0 found + 0 changed + 0 rejected + 0 unknown + 0 not started\n"
    )
    assert expected in session.end()


def test_money_is_summed_exactly_and_by_operation() -> None:
    session = Session()
    session.start(rows=2, lines=4)
    session(posted(1, "0.10"), posted(2, "0.20"))
    session(CallFinished("job", JOB, "done", 201, 0.01, Decimal("1e3"), "", "PO-2"))
    session.row(1, money="0.10")
    session.row(2, money="1000.20")
    text = session.end()
    assert (
        "posted       0.30 by 2 create_payment\n             1,000.00 by 1 create_job\ncalls"
        in text
    )


def test_nothing_from_data_reaches_the_terminal_raw() -> None:
    session = Session()
    session.start(rows=1, lines=2)
    session(RowFinished(RowResult(1, "PO\x1b]0;x\x07", (2,), "rejected", "[red]\r\n::error::")))
    text = session.end()
    assert "\x1b" not in text
    assert "\r" not in text
    assert "[red]\\r\\n::error::" in text


def test_a_terminal_gets_a_live_line_that_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    session = Session(terminal=True)
    session.start(rows=2, lines=4)
    session.row(1, "rejected", "[red]no[/red]")
    text = session.end()
    assert "0/2 rows" in text
    assert "[red]no[/red]" in text
    assert "\x1b[33mrejected" in text
    assert text.rindex("\x1b[2K") < text.rindex("calls  ")


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    session = Session(terminal=True)
    session.start(rows=2, lines=4)
    session.row(1, "unknown", "lost")
    assert "\x1b[31m" not in session.end()


def test_close_takes_the_live_line_away_when_no_end_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    session = Session(terminal=True)
    session.start()
    session.console.close()
    session.console.close()
    assert "\x1b[?25h" in session.out.getvalue(), "the cursor is shown again"


def test_reasons_that_differ_in_numbers_and_ids_are_one() -> None:
    session = Session()
    session.start(rows=6, lines=12)
    for number, order in enumerate(("SO-17", "SO-9", "SO-17"), start=1):
        session.row(
            number, "rejected", f"lines: item {number}: 404 no order {order} of PO-{number}"
        )
    session.row(4, "rejected", "lines: item 1: 409 no order SO-17 of PO-4")
    session.row(5, "rejected", "job: 422 country")
    session.row(6, "rejected", "job: 422 country")
    text = session.end()
    assert "3 x lines: item …: 404 no order … of …: PO-1, PO-2, PO-3\n" in text
    assert "1 x lines: item 1: 409 no order SO-17 of PO-4: PO-4\n" in text
    assert "2 x job: 422 country: PO-5, PO-6\n" in text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (3, "3 rows (6 lines): nothing in the sheet is wrong; what to do stands in the reason\n"),
        (1, "3 rows (6 lines): fix them, but for 1 row, and run the file again\n"),
        (0, "3 rows (6 lines): fix them and run the file again\n"),
    ],
)
def test_what_nothing_in_the_sheet_can_change(found: int, said: str) -> None:
    session = Session()
    session.start(rows=3, lines=6)
    for number in range(1, 4):
        reason = f"order {number} was found and not created by this recipe; {NOTHING_ADDED}: bring"
        session.row(number, "rejected", reason if number <= found else "job: 422 country")
    assert f"rejected     {said}" in session.end()


def test_a_check_of_the_rows_is_no_silence() -> None:
    session = Session()
    session.start(rows=1000, lines=1000)
    for second in range(25):
        session.watch.now += 1
        session(Checking("checked", second * 40, 1000))
    assert session.out.getvalue().splitlines()[1:] == [
        "  0/1,000 rows checked   nothing is sent yet",
        "  400/1,000 rows checked   nothing is sent yet",
        "  800/1,000 rows checked   nothing is sent yet",
    ]
    session.watch.now += 5
    session(posted(1, "1.00"))
    assert "  0/1,000 rows   1 call" in session.out.getvalue()
