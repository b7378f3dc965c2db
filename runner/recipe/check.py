"""Checks beyond the recipe schema: names, keys that go together, operations and their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.problems import Problem
from runner.recipe.addresses import check_addresses
from runner.recipe.declarations import check_rows, check_vars
from runner.recipe.exports import check_export
from runner.recipe.included import Files, check_included
from runner.recipe.model import FILE_COLUMN, RESULT_COLUMNS
from runner.recipe.names import Names, check_ids, check_names
from runner.recipe.reads import check_reads
from runner.recipe.texts import Texts, former_steps, is_each, mapping, over, sequence
from runner.recipe.typecheck.check import check_types
from runner.recipe.uses import Uses
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from runner.catalogue import Catalogue


_REMEDY = "write {for_each: row.lines, value: {sku: '{{ item.sku }}'}}"


def check_lists(source: Source, recipe: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the lists in everything that is sent."""
    yield from _lists(source, ("rows", "with"), mapping(recipe.get("rows")).get("with"))
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield from _lists(source, ("lookups", name, "with"), mapping(lookup).get("with"))
    for index, step in enumerate(map(mapping, sequence(recipe.get("steps")))):
        path: TreePath = ("steps", index)
        inside = _name(step) if "for_each" in step else ""
        yield from _lists(source, (*path, "with"), step.get("with"), inside=inside)
        search = mapping(step.get("unless_found"))
        yield from _lists(
            source, (*path, "unless_found", "with"), search.get("with"), inside=inside
        )
        updated = mapping(search.get("update")).get("with")
        yield from _lists(source, (*path, "unless_found", "update", "with"), updated, inside=inside)


def _lists(source: Source, path: TreePath, value: Any, *, inside: str = "") -> Iterator[Problem]:
    if is_each(value):
        if set(value) != {"for_each", "value"} or not _whole(value["for_each"]):
            message = "a list that is made from another has two keys, 'for_each' and 'value'"
            yield source.problem(source.value(path), message, "for-each", remedy=_REMEDY)
        elif inside == _name(value) == "item":
            message = "'for_each' stands inside another 'for_each', and 'item' could mean either"
            remedy = "name the elements of one: for_each: {in: row.lines, as: line}"
            yield source.problem(
                source.key((*path, "for_each")), message, "for-each", remedy=remedy
            )
        inside = "item" if "item" in (inside, _name(value)) else _name(value)
    children = value.items() if isinstance(value, dict) else enumerate(sequence(value))
    for name, child in children:
        yield from _lists(source, (*path, name), child, inside=inside)


def _name(value: Mapping[str, Any]) -> str:
    """Return the name of the elements that a `for_each` goes through."""
    return over((), value["for_each"])[2]


def _whole(for_each: Any) -> bool:
    """Return whether a `for_each` is an expression, or gives both the list and the name of its elements."""
    if isinstance(for_each, dict):
        return set(for_each) == {"in", "as"} and all(
            isinstance(each, str) and each for each in for_each.values()
        )
    return isinstance(for_each, str)


def check(
    source: Source,
    texts: Texts,
    catalogue: Catalogue,
    *,
    broken: frozenset[TreePath],
    files: Files = MappingProxyType({}),
) -> list[Problem]:
    """Return every problem of a recipe's names, operations and keys, whatever its shape; some may be warnings.

    `broken` are the paths whose shape is wrong: nothing is said to be missing where a key was misspelt. `files` are
    those that it includes.
    """
    recipe = mapping(source.data)
    return [
        *check_steps(source, texts, catalogue, broken=broken, files=files),
        *check_rows(source, recipe, texts),
        *Uses(source, catalogue, broken).rows(mapping(recipe.get("rows"))),
        *check_export(source, recipe, texts, catalogue),
        *_taken_outputs(source, recipe),
    ]


def check_steps(
    source: Source, texts: Texts, catalogue: Catalogue, *, broken: frozenset[TreePath], files: Files
) -> list[Problem]:
    """Return the problems of the parts that recipes share with the files of steps that they include."""
    recipe = mapping(source.data)
    steps = sequence(recipe.get("steps"))
    uses = Uses(source, catalogue, broken)
    names = Names.of(source.data)
    return [
        *check_ids(source, names),
        *check_names(source, texts, names),
        *check_types(source, texts, catalogue, files),
        *check_vars(source, mapping(recipe.get("vars"))),
        *check_addresses(source, recipe, texts),
        *uses.lookups(mapping(recipe.get("lookups"))),
        *uses.steps(steps),
        *check_lists(source, recipe),
        *check_reads(source, texts, catalogue),
        *check_included(source, files),
        *_former_ids(source, names, steps),
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
    """Check `was`: no present step, and no former step twice except for steps that share its items."""
    taken: dict[str, int] = {}
    alone: set[str] = set()
    for index, each in enumerate(steps):
        step = mapping(each)
        several = "for_each" in step
        for path, was in former_steps(("steps", index, "was"), step.get("was")):
            name = was if isinstance(was, str) else mapping(was).get("step")
            if not isinstance(name, str):
                continue
            place = path if isinstance(was, str) else (*path, "step")
            part = several or "item_key" in mapping(was)
            if not several and "for_each" in mapping(was):
                message = "'for_each' of 'was' says which item of then an item of now is, and this step has no items"
                remedy = "give item_key in its place: the name that the item had"
                yield source.problem(source.key((*path, "for_each")), message, "was", remedy=remedy)
            yield from _taken_over(
                source, names, place, name, taken.get(name), shared=part and name not in alone
            )
            taken.setdefault(name, source.value(place).line)
            if not part:
                alone.add(name)


def _taken_over(
    source: Source, names: Names, place: TreePath, name: str, line: int | None, *, shared: bool
) -> Iterator[Problem]:
    """Yield a problem where a former id is that of a step, or was taken over on `line` and cannot be `shared`."""
    if name in names.steps:
        own = source.value(("steps", names.steps.index(name), "id")).line
        message = f"{name!r} is the id of the step on line {own}: what that one did is its own"
        remedy = "name an id that no step has any more"
        yield source.problem(source.value(place), message, "was", remedy=remedy)
    elif line is not None and not shared:
        message = f"{name!r} is already taken over by the step on line {line}"
        remedy = (
            "keep one of the two; steps that share its items have for_each, or item_key in 'was'"
        )
        yield source.problem(source.value(place), message, "was", remedy=remedy)
