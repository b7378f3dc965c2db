"""A recipe as it would be once its slips are corrected, so that what they hide is told in the same round.

A slip is a name that is written otherwise and has one name that it is meant for: a key, a value, an operation or a
parameter. What is then found stands where it does in the text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.problems import Problem
from runner.recipe import schema_errors
from runner.recipe.operations import find_operation, meant_arguments
from runner.recipe.texts import mapping, sequence
from runner.source import Source, TreePath

if TYPE_CHECKING:
    from runner.catalogue import Catalogue

MEANT = re.compile(r"did you mean '([^']+)'\?\Z")
ROUNDS = 3
"""How often a correction may bring another one to light: a key, an operation, what that takes."""


def corrected(source: Source, catalogue: Catalogue) -> Iterator[Source]:
    """The recipe with its slips corrected, level by level: what one hides is a slip of the next, and is told there.

    The last of them has none that is left; there is none at all where the recipe has no slips.
    """
    found = source
    for _ in range(ROUNDS):
        before = found
        for slips in (_shape, _operations, _arguments):
            fixed = _with(found, slips(found, catalogue))
            if fixed is not found:
                yield fixed
            found = fixed
        if found is before:
            break


def _with(source: Source, slips: Iterable[tuple[TreePath, str, str]]) -> Source:
    """The source with the slips corrected, each a path, how it is corrected, and what is meant."""
    given = list(slips)
    if not given:
        return source
    data, renamed = copy.deepcopy(source.data), dict(source.renamed)
    for path, how, meant in given:
        parent = _at(data, path[:-1])
        if how == "value":
            parent[path[-1]] = meant
        elif how == "leave out":
            del parent[path[-1]]
        elif meant not in parent:
            renamed[(*path[:-1], meant)] = renamed.get(path, str(path[-1]))
            items = [(meant if key == path[-1] else key, value) for key, value in parent.items()]
            parent.clear()
            parent.update(items)
    return source._replace(data=data, renamed=renamed)


def _at(data: Any, path: TreePath) -> Any:
    for part in path:
        data = data[part]
    return data


def _shape(source: Source, _catalogue: Catalogue) -> Iterator[tuple[TreePath, str, str]]:
    """Keys and values that the schema of recipes does not know."""
    for path, problem in schema_errors.found(source):
        close = MEANT.match(problem.remedy)
        if problem.kind == "unknown-key" and close:
            yield path, "key", close[1]
        elif problem.kind == "unknown-key" and problem.remedy.startswith("leave it out"):
            yield path, "leave out", ""
        elif problem.kind == "value" and close:
            yield path, "value", close[1]


def _operations(source: Source, catalogue: Catalogue) -> Iterator[tuple[TreePath, str, str]]:
    for path, part in _parts(source.data):
        found = find_operation(source, (*path, "use"), part.get("use"), catalogue)
        close = MEANT.match(found.remedy) if isinstance(found, Problem) else None
        if close and "." in close[1]:
            yield (*path, "use"), "value", close[1]


def _arguments(source: Source, catalogue: Catalogue) -> Iterator[tuple[TreePath, str, str]]:
    for path, part in _parts(source.data):
        operation = find_operation(source, (*path, "use"), part.get("use"), catalogue)
        if operation is None or isinstance(operation, Problem):
            continue
        for inside, remedy in meant_arguments(source, path, part, operation):
            close = MEANT.match(remedy)
            if close and not isinstance(_at(part, ("with", *inside)), dict | list):
                yield (*path, "with", *inside), "key", close[1]


def _parts(data: Any) -> Iterator[tuple[TreePath, Mapping[str, Any]]]:
    """What uses an operation: the rows, lookups and steps, and the searches of steps."""
    recipe = mapping(data)
    yield ("rows",), mapping(recipe.get("rows"))
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield ("lookups", name), mapping(lookup)
    for index, step in enumerate(map(mapping, sequence(recipe.get("steps")))):
        yield ("steps", index), step
        search = mapping(step.get("unless_found"))
        yield ("steps", index, "unless_found"), search
        yield ("steps", index, "unless_found", "update"), mapping(search.get("update"))
