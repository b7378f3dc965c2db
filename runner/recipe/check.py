"""What a recipe's schema cannot say: names, keys that go together, operations and their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.problems import Problem
from runner.recipe.flow import check_types
from runner.recipe.inputs import check_rows, check_vars
from runner.recipe.lists import check_lists
from runner.recipe.model import FILE_COLUMN, RESULT_COLUMNS
from runner.recipe.names import Names, check_ids, check_names
from runner.recipe.texts import Texts, mapping, sequence
from runner.recipe.uses import Uses
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from runner.catalogue import Catalogue


def check(
    source: Source, texts: Texts, catalogue: Catalogue, *, broken: frozenset[TreePath]
) -> list[Problem]:
    """Every problem of a recipe's names, operations and keys, whatever its shape; some may be warnings.

    `broken` are the paths whose shape is wrong: nothing is said to be missing where a key was misspelt.
    """
    recipe = mapping(source.data)
    steps = sequence(recipe.get("steps"))
    uses = Uses(source, catalogue, broken)
    names = Names.of(source.data)
    return [
        *check_ids(source, names),
        *check_names(source, texts, names),
        *check_types(source, texts, catalogue),
        *check_vars(source, mapping(recipe.get("vars"))),
        *check_rows(source, recipe, texts),
        *uses.rows(mapping(recipe.get("rows"))),
        *uses.lookups(mapping(recipe.get("lookups"))),
        *uses.steps(steps),
        *check_lists(source, recipe),
        *_former_ids(source, names, steps),
        *_taken_outputs(source, recipe),
    ]


def _taken_outputs(source: Source, recipe: Mapping[str, Any]) -> Iterator[Problem]:
    for name in mapping(recipe.get("outputs")):
        if name in (FILE_COLUMN, *RESULT_COLUMNS):
            which = (
                "every results file"
                if name != FILE_COLUMN
                else "the results file of several inputs"
            )
            message = f"{which} has a column {name!r} of its own"
            remedy = "give the output another name"
            yield source.problem(source.key(("outputs", name)), message, "output", remedy=remedy)


def _former_ids(source: Source, names: Names, steps: list[Any]) -> Iterator[Problem]:
    taken: dict[str, int] = {}
    for index, step in enumerate(steps):
        was, path = mapping(step).get("was"), ("steps", index, "was")
        if not isinstance(was, str):
            continue
        if was in names.steps:
            line = source.value(("steps", names.steps.index(was), "id")).line
            message = f"{was!r} is the id of the step on line {line}: what that one did is its own"
            yield source.problem(
                source.value(path), message, "was", remedy="name an id that no step has any more"
            )
        elif was in taken:
            message = f"{was!r} is already taken over by the step on line {taken[was]}"
            yield source.problem(source.value(path), message, "was", remedy="keep one of the two")
        taken.setdefault(was, source.value(path).line)
