"""A journal of an earlier version: read as it is, and brought up to date by the next run with all that it holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.journal import (
    CallRecord,
    CallState,
    History,
    Identity,
    Journal,
    NoticeRecord,
    RowRecord,
    RunRecord,
)
from runner.journal.schema import VERSION
from runner.journal.store import NAME

VERSION_1 = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, recipe TEXT NOT NULL, target TEXT NOT NULL, account TEXT NOT NULL,
    recipe_file TEXT NOT NULL, recipe_digest TEXT NOT NULL, input_file TEXT NOT NULL, input_digest TEXT NOT NULL,
    vars TEXT NOT NULL, date TEXT NOT NULL, started_at TEXT NOT NULL, state TEXT NOT NULL, exit_code INTEGER,
    finished_at TEXT NOT NULL, line_count INTEGER NOT NULL, row_count INTEGER NOT NULL, reason TEXT NOT NULL,
    only TEXT NOT NULL);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, recipe TEXT NOT NULL, per TEXT NOT NULL, key TEXT NOT NULL,
    step TEXT NOT NULL, item TEXT NOT NULL, operation TEXT NOT NULL, effect TEXT NOT NULL, run INTEGER NOT NULL,
    state TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
    amount TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, sent_at TEXT NOT NULL, row INTEGER NOT NULL,
    UNIQUE (account, recipe, per, key, step, item));
CREATE INDEX calls_of_run ON calls (run, row);
CREATE TABLE attempts (
    call TEXT NOT NULL, run INTEGER NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, status INTEGER NOT NULL,
    reason TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE rows (
    run INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, lines TEXT NOT NULL, bucket TEXT NOT NULL,
    reason TEXT NOT NULL, outputs TEXT NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;
"""
RUN = RunRecord(
    "orders",
    "live",
    "acme",
    "o.yaml",
    "r1",
    "o.csv",
    "i1",
    "{}",
    "2024-01-02",
    "2024-01-02T03:04:05Z",
)
STATES: tuple[tuple[int, str, CallState], ...] = ((1, "A", "done"), (2, "B", "unknown"))
CALLS = [
    CallRecord(
        Identity("acme", "orders", "row", key, "pay", "1"), "shop.create_payment", "create", 1, state, "POST",
        "/payments?x=1", "digest", body='{"amount": 12.10}', amount="12.10", status=201, answer='{"id": 5}',
        reason="why", attempts=2, sent_at="2024-01-02T03:04:06Z", row=3, id=number,
    )
    for number, key, state in STATES
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a journal as the first version made it."""
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1)
        connection.execute("PRAGMA user_version = 1")
        names = [
            name for name in RUN._fields if name not in ("id", "max_failures", "who", "left_out")
        ]
        _insert(connection, "runs", {name: getattr(RUN, name) for name in names})
        for call in CALLS:
            known = {**call.identity._asdict(), **call._asdict()}
            _insert(connection, "calls", {n: known[n] for n in _columns(connection, "calls")})
        connection.execute("INSERT INTO rows VALUES (1, 3, 'A', '[4]', 'done', '', '{}')")
        connection.commit()
    return tmp_path


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})",
        list(values.values()),
    )


@contextmanager
def history_of(folder: Path) -> Iterator[History]:
    history = History(folder)
    try:
        yield history
    finally:
        history.close()


def check(history: History) -> None:
    """Everything is there."""
    assert history.calls_of_run(1) == CALLS
    assert history.open_calls("acme", "orders") == CALLS[1:]
    assert [run.id for run in history.runs()] == [1]
    assert [row.key for row in history.rows(1)] == ["A"]


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_it_is_read_as_it_is_and_left_alone(folder: Path) -> None:
    with history_of(folder) as history:
        check(history)
    assert version(folder) == 1


def test_the_next_run_brings_it_up_to_date(folder: Path) -> None:
    with history_of(folder) as early, Journal(folder) as journal:
        check(early)
        assert version(folder) == VERSION
        journal.intend(CallRecord(CALLS[0].identity._replace(key="C"), "x", "create", 2, "done", "POST", "/", "d",
                                  before='{"ids": []}'))  # fmt: skip
        with history_of(folder) as history:
            check(history)
            assert (
                history.calls_of("acme", "orders", per="row", key="C")["pay", "1"].before
                == '{"ids": []}'
            )
        assert (
            early.calls_of("acme", "orders", per="row", key="C")["pay", "1"].before == '{"ids": []}'
        )
    with Journal(folder), history_of(folder) as history:
        check(history)


def test_it_comes_to_look_as_a_new_one_does(folder: Path, tmp_path: Path) -> None:
    with Journal(folder), Journal(tmp_path / "new"):
        pass
    shapes = []
    for path in (folder, tmp_path / "new"):
        with closing(sqlite3.connect(path / NAME)) as connection:
            tables = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
            ).fetchall()
            shapes.append({name: _columns(connection, name) for (name,) in tables})
    assert shapes[0] == shapes[1]


def test_a_call_is_still_unique(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.note(CALLS[0])
    with history_of(folder) as history:
        check(history)


def test_an_upgrade_that_is_cut_short_leaves_version_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, or out of room, in the middle of it: all or nothing."""
    monkeypatch.setattr("runner.journal.schema._SCHEMA", "CREATE TABLE broken (;")
    with pytest.raises(Exception, match="cannot be used"):
        Journal(folder).__enter__()
    monkeypatch.undo()
    assert version(folder) == 1
    with history_of(folder) as history:
        check(history)
    with Journal(folder) as journal:
        journal.note(CALLS[0])
    assert version(folder) == VERSION


def test_a_row_can_be_recorded(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.row(RowRecord(1, 4, "B", "[5]", "unknown", ""))
    with history_of(folder) as history:
        assert history.buckets(1) == {"done": 1, "unknown": 1}


def test_version_2_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.begin(RUN)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        for column in ("max_failures", "who", "left_out"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        for column in ("ids", "links"):
            connection.execute(f"ALTER TABLE rows DROP COLUMN {column}")
        connection.execute("DROP TABLE notices")
        connection.execute("PRAGMA user_version = 2")
    with history_of(tmp_path) as history:
        assert [
            (run.recipe, run.max_failures, run.who, run.left_out) for run in history.runs()
        ] == [("orders", None, "", 0)]
        assert history.notices(1) == []
    assert version(tmp_path) == 2
    with Journal(tmp_path) as journal, history_of(tmp_path) as history:
        assert version(tmp_path) == VERSION
        journal.reopen(1, max_failures=3)
        journal.notice(NoticeRecord(1, "2024-01-02T03:04:05Z", "webhook URL", "it answered 500"))
        assert [run.max_failures for run in history.runs()] == [3]
        assert history.notices(1) == [
            NoticeRecord(1, "2024-01-02T03:04:05Z", "webhook URL", "it answered 500")
        ]


def test_version_3_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.row(RowRecord(1, 1, "A", "[2]", "done", "", money="5"))
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        for column in ("ids", "links"):
            connection.execute(f"ALTER TABLE rows DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 3")
    with history_of(tmp_path) as history:
        assert [(row.key, row.money, row.ids, row.links) for row in history.rows(1)] == [
            ("A", "5", "", "")
        ]
    assert version(tmp_path) == 3
    with Journal(tmp_path) as journal, history_of(tmp_path) as history:
        assert version(tmp_path) == VERSION
        journal.row(RowRecord(1, 2, "B", "[3]", "done", "", ids="job 5", links="https://x"))
        journal.flush()
        assert [(row.key, row.ids, row.links) for row in history.rows(1)] == [
            ("A", "", ""),
            ("B", "job 5", "https://x"),
        ]
