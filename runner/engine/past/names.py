"""Keys and shared values on record: those that look like what an input has, and are something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.journal import CallRecord, History
from runner.journal.records import OPEN, SETTLED
from runner.keys import apart, brief, mistakable, unpadded
from runner.problems import InvalidError, Problem
from runner.recipe.model import Recipe
from runner.rows import Claimed


class KnownNames:
    """The keys under which a recipe has sent something for an account, and the values of its `once_per`."""

    def __init__(self, history: History, account: str, recipe: Recipe) -> None:
        self._history, self._account, self._recipe = history, account, recipe
        self._names = {step.id: {*step.names} for step in recipe.steps}

    def conflicts(
        self, step: str, claimed: Sequence[Claimed]
    ) -> Iterator[tuple[Claimed, str, str]]:
        """Those that look like others under which something was sent, each of these, and what: done in run 3.

        What is on record itself is known to be two, and no conflict.
        """
        found: dict[str, list[str]] = {}
        looks = {unpadded(each.look) for each in claimed}
        steps = self._names[step] if step else {""}
        for look, key in self._history.alike(self._account, self._recipe.name, steps, looks):
            found.setdefault(look, []).append(key)
        for each in claimed:
            keys = found.get(unpadded(each.look), ())
            if all(brief(key) == each.key for key in keys):
                continue  # nothing but itself: as nearly all are, so no call is read for them
            known = {key: what for key in keys if (what := self._sent(step, key))}
            if not any(brief(key) == each.key for key in known):
                yield from ((each, other, what) for other, what in known.items())

    def check_single(self, key: str, former: Sequence[str]) -> None:
        """Check the key and the former keys of a recipe without rows. Raises InvalidError."""
        names = {brief(each): (f"the former key {each!r}", each) for each in former}
        names[brief(key)] = (f"the key {key!r}", key)
        claimed = [Claimed(brief(mistakable(each)), short, 1) for short, (_, each) in names.items()]
        for one, other, what in () if self._recipe.exact else self.conflicts("", claimed):
            said, name = names[one.key]
            message = f"{said} looks like {other!r}, {what}: they differ {apart(name, other)}"
            remedy = "write it as it was, or say `keys: exact` in the recipe if they are two"
            raise InvalidError([Problem(self._recipe.file, 1, 1, message, "look-alike", remedy)])

    def _sent(self, step: str, key: str) -> str:
        """What was sent under a key, in words; empty where nothing was."""
        calls = self._history.calls_of(
            self._account, self._recipe.name, per="once" if step else "row", key=key
        )
        names = self._names.get(step, ())
        sent = [
            call for (name, _), call in calls.items()
            if call.effect != "read" and call.state in (*SETTLED, *OPEN)
            and (not step or name.partition("/")[0] in names)
        ]  # fmt: skip
        return _told(max(sent, key=lambda call: call.run)) if sent else ""


def _told(call: CallRecord) -> str:
    if call.state in OPEN:
        return f"whose outcome in run {call.run} is unknown"
    return f"{call.state} in run {call.run}"
