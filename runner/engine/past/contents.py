"""Requests of a run that are on record under another recipe name or account, as far as they are known before the run.

An id that an earlier step will return, a lookup and the day of the run are not known then. So two requests are compared
without them: the values at those places are left out of both. What is left has to identify the row, or be all there is:
a payment of 50.00 to an order that is not known yet could be anybody's.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

from runner.catalogue import (
    ArgumentError,
    Operation,
    Request,
    decode_form,
    first_arguments,
    to_json,
    without_sent,
)
from runner.engine.context import Context
from runner.engine.row_scope import name_values, visible
from runner.engine.scopes import StepScopes
from runner.journal import History, SentWrite
from runner.keys import canonical
from runner.recipe.model import Recipe, Step
from runner.rows import Row
from runner.template import (
    EvaluationError,
    Expression,
    Undecided,
    Unknown,
    columns_read,
    identity_of,
)

MOST = 100_000
"""Requests that are kept at a time; the journal is read once for so many."""

_DECODER = json.JSONDecoder(parse_float=Decimal)
_SEPARATORS = re.compile(r"([/?&=])")

Place = tuple[str | int, ...]
"""Where a value is in a body: names of members and positions."""


Leaf = tuple[Place, Any]
"""A value of a body with its place."""


class Shape(NamedTuple):
    """The parts of a request that are not known before the run: by position in its path, and places in its body."""

    parts: tuple[int, ...]
    places: tuple[Place, ...]


class KnownContents:
    """The contents of the requests of rows, as far as they are known, to be found among what other names have sent.

    `steps` are those whose requests count, `history` is the journal to find them in.
    """

    def __init__(self, context: Context, steps: Sequence[Step], history: History) -> None:
        self._context, self._history = context, history
        self._steps = [step for step in steps if step.id in context.others.steps]
        self._columns = _identity_columns(context.recipe)
        self._known: dict[tuple[str, Shape], dict[int, str]] = {}
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Whether so many are kept that they are to be looked for before more are added."""
        return self._count >= MOST

    def add(self, row: Row, *, besides: Collection[str]) -> None:
        """Keep the requests of a row, but for those of the operations `besides`."""
        steps = {step.id for step in self._steps if step.operation not in besides}
        names: Collection[str] = ()
        for step, request in self._requests(row, steps) if steps else ():
            shape, mark, texts = self._known_part(request, step)
            names = names or self._identity(row)
            if request.known or any(_has_word(text, name) for name in names for text in texts):
                found = self._known.setdefault((step.operation, shape), {})
                self._count += mark not in found
                found.setdefault(mark, row.key)

    def sent(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, SentWrite]]:
        """The writes of these accounts and recipes with one of the contents, and the key of its row. Forgets them."""
        known, self._known, self._count = self._known, {}, 0
        for account, recipe in names:
            for operation in sorted({name for name, _ in known}):
                yield from self._sent_by(account, recipe, operation, known)

    def _sent_by(
        self,
        account: str,
        recipe: str,
        operation: str,
        known: Mapping[tuple[str, Shape], Mapping[int, str]],
    ) -> Iterator[tuple[str, SentWrite]]:
        described = self._context.catalogue.operation(operation)
        wanted = [
            (shape, contents) for (name, shape), contents in known.items() if name == operation
        ]
        sent_bodies = self._history.sent_bodies(account, recipe, operation)
        for sent, method, url, body in sent_bodies:
            leaves = list(_leaves(without_sent(described, _parsed(body, described))))
            for shape, contents in wanted:
                key = contents.get(_mark_of_sent(method, url, leaves, shape))
                if key is not None:
                    yield key, sent

    def _requests(self, row: Row, steps: Collection[str]) -> Iterator[tuple[Step, Request]]:
        """The requests of these steps, without those that cannot be built or that `when` leaves out."""
        context = self._context
        for step, scope in scopes_of(context, row, skipped=False):
            if step.id in steps:
                operation = context.catalogue.operation(step.operation)
                with suppress(EvaluationError, ArgumentError, Undecided):
                    for each in _scopes_of_items(step, scope):
                        arguments = context.render(step.arguments, each)
                        yield (
                            step,
                            context.request(operation, first_arguments(operation, arguments)),
                        )

    def _known_part(self, request: Request, step: Step) -> tuple[Shape, int, list[str]]:
        """The shape of a request, the mark of its content without what is not known, and the texts that are in that.

        An amount of money is no such text: it is that of many.
        """
        described = self._context.catalogue.operation(step.operation)
        leaves = list(_leaves(without_sent(described, request.body)))
        places = tuple(place for place, value in leaves if isinstance(value, Unknown))
        known = [leaf for leaf in leaves if not isinstance(leaf[1], Unknown)]
        parts = _SEPARATORS.split(request.path)
        later = tuple(at for at, part in enumerate(parts) if " " in part)
        mark = _mark(request.method, _without(parts, later), known)
        money = (described.money,)
        texts = [str(value) for place, value in known if place != money]
        return Shape(later, places), mark, texts + [part for part in parts if " " not in part]

    def _identity(self, row: Row) -> set[str]:
        """The texts that say which row it is: its key, and the values that this is made of."""
        found = {row.key}
        for name in self._columns:
            value = row.values.get(name)
            with suppress(EvaluationError):
                found.add(identity_of(value) if value is not None else "")
        return found - {""}


def scopes_of(
    context: Context, row: Row, *, skipped: bool = True
) -> Iterator[tuple[Step, dict[str, Any]]]:
    """The steps of a row, each with the scope that it has before the run; it is one and the same for all of a file.

    Without `skipped` those that `when` leaves out, as far as that is known before the run, are left out.
    """
    recipe = context.recipe
    scope = {
        **context.scope,
        "run": Unknown("run"),
        **{each.name: Unknown(each.name) for each in recipe.lookups},
        "row": visible(row, recipe, context.catalogue),
    }
    name_values(scope, recipe.let)
    scopes = StepScopes(scope)
    for step in recipe.steps:
        seen = scopes.of(step.inside)
        name_values(seen, step.let)
        if skipped or not any(map(_is_false, scopes.conditions(step))):
            yield step, seen
        scopes.put(step, Unknown(step.id))


def _is_false(condition: tuple[Expression, Mapping[str, Any], object]) -> bool:
    """Tell whether a condition is known to be false before the run."""
    when, scope, _ = condition
    with suppress(EvaluationError, Undecided):
        decided = when.evaluate(scope)
        return not isinstance(decided, Unknown) and not decided
    return False


def _scopes_of_items(step: Step, scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The scope of each request of a step: one for each item under `for_each`. Raises EvaluationError."""
    if step.for_each is None:
        yield scope
        return
    items = step.for_each.evaluate(scope)
    for item in items if isinstance(items, list | tuple) else ():
        yield {**scope, step.item_name: item}


def _identity_columns(recipe: Recipe) -> frozenset[str]:
    """The columns that the key is made of, and those that these are computed from."""
    rows = recipe.rows
    if rows is None:
        return frozenset()
    computed = {column.name: column.value for column in rows.columns}
    left = [rows.group_by, *columns_read(rows.key)]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name and name not in found:
            found.add(name)
            left += columns_read(computed.get(name))
    return frozenset(found)


def _leaves(tree: Any, at: Place = ()) -> Iterator[Leaf]:
    """The values of plain data that are neither null nor empty, each with its place; equal ones are equal here."""
    if isinstance(tree, str):
        yield at, canonical(tree)
    elif isinstance(tree, Mapping):
        for name, each in tree.items():
            yield from _leaves(each, (*at, name))
    elif isinstance(tree, list | tuple):
        for position, each in enumerate(tree):
            yield from _leaves(each, (*at, position))
    elif isinstance(tree, bool):
        yield at, str(tree)
    elif isinstance(tree, dt.date):
        yield at, tree.isoformat()
    elif tree is not None:
        yield at, tree


def _has_word(text: str, word: str) -> bool:
    """Tell whether a text has a word, or several, that are no part of longer ones."""
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def _mark(method: str, path: str, leaves: Iterable[Leaf]) -> int:
    """A number of 64 bits for a request: 8.40 and 8.4 are one value, and members have no order."""
    return hash((method, path, frozenset(leaves)))


def _without(parts: Sequence[str], later: Sequence[int]) -> str:
    """A path without some of its parts."""
    return "".join(part for at, part in enumerate(parts) if at not in later)


def _mark_of_sent(method: str, url: str, leaves: Sequence[Leaf], shape: Shape) -> int:
    """The mark of a call on record without what a shape leaves out."""
    path = _without(_SEPARATORS.split(url), shape.parts) if shape.parts else url
    known = [
        leaf for leaf in leaves if not any(leaf[0][: len(each)] == each for each in shape.places)
    ]
    return _mark(method, path, known)


def _parsed(body: str, operation: Operation) -> Any:
    """The body of a call on record as plain data."""
    if not body:
        return None
    if body[0] not in "{[":
        body = to_json(decode_form(body.encode(), operation.body or {})).decode()
    with suppress(ValueError, RecursionError):
        return _DECODER.decode(body)
    return body
