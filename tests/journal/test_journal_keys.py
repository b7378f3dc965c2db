"""Keys of earlier versions in a journal: found by their canonical form, and never taken for another's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runner.journal import AgainRecord, CallRecord, CallState, History, Identity, Journal, RunRecord
from runner.journal.records import RowRecord
from runner.journal.store import NAME

RUN = RunRecord("orders", "live", "acme", "o.yaml", "r", "o.csv", "i", "{}", "2024-01-02", "2024-01-02T03:04:05Z",
                only='["A", "PO-1 "]')  # fmt: skip


def call(
    key: str, step: str = "order", item: str = "", *, state: CallState = "done", per: str = "row", run: int = 1
) -> CallRecord:  # fmt: skip
    identity = Identity("acme", "orders", per, key, step, item)
    return CallRecord(
        identity, "shop.create_order", "create", run, state, "POST", "/orders", "d", body=key
    )


@contextmanager
def history_of(folder: Path) -> Iterator[History]:
    history = History(folder)
    try:
        yield history
    finally:
        history.close()


def earlier(folder: Path, *calls: CallRecord) -> None:
    """A journal as it was before keys had a canonical form."""
    with Journal(folder) as journal:
        journal.begin(RUN, again=[AgainRecord("PO-1 ", 1, "why", "who", "at")])
        for each in calls:
            journal.record(each, at="2024-01-02T03:04:06Z", seconds=0.5)
        journal.row(RowRecord(1, 1, "PO-1 ", "[2]", "done", ""))
    with closing(sqlite3.connect(folder / NAME)) as connection:
        for table in ("identities", "twins", "migrations"):
            connection.execute(f"DROP TABLE {table}")
        connection.commit()


def found(history: History, key: str, per: str = "row") -> dict[str, tuple[str, CallState]]:
    calls = history.calls_of("acme", "orders", per=per, key=key)
    return {step + item: (each.body, each.state) for (step, item), each in calls.items()}


@pytest.mark.parametrize("upgraded", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [("PO-1 ", "PO-1"), ("PO-1\u200b", "PO-1"), ("Cafe\u0301", "Café"), ("a\u00a0 b", "a b")],
)
def test_a_key_is_found_by_its_canonical_form(
    tmp_path: Path, old: str, new: str, *, upgraded: bool
) -> None:
    earlier(tmp_path, call(old), call(old, "pay", state="unknown"), call("PO-2"))
    if upgraded:
        with Journal(tmp_path):
            pass
    with history_of(tmp_path) as history:
        assert found(history, new) == {"order": (old, "done"), "pay": (old, "unknown")}
        assert found(history, "PO-2") == {"order": ("PO-2", "done")}
        assert history.generation("acme", "orders", [new]) == 0
        assert history.twins("acme", "orders") == {}
        (sent, *_) = history.sent(1)
        assert (sent.call.identity.key, len(sent.attempts)) == (new, 1)


def test_rows_and_wishes_follow(tmp_path: Path) -> None:
    earlier(tmp_path, call("PO-1 "))
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert [row.key for row in history.rows(1)] == ["PO-1"]
        assert [again.key for again in history.again(1)] == ["PO-1"]
        assert [run.only for run in history.runs()] == ['["A", "PO-1"]']


def test_of_two_keys_only_one_of_which_was_carried_out_that_one_counts(tmp_path: Path) -> None:
    earlier(tmp_path, call("PO-1", state="rejected"), call("PO-1 "), call("PO-1 ", "pay"))
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert found(history, "PO-1") == {"order": ("PO-1 ", "done"), "pay": ("PO-1 ", "done")}
        assert history.twins("acme", "orders") == {}
        bodies = {each.call.body: len(each.attempts) for each in history.sent(1)}
        assert bodies == {"PO-1": 1, "PO-1 ": 1}


def test_two_keys_that_were_both_carried_out_are_on_record_as_twins(tmp_path: Path) -> None:
    earlier(tmp_path, call("PO-1 "), call("PO-1"), call("PO-1", "pay", state="unknown"))
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert found(history, "PO-1") == {"order": ("PO-1", "done"), "pay": ("PO-1", "unknown")}
        assert history.twins("acme", "orders") == {("row", "PO-1"): "PO-1 "}
        assert len(history.open_calls("acme", "orders")) == 1


def test_an_address_that_rows_share_is_found_in_lower_case(tmp_path: Path) -> None:
    earlier(tmp_path, call("Dana@X.example", "contact", per="once"), call("Bolt", per="once"))
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert found(history, "dana@x.example", "once") == {"contact": ("Dana@X.example", "done")}
        assert found(history, "Bolt", "once") == {"order": ("Bolt", "done")}


def test_of_an_address_in_two_cases_the_one_that_was_carried_out_counts(tmp_path: Path) -> None:
    earlier(
        tmp_path,
        call("dana@x.example", "contact", per="once", state="rejected"),
        call("Dana@x.example", "contact", per="once"),
    )
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert found(history, "dana@x.example", "once") == {"contact": ("Dana@x.example", "done")}
        assert history.twins("acme", "orders") == {}


def test_items_are_found_by_their_canonical_form(tmp_path: Path) -> None:
    earlier(tmp_path, call("PO-1 ", "line", "00618 "), call("PO-1 ", "line", "00619"))
    with Journal(tmp_path), history_of(tmp_path) as history:
        assert set(found(history, "PO-1")) == {"line00618", "line00619"}
        assert [len(each.attempts) for each in history.sent(1)] == [1, 1]


def test_what_a_key_looks_like_is_on_record(tmp_path: Path) -> None:
    earlier(tmp_path, call("PO-1 "), call("K", "contact", per="once"))
    with Journal(tmp_path) as journal, history_of(tmp_path) as history:
        journal.intend(call("PO-2"))
        journal.intend(call("Bolt", "contact/update", per="once"))
        journal.note(call("READ")._replace(effect="read"))
        journal.flush()
        looks = ("po-1", "po-2", "bolt", "read", "k")
        assert sorted(history.alike("acme", "orders", [""], looks)) == [
            ("po-1", "PO-1"),
            ("po-2", "PO-2"),
        ]
        assert sorted(history.alike("acme", "orders", ["contact"], looks)) == [
            ("bolt", "Bolt"),
            ("k", "K"),
        ]
        assert history.alike("other", "orders", [""], looks) == []
