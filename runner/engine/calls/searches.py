"""Searches before creates, one at a time where they are the same: the next one finds what the one before has created.

Rows in flight that search for one thing would all find nothing, and each create it. So a step holds its search, with
its arguments and the values that its `where` reads, until the create has its outcome; who waits searches then. A list
may lag behind: what this run created after the same search is known all the same, and counts as found.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalogue import Operation, Request
from runner.engine.calls.diff import alike, compare_with, literal
from runner.keys import canonical, look_alike
from runner.recipe.model import Search, Step
from runner.template import (
    GIVE_IT_ONE,
    EvaluationError,
    Expression,
    Lazy,
    Naming,
    Template,
    Tree,
    is_blank,
    may_be_blank,
    nothing_named,
    plain,
)

if TYPE_CHECKING:
    from runner.engine.context import Context

KEPT = 4096
"""Searches of which a run knows what it created: far more than it sends while a list lags behind."""


class Outcomes(NamedTuple):
    """What was created under a search, by the row with the `key`; None where that is unknown."""

    key: str
    value: Any


class Searches:
    """The searches of a run that are in flight, and what was created after the last of them."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._known: OrderedDict[str, Outcomes] = OrderedDict()
        self._changed = threading.Condition()

    @contextmanager
    def alone(self, name: str, *, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the search called `name`. `waiting` is called before anything is waited for.

        Names that look alike are held together: an API may not tell them apart.
        """
        look = look_alike(name)
        with self._changed:
            is_held = look in self._held
        if is_held:
            waiting()
        with self._changed:
            self._changed.wait_for(lambda: look not in self._held)
            self._held.add(look)
        try:
            yield
        finally:
            with self._changed:
                self._held.discard(look)
                self._changed.notify_all()

    def note(self, name: str, found: Outcomes) -> None:
        """Remember what came of a create after this search."""
        with self._changed:
            self._known[canonical(name)] = found
            if len(self._known) > KEPT:
                self._known.popitem(last=False)

    def known(self, name: str) -> Outcomes | None:
        """Return what this run created after the same search."""
        with self._changed:
            return self._known.get(canonical(name))


def name_of(step: Step, search: Search, arguments: Any, scope: Mapping[str, Any]) -> str:
    """Return what tells this search from all others: what it is for, its arguments, and what its `where` reads.

    Two steps that create the same thing after the same search have one name for it.

    Raises EvaluationError where that cannot be computed.
    """
    read = () if search.where is None else _values(search.where, scope)
    where = "" if search.where is None else " ".join(search.where.text.split())
    made = [step.operation, search.operation, search.lookup, where]
    return repr([*made, plain(arguments), [plain(each) for each in read]])


def fits(
    search: Search, arguments: Any, request: Request, answer: Any, scope: Mapping[str, Any]
) -> bool:
    """Return whether what a request created is what a search looks for, as far as what was sent and answered shows."""
    sent = request.body if isinstance(request.body, Mapping) else {}
    item = {**sent, **(answer if isinstance(answer, Mapping) else {})}
    wanted = arguments if isinstance(arguments, Mapping) else {}
    if any(name in item and not _same(value, item[name]) for name, value in wanted.items()):
        return False
    try:
        return search.where is None or bool(search.where.evaluate({**scope, "item": item}))
    except EvaluationError:  # it reads what the answer does not show
        return False


def told_apart(
    search: Search, arguments: Any, sent: Any, item: Any, scope: Mapping[str, Any], *, unlike: Collection[str]
) -> str:  # fmt: skip
    """Say how an object that a search finds is not what was sent as it: by what the search looks for; else nothing."""
    found = dict(item) if isinstance(item, Mapping) else {}
    wanted = arguments if isinstance(arguments, Mapping) else {}
    fields = [
        each
        for each in compare_with(sent, found, unlike=unlike).different
        if "." not in each.place and "[" not in each.place and not _same(each.sent, each.found)
    ]
    for each in fields:
        value = wanted.get(each.place)
        named = value is not None and _same(value, each.found) and not _same(value, each.sent)
        if named or not _still(search.where, {**found, each.place: each.sent}, scope):
            return f"{each.place} {literal(each.sent)}, and it is found with {literal(each.found)}"
    return ""


def _still(where: Expression | None, item: Mapping[str, Any], scope: Mapping[str, Any]) -> bool:
    """Return whether a `where` is true of an object with another value, or cannot be told of it."""
    try:
        return where is None or bool(where.evaluate({**scope, "item": item}))
    except EvaluationError:
        return True


def _same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return look_alike(wanted) == look_alike(value)
    return alike(wanted, value)


def filters(context: Context, search: Search | Step, scope: Mapping[str, Any]) -> Any:
    """Return the arguments of a search whose result is taken for an object of the row, rendered.

    Raises EvaluationError where one has no value, so that the search would find anybody's, or where `where` compares
    with nothing, unless another of both names the object by the row. The arguments for a list that is read once are
    not the row's.
    """
    where = None if isinstance(search, Step) and search.once else search.where
    if isinstance(search, Search) and search.lookup:
        check_where(where, scope)
        return context.render(search.arguments, context.scope)
    arguments = context.render(search.arguments, scope)
    given = arguments if isinstance(arguments, Mapping) else {}
    blank = [
        name
        for name, value in given.items()
        if is_blank(value) or _is_made_of_nothing(search.arguments.get(name), scope)
    ]
    operation = context.catalogue.operation(search.operation)
    named = [
        name
        for name in given
        if name not in blank and _names(operation, name, search.arguments.get(name))
    ]
    check_where(where, scope, beside=named)
    by_where = where is not None and "row" in {each.root for each in where.references}
    names = named or (where is not None and by_where and Naming(where, scope).names())
    if blank and not (names and (isinstance(search, Search) or search.expect in ("one", "first"))):
        raise EvaluationError(
            f"{blank[0]} has no value, and without it the search finds what it is not meant to; {GIVE_IT_ONE}"
        )
    return arguments


def _names(operation: Operation, name: str, tree: Tree) -> bool:
    """Tell whether an argument names an object by the row: not what it is part of, by a path or another's id."""
    parameter = operation.parameters.get(name)
    if parameter is None or parameter.place == "path" or name.casefold().endswith("_id"):
        return False
    if not isinstance(tree, Template):
        return False
    return any(each.root == "row" for each in tree.references)


def _is_made_of_nothing(tree: Tree, scope: Mapping[str, Any]) -> bool:
    """Tell whether a text of constants and values is one in which no value is: `PO-{{ row.ref }}` of an empty cell."""
    if isinstance(tree, Mapping):
        return any(_is_made_of_nothing(each, scope) for each in tree.values())
    if not isinstance(tree, Template) or tree.blocks is not None:
        return False
    parts = [each for _, each in tree.placed if each.references]
    return bool(parts) and all(each.comes_to_nothing(scope) for each in parts)


def ignored(search: Search | Step, operation: Operation, arguments: Any, item: Any) -> str:
    """Say which text a search was made for that the object which it has found contradicts; empty where none.

    What has no value, beside what names the object, is asked about as what is empty: an object with another is not it.
    An API that does not know a parameter shows everything. A field of the same name has to be the text, or one has to
    be part of the other, or of the same words; numbers, dates, choices and what `where` judges are left to the API and
    the recipe.
    """
    if not isinstance(item, Mapping) or not isinstance(arguments, Mapping):
        return ""
    if isinstance(search, Search) or not search.once:
        for name, wanted in arguments.items():
            if is_blank(wanted) and not is_blank(item.get(name)):
                return (
                    f"{name} has no value, and the search has found an object with {name} {literal(item[name])}: where "
                    f"any is meant, take {name} out of 'with', and compare it in `where` with `not ... or`"
                )
    if search.where is not None:
        return ""
    for name, wanted in arguments.items():
        found, parameter = item.get(name), operation.parameters.get(name)
        schema = parameter.schema if parameter is not None else {}
        if not isinstance(wanted, str) or not isinstance(found, str) or "enum" in schema:
            continue
        if not _WILDCARDS.isdisjoint(wanted):  # what it stands for is for the API to say
            continue
        one, other = _letters(wanted), _letters(found)
        apart = one and other and one not in other and other not in one
        if apart and _words(wanted) != _words(found):
            return (
                f"the search for {name} {literal(wanted)} has found an object with {name} {literal(found)}: "
                "the API may not know the parameter; where it is meant, say so with `where`"
            )
    return ""


_WILDCARDS = frozenset("*%")


def _letters(text: str) -> str:
    return "".join(each for each in _bare(text) if each.isalnum())


def _words(text: str) -> list[str]:
    """The words of a text, whichever stands first: `Smith, Bob` is `Bob Smith`."""
    split = "".join(each if each.isalnum() else " " for each in _bare(text)).split()
    return sorted(split)


def _bare(text: str) -> str:
    """A text in small letters, without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def check_where(
    where: Expression | None, scope: Mapping[str, Any], *, beside: Collection[str] = ()
) -> None:
    """Raise EvaluationError where an object that neither a `where` nor what is `beside` it names may fit it."""
    if where is None:
        return
    naming = Naming(where, scope)
    if naming.names() is not False or (beside and not naming.takes_all()):
        return
    way = may_be_blank(where, scope)
    more = f"; beside what names the object it may be blank: {way}" if way else ""
    raise EvaluationError(f"where: {nothing_named(where.text)}{more}")


def _values(where: Expression, scope: Mapping[str, Any]) -> Iterator[Any]:
    """The values that a `where` reads beside the object that it is asked about. Raises EvaluationError."""
    for reference in where.references:
        if reference.root == "item":
            continue
        value: Any = scope.get(reference.root)
        if isinstance(value, Lazy):
            value = value.value()
        part = reference.path[0] if reference.path else None
        # Of what has no such member by its own look, such as a group, all of it tells searches apart.
        yield value[part] if isinstance(value, Mapping) and part in value else value
