"""`runs`, `show` and `settle`: what was done, and what a person has to decide."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from runner.catalogue import Catalogue, parse_json, to_json
from runner.cli import projects
from runner.cli.apis_of import catalogue_for
from runner.cli.recipes import recorded_run
from runner.cli.rows_options import row_key
from runner.config import Config
from runner.journal import CallRecord, History, RunRecord
from runner.journal.records import OPEN
from runner.problems import UsageError

if TYPE_CHECKING:
    from runner.engine.look import Shown


@click.command(short_help="List the runs.")
def runs() -> int:
    """List the runs of this project, oldest first."""
    from runner.report.history import runs_table

    history = History(projects.current().runs)
    found = history.runs()
    if not found:
        click.echo("no run is recorded here", err=True)
        return 0
    click.echo(runs_table(found, {run.id: history.buckets(run.id) for run in found}), nl=False)
    return 0


@click.command(short_help="Show a run row by row and call by call.")
@click.argument("number", metavar="[RUN]", type=int, required=False)
@click.option(
    "--key",
    callback=row_key,
    help="Only the row with this key, with everything that was sent for it.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Rows to show."
)
def show(*, number: int | None, key: str | None, limit: int) -> int:
    """Show a run row by row and call by call; the last one unless RUN says which."""
    from runner.report.history import show_run

    history = History(projects.current().runs)
    run = recorded_run(history, number)
    text = show_run(
        run, history.rows(run.id), history.calls_of_run(run.id), key=key, limit=limit, again=history.again(run.id),
        notices=history.notices(run.id),
    )  # fmt: skip
    click.echo(text, nl=False)
    return 0


@click.command(short_help="Say what became of a call whose outcome is unknown.")
@click.argument("number", metavar="[RUN]", type=int, required=False)
@click.option(
    "--call", "call_number", type=int, help="The call that is decided, by its number in the list."
)
@click.option(
    "--done",
    "done_id",
    metavar="ID",
    help="It was carried out; ID is what the API calls the result.",
)
@click.option("--absent", is_flag=True, help="It was not carried out, and may be sent again.")
@click.option("--why", help="How you know; kept in the journal.")
@click.option(
    "--look",
    is_flag=True,
    help="Show what the API has now: makes the calls' searches again, reads only.",
)
def settle(
    *,
    number: int | None,
    call_number: int | None,
    done_id: str | None,
    absent: bool,
    why: str | None,
    look: bool,
) -> int:
    """List the calls whose outcome is unknown, or record what you found out about one."""
    from runner.report.history import settle_text

    if look and (done_id is not None or absent or why is not None):
        raise UsageError(
            "--look shows, and decides nothing", remedy="look first, then record what you found"
        )
    current = projects.current()
    history = History(current.runs)
    run = recorded_run(history, number)
    found = history.open_calls(run.account, run.recipe)
    if look:
        found = [call for call in found if call_number in (None, call.id)]
        shown = _look(current, run, history, found) if found else {}
        click.echo(settle_text(found, shown=shown) if found else "nothing is unknown\n", nl=False)
        return 5 if found else 0
    if call_number is None:
        if done_id is not None or absent or why is not None:
            raise UsageError(
                "say which call it is about", remedy="--call NUMBER: runner settle lists them"
            )
        click.echo(settle_text(found) if found else "nothing is unknown\n", nl=False)
        return 5 if found else 0
    if (done_id is None) == (not absent) or not why:
        raise UsageError(
            "say what you found and how you know",
            remedy="--done ID --why TEXT, or --absent --why TEXT",
        )
    call = next((call for call in found if call.id == call_number), None)
    if call is None:
        raise UsageError(
            f"call {call_number} is not open", remedy="runner settle lists the open ones"
        )
    with projects.open_journal(current.runs) as journal:
        fresh = history.call(call_number)
        if fresh is None or fresh.state not in OPEN:
            raise UsageError(f"call {call_number} has been settled meanwhile")
        catalogue = catalogue_for(current, current.targets.get(run.target))
        journal.note(_settled(fresh, catalogue, done_id, why))
    click.echo(
        f"call {call_number} is recorded as {'done' if done_id is not None else 'absent'}; go on: runner resume"
    )
    return 0


def _look(
    current: Config, run: RunRecord, history: History, calls: Sequence[CallRecord]
) -> dict[int, Shown]:
    """What the API shows now of each call. No run may be at work meanwhile: they share the account's pace."""
    from runner.cli import wiring
    from runner.engine.before import read_before
    from runner.engine.hits import Hits
    from runner.engine.look import Look

    target = current.target(run.target)
    catalogue = catalogue_for(current, target)
    noted = (read_before(call.before) for call in calls)
    apis = {before.operation.partition(".")[0] for before in noted if before is not None}
    with (
        projects.open_journal(current.runs) as journal,
        wiring.open_connections(current, sorted(apis & set(catalogue)), target, catalogue) as way,
    ):
        if way.account != run.account:
            message = (
                f"the account has changed since run {run.id} ({run.account}, now {way.account})"
            )
            raise UsageError(message, remedy="look on the site of the API itself")
        limits = {
            api: each.hits_per_day
            for api, each in way.connections.items()
            if each.hits_per_day is not None
        }
        hits = Hits(run.account, journal, history, limits=limits)
        today = dt.datetime.now().astimezone().date()
        look = Look(catalogue, way.connections, hits, today, time.sleep)
        return {call.id: look.at(call) for call in calls}


def _settled(call: CallRecord, catalogue: Catalogue, done_id: str | None, why: str) -> CallRecord:
    """The call as a person decided it, with who and why."""
    reason = f"settled by {projects.user()}: {why}"
    if done_id is None:
        return call._replace(state="absent", reason=reason)
    field = catalogue.operation(call.operation).id_field or "id"
    value = parse_json(done_id.encode()) if done_id.isascii() and done_id.isdigit() else done_id
    return call._replace(state="done", answer=to_json({field: value}).decode(), reason=reason)
