"""Trees of data with templates at their leaves, as functions from a scope to the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.template.expressions import Expression, Template
from runner.template.tokens import Reference
from runner.template.values import Compute, EvaluationError, Scope, Unknown, kind, takeable

Tree = Any
"""A tree of data with templates at its leaves: scalars, Template, Each, lists and mappings of trees."""


@dataclass(frozen=True)
class Each:
    """A list that is made from another: `value`, a tree, once for each element of `items`, which it sees as `name`."""

    items: Expression
    value: Tree
    name: str = "item"

    def render(self, scope: Mapping[str, Any]) -> list[Any]:
        """The list. Of one that is not known yet a single element stands for all. Raises EvaluationError."""
        found = takeable(self.items.evaluate(scope))
        if isinstance(found, Unknown):
            found = [Unknown(f"each of {found.origin}")]
        if not isinstance(found, list | tuple):
            raise EvaluationError(f"{self.items.text}: for_each needs a list, not {kind(found)}")
        value, name = self._value, self.name
        return [value({**scope, name: item}) for item in found]

    @cached_property
    def _value(self) -> Compute:
        return renderer(self.value)


_MADE = (Template, Each, dict, list)
"""The parts of a tree that are made anew each time; what else there is are values."""


def renderer(tree: Tree) -> Compute:
    """From a scope to the tree with every template rendered in it: for trees that are rendered more than once."""
    if isinstance(tree, Template | Each):
        return tree.render
    if isinstance(tree, dict):
        return _mapping_renderer(tree)
    if isinstance(tree, list):
        elements = [renderer(value) for value in tree]
        return lambda scope: [element(scope) for element in elements]
    return lambda scope: tree  # noqa: ARG005 - the same in every scope


def _mapping_renderer(tree: dict[str, Tree]) -> Compute:
    """Members that are one key of a name, as most are, are looked up here: a call for each costs more than the rest."""
    made = {key: value for key, value in tree.items() if isinstance(value, _MADE)}
    frame: dict[str, Any] = tree | dict.fromkeys(made)
    lone = {
        key: value.lone_key
        for key, value in made.items()
        if isinstance(value, Template) and value.lone_key
    }
    looked_up = [(key, name, inside) for key, (name, inside) in lone.items()]
    every = [(key, renderer(value)) for key, value in made.items()]
    computed = [(key, compute) for key, compute in every if key not in lone]

    def rendered(scope: Scope) -> dict[str, Any]:
        members, rest = frame.copy(), computed
        try:
            for key, name, inside in looked_up:
                members[key] = scope[name][inside]
        except (KeyError, TypeError, EvaluationError):
            rest = every  # in their order, so that the first that fails is the one that is told
        for key, compute in rest:
            members[key] = compute(scope)
        return members

    return rendered


def render(tree: Tree, scope: Mapping[str, Any]) -> Any:
    """The tree with every template rendered in `scope`. Raises EvaluationError."""
    return renderer(tree)(scope)


def names_read(tree: Tree) -> frozenset[str]:
    """The names that the templates of a tree read."""
    return frozenset(reference.root for reference in references_in(tree))


def columns_read(tree: Tree) -> list[str]:
    """The columns of the row that an expression, or the templates of a tree, read; one for each time."""
    references = tree.references if isinstance(tree, Expression) else references_in(tree)
    return [str(each.path[0]) for each in references if each.root == "row" and each.path]


def references_in(tree: Tree) -> Iterator[Reference]:
    """The references of all templates of a tree."""
    if isinstance(tree, Template):
        yield from tree.references
    elif isinstance(tree, Each):
        yield from tree.items.references
        yield from references_in(tree.value)
    elif isinstance(tree, dict | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from references_in(part)
