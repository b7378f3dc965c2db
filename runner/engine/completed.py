"""Rows of which nothing is left to send, by what the journal knows: what a resume would find, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from runner.engine.calls.identity_changes import past_of
from runner.engine.context import Context
from runner.engine.events import RowResult
from runner.engine.lookups import read_lookup
from runner.engine.once_per import OncePer
from runner.engine.row import RowRun
from runner.rows import Row


def completed(context: Context, rows: Iterable[Row]) -> Iterator[RowResult]:
    """Those of the rows whose calls are all done, as they end. Where that depends on a request, a row is not."""
    past = past_of(context.history, context.account, context.recipe)
    lookups = {each.name: read_lookup(context, each, None) for each in context.recipe.lookups}
    context = replace(context, scope={**context.scope, **lookups}, past=past)
    for row in rows:
        result = RowRun(replace(context, once=OncePer()), row, None).run()
        if result.bucket in ("done", "found"):
            yield result
