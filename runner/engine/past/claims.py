"""The calls on record of a row beside what its steps ask for now: which call is which, and which nothing asks for.

A call is claimed by the step and item that it was sent for, under their own names or under those that `was` gives. One
that was or may have been carried out and that nothing claims is forgotten: the sheet or the recipe has lost it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from runner.engine.calls.equality import same_value
from runner.engine.once_per import item_name
from runner.journal import CallRecord
from runner.journal.records import OPEN
from runner.keys import brief
from runner.recipe.model import Recipe, Step, Was
from runner.template import EvaluationError, Undecided, Unknown

Place = tuple[str, str]
"""A step and an item of it, as a call is on record under; the item is empty for a step without items."""

_SHOWN = 3
"""Calls that a message names before it counts the rest."""


class Claims:
    """The writes of a row that were or may have been carried out, and which of them its steps claim."""

    def __init__(self, recipe: Recipe, prior: Mapping[Place, CallRecord]) -> None:
        names = Counter(name for step in recipe.steps for name in step.names)
        self._shared = frozenset(name for name, count in names.items() if count > 1)
        self._sent: dict[Place, CallRecord] = {}
        for (name, item), call in prior.items():
            if call.effect != "read" and (call.state == "done" or call.state in OPEN):
                self._sent.setdefault((step_of(name), item), call)
        self._claimed: dict[Place, str] = {}
        self._awaited = {step.id: frozenset(step.names) for step in recipe.steps}

    def begin(self, step: Step) -> None:
        """Note that a step is taken: what it does not claim from now on, it has no use for."""
        self._awaited.pop(step.id, None)

    def claim(self, places: Sequence[Place], shown: str) -> str:
        """Claim the first of these places that a call is on record under, for what people know as `shown`.

        Returns why it cannot be claimed, where another step or item has claimed it.
        """
        found = next((place for place in places if place in self._sent), None)
        if found is None:
            return ""
        other = self._claimed.setdefault(found, shown)
        if other == shown:
            return ""
        return f"{said_call(self._sent[found])}, and both {other} and {shown} would be that call"

    def release(self, names: Collection[str]) -> None:
        """Treat all that was sent for these steps as claimed: which of it is asked for is not known yet."""
        for place in self._sent:
            if place[0] in names:
                self._claimed.setdefault(place, "")

    def may_claim(self, place: Place) -> bool:
        """Return whether something claims a place, or a step that is still to come may."""
        return place in self._claimed or any(place[0] in names for names in self._awaited.values())

    def forgotten(self, step: Step | None = None) -> list[CallRecord]:
        """The calls that nothing claims: those that only `step` could, or any."""
        return [
            call
            for place, call in self._sent.items()
            if place not in self._claimed
            and (step is None or (place[0] in step.names and place[0] not in self._shared))
        ]


class KeySet:
    """The keys of an input, eight bytes each."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._marks = array("Q", sorted(map(_mark, keys)))

    def __contains__(self, key: object) -> bool:
        mark = _mark(brief(str(key)))
        at = bisect_left(self._marks, mark)
        return at < len(self._marks) and self._marks[at] == mark


class Asked:
    """What a run asks for: the steps of its recipe, and the rows of its whole input, whichever of them it takes."""

    def __init__(
        self, recipe: Recipe, keys: Iterable[str], shared: Collection[tuple[str, str]] | None
    ) -> None:
        self._names = frozenset(name for step in recipe.steps for name in step.names)
        self._keys = KeySet(keys)
        self._shared = shared

    def claims(self, call: CallRecord, *, keys: Collection[str], own: Claims) -> bool:
        """Return whether a call on record is still asked for, as a row with these keys sees it, by its `own` claims.

        Of another row that is in the input all that was sent counts as asked for: what it has lost sets it aside.
        """
        identity = call.identity
        if step_of(identity.step) not in self._names:
            return False
        if identity.per == "once":
            return self._has_value(step_of(identity.step), identity.key)
        if identity.key in keys:
            return own.may_claim((step_of(identity.step), identity.item))
        return identity.key in self._keys

    def _has_value(self, step: str, value: str) -> bool:
        """Return whether a row may share this value of a step: one that depends on an answer is not known."""
        found = self._shared
        return found is None or (step, value) in found or (step, "") in found


def _mark(key: str) -> int:
    return hash(key) & 0xFFFFFFFFFFFFFFFF


def places_of(
    step: Step, scope: Mapping[str, Any], name: str, *, before: Sequence[Any] = ()
) -> list[Place] | None:
    """The places that a call of a step may be on record under, its own first.

    `name` is the item's, `before` are the items before it. None where it depends on an answer. Raises EvaluationError.
    """
    places = [(step.id, name)]
    try:
        for was in step.was:
            item = _former_item(step, was, scope, before) if was.maps_items else name
            if isinstance(item, Unknown):
                return None
            places += [(was.step, item)] if item is not None else []
    except Undecided:
        return None
    return places


def _former_item(
    step: Step, was: Was, scope: Mapping[str, Any], before: Sequence[Any]
) -> str | Unknown | None:
    """The name that an item had; None where it is not in the list of then."""
    if was.item_key is not None:
        return item_name(was.item_key, scope)
    assert was.for_each is not None  # noqa: S101 - one of the two maps items
    items, item = was.for_each.evaluate(scope), scope[step.item_name]
    if isinstance(items, Unknown):
        return items
    if not isinstance(items, list | tuple):
        raise EvaluationError(f"{was.for_each.text}: a list is needed")
    equal = [str(position) for position, each in enumerate(items) if same_value(each, item)]
    earlier = sum(same_value(each, item) for each in before)
    return equal[earlier] if earlier < len(equal) else None


def step_of(name: str) -> str:
    """The step that a call belongs to, of the name that it is on record under."""
    return name.partition("/")[0]


def said_place(place: Place) -> str:
    """A step, with its item where it has one, for people."""
    return f"{place[0]}[{place[1]}]" if place[1] else place[0]


def said_call(call: CallRecord) -> str:
    """A call on record for people: the step, what it moved, and in which run."""
    return f"{_named(call)} {_was(call)} sent in run {call.run}"


def said_sent(call: CallRecord) -> str:
    """How a call was sent, for people: `was sent as lines[3] of 'W-1' in run 1`."""
    identity = call.identity
    place = said_place((identity.step, call.shown_item))
    whose = f" of {identity.key!r}" if identity.key else ""
    return f"{_was(call)} sent as {place}{whose} in run {call.run}"


def said_calls(calls: Sequence[CallRecord]) -> str:
    """Several calls on record for people: the first ones by name, and how many more."""
    if len(calls) == 1:
        return said_call(calls[0])
    names = [_named(call) for call in calls[:_SHOWN]]
    rest = len(calls) - len(names)
    names += [f"{rest:,} more"] if rest else []
    runs = sorted({call.run for call in calls})
    where = ("run " if len(runs) == 1 else "runs ") + ", ".join(map(str, runs))
    may = "may have been" if any(call.state in OPEN for call in calls) else "were"
    return f"{', '.join(names[:-1])} and {names[-1]} {may} sent in {where}"


def _named(call: CallRecord) -> str:
    """A call as `deposit of 250.00` or `lines[3]`."""
    place = said_place((call.identity.step, call.shown_item))
    if not call.amount:
        return place
    amount = Decimal(call.amount)
    return f"{place} of {amount:,.2f}" if amount == round(amount, 2) else f"{place} of {amount:,f}"


def _was(call: CallRecord) -> str:
    return "may have been" if call.state in OPEN else "was"
