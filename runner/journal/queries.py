"""Queries on the journal of one folder: the connection, and records from the rows of SQLite."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from runner.journal.reader import connect_to_read
from runner.journal.records import CallRecord, Identity
from runner.journal.store import NAME
from runner.problems import StoppedError

CALL = ", ".join([*Identity._fields, *(name for name in CallRecord._fields if name != "identity")])
"""The columns of a call, in the order of `call_from`."""

_PARTS = len(Identity._fields)


class Queries:
    """Reader of the journal in `folder`. Without a journal, every result is empty. Raises StoppedError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._connection = connect_to_read(self.path)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _calls(self, where: str, *values: Any) -> list[CallRecord]:
        sql = f"SELECT {CALL} FROM calls WHERE {where}"  # noqa: S608
        return [call_from(found) for found in self._select(sql, *values)]

    def _each(self, sql: str, *values: Any) -> Iterator[Any]:
        """Yield the results of a query one by one, for results that do not fit into memory."""
        if self._connection is None:
            return
        try:
            yield from self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise StoppedError(f"the journal {self.path} cannot be read: {error}") from None

    def _select(self, sql: str, *values: Any) -> list[Any]:
        if self._connection is None:
            return []
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoppedError(f"the journal {self.path} cannot be read: {error}") from None


def call_from(values: Any) -> CallRecord:
    """Return a call from the columns of CALL."""
    return CallRecord(Identity(*values[:_PARTS]), *values[_PARTS:])


WAS_SENT = "state IN ('done', 'found', 'intent', 'unknown')"
"""The condition for calls that were, or may have been, carried out; of a write found to be there as well."""


def places(values: Collection[str]) -> str:
    """Return a placeholder for each of some values, for IN."""
    return ", ".join("?" * len(values))
