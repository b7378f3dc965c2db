"""Lists that are made from others, {for_each: row.lines, value: ...}: whether each is written as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.problems import Problem
from runner.recipe.texts import is_each, mapping, over, sequence
from runner.source import Source, TreePath

_REMEDY = "write {for_each: row.lines, value: {sku: '{{ item.sku }}'}}"


def check_lists(source: Source, recipe: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of the lists in everything that is sent."""
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
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, child in children:
        yield from _lists(source, (*path, name), child, inside=inside)


def _name(value: Mapping[str, Any]) -> str:
    """The name of the elements that a `for_each` goes through."""
    return over((), value["for_each"])[2]


def _whole(for_each: Any) -> bool:
    """Whether a `for_each` is an expression, or says which list and what its elements are called."""
    if isinstance(for_each, dict):
        return set(for_each) == {"in", "as"} and all(
            isinstance(each, str) and each for each in for_each.values()
        )
    return isinstance(for_each, str)
