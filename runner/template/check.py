"""What an expression may be made of: its syntax tree, checked against a short list before anything is compiled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from jinja2 import nodes

from runner.problems import nearest
from runner.template.environment import CONCAT, ENVIRONMENT
from runner.template.filters import FILTERS, USAGE, accepts
from runner.template.syntax import WORDS, Reference, TemplateError, Token, literal, named
from runner.template.tree import Node

MAX_DEPTH = 40
EXPRESSION_FILTERS = ("total", "where")
"""Filters whose argument is an expression that is evaluated for each element."""

_ALLOWED = (
    nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Const, nodes.TemplateData,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Test, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
    nodes.Neg, nodes.Pos,
)  # fmt: skip
_REFUSED: dict[type[nodes.Node], tuple[str, str, str]] = {
    nodes.Call: ("functions cannot be called here", "(", "use a filter, as in row.name | upper"),
    nodes.Pow: ("'**' is not allowed", "**", "multiply: a * a"),
    nodes.Slice: (
        "slices are not allowed",
        ":",
        "take one element, as in [0]; or use | first, | last",
    ),
}
_NO_NAMES = {"self", "super", *WORDS}  # Jinja gives the first two meanings of its own


class Inner(Protocol):
    """A compiled expression, as far as it matters to the one it stands in."""

    @property
    def references(self) -> tuple[Reference, ...]: ...

    @property
    def tree(self) -> Node: ...


class Checker:
    """Checks a syntax tree, and rewrites `~` to a filter, tuples to lists and exact numbers to what makes them."""

    def __init__(
        self,
        tokens: list[Token],
        text: str,
        *,
        numbers: Mapping[str, str],
        compile_inner: Callable[[str], Inner],
    ) -> None:
        self._tokens, self._text, self._numbers, self._compile_inner = (
            tokens,
            text,
            numbers,
            compile_inner,
        )
        self.references: list[Reference] = []
        """What the expressions inside `total` and `where` read, seen from this text."""
        self._uses: dict[str, int] = {}

    def check(self, node: Any, depth: int = 0) -> Any:
        """The tree to compile. Raises TemplateError."""
        if depth > MAX_DEPTH:
            raise self._error("nested too deeply")
        if not isinstance(node, _ALLOWED):
            otherwise = f"{type(node).__name__.lower()} is not allowed here", "", ""
            message, culprit, remedy = _REFUSED.get(type(node), otherwise)
            raise self._error(message, culprit, remedy=remedy)
        if isinstance(node, nodes.Name) and node.name in self._numbers:
            digits = nodes.Const(self._numbers[node.name], lineno=node.lineno)
            return nodes.Filter(
                digits, "decimal", [], [], None, None, lineno=node.lineno, environment=ENVIRONMENT
            )
        self._check_shape(node)
        for name, value in list(node.iter_fields()):
            if isinstance(value, nodes.Node):
                setattr(node, name, self.check(value, depth + 1))
            elif isinstance(value, list):
                setattr(
                    node,
                    name,
                    [self.check(v, depth + 1) if isinstance(v, nodes.Node) else v for v in value],
                )
        if isinstance(node, nodes.Filter | nodes.Test):  # after what stands before it in the text
            self._check_named(node)
        if isinstance(node, nodes.Concat):
            parts = nodes.List(node.nodes, lineno=node.lineno)
            return nodes.Filter(
                parts, CONCAT, [], [], None, None, lineno=node.lineno, environment=ENVIRONMENT
            )
        return nodes.List(node.items, lineno=node.lineno) if isinstance(node, nodes.Tuple) else node

    def _check_shape(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.CondExpr) and node.expr2 is None:
            remedy = "say what it is otherwise: a if b else c"
            raise self._error("'if' needs an 'else'", "if", remedy=remedy)
        if isinstance(node, nodes.Name) and node.name in _NO_NAMES:
            raise self._error(f"{node.name!r} cannot be used as a name", node.name)
        if isinstance(node, nodes.Pair) and not (
            isinstance(node.key, nodes.Const) and isinstance(node.key.value, str)
        ):
            raise self._error(
                "the keys of an object are texts", "{", remedy="quote them: {'key': value}"
            )
        if isinstance(node, nodes.Filter | nodes.Test) and (node.dyn_args or node.dyn_kwargs):
            mark = "*" if node.dyn_args else "**"
            raise self._error(f"'{mark}' is not allowed here", mark)

    def _check_named(self, node: nodes.Filter | nodes.Test) -> None:
        noun = "filter" if isinstance(node, nodes.Filter) else "test"
        known = [*FILTERS, *EXPRESSION_FILTERS] if noun == "filter" else ENVIRONMENT.tests
        at = self._place(node.name, noun)
        if node.name not in known:
            remedy = nearest(node.name, known, noun=f"{noun}s")
            raise TemplateError(
                f"there is no {noun} {node.name!r}", offset=at, length=len(node.name), remedy=remedy
            )
        if noun == "filter" and node.name in EXPRESSION_FILTERS:
            self._check_inner(node, at)
        elif noun == "filter" and not accepts(
            node.name, node.args, [str(keyword.key) for keyword in node.kwargs]
        ):
            usage = USAGE.get(node.name, "")
            message = (
                f"{node.name} is not given what it needs"
                if usage
                else f"{node.name} takes nothing in brackets"
            )
            remedy = f"write it so: {usage or node.name}"
            raise TemplateError(message, offset=at, length=len(node.name), remedy=remedy)

    def _check_inner(self, node: nodes.Filter | nodes.Test, at: int) -> None:
        argument = node.args[0] if len(node.args) == 1 and not node.kwargs else None
        if not isinstance(argument, nodes.Const) or not isinstance(argument.value, str):
            message = f"{node.name} takes one expression as a text: {node.name}('item.price')"
            raise TemplateError(message, offset=at, length=len(node.name))
        token = next(t for t in self._tokens if t.offset > at and t.kind == "string")
        exact = literal(token.text) == token.text[1:-1] == argument.value
        try:
            inner = self._compile_inner(argument.value)
        except TemplateError as error:
            raise (error.moved(token.offset + 1) if exact else _over(token, error)) from None
        if any(part.kind == "each" for part in inner.tree.walk()):
            message = f"total and where cannot stand inside {node.name}"  # nested loops: lines x lines x ...
            raise TemplateError(message, offset=token.offset, length=len(token.text))
        for reference in inner.references:
            if reference.root != "item":
                moved = reference.moved(token.offset + 1)
                whole = Reference(moved.root, moved.path, token.offset, len(token.text))
                self.references.append(moved if exact else whole)

    def _place(self, name: str, noun: str) -> int:
        """Where the next use of a filter or test stands; they are checked in the order of the text."""
        found = named(self._tokens, name, noun)
        use = self._uses.get(f"{noun} {name}", 0)
        self._uses[f"{noun} {name}"] = use + 1
        return found[min(use, len(found) - 1)].offset if found else 0

    def _error(self, message: str, culprit: str = "", *, remedy: str = "") -> TemplateError:
        token = next((t for t in self._tokens if t.text == culprit), None)
        if culprit == "(":  # the bracket of a call follows what is called
            solid = [t for t in self._tokens if t.kind != "whitespace"]
            called = (b for a, b in itertools.pairwise(solid) if b.text == "(" and _callable(a))
            token = next(called, token)
        if token is None:
            lead = len(self._text) - len(self._text.lstrip())
            return TemplateError(
                message, offset=lead, length=len(self._text.strip()), remedy=remedy
            )
        return TemplateError(message, offset=token.offset, length=len(token.text), remedy=remedy)


def _callable(token: Token) -> bool:
    return (
        (token.kind == "name" and token.text not in WORDS)
        or token.text in (")", "]")
        or token.kind == "string"
    )


def _over(token: Token, error: TemplateError) -> TemplateError:
    return TemplateError(
        error.message, offset=token.offset, length=len(token.text), remedy=error.remedy
    )
