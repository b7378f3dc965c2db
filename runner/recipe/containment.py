"""Steps that create something inside of what an earlier step may have found, and what a recipe says of that.

A step that searches with `unless_found` may find an object that earlier runs of this recipe know nothing of: the
journal was lost, the recipe had another name, a person made it. What the step would create in it may be there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from runner.catalogue import container_of, home_of, nameless
from runner.problems import Problem
from runner.recipe.model import Recipe, Step, steps_behind
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
    """The earlier steps with `unless_found` whose objects a step creates something in; none where it only reads."""
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
    """The earlier steps with `unless_found` that find what a step may create something in, beside those it names.

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


def check_containment(
    places: Sequence[tuple[Source, TreePath]], recipe: Recipe, catalogue: Catalogue
) -> Iterator[Problem]:
    """Warn of each step that leaves open what a found parent gets, and refuse a needless `under_found`.

    `places` are where the steps stand.
    """
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
            names = " or ".join(repr(each.id) for each in parents)
            message = f"{step.id!r} adds to what {names} may have found, and nothing says what is there already"
            remedy = (
                "give it unless_found; or say under_found: refuse (as it is when left out), or add"
            )
            place = source.value((*place_of, "id"))
            yield source.problem(place, message, "under-found", remedy=remedy, severity="warning")
