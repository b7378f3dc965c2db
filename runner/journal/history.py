"""Reading the journal: what is done, what is open, what happened in a run. Opens nothing that is not there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from runner.journal.records import CallRecord, Identity, RowRecord, RunRecord
from runner.journal.store import NAME, connect_to_read
from runner.problems import StoppedError

_RUN = ", ".join(f.name for f in fields(RunRecord))
_CALL = "account, recipe, per, key, step, item, " + ", ".join(
    f.name for f in fields(CallRecord) if f.name != "identity"
)


class History:
    """Queries over the journal of one folder. Without a journal every answer is empty."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._connection = connect_to_read(self.path) if self.path.exists() else None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def calls_of(self, account: str, recipe: str, *, per: str, key: str) -> dict[tuple[str, str], CallRecord]:
        """The calls of one row key (`per` row) or once_per value (`per` once), by (step, item)."""
        where = "account = ? AND recipe = ? AND per = ? AND key = ?"
        return {(c.identity.step, c.identity.item): c for c in self._calls(where, account, recipe, per, key)}

    def calls_of_run(self, run: int) -> list[CallRecord]:
        """The calls that a run touched last, in the order of its rows."""
        return self._calls("run = ? ORDER BY row, id", run)

    def open_calls(self, account: str, recipe: str) -> list[CallRecord]:
        """The writes of a recipe whose outcome is unknown, oldest first."""
        where = "account = ? AND recipe = ? AND state IN ('intent', 'unknown') AND effect <> 'read' ORDER BY id"
        return self._calls(where, account, recipe)

    def call(self, number: int) -> CallRecord | None:
        """One call by its number."""
        return next(iter(self._calls("id = ?", number)), None)

    def count_done(self, account: str, recipe: str) -> int:
        """How many writes of a recipe are done or found."""
        sql = "SELECT count(*) FROM calls WHERE account = ? AND recipe = ? AND state IN ('done', 'found')"
        return int(next(iter(self._select(f"{sql} AND effect <> 'read'", account, recipe)), (0,))[0])

    def runs(self) -> list[RunRecord]:
        """Every run, oldest first."""
        return [_run(values) for values in self._select(f"SELECT {_RUN} FROM runs ORDER BY id")]  # noqa: S608

    def run(self, number: int) -> RunRecord | None:
        """One run by its number."""
        found = self._select(f"SELECT {_RUN} FROM runs WHERE id = ?", number)  # noqa: S608
        return next(map(_run, found), None)

    def rows(self, run: int) -> Iterator[RowRecord]:
        """The rows of a run that were finished, in the order of the input."""
        sql = "SELECT run, number, key, lines, bucket, reason, outputs FROM rows WHERE run = ? ORDER BY number"
        return (RowRecord(*values) for values in self._select(sql, run))

    def buckets(self, run: int) -> dict[str, int]:
        """How many rows of a run are in each bucket."""
        sql = "SELECT bucket, count(*) FROM rows WHERE run = ? GROUP BY bucket"
        return {str(name): int(count) for name, count in self._select(sql, run)}

    def attempts(self, run: int) -> int:
        """How many requests a run sent."""
        return int(next(iter(self._select("SELECT count(*) FROM attempts WHERE run = ?", run)), (0,))[0])

    def _calls(self, where: str, *values: Any) -> list[CallRecord]:
        found = self._select(f"SELECT {_CALL} FROM calls WHERE {where}", *values)  # noqa: S608
        return [CallRecord(Identity(*row[:6]), *row[6:]) for row in found]

    def _select(self, sql: str, *values: Any) -> list[Any]:
        if self._connection is None:
            return []
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoppedError(f"the journal {self.path} cannot be read: {error}") from None


def _run(values: Any) -> RunRecord:
    return RunRecord(*values)
