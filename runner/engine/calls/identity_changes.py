"""A step that was done for a row alone, for a shared value or for items, and is another of these now.

Its calls would have identities that nobody has seen, and all of them would be sent again. As far as the journal can
tell, such a row is set aside instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from runner.journal import CallRecord, History
from runner.journal.records import OPEN, SETTLED
from runner.problems import shell_word
from runner.recipe.model import Recipe, Step

Prior = Mapping[tuple[str, str], CallRecord]


class Past(NamedTuple):
    """What earlier runs of a recipe leave to be careful about.

    once   steps of the recipe that were done once for a value and are done for each row now, by the id they had
    keys   rows that were run with another text of the recipe; empty where `once` is
    """

    once: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


def past_of(history: History, account: str, recipe: Recipe) -> Past:
    """What to be careful about; two short queries where nothing is."""
    names = {name for step in recipe.steps if step.once_per is None for name in step.names}
    once = frozenset(history.once_steps(account, recipe.name)) & names
    if not once:
        return Past()
    return Past(
        once, frozenset(history.rows_before(account, recipe.name, recipe_digest=recipe.digest))
    )


def reshaped(step: Step, prior: Prior, past: Past, *, keys: Collection[str]) -> str:
    """Why a step of a row is not sent: it was something else when it was; empty when it may be."""
    mine = done_calls(step, prior)
    sent = next(iter(mine.values()), None)
    if sent is not None and step.once_per is not None:
        return _reason(sent, "for this row alone", "once_per is there now")
    if sent is not None and step.for_each is not None and "" in mine:
        return _reason(sent, "once for this row", "for_each is there now")
    if sent is not None and step.for_each is None and "" not in mine:
        return _reason(sent, f"for {len(mine)} item{'s' * (len(mine) != 1)}", "for_each is gone")
    tried = any(name in step.names for name, _ in prior)
    known = bool(_writes(prior)) or not past.keys.isdisjoint(keys)
    if step.once_per is None and not tried and known and past.once & {*step.names}:
        return "it was done once for rows that share a value, and once_per is gone"
    return ""


def renamed(step: Step, prior: Prior, names: Collection[str]) -> str:
    """Why the items of a step are not sent: they were told apart in another way when they were.

    An item_key may come to what positions were called, 0, 1, 2: then what was sent tells which it is.
    """
    mine = done_calls(step, prior) if prior else {}
    if not mine:
        return ""
    sent = next(iter(mine.values()))
    positions = all(call.position for call in mine.values())
    if step.item_key is not None and positions and "0" not in names:
        return _reason(sent, "for items told apart by position", "item_key is there now")
    if step.item_key is None and not positions:
        return _reason(sent, "for items told apart by item_key", "item_key is gone")
    return ""


def done_calls(step: Step, prior: Prior) -> dict[str, CallRecord]:
    """The writes of a step for this row that were or may have been carried out, by item.

    Those of a step whose items `was` maps are left to that.
    """
    mapped = {was.step for was in step.was if was.maps_items}
    names = [name for name in step.names if name not in mapped]
    return {item: call for (name, item), call in _writes(prior).items() if name in names}


def _writes(prior: Prior) -> dict[tuple[str, str], CallRecord]:
    return {
        place: call for place, call in prior.items() if call.effect != "read" and call.state in (*SETTLED, *OPEN)
    }  # fmt: skip


def _reason(sent: CallRecord, was: str, now: str) -> str:
    return f"it was done {was} in run {sent.run}, and {now}"


def choices(key: str, former: str = "") -> str:
    """The ways on for a row that is set aside because something else was sent for it than would be sent now.

    `former` is the key that it was sent under, where that is another one.
    """
    again = f"--again {shell_word(key)} --why ..."
    another = f"; if this row is another one than the one that had the key {former!r} then: {again}"
    return (
        "put back what was sent, change it there by hand or with an update recipe"
        f"{another if former else f', or send the row again: {again}'}"
    )
