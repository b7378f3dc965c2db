"""Reading the journal: what is done, what is open, what happened in a run; and nothing where nothing is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.journal import (
    CallRecord,
    CallState,
    History,
    Identity,
    Journal,
    RowRecord,
    RunRecord,
    SettlementRecord,
)
from runner.journal.lock import is_held
from runner.journal.store import NAME
from runner.problems import StoppedError

RUN = RunRecord(
    "orders",
    "live",
    "acme",
    "o.yaml",
    "r1",
    "o.csv",
    "i1",
    '{"a": 1}',
    "2024-01-02",
    "2024-01-02T03:04Z",
)
FULL = CallRecord(
    Identity("acme", "orders", "row", "A", "pay", "1"), "syncore.create_payment", "create", 7, "done", "POST",
    "/jobs/5/payments?x=1", "digest", body='{"amount": 12.10}', amount="12.10", status=201, answer='{"id": 5}',
    reason="why", attempts=2, sent_at="2024-01-02T03:04:06Z", row=3,
)  # fmt: skip


def call(
    key: str,
    state: CallState,
    *,
    step: str = "job",
    effect: str = "create",
    run: int = 1,
    row: int = 0,
) -> CallRecord:
    identity = Identity("acme", "orders", "row", key, step, "")
    return FULL._replace(identity=identity, state=state, effect=effect, run=run, row=row)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.mark.parametrize("exists", [True, False])
def test_without_a_journal_everything_is_empty_and_nothing_is_made(
    folder: Path, *, exists: bool
) -> None:
    if exists:
        folder.mkdir()
    history = History(folder)
    assert history.calls_of("acme", "orders", per="row", key="A") == {}
    assert history.calls_of_run(1) == []
    assert history.open_calls("acme", "orders") == []
    assert (history.call(1), history.run(1)) == (None, None)
    assert (list(history.count_done("acme", "orders")), history.attempts(1)) == ([], 0)
    assert (history.runs(), list(history.rows(1)), history.buckets(1)) == ([], [], {})
    history.close()
    assert folder.exists() is exists
    assert not exists or not list(folder.iterdir())


def test_a_journal_whose_maker_was_killed_at_once_is_empty(folder: Path) -> None:
    folder.mkdir()
    (folder / NAME).touch(mode=0o600)
    assert History(folder).runs() == []
    with Journal(folder) as journal:
        assert journal.begin(RUN) == 1
    assert len(History(folder).runs()) == 1


def test_a_call_comes_back_as_it_was_recorded(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.record(FULL, at="now")
    history = History(folder)
    assert history.call(1) == FULL._replace(id=1)
    assert history.call(2) is None
    assert history.calls_of_run(7) == [FULL._replace(id=1)]


def test_a_run_comes_back_as_it_was_recorded(folder: Path) -> None:
    later = RUN._replace(only='["A"]', line_count=9, row_count=4, recipe="other")
    with Journal(folder) as journal:
        assert (journal.begin(RUN), journal.begin(later)) == (1, 2)
        journal.end(1, state="stopped", exit_code=8, finished_at="then", reason="why")
        history = History(folder)
        ended = RUN._replace(id=1, state="stopped", exit_code=8, finished_at="then", reason="why")
        assert history.runs() == [ended, later._replace(id=2)]
        assert (history.run(2), history.run(3)) == (later._replace(id=2), None)
        journal.reopen(1)
        assert history.run(1) == RUN._replace(id=1)


def test_a_run_without_an_end_whose_process_is_gone_was_killed(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        history = History(folder)
        assert [run.state for run in history.runs()] == ["running"]
    assert [run.state for run in history.runs()] == ["killed"]
    found = history.run(1)
    assert found is not None
    assert found.state == "killed"
    with Journal(folder) as journal:  # whoever is at work now, it is not that run
        journal.begin(RUN)
        assert [run.state for run in history.runs()] == ["killed", "running"]
        journal.reopen(1)
        assert [run.state for run in history.runs()] == ["running", "killed"]


def test_looking_at_the_lock_is_in_nobodys_way(folder: Path) -> None:
    for _ in range(100):
        with Journal(folder) as journal:
            journal.flush()
            assert is_held(folder)
        assert not is_held(folder)


def test_calls_of_one_key(folder: Path) -> None:
    once = FULL._replace(identity=Identity("acme", "orders", "once", "A", "contact", ""))
    with Journal(folder) as journal:
        for record in (
            call("A", "done"), call("A", "unknown", step="order"), FULL, call("B", "done"), once,
            FULL._replace(identity=FULL.identity._replace(account="other")),
            FULL._replace(identity=FULL.identity._replace(recipe="other")),
        ):  # fmt: skip
            journal.note(record)
    history = History(folder)
    found = history.calls_of("acme", "orders", per="row", key="A")
    assert {place: record.state for place, record in found.items()} == {
        ("job", ""): "done", ("order", ""): "unknown", ("pay", "1"): "done",
    }  # fmt: skip
    assert list(history.calls_of("acme", "orders", per="once", key="A")) == [("contact", "")]
    assert history.calls_of("acme", "orders", per="row", key="C") == {}
    assert history.calls_of("acme", "orders", per="row", key="a") == {}


STATES: tuple[CallState, ...] = (
    "intent", "done", "found", "rejected", "unknown", "not sent", "throttled", "denied", "absent",
)  # fmt: skip


def test_open_calls_are_the_writes_whose_outcome_is_unknown(folder: Path) -> None:
    with Journal(folder) as journal:
        for state in STATES:
            journal.note(call(f"write {state}", state))
            journal.note(call(f"update {state}", state, effect="update"))
            journal.note(call(f"read {state}", state, effect="read"))
        journal.note(
            call("x", "unknown")._replace(
                identity=Identity("other", "orders", "row", "x", "job", "")
            )
        )
    history = History(folder)
    keys = [record.identity.key for record in history.open_calls("acme", "orders")]
    assert keys == ["write intent", "update intent", "write unknown", "update unknown"]
    assert [record.identity.key for record in history.open_calls("other", "orders")] == ["x"]
    assert sum(count for _, count in history.count_done("acme", "orders")) == 4


def test_calls_of_a_run_are_those_it_touched_last_in_the_order_of_its_rows(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.note(call("B", "done", row=2))
        journal.note(call("A", "done", row=1))
        journal.note(call("A", "done", row=1, step="order"))
        journal.note(call("C", "unknown", row=3))
        journal.note(call("C", "done", row=3, run=2))
    history = History(folder)
    found = [(record.identity.key, record.identity.step) for record in history.calls_of_run(1)]
    assert found == [("A", "job"), ("A", "order"), ("B", "job")]
    assert [record.identity.key for record in history.calls_of_run(2)] == ["C"]


def test_rows_buckets_and_attempts(folder: Path) -> None:
    rows = [
        RowRecord(1, n, f"K{n}", f"[{n}]", "done" if n % 3 else "rejected", "why", '{"x": 1}')
        for n in range(10)
    ]
    with Journal(folder) as journal:
        for row in reversed(rows):
            journal.row(row)
        journal.row(RowRecord(2, 1, "K1", "[2]", "unknown", ""))
        journal.row(rows[4]._replace(bucket="found"))
        for number in range(3):
            journal.record(call("A", "throttled" if number < 2 else "done"), at="now")
        journal.record(call("A", "done", run=2), at="now")
    history = History(folder)
    rows[4] = rows[4]._replace(bucket="found")
    assert list(history.rows(1)) == rows
    assert history.buckets(1) == {"done": 5, "found": 1, "rejected": 4}
    assert (history.buckets(2), history.buckets(3)) == ({"unknown": 1}, {})
    assert (history.attempts(1), history.attempts(2), history.attempts(3)) == (3, 1, 0)


def test_rows_that_a_run_was_killed_in(folder: Path) -> None:
    """What is recorded of them from before is outdated; a read, or what rows share, leaves a row not started."""
    shared = call("ACME", "done", step="contact", row=4)
    with Journal(folder) as journal:
        known = [
            RowRecord(0, number, key, f"[{number}]", "done", "done in run 1", reached=0)
            for number, key in enumerate("ABCDE", start=1)
        ]
        journal.begin(RUN._replace(row_count=7))
        journal.note(call("B", "unknown", row=9))
        assert journal.begin(RUN._replace(row_count=7), known=known) == 2
        journal.row(known[0]._replace(run=2, bucket="found", reached=1))
        journal.note(call("A", "unknown", effect="read", run=2, row=1))
        journal.note(call("B", "done", step="list", effect="read", run=2, row=2))
        journal.note(call("C", "intent", run=2, row=3))
        identity = shared.identity._replace(per="once")
        journal.note(shared._replace(identity=identity, run=2))
        journal.note(call("G", "done", run=2, row=7))
        journal.flush()
        with closing(History(folder)) as history:
            assert history.cut_short(2) == {}
            assert history.under_way(2) == 4
    with closing(History(folder)) as history:
        assert [(row.number, row.key, row.lines, row.bucket) for row in history.rows(2)] == [
            (1, "A", "[1]", "found"),
            (2, "B", "[2]", "unknown"),
            (3, "C", "[3]", "unknown"),
            (4, "D", "[4]", "not started"),
            (5, "E", "[5]", "done"),
            (7, "G", "[]", "not started"),
        ]
        assert history.buckets(2) == {"found": 1, "unknown": 2, "not started": 2, "done": 1}
        assert [row.reason for row in history.rows_in(2, "unknown")] == [
            "job: its outcome in run 1 is not known: runner settle 1",
            "job: its outcome in run 2 is not known: runner settle 2",
        ]


def test_it_sees_what_is_committed_while_a_run_goes_on_and_writes_nothing(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        history = History(folder)
        journal.intend(call("A", "intent"))
        assert len(history.open_calls("acme", "orders")) == 1
        journal.record(call("A", "done"), at="now")
        assert len(history.open_calls("acme", "orders")) == 1
        journal.flush()
        assert history.open_calls("acme", "orders") == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            assert history._connection is not None
            history._connection.execute("DELETE FROM calls")


def test_a_journal_that_breaks_while_it_is_read(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
    history = History(folder)
    history.close()
    with pytest.raises(StoppedError, match="cannot be read"):
        history.runs()


def test_open_calls_are_those_of_all_recipes_and_accounts(folder: Path) -> None:
    other = call("B", "unknown")._replace(identity=Identity("beta", "pay", "once", "x", "pay", ""))
    with Journal(folder) as journal:
        for each in (
            call("A", "intent"),
            call("C", "done"),
            call("D", "unknown", effect="read"),
            other,
        ):
            journal.note(each)
    history = History(folder)
    assert [found.identity[:2] for found in history.all_open_calls()] == [
        ("acme", "orders"),
        ("beta", "pay"),
    ]
    history.close()


def test_settlements_are_kept_and_not_replaced(folder: Path) -> None:
    first = SettlementRecord(1, "2024-01-02", "ann", "done", "5", "seen", "the API has 5", "{}")
    second = SettlementRecord(1, "2024-01-03", "bob", "undone", "5", "a typo")
    row = RowRecord(1, 1, "A", "[2]", "not started", "settled")
    with Journal(folder) as journal:
        number = journal.begin(RUN)
        journal.note(call("A", "unknown", run=number))
        journal.settle(call("A", "done", run=number), first, [row])
        journal.settle(call("A", "unknown", run=number), second, [row._replace(bucket="unknown")])
    history = History(folder)
    assert history.settlements(1) == history.settlements_of_run(number) == [first, second]
    assert [(found.id, name) for found, name in history.settled_and_undone()] == [(1, "5")]
    assert [found.bucket for found in history.rows(number)] == ["unknown"]
    history.close()
