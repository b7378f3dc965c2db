"""A person's decision about a call whose outcome is unknown: checked, recorded with what it replaces, taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from runner.catalogue import (
    Catalogue,
    Operation,
    is_id,
    parse_own_json,
    to_json,
    types_of,
    violations,
)
from runner.engine.calls.mentions import Mentions
from runner.engine.calls.objects import with_id, without_id
from runner.engine.calls.owners import made_by, user_of, was_there
from runner.engine.calls.snapshot import id_of
from runner.exact import EXACT, exact_sum
from runner.journal import CallRecord, History, RowRecord, SettlementRecord
from runner.journal.open_runs import SETTLED_AS, still_unknown
from runner.journal.records import OPEN
from runner.problems import UsageError, shell_word

_KEPT = ("state", "status", "answer", "reason")
"""What a settlement replaces in a call."""

_OF_ROW = ("bucket", "reason", "outputs", "links", "money", "unsettled")
"""What it replaces in a row, in the order in which it is kept; earlier versions kept the first two."""


def id_value(operation: Operation, text: str) -> Any:
    """An id as the answer of an operation has it. Raises UsageError for one that it cannot have."""
    text, name = text.strip(), operation.id_field or "id"
    schema = operation.id_schema
    types = types_of(schema)
    number = re.fullmatch(r"[1-9][0-9]*", text) and (not types or {"integer", "number"} & {*types})
    value = int(text) if number else text
    wrong = [each.message for each in violations(schema, value)] if schema else []
    if not is_id(value):
        wrong = ["it is no id"]
    if wrong:
        raise UsageError(
            f"{text!r} cannot be the {name!r} of what {operation.full_name} answers: {wrong[0]}",
            remedy="--done ID: what the API calls the object, as its page or its list shows it",
        )
    return value


def holder(
    history: History, call: CallRecord, operation: Operation, value: Any
) -> CallRecord | None:
    """Another call of the account that has created the object with this id, or had found it before this was sent."""
    if call.effect != "create" or operation.returns_existing:
        return None
    account, sent = call.identity.account, call._replace(state="unknown")
    text = to_json(value).decode().strip('"')
    for other in history.calls_answered(account, call.operation, text=text):
        found = other.state == "found" and not was_there(operation, other, sent)
        if other.id != call.id and not found and id_of(operation, _answer(other)) == str(value):
            return other
    made = made_by(operation, call.url, {operation.id_field or "id": value})
    found_by = history.finders(account, call.operation, made)
    return next((each for each in found_by if was_there(operation, each, sent)), None)


def used_before(
    history: History, catalogue: Catalogue, call: CallRecord, operation: Operation, value: Any
) -> CallRecord | None:
    """A write of the account to the object with this id, into it or naming it, from before this call was sent."""
    if call.effect != "create" or operation.returns_existing:
        return None
    mentions = Mentions(history, catalogue, call.identity.account)
    return user_of(history, operation, call._replace(state="unknown"), str(value), mentions)


def _answer(call: CallRecord) -> Any:
    return parse_own_json(call.answer) if call.answer else None


def settled(
    call: CallRecord, settlement: SettlementRecord, *, answer: Any = None, made: str = ""
) -> CallRecord:
    """The call as a person decided it, with who and why; `answer` and `made` are those of a done one."""
    reason = f"settled by {settlement.who}: {settlement.why}"
    if settlement.verdict == "absent":
        return call._replace(state="absent", reason=reason)
    return call._replace(state="done", answer=to_json(answer).decode(), reason=reason, made=made)


def answer_of(operation: Operation, value: Any, found: Any) -> Any:
    """The answer that a call is recorded with: the object as it was read, under the id that it was settled with."""
    return {**(found or {}), operation.id_field or "id": value}


def waiting_rows(history: History, call: CallRecord) -> list[RowRecord]:
    """The rows that are unknown because of a call alone."""
    account, recipe = call.identity[:2]
    rows = history.rows_of_recipe(account, recipe, bucket="unknown")
    left = [each for each in history.open_calls(account, recipe) if each.id != call.id]
    unknown = {(row.run, row.number) for row in still_unknown(rows, left)}
    return [row for row in rows if (row.run, row.number) not in unknown and _waits_for(row, call)]


def row_settled(row: RowRecord, call: CallRecord, settlement: SettlementRecord) -> RowRecord:
    """A row whose call is settled, with the id of that: left to do, since its other steps may be to be sent."""
    if settlement.verdict == "done":
        row = row._replace(ids=with_id(row.ids, call.identity.step, settlement.name))
    what = f"done, as {settlement.name}" if settlement.verdict == "done" else "not carried out"
    reason = f"{call.identity.step}{SETTLED_AS}{what}, by {settlement.who}: {settlement.why}"
    return _with_money(row, call, settlement)._replace(bucket="not started", reason=reason)


def _with_money(row: RowRecord, call: CallRecord, settlement: SettlementRecord) -> RowRecord:
    """A row with the money of a call where it belongs: what may have been posted was, or was not."""
    if not call.amount or not row.unsettled or call.identity.per != "row":
        return row
    amount, left = Decimal(call.amount), Decimal(row.unsettled)
    money = Decimal(row.money or 0)
    if settlement.verdict == "done":
        money = exact_sum((money, amount))
    left = EXACT.subtract(left, amount) if left >= amount else Decimal(0)
    return row._replace(money=str(money), unsettled=str(left))


def left_to_do(row: RowRecord) -> RowRecord:
    """A row whose call is settled and of which something is left, or may be."""
    where = f"; whether anything of the row is left is found out by: runner resume {row.run}"
    return row._replace(reason=row.reason + where)


def _waits_for(row: RowRecord, call: CallRecord) -> bool:
    identity = call.identity
    if identity.per == "row":
        return identity.key in (row.key, row.on_record)
    return row.reason.startswith(f"{identity.step}: ") or row.number == call.row


def before_text(call: CallRecord, rows: Iterable[RowRecord]) -> str:
    """What a settlement replaces, as the journal keeps it."""
    kept = {name: getattr(call, name) for name in _KEPT}
    places = [[row.run, row.number, *(getattr(row, name) for name in _OF_ROW)] for row in rows]
    return json.dumps({"call": kept, "rows": places}, ensure_ascii=False)


def last_settlement(history: History, call: CallRecord) -> SettlementRecord:
    """The settlement of a call that can be taken back. Raises UsageError when something followed from it."""
    found = history.settlements(call.id)
    if not found or found[-1].verdict == "undone":
        raise UsageError(
            f"call {call.id} has no settlement that could be taken back",
            remedy=f"what was decided about it: runner show {call.run} --key {shell_word(call.identity.key)}",
        )
    followed = _followed(history, call, found[-1])
    if followed:
        raise UsageError(
            f"the settlement of call {call.id} cannot be taken back: {followed}",
            remedy="nothing is to be sent for it: look up what is there, and cancel or correct there by hand what is "
            "too much or in the wrong place",
        )
    return found[-1]


def _followed(history: History, call: CallRecord, settlement: SettlementRecord) -> str:
    """What came of a settlement; empty where nothing did."""
    if call.state in OPEN or call.state != settlement.verdict or call.sent_at > settlement.at:
        return "it was sent again since"
    writes = history.writes_since(call, settlement.at)
    if writes:
        each = writes[0]
        return f"{each.identity.step} was sent since, in run {each.run} (call {each.id})"
    if call.identity.per == "once":
        run = history.requested_since(*call.identity[:2], settlement.at)
        if run is not None:
            return f"run {run} has continued since, with rows that share it"
    return ""


def undone(call: CallRecord, settlement: SettlementRecord) -> CallRecord:
    """The call as it was before a settlement."""
    return call._replace(**json.loads(settlement.before)["call"], made="")


def rows_undone(
    history: History, call: CallRecord, settlement: SettlementRecord
) -> list[RowRecord]:
    """The rows that are unknown again when a settlement is taken back: those of before, and what they became since."""
    account, recipe, _, key, *_ = call.identity
    places = {
        (run, number): tuple(was) for run, number, *was in json.loads(settlement.before)["rows"]
    }
    rows = history.rows_of_recipe(account, recipe, first_run=call.run)
    reason = f"{call.identity.step}: its settlement was taken back: runner settle {call.run}"
    found = []
    for row in rows:
        was = places.get((row.run, row.number), ())
        if was:
            row = row._replace(ids=without_id(row.ids, call.identity.step, settlement.name))
            found.append(row._replace(**dict(zip(_OF_ROW, was, strict=False))))
        elif (
            call.identity.per == "row"
            and key in (row.key, row.on_record)
            and row.bucket in ("done", "found")
        ):
            row = row._replace(ids=without_id(row.ids, call.identity.step, settlement.name))
            found.append(row._replace(bucket="unknown", reason=reason))
    return found
