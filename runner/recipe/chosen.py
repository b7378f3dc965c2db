"""List reads that are used as one object, by `expect` or `found | one`, or go into a request.

A filter that is left out for want of a value would make such a read find anybody's object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.recipe.model import Include, Recipe, Step
from runner.template import Each, Expression, Node, Template, path_of

if TYPE_CHECKING:
    from runner.catalogue import Catalogue

_KEEP = frozenset(
    {"default", "list", "map", "only", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique"}
)  # fmt: skip
"""Filters that give elements of the list that they are given, or something of each."""

_TAKE = frozenset({"first", "last", "max", "min", "one"})
_COUNT = frozenset({"count", "length"})

Lets = Mapping[str, Expression]


def single_steps(recipe: Recipe, catalogue: Catalogue) -> tuple[Step, ...]:
    """Return the steps of a recipe; those that read a list, of which one element is taken, say so."""
    lists = {
        step.id
        for step in recipe.steps
        if (operation := catalogue.operation(step.operation)).effect == "read" and operation.items
    }
    writes = {
        each.id for each in recipe.steps if catalogue.operation(each.operation).effect != "read"
    }
    taken = {each for used in _uses(recipe, writes) for each in used.taken() if each in lists}
    return tuple(
        step._replace(single=step.id in taken or (step.id in lists and step.expect in ("one", "first")))
        for step in recipe.steps
    )  # fmt: skip


class _Used:
    """A part of a recipe, the include it stands in, what `let` names there, and the step that `result` is of.

    `sent` is what goes into requests: for each element of a list there, or with something that is made of it.
    """

    def __init__(
        self, tree: Any, inside: Include | None, let: Lets, own: str = "", *, sent: Sequence[Any] = ()
    ) -> None:  # fmt: skip
        self._tree, self._let, self._own, self._sent = tree, let, own, sent
        self._start = f"{inside.id}." if inside is not None else ""

    def taken(self) -> Iterator[str]:
        """Yield the ids of what the part takes one element of, or sends anything of but how many there are."""
        for node in _trees(self._sent):
            yield from self._read(node, self._let)
        for expression in _expressions(self._tree):
            for node in expression.tree.walk():
                if _takes_one(node):
                    yield from self._lists(node.parts[0], self._let)
                elif node.kind == "compare" and "==" in node.value and _has_one(node):
                    for part in node.parts:
                        if part.kind == "filter" and part.value in _COUNT:
                            yield from self._lists(part.parts[0], self._let)

    def _lists(self, node: Node, let: Lets) -> Iterator[str]:
        """Yield the ids of what may be the list that a node is, or was before it was filtered."""
        path = path_of(node)
        if len(path) == 1 and path[0] in let:
            name = str(path[0])
            others = {each: value for each, value in let.items() if each != name}
            yield from self._lists(let[name].tree, others)
        elif path:
            yield self._own if path == ("result",) else self._start + ".".join(map(str, path))
        elif node.kind == "slice" or (node.kind == "each" and node.value == "where"):
            yield from self._lists(node.parts[0], let)
        elif _joins(node):
            for part in node.parts:
                yield from self._lists(part, let)

    def _read(self, node: Node, let: Lets) -> Iterator[str]:
        """Yield the ids of what a value is made of, but for what is only counted or asked about."""
        path = path_of(node)
        if len(path) == 1 and path[0] in let:
            name = str(path[0])
            others = {each: value for each, value in let.items() if each != name}
            yield from self._read(let[name].tree, others)
        elif path:
            yield self._start + ".".join(map(str, path))
        else:
            for part in _made_of(node):
                yield from self._read(part, let)


def _made_of(node: Node) -> Sequence[Node]:
    """Return the parts of a node whose values are in its own; a condition and a number of elements are not."""
    if node.kind in ("not", "test", "compare") or (node.kind == "filter" and node.value in _COUNT):
        return ()
    if node.kind in ("and", "choose"):
        return node.parts[1:]
    if node.kind == "if":  # condition, block, condition, block ... and the block of `else`
        return [part for part in node.parts if part.kind == "block"]
    return node.parts


def _joins(node: Node) -> bool:
    """Return whether a node has elements of any of its parts."""
    if node.kind in ("filter", "operation"):
        return node.value in _KEEP or node.value == "+"
    return node.kind in ("and", "or", "choose")


def _takes_one(node: Node) -> bool:
    """Return whether a node is one element of the list that its first part is."""
    if node.kind == "member":
        return not isinstance(node.value, str)
    if node.kind == "slice":
        return node.parts[2].kind == "literal" and node.parts[2].value == 1
    return node.kind == "filter" and node.value in _TAKE


def _has_one(node: Node) -> bool:
    return any(part.kind == "literal" and part.value == 1 for part in node.parts)


def _uses(recipe: Recipe, writes: Collection[str]) -> Iterator[_Used]:
    includes: dict[str, Include] = {}
    for step in recipe.steps:
        around = step.inside.chain if step.inside is not None else ()
        includes |= {each.id: each for each in around}
        let = {**(step.inside.let if step.inside is not None else recipe.let), **step.let}
        search = step.unless_found
        update = (
            search.update.arguments if search is not None and search.update is not None else None
        )
        parts = [
            step.arguments, step.when, step.for_each, step.item_key, step.once_per, step.expect, step.verify,
            step.where, step.poll.until if step.poll is not None else None, let, update,
            *((search.arguments, search.where) if search is not None else ()),
        ]  # fmt: skip
        sent: list[Any] = [step.arguments, update] if writes else []
        if step.id in writes:
            sent.append(step.for_each)
        yield _Used(parts, step.inside, let, step.id, sent=sent)
    for include in includes.values():
        above = include.around.let if include.around is not None else recipe.let
        yield _Used([include.arguments, include.when], include.around, above)
    yield _Used([recipe.let, recipe.outputs], None, recipe.let)


def _trees(tree: Any) -> Iterator[Node]:
    """Yield the syntax trees of all expressions in a part of a recipe, with the statements of its templates."""
    if isinstance(tree, Template) and tree.blocks is not None:
        yield tree.blocks
    elif isinstance(tree, Expression | Template):
        yield from (expression.tree for _, expression in tree.placed)
    elif isinstance(tree, Each):
        yield from _trees([tree.items, tree.value])
    elif isinstance(tree, Mapping):
        yield from _trees(list(tree.values()))
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from _trees(part)


def _expressions(tree: Any) -> Iterator[Expression]:
    if isinstance(tree, Expression | Template):
        yield from (expression for _, expression in tree.placed)
    elif isinstance(tree, Each):
        yield tree.items
        yield from _expressions(tree.value)
    elif isinstance(tree, Mapping):
        for part in tree.values():
            yield from _expressions(part)
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from _expressions(part)
