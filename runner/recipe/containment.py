"""Searches that may find an object which the recipe would create: shared by all rows, or in a parent.

A step that searches with `unless_found` may find an object that earlier runs of this recipe know nothing of: the
journal was lost, the recipe had another name, a person made it. What the step would create in it may be there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from runner.catalogue import container_of, home_of, nameless
from runner.problems import Problem
from runner.recipe.model import Recipe, Search, Step, read_behind, steps_behind
from runner.source import Source, TreePath
from runner.template import names_read

if TYPE_CHECKING:
    from runner.catalogue import Catalogue, Operation

ADD = "add"


class Parents(NamedTuple):
    """The argument that names what a step creates something in, and the earlier steps whose search may have found that.

    `named` are those that the argument is taken from; of `others` it may be the object all the same.
    """

    container: str
    named: tuple[Step, ...]
    others: tuple[Step, ...]


def searched_parents(recipe: Recipe, step: Step, operation: Operation) -> tuple[Step, ...]:
    """Return the earlier steps with `unless_found` in whose objects a step creates something."""
    container = container_of(operation)
    if not container:
        return ()
    names = names_read(step.arguments.get(container))
    if step.item_name in names and step.for_each is not None:
        names |= {reference.root for reference in step.for_each.references}
    behind = steps_behind(recipe, names, step.inside)
    return tuple(
        each for each in recipe.steps if each.id in behind and each.unless_found is not None
    )


def possible_parents(
    recipe: Recipe, step: Step, catalogue: Catalogue, *, named: tuple[Step, ...]
) -> tuple[Step, ...]:
    """Return the earlier steps with `unless_found` that may find the parent of a step's object, beside those named.

    A read or a lookup may give it the same object.
    """
    operation = catalogue.operation(step.operation)
    home = home_of(operation)
    found = []
    for each in recipe.steps:
        if each is step or not home:
            break
        created = catalogue.operation(each.operation)
        same = created.api == operation.api and nameless(created.path) == home
        if each.unless_found is not None and each not in named and same:
            found.append(each)
    return tuple(found)


def check_shared_searches(
    places: Sequence[tuple[Source, TreePath]], recipe: Recipe
) -> Iterator[Problem]:
    """Warn of each `unless_found` that reads nothing of the row: all rows would adopt the same object."""
    for (source, place_of), step in zip(places, recipe.steps, strict=True):
        many = recipe.rows is not None or step.for_each is not None
        if step.unless_found is None or not many or _is_for_all(recipe, step):
            continue
        if not _reads_the_row(recipe, step, _names_of(step.unless_found)):
            yield source.problem(
                source.key((*place_of, "unless_found")),
                f"{step.id!r} is searched for by nothing of the row: all rows would share what is found",
                "shared-search",
                remedy="compare it with the row, as in where: item.reference == row.ref; "
                "or say that rows share it: once_per: \"'all'\"",
                severity="warning",
            )


def _is_for_all(recipe: Recipe, step: Step) -> bool:
    """Return whether a step says that all rows share what it gives."""
    if step.once_per is None:
        return bool(step.once)
    names = frozenset(each.root for each in step.once_per.references)
    return not _reads_the_row(recipe, step, names)


def _names_of(search: Search) -> frozenset[str]:
    """Return the names that a search reads; in its `where`, `item` is what it has listed."""
    where = search.where.references if search.where is not None else ()
    return names_read(search.arguments) | ({each.root for each in where} - {"item"})


def _reads_the_row(recipe: Recipe, step: Step, names: frozenset[str]) -> bool:
    """Return whether names lead to the row, an item of the step or an earlier result."""
    items = {step.item_name} if step.for_each is not None else set()
    of_the_row = {"row", *items} | {each.id for each in recipe.steps}
    return bool(read_behind(recipe, names, step.inside) & of_the_row)


def check_containment(
    places: Sequence[tuple[Source, TreePath]], recipe: Recipe, catalogue: Catalogue
) -> Iterator[Problem]:
    """Warn of the steps that leave open what a found parent gets, and refuse a needless `under_found`.

    `places` are where the steps stand. Steps that add to the same parents are one warning, at the first of them.
    """
    unguarded: dict[tuple[str, ...], list[tuple[Source, TreePath, str]]] = {}
    for (source, place_of), step in zip(places, recipe.steps, strict=True):
        parents = searched_parents(recipe, step, catalogue.operation(step.operation))
        path = (*place_of, "under_found")
        others = possible_parents(recipe, step, catalogue, named=parents)
        if step.under_found and (not (parents or others) or step.unless_found is not None):
            why = (
                "the step searches for itself with 'unless_found'"
                if step.unless_found is not None
                else "the step creates nothing inside of what an earlier 'unless_found' may find"
            )
            message = f"'under_found' has nothing to say: {why}"
            yield source.problem(source.key(path), message, "under-found", remedy="leave it out")
        elif parents and not step.under_found and step.unless_found is None:
            found = tuple(each.id for each in parents)
            unguarded.setdefault(found, []).append((source, (*place_of, "id"), step.id))
    for found, steps in unguarded.items():
        source, path, _ = steps[0]
        names, more = _listed([name for _, _, name in steps], "and"), len(steps) > 1
        message = (
            f"{names} {'add' if more else 'adds'} to what {_listed(found, 'or')} may have found, "
            "and nothing says what is there already"
        )
        remedy = (
            f"give {'each' if more else 'it'} unless_found; "
            "or say under_found: refuse (as it is when left out), or add"
        )
        place = source.value(path)
        yield source.problem(place, message, "under-found", remedy=remedy, severity="warning")


def _listed(names: Sequence[str], word: str) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} {word} {last}" if most else last
