"""A call whose outcome is unknown: what a search says of it now.

Of a payment only what is new since its intent counts: exactly one object that is new and fits `where` is it. Another
new one beside it, from whoever else pays on the same order, leaves it unknown. Of anything else that is created,
exactly one object that fits is it; where none does, a recipe may want it to be sent again after a settling time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from runner.catalogue import Operation
from runner.engine.calls.reads import Reading
from runner.engine.calls.snapshot import MOST_IDS, Before, new_since, read_before
from runner.engine.sending.sender import Subject
from runner.journal import CallRecord
from runner.recipe.model import Step


class Finding(NamedTuple):
    """What a search says: the object that the call made, or else why it is not known which it is.

    `absent`: the search, which `before` notes, was complete and nothing fits. `how` it was found, for people.
    """

    item: Any = None
    how: str = "found by search"
    reason: str = ""
    absent: bool = False
    before: Before | None = None


def look_for(
    reading: Reading, step: Step, operation: Operation, prior: CallRecord, subject: Subject, scope: Mapping[str, Any],
    *, besides: Collection[str] = (),
) -> Finding:  # fmt: skip
    """Search for what an earlier attempt of a call may have made; what has an id of `besides` is something else."""
    search = step.unless_found
    if search is None:
        return Finding()
    if operation.money:
        before = read_before(prior.before)
        if before is None:
            return Finding(
                reason="what was there before it is not recorded, so that no search can tell it apart"
            )
        return _new_payment(reading, step, operation, before, subject, scope)
    outcome, noted = reading.find(
        step, search, subject, scope, operation=operation, besides=besides
    )
    if not outcome.ok:
        return Finding(reason=outcome.reason)
    if outcome.value:
        return Finding(item=outcome.value[0])
    return Finding(reason="a search finds none", absent=True, before=noted)


def may_send_again(step: Step, operation: Operation) -> bool:
    """Whether a recipe wants what was not found to be sent again, and it is a kind of call that may be."""
    search = step.unless_found
    wanted = search is not None and search.absent_means == "retry"
    return wanted and operation.effect == "create" and not operation.money


def not_before(step: Step, prior: CallRecord, *, now: dt.datetime) -> str:
    """When a call that was not found may be sent again, in words; empty when the time has come.

    Where the clock has been set back since, so that it was sent in the future, the time has not come.
    """
    assert step.unless_found is not None  # noqa: S101 - may_send_again has said so
    settling = dt.timedelta(seconds=step.unless_found.settling)
    try:
        sent = dt.datetime.fromisoformat(prior.sent_at).astimezone(dt.UTC)
    except ValueError:
        return "when it was sent is not recorded"
    if sent <= now - settling:
        return ""
    due = (sent + settling).replace(microsecond=0) + dt.timedelta(seconds=1)
    return f"it is sent again from {due:%Y-%m-%d %H:%M:%SZ} on, if a search finds none then"


def _new_payment(
    reading: Reading,
    step: Step,
    operation: Operation,
    before: Before,
    subject: Subject,
    scope: Mapping[str, Any],
) -> Finding:
    outcome = reading.again(step, before, subject)
    if not outcome.ok:
        return Finding(reason=outcome.reason)
    new = new_since(before, operation, outcome.value)
    if new is None:
        many = before.count > MOST_IDS
        why = f"{before.count:,} were there before it" if many else "what it lists has no ids"
        return Finding(reason=f"a search cannot tell what is new: {why}")
    outcome = reading.fitting(step, new, scope)
    if not outcome.ok:
        return Finding(reason=outcome.reason)
    ours = outcome.value
    if len(ours) == 1 and len(new) == 1:
        return Finding(item=ours[0])
    if ours:
        return Finding(
            reason=f"a search finds {len(new)} that are new since then, and not which of them it is"
        )
    others = (
        f", though {len(new)} other is new"
        if len(new) == 1
        else f", though {len(new)} others are new"
    )
    return Finding(reason="a search finds none that is new and fits" + (others if new else ""))
