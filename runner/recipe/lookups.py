"""Cells that are names in a lookup, as in `payment_types[row.method]`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.problems import Problem, nearest
from runner.recipe.load import Loaded
from runner.recipe.model import Lookup, Recipe, Step
from runner.template import Each, Expression, Node, Template, path_of, paths_of

if TYPE_CHECKING:
    from runner.catalogue import Catalogue


def check_entries(loaded: Loaded, fields: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield a problem for each field that the file of a lookup does not have. `fields` are the columns of each file."""
    recipe, source = loaded.recipe, loaded.source
    depths = {lookup.name: len(lookup.by) for lookup in recipe.lookups if lookup.name in fields}
    files = {lookup.name: lookup.file for lookup in recipe.lookups}
    for path, text in loaded.texts.items():
        for offset, expression in text.compiled.placed:
            for lookup, field in _read(expression.tree, depths):
                if field.value not in fields[lookup]:
                    place = source.within(path, offset + field.offset, field.length)
                    message = (
                        f"the entries of {lookup} ({files[lookup]}) have no field {field.value!r}"
                    )
                    remedy = nearest(field.value, fields[lookup], noun="fields")
                    yield source.problem(place, message, "unknown-field", remedy=remedy)


def _read(node: Node, depths: Mapping[str, int]) -> Iterator[tuple[str, Node]]:
    """Yield the lookups of which a field is read by its name, each with that field."""
    if node.kind == "test" and node.value == "defined":
        return
    inner, keys = node, 0
    while inner.kind == "member":
        inner, keys = inner.parts[0], keys + 1
    depth = depths.get(inner.value, 0) if inner.kind == "name" else 0
    if (
        depth
        and keys == depth + 1
        and node.parts[1].kind == "literal"
        and isinstance(node.value, str)
    ):
        yield inner.value, node.parts[1]
    for part in node.parts:
        yield from _read(part, depths)


class Use(NamedTuple):
    """An entry of a lookup is found by these keys: each a column, where that is true of it, or a text.

    `sure` says that every row looks it up, whatever is in it.
    """

    lookup: str
    keys: tuple[tuple[str, bool], ...]
    sure: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns among the keys."""
        return tuple(key for key, column in self.keys if column)


def indexing_columns(recipe: Recipe) -> Mapping[str, str]:
    """Return the columns that find entries of a lookup, each with the first lookup that it is used for."""
    lookups = {lookup.name for lookup in recipe.lookups}
    found: dict[str, str] = {}
    for expression, lines, _ in _expressions(recipe):
        owners = {"row", lines}
        for node in expression.tree.walk():
            if (
                node.kind != "member"
                or node.parts[0].kind != "name"
                or node.parts[0].value not in lookups
            ):
                continue
            for path in paths_of(node.parts[1]):
                if len(path) == 2 and path[0] in owners:
                    found.setdefault(str(path[1]), str(node.parts[0].value))
    return found


def uses_of(recipe: Recipe) -> tuple[Use, ...]:
    """Return the lookup entries that unchanged cells select, each once; sure, where one of the places is."""
    lookups = {lookup.name: lookup for lookup in recipe.lookups}
    found: dict[Use, None] = {}
    for expression, lines, sure in _expressions(recipe):
        owners = ("row", lines) if lines else ("row",)
        found |= dict.fromkeys(_uses(expression.tree, lookups, owners, sure=sure))
    return tuple(use for use in found if use.sure or use._replace(sure=True) not in found)


def _uses(
    node: Node, lookups: Mapping[str, Lookup], owners: tuple[str, ...], *, sure: bool
) -> Iterator[Use]:
    """Yield the uses in an expression."""
    for entry in _entries(node, lookups, sure=sure):
        named = tuple(_key(key, owners) for key in entry.keys)
        if all(key for key, _ in named) and any(column for _, column in named):
            yield Use(entry.lookup.name, named, entry.sure)


class _Entry(NamedTuple):
    """An entry of a lookup in an expression: the node that finds it, and its keys."""

    node: Node
    lookup: Lookup
    keys: tuple[Node, ...]
    sure: bool


def _entries(node: Node, lookups: Mapping[str, Lookup], *, sure: bool) -> Iterator[_Entry]:
    """Yield the entries that an expression reads; what stands behind a condition, or has a default, is not sure."""
    inner = node
    members: list[Node] = []
    while inner.kind == "member":
        members.insert(0, inner)
        inner = inner.parts[0]
    keys = [member.parts[1] for member in members]
    lookup = lookups.get(inner.value) if inner.kind == "name" else None
    if lookup is not None and lookup.by and len(keys) >= len(lookup.by):
        count = len(lookup.by)
        yield _Entry(members[count - 1], lookup, tuple(keys[:count]), sure)
    if inner is not node:
        for key in keys:
            yield from _entries(key, lookups, sure=sure)
        node = inner
    forgiving = (
        node.kind == "each"
        or node.value == "default"
        or (node.kind == "test" and node.value != "none")
    )
    choosing = node.kind in ("choose", "and", "or")
    for at, part in enumerate(node.parts):
        yield from _entries(part, lookups, sure=sure and not (choosing and at) and not forgiving)


class Fixed(NamedTuple):
    """An entry that every row reads, by keys that are the same for all: texts, or names of variables.

    `text` is how the recipe writes it, `at` where in the text of its expression.
    """

    lookup: str
    keys: tuple[tuple[str, bool], ...]
    text: str
    at: tuple[int, int]

    def names(self, values: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the keys with these values of variables; None where one of them has none yet."""
        found = [values.get(key) if var else key for key, var in self.keys]
        known = all(isinstance(each, str | int) for each in found)
        return tuple(map(str, found)) if known else None


def fixed_in(expression: Expression, lookups: Iterable[Lookup]) -> Iterator[Fixed]:
    """Yield the entries that an expression reads whenever it is computed, by keys that no row changes."""
    known = {lookup.name: lookup for lookup in lookups}
    for entry in _entries(expression.tree, known, sure=True):
        keys = tuple(_fixed_key(key) for key in entry.keys)
        if entry.sure and all(key for key, _ in keys):
            start, end = entry.node.offset, entry.node.offset + entry.node.length
            yield Fixed(entry.lookup.name, keys, expression.text[start:end], (start, end - start))


def fixed_of(recipe: Recipe) -> Iterator[Fixed]:
    """Yield the entries that every row of a recipe reads by keys that no row changes."""
    for expression, _, sure in _expressions(recipe):
        if sure:
            yield from fixed_in(expression, recipe.lookups)


def _fixed_key(node: Node) -> tuple[str, bool]:
    """Return a key that is written out, or a variable, and whether it is one; empty where it is anything else."""
    if node.kind == "literal":
        return str(node.value), False
    path = path_of(node)
    return (str(path[1]), True) if len(path) == 2 and path[0] == "vars" else ("", False)


def _key(node: Node, owners: tuple[str, ...]) -> tuple[str, bool]:
    """Return a key as it is written, and whether it is a column; empty where it is anything else."""
    if node.kind == "literal":
        return str(node.value), False
    path = path_of(node)
    return (str(path[1]), True) if len(path) == 2 and path[0] in owners else ("", False)


def names_in(recipe: Recipe, catalogue: Catalogue, lookup: str) -> tuple[str, ...]:
    """Return the names that entries of a lookup can have, where the API's document lists them; else none."""
    declared = next(each for each in recipe.lookups if each.name == lookup)
    if declared.file or declared.fold or len(declared.by) != 1:
        return ()
    entry: Any = catalogue.operation(declared.operation).entry or {}
    names = entry.get("properties", {}).get(declared.by[0], {}).get("enum") or ()
    return tuple(str(name) for name in names if name is not None)


Found = Iterator[tuple[Expression, str, bool]]
"""An expression, the name of a line of the row in it, and whether it is read for every row."""


def _expressions(recipe: Recipe) -> Found:
    """Yield every expression of the steps and outputs."""
    included = {step.inside.id: step.inside for step in recipe.steps if step.inside is not None}
    for include in included.values():
        if include.around is None:
            yield from _inside(include.arguments, lines="", sure=False)
            yield from _inside(include.when, lines="", sure=False)
    for step in recipe.steps:
        if step.inside is not None:  # it sees neither the row nor the lookups of the recipe
            continue
        text = step.for_each.text.strip() if step.for_each is not None else ""
        lines = step.item_name if text.startswith("row.lines") else ""
        sure = step.when is None and text in ("", "row.lines")
        for part in (step.arguments, *_conditions(step)):
            yield from _inside(part, lines=lines, sure=sure or part is step.when)
        yield from _inside(step.where, lines="", sure=False)
        search = step.unless_found
        if search is not None:
            yield from _inside(search.arguments, lines=lines, sure=sure)
            yield from _inside(search.where, lines="", sure=False)
            yield from _inside(
                search.update.arguments if search.update else None, lines=lines, sure=False
            )
    for let in (recipe.let, *(step.let for step in recipe.steps if step.inside is None)):
        yield from _inside(let, lines="", sure=False)
    yield from _inside(recipe.outputs, lines="", sure=False)


def _conditions(step: Step) -> tuple[Any, ...]:
    until = step.poll.until if step.poll is not None else None
    return step.when, step.for_each, step.item_key, step.once_per, step.expect, step.verify, until


def _inside(tree: Any, *, lines: str, sure: bool) -> Found:
    if isinstance(tree, Expression | Template):
        sure = sure and not (isinstance(tree, Template) and tree.blocks is not None)
        yield from ((expression, lines, sure) for _, expression in tree.placed)
    elif isinstance(tree, Each):
        yield tree.items, lines, sure
        text = tree.items.text.strip()
        line = tree.name if text.startswith("row.lines") else lines
        yield from _inside(tree.value, lines=line, sure=sure and text == "row.lines")
    elif isinstance(tree, Mapping | list | tuple):
        for part in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _inside(part, lines=lines, sure=sure)
