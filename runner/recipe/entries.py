"""The fields that a recipe reads of entries from a company's own files, once these have been read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from runner.problems import Problem, nearest
from runner.recipe.load import Loaded
from runner.template import Node


def check_entries(loaded: Loaded, fields: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """A problem for each field that the file of a lookup does not have. `fields` are the columns of each file."""
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
    """The lookups of which a field is read by its name, each with that field."""
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
