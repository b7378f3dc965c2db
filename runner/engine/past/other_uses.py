"""The other recipe names and accounts at a place: what they have sent may be what a recipe would send once more."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from runner.catalogue import Catalogue
from runner.journal import History
from runner.recipe.model import Recipe, Step, read_behind
from runner.template import names_read


class Others(NamedTuple):
    """The accounts and recipe names, in pairs, that have sent what a recipe creates or pays as well, at the same place.

    `declared` are the runs of the recipe itself of which a person has declared that their rows are other work. `steps`
    are the ids of the steps that send another content for each row: what is the same for all of them shows nothing.
    """

    names: frozenset[tuple[str, str]] = frozenset()
    declared: frozenset[int] = frozenset()
    steps: frozenset[str] = frozenset()


def others_of(
    history: History,
    recipe: Recipe,
    catalogue: Catalogue,
    *,
    account: str,
    accounts: Collection[str],
) -> Others:
    """The other names of a recipe. `accounts` are those at the place, its own `account` among them."""
    operations = {step.operation for step in recipe.steps if creates(step, catalogue)}
    known = {(run.account, run.recipe) for run in history.runs() if run.account in accounts}
    names = known - {(account, recipe.name)} if operations else set()
    found = {name for name in names if not operations.isdisjoint(history.sent_operations(*name))}
    declared = history.declared_runs(account, recipe.name) if found else frozenset()
    return Others(frozenset(found), declared, varying_steps(recipe))


def creates(step: Step, catalogue: Catalogue) -> bool:
    """Tell whether a step creates something or moves money."""
    operation = catalogue.operation(step.operation)
    return operation.effect == "create" or bool(operation.money)


def varying_steps(recipe: Recipe) -> frozenset[str]:
    """The ids of the steps that send something else for each row, or for each set of variables without rows."""
    varying = {"row", "item"} if recipe.rows is not None else {"vars"}
    found: set[str] = set()
    for step in recipe.steps:
        read = read_behind(recipe, names_read(step.arguments), step.inside)
        if not read.isdisjoint({*varying, *found, step.item_name}):
            found.add(step.id)
    return frozenset(found)
