"""Rows that were sent under another recipe name or account: by a recipe that was renamed or copied.

The name of a recipe and the account are a part of the identity of all that is sent, so under another name the same rows
are other work. Several recipes over one sheet are normal, and are not meant here. What counts is an operation that this
recipe uses without a search of its own (`unless_found`) to create something, or that moves money, with or without one.
A run is refused where another name has sent such an operation

- for the same key or shared value, or for one that looks like it, whatever the step is called;
- for the same line of the same input, whatever the key is made of; or
- with the same content, as far as that is known before the run, whatever the key and the input are;

and where all that another name has created for a row, two things at least, is what this recipe creates for every row.
A row counts as known where this recipe has sent that operation for it itself, or a person has declared that it is new,
or asks for it once more by its key.

Only what was sent to the same place counts: under this account, or under another one that is at the same origin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from runner.catalogue import Catalogue
from runner.engine.context import Context
from runner.engine.once_per import shared_value
from runner.engine.past.contents import KnownContents, scopes_of
from runner.engine.past.other_uses import creates
from runner.journal import History, SentWrite, look_of
from runner.problems import StoppedError, printable
from runner.recipe.model import Step
from runner.rows import Row
from runner.template import EvaluationError

_AT_ONCE = 300
"""Rows whose names are looked up together."""

_FEWEST = 2
"""Things that two recipes must both create to be the same: two may well begin with the same contact."""


class _Named(NamedTuple):
    """A row, and the keys and shared values that it is, or may be, on record under."""

    row: Row
    names: tuple[str, ...]


class _Clash(NamedTuple):
    """A write under another name that a row would send once more, and how that is known."""

    key: str
    sent: SentWrite
    how: str = ""


class Beside(NamedTuple):
    """Another journal that writes to the same account, and the accounts and recipes there, in pairs."""

    history: History
    names: frozenset[tuple[str, str]]


class OtherNames:
    """What the journal has for the rows of a recipe under the other names of `context`, which is that of a dry run.

    Or what a journal `beside` it has for them, under all of its names. `elsewhere` are accounts and recipes at other
    origins, of which the very same input counts: an origin may have several names.
    """

    def __init__(
        self, context: Context, beside: Beside | None = None, *, elsewhere: Collection[tuple[str, str]] = ()
    ) -> None:  # fmt: skip
        recipe, catalogue = context.recipe, context.catalogue
        self._context, self._recipe = context, recipe
        self._history = beside.history if beside is not None else context.history
        self._elsewhere = elsewhere
        self._others = sorted(beside.names if beside is not None else context.others.names)
        self._where = f" of {beside.history.path}" if beside is not None else ""
        steps = [step for step in recipe.steps if creates(step, catalogue)]
        self._counted = [step for step in steps if _counts(step, catalogue)]
        self._operations = {step.operation for step in self._counted}
        self._always = {step.operation for step in steps if _for_every_row(step)}
        self._used = {step.operation for step in recipe.steps}
        self._exact = recipe.rows.exact if recipe.rows is not None else recipe.exact
        self._once: dict[tuple[History, tuple[str, str]], list[str]] = {}
        self._knows_itself = bool(context.history.sent_operations(context.account, recipe.name))

    def check(self, rows: Iterable[Row], *, digest: str) -> None:
        """Raise StoppedError for the first of these rows that was sent under another name. `digest` is the input's."""
        clash = next(self._clashes(rows, digest), None) if self._others or self._elsewhere else None
        if clash is not None:
            raise self._refusal(clash)

    def _clashes(self, rows: Iterable[Row], digest: str) -> Iterator[_Clash]:
        again = self._context.again
        left, lines = (row for row in rows if row.key not in again), self._lines(digest)
        contents = KnownContents(self._context, self._counted, self._history)
        while batch := list(islice(left, _AT_ONCE)):
            named = [_Named(row, self._names_of(row)) for row in batch]
            own = self._own(named)
            yield from self._by_names(named, own)
            for row, _ in named:
                known = own.get(row.number, frozenset())
                yield from self._by_line(row, lines, known)
                contents.add(row, besides=known)
            if contents.is_full:
                yield from self._by_content(contents)
        yield from self._by_content(contents)

    def _by_names(
        self, named: Sequence[_Named], own: Mapping[int, frozenset[str]]
    ) -> Iterator[_Clash]:
        """What other names have sent for the keys and shared values of rows."""
        sent: dict[str, list[SentWrite]] = {}
        looks = {look_of(name) for each in named for name in each.names}
        for name in self._others:
            for look, each in self._sent_for(self._history, name, looks):
                sent.setdefault(look, []).append(each)
        for row, names in named if sent else ():
            found = [each for name in names for each in sent.get(look_of(name), ())]
            if self._exact:  # keys that look alike are two
                found = [each for each in found if each.key in names]
            clash = self._repeated(row, found, own.get(row.number, frozenset())) if found else None
            if clash is not None and clash.key in names:
                yield _Clash(clash.key, clash)
            elif clash is not None:
                yield _Clash(row.key, clash, "its key looks like that")

    def _repeated(
        self, row: Row, sent: Sequence[SentWrite], own: frozenset[str]
    ) -> SentWrite | None:
        """The write of these, all for one row, that this recipe would send once more."""
        ahead = self._ahead(row) - own
        for each in sent:
            if each.operation in ahead:
                return each
        for name in {(each.account, each.recipe) for each in sent}:
            of_name = [each for each in sent if (each.account, each.recipe) == name]
            known = {each.operation for each in of_name}
            if len(known) >= _FEWEST and self._always <= known <= self._used and not known & own:
                return of_name[0]
        return None

    def _by_line(
        self, row: Row, lines: Mapping[int, Sequence[SentWrite]], own: frozenset[str]
    ) -> Iterator[_Clash]:
        """What other names have sent for the lines of a row."""
        found = [each for line in row.lines for each in lines.get(line, ())]
        ahead = self._ahead(row) - own if found else frozenset()
        for each in found:
            if each.operation in ahead:
                yield _Clash(row.key, each, "the same line of the same input")

    def _ahead(self, row: Row) -> frozenset[str]:
        """The operations that count and that the steps of a row are sent by, or may be."""
        counted = {step.id for step in self._counted}
        return frozenset(
            step.operation for step, _ in scopes_of(self._context, row, skipped=False)
            if step.id in counted
        )  # fmt: skip

    def _by_content(self, contents: KnownContents) -> Iterator[_Clash]:
        for key, sent in contents.sent(self._others):
            yield _Clash(key, sent, "the same request")

    def _lines(self, digest: str) -> dict[int, list[SentWrite]]:
        """What other names have sent of the operations that count for the very same input, by line."""
        found: dict[int, list[SentWrite]] = {}
        for run in self._history.runs() if digest and self._operations else ():
            name = run.account, run.recipe
            if run.input_digest == digest and (name in self._others or name in self._elsewhere):
                for sent, lines in self._history.sent_writes(run.id):
                    for line in lines if sent.operation in self._operations else ():
                        found.setdefault(line, []).append(sent)
        return found

    def _own(self, named: Sequence[_Named]) -> dict[int, frozenset[str]]:
        """The operations by which this recipe has written for each row itself, or all that it has, by its number.

        They are all where one of the writes is of a run that a person has declared to be other work.
        """
        if not self._knows_itself:
            return {}
        by_name: dict[str, list[SentWrite]] = {}
        looks = {look_of(name) for each in named for name in each.names}
        name = self._context.account, self._recipe.name
        for _, sent in self._sent_for(self._context.history, name, looks):
            by_name.setdefault(sent.key, []).append(sent)
        return {
            row.number: self._known([sent for name in names for sent in by_name.get(name, ())])
            for row, names in named
        }

    def _sent_for(
        self, history: History, name: tuple[str, str], looks: Collection[str]
    ) -> list[tuple[str, SentWrite]]:
        if (history, name) not in self._once:
            self._once[history, name] = history.once_steps(*name)
        return history.sent_for(*name, looks, once=self._once[history, name])

    def _known(self, own: Sequence[SentWrite]) -> frozenset[str]:
        if any(each.run in self._context.others.declared for each in own):
            return frozenset(self._used)
        return frozenset(each.operation for each in own)

    def _names_of(self, row: Row) -> tuple[str, ...]:
        """The keys and shared values under which what is sent for a row is, or may be, on record."""
        names = [row.key, *row.former]
        if any(step.once_per is not None for step in self._counted):
            names += self._values(row)
        return tuple(dict.fromkeys(names))

    def _values(self, row: Row) -> Iterator[str]:
        """The values of the steps that rows share, but for those that need an earlier step."""
        shared = {step.id for step in self._counted if step.once_per is not None}
        for step, scope in scopes_of(self._context, row):
            if step.id in shared:
                with suppress(EvaluationError):
                    value = shared_value(step, scope)
                    if isinstance(value, str):
                        yield value

    def _refusal(self, clash: _Clash) -> StoppedError:
        key, sent, how = clash
        under = f" under the account {sent.account!r}" * (sent.account != self._context.account)
        whose = f" of {sent.key!r}, {how}" if how else ""
        return StoppedError(
            printable(
                f"{key!r} was done as {sent.recipe} in run {sent.run}{self._where}{under} ({sent.step}{whose}: "
                f"{sent.operation}), and {self._recipe.name} would send it once more; nothing was sent"
            ),
            remedy="a recipe's name and the account are the identity of what was sent: keep them; if this is other "
            "work for the same rows: runner run or resume ... --new-identity",
        )


def _counts(step: Step, catalogue: Catalogue) -> bool:
    """Tell whether what a step sends is not to be sent under two names: no search finds it, or it moves money."""
    return step.unless_found is None or bool(catalogue.operation(step.operation).money)


def _for_every_row(step: Step) -> bool:
    return not step.conditional and step.for_each is None and step.once_per is None
