"""Filters that choose elements by a value beside them: of what one that is none has chosen, nothing is taken.

orders | selectattr('reference', 'eq', row.ref)       of an empty cell: Nameless
orders | where('item.reference == row.ref')           the same
... | where('item.client == row.client')              behind one of these, or in front: named all the same
row.lines | where('item.size == row.size')            of the row's own there is nothing that is not meant
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from jinja2 import UndefinedError, nodes

from runner.template.environment import CONCAT
from runner.template.lists import attribute_of
from runner.template.naming import Naming, nothing_named
from runner.template.values import (
    Compute,
    EvaluationError,
    Lazy,
    Nameless,
    Scope,
    Undecided,
    is_blank,
)

if TYPE_CHECKING:
    from runner.template.blocks import Expressed

Of = Callable[[nodes.Node], Compute]
Compile = Callable[[str], "Expressed"]
"""Compiles the expression inside a `where`."""

Verdict = Callable[[Scope, Sequence[Any]], bool | None]
"""Whether elements are chosen by a value beside them, or by one that is none; None where it compares with neither."""

_BEFORE_ARGUMENTS: Final = {"select": 1, "reject": 1, "selectattr": 2, "rejectattr": 2}
"""Filters that ask a test, and how many arguments stand in front of those of the test."""

CHOOSING: Final = frozenset({"where", *_BEFORE_ARGUMENTS})


def chosen_by(node: nodes.Filter, of: Of, compile_: Compile) -> Callable[[Scope, Any], Any]:
    """The list that a filter has chosen, Nameless where what it compares with is none."""
    verdict = _verdict(node, of, compile_)
    said = node.args[0].as_const() if node.name == "where" else node.name
    values = ", ".join(dict.fromkeys(_written(each) for each in _compared_with(node)))

    def chosen(scope: Scope, found: Any) -> Any:
        if not isinstance(found, list) or not found or verdict is None:
            return found
        named = verdict(scope, found)
        if named:
            return list(found) if type(found) is Nameless else found
        if named is None or is_own(node, scope) or _named_before(node.node, scope, of, compile_):
            return found
        return Nameless(found, nothing_named(said, values))

    return chosen


def nothing_of(node: nodes.Node, of: Of) -> Callable[[Scope], bool]:
    """Whether an expression comes to nothing; of what puts a text together, each value that it reads."""
    parts = _put_together(node)
    if parts:
        each = [nothing_of(part, of) for part in parts if _reads(part)]
        return lambda scope: bool(each) and all(nothing(scope) for nothing in each)
    value = of(node)

    def nothing(scope: Scope) -> bool:
        source = _source(node, scope)
        if source is not None:
            expression, behind = source
            return bool(expression.references) and expression.comes_to_nothing(behind)
        try:
            return is_blank(value(scope))
        except (
            EvaluationError,
            Undecided,
            UndefinedError,
            TypeError,
        ):  # as the expression itself is going to say
            return False  # fmt: skip

    return nothing


def _put_together(node: nodes.Node) -> Sequence[nodes.Node]:
    if isinstance(node, nodes.Filter) and node.name == CONCAT and isinstance(node.node, nodes.List):
        return node.node.items
    return (node.left, node.right) if isinstance(node, nodes.Add) else ()


def is_own(
    node: nodes.Node | None, scope: Scope, *, own: Collection[str] = frozenset({"row"})
) -> bool:
    """Tell whether all elements of a list are those of the row, which has the names `own`."""
    return all(root in own for root in _roots(node, scope))


def _roots(node: nodes.Node | None, scope: Scope) -> Iterator[str]:
    """The names that a list comes from; an empty one where that is none."""
    source = _source(node, scope)
    if source is not None:
        yield from _roots(source[0].node, source[1])
    elif isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.Filter | nodes.Getattr | nodes.Getitem | nodes.Call):
        yield from _roots(node.node, scope)
    elif isinstance(node, nodes.BinExpr):
        yield from chain(_roots(node.left, scope), _roots(node.right, scope))
    else:
        yield ""


def _named_before(node: nodes.Node | None, scope: Scope, of: Of, compile_: Compile) -> bool:
    """Tell whether a filter in front of another, or in what `let` names, has chosen by a value that is there."""
    source = _source(node, scope)
    if source is not None:
        return _named_before(source[0].node, source[1], of, compile_)
    if isinstance(node, nodes.Filter) and node.name in CHOOSING:
        verdict = _verdict(node, of, compile_)
        if verdict is not None and verdict(scope, ()):
            return True
    if isinstance(node, nodes.Filter | nodes.Getitem | nodes.Getattr | nodes.Call):
        return _named_before(node.node, scope, of, compile_)
    return False


def _source(node: nodes.Node | None, scope: Scope) -> tuple[Expressed, Scope] | None:
    """The expression that `let` gives a name to, and the scope that it is evaluated in."""
    named = scope.get(node.name) if isinstance(node, nodes.Name) else None
    source = named.source if type(named) is Lazy else None
    return source if isinstance(source, tuple) else None


def _verdict(node: nodes.Filter, of: Of, compile_: Compile) -> Verdict | None:
    if node.name == "where":
        return _verdict_of_where(compile_(node.args[0].as_const()))
    compared = [(of(each), nothing_of(each, of)) for each in _compared_with(node)]
    if not compared:
        return None
    asked = node.args[0] if _BEFORE_ARGUMENTS[node.name] == 2 else None
    attribute = of(asked) if asked is not None else None

    def verdict(scope: Scope, found: Sequence[Any]) -> bool:
        def is_blank_one(element: Any) -> bool:
            of_it = attribute_of(element, attribute(scope), node.name) if attribute else element
            return is_blank(of_it)

        for value, nothing in compared:
            if not nothing(scope):
                continue
            several = value(scope)
            if not isinstance(several, list | tuple) or all(map(is_blank, several)):
                return False
            if any(map(is_blank_one, found)):
                return False
        return True

    return verdict


def _verdict_of_where(condition: Expressed) -> Verdict | None:
    if all(each.root == "item" for each in condition.references):
        return None
    return lambda scope, _: Naming(condition, scope, search=False).names()


def _compared_with(node: nodes.Filter) -> Sequence[nodes.Expr]:
    """The arguments that a filter compares with, but for those that are written out."""
    given = node.args[_BEFORE_ARGUMENTS[node.name] :] if node.name != "where" else ()
    return [each for each in given if _reads(each)]


def _reads(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) or node.find(nodes.Name) is not None


def _written(node: nodes.Node) -> str:
    """The names that an expression reads, as they are written: row.ref."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_written(node.node)}.{node.attr}"
    return ", ".join(dict.fromkeys(filter(None, map(_written, node.iter_child_nodes()))))
