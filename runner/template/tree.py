"""The syntax of a checked expression as plain values, each part with its place: for whoever judges it unevaluated.

The parser's own nodes know lines only. It is given the offsets of the tokens in their place, so that each node tells
where in the text it begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from jinja2 import nodes

from runner.template.filters import FILTERS
from runner.template.methods import METHODS
from runner.template.registry import assigned
from runner.template.tokens import Token

_BINARY = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
}
_COMPARED = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in",
}  # fmt: skip
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}


class Node(NamedTuple):
    """A part of an expression. `kind` says which, `value` what it is called, and `parts` what it is made of:

        literal     the value
        name        the name
        member      `a.b`, `a['b']`, `a[0]`: the key where it is written out, else None; parts: what it is of, the key
        operation   `+ - * / // %`, `~`, or the sign of a number: the operator; parts: the operands
        compare     the operators, in their order; parts: the operands
        and, or     parts: both sides
        not         part: what is denied
        choose      `a if b else c`; parts: the condition, the one, the other
        list        parts: the elements
        object      the keys; parts: the values
        slice       `a[1:3]`; parts: what it is of, start, stop and step, null where they are left out
        filter      the name; parts: what is filtered, then the arguments, `names` the parameters that take them
        call        a method: its name; parts: what it is of, then the arguments, `names` as of a filter
        range       parts: the arguments
        each        `total` and `where`: the name; parts: the list, then the expression for each of its elements
        test        the name; parts: what is tested, then the arguments

    Statements of a template with blocks:

        text        the text; no parts
        show        part: the expression whose value is put into the text
        set         the name; part: the expression. Of `{% set x %}...{% endset %}`: a block
        for         the names of the target; parts: the list, the condition or null, the block, the block of `else`
        if          parts: condition, block, condition, block ... and the block of `else`, where there is one
        block       parts: the statements

        `offset` and `length` say where it stands in the text of the whole expression.
    """

    kind: str
    offset: int
    length: int
    value: Any = None
    parts: tuple[Node, ...] = ()
    names: tuple[str, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def moved(self, by: int) -> Node:
        """The same node, seen from a text that starts elsewhere."""
        return self._replace(
            offset=self.offset + by, parts=tuple(part.moved(by) for part in self.parts)
        )

    def placed(self, offset: int, length: int) -> Node:
        """The same node, all of it at one place."""
        return self._replace(
            offset=offset, length=length, parts=tuple(p.placed(offset, length) for p in self.parts)
        )


class TreeBuilder:
    """Turns checked syntax trees into Nodes. `inner` gives the tree of an expression inside `total` and `where`."""

    def __init__(
        self, tokens: Sequence[Token], *, inner: Any, concat: str, each: Sequence[str]
    ) -> None:
        self._tokens = [token for token in tokens if token.kind != "whitespace"]
        self._offsets = [token.offset for token in self._tokens]
        self._at = {offset: index for index, offset in enumerate(self._offsets)}
        self._inner, self._concat, self._each = inner, concat, each

    def build(self, node: nodes.Node) -> Node:
        """The Node of a checked syntax tree."""
        if isinstance(node, nodes.Const | nodes.TemplateData | nodes.Name):
            return self._leaf(node)
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            return self._member(node)
        if isinstance(node, nodes.Filter | nodes.Test):
            return self._named(node)
        if isinstance(node, nodes.Call):
            return self._call(node)
        if isinstance(node, nodes.Compare):
            operands = [
                self.build(part) for part in (node.expr, *(operand.expr for operand in node.ops))
            ]
            return self._over(
                "compare", operands, tuple(_COMPARED[operand.op] for operand in node.ops)
            )
        if isinstance(node, nodes.CondExpr):
            return self._over(
                "choose", [self.build(part) for part in (node.test, node.expr1, node.expr2) if part]
            )
        if isinstance(node, nodes.List):
            return self._over("list", [self.build(item) for item in node.items], at=node)
        if isinstance(node, nodes.Dict):
            keys = tuple(pair.key.as_const() for pair in node.items)
            return self._over(
                "object", [self.build(pair.value) for pair in node.items], keys, at=node
            )
        return self._operation(node)

    def _operation(self, node: nodes.Node) -> Node:
        if isinstance(node, nodes.And | nodes.Or):
            kind = "and" if isinstance(node, nodes.And) else "or"
            return self._over(kind, [self.build(node.left), self.build(node.right)])
        if isinstance(node, nodes.BinExpr):
            return self._over(
                "operation", [self.build(node.left), self.build(node.right)], _BINARY[type(node)]
            )
        if isinstance(node, nodes.Not):
            return self._over("not", [self.build(node.node)], at=node)
        assert isinstance(node, nodes.UnaryExpr)  # noqa: S101 - nothing else is let through by the checker
        return self._over("operation", [self.build(node.node)], node.operator)

    def _leaf(self, node: nodes.Const | nodes.TemplateData | nodes.Name) -> Node:
        offset, length = self._span(node.lineno - 1)
        if isinstance(node, nodes.Name):
            return Node(kind="name", offset=offset, length=length, value=node.name)
        value = node.value if isinstance(node, nodes.Const) else node.data
        return Node(kind="literal", offset=offset, length=length, value=value)

    def _member(self, node: nodes.Getattr | nodes.Getitem) -> Node:
        of = self.build(node.node)
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            ends = (node.arg.start, node.arg.stop, node.arg.step)
            empty = Node("literal", of.offset, of.length)
            parts = [self.build(end) if end is not None else empty for end in ends]
            return self._over("slice", [of, *parts], at=node)
        if isinstance(node, nodes.Getattr):
            offset, length = self._span(node.lineno - 1, after=1)
            key = Node(kind="literal", offset=offset, length=length, value=node.attr)
        else:
            key = self.build(node.arg)
        known = key.value if key.kind == "literal" and isinstance(key.value, int | str) else None
        return self._over("member", [of, key], known)

    def _call(self, node: nodes.Call) -> Node:
        arguments = [
            self.build(part) for part in (*node.args, *(keyword.value for keyword in node.kwargs))
        ]
        if isinstance(node.node, nodes.Name):
            start = self.build(node.node)
            found = self._over("range", [start, *arguments], at=node)
            return found._replace(parts=tuple(arguments))
        assert isinstance(node.node, nodes.Getattr)  # noqa: S101 - the checker lets nothing else through
        of, name = self.build(node.node.node), node.node.attr
        takers = assigned(METHODS[name].parameters, len(node.args), _keywords(node))
        found = self._over("call", [of, *arguments], name, at=node)
        return found._replace(names=tuple(each.name for each in takers or ()))

    def _named(self, node: nodes.Filter | nodes.Test) -> Node:
        assert node.node is not None  # noqa: S101 - a filter without a value is part of blocks only
        if node.name == self._concat:
            assert isinstance(node.node, nodes.List)  # noqa: S101 - the checker has made it so
            return self._over("operation", [self.build(part) for part in node.node.items], "~")
        of = self.build(node.node)
        index = self._at.get(node.lineno - 1, 0)
        if (
            isinstance(node, nodes.Filter)
            and node.name == "decimal"
            and self._tokens[index].kind == "float"
        ):
            return of._replace(value=Decimal(of.value))
        arguments = [
            self.build(part) for part in (*node.args, *(keyword.value for keyword in node.kwargs))
        ]
        kind = "filter" if isinstance(node, nodes.Filter) else "test"
        if node.name in self._each and kind == "filter":
            kind, arguments = "each", [self._expression(arguments[0])]
        # A filter's name is the first token; that of a test stands behind `is`, or behind `is not`.
        name = 0
        if not isinstance(node, nodes.Filter):
            name = 2 if self._tokens[index + 1].text == "not" else 1
        found = self._over(kind, [of, *arguments], node.name, at=node, after=name)
        if kind != "filter":
            return found
        takers = assigned(FILTERS[node.name].parameters, len(node.args), _keywords(node))
        return found._replace(names=tuple(each.name for each in takers or ()))

    def _expression(self, text: Node) -> Node:
        """The expression that a text inside `total` or `where` is; all at one place where the text has escapes."""
        tree: Node = self._inner(text.value)
        written = self._tokens[self._at[text.offset]].text
        exact = written[1:-1] == text.value
        return tree.moved(text.offset + 1) if exact else tree.placed(text.offset, text.length)

    def _over(
        self,
        kind: str,
        parts: list[Node],
        value: Any = None,
        *,
        at: nodes.Node | None = None,
        after: int = 0,
    ) -> Node:
        """A node over its parts, and over the token that stands `after` the one of `at`, brackets included."""
        spans = [(part.offset, part.length) for part in parts]
        if at is not None:
            spans.append(self._span(at.lineno - 1, after=after))
        start, end = self._closed(
            min(at for at, _ in spans), max(at + length for at, length in spans)
        )
        return Node(kind=kind, offset=start, length=end - start, value=value, parts=tuple(parts))

    def _closed(self, start: int, end: int) -> tuple[int, int]:
        """A stretch of text with the brackets that it lacks on either side."""
        depth = lowest = 0
        first, last = bisect_left(self._offsets, start), bisect_left(self._offsets, end)
        for token in self._tokens[first:last]:
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            lowest = min(lowest, depth)
        missing = depth - lowest
        while lowest < 0 < first:
            first -= 1
            if self._tokens[first].text in _OPENING:
                lowest, start = lowest + 1, self._offsets[first]
        while missing > 0 and last < len(self._tokens):
            if self._tokens[last].text in _CLOSING:
                missing, end = missing - 1, self._offsets[last] + 1
            last += 1
        return start, end

    def _span(self, offset: int, *, after: int = 0) -> tuple[int, int]:
        """Where the token at `offset` stands, or the one `after` it."""
        token = self._tokens[min(self._at.get(offset, 0) + after, len(self._tokens) - 1)]
        return token.offset, len(token.text)


def _keywords(node: nodes.Filter | nodes.Test | nodes.Call) -> list[str]:
    return [str(keyword.key) for keyword in node.kwargs]


def paths_of(node: Node) -> Mapping[tuple[str | int, ...], Node]:
    """The names that a node reads, each with the members that follow it: `row.lines[0].qty` is one path."""
    found: dict[tuple[str | int, ...], Node] = {}
    for each in node.walk():
        path = path_of(each)
        if path:
            found.setdefault(path, each)
    return found


def path_of(node: Node) -> tuple[str | int, ...]:
    """The name and members that a node is, as one path; empty where it is anything else."""
    if node.kind == "name":
        return (node.value,)
    before = path_of(node.parts[0]) if node.kind == "member" and node.value is not None else ()
    return (*before, node.value) if before else ()
