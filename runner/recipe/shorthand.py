"""Shorthands of a recipe, written out when it is read, so that everything else knows one form of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from runner.recipe.foreign import OTHER_TYPES, VALUES
from runner.recipe.texts import mapping, without_brackets
from runner.recipe.variables import TYPES
from runner.source import Source, TreePath


def written_out(source: Source) -> Source:
    """Return the source with each shorthand in its long form, and its expressions without brackets around them."""
    found = list(_found(mapping(source.data)))
    if found:
        data = copy.deepcopy(source.data)
        for path, value in found:
            parent = data
            for part in path[:-1]:
                parent = parent[part]
            parent[path[-1]] = value
        source = source._replace(data=data)
    return without_brackets(source)


def _found(recipe: Mapping[str, Any]) -> Iterator[tuple[TreePath, Any]]:
    """Yield the path of each shorthand, with its long form."""
    for name, var in mapping(recipe.get("vars")).items():
        yield from _type(("vars", name), mapping(var))
    rows = mapping(recipe.get("rows"))
    columns = mapping(rows.get("columns"))
    for name, column in columns.items():
        path = ("rows", "columns", name)
        if is_header(column):
            yield path, {"from": column}
        yield from _type(path, mapping(column))
    group_by = rows.get("group_by")
    if isinstance(group_by, str) and group_by not in columns:
        named = [name for name, column in columns.items() if group_by in _headers(column)]
        if len(named) == 1:
            yield ("rows", "group_by"), named[0]


def is_header(column: Any) -> bool:
    """Tell a column that is given as its header; the name of a type could mean either."""
    return isinstance(column, str) and column != "" and column.lower() not in (*TYPES, *VALUES)


def _headers(column: Any) -> list[Any]:
    given = mapping(column).get("from", column)
    return given if isinstance(given, list) else [given]


def _type(path: TreePath, declared: Mapping[str, Any]) -> Iterator[tuple[TreePath, str]]:
    given = declared.get("type")
    if isinstance(given, str) and given in OTHER_TYPES:
        yield (*path, "type"), OTHER_TYPES[given]
