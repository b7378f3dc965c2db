"""The tables of the journal and their version: made, brought up from an earlier one, or read as they are."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from runner.problems import StoppedError

VERSION = 4

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, recipe TEXT NOT NULL, target TEXT NOT NULL, account TEXT NOT NULL,
    recipe_file TEXT NOT NULL, recipe_digest TEXT NOT NULL, input_file TEXT NOT NULL, input_digest TEXT NOT NULL,
    vars TEXT NOT NULL, date TEXT NOT NULL, started_at TEXT NOT NULL, state TEXT NOT NULL, exit_code INTEGER,
    finished_at TEXT NOT NULL, line_count INTEGER NOT NULL, row_count INTEGER NOT NULL, reason TEXT NOT NULL,
    only TEXT NOT NULL, max_failures INTEGER, who TEXT NOT NULL DEFAULT '', left_out INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS notices (
    run INTEGER NOT NULL, at TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, recipe TEXT NOT NULL, per TEXT NOT NULL, key TEXT NOT NULL,
    step TEXT NOT NULL, item TEXT NOT NULL, operation TEXT NOT NULL, effect TEXT NOT NULL, run INTEGER NOT NULL,
    state TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
    amount TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, sent_at TEXT NOT NULL, row INTEGER NOT NULL,
    before TEXT NOT NULL, generation INTEGER NOT NULL,
    UNIQUE (account, recipe, per, key, step, item, generation));
CREATE INDEX IF NOT EXISTS calls_of_run ON calls (run, row);
CREATE TABLE IF NOT EXISTS attempts (
    call TEXT NOT NULL, run INTEGER NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, status INTEGER NOT NULL,
    reason TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    run INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, lines TEXT NOT NULL, bucket TEXT NOT NULL,
    reason TEXT NOT NULL, outputs TEXT NOT NULL, money TEXT NOT NULL DEFAULT '', ids TEXT NOT NULL DEFAULT '',
    links TEXT NOT NULL DEFAULT '', PRIMARY KEY (run, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS again (
    run INTEGER NOT NULL, key TEXT NOT NULL, generation INTEGER NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hits (
    account TEXT NOT NULL, api TEXT NOT NULL, day TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (account, api, day)) WITHOUT ROWID;
"""

# A constraint cannot be altered in place: the calls move to a table that has the new one.
_ASIDE = ("ALTER TABLE calls RENAME TO calls_1", "DROP INDEX calls_of_run")
_COLUMNS = ("ALTER TABLE rows ADD COLUMN money TEXT NOT NULL DEFAULT ''",)
_RUNS = tuple(
    f"ALTER TABLE runs ADD COLUMN {column}"
    for column in (
        "max_failures INTEGER",
        "who TEXT NOT NULL DEFAULT ''",
        "left_out INTEGER NOT NULL DEFAULT 0",
    )
)
_ROWS = tuple(
    f"ALTER TABLE rows ADD COLUMN {name} TEXT NOT NULL DEFAULT ''" for name in ("ids", "links")
)
_BACK = ("INSERT INTO calls SELECT *, '', 0 FROM calls_1", "DROP TABLE calls_1")

_AS_2 = (
    "CREATE TEMP VIEW calls AS SELECT *, '' AS before, 0 AS generation FROM main.calls",
    "CREATE TEMP TABLE again (run, key, generation, why, who, at)",
    "CREATE TEMP TABLE hits (account, api, day, count)",
)
"""What lets a connection that only reads see a journal of version 1 as one of version 2."""

_AS_3 = (
    "CREATE TEMP VIEW runs AS SELECT *, NULL AS max_failures, '' AS who, 0 AS left_out FROM main.runs",
    "CREATE TEMP TABLE notices (run, at, name, reason)",
)
"""The same for version 2, and version 3."""

_AS_4 = "CREATE TEMP VIEW rows AS SELECT *, '' AS ids, '' AS links FROM main.rows"
_FROM_1 = "CREATE TEMP VIEW rows AS SELECT *, '' AS money, '' AS ids, '' AS links FROM main.rows"
"""The rows of versions 2 and 3 as those of version 4, and of version 1 as those."""


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the journal at `path`, 0 when it has no tables yet. Raises StoppedError for a newer one."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        message = f"the journal {path} was written by a newer runner (version {version})"
        raise StoppedError(message, remedy="update runner")
    return version


def create(connection: sqlite3.Connection) -> None:
    """The tables of this version, in one transaction; those of earlier ones with all that they hold."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    first, second, earlier = version == 1, 0 < version < 3, 0 < version < VERSION
    before = _ASIDE if first else ()
    after = (
        *(_BACK + _COLUMNS if first else ()),
        *(_RUNS if second else ()),
        *(_ROWS if earlier else ()),
    )
    for statement in (*before, *_SCHEMA.split(";")[:-1], *after):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def present(connection: sqlite3.Connection, version: int) -> None:
    """Let a connection that only reads see what it would see in this version."""
    rows = {1: (_FROM_1,), 2: (_AS_4,), 3: (_AS_4,)}.get(version, ())
    for statement in (*(_AS_2 if version == 1 else ()), *(_AS_3 if 0 < version < 3 else ()), *rows):
        connection.execute(statement)
