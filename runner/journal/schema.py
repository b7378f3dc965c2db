"""Tables of the journal, declared once for creating, upgrading and reading it.

A new table or column is one entry here. A column that comes later has a default, which is what the records of before
have; one without a default has been there since the first version, and what lacks it is no journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import NamedTuple

from runner.journal.content import bring_up_contents, bring_up_found, bring_up_made
from runner.journal.rekey import bring_up_keys, bring_up_looks

VERSION = 5
"""The version from which on the columns of a journal, not its number, determine the missing ones."""


class Column(NamedTuple):
    """A column: its SQL type and constraints, and its value (SQL) in records from before it existed."""

    declared: str
    default: str | None = None


class Table(NamedTuple):
    """A table: columns by name, what is unique (the primary key of a table without row ids), indexes by name.

    A table that came `later` than the first version may be missing from a journal.
    """

    columns: Mapping[str, Column]
    unique: tuple[str, ...] = ()
    rowless: bool = False
    later: bool = False
    indexes: Mapping[str, tuple[str, ...]] = {}


class Migration(NamedTuple):
    """A migration of the values of a journal, run once, after all columns exist; its name is stored in the journal."""

    name: str
    apply: Callable[[sqlite3.Connection], object]


ID = Column("INTEGER PRIMARY KEY")
TEXT = Column("TEXT NOT NULL")
INTEGER = Column("INTEGER NOT NULL")
REAL = Column("REAL NOT NULL")
LATER_TEXT = Column("TEXT NOT NULL", "''")
LATER_INTEGER = Column("INTEGER NOT NULL", "0")
MAYBE_INTEGER = Column("INTEGER", "NULL")
MAYBE_TEXT = Column("TEXT", "NULL")

_RUN = {
    "id": ID, "recipe": TEXT, "target": TEXT, "account": TEXT, "recipe_file": TEXT, "recipe_digest": TEXT,
    "input_file": TEXT, "input_digest": TEXT, "vars": TEXT, "date": TEXT, "started_at": TEXT, "state": TEXT,
    "exit_code": MAYBE_INTEGER, "finished_at": TEXT, "line_count": INTEGER, "row_count": INTEGER,
    "reason": TEXT, "only": TEXT, "max_failures": MAYBE_INTEGER, "who": LATER_TEXT, "left_out": LATER_INTEGER,
    "new_identity": LATER_INTEGER, "key_text": LATER_TEXT, "previous": LATER_INTEGER,
    "key_columns": LATER_TEXT, "aside": LATER_INTEGER,
}  # fmt: skip
_CALL = {
    "id": ID, "account": TEXT, "recipe": TEXT, "per": TEXT, "key": TEXT, "step": TEXT, "item": TEXT,
    "operation": TEXT, "effect": TEXT, "run": INTEGER, "state": TEXT, "method": TEXT, "url": TEXT,
    "digest": TEXT, "body": TEXT, "amount": TEXT, "status": INTEGER, "answer": TEXT, "reason": TEXT,
    "attempts": INTEGER, "sent_at": TEXT, "row": INTEGER, "before": LATER_TEXT, "generation": LATER_INTEGER,
    "content": LATER_TEXT, "position": LATER_INTEGER, "made": MAYBE_TEXT, "concluded": LATER_INTEGER,
}  # fmt: skip
_ATTEMPT = {
    "call": TEXT, "run": INTEGER, "at": TEXT, "state": TEXT, "status": INTEGER, "reason": TEXT, "seconds": REAL,
}  # fmt: skip
_ROW = {
    "run": INTEGER, "number": INTEGER, "key": TEXT, "lines": TEXT, "bucket": TEXT, "reason": TEXT,
    "outputs": TEXT, "money": LATER_TEXT, "ids": LATER_TEXT, "links": LATER_TEXT, "on_record": LATER_TEXT,
    "reached": Column("INTEGER NOT NULL", "1"), "unsettled": LATER_TEXT,
}  # fmt: skip
_AGAIN = {
    "run": INTEGER, "key": TEXT, "generation": INTEGER, "why": TEXT, "who": TEXT, "at": TEXT,
}  # fmt: skip
_IDENTITY = ("account", "recipe", "per", "key", "step", "item", "generation")

TABLES: Mapping[str, Table] = {
    "runs": Table(_RUN),
    "calls": Table(
        _CALL,
        _IDENTITY,
        indexes={
            "calls_of_run": ("run", "row"),
            "calls_of_content": ("content",),
            "calls_of_made": ("made",),
            "calls_of_url": ("url",),
            "calls_concluded": ("concluded",),
        },
    ),
    "attempts": Table(_ATTEMPT),
    "rows": Table(_ROW, ("run", "number"), rowless=True, indexes={"rows_of_key": ("key", "run")}),
    "again": Table(_AGAIN, ("run", "key"), rowless=True, later=True),
    "hits": Table(
        {"account": TEXT, "api": TEXT, "day": TEXT, "count": INTEGER},
        ("account", "api", "day"),
        rowless=True,
        later=True,
    ),
    "notices": Table({"run": INTEGER, "at": TEXT, "name": TEXT, "reason": TEXT}, later=True),
    "identities": Table(
        {"account": TEXT, "recipe": TEXT, "step": TEXT, "look": TEXT, "key": TEXT, "run": INTEGER},
        ("account", "recipe", "step", "look", "key"),
        rowless=True,
        later=True,
    ),
    "twins": Table(
        {"account": TEXT, "recipe": TEXT, "per": TEXT, "key": TEXT, "other": TEXT},
        ("account", "recipe", "per", "key", "other"),
        rowless=True,
        later=True,
    ),
    "sent_lines": Table(
        {"account": TEXT, "recipe": TEXT, "line": TEXT, "step": TEXT, "key": TEXT, "run": INTEGER},
        ("account", "recipe", "line", "step", "key"),
        rowless=True,
        later=True,
    ),
    "journal": Table({"id": TEXT}, later=True),
    "origins": Table(
        {"account": TEXT, "api": TEXT, "origin": TEXT, "writes": INTEGER, "at": TEXT},
        ("account", "api"),
        rowless=True,
        later=True,
    ),
    "checked": Table({"run": INTEGER, "stamp": TEXT}, ("run",), rowless=True, later=True),
    "settlements": Table(
        {
            "call": INTEGER,
            "at": TEXT,
            "who": TEXT,
            "verdict": TEXT,
            "name": TEXT,
            "why": TEXT,
            "shown": TEXT,
            "before": TEXT,
        },
        later=True,
        indexes={"settlements_of_call": ("call",)},
    ),
    "migrations": Table({"name": TEXT, "at": TEXT}, ("name",), rowless=True, later=True),
}

MIGRATIONS: tuple[Migration, ...] = (
    Migration("canonical keys", bring_up_keys),
    Migration("contents", bring_up_contents),
    Migration("made", bring_up_made),
    Migration("found", bring_up_found),
    Migration("looks", bring_up_looks),
)
