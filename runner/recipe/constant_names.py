"""Searches that an empty cell does not stop: a constant takes its place, and all such rows find one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runner.problems import Problem
from runner.recipe.model import Recipe, Step
from runner.source import Source, TreePath
from runner.template import Expression, Node, Template, Tree, is_blank, path_of, paths_of


class _Named(NamedTuple):
    """A value of the row that a search looks for: where it is written, and the constant that may stand for it."""

    path: TreePath
    offset: int
    node: Node
    instead: Node | None


def check_constant_names(
    places: Sequence[tuple[Source, TreePath]], recipe: Recipe
) -> Iterator[Problem]:
    """Warn of each search for one object all of whose names may be constants: those of the rows without a cell."""
    for (source, place_of), step in zip(places, recipe.steps, strict=True):
        found = list(_names_of(step))
        if not found or any(each.instead is None for each in found):
            continue
        for path, offset, node, instead in found:
            assert instead is not None  # noqa: S101 - asked above
            read = next(
                ".".join(map(str, each)) for each in paths_of(node) if _is_of_the_row(each, step)
            )
            yield source.problem(
                source.within((*place_of, *path), offset + instead.offset, instead.length),
                f"every row without {read} finds the object that is called {instead.value!r}",
                "constant-name",
                remedy=f"leave the constant out, and skip the step where there is none: when: {read} is not none",
                severity="warning",
            )


def _names_of(step: Step) -> Iterator[_Named]:
    """Yield the values of the row by which a step searches for one object."""
    if step.unless_found is not None:
        for name, tree in step.unless_found.arguments.items():
            yield from _in_tree(tree, ("unless_found", "with", name), step)
        yield from _in_where(step.unless_found.where, ("unless_found", "where"), step)
    elif step.single and not step.once:
        for name, tree in step.arguments.items():
            yield from _in_tree(tree, ("with", name), step)
        yield from _in_where(step.where, ("where",), step)


def _in_tree(tree: Tree, path: TreePath, step: Step) -> Iterator[_Named]:
    if isinstance(tree, Template):
        for offset, each in tree.placed:
            if any(_is_of_the_row(read, step) for read in paths_of(each.tree)):
                yield _Named(path, offset, each.tree, _instead(each.tree, step))


def _in_where(where: Expression | None, path: TreePath, step: Step) -> Iterator[_Named]:
    compared = (
        [each for each in where.tree.walk() if each.kind == "compare"] if where is not None else []
    )
    for node in compared:
        for side in node.parts:
            paths = paths_of(side)
            if any(read[0] == "row" for read in paths) and ("item",) not in paths:
                yield _Named(path, 0, side, _instead(side, step))


def _is_of_the_row(path: Sequence[str | int], step: Step) -> bool:
    return len(path) > 1 and path[0] in ("row", step.item_name)


def _instead(node: Node, step: Step) -> Node | None:
    """Return the constant that a value gives in place of a cell that is empty: `row.ref | default('PO')`."""
    for each in node.walk():
        is_default = each.kind == "filter" and each.value in ("default", "d")
        if not (is_default or each.kind == "or") or len(each.parts) < 2:
            continue
        other = each.parts[1]
        reads = _is_of_the_row(path_of(each.parts[0]), step)
        if reads and other.kind == "literal" and not is_blank(other.value):
            return other
    return None
