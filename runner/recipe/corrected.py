"""A recipe with its slips corrected, so that the problems which they hide are reported in the same run.

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
from runner.recipe.shorthand import written_out
from runner.recipe.texts import found_texts, mapping, sequence
from runner.source import Source, TreePath
from runner.template import TemplateError, compile_expression, compile_template

if TYPE_CHECKING:
    from runner.catalogue import Catalogue

MEANT = re.compile(r"did you mean '([^']+)'\?\Z")
ROUNDS = 6
"""How often a correction may bring another one to light: a key, an operation, what that takes, a sign behind a sign."""


def corrected(source: Source, catalogue: Catalogue) -> Iterator[Source]:
    """Yield the recipe with its slips corrected, level by level: the next level has the slips that one hides.

    The last of them has none that is left; there is none at all where the recipe has no slips.
    """
    found = source
    for _ in range(ROUNDS):
        before = found
        for slips in (_shape, _operations, _arguments, None):
            fixed = _respelt(found) if slips is None else _with(found, slips(found, catalogue))
            if fixed is not found:
                yield fixed
            found = fixed
        if found is before:
            break


def _with(source: Source, slips: Iterable[tuple[TreePath, str, str]]) -> Source:
    """Return the source with the slips corrected, each a path, its kind of correction, and the intended text."""
    given = list(slips)
    if not given:
        return source
    data, renamed = copy.deepcopy(source.data), dict(source.renamed)
    respelt = source.respelt
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
            respelt = {_moved(at, path, meant): each for at, each in respelt.items()}
    return written_out(source._replace(data=data, renamed=renamed, respelt=respelt))


def _moved(path: TreePath, key: TreePath, meant: str) -> TreePath:
    """Return a path in which the corrected key has its intended name."""
    return (*key[:-1], meant, *path[len(key) :]) if path[: len(key)] == key else path


def _respelt(source: Source) -> Source:
    """Return the source with the first foreign sign of each template and expression in the recipe's form."""
    data, respelt = copy.deepcopy(source.data), dict(source.respelt)
    for path, text, _, bare in found_texts(source.data):
        fixed, sign = text, ""
        while (found := _sign(fixed, bare=bare)) and sign in ("", fixed[slice(*found[:2])]):
            start, end, meant = found
            sign, fixed = fixed[start:end], fixed[:start] + meant + fixed[end:]
            respelt[path] = (*respelt.get(path, ()), (start, len(meant), end - start))
        if fixed != text:
            _at(data, path[:-1])[path[-1]] = fixed
    return source if respelt == source.respelt else source._replace(data=data, respelt=respelt)


SIGN = re.compile(r"write '(and|or|not|==|!=)'\Z")


def _sign(text: str, *, bare: bool) -> tuple[int, int, str] | None:
    """Return the place of a foreign sign or misspelt filter in a text, and the correct form."""
    try:
        compile_expression(text) if bare else compile_template(text)
    except TemplateError as error:
        start, end = error.offset, error.offset + error.length
        meant = SIGN.match(error.remedy) or MEANT.match(error.remedy)
        if error.remedy.startswith("drop the brackets") and (whole := WHOLE.match(text)):
            return 0, len(text), " " * whole.start(1) + whole[1]
        if meant is not None and text[start:end] != meant[1]:
            return start, end, f"{meant[1]} " if meant[1] == "not" else meant[1]
    return None


WHOLE = re.compile(r"\s*\$\{\{((?:(?!\{\{).)*)\}\}\s*\Z", re.DOTALL)
"""An expression in the brackets that GitHub Actions has."""


def _at(data: Any, path: TreePath) -> Any:
    for part in path:
        data = data[part]
    return data


def _shape(source: Source, _catalogue: Catalogue) -> Iterator[tuple[TreePath, str, str]]:
    """Yield the keys and values that the schema of recipes does not know."""
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
    """Return the parts that use an operation: the rows, lookups and steps, and the searches of steps."""
    recipe = mapping(data)
    yield ("rows",), mapping(recipe.get("rows"))
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield ("lookups", name), mapping(lookup)
    for index, step in enumerate(map(mapping, sequence(recipe.get("steps")))):
        yield ("steps", index), step
        search = mapping(step.get("unless_found"))
        yield ("steps", index, "unless_found"), search
        yield ("steps", index, "unless_found", "update"), mapping(search.get("update"))
