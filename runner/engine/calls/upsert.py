"""What keeps an object that was found in step: what an update would send, beside what is there, and what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.catalogue import Operation, Request, first_arguments, of_entry
from runner.engine.calls.diff import Comparison, compare_with, literal, unlike
from runner.engine.calls.read_back import READ_BACK, BackReading
from runner.engine.calls.snapshot import id_of
from runner.engine.context import Context, Use
from runner.engine.sending.outcome import Outcome
from runner.engine.sending.sender import Subject
from runner.journal import CallRecord, Identity
from runner.recipe.model import Update

UPDATE = "/update"
"""What the journal calls the first update of a step, behind the step's name; each later run adds its number.

So every run keeps what it has sent itself: contact/update, then contact/update/5 in run 5.
"""


class Change(NamedTuple):
    """An update that has something to send. `told` are the fields that differ; `after` is the object with them."""

    use: Use
    request: Request
    told: str
    after: Any


def update_use(context: Context, use: Use, found: Any) -> Use:
    """The update of a step as a use of its own, for the object that was found. Raises EvaluationError."""
    search = use.step.unless_found
    assert search is not None and search.update is not None  # noqa: S101 - the callers' condition
    update: Update = search.update
    step = use.step._replace(
        id=use.step.id + UPDATE, was=(), operation=update.operation, arguments=update.arguments, expect="",
        unless_found=None,
    )  # fmt: skip
    operation = context.catalogue.operation(update.operation)
    given = first_arguments(
        operation,
        context.render(
            update.arguments,
            {**use.scope, "found": of_entry(context.catalogue.operation(search.operation), found)},
        ),
    )
    identity = use.identity._replace(step=step.id)
    places = [(name + UPDATE, item) for name, item in use.places]
    return Use(step, operation, use.scope, identity, use.position, use.undecided, given, places)


def last_update(update: Use, known: Mapping[tuple[str, str], CallRecord]) -> CallRecord | None:
    """The last of the updates of a step that are among the calls of before, whichever run it was sent in."""
    found = [
        call for (name, item), call in known.items()
        if any(item == place[1] and _is_update_of(place[0], name) for place in update.places)
    ]  # fmt: skip
    return max(found, key=lambda call: (call.run, call.id), default=None)


def _is_update_of(first: str, name: str) -> bool:
    """Whether a name is that of an update whose first one is called `first`."""
    return name == first or (name.startswith(f"{first}/") and name.rpartition("/")[2].isdecimal())


def identity_of(update: Use, last: CallRecord | None, *, run: int) -> Identity:
    """What makes an update that `run` sends this call, where `last` was sent before."""
    if last is None:
        return update.identity
    return (
        last.identity
        if last.run == run
        else update.identity._replace(step=f"{update.step.id}/{run}")
    )


def change_of(
    context: Context, use: Use, found: Any, back: BackReading, row: Subject, *, stale: bool = False
) -> Outcome:
    """What an update has to send for an object that was found: a Change, or None where nothing differs.

    Where what was found does not show all of it, or is `stale`, the object is read by its id. Raises ArgumentError.
    """
    operation = use.operation
    whole = context.request(operation, use.arguments)
    there, compared = found, compare_with(whole.body, found, unlike=unlike(operation))
    more = stale or compared.absent or operation.unsent == "lost" or operation.version
    if operation.read_back is not None and more:
        subject = row._replace(identity=use.identity._replace(step=use.identity.step + READ_BACK))
        outcome = back.read(use, subject, answer=found)
        if not outcome.ok:
            return outcome
        there = {**found, **outcome.value}
        compared = compare_with(whole.body, there, unlike=unlike(operation))
    if not compared.changes:
        return Outcome("done", value=None)
    request = context.request(operation, _sent(use, compared, there))
    after = _laid_over(there, whole.body)
    return Outcome("done", value=Change(use, request, told(compared), after))


def told(compared: Comparison) -> str:
    """The fields that differ, as they are and as they are to be."""
    return "; ".join(
        f"{each.place} {literal(each.found)} -> {literal(each.sent)}" for each in compared.changes
    )


def _sent(use: Use, compared: Comparison, there: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an update: only what differs, all that the recipe names, or the whole object."""
    operation, given = use.operation, dict(use.arguments)
    if operation.unsent == "kept":
        differ = {re.split(r"[.\[]", each.place, maxsplit=1)[0] for each in compared.changes}
        needed = {*operation.parameters, *operation.required}
        given = {name: value for name, value in given.items() if name in differ or name in needed}
    elif operation.unsent == "lost":
        known = {name: _taken(there.get(name), schema) for name, schema in operation.fields.items()}
        given = known | {name: _laid_over(known.get(name), value) for name, value in given.items()}
    if operation.version is not None:
        place, parameter = operation.version
        given[parameter] = _inside(there, place)
    return given


def _taken(value: Any, schema: Mapping[str, Any]) -> Any:
    """What a body takes of a value that was read: of an object only the fields that its schema has."""
    properties = schema.get("properties")
    if isinstance(value, Mapping) and isinstance(properties, Mapping):
        return {
            name: _taken(each, properties[name])
            for name, each in value.items()
            if name in properties
        }
    return value


def _laid_over(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{name: _laid_over(old.get(name), value) for name, value in new.items()}}
    return new


def _inside(tree: Any, place: str) -> Any:
    for part in place.split("."):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def another(operation: Operation, made: Any, found: Any) -> str:
    """Why what was found is not what the step has made before; empty where it is, or nobody can tell."""
    ours, theirs = id_of(operation, made), id_of(operation, found)
    return (
        f"the search finds {theirs}, and not {ours}" if ours and theirs and ours != theirs else ""
    )
