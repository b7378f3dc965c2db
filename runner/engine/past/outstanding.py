"""Calls of earlier runs that are still unknown, and that no row of a run shows: what is told of them at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from runner.engine.events import Outstanding
from runner.engine.past.claims import said_place
from runner.journal import History, RowRecord, RunRecord


def outstanding(
    history: History, account: str, recipe: str, *, run: int, unknown: Collection[str]
) -> Iterator[Outstanding]:
    """Yield what other runs than `run` have left unknown; `unknown` are the keys of its rows that show theirs.

    What rows share is shown by those that wait for it, but for its money, which is no row's.
    """
    for call in history.open_calls(account, recipe):
        step, key = call.identity.step, call.identity.key
        shown = key in unknown if call.identity.per == "row" else unknown and not call.amount
        if call.run != run and not shown:
            place = said_place((step, call.shown_item))
            yield Outstanding(call.run, place, key, Decimal(call.amount or 0))


def outstanding_of(
    history: History, run: RunRecord, rows: Iterable[RowRecord]
) -> tuple[Outstanding, ...]:
    """Return what runs before one on record have left unknown until now, and none of its `rows` shows."""
    if not history.open_calls(run.account, run.recipe):
        return ()
    keys = {key for row in rows if row.bucket == "unknown" for key in (row.key, row.on_record)}
    found = outstanding(history, run.account, run.recipe, run=run.id, unknown=keys)
    return tuple(each for each in found if each.run < run.id)
