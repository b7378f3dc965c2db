"""`run.previous`: the last run of a recipe that has got through all its rows, from whose start a later one goes on.

A run counts when it has ended and every row that there was is done or was found to be there: not one with rejected,
unknown or unreached rows, nor one of `--only` some of them, nor one whose rows were not searched for but read from a
file. Other values of variables may search for other things, so that only runs with the same values count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.journal import History, RunRecord, now


def previous_run(
    history: History, account: str, recipe: str, *, values: str, searched: bool
) -> RunRecord | None:
    """Return the last run of a recipe and account that has got through all rows; None where there is none.

    `values` are its variables as the journal has them; with `searched` its rows have to be those of its own search.
    A run that began later than now, by a clock that was wrong, is none: what came since would never be asked for.
    """
    moment = now()
    for run in history.finished_runs(account, recipe, values=values):
        if run.started_at > moment:
            continue
        if searched and Path(run.input_file).parent.name != str(run.id):
            continue
        buckets = history.buckets_reached(run.id)
        if buckets.keys() <= {"done", "found"} and sum(buckets.values()) >= run.row_count:
            return run
    return None


OVERLAP = dt.timedelta(hours=1)
"""How much before its start `since` is: the clock of an API may be another."""


def visible(run: RunRecord | None) -> Mapping[str, Any] | None:
    """Return what expressions see as `run.previous`; its moments are texts in UTC, to the second."""
    if run is None:
        return None
    return {
        "id": run.id,
        "date": dt.date.fromisoformat(run.date),
        "started": _moment(run),
        "since": _moment(run, before=OVERLAP),
    }


def said(run: RunRecord | None) -> str:
    """Return it as people read it: run 12, started 2026-11-29T22:15:04Z."""
    return "none" if run is None else f"run {run.id}, started {_moment(run)}"


def _moment(run: RunRecord, *, before: dt.timedelta = dt.timedelta()) -> str:
    started = dt.datetime.fromisoformat(run.started_at).astimezone(dt.UTC)
    return (started - before).strftime("%Y-%m-%dT%H:%M:%SZ")
