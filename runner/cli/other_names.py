"""What was sent for the rows of a run under another recipe name or account: a recipe that was renamed or copied.

The name of a recipe and the account are a part of the identity of all that is sent, so under another name the same rows
are other work. Several recipes over one sheet are normal, and are not meant here. A run is refused where, for one of
its rows that it has not written yet,

- the same input was sent by a run of another name, and that sent an operation which a step of this recipe uses to
  create something or to move money, without a search of its own (`unless_found`) that would find it; or
- whatever the input, the same key was sent under another name, by a step with the same id and such an operation; or
- the recipe is the same but for its name: every operation that was sent is one of its own, and of at least two
  by which it creates something or moves money for every row none is missing.

Only what was sent to the same place counts: under this account, or under another one that is at the same origin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from runner.catalogue import Catalogue
from runner.cli.wiring import used_operations
from runner.engine.context import Context
from runner.engine.once import shared_value
from runner.engine.steps import name_values, visible
from runner.journal import SentWrite
from runner.problems import StoppedError, printable
from runner.recipe.model import Step
from runner.rows import Row
from runner.template import EvaluationError

_AT_ONCE = 300
"""Names that are looked up together."""

_FEWEST = 2
"""Operations that a recipe must share with another to be the same: two recipes may well begin with the same contact."""

Name = tuple[str, str]
"""`row` or `once`, and the key or the shared value."""


class OtherNames:
    """What the journal has for the rows of a recipe under other names, at the same place.

    `accounts` are those that are there, the run's own among them; `context` is that of a dry run.
    """

    def __init__(self, context: Context, *, accounts: Collection[str]) -> None:
        recipe, history = context.recipe, context.history
        self._context, self._recipe, self._history = context, recipe, history
        self._account = context.account
        self._steps = [step for step in recipe.steps if _creates(step, context.catalogue)]
        self._unguarded = [step for step in self._steps if step.unless_found is None]
        own = (context.account, recipe.name)
        found = {(run.account, run.recipe) for run in history.runs() if run.account in accounts}
        self._others = sorted(found - {own})

    def check(self, rows: Iterator[Row], *, digest: str, only: Collection[str]) -> None:
        """Raise StoppedError for the first of these rows (all, or `only` some) that was sent under another name."""
        if not self._steps or not self._others:
            return
        found = self._of_input(digest, only) or self._of_rows(rows)
        if found is not None:
            raise self._refusal(found)

    def _of_input(self, digest: str, only: Collection[str]) -> SentWrite | None:
        """What another name has sent for the very same input."""
        operations = {step.operation for step in self._unguarded}
        for run in self._history.runs():
            if digest and run.input_digest == digest and (run.account, run.recipe) in self._others:
                for sent in self._history.sent_writes(run.id):
                    meant = not only or (sent.per == "row" and sent.key in only)
                    if (
                        meant
                        and sent.operation in operations
                        and not self._is_own((sent.per, sent.key))
                    ):
                        return sent
        return None

    def _of_rows(self, rows: Iterator[Row]) -> SentWrite | None:
        """What another name has sent for the same keys, whatever the input."""
        others = [each for each in self._others if self._shares_steps(*each)]
        names = self._names(rows) if others else iter(())
        while batch := list(islice(names, _AT_ONCE)):
            for account, recipe in others:
                found = self._history.sent_for(account, recipe, batch)
                for name in dict.fromkeys((each.per, each.key) for each in found):
                    sent = [each for each in found if (each.per, each.key) == name]
                    clash = self._clash(sent)
                    if clash is not None and not self._is_own(name):
                        return clash
        return None

    def _shares_steps(self, account: str, recipe: str) -> bool:
        names = {name for step in self._steps for name in step.names}
        return not names.isdisjoint(map(_step, self._history.steps_of(account, recipe)))

    def _names(self, rows: Iterator[Row]) -> Iterator[Name]:
        """The names under which the journal would have what is sent for the rows."""
        shared = {step.id for step in self._unguarded if step.once_per is not None}
        for row in rows:
            yield "row", row.key
            if shared:
                yield from (("once", value) for value in self._values(row, shared))

    def _values(self, row: Row, shared: Collection[str]) -> Iterator[str]:
        """The values of the steps that rows share, but for those that need an earlier step."""
        scope: dict[str, Any] = {
            **self._context.scope,
            "row": visible(row, self._recipe, self._context.catalogue),
        }
        name_values(scope, self._recipe.let)
        for step in self._recipe.steps:
            name_values(scope, step.let)
            if step.id in shared:
                with suppress(EvaluationError):
                    value = shared_value(step, scope)
                    if isinstance(value, str):
                        yield value

    def _clash(self, sent: Sequence[SentWrite]) -> SentWrite | None:
        """The write of these, all for one row, that this recipe would send once more."""
        pairs = {(name, step.operation) for step in self._unguarded for name in step.names}
        for each in sent:
            if (_step(each.step), each.operation) in pairs:
                return each
        known = {each.operation for each in sent}
        always = {step.operation for step in self._steps if _for_every_row(step)}
        written = set(used_operations(self._recipe))
        if len(always) >= _FEWEST and always <= known <= written:
            return sent[0]
        return None

    def _is_own(self, name: Name) -> bool:
        """Whether this recipe has written for a name itself: then it is known, or somebody has said that it is new."""
        per, key = name
        calls = self._history.calls_of(self._account, self._recipe.name, per=per, key=key)
        return any(call.effect != "read" for call in calls.values())

    def _refusal(self, sent: SentWrite) -> StoppedError:
        under = f" under the account {sent.account!r}" * (sent.account != self._account)
        return StoppedError(
            printable(
                f"{sent.key!r} was done as {sent.recipe} in run {sent.run}{under} ({sent.step}: "
                f"{sent.operation}), and {self._recipe.name} would send it once more; nothing was sent"
            ),
            remedy="a recipe's name and the account are the identity of what was sent: keep them; if this is other "
            "work for the same rows: runner run ... --new-identity",
        )


def _creates(step: Step, catalogue: Catalogue) -> bool:
    operation = catalogue.operation(step.operation)
    return operation.effect == "create" or bool(operation.money)


def _step(name: str) -> str:
    """The step of a call, which may be a part of it."""
    return name.partition("/")[0]


def _for_every_row(step: Step) -> bool:
    return step.when is None and step.for_each is None and step.once_per is None
