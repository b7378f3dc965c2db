"""Expressions and templates, checked and compiled; the only module besides its neighbours that knows Jinja.

What is allowed: names, attributes and items, literals, arithmetic on numbers, `+` and `~` on texts, comparisons,
`and or not in`, `a if b else c`, tests and the filters of filters.py. There are no calls, no blocks, no power, no
floats. Compilation to code happens at the first evaluation, so that checking a recipe costs only its parsing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from jinja2 import TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.runtime import Context, Undefined

from runner.template.check import EXPRESSION_FILTERS, Checker
from runner.template.environment import CONCAT, ENVIRONMENT, concat
from runner.template.filters import summed
from runner.template.syntax import (
    Reference,
    TemplateError,
    Token,
    exact_numbers,
    references_of,
    syntax_message,
    tokens_of,
    unexpected,
)
from runner.template.tree import Node, TreeBuilder
from runner.template.values import EvaluationError, Undecided, Unknown, kind, to_text, type_error

Tree = Any
"""A tree of data with templates at its leaves: scalars, Template, Each, lists and mappings of trees."""

_ABSENT: Final = object()

_COMPILING = threading.Lock()
"""Jinja rewrites a syntax tree while it compiles it: one thread at a time."""


def _each(context: Context, value: Any, expression: str, name: str) -> list[tuple[Any, Any]]:
    """Every element of a list with the value of `expression`, which sees it as `item`."""
    if isinstance(value, Undefined):
        str(value)  # raises, with the name that is undefined
    if not isinstance(value, list | tuple):
        raise EvaluationError(f"{name} needs a list, not {kind(value)}")
    evaluate = compile_expression(expression).evaluate
    scope = dict(context.get_all())
    found = []
    for element in value:
        scope["item"] = element
        found.append((element, evaluate(scope)))
    return found


@pass_context
def _total(context: Context, value: Any, expression: str) -> Any:
    if isinstance(value, Unknown):
        return value
    return summed([result for _, result in _each(context, value, expression, "total")], "total")


@pass_context
def _where(context: Context, value: Any, expression: str) -> Any:
    if isinstance(value, Unknown):
        return value
    return [element for element, keep in _each(context, value, expression, "where") if keep]


ENVIRONMENT.filters |= dict(zip(EXPRESSION_FILTERS, (_total, _where), strict=True))


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
    def _compiled(self) -> Callable[[Context], Iterator[str]]:
        body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), self.node, lineno=1)]
        with _COMPILING:
            return ENVIRONMENT.from_string(nodes.Template(body, lineno=1)).root_render_func

    @cached_property
    def _lone(self) -> tuple[str, tuple[str, ...]] | None:
        """The name and the keys of an expression that is nothing but `row.email`: most are, and need no Jinja."""
        keys: list[str] = []
        node: nodes.Node = self.node
        while isinstance(node, nodes.Getattr):
            keys.append(node.attr)
            node = node.node
        return (node.name, tuple(reversed(keys))) if isinstance(node, nodes.Name) else None

    def _read(self, name: str, keys: tuple[str, ...], scope: Mapping[str, Any]) -> Any:
        """The value of a lone name; absent where it is for Jinja to say what is wrong."""
        value = scope.get(name, _ABSENT)
        for key in keys:
            if isinstance(value, dict) and key in value:
                value = value[key]
            else:
                value = value.child(key) if isinstance(value, Unknown) else _ABSENT
        return value

    def _value(self, scope: Mapping[str, Any]) -> Any:
        context = Context(ENVIRONMENT, dict(scope), None, {})
        for _ in self._compiled(context):
            pass
        return context.vars["result"]

    @property
    def _shown(self) -> str:
        text = self.text.strip()
        return text if len(text) <= 100 else f"{text[:97]}..."

    @cached_property
    def _builds(self) -> bool:
        """Whether it makes lists or objects of its own, where something undefined could hide."""
        inside = self.node.find(nodes.List) or self.node.find(nodes.Dict)
        return inside is not None or isinstance(self.node, nodes.List | nodes.Dict)

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value in `scope`; Unknown where it needs one. Raises EvaluationError."""
        try:
            if self._lone is not None and (found := self._read(*self._lone, scope)) is not _ABSENT:
                return found
            value = self._value(scope)
            _defined(value, deep=self._builds)
        except Undecided as undecided:
            return Unknown(undecided.origin)
        except (UndefinedError, SecurityError) as error:
            message = (error.message or "").replace("is undefined", "is not known here")
            raise EvaluationError(f"{self._shown}: {message}") from None
        except EvaluationError as error:
            raise EvaluationError(f"{self._shown}: {error}") from None
        except TypeError as error:
            raise EvaluationError(f"{self._shown}: {type_error(error)}") from None
        return value


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
    def _only(self) -> Expression | None:
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
        if self._only is not None:
            return self._only.evaluate(scope)
        return concat([part if isinstance(part, str) else _as_text(part, scope) for part in self.parts])


def _as_text(part: Expression, scope: Mapping[str, Any]) -> str | Unknown:
    """What an expression reads like inside text. Raises EvaluationError that names it."""
    value = part.evaluate(scope)
    try:
        return value if isinstance(value, Unknown) else to_text(value)
    except EvaluationError as error:
        raise EvaluationError(f"{part.text.strip()[:100]}: {error}") from None


def _inner_tree(text: str) -> Node:
    return compile_expression(text).tree


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
    return _expression([token.moved(-3) for token in tokens[1:-1]], text)


def compile_template(text: str) -> Template | str:
    """A template, checked; the text itself where it holds no expression. Raises TemplateError."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
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
        return [render(self.value, {**scope, "item": item}) for item in found]


def render(tree: Tree, scope: Mapping[str, Any]) -> Any:
    """The tree with every template rendered in `scope`. Raises EvaluationError."""
    is_a = type(tree)
    if is_a is Template or is_a is Each:
        return tree.render(scope)
    if is_a is dict:
        return {key: render(value, scope) for key, value in tree.items()}
    return [render(value, scope) for value in tree] if isinstance(tree, list) else tree


def _expression(tokens: list[Token], text: str, *, base: int = 0) -> Expression:
    """Parse and check one expression whose tokens are known. `base` is its offset in the surrounding text."""
    lead = len(text) - len(text.lstrip())
    try:
        parsed, numbers = exact_numbers(tokens)
        node = _parse(parsed, tokens, text)
        checker = Checker(tokens, text, numbers=numbers, compile_inner=compile_expression)
        checked = checker.check(node)
    except TemplateError as error:
        raise error.moved(base) from None
    except RecursionError:
        raise TemplateError("nested too deeply", offset=base + lead) from None
    # The tree comes before any evaluation: Jinja folds constants into the nodes when it compiles them.
    tree = TreeBuilder(tokens, inner=_inner_tree, concat=CONCAT, each=EXPRESSION_FILTERS).build(checked)
    return Expression(text, (*references_of(tokens), *checker.references), checked, tree)


def _parse(parsed: list[Token], tokens: list[Token], text: str) -> nodes.Expr:
    parser = _parser(parsed, tokens, text)
    try:
        node = parser.parse_expression()
    except TemplateSyntaxError as error:
        taken = error.message == "expected name or number"  # Jinja has read over what it complains of
        culprit = _current(parser, tokens, back=int(taken))
        if culprit is None:  # it ends too early: the whole of it is shown
            lead = len(text) - len(text.lstrip())
            raise TemplateError(syntax_message(error), offset=lead, length=len(text.strip()) or 1) from None
        remedy = unexpected(culprit.text, offset=0).remedy
        if culprit.text == "|" and not text[: culprit.offset].endswith("|"):
            remedy = ""
        if culprit.text == "}" and text.lstrip().startswith("{"):
            remedy = "one pair of brackets is enough"
        message, length = syntax_message(error), len(culprit.text)
        raise TemplateError(message, offset=culprit.offset, length=length, remedy=remedy) from None
    culprit = _current(parser, tokens)
    if culprit is not None:
        raise unexpected(culprit.text, offset=culprit.offset)
    return node


def _parser(parsed: list[Token], tokens: list[Token], text: str) -> Parser:
    """A parser of tokens that have offsets (from 1) for their lines, which the nodes made of them then have."""
    parser = Parser(ENVIRONMENT, "", state="variable")
    try:
        placed = list(ENVIRONMENT.lexer.wrap((token.offset + 1, token.kind, token.text) for token in parsed))
    except TemplateSyntaxError as error:  # a character that no name has, or an escape that means nothing
        odd = next((token for token in tokens if token.kind == "name" and not token.text.isidentifier()), None)
        whole = Token(len(text) - len(text.lstrip()), "", text.strip())
        offset, _, culprit = odd or whole
        raise TemplateError(syntax_message(error), offset=offset, length=len(culprit)) from None
    parser.stream = TokenStream(placed, None, None)
    return parser


def _current(parser: Parser, tokens: list[Token], *, back: int = 0) -> Token | None:
    """The token of the text that the parser stands at, or stood at before; None at the end."""
    left = back
    while not parser.stream.eos:
        left += 1
        next(parser.stream)
    solid = [token for token in tokens if token.kind != "whitespace"]
    return solid[-left] if left else None
