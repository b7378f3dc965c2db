"""`settle`: list of the calls with an unknown outcome, and record of the outcomes that a person found."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runner.cli.questions import confirmed
from runner.cli.whole_numbers import RECORDED
from runner.config import Config
from runner.journal import CallRecord, History, Journal, RowRecord, SettlementRecord, now
from runner.journal.records import OPEN
from runner.problems import RunnerError, UsageError, printable
from runner.project import projects
from runner.project.apis import catalogue_for
from runner.project.recorded_runs import recorded_run

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation
    from runner.engine.calls.review import Look, ReadObject, Shown

_REMEDY = "--done ID --why TEXT, or --absent --why TEXT"


class _Decision(NamedTuple):
    """Decision of the command line about a call: `done` is the id of its object, None if there is none.

    `reused`: another call had that id, for an object that is gone.
    """

    call: int
    done: str | None
    why: str
    yes: bool
    reused: bool = False


@click.command(short_help="Record what became of calls whose outcome is unknown.")
@click.argument("number", metavar="[RUN]", type=RECORDED, required=False)
@click.option(
    "--call",
    "call_number",
    type=RECORDED,
    help="The call that is decided, by its number in the list.",
)
@click.option(
    "--done",
    "done_id",
    metavar="ID",
    help="It was carried out; ID is what the API calls the result. It is checked, and read where the API has a read.",
)
@click.option(
    "--reused",
    is_flag=True,
    help="With --done: the object that the row had before is gone, and the API has given its ID to the new one.",
)
@click.option("--absent", is_flag=True, help="It was not carried out, and may be sent again.")
@click.option("--why", help="How you know; kept in the journal.")
@click.option(
    "--yes",
    is_flag=True,
    help="Record it without asking, also where the API shows something else or cannot be asked.",
)
@click.option(
    "--undo",
    "undone",
    type=RECORDED,
    metavar="CALL",
    help="Take back what was recorded about a call, while nothing followed from it.",
)
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
    reused: bool,
    absent: bool,
    why: str | None,
    yes: bool,
    undone: int | None,
    look: bool,
) -> int:
    """List the calls whose outcome is unknown, or record what you found out about one.

    Without RUN, the calls of all runs, recipes and accounts; with it, those of its recipe and account.
    """
    decided = done_id is not None or absent or reused or why is not None
    if look and (decided or undone is not None):
        raise UsageError(
            "--look shows, and decides nothing", remedy="look first, then record what you found"
        )
    current = projects.current()
    with closing(History(current.runs)) as history:
        if undone is not None:
            if not why or done_id is not None or absent or call_number is not None:
                raise UsageError("say why it is taken back", remedy="--undo CALL --why TEXT")
            return _take_back(current, undone, why)
        found = _open_calls(history, number)
        if call_number is not None and not look:
            if (done_id is None) == (not absent) or not why or (reused and absent):
                raise UsageError("say what you found and how you know", remedy=_REMEDY)
            decision = _Decision(call_number, done_id, why, yes, reused)
            return _decide(current, history, _chosen(history, found, call_number), decision)
        if decided:
            raise UsageError(
                "say which call it is about", remedy="--call NUMBER: runner settle lists them"
            )
        shown = [call for call in found if call_number in (None, call.id)]
        return _listed(current, history, shown, look=look, number=number)


def _open_calls(history: History, number: int | None) -> list[CallRecord]:
    run = recorded_run(history, number)
    if number is None:
        return history.all_open_calls()
    return history.open_calls(run.account, run.recipe)


def _chosen(history: History, found: Sequence[CallRecord], number: int) -> CallRecord:
    call = next((call for call in found if call.id == number), None)
    if call is not None:
        return call
    past = history.settlements(number)
    if past and past[-1].verdict != "undone":
        last = past[-1]
        raise UsageError(
            f"call {number} is settled as {last.verdict} by {last.who}: {last.why}",
            remedy=f"take it back with: runner settle --undo {number} --why TEXT",
        )
    raise UsageError(f"call {number} is not open", remedy="runner settle lists the open ones")


def _listed(
    current: Config,
    history: History,
    calls: Sequence[CallRecord],
    *,
    look: bool,
    number: int | None,
) -> int:
    """Print the open calls; with `look`, with what the API shows. Return the exit code.

    Calls in flight are not listed: they have no outcome yet.
    """
    from runner.report.history import settle_text

    at_work = {run.id for run in history.runs() if run.state == "running"}
    in_flight = [call for call in calls if call.run in at_work and call.state == "intent"]
    if in_flight:
        calls = [call for call in calls if call not in in_flight]
        are = "call is" if len(in_flight) == 1 else "calls are"
        run = in_flight[0].run
        click.echo(
            f"run {run} is at work: {len(in_flight)} {are} in flight and not listed; wait until it has ended",
            err=True,
        )
    if not calls:
        others = len(history.all_open_calls()) if number is not None else 0
        text = "nothing is unknown"
        if number:
            text = f"nothing of run {number}, its recipe and account is unknown"
        if others:
            calls_are = "calls are" if others > 1 else "call is"
            text += f"; {others} {calls_are}, of others: runner settle"
        click.echo(text)
        return 0
    shown = _looked_up(current, history, calls, lambda look, call: look.at(call)) if look else None
    click.echo(settle_text(calls, shown=shown, number=number), nl=False)
    return 5


def _looked_up(
    current: Config,
    history: History,
    calls: Sequence[CallRecord],
    ask: Callable[[Look, CallRecord], Shown],
) -> dict[int, Shown]:
    """Return by call what the API shows now, or the reason why its target cannot be asked."""
    from runner.engine.calls.review import Shown

    found: dict[int, Shown] = {}
    with projects.open_journal(current.runs) as journal:
        for _, group in groupby(calls, key=lambda call: call.run):
            several = list(group)
            try:
                with _looking(current, history, journal, several) as look:
                    found |= {call.id: ask(look, call) for call in several}
            except RunnerError as error:
                found |= {call.id: Shown(why=error.message) for call in several}
    return found


@contextmanager
def _looking(
    current: Config, history: History, journal: Journal, calls: Sequence[CallRecord]
) -> Iterator[Look]:
    """Yield the review of calls of one run.

    No run may be active meanwhile: they share the account's rate limit.
    """
    from runner.engine.calls.review import Look
    from runner.engine.calls.snapshot import read_before
    from runner.engine.limits import Hits
    from runner.project import connections
    from runner.project.destination import check_reads

    run = recorded_run(history, calls[0].run)
    target = current.target(run.target)
    catalogue = catalogue_for(current, target)
    before = (read_before(call.before) for call in calls)
    operations = {each.operation for each in before if each is not None}
    apis = {name.partition(".")[0] for name in operations | {call.operation for call in calls}}
    with connections.open_connections(
        current, sorted(apis & set(catalogue)), target, catalogue
    ) as way:
        if way.account != run.account:
            message = (
                f"the account has changed since run {run.id} ({run.account}, now {way.account})"
            )
            raise UsageError(message, remedy="look on the site of the API itself")
        check_reads(target, way, history)
        limits = {
            api: each.hits_per_day
            for api, each in way.connections.items()
            if each.hits_per_day is not None
        }
        hits = Hits(run.account, journal, history, limits=limits)
        today = dt.datetime.now().astimezone().date()
        yield Look(catalogue, way.connections, hits, today, time.sleep)


def _decide(current: Config, history: History, call: CallRecord, decision: _Decision) -> int:
    """Check a decision, show the object that the API has, and record the decision."""
    shown, answer, made, name = "", None, "", ""
    if decision.done is not None:
        shown, answer, made = _checked(current, history, call, decision)
        name = decision.done.strip()
    question = f"record call {call.id} as {f'done, as {name}' if name else 'absent'}?"
    if not decision.yes and _asks() and not confirmed(question):
        click.echo("nothing was recorded", err=True)
        return 5
    verdict = "done" if name else "absent"
    settlement = SettlementRecord(
        call.id, now(), projects.user(), "done" if name else "absent", name, decision.why, shown
    )
    left = _record(current, call, settlement, answer, made)
    as_what = f"{verdict}, as {name}" if name else verdict
    on = f"go on: runner resume {call.run}" if left else "nothing else of its row is left to do"
    click.echo(printable(f"call {call.id} is recorded as {as_what}; {on}"))
    return 0


def _asks() -> bool:
    """Return true if there is a terminal on both standard streams, and so a person to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _checked(
    current: Config, history: History, call: CallRecord, decision: _Decision
) -> tuple[str, Any, str]:
    """Return the text of the object with an id, the answer to record, and the path of the object.

    Raises UsageError if the call cannot have created it.
    """
    from runner.engine.calls.owners import made_by, said_maker, said_user
    from runner.engine.calls.settlement import answer_of, holder, id_value, used_before

    operation, catalogue = _operation(current, history, call)
    value = id_value(operation, decision.done or "")
    found = _read(current, history, call, value)
    other = holder(history, call, operation, value)
    used = used_before(history, catalogue, call, operation, value)
    of_path = other is not None and (other.url == call.url or other.effect == "read")
    said = said_user(decision.done, used) if used is not None else ""
    if other is not None and (of_path or found.value is None):
        said = said_maker(decision.done, other)
    if said and not (decision.reused and _is_same_row(call, other or used)):
        raise UsageError(said, remedy=_ways_on(call, other or used))
    shown = _shown(found, value)
    if said:
        shown.append(f"{said}, for an object that is gone")
    for line in shown:
        click.echo(printable(line))
    wrong = found.why if found.readable else ""
    wrong = wrong or (
        f"what the API has is not what was sent: {found.differs}" if found.differs else ""
    )
    if wrong and not decision.yes and not _asks():
        raise UsageError(
            f"call {call.id} is not recorded: {wrong}",
            remedy="look the id up again; --yes records it all the same",
        )
    answer = answer_of(operation, value, found.value)
    return "; ".join(shown), answer, made_by(operation, call.url, answer)


def _is_same_row(call: CallRecord, other: CallRecord | None) -> bool:
    """Return whether a call is another one's second time: no other row goes on with the object that is gone."""
    if other is None:
        return False
    return other.identity._replace(generation=0) == call.identity._replace(generation=0)


def _ways_on(call: CallRecord, other: CallRecord | None) -> str:
    """Return what to do about an id that `other` had.

    An API that answers with what exists has no reason to do so for the same row. Of another row calls may still be to
    come, which would go to the new object.
    """
    ways = [
        (
            "look the id up again: one object cannot have been created by two calls, nor by one that was sent "
            "when it was there"
        )
    ]
    if _is_same_row(call, other):
        ways.append("where that object is gone, and the API has given its id to this one: --reused")
    else:
        ways.append(
            "where the API may answer with what exists, for the same e-mail address for one: "
            f"x-runner-returns-existing: true at {call.operation} in its document, and the same again"
        )
    return "; ".join(ways)


def _shown(found: ReadObject, value: Any) -> list[str]:
    from runner.report.history import object_text

    if found.value is None:
        return [f"not read: {found.why}"]
    lines = [f"the API has {value}: {object_text(found.value)}"]
    return [*lines, f"that differs: {found.differs}"] if found.differs else lines


def _operation(current: Config, history: History, call: CallRecord) -> tuple[Operation, Catalogue]:
    run = recorded_run(history, call.run)
    catalogue = catalogue_for(current, current.targets.get(run.target))
    try:
        return catalogue.operation(call.operation), catalogue
    except KeyError:
        raise UsageError(
            f"no API document has {call.operation} any more",
            remedy="put the document back that the run was made with",
        ) from None


def _read(current: Config, history: History, call: CallRecord, value: Any) -> ReadObject:
    """Return the current object with this id, or the reason why the API cannot be asked."""
    from runner.engine.calls.review import ReadObject

    try:
        with (
            projects.open_journal(current.runs) as journal,
            _looking(current, history, journal, [call]) as look,
        ):
            return look.read(call, value)
    except RunnerError as error:
        # 6: another run is using the journal.
        if error.exit_code == 6:
            raise
        return ReadObject(why=error.message)


def _record(
    current: Config, call: CallRecord, settlement: SettlementRecord, answer: Any, made: str
) -> bool:
    """Record a decision, and bring rows and files up to date; returns whether something may be left of the rows."""
    from runner.engine.calls.settlement import (
        before_text,
        left_to_do,
        row_settled,
        settled,
        waiting_rows,
    )
    from runner.project.recorded_runs import completed_since

    with projects.open_journal(current.runs) as journal, closing(History(current.runs)) as history:
        # The journal was not locked while the person was asked.
        fresh = history.call(call.id)
        if fresh is None or fresh.state not in OPEN or fresh.sent_at != call.sent_at:
            raise UsageError(f"call {call.id} has been settled, or sent again, meanwhile")
        rows = waiting_rows(history, fresh)
        settlement = settlement._replace(before=before_text(fresh, rows))
        new = [row_settled(row, fresh, settlement) for row in rows]
        call = settled(fresh, settlement, answer=answer, made=made)
        journal.settle(call, settlement, [*map(left_to_do, new)])
        complete = [*completed_since(current, history, new)] if settlement.name else []
        for row in complete:
            journal.row(row)
        journal.flush()
    _refresh(current, fresh, new)
    return len(complete) < len(new) or not new


def _take_back(current: Config, number: int, why: str) -> int:
    """Restore the state of a call from before it was settled."""
    from runner.engine.calls.settlement import last_settlement, rows_undone, undone

    with projects.open_journal(current.runs) as journal, closing(History(current.runs)) as fresh:
        call = fresh.call(number)
        if call is None:
            raise UsageError(f"there is no call {number}", remedy="runner show lists calls")
        settlement = last_settlement(fresh, call)
        rows = rows_undone(fresh, call, settlement)
        taken = SettlementRecord(number, now(), projects.user(), "undone", settlement.name, why)
        journal.settle(undone(call, settlement), taken, rows)
    _refresh(current, call, rows)
    click.echo(
        f"call {number} is unknown again, as it was before {settlement.who} settled it: runner settle {call.run}"
    )
    return 0


def _refresh(current: Config, call: CallRecord, rows: Sequence[RowRecord]) -> None:
    """Regenerate the files of the runs of these rows; errors are reported.

    The journal is not locked by then: while it is, a run that was killed looks as if it were at work.
    """
    from runner.cli.report import bring_up_to_date
    from runner.project.recorded_runs import history_of

    with closing(history_of(current)) as history:
        for number in sorted({call.run, *(row.run for row in rows)}):
            bring_up_to_date(current, history, recorded_run(history, number))
