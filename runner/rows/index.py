"""Where each record of an input stands, which of them make up a row, and which keys there are: on disk, not in memory.

All of it is in a nameless SQLite database, which SQLite keeps in memory up to `CACHE_KIB` and in a temporary file
beyond that, sorting included. So an input costs the same memory whatever its size, and groups whose lines are not
adjacent cost a sort instead of a dictionary.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Hashable, Iterator
from decimal import Decimal
from itertools import groupby, starmap
from operator import itemgetter
from typing import Any

from runner.problems import StoppedError

CACHE_KIB = 8 * 1024
"""Memory that the database takes, in KiB."""

SHORT = 60
"""Characters of a key up to which it is kept as it is; of longer ones, their beginning and the SHA-256."""

Place = tuple[int, int, int, int, int]
"""Where a record stands: its first line, its file from 0, the offset there and length of its bytes, their CRC-32."""

_PLACE = struct.Struct("5Q")
_RUN = 64
"""Records that one row of the database has: adjacent ones, of one group where records are grouped."""

_BATCH = 1_000
_SCHEMA = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, places BLOB, mark BLOB);
CREATE TABLE keys (mark BLOB, number INT);
BEGIN;
"""
_SORT = """
CREATE TABLE sorted AS
SELECT min(number) OVER (PARTITION BY mark) AS first, places FROM runs ORDER BY first, number
"""
_REPEATED = """
SELECT keys.number, found.first, keys.mark
FROM (SELECT mark, min(number) AS first FROM keys GROUP BY mark HAVING count(*) > 1) AS found
JOIN keys ON keys.mark = found.mark WHERE keys.number > found.first ORDER BY keys.number
"""


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
        self._keys: list[tuple[bytes, int]] = []
        self._count = self._row_count = 0
        self._grouped = self._scattered = False

    def __del__(self) -> None:
        self._db.close()

    def __len__(self) -> int:
        return self._count

    @property
    def row_count(self) -> int:
        """How many rows the records make up."""
        return self._row_count if self._grouped else self._count

    def add(self, place: Place, group: Hashable = None) -> None:
        """Append a record, which belongs to `group` where records are grouped."""
        if group is not self._group and (
            group != self._group or type(group) is not type(self._group)
        ):  # 1 is not True
            self._end_run()
            self._group = group
        elif len(self._run) == _RUN:
            self._end_run()
        self._run.append(place)
        self._count += 1

    def claim(self, key: str, number: int) -> None:
        """The row that begins on line `number` has this key."""
        if len(key) > SHORT:
            key = f"{key[: SHORT + 1]}{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
        self._keys.append((key.encode("utf-8", "surrogatepass"), number))
        if len(self._keys) >= _BATCH:
            self._write()

    def close(self) -> None:
        """All records are there: put those of a row together."""
        self._end_run()
        self._write()
        if self._grouped:
            ((runs, self._row_count),) = self._ask(
                "SELECT count(*), count(DISTINCT mark) FROM runs"
            )
            self._scattered = runs > self._row_count
        if self._scattered:
            self._ask(_SORT).close()

    def repeated(self) -> Iterator[tuple[int, int, str]]:
        """Lines whose key another has too: the line, the first one with this key, and how the key begins."""
        self._write()
        for number, first, mark in self._ask(_REPEATED):
            yield number, first, mark.decode("utf-8", "surrogatepass")[: SHORT + 1]

    def forget_keys(self) -> None:
        """Make room: the keys were found to be in order."""
        self._ask("DELETE FROM keys").close()

    def rows(self) -> Iterator[list[Place]]:
        """For each row the records that it is made of, in the order of first lines."""
        if not self._grouped:
            yield from ([place] for place in self._places())
            return
        sql = "SELECT number, places FROM runs ORDER BY number"
        if self._scattered:
            sql = "SELECT first, places FROM sorted ORDER BY rowid"
        for _, runs in groupby(self._ask(sql), itemgetter(0)):
            yield [place for _, places in runs for place in _PLACE.iter_unpack(places)]

    def numbers(self) -> Iterator[int]:
        """The first line of each record, ascending."""
        return map(itemgetter(0), self._places())

    def find(self, numbers: Collection[int]) -> Iterator[Place]:
        """The records that begin on these lines, in file order. Raises ValueError where none begins."""
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
        """Where each record stands, in file order."""
        return (
            place for (places,) in self._ask("SELECT places FROM runs ORDER BY number")
            for place in _PLACE.iter_unpack(places)
        )  # fmt: skip

    def _end_run(self) -> None:
        """What is added next stands in a row of the database of its own."""
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
            self._db.executemany("INSERT INTO keys VALUES (?, ?)", self._keys)
        except self._failed as error:
            raise _full(error) from None
        self._runs.clear()
        self._keys.clear()

    def _ask(self, sql: str, *values: int) -> Any:
        try:
            return self._db.execute(sql, values)
        except self._failed as error:
            raise _full(error) from None


def _full(error: Exception) -> StoppedError:
    return StoppedError(
        f"the temporary folder cannot be used: {error}",
        remedy="make room there, or name another folder in the environment variable TMPDIR",
    )


def _mark(value: Hashable) -> bytes:
    """What stands for a value: the same bytes for equal values, and others for all others."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        text = b"\0" + str(Decimal(value).normalize()).encode()
    else:
        text = b"\1" + repr(value).encode()
    return text if len(text) <= SHORT else b"\2" + hashlib.sha256(text).digest()
