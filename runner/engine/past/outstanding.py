"""Calls of earlier runs that are still unknown, and that no row of a run shows: what is told of them at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from runner.engine.context import Context
from runner.engine.events import Outstanding
from runner.engine.past.claims import said_place


def outstanding(context: Context, unknown: Collection[str]) -> Iterator[Outstanding]:
    """Yield what earlier runs of the recipe have left unknown; `unknown` are the keys of the rows that show theirs.

    What rows share is shown by those that wait for it, but for its money, which is no row's.
    """
    for call in context.history.open_calls(context.account, context.recipe.name):
        step, key = call.identity.step, call.identity.key
        shown = key in unknown if call.identity.per == "row" else unknown and not call.amount
        if call.run != context.run and not shown:
            place = said_place((step, call.shown_item))
            yield Outstanding(call.run, place, key, Decimal(call.amount or 0))
