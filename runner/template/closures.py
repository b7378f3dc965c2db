"""A checked syntax tree as functions: every part of an expression becomes one that takes a scope and gives its value.

    row.price * 2     ->  multiply(read(row, price), constant(2)), each of them called with the scope

What does not depend on the scope is looked up once, when the functions are made: which operator it is, which filter,
which key. They are made at the first evaluation, so that checking a recipe costs only its parsing. Of Jinja only the
parser has a part in this: none of its code is run on values but for its tests of what is undefined.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from jinja2 import StrictUndefined, nodes

from runner.template.choosing import CHOOSING, Compile, chosen_by
from runner.template.environment import CONCAT
from runner.template.filters import FILTERS, applied, bound
from runner.template.methods import METHODS
from runner.template.operations import (
    arithmetic,
    cut,
    member,
    negative,
    numbers_of,
    positive,
    side_by_side,
)
from runner.template.tests import decided
from runner.template.values import Compute, EvaluationError, Lazy, Scope
from runner.template.work import spend

_OPERATORS: Mapping[type[nodes.BinExpr], str] = {
    nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%",
}  # fmt: skip


def _contains(needle: Any, among: Any) -> bool:
    """Return whether a value is in a list, a mapping or a text. Raises UndefinedError for what is not there.

    An empty list would not compare it, and answer.
    """
    if isinstance(needle, StrictUndefined):
        bool(needle)
    if isinstance(among, list):
        spend(len(among))
    return needle in among


_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lteq": operator.le, "gt": operator.gt,
    "gteq": operator.ge, "in": _contains, "notin": lambda a, b: not _contains(a, b),
}  # fmt: skip
_ABSENT: Final = object()


class Inner(NamedTuple):
    """Expressions inside of expressions: how they are compiled, and the filters that take one, and a scope for it."""

    compile: Compile
    filters: Mapping[str, Callable[[str], Callable[[Scope, Any], Any]]]


def compute_of(node: nodes.Node, inner: Inner) -> Compute:
    """The function of a checked node."""

    def of(part: nodes.Node) -> Compute:
        return compute_of(part, inner)

    if isinstance(node, nodes.Name):
        return _name(node.name)
    if isinstance(node, nodes.Const):
        return _constant(node.value)
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return _member(node, of)
    if isinstance(node, nodes.Test):
        return _tested(node, of)
    if isinstance(node, nodes.Filter):
        return _named(node, of, inner) if node.name in CHOOSING else _any_filter(node, of, inner)
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
        return _operation(node, of)
    if isinstance(node, nodes.Compare):
        return _compared(node, of)
    if isinstance(node, nodes.CondExpr):
        return _chosen(node, of)
    if isinstance(node, nodes.Call):
        return _called(node, of)
    if isinstance(node, nodes.List):
        items = [of(item) for item in node.items]
        return lambda scope: [item(scope) for item in items]
    assert isinstance(node, nodes.Dict)  # noqa: S101 - nothing else is let through by the checker
    pairs = [(pair.key.as_const(), of(pair.value)) for pair in node.items]
    return lambda scope: {key: value(scope) for key, value in pairs}


def _constant(value: Any) -> Compute:
    return lambda scope: value  # noqa: ARG005 - the same in every scope


def _name(name: str) -> Compute:
    def read(scope: Scope) -> Any:
        value = scope.get(name, _ABSENT)
        if type(value) is Lazy:
            return value.value()
        return StrictUndefined(name=name) if value is _ABSENT else value

    return read


def _member(node: nodes.Getattr | nodes.Getitem, of: Callable[[nodes.Node], Compute]) -> Compute:
    owner = of(node.node)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        ends = (node.arg.start, node.arg.stop, node.arg.step)
        parts = [of(end) if end is not None else _constant(None) for end in ends]
        return lambda scope: cut(owner(scope), *[part(scope) for part in parts])
    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
        by = of(node.arg)
        return lambda scope: member(owner(scope), by(scope))
    key = node.attr if isinstance(node, nodes.Getattr) else node.arg.as_const()
    lone = lone_key(node)
    if lone is None:
        return lambda scope: member(owner(scope), key)
    name, inside = lone

    def read(scope: Scope) -> Any:
        try:
            return scope[name][inside]
        except (KeyError, TypeError):  # there is none: what is said about it, or undefined
            return member(owner(scope), key)

    return read


def lone_key(node: nodes.Node) -> tuple[str, str] | None:
    """The name and the key of an expression that is nothing but `row.email`: most are."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return node.node.name, node.attr
    return None


def _tested(node: nodes.Test, of: Callable[[nodes.Node], Compute]) -> Compute:
    name, value = node.name, of(node.node)
    given = [of(argument) for argument in (*node.args, *(pair.value for pair in node.kwargs))]
    return lambda scope: decided(name, value(scope), [one(scope) for one in given])


def _called(node: nodes.Call, of: Callable[[nodes.Node], Compute]) -> Compute:
    """A method of a value, or `range`."""
    given = [of(argument) for argument in node.args]
    if isinstance(node.node, nodes.Name):
        return lambda scope: numbers_of([argument(scope) for argument in given])
    assert isinstance(node.node, nodes.Getattr)  # noqa: S101 - the checker lets nothing else through
    spec, value = METHODS[node.node.attr], of(node.node.node)
    named = [(str(pair.key), of(pair.value)) for pair in node.kwargs]
    places = [(None, argument) for argument in given]
    return lambda scope: applied(
        spec, value(scope), [(key, argument(scope)) for key, argument in (*places, *named)]
    )


def _filtered(node: nodes.Filter, of: Callable[[nodes.Node], Compute]) -> Compute:
    """A filter, with what it is given beside the value; where that is always the same, it is bound to it once."""
    assert node.node is not None  # noqa: S101 - a filter without a value is part of blocks only
    if node.name == CONCAT:
        assert isinstance(node.node, nodes.List)  # noqa: S101 - the checker has made it so
        return side_by_side([_text_or_compute(part, of) for part in node.node.items])
    name, value = node.name, of(node.node)
    given = [(None, argument) for argument in node.args] + [
        (str(pair.key), pair.value) for pair in node.kwargs
    ]
    if all(isinstance(argument, nodes.Const) for _, argument in given):
        constant = [(key, argument.as_const()) for key, argument in given]
        try:
            apply = bound(FILTERS[name], constant)
        except EvaluationError:  # an argument that it does not take, of which the evaluation tells
            return lambda scope: applied(FILTERS[name], value(scope), constant)
        if name == "decimal" and isinstance(
            node.node, nodes.Const
        ):  # 1.50: a number with a point, read once
            with suppress(EvaluationError):
                return _constant(apply(node.node.value))
        return lambda scope: apply(value(scope))
    computed = [(key, of(argument)) for key, argument in given]
    spec = FILTERS[name]
    return lambda scope: applied(
        spec, value(scope), [(key, argument(scope)) for key, argument in computed]
    )


def _text_or_compute(node: nodes.Node, of: Callable[[nodes.Node], Compute]) -> str | Compute:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else of(node)


def _any_filter(node: nodes.Filter, of: Callable[[nodes.Node], Compute], inner: Inner) -> Compute:
    if node.name in inner.filters:
        return _filter_of_each(node, of, inner.filters[node.name])
    return _filtered(node, of)


def _filter_of_each(
    node: nodes.Filter,
    of: Callable[[nodes.Node], Compute],
    make: Callable[[str], Callable[..., Any]],
) -> Compute:
    assert node.node is not None  # noqa: S101 - a filter without a value is part of blocks only
    value, apply = of(node.node), make(node.args[0].as_const())
    return lambda scope: apply(scope, value(scope))


def _named(node: nodes.Filter, of: Callable[[nodes.Node], Compute], inner: Inner) -> Compute:
    """A filter that chooses elements, which says of those that it has chosen by nothing that it has."""
    compute, chosen = _any_filter(node, of, inner), chosen_by(node, of, inner.compile)
    return lambda scope: chosen(scope, compute(scope))


def _operation(
    node: nodes.BinExpr | nodes.UnaryExpr, of: Callable[[nodes.Node], Compute]
) -> Compute:
    if isinstance(node, nodes.UnaryExpr):
        value = of(node.node)
        if isinstance(node, nodes.Not):
            return lambda scope: not value(scope)
        sign = negative if isinstance(node, nodes.Neg) else positive
        return lambda scope: sign(value(scope))
    left, right = of(node.left), of(node.right)
    if isinstance(node, nodes.And):
        return lambda scope: left(scope) and right(scope)
    if isinstance(node, nodes.Or):
        return lambda scope: left(scope) or right(scope)
    return arithmetic(_OPERATORS[type(node)], left, right)


def _compared(node: nodes.Compare, of: Callable[[nodes.Node], Compute]) -> Compute:
    first = of(node.expr)
    rest = [(_COMPARED[operand.op], of(operand.expr)) for operand in node.ops]
    if len(rest) == 1:
        ((compare, second),) = rest
        return lambda scope: compare(first(scope), second(scope))

    def chained(scope: Scope) -> Any:
        """As in Python: `a < b < c` is `a < b and b < c`, and what follows a comparison that fails is not looked at."""
        left, found = first(scope), None
        for compare, part in rest:
            if found is not None and not found:
                return found
            right = part(scope)
            found = compare(left, right)
            left = right
        return found

    return chained


def _chosen(node: nodes.CondExpr, of: Callable[[nodes.Node], Compute]) -> Compute:
    assert node.expr2 is not None  # noqa: S101 - the checker asks for an `else`
    test, one, other = of(node.test), of(node.expr1), of(node.expr2)
    return lambda scope: one(scope) if test(scope) else other(scope)
