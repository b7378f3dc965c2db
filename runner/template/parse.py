"""The text of one expression as a checked syntax tree; a mistake is told with its place. The parser is Jinja's."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from runner.template.check import EXPRESSION_FILTERS, Checker, Inner
from runner.template.environment import CONCAT, ENVIRONMENT
from runner.template.refused import sign_instead
from runner.template.tokens import (
    Reference,
    TemplateError,
    Token,
    exact_numbers,
    references_of,
    syntax_message,
    unexpected,
)
from runner.template.tree import Node, TreeBuilder


class Parsed(NamedTuple):
    """What an expression is: the names that it reads, in the order of its text, and its syntax.

    `node` is for whoever makes functions of it, `tree` the same with every part's place for whoever judges it.
    """

    references: tuple[Reference, ...]
    node: nodes.Expr
    tree: Node


def parse_expression(
    tokens: list[Token], text: str, *, base: int, inner: Callable[[str], Inner]
) -> Parsed:
    """Parse and check one expression whose tokens are known. `base` is its offset in the surrounding text.

    `inner` compiles the expressions inside `total` and `where`. Raises TemplateError.
    """
    lead = len(text) - len(text.lstrip())
    try:
        parsed, numbers = exact_numbers(tokens)
        node = _parse(parsed, tokens, text)
        checker = Checker(tokens, text, numbers=numbers, compile_inner=inner)
        checked = checker.check(node)
    except TemplateError as error:
        raise error.moved(base) from None
    except RecursionError:
        raise TemplateError("nested too deeply", offset=base + lead) from None
    tree = TreeBuilder(
        tokens, inner=lambda of: inner(of).tree, concat=CONCAT, each=EXPRESSION_FILTERS
    ).build(checked)
    return Parsed((*references_of(tokens), *checker.references), checked, tree)


def _parse(parsed: list[Token], tokens: list[Token], text: str) -> nodes.Expr:
    parser = _parser(parsed, tokens, text)
    try:
        node = parser.parse_expression()
    except TemplateSyntaxError as error:
        _foreign(text)
        taken = (
            error.message == "expected name or number"
        )  # Jinja has read over what it complains of
        culprit = _current(parser, tokens, back=int(taken))
        if culprit is None:  # it ends too early: the whole of it is shown
            lead = len(text) - len(text.lstrip())
            length = len(text.strip())
            remedy = (
                f"something is missing after {text.strip()[-1]!r}"
                if length
                else "write one, as in row.name"
            )
            if "is missing" in syntax_message(error):
                remedy = "close what is open, or take the opening one out"
            raise TemplateError(
                syntax_message(error), offset=lead, length=length or 1, remedy=remedy
            ) from None
        remedy = ""
        if culprit.text == "}" and text.lstrip().startswith("{"):
            remedy = "one pair of brackets is enough"
        message, length = syntax_message(error), len(culprit.text)
        raise TemplateError(message, offset=culprit.offset, length=length, remedy=remedy) from None
    culprit = _current(parser, tokens)
    if culprit is not None:
        _foreign(text)
        raise unexpected(culprit.text, offset=culprit.offset)
    return node


def _foreign(text: str) -> None:
    """Raise what to write in place of a sign or word of another language, where one stands in the expression."""
    found = sign_instead(text)
    if found is not None:
        offset, length, remedy = found
        sign = text[offset : offset + length]
        raise TemplateError(f"unexpected {sign!r}", offset=offset, length=length, remedy=remedy)


def _parser(parsed: list[Token], tokens: list[Token], text: str) -> Parser:
    """A parser of tokens that have offsets (from 1) for their lines, which the nodes made of them then have."""
    parser = Parser(ENVIRONMENT, "", state="variable")
    try:
        placed = list(
            ENVIRONMENT.lexer.wrap((token.offset + 1, token.kind, token.text) for token in parsed)
        )
    except (
        TemplateSyntaxError
    ) as error:  # a character that no name has, or an escape that means nothing
        odd = next(
            (token for token in tokens if token.kind == "name" and not token.text.isidentifier()),
            None,
        )
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
