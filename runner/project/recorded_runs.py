"""Runs on record: found by number, opened again, and the one that a resume means."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter

from runner.catalogue import parse_json
from runner.config import Config
from runner.engine.completed import completed
from runner.engine.past.finished import record_of
from runner.engine.past.rows import with_reported
from runner.engine.run import Selection
from runner.engine.stop import Stop
from runner.journal import History, RowRecord, RunRecord
from runner.journal.open_runs import open_runs
from runner.problems import RunnerError, UsageError
from runner.project import projects
from runner.project.apis import catalogue_for
from runner.project.connections import planned_way
from runner.project.inputs import near
from runner.project.journal_checks import lost_run, said_lost
from runner.project.output_settings import Wanted
from runner.project.task import ANOTHER_RUN, Job, refuse
from runner.recipe.model import PIPED
from runner.rows import Input


def reopened(
    current: Config, record: RunRecord, wanted: Wanted, *, remedy: str, aside: bool = True
) -> tuple[Job, Input | None]:
    """The job of a run that is on record, and its input. Raises UsageError when either is not what it was.

    `aside`: rows with wrong cells do not refuse the input, as for a run that is only looked at.
    """
    target = current.target(record.target)
    catalogue = catalogue_for(current, target)
    project = projects.project(record.recipe_file, catalogue, at=current)
    if project.recipe.digest != record.recipe_digest:
        mapped = " or a file of its lookups" if project.mappings else ""
        refuse(
            f"the recipe {record.recipe_file}{mapped} has changed since run {record.id} began",
            remedy=remedy,
        )
    values = projects.typed_values(project.recipe, parse_json(record.vars.encode()))
    selection = Selection(only=tuple(json.loads(record.only)))
    job = Job(
        project, catalogue, target, values, dt.date.fromisoformat(record.date), selection, wanted,
        new_identity=bool(record.new_identity), aside=aside,
    )  # fmt: skip
    if record.input_file == PIPED:
        refuse(f"run {record.id} ended before what was piped into it was kept", remedy=remedy)
    input_ = (
        job.open_input([near(name) for name in record.input_files]) if record.input_file else None
    )
    if input_ is not None and input_.digest != record.input_digest:
        names = ", ".join(record.input_files)
        refuse(f"the input {names} has changed since run {record.id} began", remedy=remedy)
    return job, input_


def completed_since(
    current: Config, history: History, rows: Iterable[RowRecord]
) -> Iterator[RowRecord]:
    """Those of some rows that were left to do of which nothing is, as they are now; their reason stays.

    None of a run whose recipe or input cannot be read any more, or is another one.
    """
    for run, of_run in groupby(rows, key=attrgetter("run")):
        waiting = {row.number: row for row in of_run}
        record = recorded_run(history, run)
        with suppress(RunnerError):
            job, input_ = reopened(current, record, Wanted(), remedy="")
            way = planned_way(job.project, job.target, job.catalogue)
            if way.account != record.account:
                continue
            context = job.context(way, run, history, None, [], Stop())
            source = input_.rows() if input_ is not None else (job.single(),)
            for result in completed(context, (row for row in source if row.number in waiting)):
                found = record_of(run, with_reported(result, waiting[result.number]))
                yield found._replace(reason=waiting[result.number].reason)


def history_of(current: Config) -> History:
    """The history of a project in which a row that a run was killed in has ended where nothing of it is left to send.

    That is asked for once for each run: the journal must not change meanwhile.
    """
    history = History(current.runs)
    known: dict[int, Sequence[RowRecord]] = {}

    def ended(rows: Sequence[RowRecord]) -> Sequence[RowRecord]:
        run = rows[0].run
        if run not in known:
            known[run] = ()  # while it is found out
            known[run] = [*completed_since(current, history, rows)]
        return known[run]

    history.ended = ended
    return history


def is_complete(history: History, record: RunRecord) -> bool:
    """Tell whether a run has ended with every row that it was to take done, or found to be there."""
    buckets = history.buckets_reached(record.id)
    taken = len(json.loads(record.only)) or record.row_count
    return (
        record.state == "finished"
        and buckets.keys() <= {"done", "found"}
        and (sum(buckets.values()) >= taken)
    )


def recorded_run(history: History, number: int | None) -> RunRecord:
    """The run called `number`, or the last one. Raises UsageError when there is none."""
    runs = history.runs()
    last = runs[-1] if runs else None
    found = history.run(number) if number is not None else last
    if found is None and (folder := lost_run(history, history.path.parent)) is not None:
        remedy = "restore the journal from a copy that has all of its files"
        raise UsageError(said_lost(folder), remedy=remedy)
    if not runs:
        raise UsageError("no run is recorded here", remedy=f"the journal would be {history.path}")
    if found is None:
        raise UsageError(
            f"there is no run {number}", remedy=f"runs 1 to {runs[-1].id}: runner runs"
        )
    return found


def only_open_run(history: History) -> RunRecord | None:
    """The run to continue where nobody says which. Raises UsageError when there are several."""
    from runner.report.history import said_left

    recorded_run(history, None)
    at_work = [run for run in history.runs() if run.state == "running"]
    if at_work:
        return at_work[-1]  # its lock says who has to wait
    found = open_runs(history)
    if len(found) < 2:
        return found[0].run if found else None
    refusal = UsageError(
        f"{len(found)} runs have something left to do", remedy="say which: runner resume RUN"
    )
    for each in found:
        for line in said_left(each):
            refusal.add_note(line)
    raise refusal


def other_ways(history: History, record: RunRecord) -> str:
    """Say what can be done for a run that cannot be resumed, because its recipe or input has changed."""
    unknown = history.open_calls(record.account, record.recipe)
    settle = f"; for what is unknown of it: runner settle {record.id}"
    return ANOTHER_RUN + (settle if unknown else "")
