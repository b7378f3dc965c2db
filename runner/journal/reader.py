"""Read-only connections to the journal: of any version, also in a read-only folder, and without files of their own."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.durable import refuse_links
from runner.journal.schema import MIGRATIONS, Migration
from runner.journal.upgrade import RESTORE, bring_up, in_memory, is_pending, present, version_of
from runner.problems import StoppedError

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_FULL = "make room on the disk, then run the same again"
_DENIED = "make the folder and the files in it readable and writable for you"
_REMEDIES = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": "close the other program that has it open, then run the same again",
    "SQLITE_IOERR": "check the disk that it is on",
    "SQLITE_READONLY": _DENIED,
    "SQLITE_CANTOPEN": _DENIED,
    "SQLITE_PERM": _DENIED,
}
_OF_SYSTEM = {
    errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EACCES: _DENIED, errno.EPERM: _DENIED, errno.EROFS: _DENIED,
    errno.ENOTDIR: "runs/ is a folder: move the file of that name away",
    errno.EEXIST: "runs/ is a folder: move the file of that name away",
    errno.EISDIR: "the journal is a file: move the folder of that name away",
}  # fmt: skip


def connect_to_read(
    path: Path, *, migrations: Sequence[Migration] = MIGRATIONS
) -> sqlite3.Connection | None:
    """Return a read-only connection to the journal at `path`; None before its first run. Raises StoppedError."""
    refuse_links(path.parent)
    try:
        if not path.exists():
            return None
        connection = _open(path)
        with closing_if_it_fails(connection):
            if version_of(connection, path) == 0:  # its maker was killed before it had tables
                connection.close()
                return None
            present(connection, path)
            if not is_pending(connection, migrations):
                return connection
        connection = in_memory(connection)
        with closing_if_it_fails(connection):
            bring_up(connection, path, copied=False, migrations=migrations)
    except (sqlite3.Error, OSError) as error:
        message = f"the journal {path} cannot be read: {error}"
        raise StoppedError(message, remedy=remedy_of(error)) from None
    return connection


def remedy_of(error: Exception) -> str:
    """Return the remedy for an error of SQLite or of the system; a copy is restored only if the file is damaged."""
    if isinstance(error, OSError):
        return _OF_SYSTEM.get(error.errno or 0, "check the folder, then run the same again")
    name = str(getattr(error, "sqlite_errorname", ""))
    if name.startswith(_DAMAGED):
        return RESTORE
    found = (remedy for start, remedy in _REMEDIES.items() if name.startswith(start))
    return next(found, "check the file and the folder, then run the same again")


@contextmanager
def closing_if_it_fails(connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection if an exception is raised inside."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _open(path: Path) -> sqlite3.Connection:
    """Return a connection that creates no file in a read-only folder."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    try:
        return _connection(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise
    try:
        return _connection(path, "mode=rw")  # a kill left a write to be rolled back
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise
    wal = path.with_name(f"{path.name}-wal")
    if not wal.exists() or wal.stat().st_size == 0:
        return _connection(path, "mode=ro&immutable=1")
    return _copied(path, wal)


def _copied(path: Path, wal: Path) -> sqlite3.Connection:
    """Return a copy of the journal in memory, with its WAL: SQLite reads a WAL only where it can create a file."""
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        for file in (path, wal):
            shutil.copyfile(file, Path(folder, file.name))
        return in_memory(_connection(Path(folder, path.name), "mode=rw"))


def _connection(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10
    )
    with closing_if_it_fails(connection):
        connection.execute("PRAGMA user_version").fetchone()
    return connection
