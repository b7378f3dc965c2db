"""Columns of keys and shared values that are others than they were: every row has another key by the same text.

Where the key is made in another way than it was when something was sent, each row gets the name that it had then, too
(`former_values`). A row that is on record under that name was sent; one whose name of now is on record for another row
would be taken for that. Both are refused, unless a run by the way of now has sent the row since.

Where the name of then cannot be made, as the sheet has lost a column or a cell is written in another way, a row whose
key is not on record is refused: it may have been sent under another key. That it is other work is said for one run, and
the rows that this run sends are on record then. The same holds for the values of each `once_per` without a search.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from runner.engine.context import Context
from runner.engine.once_per import shared_value
from runner.engine.past.contents import scopes_of
from runner.engine.past.former_values import FormerValues, former_values
from runner.engine.past.key_columns import (
    alike,
    former_columns,
    key_columns,
    made_of,
    said,
    same_key,
    sharing,
)
from runner.engine.past.key_ways import kept, renamed
from runner.keys import canonical_shared
from runner.problems import StoppedError, printable
from runner.recipe.model import Step
from runner.rows import Input, Row
from runner.template import EvaluationError

_AT_ONCE = 300
"""Rows whose keys are looked up together."""

_Made = Mapping[str, Any]

Select = Callable[[Iterator[Row]], Iterator[Row]]
"""Picks the rows that a run takes."""


def check_columns(context: Context, input_: Input, selection: Select) -> None:
    """Refuse rows that were sent under other keys, as their columns were then. Raises StoppedError."""
    recipe, now = context.recipe, key_columns(context.recipe)
    if not now:
        return
    ways = former_columns(recipe)
    runs = context.history.key_columns(context.account, recipe.name)
    others: dict[str, list[int]] = {}
    for each in runs:
        is_other = not same_key(each.columns, now) and not any(
            same_key(each.columns, way, former=True) for way in ways
        )
        if is_other and context.history.sent_in(each.run, per=["row"]):
            others.setdefault(each.columns, []).append(each.run)
    own = frozenset(each.run for each in runs if same_key(each.columns, now))
    names = {column.name for column in recipe.rows.columns} if recipe.rows is not None else set()
    for columns, sent in others.items():
        then, made = json.loads(columns), json.loads(now)
        values = former_values(input_, then, context.scope)
        way = kept(then, made, input_.header, names)
        if values is not None and values.unread:
            way += ", with the cells that it cannot read in its `empty`"
        subject = _Subject(_KEY, then, made, input_.header, [way, _OTHER_WORK])
        if values is not None:
            former = _Former(context, values.names, frozenset(sent), own)
            found = next(former.keys(selection(iter(input_))), None)
            if found is not None:
                raise subject.sent_as(found)
        key = next(_unknown_keys(context, _unread(selection(iter(input_)), values)), None)
        if key is not None:
            raise subject.unknown(key, max(sent))


def check_shared(context: Context, input_: Input, selection: Select) -> None:
    """Refuse rows that share things by other values, as their columns were when these were sent.

    Raises StoppedError.
    """
    recipe = context.recipe
    if not key_columns(recipe) or not sharing(recipe):
        return
    done = {*context.history.once_steps(context.account, recipe.name)}
    for step in sharing(recipe):
        if not done.isdisjoint(step.names):
            _check_step(context, step, input_, selection)


def _check_step(context: Context, step: Step, input_: Input, selection: Select) -> None:
    now = made_of(context.recipe, step.once_per)
    runs = [
        (each, _made_then(each.columns, step))
        for each in context.history.key_columns(context.account, context.recipe.name)
    ]
    others: dict[str, list[int]] = {}
    for each, then in runs:
        is_other = then is not None and not alike(then, now)
        if is_other and context.history.sent_in(each.run, per=["row", "once"]):
            others.setdefault(json.dumps(then, sort_keys=True), []).append(each.run)
    own = frozenset(each.run for each, then in runs if alike(then, now))
    ways = ["make them as they were made then", _OTHER_WORK]
    for columns, sent in others.items():
        then = json.loads(columns)
        subject = _Subject(f"the values of {step.id}", then, now, input_.header, ways)
        values = former_values(input_, then, context.scope)
        if values is not None:
            named = {line: canonical_shared(value) for line, value in values.names.items()}
            former = _Former(context, named, frozenset(sent), own)
            found = next(former.values(selection(iter(input_)), step), None)
            if found is not None:
                raise subject.sent_as(found)
        rows = _unread(selection(iter(input_)), values)
        value = next(_unknown_values(context, rows, step), None)
        if value is not None:
            raise subject.unknown(value, max(sent))


def _unread(rows: Iterator[Row], values: FormerValues | None) -> Iterator[Row]:
    """Return the rows of which nothing tells what they were called then: all, where the sheet has lost a column."""
    if values is None:
        return rows
    return (row for row in rows if not values.unread.isdisjoint(row.lines))


def _made_then(text: str, step: Step) -> _Made | None:
    shared = json.loads(text).get("shared", {})
    return next((shared[name] for name in step.names if name in shared), None)


class _Found(NamedTuple):
    """A name of now, the one of then, the run that sent something by one of them, and whether by that of then."""

    now: str
    then: str
    run: int
    by_former: bool


class _Subject(NamedTuple):
    """What is made in another way: its name, how it was made and is made, the header of the sheet, and the ways on."""

    name: str
    then: _Made
    now: _Made
    header: Sequence[str]
    ways: Sequence[str]

    def sent_as(self, found: _Found) -> StoppedError:
        """A row that was sent under another name, or whose name another row had."""
        message = f"{found.now!r} was sent as {found.then!r} in run {found.run}"
        if not found.by_former:
            message = (
                f"{found.now!r} was sent in run {found.run} for another row, and this one was "
                f"{found.then!r} then"
            )
        was, is_now = self._verbs
        return self._error(
            f"{message}: {self.name} {was} made of {said(self.then)} in that run, and {is_now} made of "
            f"{said(self.now)} now; nothing was sent"
        )

    def unknown(self, value: str, run: int) -> StoppedError:
        """A row of which nothing is on record, where the sheet does not tell what it was called then."""
        was, is_now = self._verbs
        return self._error(
            f"{self.name} {was} made of {said(self.then)} in run {run}, and {is_now} made of {said(self.now)} now; "
            f"{value!r} is not on record, and may have been sent as another one; nothing was sent"
        )

    @property
    def _verbs(self) -> tuple[str, str]:
        return ("was", "is") if self.name == _KEY else ("were", "are")

    def _error(self, message: str) -> StoppedError:
        ways = [*renamed(self.then, self.now, self.header), *self.ways]
        return StoppedError(printable(message), remedy="; or ".join(ways))


_KEY = "the key"
_OTHER_WORK = "if it is other work: --new-identity"


class _Former(NamedTuple):
    """The names of then by line, the runs that have sent something by them, and those that have by the way of now."""

    context: Context
    names: Mapping[int, str]
    sent: frozenset[int]
    own: frozenset[int]

    def keys(self, rows: Iterable[Row]) -> Iterator[_Found]:
        """Yield the rows that are on record under their key of then, or whose key of now is another row's."""
        left = (row for row in rows if row.key not in self.context.again)
        while batch := list(islice(left, _AT_ONCE)):
            pairs = [((row.key, *row.former), then) for row in batch for then in self._of(row)]
            yield from self._found(pairs)

    def values(self, rows: Iterable[Row], step: Step) -> Iterator[_Found]:
        """Yield the values of a step that were others then, in the same way."""
        left = (row for row in rows if row.key not in self.context.again)
        while batch := list(islice(left, _AT_ONCE)):
            pairs = [
                ((value,), then)
                for row in batch
                for value in _values(self.context, row, step)
                for then in self._of(row)
            ]
            yield from self._found(pairs, steps=step.names)

    def _of(self, row: Row) -> Iterable[str]:
        """The names of a row then: one, unless its lines had several."""
        return dict.fromkeys(self.names[line] for line in row.lines if line in self.names)

    def _found(
        self, pairs: Sequence[tuple[tuple[str, ...], str]], *, steps: Collection[str] = ()
    ) -> Iterator[_Found]:
        pairs = [(names, then) for names, then in pairs if then not in names]
        asked = {name for names, then in pairs for name in (*names, then)}
        if not asked:
            return
        name = self.context.account, self.context.recipe.name
        runs: dict[str, set[int]] = {}
        several = iter(sorted(asked))
        while part := list(islice(several, _AT_ONCE)):
            runs |= self.context.history.key_runs(*name, part, steps=steps)
        for names, then in pairs:
            sent_now = {run for each in names for run in runs.get(each, ())}
            if not self.own.isdisjoint(sent_now):
                continue  # a run by the way of now has sent it: it is no other row any more
            for each, by_former in ((then, True), (names[0], False)):
                old = runs.get(each, set()) & self.sent
                if old:
                    yield _Found(names[0], then, max(old), by_former)
                    break


def _unknown_keys(context: Context, rows: Iterable[Row]) -> Iterator[str]:
    """The keys of rows for which nothing is on record, under none of their keys."""
    left, name = (row for row in rows if row.key not in context.again), context.recipe.name
    while batch := list(islice(left, _AT_ONCE)):
        keys = {key for row in batch for key in (row.key, *row.former)}
        known = context.history.sent_keys(context.account, name, keys)
        yield from (row.key for row in batch if known.isdisjoint((row.key, *row.former)))


def _unknown_values(context: Context, rows: Iterable[Row], step: Step) -> Iterator[str]:
    """The values of a step that are not on record for it."""
    left = (row for row in rows if row.key not in context.again)
    while batch := list(islice(left, _AT_ONCE)):
        found = dict.fromkeys(value for row in batch for value in _values(context, row, step))
        known = context.history.shared_values(
            context.account, context.recipe.name, step.names, found
        )
        yield from (value for value in found if value not in known)


def _values(context: Context, row: Row, wanted: Step) -> Iterator[str]:
    """The values of a row for which a step is done once, but for those that depend on an answer."""
    for step, scope in scopes_of(context, row):
        if step.id == wanted.id:
            with suppress(EvaluationError):
                value = shared_value(step, scope)
                if isinstance(value, str):
                    yield value
