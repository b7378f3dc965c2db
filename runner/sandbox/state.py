"""State of the sandbox: one SQLite file in a folder, and beside it the log of everything that was delivered.

    folder/state.sqlite       the objects and the identity of this state
    folder/deliveries.jsonl   one JSON line per request, in the order in which they were decided
    folder/instance           the identity once more, for `instance_of`, which opens no database

One request is decided at a time. Its change is committed first, its line is appended next, and only then is it
answered. A process that is killed between the first two leaves a change without its line; the line was committed
with the change and is appended when the state is opened again, so that log and objects always agree.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.sandbox import exact_json
from runner.sandbox.deliveries import DATABASE, INSTANCE, Deliveries

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    api TEXT, collection TEXT, parent TEXT, id INTEGER, body TEXT NOT NULL, PRIMARY KEY (api, collection, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (api, collection, parent, id);
CREATE TABLE IF NOT EXISTS last_delivery (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER, line TEXT);
"""


_FROM = "FROM objects WHERE api = ? AND collection = ?"
_OTHER = "FROM objects AS other"

TESTS = ("==", "!=", "<", ">", "<=", ">=")
"""Comparisons of a condition that SQL has under the same sign."""

TEXT, MOMENT = "CAST({} AS TEXT)", "substr({}, 1, 19)"
"""Compared part of a field: all of it as a text, or a date and time without what follows the seconds."""


@dataclass(frozen=True)
class Place:
    """Collection: the API, its path with `{}` for each id in it, and those ids as `31000/7`."""

    api: str
    collection: str
    parent: str = ""


@dataclass(frozen=True)
class Condition:
    """Condition on a listed object: the dotted field, the match, and the values to match.

    `match` is one of TESTS, equals, in, contains, from, to, or since (from, or without the field). `cast` is TEXT,
    MOMENT or the unchanged field. `through` is the dotted field with the id of the object that has `field`, and the
    collection of that object.
    """

    field: str
    match: str
    values: tuple[str | int | float, ...]
    cast: str = "{}"
    through: tuple[str, Place] | None = None


class State:
    """The objects of all APIs. All methods but `seed`, `index` and `close` have to run inside `exclusive`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / DATABASE).touch(mode=0o600)
        self._lock = threading.Lock()
        self._changed = False
        self._last: dict[Place, int] = {}
        self._touched: list[Place] = []
        self._database = sqlite3.connect(
            folder / DATABASE, check_same_thread=False, isolation_level=None
        )
        try:
            # WAL without syncs survives the death of the process; that of the machine need not be.
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_SCHEMA)
            self.instance = self._identity()
            (folder / INSTANCE).write_text(self.instance + "\n", encoding="ascii")
            self._deliveries = Deliveries(folder)
            self._append_lost_line()
        except BaseException:
            self._database.close()
            raise

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Decide one request; undo what was changed and not recorded. Raises OSError on a full disk."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise OSError(0, str(error)) from None
            finally:
                self.undo()

    def undo(self) -> None:
        """Undo what was changed and not recorded yet."""
        for place in self._touched:
            self._last.pop(place, None)
        self._touched.clear()
        if self._changed:
            self._changed = False
            if self._database.in_transaction:
                # On a full disk SQLite has rolled back by itself.
                self._database.execute("ROLLBACK")

    def record(self, delivery: Mapping[str, Any]) -> None:
        """Commit what was changed and append `delivery` to the log, under the next number `n`."""
        n = self._deliveries.count + 1
        line = exact_json.encode({"n": n, **delivery})
        if self._changed:
            self._database.execute(
                "INSERT OR REPLACE INTO last_delivery VALUES (1, ?, ?)", (n, line)
            )
            self._database.execute("COMMIT")
            self._changed = False
        self._touched.clear()
        self._deliveries.append(line)

    def next_id(self, place: Place, first: int) -> int:
        """Return the id of the next object of a collection, under any parents: `first`, then one more each time."""
        return self._next(
            replace(place, parent="*"),
            f"SELECT max(id) {_FROM}",
            (place.api, place.collection),
            first,
        )

    def next_number(self, place: Place) -> int:
        """Return the number of the next object under these parents, from 1."""
        values = (place.api, place.collection, place.parent)
        return self._next(place, f"SELECT count(*) {_FROM} AND parent = ?", values, 1)

    def _next(self, counter: Place, query: str, values: Sequence[str], first: int) -> int:
        """Return one more than last time.

        The first number is queried from the objects; after that the counter is in memory.
        """
        last = self._last.get(counter)
        if last is None:
            last = self._database.execute(query, values).fetchone()[0] or first - 1
        self._touched.append(counter)
        self._last[counter] = last + 1
        return last + 1

    def put(self, place: Place, key: int, body: str) -> None:
        """Store an object, new or changed."""
        if not self._changed:
            self._database.execute("BEGIN IMMEDIATE")
            self._changed = True
        self._database.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
            (place.api, place.collection, place.parent, key, body),
        )

    def get(self, place: Place, key: int) -> str | None:
        """Return the object `key` of a collection, or None when it is absent or belongs to other parents."""
        row = self._database.execute(
            f"SELECT parent, body {_FROM} AND id = ?", (place.api, place.collection, key)
        ).fetchone()
        return row[1] if row and row[0] == place.parent else None

    def find(self, place: Place, key: int) -> str | None:
        """Return the object `key` of a collection, regardless of its parents."""
        row = self._database.execute(
            f"SELECT body {_FROM} AND id = ?", (place.api, place.collection, key)
        ).fetchone()
        return row[0] if row else None

    def select(
        self,
        place: Place,
        conditions: Sequence[Condition] = (),
        *,
        everywhere: bool = False,
        window: tuple[int, int] | None = None,
        order: str = "",
    ) -> tuple[int, list[tuple[str, int, str]]]:
        """Return the number of objects that satisfy all conditions, and (parent, id, body) of each, sorted.

        The order is by the field `order` and by id. `window` is (objects to skip, objects to return); `everywhere`
        selects under all parents.
        """
        # The collection is a literal: with a bound value SQLite would not use its partial index.
        where, values = f"FROM objects WHERE {_collection(place)}", list[Any]()
        if not everywhere:
            where += " AND parent = ?"
            values.append(place.parent)
        for condition in conditions:
            text, more = _condition(condition)
            where += f" AND {text}"
            values.extend(more)
        ordered = f"ORDER BY {_extract(order)}, id" if order else "ORDER BY id"
        if window is None:
            rows = self._database.execute(
                f"SELECT parent, id, body {where} {ordered}", values
            ).fetchall()
            return len(rows), rows
        total = self._database.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        # The ids come from the index alone; only the objects of the page are then read.
        ids = f"SELECT id {where} {ordered} LIMIT ?, ?"
        query = f"SELECT parent, id, body {_FROM} AND id IN ({ids}) {ordered}"
        return total, self._database.execute(
            query, [place.api, place.collection, *values, *window]
        ).fetchall()

    def seed(self, place: Place, rows: Sequence[tuple[int, str]], *, fresh: bool) -> None:
        """Store the objects (id and body) that a collection has from the start; `fresh` replaces earlier ones."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            if fresh:
                self._database.execute(f"DELETE {_FROM}", (place.api, place.collection))
            self._database.executemany(
                "INSERT OR IGNORE INTO objects VALUES (?, ?, ?, ?, ?)",
                [(place.api, place.collection, place.parent, key, body) for key, body in rows],
            )
            self._database.execute("COMMIT")

    def index(self, place: Place, field: str) -> None:
        """Index a collection by the value of `field`, for searches by it or its bounds."""
        name = f"{place.api}{place.collection} {field}".replace('"', '""')
        columns = f"parent, {_extract(field)}"
        self._database.execute(
            f'CREATE INDEX IF NOT EXISTS "{name}" ON objects ({columns}) WHERE {_collection(place)}'
        )

    def close(self) -> None:
        with self._lock:
            self._database.close()
            self._deliveries.close()

    def _identity(self) -> str:
        self._database.execute(
            "INSERT OR IGNORE INTO meta VALUES ('instance', ?)", (str(uuid.uuid4()),)
        )
        return str(
            self._database.execute("SELECT value FROM meta WHERE name = 'instance'").fetchone()[0]
        )

    def _append_lost_line(self) -> None:
        # A kill between commit and append left the line in the database only.
        row = self._database.execute("SELECT n, line FROM last_delivery").fetchone()
        if row and row[0] > self._deliveries.count:
            self._deliveries.append(row[1])


_MIDNIGHT = re.compile(r"(?<=[0-9])T00:00(:00(\.0+)?)?Z?$")


def _extract(field: str, table: str = "") -> str:
    """Return the SQL expression for a dotted field. It has to be identical in queries and indexes."""
    path = "$" + "".join(f'."{part}"' for part in field.split("."))
    return f"json_extract({table}body, {_quoted(path)})"


def _collection(place: Place) -> str:
    return f"api = {_quoted(place.api)} AND collection = {_quoted(place.collection)}"


def _quoted(text: str) -> str:
    """Return a text of an API document as an SQL literal; values of requests are always bound."""
    return "'" + text.replace("'", "''") + "'"


def _field(condition: Condition) -> str:
    """Return the SQL expression for the field of a condition: of the object itself, or of the one it refers to."""
    if condition.through is None:
        return _extract(condition.field)
    reference, place = condition.through
    named = f"{_collection(place)} AND id = {_extract(reference, 'objects.')}"
    return f"(SELECT {_extract(condition.field)} {_OTHER} WHERE {named})"


def _condition(condition: Condition) -> tuple[str, Sequence[str | int | float]]:
    """Return a condition as SQL and its values. Text bounds compare as prefixes: a day includes its hours."""
    field, values = condition.cast.format(_field(condition)), condition.values
    if condition.match in TESTS:
        return f"{field} {condition.match} ?", values
    if condition.match in ("equals", "in"):
        return f"{field} IN ({', '.join('?' * len(values))})", values
    if condition.match == "contains":
        return f"instr(lower({field}), lower(?)) > 0", values
    if condition.match in ("from", "since"):
        # "2025-11-30T00:00" as a lower bound includes "2025-11-30", a day whose hour is not known.
        lower = [_MIDNIGHT.sub("", value) if isinstance(value, str) else value for value in values]
        null = f" OR {field} IS NULL" if condition.match == "since" else ""
        return f"({field} >= ?{null})", lower
    if isinstance(values[0], str):
        # The greatest character: "2025-11-30" as an upper bound includes "2025-11-30T17:00".
        return f"{field} <= ?", (values[0] + "\U0010ffff",)
    return f"{field} <= ?", values
