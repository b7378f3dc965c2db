"""Lists that are made from others, {for_each: row.lines, value: ...}: whether each is written as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.problems import Problem
from runner.recipe.texts import is_each, mapping, sequence
from runner.source import Source, TreePath

_REMEDY = "write {for_each: row.lines, value: {sku: '{{ item.sku }}'}}"


def check_lists(source: Source, recipe: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of the lists in everything that is sent."""
    yield from _lists(source, ("rows", "with"), mapping(recipe.get("rows")).get("with"))
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield from _lists(source, ("lookups", name, "with"), mapping(lookup).get("with"))
    for index, step in enumerate(map(mapping, sequence(recipe.get("steps")))):
        path: TreePath = ("steps", index)
        inside = "for_each" in step
        yield from _lists(source, (*path, "with"), step.get("with"), inside=inside)
        search = mapping(step.get("unless_found"))
        yield from _lists(
            source, (*path, "unless_found", "with"), search.get("with"), inside=inside
        )
        updated = mapping(search.get("update")).get("with")
        yield from _lists(source, (*path, "unless_found", "update", "with"), updated, inside=inside)


def _lists(
    source: Source, path: TreePath, value: Any, *, inside: bool = False
) -> Iterator[Problem]:
    if is_each(value):
        if set(value) != {"for_each", "value"} or not isinstance(value["for_each"], str):
            message = "a list that is made from another has two keys, 'for_each' and 'value'"
            yield source.problem(source.value(path), message, "for-each", remedy=_REMEDY)
        elif inside:
            message = "'for_each' stands inside another 'for_each', and 'item' could mean either"
            yield source.problem(
                source.key((*path, "for_each")), message, "for-each", remedy="make one of the two"
            )
        inside = True
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, child in children:
        yield from _lists(source, (*path, name), child, inside=inside)
