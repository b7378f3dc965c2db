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
from runner.journal.reader import connect_to_read
from runner.journal.schema import TABLES, VERSION, Column, Migration, Table
from runner.journal.store import NAME
from runner.journal.upgrade import bring_up
from runner.problems import StoppedError

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
        made=None if state == "done" else "",
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
        names = [name for name in _columns(connection, "runs") if name != "id"]
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
    found = history.calls_of_run(1)
    assert [call._replace(content="") for call in found] == CALLS
    assert history.open_calls("acme", "orders") == found[1:]
    assert [run.id for run in history.runs()] == [1]
    assert [row.key for row in history.rows(1)] == ["A"]


def opened(folder: Path) -> closing[sqlite3.Connection]:
    """A connection as the journal has it: transactions begin and end where the code says so."""
    return closing(sqlite3.connect(folder / NAME, isolation_level=None))


def copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "bak" in path.name)


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_it_is_read_as_it_is_and_left_alone(folder: Path) -> None:
    with history_of(folder) as history:
        check(history)
    assert version(folder) == 1


def test_the_next_run_brings_it_up_to_date(folder: Path) -> None:
    with history_of(folder) as early, Journal(folder) as journal:
        check(early)  # which has a copy of what was there
        assert version(folder) == VERSION
        journal.intend(CallRecord(CALLS[0].identity._replace(key="C"), "x", "create", 2, "done", "POST", "/", "d",
                                  before='{"ids": []}'))  # fmt: skip
        with history_of(folder) as history:
            check(history)
            assert (
                history.calls_of("acme", "orders", per="row", key="C")["pay", "1"].before
                == '{"ids": []}'
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


def test_an_upgrade_that_is_cut_short_leaves_version_1(folder: Path) -> None:
    """Killed, or out of room, in the middle of it: all or nothing, and no copy of what did not change."""
    broken = {**TABLES, "broken": Table({"a": Column("INTEGER (")}, later=True)}
    with opened(folder) as connection, pytest.raises(sqlite3.Error):
        bring_up(connection, folder / NAME, tables=broken)
    assert version(folder) == 1
    assert copies(folder) == []
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


LATER = [
    (name, column)
    for name, table in TABLES.items()
    for column, declared in table.columns.items()
    if declared.default is not None and (name, column) != ("calls", "generation")
]


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("stamp", [*range(2, VERSION + 1)])
@pytest.mark.parametrize(("table", "column"), LATER)
def test_the_columns_count_and_not_the_stamp(
    tmp_path: Path, table: str, column: str, stamp: int
) -> None:
    """A commit between two versions stamped what it did not have yet, or had what it did not stamp."""
    with Journal(tmp_path) as journal:
        journal.begin(RUN)
        journal.note(CALLS[0])
        journal.row(RowRecord(1, CALLS[0].row, "A", "[2]", "done", ""))
    uses = [name for name, each in TABLES[table].indexes.items() if column in each]
    dropped = [
        *(f"DROP INDEX {name}" for name in uses),
        f"ALTER TABLE {table} DROP COLUMN {column}",
    ]
    change(tmp_path, *dropped, f"PRAGMA user_version = {stamp}")
    for _ in range(2):
        with history_of(tmp_path) as history:
            assert [run.recipe for run in history.runs()] == ["orders"]
            assert [row.key for row in history.rows(1)] == ["A"]
            assert [call.identity.key for call in history.calls_of_run(1)] == ["A"]
        with Journal(tmp_path) as journal:
            assert journal.copy is None or journal.copy.name == f"{NAME}.v{stamp}.bak"
            journal.row(RowRecord(1, CALLS[0].row, "A", "[2]", "done", ""))
    assert version(tmp_path) == VERSION
    assert copies(tmp_path) == [f"{NAME}.v{stamp}.bak"]


@pytest.mark.parametrize("table", [name for name, each in TABLES.items() if each.later])
def test_a_table_that_a_journal_lacks_is_empty_and_then_created(tmp_path: Path, table: str) -> None:
    with Journal(tmp_path) as journal:
        journal.begin(RUN)
    change(tmp_path, f"DROP TABLE {table}")
    with history_of(tmp_path) as history:
        assert (history.again(1), history.notices(1), history.hits("a", "b", day="c")) == (
            [],
            [],
            0,
        )
    with Journal(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        assert _columns(connection, table) == list(TABLES[table].columns)


def test_an_index_that_a_journal_lacks_is_created(tmp_path: Path) -> None:
    with Journal(tmp_path):
        pass
    change(tmp_path, "DROP INDEX calls_of_run")
    with Journal(tmp_path):
        pass
    change(tmp_path, "DROP INDEX calls_of_run")


@pytest.mark.parametrize(
    ("statement", "lack"),
    [
        ("ALTER TABLE calls DROP COLUMN digest", "no column 'digest' in its table 'calls'"),
        ("DROP TABLE calls", "no 'calls'"),
    ],
)
@pytest.mark.parametrize("stamp", [0, 4, VERSION])
def test_what_lacks_a_column_of_every_version_is_no_journal(
    tmp_path: Path, statement: str, lack: str, stamp: int
) -> None:
    with Journal(tmp_path):
        pass
    change(tmp_path, statement, f"PRAGMA user_version = {stamp}")
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(StoppedError) as raised:
        Journal(tmp_path).__enter__()
    assert raised.value.message == f"{tmp_path / NAME} is not a journal of runner: it has {lack}"
    assert (tmp_path / NAME).read_bytes() == before
    assert copies(tmp_path) == []
    if stamp:
        with pytest.raises(StoppedError, match="is not a journal of runner"):
            History(tmp_path)


def test_a_journal_is_copied_before_it_is_brought_up(folder: Path) -> None:
    with closing(sqlite3.connect(folder / NAME)) as reader:  # what is only in the WAL is copied too
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM calls").fetchone()
        change(folder, "UPDATE runs SET reason = 'only in the WAL'")
        with Journal(folder) as journal:
            copy = folder / f"{NAME}.v1.bak"
            assert journal.copy == copy
            journal.note(CALLS[0]._replace(id=0, run=7))
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT reason FROM runs").fetchall() == [("only in the WAL",)]
        assert connection.execute("SELECT max(run) FROM calls").fetchone() == (1,)
    with Journal(folder) as journal:
        assert journal.copy is None
    assert copies(folder) == [copy.name]


def test_an_earlier_copy_is_kept(folder: Path) -> None:
    (folder / f"{NAME}.v1.bak").write_text("of another upgrade")
    with Journal(folder) as journal:
        assert journal.copy == folder / f"{NAME}.v1-2.bak"
    assert (folder / f"{NAME}.v1.bak").read_text() == "of another upgrade"


def test_without_a_copy_nothing_is_brought_up(folder: Path) -> None:
    (folder / f".{NAME}.v1.bak.part").mkdir()  # the copy cannot be created
    with pytest.raises(StoppedError) as raised:
        Journal(folder).__enter__()
    assert "cannot be copied to" in raised.value.message
    assert "it is unchanged, and nothing was sent" in raised.value.message
    assert version(folder) == 1


def lower(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE calls SET key = lower(key)")


def keys(connection: sqlite3.Connection | None) -> list[str]:
    assert connection is not None
    with closing(connection):
        return [key for (key,) in connection.execute("SELECT key FROM calls ORDER BY id")]


def test_values_are_changed_once_and_read_as_changed_before(folder: Path) -> None:
    path, migrations = folder / NAME, (Migration("lower-case keys", lower),)
    assert keys(connect_to_read(path, migrations=migrations)) == ["a", "b"]
    assert version(folder) == 1
    with opened(folder) as connection:
        assert bring_up(connection, path, migrations=migrations) == folder / f"{NAME}.v1.bak"
        connection.execute("UPDATE calls SET key = 'A' WHERE id = 1")
        assert bring_up(connection, path, migrations=migrations) is None
    assert keys(connect_to_read(path, migrations=migrations)) == ["A", "b"]


def test_a_migration_that_fails_changes_nothing(folder: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        lower(connection)
        connection.execute("no SQL")

    with opened(folder) as connection, pytest.raises(sqlite3.Error):
        bring_up(connection, folder / NAME, migrations=[Migration("fails", fail)])
    assert version(folder) == 1
    with history_of(folder) as history:
        check(history)
