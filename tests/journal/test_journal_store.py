"""Writing the journal: on the disk when it says so, shared commits, one run at a time, and nothing after a failure."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.journal import CallRecord, CallState, History, Identity, Journal, RowRecord, RunRecord
from runner.journal.schema import VERSION
from runner.journal.store import NAME
from runner.problems import LockedError, StoppedError

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


def call(
    key: str = "A", step: str = "job", item: str = "", *, state: CallState = "intent", **more: Any
) -> CallRecord:
    identity = Identity("acme", "orders", "row", key, step, item)
    known = {
        "operation": "syncore.create_job",
        "effect": "create",
        "run": 1,
        "method": "POST",
        "url": "/jobs",
    }
    return CallRecord(identity, state=state, digest="d1", **{**known, **more})


def look(folder: Path, sql: str) -> list[Any]:
    """What another connection sees on the disk."""
    connection = sqlite3.connect(folder / NAME)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_the_live_connection_is_durable(folder: Path) -> None:
    with Journal(folder) as journal:
        pragmas = {name: journal._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in
                   ("journal_mode", "synchronous", "user_version", "locking_mode")}  # fmt: skip
        journal.begin(RUN)
        after = journal._connection.execute("PRAGMA synchronous").fetchone()[0]
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "user_version": VERSION,
        "locking_mode": "normal",
    }
    assert after == 2


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_it(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Journal(folder) as journal:
            journal.begin(RUN)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes) >= {NAME, f"{NAME}-wal", f"{NAME}-shm"}
    assert set(modes.values()) == {0o600}


def test_a_folder_and_a_file_that_were_open_to_others_are_closed(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    (folder / NAME).touch()
    (folder / NAME).chmod(0o644)
    with Journal(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600


def test_an_intent_is_on_the_disk_when_intend_returns(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        journal.intend(call("A"))
        assert look(folder, "SELECT key, state FROM calls") == [("A", "intent")]
        assert [c.identity.key for c in History(folder).open_calls("acme", "orders")] == ["A"]


def test_an_outcome_and_the_next_intent_share_a_commit(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        journal.intend(call("A"))
        before = journal.commits
        journal.record(call("A", state="done", attempts=1), at="now", seconds=0.5)
        assert look(folder, "SELECT state FROM calls") == [("intent",)]
        journal.intend(call("A", "order"))
        assert journal.commits == before + 1
        assert look(folder, "SELECT step, state FROM calls ORDER BY id") == [
            ("job", "done"),
            ("order", "intent"),
        ]
        assert look(folder, "SELECT run, at, state, seconds FROM attempts") == [
            (1, "now", "done", 0.5)
        ]


def test_nothing_to_write_is_no_commit(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.flush()
        journal.row(RowRecord(1, 1, "A", "[2]", "done", ""))
        journal.flush()
        journal.flush()
        assert journal.commits == 1


def test_leaving_commits_what_is_queued(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.begin(RUN)
        journal.record(call("A", state="done"), at="now")
        journal.row(RowRecord(1, 1, "A", "[2]", "done", ""))
    assert look(folder, "SELECT state FROM calls") == [("done",)]
    assert look(folder, "SELECT bucket FROM rows") == [("done",)]


def test_leaving_on_an_error_commits_too(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), Journal(folder) as journal:
        journal.record(call("A", state="unknown"), at="now")
        raise ZeroDivisionError
    assert look(folder, "SELECT state FROM calls") == [("unknown",)]


THREADS, CALLS = 16, 40


def test_threads_share_commits_and_every_intent_is_durable(folder: Path) -> None:
    missing: list[str] = []
    ready = threading.Barrier(THREADS)

    def work(worker: int, journal: Journal) -> None:
        connection = sqlite3.connect(folder / NAME, timeout=30)
        ready.wait()
        for number in range(CALLS):
            key = f"{worker}-{number}"
            journal.intend(call(key))
            if connection.execute("SELECT state FROM calls WHERE key = ?", (key,)).fetchone() != (
                "intent",
            ):
                missing.append(key)
            journal.record(call(key, state="done"), at="now")
        connection.close()

    with Journal(folder) as journal:
        threads = [
            threading.Thread(target=work, args=(worker, journal)) for worker in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        commits = journal.commits
    assert not missing
    assert look(folder, "SELECT state, count(*) FROM calls GROUP BY state") == [
        ("done", THREADS * CALLS)
    ]
    assert commits < THREADS * CALLS


def test_what_waits_for_a_commit_goes_with_the_next_one(folder: Path) -> None:
    """While one commit is under way all others queue up, and one more commit writes them all."""
    with Journal(folder) as journal:
        with journal._commit_lock:
            threads = [
                threading.Thread(target=journal.intend, args=(call(str(n)),))
                for n in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            while journal._queued < THREADS:
                pass
        for thread in threads:
            thread.join()
        assert journal.commits == 1
    assert look(folder, "SELECT count(*) FROM calls") == [(THREADS,)]


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a commit waits for others for as long as a test may take."""
    monkeypatch.setattr("runner.journal.store._GATHERING", 1000.0)


def test_a_call_alone_waits_for_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)
    with Journal(folder) as journal:
        for number in range(5):
            journal.intend(call(str(number)))
            journal.record(call(str(number), state="done"), at="now")
        assert journal.commits == 5


def test_while_others_are_in_flight_a_commit_waits_until_half_of_them_share_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(folder) as journal:
        for number in range(4, 6):
            journal.intend(call(str(number)))
        be_patient(monkeypatch)
        before = journal.commits
        first = threading.Thread(
            target=journal.intend, args=(call("A"),)
        )  # 2 of 3 in flight are with the API
        first.start()
        while not journal._commit_lock.locked():
            pass
        assert look(folder, "SELECT count(*) FROM calls WHERE key = 'A'") == [(0,)]
        journal.intend(call("B"))
        first.join()
        assert journal.commits == before + 1
        journal.record(call("4", state="done"), at="now")
        journal.record(call("5", state="done"), at="now")
        journal.record(call("A", state="done"), at="now")
    assert look(folder, "SELECT count(*) FROM calls") == [(4,)]


def test_an_identity_is_unique_and_updated_in_place(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.intend(call("A", item="0"))
        journal.intend(call("B"))
        journal.intend(call("A", item="1"))
        journal.record(
            call("A", item="0", state="done", answer='{"id": 5}', run=2, attempts=3), at="now"
        )
        other = call("A", item="0")
        journal.note(CallRecord(other.identity._replace(per="once"), *other[1:]))
        journal.note(CallRecord(other.identity._replace(account="x"), *other[1:]))
    found = look(
        folder,
        "SELECT id, account, per, key, item, state, run, attempts, answer FROM calls ORDER BY id",
    )
    assert found == [
        (1, "acme", "row", "A", "0", "done", 2, 3, '{"id": 5}'),
        (2, "acme", "row", "B", "", "intent", 1, 0, ""),
        (3, "acme", "row", "A", "1", "intent", 1, 0, ""),
        (4, "acme", "once", "A", "0", "intent", 1, 0, ""),
        (5, "x", "row", "A", "0", "intent", 1, 0, ""),
    ]


@pytest.mark.parametrize(
    "text", ["é 漢 😀", "\ud800", "x\ud83dy", "a\x00b", "'; DROP TABLE calls; --", "\n\r\x1b"]
)
def test_any_text_can_be_stored(folder: Path, text: str) -> None:
    with Journal(folder) as journal:
        journal.intend(call(text, body=text, answer=text))
        journal.intend(call("next"))
    (found,) = [c for c in History(folder).open_calls("acme", "orders") if c.identity.key != "next"]
    expected = text.encode(errors="backslashreplace").decode()
    assert (found.identity.key, found.body, found.answer) == (expected, expected, expected)


HOLD = """
import sys, time
from pathlib import Path
from runner.journal import Journal
with Journal(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_run_at_a_time_and_the_lock_dies_with_its_process(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError) as raised:
            Journal(folder).__enter__()
        assert raised.value.exit_code == 6
        assert raised.value.message == f"another run is using {folder / NAME}"
        assert raised.value.remedy == "wait for it to end; its lock goes with its process"
    finally:
        holder.kill()
        holder.communicate()
    with Journal(folder) as journal:
        journal.intend(call("A"))


def test_two_journals_in_one_process_exclude_each_other_too(folder: Path) -> None:
    with Journal(folder), pytest.raises(LockedError):
        Journal(folder).__enter__()
    with Journal(folder):
        pass


def test_the_lock_goes_when_another_thread_leaves(folder: Path) -> None:
    journal = Journal(folder).__enter__()
    thread = threading.Thread(target=journal.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    with Journal(folder):
        pass


@pytest.mark.parametrize("use", [lambda folder: Journal(folder).__enter__(), History])
def test_a_journal_of_a_newer_runner_is_refused_and_left_alone(
    folder: Path, use: Callable[[Path], Any]
) -> None:
    with Journal(folder) as journal:
        journal.intend(call("A"))
    connection = sqlite3.connect(folder / NAME)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    for _ in range(2):  # the second time too: the first let go of the lock
        with pytest.raises(StoppedError) as raised:
            use(folder)
        newer = f"was written by a newer runner (version {VERSION + 1})"
        assert raised.value.message == f"the journal {folder / NAME} {newer}"
        assert raised.value.remedy == "update runner"
    assert look(folder, "PRAGMA user_version") == [(VERSION + 1,)]


RESTORE = "repair it or restore it from a copy: without it runner cannot know what was sent before"


def make_garbage(path: Path) -> None:
    path.write_bytes(b"this is no database " * 1000)


def make_a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (make_garbage, RESTORE),
        (make_a_folder, "the journal is a file: move the folder of that name away"),
    ],
)
def test_what_is_no_journal_is_refused_and_kept(
    folder: Path, spoil: Callable[[Path], None], remedy: str
) -> None:
    folder.mkdir(mode=0o700)
    spoil(folder / NAME)
    content = (folder / NAME).read_bytes() if (folder / NAME).is_file() else None
    for _ in range(2):
        with pytest.raises(StoppedError) as raised:
            Journal(folder).__enter__()
        assert raised.value.message.startswith(f"the journal {folder / NAME} cannot be used: ")
        assert raised.value.message.endswith("; nothing was sent")
        assert (raised.value.remedy, raised.value.exit_code) == (remedy, 8)
        with pytest.raises(StoppedError, match="cannot be read") as raised:
            History(folder)
        assert raised.value.remedy == remedy
    assert content is None or (folder / NAME).read_bytes() == content


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(StoppedError, match=r"cannot be used: .*; nothing was sent"):
        Journal(tmp_path / "runs").__enter__()


def test_a_torn_journal_is_not_taken_for_an_empty_one(folder: Path) -> None:
    with Journal(folder) as journal:
        for number in range(500):
            journal.note(call(str(number), body="x" * 200))
    with (folder / NAME).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 60_000)
    with pytest.raises(StoppedError):
        History(folder).open_calls("acme", "orders")
    with pytest.raises(StoppedError), Journal(folder) as journal:
        journal.intend(call("A"))


def full(journal: Journal) -> None:
    """No page more: the journal's disk is full."""
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")


def fill(journal: Journal) -> StoppedError:
    full(journal)
    for number in range(10_000):
        try:
            journal.intend(call(str(number), body="x" * 1000))
        except StoppedError as error:
            return error
    raise AssertionError("the journal took more than it has room for")


def test_when_it_cannot_be_written_nothing_more_is_sent(folder: Path) -> None:
    with Journal(folder) as journal:
        number = journal.begin(RUN)
        error = fill(journal)
        assert error.exit_code == 8
        assert error.message == (
            f"the journal {folder / NAME} cannot be written: database or disk is full; nothing more is sent"
        )
        assert error.remedy == "make room or repair the disk, then: runner resume 1"
        journal._connection.execute(
            "PRAGMA max_page_count = 1000000"
        )  # room again: it stays refused
        attempts: list[Callable[[], Any]] = [
            lambda: journal.intend(call("again")),
            journal.flush,
            lambda: journal.begin(RUN),
            lambda: journal.reopen(number),
            lambda: journal.end(number, state="done", exit_code=0, finished_at="now"),
        ]
        for attempt in attempts:
            with pytest.raises(StoppedError) as raised:
                attempt()
            assert (raised.value.message, raised.value.remedy) == (error.message, error.remedy)
    assert look(folder, "SELECT count(*) FROM calls WHERE key = 'again'") == [(0,)]
    assert look(folder, "SELECT state FROM runs") == [("running",)]
    with Journal(folder) as journal:  # and the next run goes on
        journal.intend(call("again"))


def test_all_threads_are_told(folder: Path) -> None:
    told: list[str] = []

    def work(journal: Journal, worker: int) -> None:
        try:
            for number in range(10_000):
                journal.intend(call(f"{worker}-{number}", body="x" * 1000))
        except StoppedError as error:
            told.append(error.message)

    with Journal(folder) as journal:
        full(journal)
        threads = [threading.Thread(target=work, args=(journal, worker)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1


def test_an_interrupt_in_a_commit_leaves_nothing_half_written(folder: Path) -> None:
    class Interrupted(sqlite3.Connection):
        """A connection during whose second statement somebody presses ctrl-c."""

        statements = 0

        def execute(self, *args: Any) -> sqlite3.Cursor:
            self.statements += 1
            if self.statements == 3:
                raise KeyboardInterrupt
            return super().execute(*args)

    with Journal(folder) as journal:
        journal.begin(RUN)
        journal._connection.close()
        journal._connection = sqlite3.connect(
            folder / NAME, isolation_level=None, factory=Interrupted
        )
        journal.note(call("A"))
        with pytest.raises(KeyboardInterrupt):
            journal.intend(call("B"))
        with pytest.raises(StoppedError, match="nothing more is sent"):
            journal.intend(call("C"))
    assert look(folder, "SELECT count(*) FROM calls") == [(0,)]
