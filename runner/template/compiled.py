"""Expressions and templates: checked when they are compiled, made functions when they are first evaluated.

What is allowed: names, attributes and items, literals, arithmetic on numbers, `+` and `~` on texts, comparisons,
`and or not in`, `a if b else c`, tests and the filters of filters.py. There are no calls, no blocks, no power, no
floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import UndefinedError, nodes
from jinja2.runtime import Undefined

from runner.template.check import EXPRESSION_FILTERS
from runner.template.closures import Compute, Scope, compute_of, lone_key
from runner.template.filters import summed
from runner.template.operations import concat
from runner.template.parse import parse_expression
from runner.template.syntax import Reference, TemplateError, Token, tokens_of
from runner.template.tree import Node
from runner.template.values import EvaluationError, Undecided, Unknown, kind, to_text, type_error

Tree = Any
"""A tree of data with templates at its leaves: scalars, Template, Each, lists and mappings of trees."""


def _each(name: str, expression: str) -> Callable[[Scope, Any], list[tuple[Any, Any]]]:
    """Every element of a list with the value of `expression`, which sees it as `item`."""
    evaluate = compile_expression(expression).evaluate

    def pairs(scope: Scope, value: Any) -> list[tuple[Any, Any]]:
        if isinstance(value, Undefined):
            str(value)  # raises, with the name that is undefined
        if not isinstance(value, list | tuple):
            raise EvaluationError(f"{name} needs a list, not {kind(value)}")
        inside, found = dict(scope), []
        for element in value:
            inside["item"] = element
            found.append((element, evaluate(inside)))
        return found

    return pairs


def _total(expression: str) -> Callable[[Scope, Any], Any]:
    pairs = _each("total", expression)

    def total(scope: Scope, value: Any) -> Any:
        return value if isinstance(value, Unknown) else summed([one for _, one in pairs(scope, value)], "total")

    return total


def _where(expression: str) -> Callable[[Scope, Any], Any]:
    pairs = _each("where", expression)

    def where(scope: Scope, value: Any) -> Any:
        return value if isinstance(value, Unknown) else [element for element, keep in pairs(scope, value) if keep]

    return where


_EACH = dict(zip(EXPRESSION_FILTERS, (_total, _where), strict=True))


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
        whole = self._guarded(compute_of(self.node, _EACH))
        lone = lone_key(self.node)
        if lone is None:
            return whole
        name, key = lone

        def read(scope: Scope) -> Any:
            try:
                return scope[name][key]
            except (KeyError, TypeError, EvaluationError):
                return whole(scope)

        return read

    def _guarded(self, compute: Compute) -> Compute:
        """A function with whatever it raises in the words of people, and nothing undefined in its value."""
        builds = _builds(self.node)

        def evaluate(scope: Scope) -> Any:
            try:
                value = compute(scope)
                if builds or isinstance(value, Undefined):
                    _defined(value, deep=builds)
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

        return evaluate

    @property
    def _shown(self) -> str:
        text = self.text.strip()
        return text if len(text) <= 100 else f"{text[:97]}..."


def _builds(node: nodes.Expr) -> bool:
    """Whether it makes lists or objects of its own, where something undefined could hide."""
    inside = node.find(nodes.List) or node.find(nodes.Dict)
    return inside is not None or isinstance(node, nodes.List | nodes.Dict)


def _defined(value: Any, *, deep: bool) -> None:
    if isinstance(value, Undefined):
        str(value)  # raises, with the name that is undefined
    if deep and isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            _defined(part, deep=True)


@dataclass(frozen=True)
class Template:
    """Text with expressions. `lone`: it is one expression and nothing else, whose type is kept."""

    text: str
    parts: tuple[str | Expression, ...]
    references: tuple[Reference, ...]

    @property
    def lone(self) -> bool:
        return len(self.parts) == 1

    @cached_property
    def only(self) -> Expression | None:
        """The expression that is all there is; None where text stands beside it."""
        return self.parts[0] if self.lone and isinstance(self.parts[0], Expression) else None

    @property
    def placed(self) -> tuple[tuple[int, Expression], ...]:
        """The expressions of the text, each with its offset in it."""
        found: list[tuple[int, Expression]] = []
        at = 0
        for part in self.parts:
            if isinstance(part, Expression):
                found.append((at + 2, part))
            at += len(part) if isinstance(part, str) else len(part.text) + 4  # the brackets
        return tuple(found)

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value, or the text; Unknown where a part is. Raises EvaluationError."""
        if self.only is not None:
            return self.only.evaluate(scope)
        return concat([part if isinstance(part, str) else _as_text(part, scope) for part in self.parts])


def _as_text(part: Expression, scope: Mapping[str, Any]) -> str | Unknown:
    """What an expression reads like inside text. Raises EvaluationError that names it."""
    value = part.evaluate(scope)
    if type(value) is str:
        return value
    try:
        return value if isinstance(value, Unknown) else to_text(value)
    except EvaluationError as error:
        raise EvaluationError(f"{part.text.strip()[:100]}: {error}") from None


def compile_expression(text: str) -> Expression:
    """A bare expression, checked. Raises TemplateError."""
    return _compile_expression(str(text))


@lru_cache(maxsize=4096)
def _compile_expression(text: str) -> Expression:
    marks = [text.find(mark) for mark in ("{{", "{%", "{#") if mark in text]
    if marks:
        raise TemplateError("this is an expression already", offset=min(marks), length=2, remedy="drop the brackets")
    if not text.strip():
        raise TemplateError("the expression is empty", remedy="write one or leave the key out")
    try:
        tokens = tokens_of("{{ " + text + " }}")
        if next(token for token in tokens if token.kind == "variable_end") is not tokens[-1]:
            raise TemplateError("unexpected '}}'", offset=3 + text.find("}}"), length=2)
    except TemplateError as error:
        raise error.moved(-3) from None
    return _expression([token.moved(-3) for token in tokens[1:-1]], text, base=0)


def compile_template(text: str) -> Template | str:
    """A template, checked; the text itself where it holds no expression. Raises TemplateError."""
    return _compile_template(str(text)) if any(mark in text for mark in ("{{", "{%", "{#")) else text


@lru_cache(maxsize=4096)
def _compile_template(text: str) -> Template:
    parts: list[str | Expression] = []
    references: list[Reference] = []
    inside: list[Token] = []
    for token in tokens_of(text):
        if token.kind == "data":
            parts.append(token.text)
        elif token.kind == "variable_begin":
            inside = []
        elif token.kind == "variable_end":
            start = inside[0].offset if inside else token.offset
            expression = _expression([t.moved(-start) for t in inside], text[start : token.offset], base=start)
            parts.append(expression)
            references.extend(r.moved(start) for r in expression.references)
        else:
            inside.append(token)
    return Template(text, tuple(parts), tuple(references))


@dataclass(frozen=True)
class Each:
    """A list that is made from another: `value`, a tree, once for each `item` of `items`."""

    items: Expression
    value: Tree

    def render(self, scope: Mapping[str, Any]) -> list[Any]:
        """The list. Of one that is not known yet a single element stands for all. Raises EvaluationError."""
        found = self.items.evaluate(scope)
        if isinstance(found, Unknown):
            found = [Unknown(f"each of {found.origin}")]
        if not isinstance(found, list | tuple):
            raise EvaluationError(f"{self.items.text}: for_each needs a list, not {kind(found)}")
        value = self._value
        return [value({**scope, "item": item}) for item in found]

    @cached_property
    def _value(self) -> Compute:
        return renderer(self.value)


def renderer(tree: Tree) -> Compute:
    """From a scope to the tree with every template rendered in it: for trees that are rendered more than once."""
    if isinstance(tree, Template):
        return tree.only.evaluate if tree.only is not None else tree.render
    if isinstance(tree, Each):
        return tree.render
    if isinstance(tree, dict):
        members = [(key, renderer(value)) for key, value in tree.items()]
        return lambda scope: {key: value(scope) for key, value in members}
    if isinstance(tree, list):
        elements = [renderer(value) for value in tree]
        return lambda scope: [element(scope) for element in elements]
    return lambda scope: tree  # noqa: ARG005 - the same in every scope


def render(tree: Tree, scope: Mapping[str, Any]) -> Any:
    """The tree with every template rendered in `scope`. Raises EvaluationError."""
    return renderer(tree)(scope)


def _expression(tokens: list[Token], text: str, *, base: int) -> Expression:
    return Expression(text, *parse_expression(tokens, text, base=base, inner=compile_expression))
