"""Lines of an input that were sent under another key than they have now, by an earlier text of the same recipe.

A key is made of columns. Where a column is read from another header, is cut, replaced or computed in another way, the
text of the key is what it was and every row has another key: all of it would be sent once more. So what is sent is on
record with its lines, by a digest of their cells, and a line that has another key now is refused. Lines whose keys are
on record with them are what they were, and new ones are new.

Only runs by another text of the recipe count: the same text makes the same key of the same line, but for the variables
and the day that the key reads; runs with other ones are other work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from runner.engine.context import Context
from runner.engine.once_per import shared_value
from runner.engine.past.contents import scopes_of
from runner.engine.past.former_keys import is_known
from runner.journal import SentLine
from runner.problems import StoppedError, printable
from runner.recipe.model import Recipe
from runner.rows import Input, Row
from runner.template import EvaluationError, Expression, Template

_AT_ONCE = 300
"""Rows whose lines are looked up together."""


class SameLines:
    """The lines of an input that are on record for the recipe of a dry run's `context`.

    `values` are the variables of the run as the journal has them.
    """

    def __init__(self, context: Context, input_: Input, *, values: str) -> None:
        self._context, self._input = context, input_
        reads = _names_read(context.recipe)
        runs = context.history.runs() if input_.digest else ()
        self._runs = {
            run.id: run
            for run in runs
            if (run.account, run.recipe) == (context.account, context.recipe.name)
            and run.recipe_digest != context.recipe.digest
            and (
                not run.key_text or is_known(context.recipe, run.key_text, run.key_columns)
            )  # the others are refused by their texts
            and ("vars" not in reads or json.loads(run.vars) == json.loads(values))
            and ("run" not in reads or run.date == str(context.scope["run"]["date"]))
        }
        self._by_number = self._of_same_file()
        self._once = frozenset(
            name
            for step in context.recipe.steps
            if step.once_per is not None and step.unless_found is None
            for name in step.names
        )

    def check(self, rows: Iterable[Row]) -> None:
        """Raise StoppedError for the first of these rows that was sent under another key."""
        left = (row for row in rows if row.key not in self._context.again)
        while self._runs and (batch := list(islice(left, _AT_ONCE))):
            digests = {row.number: self._input.digests(row) for row in batch}
            sent = self._sent({each for of_row in digests.values() for each in of_row})
            for row in batch:
                found = [each for line in digests[row.number] for each in sent.get(line, ())]
                found += [each for line in row.lines for each in self._by_number.get(line, ())]
                for now, was in self._other_names(row, found) if found else ():
                    raise self._refusal(now, was)

    def _sent(self, lines: set[str]) -> dict[str, list[SentLine]]:
        found: dict[str, list[SentLine]] = {}
        name = self._context.account, self._context.recipe.name
        every = sorted(lines)
        for start in range(0, len(every), _AT_ONCE):
            part = every[start : start + _AT_ONCE]
            for each in self._context.history.sent_lines(*name, part):
                found.setdefault(each.line, []).append(each)
        return found

    def _of_same_file(self) -> dict[int, list[SentLine]]:
        """What was sent for the lines of the very same input, which earlier versions have not put on record."""
        found: dict[int, list[SentLine]] = {}
        for run in self._runs.values():
            if run.input_digest == self._input.digest:
                for sent, lines in self._context.history.sent_writes(run.id):
                    for line in lines if sent.per == "row" else ():
                        found.setdefault(line, []).append(SentLine("", "", sent.key, run.id))
        return found

    def _other_names(self, row: Row, found: Sequence[SentLine]) -> Iterator[tuple[str, SentLine]]:
        """What the lines of a row were sent under and are not any more, each with what that is now."""
        steps = {each.step for each in found}
        for step in sorted(steps):
            names = [row.key, *row.former] if not step else self._values(row, step)
            under = [each for each in found if each.step == step]
            if names and not any(each.key in names for each in under):
                yield from ((names[0], each) for each in under if each.run in self._runs)

    def _values(self, row: Row, name: str) -> list[str]:
        """The values for which a step is done once, but for one that is not known before the run."""
        values = []
        if name in self._once:
            for step, scope in scopes_of(self._context, row):
                if name in step.names and step.once_per is not None:
                    with suppress(EvaluationError):
                        value = shared_value(step, scope)
                        values += [value] if isinstance(value, str) else []
        return values

    def _refusal(self, now: str, was: SentLine) -> StoppedError:
        what = f"value of {was.step}" if was.step else "key"
        return StoppedError(
            printable(
                f"{now!r} was sent as {was.key!r} in run {was.run}: it is the same line of the sheet, of which "
                f"the columns make another {what} now; nothing was sent"
            ),
            remedy="put the columns back; or keep the earlier one under a name of its own and name it in key_was "
            "beside key, so that what was sent still counts; if it is other work: --new-identity, or for one "
            "row --again KEY --why TEXT",
        )


def _names_read(recipe: Recipe) -> set[str]:
    """The names that keys, and what they are made of, read."""
    rows = recipe.rows
    sources: list[object] = [step.once_per for step in recipe.steps]
    if rows is not None:
        sources += [rows.key, *(column.value for column in rows.columns)]
    sources += [
        *recipe.let.values(),
        *(each for step in recipe.steps for each in step.let.values()),
    ]
    return {
        reference.root
        for source in sources
        if isinstance(source, Expression | Template)
        for reference in source.references
    }
