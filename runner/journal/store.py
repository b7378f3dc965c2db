"""Writer of the journal: intents are on the disk before `intend` returns; other records are in the next commit.

One connection in WAL mode with `synchronous=FULL`. Statements queue up; whoever needs durability commits all that
is queued in one transaction, so that the outcome of a call and the intent of the next share a commit, and so do
the intents of many rows in flight, which wait a moment for each other. `flush` is called before anything that waits
(a read, a pause, the end).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from runner.durable import refuse_links
from runner.journal.lock import take_lock
from runner.journal.mounts import refuse_network
from runner.journal.reader import closing_if_it_fails, remedy_of
from runner.journal.records import (
    AgainRecord,
    CallRecord,
    Identity,
    NoticeRecord,
    RowRecord,
    RunRecord,
    SettlementRecord,
)
from runner.journal.rekey import look_of, name_of, step_of
from runner.journal.upgrade import bring_up, version_of
from runner.problems import StoppedError

NAME = "journal.sqlite"

_GATHERING = 0.01
"""Maximum seconds that a commit waits for others."""


_CALL_COLUMNS = [
    *Identity._fields,
    *(name for name in CallRecord._fields if name not in ("identity", "id")),
]
_PUT_CALL = (
    f"INSERT INTO calls ({', '.join(_CALL_COLUMNS)}) VALUES ({', '.join('?' * len(_CALL_COLUMNS))}) "  # noqa: S608
    f"ON CONFLICT ({', '.join(Identity._fields)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CALL_COLUMNS[len(Identity._fields) :])
)
_PUT_IDENTITY = "INSERT OR IGNORE INTO identities (account, recipe, step, look, key, run) VALUES (?, ?, ?, ?, ?, ?)"
_PUT_LINE = "INSERT OR IGNORE INTO sent_lines (account, recipe, line, step, key, run) VALUES (?, ?, ?, ?, ?, ?)"
_NAMED = 4096
"""Number of recent keys that are cached, and not recorded again."""

_PUT_ATTEMPT = "INSERT INTO attempts (call, run, at, state, status, reason, seconds) VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_AGAIN = (
    "INSERT OR REPLACE INTO again (key, generation, why, who, at, run) VALUES (?, ?, ?, ?, ?, ?)"
)
_KILLED = "UPDATE runs SET state = 'killed' WHERE state = 'running'"  # whoever holds the lock is the only one
_PUT_HIT = "INSERT INTO hits (account, api, day, count) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1"
_PUT_NOTICE = "INSERT INTO notices (run, at, name, reason) VALUES (?, ?, ?, ?)"
_PUT_SETTLEMENT = (
    f"INSERT INTO settlements ({', '.join(SettlementRecord._fields)}) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(SettlementRecord._fields))})"
)
_PUT_ORIGIN = (
    "INSERT INTO origins (account, api, origin, writes, at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (account, api) DO UPDATE SET origin = excluded.origin, writes = max(writes, excluded.writes)"
)
_ROW_COLUMNS = RowRecord._fields
_PUT_ROW = f"INSERT OR REPLACE INTO rows ({', '.join(_ROW_COLUMNS)}) VALUES ({', '.join('?' * len(_ROW_COLUMNS))})"  # noqa: S608


class Journal:
    """The journal of one folder, open for writing and locked against other runs. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME
        self._queue: list[tuple[str, Sequence[Any]]] = []
        self._named: set[tuple[str, str, str, str]] = set()
        self._claimed: dict[tuple[str, str], Identity] = {}
        self._recorded: list[tuple[str, str]] = []
        self._shown: list[str] = []
        self._queued = 0
        self._committed = 0
        self._queue_lock = threading.Lock()
        self._arrived = threading.Condition()
        self._waiting = 0
        self._in_flight: set[str] = set()
        self._commit_lock = threading.Lock()
        self._broken = ""
        self._run = 0
        self.commits = 0
        """Transactions committed, each one fsync."""
        self.copy: Path | None = None
        """The copy of a journal of an earlier version, which was upgraded when this one was opened."""

    def __enter__(self) -> Journal:
        try:
            refuse_links(self.folder)
            refuse_network(self.folder)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(self.folder.stat().st_mode) & 0o077:
                with suppress(
                    PermissionError
                ):  # somebody else's folder: the file is 0600 all the same
                    self.folder.chmod(0o700)
            self._lock = take_lock(self.folder, what=self.path)
        except OSError as error:
            raise _unusable(self.path, error) from None
        try:
            self._connection, self.copy = connect(self.path)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not self._broken:
                self.flush()
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._lock.release()

    def begin(
        self,
        run: RunRecord,
        *,
        again: Sequence[AgainRecord] = (),
        known: Iterable[RowRecord] = (),
    ) -> int:
        """Record the start of a run and the rows that are to be sent again, durably; returns the run's number.

        `known` are those of its rows of which something is on record.
        """
        names = [name for name in run._fields if name != "id"]
        sql = f"INSERT INTO runs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        self.flush()
        with self._commit_lock, self._writing():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_KILLED)
            cursor = self._connection.execute(
                sql, [_storable(getattr(run, name)) for name in names]
            )
            number = int(cursor.lastrowid or 0)
            for each in again:
                values = each._replace(run=number)
                self._connection.execute(_PUT_AGAIN, [_storable(value) for value in values])
            self._connection.executemany(_PUT_ROW, _of_run(number, known))
            self._connection.execute("COMMIT")
        self._run = number
        return number

    def reopen(
        self, run: int, *, max_failures: int | None = None, new_identity: bool = False,
        aside: bool = False,
    ) -> None:  # fmt: skip
        """Record that a stopped run continues, until `max_failures` rows are rejected.

        `new_identity`: a person declares that its rows are other work, or has done so before. `aside`: rows that cannot
        be sent as they are do not keep the others from being sent.
        """
        cleared = "state = 'running', exit_code = NULL, finished_at = '', reason = ''"
        self._run = run
        self._put(_KILLED, ())
        cleared += ", max_failures = ?, new_identity = max(new_identity, ?), aside = ?"
        values = max_failures, int(new_identity), int(aside), run
        self._put(f"UPDATE runs SET {cleared} WHERE id = ?", values)  # noqa: S608
        self.flush()

    def ask_again(self, run: int, again: Sequence[AgainRecord]) -> None:
        """Record the rows that are to be sent again in a run that has sent nothing; goes with the next commit."""
        for each in again:
            self._put(_PUT_AGAIN, each._replace(run=run))

    def take_input(
        self, run: int, *, file: str, digest: str, lines: int, rows: int, left_out: int,
        known: Iterable[RowRecord] = (),
    ) -> None:  # fmt: skip
        """Record what a run has read that keeps its rows itself, from an API or a pipe, durably.

        `known` are those of its rows of which something is on record.
        """
        taken = "input_file = ?, input_digest = ?, line_count = ?, row_count = ?, left_out = ?"
        sql = f"UPDATE runs SET {taken} WHERE id = ?"  # noqa: S608
        self.flush()
        with self._commit_lock, self._writing():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(sql, (file, digest, lines, rows, left_out, run))
            self._connection.executemany(_PUT_ROW, _of_run(run, known))
            self._connection.execute("COMMIT")

    def end(
        self, run: int, *, state: str, exit_code: int, finished_at: str, reason: str = ""
    ) -> None:
        """Record the end of a run, durably."""
        sql = "UPDATE runs SET state = ?, exit_code = ?, finished_at = ?, reason = ? WHERE id = ?"
        self._put(sql, (state, exit_code, finished_at, reason, run))
        self.flush()

    def identify(self) -> str:
        """Give this journal an id of its own, instead of one that it has; goes with the next commit. Returns it."""
        id_ = os.urandom(16).hex()
        self._put("DELETE FROM journal", ())
        self._put("INSERT INTO journal (id) VALUES (?)", (id_,))
        return id_

    def origin(self, account: str, api: str, origin: str, *, writes: bool, at: str) -> None:
        """Record where an account is, and that a run writes there; goes with the next commit."""
        self._put(_PUT_ORIGIN, (account, api, origin, int(writes), at))

    def checked(self, run: int, stamp: str) -> None:
        """Record how the created.csv of a run looks of which all is known; goes with the next commit."""
        self._put("INSERT OR REPLACE INTO checked (run, stamp) VALUES (?, ?)", (run, stamp))

    def notice(self, notice: NoticeRecord) -> None:
        """Record a notification of the end of a run, or its failure, durably."""
        self._put(_PUT_NOTICE, notice)
        self.flush()

    def intend(self, call: CallRecord) -> None:
        """Record that a call is about to be sent. On the disk before this returns; raises StoppedError if it cannot."""
        self._put_call(call)
        with self._arrived:
            self._in_flight.add(name_of(call.identity))
        self.flush()

    def note_lines(self, call: CallRecord, lines: Collection[str]) -> None:
        """Record the lines of the input, by their digests, that a write is for; goes with the next commit."""
        account, recipe, step, key = _named_by(call.identity)
        for line in lines:
            self._put(_PUT_LINE, (account, recipe, line, step, key, call.run))

    def record(self, call: CallRecord, *, at: str, seconds: float = 0.0) -> None:
        """Record an attempt and the state it left the call in; goes with the next commit. `seconds` it took."""
        self._put_call(call)
        with self._arrived:
            self._in_flight.discard(name_of(call.identity))
        self._put(
            _PUT_ATTEMPT,
            (name_of(call.identity), call.run, at, call.state, call.status, call.reason, seconds),
        )

    def note(self, call: CallRecord) -> None:
        """Record a state that a call reached without an attempt; goes with the next commit."""
        self._put_call(call)

    def claim(self, call: CallRecord) -> Identity | None:
        """Take what a call has made for its own, until that is committed, or else the call that has done so."""
        with self._queue_lock:
            first = self._claimed.setdefault((call.operation, str(call.made)), call.identity)
        return None if first == call.identity else first

    def release(self, call: CallRecord) -> None:
        """Take back the claim of a call whose record will not say that it has made it."""
        with self._queue_lock:
            self._claimed.pop((call.operation, str(call.made)), None)

    def claimed_by(self, operation: str, made: str) -> Identity | None:
        """Return the call that has taken this for what it has made, as may not be committed yet."""
        with self._queue_lock:
            return self._claimed.get((operation, made))

    def is_shown(self, made: str) -> bool:
        """Return true if a call has found this, and that is not committed yet."""
        with self._queue_lock:
            return made in self._shown

    def read_made(self, call: int, made: str) -> None:
        """Record the object of a create of an earlier version, in the next commit."""
        self._put("UPDATE calls SET made = ? WHERE id = ? AND made IS NULL", (made, call))

    def settle(
        self, call: CallRecord, settlement: SettlementRecord, rows: Sequence[RowRecord]
    ) -> None:
        """Record the decision of a person about a call, and the resulting outcomes of rows, durably."""
        self._put_call(call)
        for row in rows:
            self.row(row)
        self._put(_PUT_SETTLEMENT, settlement)
        self.flush()

    def row(self, row: RowRecord) -> None:
        """Record the outcome of a row, in the next commit."""
        self._put(_PUT_ROW, row)

    def hit(self, account: str, api: str, *, day: str) -> None:
        """Count a request that is about to be sent on a day (ISO, UTC); goes with the next commit."""
        self._put(_PUT_HIT, (account, api, day))

    def flush(self) -> None:
        """Commit all queued records; return at once if another thread has committed them. Raises StoppedError."""
        ticket = self._queued
        with self._arriving(), self._commit_lock:
            if self._broken:
                raise StoppedError(self._broken, remedy=self._remedy())
            if self._committed >= ticket:
                return
            self._gather()
            with self._queue_lock:
                batch, self._queue = self._queue, []
                recorded, self._recorded = self._recorded, []
                shown = len(self._shown)
                last = self._queued
            with self._writing():
                self._connection.execute("BEGIN IMMEDIATE")
                for sql, values in batch:
                    self._connection.execute(sql, values)
                self._connection.execute("COMMIT")
            with self._queue_lock:
                for made in recorded:
                    self._claimed.pop(made, None)
                del self._shown[:shown]
            self._committed = last
            self.commits += 1

    @contextmanager
    def _arriving(self) -> Iterator[None]:
        """Count one more thread that waits for a commit."""
        with self._arrived:
            self._waiting += 1
            self._arrived.notify()
        try:
            yield
        finally:
            with self._arrived:
                self._waiting -= 1

    def _gather(self) -> None:
        """Wait a moment for others to share the commit, until half of the calls in flight wait for it; not if alone."""
        with self._arrived:
            self._arrived.wait_for(
                lambda: 2 * self._waiting >= len(self._in_flight), timeout=_GATHERING
            )

    @property
    def queued(self) -> int:
        """The number of records queued so far: they are on the disk once `committed` has reached it."""
        return self._queued

    @property
    def committed(self) -> int:
        """The number of records on the disk."""
        return self._committed

    def _put_call(self, call: CallRecord) -> None:
        if call.effect != "read":
            self._put_identity(call)
        values = (getattr(call, name) for name in _CALL_COLUMNS[len(call.identity) :])
        shown = call.made or "" if call.state == "found" or call.effect == "read" else ""
        own = not shown and call.state != "rejected"
        made = (call.operation, call.made or "") if own else ("", "")
        self._put(_PUT_CALL, (*call.identity, *values), made=made, shown=shown)

    def _put_identity(self, call: CallRecord) -> None:
        """Record the look-alike form of the key of a write, with the first call that has it."""
        account, recipe, step, key = _named_by(call.identity)
        with self._queue_lock:
            if (known := (account, recipe, step, key)) in self._named:
                return
            if len(self._named) >= _NAMED:
                self._named.clear()
            self._named.add(known)
        self._put(_PUT_IDENTITY, (account, recipe, step, look_of(key), key, call.run))

    def _put(
        self,
        sql: str,
        values: Sequence[Any],
        *,
        made: tuple[str, str] = ("", ""),
        shown: str = "",
    ) -> None:
        with self._queue_lock:
            self._shown += [shown] if shown else []
            self._queue.append((sql, [_storable(value) for value in values]))
            self._queued += 1
            if made in self._claimed:
                self._recorded.append(made)

    def _remedy(self) -> str:
        again = f"runner resume {self._run}" if self._run else "run the same again"
        return f"make room or repair the disk, then: {again}"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """After any error inside, write nothing more, and therefore send nothing more."""
        try:
            yield
        except BaseException as error:  # an interrupt leaves half a transaction too
            self._broken = (
                f"the journal {self.path} cannot be written: {error}; nothing more is sent"
            )
            if isinstance(error, sqlite3.Error):
                raise StoppedError(self._broken, remedy=self._remedy()) from None
            raise


def connect(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Return a connection that writes the journal at `path`, its settings verified, and a copy of the earlier version.

    Raises StoppedError.
    """
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            os.fchmod(file, 0o600)
        finally:
            os.close(file)
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10
        )
        with closing_if_it_fails(connection):
            copy = _prepare(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None
    return connection, copy


def _prepare(connection: sqlite3.Connection, path: Path) -> Path | None:
    """Make the connection durable and the journal one of this version; the copy made of an earlier one."""
    version_of(connection, path)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, level) != ("wal", 2):
        raise StoppedError(
            f"the journal {path} cannot be made durable here (mode {mode}, synchronous {level})"
        )
    return bring_up(connection, path)


def _named_by(identity: Identity) -> tuple[str, str, str, str]:
    """Account, recipe, step and key of a call; without the step where the key is that of a row."""
    account, recipe, per, key, step, *_ = identity
    return account, recipe, "" if per == "row" else step_of(step), key


def _unusable(path: Path, error: Exception) -> StoppedError:
    return StoppedError(
        f"the journal {path} cannot be used: {error}; nothing was sent", remedy=remedy_of(error)
    )


def _of_run(run: int, rows: Iterable[RowRecord]) -> Iterator[list[Any]]:
    """Yield the values of rows as those of a run."""
    return ([_storable(value) for value in row._replace(run=run)] for row in rows)


def _storable(value: Any) -> Any:
    """Escape lone surrogates, which JSON can express and SQLite refuses in texts."""
    if isinstance(value, str) and not value.isascii():
        return value.encode(errors="backslashreplace").decode()
    return value
