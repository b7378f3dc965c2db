"""Upgrade of a journal of another version: copied and given the declared tables, or read as if it had them.

A journal is judged by the columns it has. Its version is stamped last, and only refuses what is newer.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

from runner.journal.records import now
from runner.journal.schema import MIGRATIONS, TABLES, VERSION, Column, Migration, Table
from runner.problems import StoppedError

RESTORE = "repair it or restore it from a copy: without it runner cannot know what was sent before"


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the journal at `path`, 0 without tables. Raises StoppedError for a newer one."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        message = f"the journal {path} was written by a newer runner (version {version})"
        raise StoppedError(message, remedy="update runner")
    return version


def bring_up(
    connection: sqlite3.Connection,
    path: Path,
    *,
    copied: bool = True,
    tables: Mapping[str, Table] = TABLES,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Path | None:
    """Create what the journal at `path` lacks, all or nothing, and return its copy from before.

    There is no copy of a new journal, of one that lacks nothing, and of one that need not be `copied`.
    Raises StoppedError for what is no journal.
    """
    version = version_of(connection, path)
    pending = _pending(connection, migrations)
    if version == VERSION and not pending and not _lacks(connection, tables):
        return None
    is_new = not any(_columns(connection, name) for name in tables)
    if not is_new:
        _check(connection, path, tables)
    copy = _copy(connection, path, version) if copied and not is_new else None
    try:
        _create(connection, tables, pending)
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        if copy is not None:
            copy.unlink()
        raise
    return copy


def is_pending(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> bool:
    """Return true if values have to be migrated before this version can read them."""
    return bool(_pending(connection, migrations))


def present(
    connection: sqlite3.Connection, path: Path, *, tables: Mapping[str, Table] = TABLES
) -> None:
    """Let a connection that only reads see the declared tables, whatever the journal at `path` has of them."""
    _check(connection, path, tables)
    for name, table in tables.items():
        found = _columns(connection, name)
        missing = [column for column in table.columns if column not in found]
        if not found:
            connection.execute(f"CREATE TEMP TABLE {name} ({', '.join(table.columns)})")
        elif missing:
            # the star sees a column that a run adds while this connection is open: the first of a name counts
            row = "" if table.rowless else "rowid AS rowid, "
            added = ", ".join(f"{table.columns[each].default} AS {each}" for each in missing)
            connection.execute(
                f"CREATE TEMP VIEW {name} AS SELECT {row}*, {added} FROM main.{name}"  # noqa: S608
            )


def in_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return the same journal in memory, the connection to the file closed."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(memory)
    return memory


def _create(
    connection: sqlite3.Connection, tables: Mapping[str, Table], pending: Sequence[Migration]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for name, table in tables.items():
        found = _columns(connection, name)
        if found and not _is_unique(connection, name, table):
            _rebuild(connection, name, table, found)
        elif not found:
            _create_table(connection, name, table)
        else:
            for column in table.columns:
                if column not in found:
                    declared = _declared(column, table.columns[column])
                    connection.execute(f"ALTER TABLE {name} ADD COLUMN {declared}")
        for index, columns in table.indexes.items():
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {index} ON {name} ({', '.join(columns)})"
            )
    for migration in pending:
        migration.apply(connection)
        connection.execute(
            "INSERT INTO migrations (name, at) VALUES (?, ?)", (migration.name, now())
        )
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _create_table(connection: sqlite3.Connection, name: str, table: Table) -> None:
    parts = [_declared(column, declared) for column, declared in table.columns.items()]
    if table.unique:
        kind = "PRIMARY KEY" if table.rowless else "UNIQUE"
        parts.append(f"{kind} ({', '.join(table.unique)})")
    end = " WITHOUT ROWID" if table.rowless else ""
    connection.execute(f"CREATE TABLE {name} ({', '.join(parts)}){end}")


def _rebuild(connection: sqlite3.Connection, name: str, table: Table, found: Sequence[str]) -> None:
    """Move a table to one that has the declared constraint: a constraint cannot be altered in place."""
    connection.execute(f"ALTER TABLE {name} RENAME TO {name}_before")
    for index in table.indexes:
        connection.execute(f"DROP INDEX IF EXISTS {index}")
    _create_table(connection, name, table)
    columns = ", ".join(column for column in table.columns if column in found)
    connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_before")  # noqa: S608
    connection.execute(f"DROP TABLE {name}_before")


def _declared(name: str, column: Column) -> str:
    default = "" if column.default is None else f" DEFAULT {column.default}"
    return f"{name} {column.declared}{default}"


def _lacks(connection: sqlite3.Connection, tables: Mapping[str, Table]) -> bool:
    names = {name for (name,) in connection.execute("SELECT name FROM main.sqlite_schema")}
    return any(
        not set(table.columns) <= set(_columns(connection, name))
        or not set(table.indexes) <= names
        or not _is_unique(connection, name, table)
        for name, table in tables.items()
    )


def _check(connection: sqlite3.Connection, path: Path, tables: Mapping[str, Table]) -> None:
    """Raise StoppedError if a table or a column is missing that every journal has."""
    for name, table in tables.items():
        found = _columns(connection, name)
        if not found and table.later:
            continue
        missing = [
            column
            for column, declared in table.columns.items()
            if column not in found and declared.default is None
        ]
        if missing:
            lack = f"no column {missing[0]!r} in its table {name!r}" if found else f"no {name!r}"
            raise StoppedError(f"{path} is not a journal of runner: it has {lack}", remedy=RESTORE)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]


def _is_unique(connection: sqlite3.Connection, name: str, table: Table) -> bool:
    """Return true if the declared columns are unique together in the existing table."""
    if not table.unique:
        return True
    indexes = connection.execute(f"PRAGMA main.index_list({name})").fetchall()
    unique = [index[1] for index in indexes if index[2]]
    return any(
        tuple(row[2] for row in connection.execute(f"PRAGMA main.index_info({index})"))
        == table.unique
        for index in unique
    )


def _pending(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> list[Migration]:
    if not _columns(connection, "migrations"):
        return list(migrations)
    names = {name for (name,) in connection.execute("SELECT name FROM main.migrations")}
    return [migration for migration in migrations if migration.name not in names]


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Return a copy of the journal beside it, complete and for the owner alone. Raises StoppedError."""
    names = (f"{path.name}.v{version}{f'-{n}' if n > 1 else ''}.bak" for n in count(1))
    copy = next(each for each in (path.with_name(name) for name in names) if not each.exists())
    part = copy.with_name(f".{copy.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
        part.replace(copy)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            part.unlink()
        raise StoppedError(
            f"the journal {path} is of an earlier version and cannot be copied to {copy} before it is "
            f"brought up: {error}; it is unchanged, and nothing was sent",
            remedy="make room, then run the same again",
        ) from None
    return copy
