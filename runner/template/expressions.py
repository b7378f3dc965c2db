"""Expressions and templates: checked when they are compiled, made functions when they are first evaluated.

What is allowed: names, attributes, items and slices, literals, arithmetic on numbers, `+` and `~` on texts,
comparisons, `and or not in`, `a if b else c`, tests, filters, the methods of an allow-list, and the blocks if, for
and set.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import UndefinedError, nodes
from jinja2.runtime import Undefined

from runner.template.blocks import Show, Statement, parse_statements, tree_of
from runner.template.check import EXPRESSION_FILTERS
from runner.template.choosing import nothing_of
from runner.template.closures import Inner, compute_of, lone_key
from runner.template.filters import PLAIN, summed
from runner.template.operations import side_by_side
from runner.template.parse import parse_expression
from runner.template.refused import side_by_side_of
from runner.template.tokens import Reference, TemplateError, Token, tokens_of
from runner.template.tree import Node
from runner.template.values import (
    Compute,
    EvaluationError,
    Nameless,
    Scope,
    Undecided,
    Unknown,
    kind,
    takeable,
    to_text,
    type_error,
)
from runner.template.work import begin, end, spend
from runner.template.writing import writer

EACH_WORK = 5
"""The work of an expression for one element, in elements that a filter goes through."""


def _each(name: str, expression: str) -> Callable[[Scope, Any], list[Any]]:
    """The value of `expression` for every element of a list, which it sees as `item`."""
    evaluate = compile_expression(expression).evaluate

    def values(scope: Scope, value: Any) -> list[Any]:
        if isinstance(value, Undefined):
            str(value)  # raises, with the name that is undefined
        if name != "where":
            takeable(value)
        if not isinstance(value, list | tuple):
            raise EvaluationError(f"{name} needs a list, not {kind(value)}")
        inside, found, mine = dict(scope), [], begin()
        try:
            spend(len(value) * EACH_WORK)
            for element in value:
                inside["item"] = element
                found.append(evaluate(inside))
        finally:
            if mine:
                end()
        return found

    return values


def _total(expression: str) -> Callable[[Scope, Any], Any]:
    values = _each("total", expression)

    def total(scope: Scope, value: Any) -> Any:
        return value if isinstance(value, Unknown) else summed(values(scope, value), "total")

    return total


def _where(expression: str) -> Callable[[Scope, Any], Any]:
    values = _each("where", expression)

    def where(scope: Scope, value: Any) -> Any:
        if isinstance(value, Unknown):
            return value
        found = list(itertools.compress(value, values(scope, value)))
        return Nameless(found, value.why) if isinstance(value, Nameless) else found

    return where


_INNER = Inner(
    lambda text: compile_expression(text),
    dict(zip(EXPRESSION_FILTERS, (_total, _where), strict=True)),
)


@dataclass(frozen=True)
class Expression:
    """A checked expression. `references` are the names it reads, in the order of its text; `tree` is its syntax."""

    text: str
    references: tuple[Reference, ...]
    node: nodes.Expr = field(repr=False, compare=False)
    tree: Node = field(repr=False, compare=False)

    @property
    def placed(self) -> tuple[tuple[int, Expression], ...]:
        """The expressions of the text, which is one, by their offsets."""
        return ((0, self),)

    @cached_property
    def evaluate(self) -> Compute:
        """From a scope to the value; Unknown where it needs one. Raises EvaluationError."""
        whole = self._guarded(compute_of(self.node, _INNER))
        if self.lone_key is None:
            return whole
        name, key = self.lone_key

        def read(scope: Scope) -> Any:
            try:
                return scope[name][key]
            except (KeyError, TypeError, EvaluationError):
                return whole(scope)

        return read

    @cached_property
    def lone_key(self) -> tuple[str, str] | None:
        """The name and the key of an expression that is nothing but `row.email`: most are."""
        return lone_key(self.node)

    def _guarded(self, compute: Compute) -> Compute:
        """A function with whatever it raises in the words of people, and nothing undefined in its value."""
        builds = _builds(self.node)
        settled = PLAIN - {dict, list} if builds else PLAIN

        def evaluate(scope: Scope) -> Any:
            try:
                value = compute(scope)
                if type(value) not in settled:
                    _parts(value, {}) if builds else _defined(value)
            except Undecided as undecided:
                return Unknown(undecided.origin)
            except UndefinedError as error:
                message = (error.message or "").replace("is undefined", "is not known here")
                raise EvaluationError(f"{self._shown}: {message}") from None
            except EvaluationError as error:
                raise EvaluationError(f"{self._shown}: {error}") from None
            except TypeError as error:
                raise EvaluationError(f"{self._shown}: {type_error(error)}") from None
            return value

        def bounded(scope: Scope) -> Any:
            mine = begin()
            try:
                return evaluate(scope)
            finally:
                if mine:
                    end()

        return bounded if _works(self.node) else evaluate

    @cached_property
    def conditions(self) -> tuple[Compute, ...]:
        """The sides that `and` joins, each as a function of its own; the expression itself where there is no `and`."""
        found, left = list[Compute](), [self.node]
        while left:
            node = left.pop()
            if isinstance(node, nodes.And):
                left += [node.right, node.left]
            else:
                found.append(self._guarded(compute_of(node, _INNER)))
        return tuple(found)

    def compared(self, scope: Scope) -> tuple[Any, ...]:
        """The values that the comparison which makes it false has compared, but for those that are written out.

        It is the expression itself, or one of those that `and` joins; of any other there are none.
        Raises EvaluationError.
        """
        node = self.node
        while isinstance(node, nodes.And):
            node = node.right if self._guarded(compute_of(node.left, _INNER))(scope) else node.left
        if not isinstance(node, nodes.Compare):
            return ()
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        return tuple(
            self._guarded(compute_of(side, _INNER))(scope)
            for side in sides
            if not isinstance(side, nodes.Const)
        )

    @cached_property
    def comes_to_nothing(self) -> Callable[[Scope], bool]:
        """From a scope to whether the value is none; of a text that is put together, each value that is in it."""
        return nothing_of(self.node, lambda node: compute_of(node, _INNER))

    def part(self, node: Node) -> Expression:
        """The expression that a part of its syntax is."""
        return compile_expression(self.text[node.offset : node.offset + node.length])

    @property
    def _shown(self) -> str:
        text = self.text.strip()
        return text if len(text) <= 100 else f"{text[:97]}..."


def _builds(node: nodes.Expr) -> bool:
    """Whether it makes lists or objects, where something undefined could hide or the same stand more than once."""
    inside = node.find(nodes.List) or node.find(nodes.Dict)
    if inside is not None or isinstance(node, nodes.List | nodes.Dict):
        return True
    return any(each.name in _HOLDING for each in _filters(node))


_HOLDING = frozenset({"batch", "slice", "zip", "default", "d", "map", "groupby"})
"""The filters whose result can hold a value more often than what they are given does."""

MOST_PARTS = 1_000_000
"""Values that a list or an object may stand for, with all that it holds."""


def _filters(node: nodes.Expr) -> list[nodes.Filter]:
    """The filters of an expression."""
    return [*([node] if isinstance(node, nodes.Filter) else []), *node.find_all(nodes.Filter)]


def _works(node: nodes.Expr) -> bool:
    """Whether what it does may be more than its text: it calls something, be it a filter or `range`."""
    calls = isinstance(node, nodes.Call) or node.find(nodes.Call) is not None
    return calls or any(each.name != "decimal" for each in _filters(node))


def _defined(value: Any) -> None:
    if isinstance(value, Undefined):
        str(value)  # raises, with the name that is undefined


def _parts(value: Any, known: dict[int, int]) -> int:
    """The number of values that one stands for, each looked at once. Raises what an undefined one raises.

    `known` has those of the lists and objects that were looked at.
    """
    _defined(value)
    if not isinstance(value, list | dict):
        return 1
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_parts(part, known) for part in parts)
        if known[id(value)] > MOST_PARTS:
            raise EvaluationError(f"it stands for more than {MOST_PARTS:,} values")
    return known[id(value)]


@dataclass(frozen=True)
class Template:
    """Text with expressions. `lone`: it is one expression and nothing else, whose type is kept."""

    text: str
    parts: tuple[Statement, ...]
    references: tuple[Reference, ...]
    placed: tuple[tuple[int, Expression], ...] = ()
    """The expressions of the text, each with its offset in it."""

    @property
    def blocks(self) -> Node | None:
        """The statements of a template that has blocks, as a Node; None where it has none."""
        if all(isinstance(part, str | Show) for part in self.parts):
            return None
        return tree_of(self.parts)

    @property
    def lone(self) -> bool:
        return len(self.parts) == 1 and isinstance(self.parts[0], Show)

    @property
    def lone_key(self) -> tuple[str, str] | None:
        """The name and the key where that is all there is, as in `{{ row.email }}`."""
        return self.placed[0][1].lone_key if self.lone else None

    @cached_property
    def render(self) -> Compute:
        """From a scope to the value, or the text; Unknown where a part is. Raises EvaluationError."""
        if self.lone:
            expression = self.placed[0][1]
            if expression.lone_key:
                return expression.evaluate
            return lambda scope: takeable(expression.evaluate(scope))
        plain = [part for part in self.parts if isinstance(part, str | Show)]
        if len(plain) < len(self.parts):
            return writer(self.parts)
        return side_by_side(
            [part if isinstance(part, str) else part.expression.evaluate for part in plain],
            self._read,
        )

    def _read(self, index: int, value: Any) -> str | Unknown:
        """What the value of a part reads like inside text. Raises EvaluationError that names it."""
        try:
            return value if isinstance(value, Unknown) else to_text(value)
        except EvaluationError as error:
            part = self.parts[index]
            assert isinstance(part, Show)  # noqa: S101 - texts are no values
            raise EvaluationError(f"{part.expression.text.strip()[:100]}: {error}") from None


def compile_expression(text: str) -> Expression:
    """A bare expression, checked. Raises TemplateError."""
    return _compile_expression(str(text))


@lru_cache(maxsize=4096)
def _compile_expression(text: str) -> Expression:
    marks = [text.find(mark) for mark in ("{{", "{%", "{#") if mark in text]
    if marks:
        raise _as_template(text, min(marks))
    if not text.strip():
        raise TemplateError("the expression is empty", remedy="write one or leave the key out")
    try:
        tokens = tokens_of("{{ " + text + " }}")
        if next(token for token in tokens if token.kind == "variable_end") is not tokens[-1]:
            raise TemplateError("unexpected '}}'", offset=3 + text.find("}}"), length=2)
    except TemplateError as error:
        raise error.moved(-3) from None
    return _expression([token.moved(-3) for token in tokens[1:-1]], text, base=0)


def _as_template(text: str, at: int) -> TemplateError:
    """The error about an expression that is written as a template, with a bracket at `at`."""
    dollar = text[max(0, at - 1) : at] == "$"
    place = {"offset": at - dollar, "length": 2 + dollar}
    written = side_by_side_of(text)
    if written:
        message = "this is an expression, in which texts stand in quotes"
        return TemplateError(message, **place, remedy=f"put them side by side with ~: {written}")
    remedy = f"drop the brackets{' and the $' if dollar else ''}"
    return TemplateError("this is an expression already", **place, remedy=remedy)


def compile_template(text: str) -> Template | str:
    """A template, checked; the text itself where it holds no expression. Raises TemplateError."""
    marked = any(mark in text for mark in ("{{", "{%", "{#"))
    return _compile_template(str(text)) if marked else text


@lru_cache(maxsize=4096)
def _compile_template(text: str) -> Template:
    parsed = parse_statements(
        tokens_of(text), text, lambda tokens, inside, base: _expression(tokens, inside, base=base)
    )
    placed = tuple((at, each) for at, each in parsed.placed if isinstance(each, Expression))
    return Template(text, parsed.statements, parsed.references, placed)


def _expression(tokens: list[Token], text: str, *, base: int) -> Expression:
    return Expression(text, *parse_expression(tokens, text, base=base, inner=compile_expression))
