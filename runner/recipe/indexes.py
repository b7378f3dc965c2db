"""The columns whose cells are names in a lookup, as in `payment_types[row.method]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.recipe.model import Recipe, Step
from runner.template import Each, Expression, Template, paths_of

if TYPE_CHECKING:
    from runner.catalogue import Catalogue


def indexing_columns(recipe: Recipe) -> Mapping[str, str]:
    """The columns that find entries of a lookup, each with the first lookup that it is used for."""
    lookups = {lookup.name for lookup in recipe.lookups}
    found: dict[str, str] = {}
    for expression, lines in _expressions(recipe):
        owners = {"row", "item"} if lines else {"row"}
        for node in expression.tree.walk():
            if node.kind != "member" or node.parts[0].kind != "name" or node.parts[0].value not in lookups:
                continue
            for path in paths_of(node.parts[1]):
                if len(path) == 2 and path[0] in owners:
                    found.setdefault(str(path[1]), str(node.parts[0].value))
    return found


def names_in(recipe: Recipe, catalogue: Catalogue, lookup: str) -> tuple[str, ...]:
    """The names that entries of a lookup can have, where the API's document lists them; else none."""
    declared = next(each for each in recipe.lookups if each.name == lookup)
    if declared.file or declared.fold or len(declared.by) > 1:
        return ()
    entry: Any = catalogue.operation(declared.operation).entry or {}
    names = entry.get("properties", {}).get(declared.by[0], {}).get("enum") or ()
    return tuple(str(name) for name in names if name is not None)


def _expressions(recipe: Recipe) -> Iterator[tuple[Expression, bool]]:
    """Every expression of the steps and outputs, and whether `item` is a line of the row in it."""
    for step in recipe.steps:
        lines = step.for_each is not None and step.for_each.text.strip().startswith("row.lines")
        for part in (step.arguments, *_conditions(step), step.unless_found.arguments if step.unless_found else None):
            yield from _inside(part, lines=lines)
        if step.unless_found is not None:
            yield from _inside(step.unless_found.where, lines=False)
            yield from _inside(step.unless_found.update.arguments if step.unless_found.update else None, lines=lines)
    yield from _inside(recipe.outputs, lines=False)


def _conditions(step: Step) -> tuple[Any, ...]:
    until = step.poll.until if step.poll is not None else None
    return step.when, step.for_each, step.item_key, step.once_per, step.expect, step.verify, until


def _inside(tree: Any, *, lines: bool) -> Iterator[tuple[Expression, bool]]:
    if isinstance(tree, Expression | Template):
        yield from ((expression, lines) for _, expression in tree.placed)
    elif isinstance(tree, Each):
        yield tree.items, lines
        yield from _inside(tree.value, lines=tree.items.text.strip().startswith("row.lines"))
    elif isinstance(tree, Mapping | list | tuple):
        for part in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _inside(part, lines=lines)
