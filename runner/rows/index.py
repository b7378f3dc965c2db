"""Index of an input, on disk: the place of each record, the rows that records form, and their keys.

All of it is in a nameless SQLite database, which SQLite holds in memory up to `CACHE_KIB` and in a temporary file
beyond that, sorting included. So an input of any size takes the same memory, and groups whose lines are not adjacent
cost a sort instead of a dictionary.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Hashable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby, starmap
from operator import itemgetter
from typing import Any, NamedTuple

from runner.keys import SHORT, brief, mistakable
from runner.problems import StoppedError

CACHE_KIB = 8 * 1024
"""Memory that the database takes, in KiB."""

Place = tuple[int, int, int, int, int]
"""Place of a record: its first line, its file from 0, the offset there and length of its bytes, their CRC-32."""

_PLACE = struct.Struct("5Q")
_RUN = 64
"""Most records in one row of the database: adjacent ones, of one group where records are grouped."""

_BATCH = 1_000
_SCHEMA = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, places BLOB, mark BLOB);
CREATE TABLE keys (mark BLOB, look BLOB, number INT);
CREATE TABLE shared (step TEXT, mark BLOB, look BLOB, number INT, PRIMARY KEY (step, mark)) WITHOUT ROWID;
BEGIN;
"""
_SORT = """
CREATE TABLE sorted AS
SELECT min(number) OVER (PARTITION BY mark) AS first, places FROM runs ORDER BY first, number
"""
_CONFLICTS = """
SELECT * FROM (
    SELECT number, mark, min(number) OVER (PARTITION BY mark) AS same, min(number) OVER (PARTITION BY look) AS first,
           first_value(mark) OVER (PARTITION BY look ORDER BY number) AS first_mark
    FROM keys JOIN (SELECT look FROM keys GROUP BY look HAVING count(*) > 1) USING (look)
) WHERE number > first ORDER BY number
"""
_ALIKE = """
SELECT * FROM (
    SELECT step, number, mark, min(number) OVER (PARTITION BY step, look) AS first,
           first_value(mark) OVER (PARTITION BY step, look ORDER BY number) AS first_mark
    FROM shared JOIN (
        SELECT step, look FROM shared WHERE step <> '?' GROUP BY step, look HAVING count(*) > 1
    ) USING (step, look)
) WHERE mark <> first_mark ORDER BY number, step
"""

OF_GROUPS = ""
"""The step that the values of groups are shared under: none."""

FORMER = "?"
"""The step for former keys of rows: no step has this name."""


class Conflict(NamedTuple):
    """Conflict of a key, or of a value that rows share, with the first one that is equal or looks alike."""

    step: str
    number: int
    key: str
    first: int
    first_key: str

    @property
    def repeated(self) -> bool:
        """True when both are the same."""
        return self.key == self.first_key


class Claimed(NamedTuple):
    """Key of a row, or value that rows share, as `brief` texts, with its look-alike form and its line."""

    look: str
    key: str
    number: int


class Index:
    """The records of an input, in the order of their lines. Raises StoppedError when the disk is full."""

    def __init__(self) -> None:
        import sqlite3

        self._failed = sqlite3.OperationalError
        # Rows are read by one thread at a time, which need not be the one that checked them.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}; {_SCHEMA}"
        )
        self._run: list[Place] = []
        self._group: Hashable = None
        self._runs: list[tuple[int, bytes, bytes | None]] = []
        self._keys: list[tuple[bytes, bytes, int]] = []
        self._shared: list[tuple[str, bytes, bytes, int]] = []
        self._last: dict[str, str] = {}
        self._count = self._row_count = 0
        self._grouped = self._scattered = False

    def __del__(self) -> None:
        # An input has no end that could be marked with a context manager.
        self._db.close()

    def __len__(self) -> int:
        return self._count

    @property
    def row_count(self) -> int:
        """The number of rows that the records form."""
        return self._row_count if self._grouped else self._count

    def add(self, place: Place, group: Hashable = None) -> None:
        """Append a record, which belongs to `group` where records are grouped."""
        # Compared by type as well: 1 equals True.
        if group is not self._group and (
            group != self._group or type(group) is not type(self._group)
        ):
            self._end_run()
            self._group = group
        elif len(self._run) == _RUN:
            self._end_run()
        self._run.append(place)
        self._count += 1

    def claim(self, key: str, number: int, former: Sequence[str] = ()) -> None:
        """Record the key, and the former keys, of the row that begins on line `number`."""
        for name in former:
            self.share(FORMER, name, number)
        self._keys.append((_bytes(key), _bytes(mistakable(key)), number))
        if len(self._keys) >= _BATCH:
            self._write()

    def share(self, step: str, value: str, number: int) -> None:
        """Record the value for which the record on line `number` shares `step`; OF_GROUPS for its group."""
        # Adjacent lines mostly share a value, which is stored once.
        if self._last.get(step) == value:
            return
        self._last[step] = value
        self._shared.append((step, _bytes(value), _bytes(mistakable(value)), number))
        if len(self._shared) >= _BATCH:
            self._write()

    def close(self) -> None:
        """Finish the index once all records are added: bring those of a row together."""
        self._end_run()
        self._write()
        if self._grouped:
            ((runs, self._row_count),) = self._ask(
                "SELECT count(*), count(DISTINCT mark) FROM runs"
            )
            self._scattered = runs > self._row_count
        if self._scattered:
            self._ask(_SORT).close()

    def conflicts(self) -> Iterator[Conflict]:
        """Yield the keys that another row has as well, or one that looks alike."""
        self._write()
        for number, mark, same, first, first_mark in self._ask(_CONFLICTS):
            if same < number:
                yield Conflict("", number, _text(mark), same, _text(mark))
            elif mark != first_mark:
                yield Conflict("", number, _text(mark), first, _text(first_mark))

    def alike(self) -> Iterator[Conflict]:
        """Yield the shared values that look like another one of the same step."""
        self._write()
        for step, number, mark, first, first_mark in self._ask(_ALIKE):
            yield Conflict(step, number, _text(mark), first, _text(first_mark))

    def claimed(self) -> Iterator[Claimed]:
        """Yield the keys of all rows."""
        self._write()
        for look, mark, number in self._ask("SELECT look, mark, number FROM keys"):
            yield Claimed(_text(look), _text(mark), number)

    def shared(self, step: str) -> Iterator[Claimed]:
        """Yield the values for which a step is done once."""
        self._write()
        sql = "SELECT look, mark, number FROM shared WHERE step = ?"
        for look, mark, number in self._ask(sql, step):
            yield Claimed(_text(look), _text(mark), number)

    def has(self, step: str, value: str) -> bool:
        """Return whether rows share this value of a step; for OF_GROUPS a group, for FORMER a former key."""
        self._write()
        sql = "SELECT 1 FROM shared WHERE step = ? AND mark = ?"
        return any(self._ask(sql, step, _bytes(value)))

    def line_of(self, step: str, value: str) -> int:
        """Return the first line that shares this value of a step; for FORMER a former key. 0 for none."""
        self._write()
        sql = "SELECT number FROM shared WHERE step = ? AND mark = ?"
        return next((int(number) for (number,) in self._ask(sql, step, _bytes(value))), 0)

    def has_key(self, key: str) -> bool:
        """Return whether a row has this key."""
        self._write()
        # Built on first use: few inputs need it, and inserting is faster without.
        self._ask("CREATE INDEX IF NOT EXISTS key_marks ON keys (mark)")
        return any(self._ask("SELECT 1 FROM keys WHERE mark = ? LIMIT 1", _bytes(key)))

    def rows(self) -> Iterator[list[Place]]:
        """Yield the records of each row, in the order of first lines."""
        if not self._grouped:
            yield from ([place] for place in self._places())
            return
        sql = "SELECT number, places FROM runs ORDER BY number"
        if self._scattered:
            sql = "SELECT first, places FROM sorted ORDER BY rowid"
        for _, runs in groupby(self._ask(sql), itemgetter(0)):
            yield [place for _, places in runs for place in _PLACE.iter_unpack(places)]

    def numbers(self) -> Iterator[int]:
        """Yield the first line of each record, ascending."""
        return map(itemgetter(0), self._places())

    def find(self, numbers: Collection[int]) -> Iterator[Place]:
        """Yield the records that begin on these lines, in file order. Raises ValueError where none begins."""
        run: dict[int, Place] = {}
        for number in sorted(set(numbers)):
            if number not in run:
                sql = "SELECT places FROM runs WHERE number <= ? ORDER BY number DESC LIMIT 1"
                run = {
                    place[0]: place
                    for (places,) in self._ask(sql, number)
                    for place in _PLACE.iter_unpack(places)
                }
            if number not in run:
                raise ValueError(f"no record begins on line {number}")
            yield run[number]

    def _places(self) -> Iterator[Place]:
        """Return the places of all records, in file order."""
        return (
            place
            for (places,) in self._ask("SELECT places FROM runs ORDER BY number")
            for place in _PLACE.iter_unpack(places)
        )

    def _end_run(self) -> None:
        """End the current run of records, which becomes one row of the database."""
        if self._run:
            mark = None if self._group is None else _mark(self._group)
            self._grouped = self._grouped or mark is not None
            self._runs.append((self._run[0][0], b"".join(starmap(_PLACE.pack, self._run)), mark))
            self._run.clear()
        if len(self._runs) >= _BATCH:
            self._write()

    def _write(self) -> None:
        try:
            self._db.executemany("INSERT INTO runs VALUES (?, ?, ?)", self._runs)
            self._db.executemany("INSERT INTO keys VALUES (?, ?, ?)", self._keys)
            self._db.executemany("INSERT OR IGNORE INTO shared VALUES (?, ?, ?, ?)", self._shared)
        except self._failed as error:
            raise _full(error) from None
        self._runs.clear()
        self._keys.clear()
        self._shared.clear()

    def _ask(self, sql: str, *values: int | str | bytes) -> Any:
        try:
            return self._db.execute(sql, values)
        except self._failed as error:
            raise _full(error) from None


def _full(error: Exception) -> StoppedError:
    return StoppedError(
        f"the temporary folder cannot be used: {error}",
        remedy="make room there, or name another folder in the environment variable TMPDIR",
    )


def _bytes(text: str) -> bytes:
    return brief(text).encode("utf-8", "surrogatepass")


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")


def _mark(value: Hashable) -> bytes:
    """Return bytes that represent a value: equal for equal values, and different for all others."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        text = b"\0" + str(Decimal(value).normalize()).encode()
    else:
        text = b"\1" + repr(value).encode()
    return text if len(text) <= SHORT else b"\2" + hashlib.sha256(text).digest()
