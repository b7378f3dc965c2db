"""Queries for rows: the outcomes of the rows of a run, and the records of a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter

from runner.journal.queries import WAS_SENT, Queries, places
from runner.journal.records import CUT_SHORT, CallRecord, RowRecord

_ROW = ", ".join(RowRecord._fields)
_OF_ROW = ", ".join(f"rows.{name}" for name in RowRecord._fields)
_FINISHED = (
    "run = ? AND number >= ? AND number < ? AND reached = 1 AND bucket IN ('done', 'found') "
    "AND money <> '' ORDER BY number LIMIT ?"
)
_PAGE = 500
_FINAL = ("done", "found")
_LATER = "r.id > own.id AND (r.account, r.recipe) = (own.account, own.recipe)"
_UNFINISHED = (
    "run = ? AND row > 0 AND row NOT IN (SELECT number FROM rows WHERE run = ? AND reached = 1)"
)


class RowQueries(Queries, ABC):
    """Queries for rows.

    A row of a run is on record as the run has ended it, or as it was known before where the run did not get to it. One
    that it had begun when it was killed is what its calls say. A row that the run has not finished is, by now, what the
    last of the later runs that got to it has made of it.
    """

    ended: Callable[[Sequence[RowRecord]], Iterable[RowRecord]] = staticmethod(lambda _: ())
    """Those of some rows of a run that was killed of which nothing is left to send, as they end."""

    def rows(self, run: int) -> Iterator[RowRecord]:
        """Yield the rows of a run of which something is known by now, in the order of the input.

        One that a later run got to says so in its `run`, with the key and lines that it has in this one.
        """
        if not self._ran_later(run):
            return self._left_by(run)
        now = (row for _, row in self._by_now(run, self._left_by(run)))
        return merge(now, self._only_later(run), key=attrgetter("number"))

    def _left_by(self, run: int) -> Iterator[RowRecord]:
        """Yield the rows of a run as it has left them."""
        cut_short = self.cut_short(run)
        recorded = (row for row in self._recorded(run) if row.number not in cut_short)
        return merge(recorded, cut_short.values(), key=attrgetter("number"))

    def _recorded(self, run: int) -> Iterator[RowRecord]:
        sql = f"SELECT {_ROW} FROM rows WHERE run = ? AND number > ? ORDER BY number LIMIT {_PAGE}"  # noqa: S608
        last = -1
        while page := [RowRecord(*values) for values in self._select(sql, run, last)]:
            yield from page
            last = page[-1].number

    def rows_in(self, run: int, bucket: str) -> list[RowRecord]:
        """Return the rows of a run that it has left in a bucket, in the order of the input."""
        cut_short = self.cut_short(run)
        sql = f"SELECT {_ROW} FROM rows WHERE run = ? AND bucket = ?"  # noqa: S608
        recorded = [RowRecord(*values) for values in self._select(sql, run, bucket)]
        found = [row for row in recorded if row.number not in cut_short]
        found += [row for row in cut_short.values() if row.bucket == bucket]
        return sorted(found, key=attrgetter("number"))

    def _ran_later(self, run: int) -> bool:
        """Return whether a later run of the same recipe and account is on record."""
        sql = f"SELECT EXISTS (SELECT 1 FROM runs r, runs own WHERE own.id = ? AND {_LATER})"  # noqa: S608
        return any(bool(found) for (found,) in self._select(sql, run))

    def _by_now(self, run: int, rows: Iterator[RowRecord]) -> Iterator[tuple[RowRecord, RowRecord]]:
        """Yield rows of a run as it has left them, each with what it is by now."""
        while page := list(islice(rows, _PAGE)):
            keys = {row.key for row in page if row.bucket not in _FINAL}
            later = self._got_to_later(run, keys)
            yield from ((row, _since(row, later.get(row.key))) for row in page)

    def _got_to_later(self, run: int, keys: Collection[str]) -> dict[str, RowRecord]:
        """Return the rows with these keys as the last of the later runs that got to them has left them."""
        found: dict[str, RowRecord] = {}
        for name in ("key", "on_record"):
            sql = (
                f"SELECT {_OF_ROW}, max(rows.run) FROM rows JOIN runs r ON r.id = rows.run, runs own "  # noqa: S608
                f"WHERE own.id = ? AND {_LATER} AND rows.reached = 1 AND rows.{name} IN ({places(keys)}) "
                f"GROUP BY rows.{name}"
            )
            for *values, _ in self._select(sql, run, *keys) if keys else ():
                row = RowRecord(*values)
                key = getattr(row, name)
                if key not in found or found[key].run < row.run:
                    found[key] = row
        return found

    def _only_later(self, run: int) -> Iterator[RowRecord]:
        """Yield the rows that a run has nothing of, and a later one with the same input got to."""
        sql = (
            f"SELECT {_OF_ROW}, max(rows.run) FROM rows JOIN runs r ON r.id = rows.run, runs own "  # noqa: S608
            f"WHERE own.id = ?1 AND {_LATER} AND rows.reached = 1 "
            "AND (r.input_digest, r.vars, r.key_text, r.row_count) "
            "= (own.input_digest, own.vars, own.key_text, own.row_count) AND own.input_digest <> '' "
            "AND NOT EXISTS (SELECT 1 FROM rows known WHERE known.run = ?1 AND known.number = rows.number) "
            "AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.run = ?1 AND calls.row = rows.number) "
            "GROUP BY rows.number ORDER BY rows.number"
        )
        for *values, _ in self._each(sql, run):
            row = RowRecord(*values)
            yield _since(row._replace(run=run, bucket="not started", reason=""), row)

    def has_row(self, run: int, key: str) -> bool:
        """Return true if a run has a row with this key on record."""
        return bool(self._select("SELECT 1 FROM rows WHERE key = ? AND run = ? LIMIT 1", key, run))

    def buckets(self, run: int) -> dict[str, int]:
        """Return the number of rows of a run in each bucket by now, of those of which something is known."""
        counts = Counter(self._buckets_left_by(run))
        unfinished = any(bucket not in _FINAL for bucket in counts)
        if not self._ran_later(run):
            return dict(counts)
        for row, now in self._by_now(run, self._left_by(run)) if unfinished else ():
            counts.subtract([row.bucket])
            counts.update([now.bucket])
        counts.update(row.bucket for row in self._only_later(run))
        return {name: count for name, count in counts.items() if count}

    def _buckets_left_by(self, run: int) -> dict[str, int]:
        sql = "SELECT bucket, count(*) FROM rows WHERE run = ? GROUP BY bucket"
        counts = Counter({str(name): int(count) for name, count in self._select(sql, run)})
        cut_short = self.cut_short(run)
        numbers = list(map(str, cut_short))
        sql = f"SELECT bucket FROM rows WHERE run = ? AND number IN ({places(numbers)})"  # noqa: S608
        counts.subtract(str(bucket) for (bucket,) in self._select(sql, run, *cut_short))
        counts.update(row.bucket for row in cut_short.values())
        return {name: count for name, count in counts.items() if count}

    def buckets_reached(self, run: int) -> dict[str, int]:
        """Return the number of rows in each bucket that a run has ended."""
        sql = "SELECT bucket, count(*) FROM rows WHERE run = ? AND reached = 1 GROUP BY bucket"
        return {str(name): int(count) for name, count in self._select(sql, run)}

    def cut_short(self, run: int) -> dict[int, RowRecord]:
        """Return the rows, by number, that a run had begun when it was killed: unknown, ended, or else not started.

        None of a run that is at work. Ids and money are filled in only of those that have ended.
        """
        calls = self._calls(f"{_UNFINISHED} ORDER BY row, id", run, run)
        if not calls or self._is_at_work(run):
            return {}
        account, recipe, *_ = calls[0].identity
        sql = f"SELECT {_ROW} FROM rows WHERE run = ? AND reached = 0"  # noqa: S608
        known = {row.number: row for row in map(RowRecord._make, self._select(sql, run))}
        found = {}
        for number, of_row in groupby(calls, key=attrgetter("row")):
            own = list(of_row)
            row = known.get(number) or RowRecord(run, number, "", "[]", "not started", "")
            sent_as = [call.identity.key for call in own if call.identity.per == "row"]
            key = row.key or next(iter(sent_as), "")
            keys = {key, row.on_record, *sent_as} - {""}
            on_record = self.writes_of(account, recipe, keys).values()
            left = [
                call for call in [*own, *(c for calls in on_record for c in calls)] if call.is_open
            ]
            bucket, reason = ("unknown", left[0].said_open) if left else ("not started", CUT_SHORT)
            found[number] = row._replace(key=key, bucket=bucket, reason=reason, reached=0)
        left_to_do = [row for row in found.values() if row.bucket == "not started"]
        ended = self.ended(left_to_do) if left_to_do else ()
        return found | {row.number: row._replace(reason="", reached=0) for row in ended}

    def under_way(self, run: int) -> int:
        """Return the number of rows that a run has begun and not ended yet."""
        sql = f"SELECT count(DISTINCT row) FROM calls WHERE {_UNFINISHED}"  # noqa: S608
        return next((int(count) for (count,) in self._select(sql, run, run)), 0)

    @abstractmethod
    def _is_at_work(self, run: int) -> bool:
        """Return whether a run has begun and not ended."""

    def writes_of(
        self, account: str, recipe: str, keys: Collection[str]
    ) -> defaultdict[str, list[CallRecord]]:
        """Return the writes that were or may have been carried out, by key of row, for a few hundred keys at most.

        In the order in which they were first sent, however often a row was sent again.
        """
        where = (
            f"account = ? AND recipe = ? AND per = 'row' AND key IN ({places(keys)}) AND effect <> 'read' "
            f"AND {WAS_SENT} ORDER BY id"
        )
        found: defaultdict[str, list[CallRecord]] = defaultdict(list)
        for call in self._calls(where, account, recipe, *keys) if keys else ():
            found[call.identity.key].append(call)
        return found

    def last_rows(
        self, account: str, recipe: str, keys: Collection[str], *, until: int
    ) -> dict[str, RowRecord]:
        """Return rows with these keys (a few hundred at most), as recorded by the last of the runs up to `until`."""
        sql = (
            f"SELECT {_OF_ROW}, max(rows.run) FROM rows JOIN runs ON runs.id = rows.run "  # noqa: S608
            f"WHERE rows.key IN ({places(keys)}) AND rows.run <= ? AND account = ? AND recipe = ? GROUP BY rows.key"
        )
        found = self._select(sql, *keys, until, account, recipe) if keys else ()
        return {row.key: row for row in (RowRecord(*values[:-1]) for values in found)}

    def finished_rows(self, run: int, *, numbers: range, limit: int) -> list[RowRecord]:
        """Return the first of these rows of a run that were done or found, with what they posted."""
        sql = f"SELECT {_ROW} FROM rows WHERE {_FINISHED}"  # noqa: S608
        return [
            RowRecord(*values)
            for values in self._select(sql, run, numbers.start, numbers.stop, limit)
        ]

    def finished_in_short(
        self, run: int, *, numbers: range, limit: int
    ) -> list[tuple[int, str, str]]:
        """Return number, key and recorded lines of the same rows."""
        sql = f"SELECT number, key, lines FROM rows WHERE {_FINISHED}"  # noqa: S608
        return self._select(sql, run, numbers.start, numbers.stop, limit)

    def rows_of_recipe(
        self, account: str, recipe: str, *, bucket: str = "", key: str = "", first_run: int = 0
    ) -> list[RowRecord]:
        """Return the rows of all runs of a recipe in a bucket or with a key, from `first_run` on."""
        where = "runs.account = ? AND runs.recipe = ? AND rows.run >= ?"
        sql = f"SELECT {_OF_ROW} FROM rows JOIN runs ON runs.id = rows.run WHERE {where}"  # noqa: S608
        sql += " AND (?4 = '' OR bucket = ?4) AND (?5 = '' OR key = ?5) ORDER BY rows.run, number"
        return [
            RowRecord(*values)
            for values in self._select(sql, account, recipe, first_run, bucket, key)
        ]

    def rows_before(self, account: str, recipe: str, *, recipe_digest: str) -> Iterator[str]:
        """Yield the keys of the rows that were run with another text of the recipe."""
        sql = "SELECT DISTINCT key FROM rows JOIN runs ON runs.id = rows.run WHERE account = ? AND recipe = ?"
        return (
            str(key)
            for (key,) in self._select(
                f"{sql} AND recipe_digest <> ?", account, recipe, recipe_digest
            )
        )


def _since(row: RowRecord, later: RowRecord | None) -> RowRecord:
    """Return a row of a run as a later run has left it; unchanged if the bucket is the same, or the row is finished."""
    if later is None or row.bucket in _FINAL or row.bucket == later.bucket:
        return row
    if later.bucket in _FINAL:
        known = later.reason.startswith("done in run ")
        reason = (
            later.reason.replace("done", "finished", 1) if known else f"finished in run {later.run}"
        )
    else:
        reason = f"in run {later.run}: {later.reason}"
    return row._replace(
        run=later.run, bucket=later.bucket, reason=reason, outputs=later.outputs, ids=later.ids, links=later.links,
        on_record=later.on_record,
    )  # fmt: skip
