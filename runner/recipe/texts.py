"""The texts of a recipe that are templates or expressions: where each stands, compiled, and what it may read."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runner.problems import Problem
from runner.recipe.foreign import KEYS
from runner.source import Source, TreePath
from runner.template import (
    Expression,
    Template,
    TemplateError,
    compile_expression,
    compile_template,
)

EXPECTATIONS = ("one", "first", "any", "none")
"""What `expect` can say of a list without an expression."""

SECTIONS = ("vars", "rows", "let", "lookups", "outputs")
"""The keys of a recipe that declare names."""

_LOOPS = ("loop", "foreach", "with_items")
"""What other tools call for_each."""

ITEM, LINE, HIT = "item", "line", "hit"
"""What `item` is: an element of some list, a line of `row.lines`, or a hit of a search."""


class Scope(NamedTuple):
    """The names that a text may read besides `vars` and `run`. `steps` counts the steps done before it."""

    row: bool = False
    lookups: bool = False
    steps: int = 0
    item: str = ""
    result: bool = False
    found: bool = False
    each: tuple[tuple[str, TreePath], ...] = ()
    """The names of elements, each with the place of the list that they are of, from the outermost in."""
    lets: tuple[tuple[str, TreePath], ...] = ()
    """The values that `let` names, each with its place, in their order."""

    def inside(self, path: TreePath, for_each: Any) -> Scope:
        """Return the scope of texts that are read for each element of the list at `path`."""
        place, text, name = over(path, for_each)
        each = (*self.each, (name, place))
        return self._replace(each=each, item=_item_of(text) if name == "item" else self.item)


class Text(NamedTuple):
    """A template or expression of a recipe, compiled."""

    compiled: Expression | Template
    scope: Scope


Texts = Mapping[TreePath, Text]


def compile_texts(source: Source) -> tuple[Texts, list[Problem]]:
    """Return every template and expression of a recipe by its path, and the problems of compiling them."""
    texts: dict[TreePath, Text] = {}
    problems: list[Problem] = []
    for path, value, scope, bare in found_texts(source.data):
        try:
            compiled = compile_expression(value) if bare else compile_template(value)
        except TemplateError as error:
            place = source.within(path, error.offset, error.length)
            kind = "expression" if bare else "template"
            remedy = error.remedy
            if path[-1] == "expect" and not remedy:
                remedy = f"write {', '.join(EXPECTATIONS[:-1])} or {EXPECTATIONS[-1]}, or an expression over result"
            problems.append(source.problem(place, error.message, kind, remedy=remedy))
        else:
            if not isinstance(compiled, str):
                texts[path] = Text(compiled, scope)
    return texts, problems


BRACKETS = re.compile(r"(\s*\{\{-?\s*)((?:(?!\{\{).)*?)(\s*-?\}\}\s*)\Z", re.DOTALL)
"""The brackets of a template around the whole of an expression."""


def without_brackets(source: Source) -> Source:
    """Return the source with its bare expressions as they are without brackets, which other tools want around them."""
    found = [
        (path, inside)
        for path, text, _, bare in found_texts(source.data)
        if bare and "{{" in text and (inside := BRACKETS.match(text))
    ]
    if not found:
        return source
    data, respelt = copy.deepcopy(source.data), dict(source.respelt)
    for path, inside in found:
        parent = data
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = inside[2]
        respelt[path] = (*respelt.get(path, ()), (0, 0, len(inside[1])))
    return source._replace(data=data, respelt=respelt)


Found = Iterator[tuple[TreePath, str, Scope, bool]]
"""Path, text, scope, and whether it is a bare expression."""


def found_texts(data: Any) -> Found:
    """Yield every template and expression of a recipe."""
    recipe = mapping(data)
    has_rows = section(recipe, "rows") is not None
    yield from _tree(("key",), recipe.get("key"), Scope())
    yield from _tree(("key_was",), recipe.get("key_was"), Scope())
    rows = mapping(recipe.get("rows"))
    yield from _tree(("rows", "key"), rows.get("key"), Scope(row=True))
    yield from _tree(("rows", "key_was"), rows.get("key_was"), Scope(row=True))
    yield from _tree(("rows", "with"), rows.get("with"), Scope())
    yield from _expression(
        ("rows", "where"), rows.get("where"), Scope(item=HIT) if "use" in rows else Scope(row=True)
    )
    for name, column in mapping(rows.get("columns")).items():
        yield from _tree(
            ("rows", "columns", name, "value"), mapping(column).get("value"), Scope(row=True)
        )
    yield from _tree(("rows", "expect_total"), rows.get("expect_total"), Scope())
    for name, lookup in mapping(recipe.get("lookups")).items():
        yield from _tree(("lookups", name, "with"), mapping(lookup).get("with"), Scope())
        kept = mapping(lookup).get("where")
        yield from _expression(("lookups", name, "where"), kept, Scope(item=HIT))
    steps = sequence(recipe.get("steps"))
    scope = Scope(row=has_rows, lookups=True)
    yield from _lets(("let",), recipe.get("let"), scope)
    scope = _with_lets(("let",), recipe.get("let"), scope)
    for index, requirement in enumerate(map(mapping, sequence(rows.get("require")))):
        required: TreePath = ("rows", "require", index)
        yield from _expression((*required, "that"), requirement.get("that"), scope)
        yield from _tree((*required, "message"), requirement.get("message"), scope)
    for index, step in enumerate(map(mapping, steps)):
        scope = scope._replace(steps=index)
        path: TreePath = ("steps", index)
        yield from _lets((*path, "let"), step.get("let"), scope)
        scope = _with_lets((*path, "let"), step.get("let"), scope)
        yield from _step(path, step, scope)
    scope = scope._replace(steps=len(steps))
    lines = mapping(recipe.get("export")).get("lines")
    if lines is not None:
        place, text, _ = over(("export", "lines"), lines)
        yield from _expression(place, text, scope)
        scope = scope.inside(("export", "lines"), lines)
    yield from _tree(("outputs",), recipe.get("outputs"), scope)


def _lets(path: TreePath, let: Any, scope: Scope) -> Found:
    """Yield the named values of a `let`, each of which sees those before it."""
    for name, value in mapping(let).items():
        yield from _expression((*path, name), value, scope)
        scope = scope._replace(lets=(*scope.lets, (str(name), (*path, name))))


def _with_lets(path: TreePath, let: Any, scope: Scope) -> Scope:
    named = tuple((str(name), (*path, name)) for name in mapping(let))
    return scope._replace(lets=(*scope.lets, *named))


def _step(path: TreePath, step: Mapping[str, Any], scope: Scope) -> Found:
    """Yield the texts of one step. Under for_each those that are read for each item see it; `when` decides the step."""
    for_each = step.get("for_each")
    each = scope
    if for_each is None and any(name in step for name in _LOOPS):
        each = scope._replace(item=ITEM)  # that is one problem, not one at each item
    if for_each is not None:
        each = scope.inside((*path, "for_each"), for_each)
        place, text, _ = over((*path, "for_each"), for_each)
        yield from _expression(place, text, scope)
    yield from _tree((*path, "with"), step.get("with"), each)
    for key, seen in (
        ("when", scope),
        ("item_key", each),
        ("once_per", scope),
    ):
        yield from _expression((*path, key), step.get(key), seen)
    yield from _expression((*path, "where"), step.get("where"), each._replace(item=HIT))
    if step.get("expect") not in EXPECTATIONS:
        yield from _expression((*path, "expect"), step.get("expect"), each._replace(result=True))
    if not isinstance(step.get("verify"), bool):
        yield from _expression((*path, "verify"), step.get("verify"), each._replace(result=True))
    until = mapping(step.get("poll")).get("until")
    yield from _expression((*path, "poll", "until"), until, each._replace(result=True))
    for place, was in former_steps((*path, "was"), step.get("was")):
        yield from _expression((*place, "for_each"), mapping(was).get("for_each"), scope)
        yield from _expression((*place, "item_key"), mapping(was).get("item_key"), each)
    search = mapping(step.get("unless_found"))
    yield from _tree((*path, "unless_found", "with"), search.get("with"), each)
    yield from _expression(
        (*path, "unless_found", "where"), search.get("where"), each._replace(item=HIT)
    )
    update = mapping(search.get("update"))
    yield from _tree(
        (*path, "unless_found", "update", "with"), update.get("with"), each._replace(found=True)
    )


def _expression(path: TreePath, value: Any, scope: Scope) -> Found:
    if isinstance(value, bool):  # when: false
        value = str(value).lower()
    if isinstance(value, str) and value:
        yield path, value, scope, True


def _tree(path: TreePath, value: Any, scope: Scope) -> Found:
    if isinstance(value, str):
        yield path, value, scope, False
    elif is_each(value):
        place, text, _ = over((*path, "for_each"), value["for_each"])
        yield from _expression(place, text, scope)
        inside = scope.inside((*path, "for_each"), value["for_each"])
        yield from _tree((*path, "value"), value.get("value"), inside)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _tree((*path, key), child, scope)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _tree((*path, index), child, scope)


def former_steps(path: TreePath, was: Any) -> Iterator[tuple[TreePath, Any]]:
    """Yield the former steps in `was` of a step, one or a list, each with its place."""
    if isinstance(was, list):
        yield from (((*path, at), each) for at, each in enumerate(was))
    elif was is not None:
        yield path, was


def is_each(value: Any) -> bool:
    """Return whether a value makes a list from another: {for_each: row.lines, value: ...}."""
    return isinstance(value, dict) and "for_each" in value


def over(path: TreePath, for_each: Any) -> tuple[TreePath, Any, str]:
    """Return the place and text of the list of the `for_each` at `path`, and the name of its elements."""
    if isinstance(for_each, dict):
        return (*path, "in"), for_each.get("in"), str(for_each.get("as", ""))
    return path, for_each, "item"


def _item_of(for_each: Any) -> str:
    return LINE if str(for_each).strip() == "row.lines" else ITEM


def section(recipe: Mapping[str, Any], name: str) -> Any:
    """Return the recipe's value under `name`, or under a misspelling of it: that is one problem, not one per use."""
    near = difflib.get_close_matches(name, recipe, n=1, cutoff=0.7)
    others = (key for key in recipe if key not in SECTIONS)
    near = near or [key for key in others if name in KEYS.get(str(key).lower(), ())]
    found = name if name in recipe else near[0] if near else ""
    return (recipe[found] or {}) if found else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` where it is a mapping, else an empty one: what has the wrong shape has its own problem already."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return `value` where it is a list, else an empty one, for the same reason."""
    return value if isinstance(value, list) else []
