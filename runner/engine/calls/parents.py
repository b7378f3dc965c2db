"""Parents that a search has found: what this recipe has not created itself gets nothing that no search guards.

An object counts as created by this recipe when the journal has its id as the answer of a write of the same operation,
under whatever row or step, or when this run has created it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalogue import Operation, collection_of, parse_json
from runner.engine.calls.snapshot import id_of
from runner.recipe.containment import ADD
from runner.recipe.model import Step
from runner.template import Unknown, to_text

if TYPE_CHECKING:
    from runner.engine.context import Context, Use

COUNTED = 1000
"""Objects that are counted in a parent; of more, only that there are more."""


@dataclass
class Created:
    """The ids of what a recipe has created, by operation: of this run as they come, of earlier runs when asked for."""

    _ids: dict[str, set[str]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)
    _since: dict[str, list[Any]] = field(default_factory=dict)
    _listed: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: Operation, answer: Any) -> None:
        """Note what a write has created, by its answer."""
        name = id_of(operation, answer)
        if name:
            with self._lock:
                self._ids.setdefault(operation.full_name, set()).add(name)

    def add_to(self, lookup: str, item: Mapping[str, Any]) -> None:
        """Note an object that belongs into the list of a lookup, which was read before it was created."""
        with self._lock:
            self._since.setdefault(lookup, []).append(item)

    def since(self, lookup: str) -> list[Any]:
        """What was created since the list of a lookup was read."""
        with self._lock:
            return list(self._since.get(lookup, ()))

    def ids_in(self, lookup: str, operation: Operation, items: Sequence[Any]) -> Set[str]:
        """The ids of what was in the list of a lookup when it was read."""
        with self._lock:
            known = self._listed.get((lookup, operation.full_name))
            if known is None:
                known = frozenset(id_of(operation, item) for item in items)
                self._listed[lookup, operation.full_name] = known
            return known

    def has(self, context: Context, operation: Operation, name: str) -> bool:
        """Whether the recipe has created the object called `name`. Reads the journal once for each operation."""
        with self._lock:
            ids = self._ids.setdefault(operation.full_name, set())
            if name not in ids and operation.full_name not in self._read:
                for answer in context.history.answers(
                    context.account, context.recipe.name, operation.full_name
                ):
                    ids.add(id_of(operation, parse_json(answer.encode())))
                self._read.add(operation.full_name)
            return bool(name) and name in ids


NOTHING_ADDED = "nothing is added to it"
"""In the reason of a row that is set aside for an object that was found: nothing in the sheet can change that."""


class Parent(NamedTuple):
    """An object in which a step is about to create something, and that this recipe has not created."""

    step: Step
    name: str


def found_parent(context: Context, use: Use) -> Parent | None:
    """The object that a use would add to although a search has found it; None where nothing speaks against it.

    The step may have a search of its own, say `under_found: add`, or create something elsewhere.
    """
    step = use.step
    if step.unless_found is not None or step.under_found == ADD:
        return None
    container, named, others = context.parents(step, use.operation)
    value = use.arguments.get(container)
    for parent in (*named, *others):
        operation = context.catalogue.operation(parent.operation)
        objects = _objects(use.scope.get(parent.id))
        meant = [each for each in objects if _has(operation, each, value)]
        if parent in named:
            wanted = set(_leaves(value))
            meant = [each for each in objects if wanted & set(_leaves(each))] or objects
        for each in meant:
            name = id_of(operation, each)
            if not context.created.has(context, operation, name):
                return Parent(parent, name)
    return None


def _objects(result: Any) -> list[Any]:
    """The objects of a step's result; a step under for_each has several, and what it adds to is one of them."""
    return [
        each
        for each in (result if isinstance(result, list) else [result])
        if each is not None and not isinstance(each, Unknown)
    ]


def _has(operation: Operation, found: Any, value: Any) -> bool:
    """Return whether an object has the id that is the value of an argument."""
    return not isinstance(value, Unknown) and id_of(operation, found) == to_text(value)


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping | list):
        for child in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _leaves(child)
    elif tree is not None and not isinstance(tree, Unknown):
        yield to_text(tree)


def refusal(use: Use, parent: Parent, count: int | None) -> str:
    """The reason of a row that is set aside; `count` is how many others are there, None where that was not read."""
    what = collection_of(use.operation)
    others = (
        "" if count is None else f", with {_many(count)} {what} that this recipe has not created"
    )
    named = f"{parent.step.id} {parent.name}".rstrip()
    why = f"{named} was found and not created by this recipe{others}; {NOTHING_ADDED}"
    return (
        f"{why}: bring back the journal (runs/) that knows it; or, where what is there is not what this step adds, "
        f"say under_found: add in step {use.step.id!r}"
    )


def _many(count: int) -> str:
    return f"{count:,}" if count < COUNTED else f"{COUNTED:,} or more"
