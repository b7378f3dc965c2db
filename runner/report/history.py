"""The journal as text for `runner runs`, `runner show` and `runner settle`: aligned columns, no colour, no clock.

    run 4  import-orders -> sandbox
      state     finished, exit code 5
      ...
    UNKNOWN      10431  lines 450-452  deposit: connection lost before an answer
      job             done     201  POST http://127.0.0.1:8765/v2/orders/jobs           id 31987
      deposit  call 7 UNKNOWN       POST http://127.0.0.1:8765/v2/.../payments  1,210.00
    rejected     10502  lines 642-644  job: 422 country is over the max length of 2 characters

`runner show` puts rows that need a person first. An intent without an outcome is shown as what it is: unknown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.catalogue import parse_own_json
from runner.engine.events import BUCKETS, Bucket, Outstanding
from runner.exact import exact_sum
from runner.journal import (
    AgainRecord,
    CallRecord,
    Identity,
    NoticeRecord,
    RowRecord,
    RunRecord,
    SettlementRecord,
)
from runner.journal.open_runs import Left
from runner.problems import UsageError, printable
from runner.report.replay import by_bucket, decimal
from runner.report.summary import outstanding_lines
from runner.report.text import columns, line_numbers, moment, money, plural, run_size

if TYPE_CHECKING:
    from runner.engine.calls.review import Shown

WritesOf = Callable[[Sequence[str]], Mapping[str, Sequence[CallRecord]]]
"""The writes on record for rows with these keys, by key."""

_ORDER: tuple[Bucket, ...] = (
    "unknown", "changed", "rejected", "not started", "found", "done"
)  # fmt: skip
_NO_OUTCOME = "no outcome was recorded"
OBJECTS_SHOWN = 5
"""Objects that are shown of a search."""

WIDEST = 100
"""Characters of the fields that an object shares with a call."""

_HEADER = ("run", "recipe", "target", "started", "state", "exit", "rows", *BUCKETS)


def runs_table(
    runs: Sequence[RunRecord],
    buckets: Mapping[int, Mapping[str, int]],
    *,
    left: Sequence[Left] = (),
) -> str:
    """A line for each run, in the order given, and what is left to do by now.

    `buckets` counts the rows of each run, `left` says what is left of each.
    """
    table: list[Sequence[str]] = [_HEADER]
    for run in runs:
        counts = by_bucket(buckets.get(run.id, {}), run.row_count)
        code = "" if run.exit_code is None else str(run.exit_code)
        known = (
            str(run.id),
            run.recipe,
            run.target,
            moment(run.started_at),
            run.state,
            code,
            str(run.row_count),
        )
        table.append([*map(printable, known), *(str(counts[bucket]) for bucket in BUCKETS)])
    lines = columns(table, right={0, *range(5, len(_HEADER))})
    return _joined([*lines, *(printable(line) for each in left for line in said_left(each))])


def said_left(left: Left) -> Iterator[str]:
    """What is left of a run, and the commands for it; what was unknown in it and is settled by now."""
    run, resume = left.run, f"; go on with: runner resume {left.run.id}"
    on = "" if left.covered_by else resume
    if left.unknown:
        yield f"run {run.id}: {plural(left.unknown, 'row')} unknown; settle with: runner settle {run.id}"
    if left.settled:
        was = "was" if left.settled == 1 else "were"
        yield f"run {run.id}: {plural(left.settled, 'row')} {was} unknown, and settled since{on}"
    if left.covered_by:
        return
    if run.state == "killed":
        yield f"run {run.id} was killed{resume}"
    elif left.stopped:
        yield f"run {run.id} was stopped" + (f": {run.reason}" if run.reason else "") + resume
    elif left.not_started:
        yield f"run {run.id}: {plural(left.not_started, 'row')} not started{resume}"


def show_run(
    run: RunRecord, rows: Iterable[RowRecord], calls: Sequence[CallRecord], *, key: str | None, limit: int,
    again: Sequence[AgainRecord] = (), notices: Sequence[NoticeRecord] = (),
    settlements: Sequence[SettlementRecord] = (), writes_of: WritesOf = lambda _: {},
    outstanding: Sequence[Outstanding] = (),
) -> str:  # fmt: skip
    """A run with its rows and their calls, `limit` rows at most (0: all). With `key` that row alone, with all that was
    sent and answered. `again` are the rows that it was asked to send once more, `notices` who was told of its end,
    `settlements` what people decided about its calls. `writes_of` gives the writes on record for keys of rows: of rows
    that are not done, those of other runs are shown as well. `outstanding` is what earlier runs have left unknown.
    Raises UsageError when the run has no such row.
    """
    calls_of: dict[int, list[CallRecord]] = {}
    for call in calls:
        calls_of.setdefault(call.row, []).append(call)
    counts: Counter[str] = Counter()
    kept: dict[str, list[RowRecord]] = {bucket: [] for bucket in _ORDER}
    for row in rows:
        counts[row.bucket] += 1
        if (key is None or row.key == key) and (not limit or len(kept[row.bucket]) < limit):
            kept[row.bucket].append(row)
    found = [row for bucket in _ORDER for row in kept[bucket]]
    if key is not None and not found:
        remedy = f"see its rows with: runner show {run.id}"
        raise UsageError(f"run {run.id} has no row with the key {key!r}", remedy=remedy)
    shown = found[:limit] if limit else found
    asked = [
        f"  {'again':<9} {printable(f'{a.key}: {a.why} ({a.who}, {moment(a.at)})')}" for a in again
    ]
    told = [
        f"  {'told' if not n.reason else 'NOT told':<9} {printable(_notice(n))}" for n in notices
    ]
    before = [printable(line) for line in said_outstanding(outstanding)]
    lines = [*_head(run, by_bucket(counts, run.row_count)), *asked, *told, *before, ""]
    for row in shown:
        own = calls_of.get(row.number, [])
        if key is not None or row.bucket not in ("done", "found"):
            sent = writes_of([row.key, row.on_record]).values()
            own = [*(call for calls in sent for call in calls if call.run != run.id), *own]
        lines += _row(row, own, run=run.id, whole=key is not None)
        numbers = {call.id for call in own}
        lines += (_settlement(each) for each in settlements if each.call in numbers)
    rest = counts.total() - len(shown)
    if key is None and rest:
        lines += [
            "",
            f"and {plural(rest, 'more row')}: --limit {counts.total()} shows all, --key KEY one of them",
        ]
    return _joined(lines)


def said_outstanding(calls: Sequence[Outstanding]) -> Iterator[str]:
    """What earlier runs have left unknown, under the facts of a run; nothing where there is none."""
    label = "UNKNOWN"
    for line in outstanding_lines(calls):
        yield f"  {label:<9} {line}"
        label = ""


def _settlement(settlement: SettlementRecord) -> str:
    named = f" as {settlement.name}" if settlement.name else ""
    what = "taken back" if settlement.verdict == "undone" else f"settled: {settlement.verdict}"
    by = f"by {settlement.who}, {moment(settlement.at)}: {settlement.why}"
    return printable(f"  call {settlement.call} {what}{named} {by}")


def _notice(notice: NoticeRecord) -> str:
    return (
        f"{notice.name}"
        + (f": {notice.reason}" if notice.reason else "")
        + f" ({moment(notice.at)})"
    )


def said_state(run: RunRecord) -> str:
    """How a run ended, and how to go on where it was killed."""
    if run.state == "killed":
        return f"killed, no end is on record; go on with: runner resume {run.id}"
    return run.state + ("" if run.exit_code is None else f", exit code {run.exit_code}")


def settle_text(
    calls: Sequence[CallRecord],
    *,
    shown: Mapping[int, Shown] | None = None,
    number: int | None = None,
) -> str:
    """The calls that wait for a person, each with what is needed to decide and the commands that record it.

    `shown` is what the API shows of them now, by their number; without it, how to look is said: of a run's calls
    where those of run `number` are listed.
    """
    lines: list[str] = []
    for call in calls:
        lines += [*_open_call(call, (shown or {}).get(call.id)), ""]
    if shown is None and any(call.before for call in calls):
        of_run = f" {number}" if number is not None else ""
        lines.append(
            f"what the API shows of them now: runner settle{of_run} --look (it only reads)"
        )
    if not calls:
        return ""
    amounts = [amount for call in calls if (amount := decimal(call.amount)) is not None]
    worth = f", {money(exact_sum(amounts))}" if amounts else ""
    return _joined([*lines, f"{plural(len(calls), 'call')} to settle{worth}"])


def _open_call(call: CallRecord, shown: Shown | None) -> Iterator[str]:
    identity = call.identity
    item = f"  item {call.shown_item}" if identity.item else ""
    yield printable(
        f"call {call.id}  {identity.step}{_generation(identity)}{item}  {call.operation}"
    )
    facts = {
        "recipe": f"{identity.recipe}, account {identity.account}",
        "key": identity.key
        + ("  (once for all rows that share it)" if identity.per == "once" else ""),
        "amount": _money(call.amount),
        "sent": f"{moment(call.sent_at) or 'at an unknown time'}, run {call.run}, row {call.row}",
        "request": f"{call.method} {call.url}",
        "body": call.body,
        "status": str(call.status or ""),
        "reason": call.reason or _NO_OUTCOME,
    }
    yield from (f"  {name:<9} {printable(text)}" for name, text in facts.items() if text)
    if shown is not None:
        yield from _shown(shown)
    command = f"runner settle {call.run} --call {call.id}"
    yield f'  is there      {command} --done ID --why "..."'
    yield f'  is not there  {command} --absent --why "..."'


def object_text(found: Mapping[str, Any]) -> str:
    """The plain fields of an object, as many as people read in a line."""
    fields = (
        f"{name} {value}"
        for name, value in found.items()
        if value is not None and not isinstance(value, Mapping | list)
    )
    text = ", ".join(fields)
    return text if len(text) <= 2 * WIDEST else text[: 2 * WIDEST] + "…"


def _shown(shown: Shown) -> Iterator[str]:
    """What the API shows now, under a call."""
    if shown.why:
        yield f"  now       {printable(shown.why)}"
        return
    many = len(shown.objects)
    if shown.before is None:
        yield f"  now       {shown.count:,} listed, {many:,} with a value of what was sent"
    else:
        yield f"  now       {shown.count:,} listed, {shown.before:,} before it was sent: {many:,} new"
    for name, shared in shown.objects[:OBJECTS_SHOWN]:
        fields = ", ".join(f"{field} {value}" for field, value in shared.items())
        yield f"            id {printable(name or '?')}" + (
            f"  {printable(fields)[:WIDEST]}" if fields else ""
        )
    if many > OBJECTS_SHOWN:
        yield f"            and {many - OBJECTS_SHOWN:,} more"


def _head(run: RunRecord, counts: Mapping[Bucket, int]) -> Iterator[str]:
    yield printable(f"run {run.id}  {run.recipe} -> {run.target}")
    buckets = ", ".join(f"{counts[bucket]} {bucket}" for bucket in BUCKETS if counts[bucket])
    size = run_size(run)
    facts = {
        "state": said_state(run),
        "reason": run.reason,
        "started": moment(run.started_at) + (f" by {run.who}" if run.who else ""),
        "finished": moment(run.finished_at),
        "account": run.account,
        "recipe": f"{run.recipe_file}  sha256 {run.recipe_digest[:12]}",
        "input": f"{', '.join(run.input_files)}  sha256 {run.input_digest[:12]}"
        if run.input_file
        else "",
        "stops at": plural(run.max_failures, "rejected row")
        if run.max_failures is not None
        else "",
        "vars": run.vars if run.vars != "{}" else "",
        "rows": f"{size}: {buckets}" if buckets else size,
    }
    yield from (f"  {name:<9} {printable(text)}" for name, text in facts.items() if text)


def _row(row: RowRecord, calls: Sequence[CallRecord], *, run: int, whole: bool) -> Iterator[str]:
    label = "UNKNOWN" if row.bucket == "unknown" else row.bucket
    outputs = ", ".join(
        f"{name} {value}" for name, value in object_of(row.outputs).items() if value is not None
    )
    known = (row.key or f"row {row.number}", line_numbers(lines_of(row.lines)), row.reason, outputs)
    yield printable(f"{label:<11}  " + "  ".join(filter(None, known)))
    drawn = columns([list(map(printable, _cells(call, run))) for call in calls], right={3, 6})
    for call, line in zip(calls, drawn, strict=True):
        yield f"  {line}"
        if whole:
            for name, text in (
                ("sent", call.body),
                ("answered", call.answer),
                ("at", moment(call.sent_at)),
            ):
                if text:
                    yield f"    {name:<8}  {printable(text)}"


def _cells(call: CallRecord, run: int) -> tuple[str, ...]:
    """The cells of a call, as it is shown in a run: another one that sent it is named."""
    identity = call.identity
    step = identity.step + (f"[{call.shown_item}]" if identity.item else "") + _generation(identity)
    state = "UNKNOWN" if call.is_open else call.state
    reason = call.reason or (_NO_OUTCOME if call.state == "intent" else "")
    answer = id_of(call.answer)
    return (
        step, f"call {call.id}", state, str(call.status or ""), call.method, call.url,
        _money(call.amount), f"id {answer}" if answer else "",
        reason if call.run == run else "; ".join(filter(None, (f"sent in run {call.run}", reason))),
    )  # fmt: skip


def _generation(identity: Identity) -> str:
    """How often a call was sent again on purpose."""
    times = identity.generation
    return "" if not times else " again" if times == 1 else f" again ({times} times)"


def id_of(answer: str) -> str:
    """The id that an answer gave: its `id`, else the first of its fields that ends in one."""
    fields = object_of(answer)
    return str(
        next((fields[name] for name in ("id", *fields) if name in fields and _names_id(name)), "")
    )


def _names_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def object_of(text: str) -> dict[str, Any]:
    """The JSON object in a text; empty where there is none."""
    found = parse_own_json(text) if text else {}
    return found if isinstance(found, dict) else {}


def lines_of(text: str) -> list[int]:
    """The line numbers of a row."""
    return [int(line) for line in json.loads(text or "[]")]


def _money(text: str) -> str:
    amount = decimal(text)
    return text if amount is None else money(amount)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
