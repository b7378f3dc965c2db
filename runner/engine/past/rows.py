"""Rows as the journal knows them: those that a run does not reach, and those that it was killed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from operator import attrgetter

from runner.catalogue import Catalogue, parse_own_json
from runner.engine.calls.objects import Objects, merged
from runner.engine.events import RowResult
from runner.engine.past.finished import record_of, result_of
from runner.engine.past.row_calls import Heirs, keys_of
from runner.exact import exact_sum
from runner.journal import CallRecord, History, RowRecord, RunRecord
from runner.journal.records import CUT_SHORT
from runner.rows import Row

SETTLED_SINCE = "what was unknown of it is settled; the next run continues from there"
"""Why a row is not started that was."""

PAGE = 500
"""Rows that are looked up at a time."""

LATEST = 2**62
"""A number that no run has: up to it there are all runs."""


class OnRecord:
    """Looks up the rows of a recipe: what earlier runs have left of them, and what they have sent.

    `until` is the last run that counts.
    """

    def __init__(
        self, history: History, catalogue: Catalogue, *, account: str, recipe: str, heirs: Heirs,
        until: int = LATEST,
    ) -> None:  # fmt: skip
        self._history, self._catalogue, self._until = history, catalogue, until
        self._account, self._recipe, self._heirs = account, recipe, heirs

    def each(self, rows: Iterable[Row]) -> Iterator[RowResult]:
        """Those of the rows of which something is on record, as it was left, with what was sent for them."""
        if not self._history.knows(self._account, self._recipe):
            return
        several = iter(rows)
        while page := list(islice(several, PAGE)):
            keys = {name for row in page for name in keys_of(row, self._heirs)}
            last = self._history.last_rows(self._account, self._recipe, keys, until=self._until)
            writes = self._history.writes_of(self._account, self._recipe, keys)
            for row in page:
                found = self._known(row, last, writes)
                if found is not None:
                    yield found

    def records(self, rows: Iterable[Row]) -> Iterator[RowRecord]:
        """The same as records of a run that has not reached these rows."""
        return (record_of(0, result, reached=False) for result in self.each(rows))

    def _known(
        self, row: Row, rows: Mapping[str, RowRecord], of_keys: Mapping[str, Sequence[CallRecord]]
    ) -> RowResult | None:
        """The row as it is on record under all of its keys; None where it is not."""
        keys = keys_of(row, self._heirs)
        last = max((rows[key] for key in keys if key in rows), key=attrgetter("run"), default=None)
        sent = [key for key in keys if key in of_keys]
        writes = sorted((call for key in sent for call in of_keys[key]), key=attrgetter("id"))
        if last is None and not writes:
            return None
        found = RowResult(row.number, row.key, row.lines, "not started", CUT_SHORT)
        if last is not None and not _is_cut_short(last, writes):
            found = result_of(last)._replace(number=row.number, lines=row.lines, key=row.key)
            found = found._replace(earlier_run=last.run, reason=self._reason(last))
        former = "" if row.key in sent or not sent else sent[0]
        found = found._replace(on_record=former)
        found = with_sent(found, writes, self._catalogue)
        if last is not None:
            found = with_reported(found, last)
        left = next((call for call in writes if call.is_open), None)
        if left is not None:
            return found._replace(bucket="unknown", reason=left.said_open)
        if found.bucket == "unknown":
            return found._replace(bucket="not started", reason=SETTLED_SINCE)
        return found

    def _reason(self, last: RowRecord) -> str:
        """Why the row is where it is, and in which run that was."""
        if last.run == self._until or not last.reached or last.reason.startswith("done in run "):
            return last.reason
        if last.bucket == "done" and not last.reason:
            return f"done in run {last.run}"
        return f"in run {last.run}: {last.reason}" if last.reason else f"in run {last.run}"


def _is_cut_short(last: RowRecord, writes: Sequence[CallRecord]) -> bool:
    """Return whether something was sent for a row after its last end on record."""
    first = last.run if not last.reached else last.run + 1
    return any(call.run >= first for call in writes)


def with_sent(found: RowResult, writes: Sequence[CallRecord], catalogue: Catalogue) -> RowResult:
    """The row with what its writes on record have created or found, posted, and may have posted."""
    objects = Objects()
    for call in newest_first(writes):
        objects.add_recorded(call, catalogue)
    return found._replace(
        ids=objects.ids, links=objects.links, money=posted(writes), unsettled=unsettled(writes)
    )


def with_reported(found: RowResult, last: RowRecord) -> RowResult:
    """The row with what is on record of it for steps that it has nothing of, as those that it shares with others."""
    reported = parse_own_json(last.outputs)
    outputs = {
        name: reported.get(name) if (value := found.outputs.get(name)) is None else value
        for name in found.outputs or reported
    }
    links = " ".join(dict.fromkeys([*last.links.split(), *found.links.split()]))
    return found._replace(ids=merged(last.ids, found.ids), links=links, outputs=outputs)


def newest_first(writes: Iterable[CallRecord]) -> list[CallRecord]:
    """Writes in the order in which they are shown: the last time that a row was sent comes first."""
    return sorted(writes, key=lambda call: (-call.identity.generation, call.id))


def posted(writes: Iterable[CallRecord]) -> Decimal:
    """The money that writes have moved."""
    return exact_sum(Decimal(call.amount or 0) for call in writes if call.state == "done")


def unsettled(writes: Iterable[CallRecord]) -> Decimal:
    """The money that writes may have moved."""
    return exact_sum(Decimal(call.amount or 0) for call in writes if call.is_open)


def rows_of(history: History, catalogue: Catalogue, run: RunRecord) -> Iterator[RowRecord]:
    """The rows of a run of which something is known by now, in the order of the input, with what was sent for each.

    The money of one that a later run has got to is what this run and those before it have posted for it.
    """
    cut_short = history.cut_short(run.id)
    for row in history.rows(run.id):
        keys = {row.key, row.on_record} - {""}
        later = row.run != run.id
        if keys and (later or row.number in cut_short):
            of_keys = history.writes_of(run.account, run.recipe, keys).values()
            sent = [call for calls in of_keys for call in calls]
            found = with_reported(with_sent(result_of(row), sent, catalogue), row)
            if later:
                own = [call for call in sent if call.run <= run.id]
                found = found._replace(money=posted(own), unsettled=unsettled(own))
            yield record_of(run.id, found, reached=False)
        else:
            yield row
