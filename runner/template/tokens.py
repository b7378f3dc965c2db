"""The text of templates: where each token stands, which names are read, and errors with their offset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from jinja2 import TemplateSyntaxError

from runner.template.environment import ENVIRONMENT
from runner.template.refused import sign_instead
from runner.template.values import MAX_DIGITS

MAX_TEXT = 10_000
"""Characters of one template or expression."""

MAX_EXPRESSIONS = 200
"""Expressions in one template."""

WORDS = {
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
}

FUNCTIONS = ("range",)
"""Functions that can be called by name."""


class TemplateError(Exception):
    """A template or expression that cannot be used. `offset` and `length` say where in its text."""

    def __init__(self, message: str, *, offset: int = 0, length: int = 1, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.offset, self.length, self.remedy = message, offset, length, remedy

    def moved(self, by: int) -> TemplateError:
        """The same error, seen from a text that starts elsewhere."""
        offset = max(0, self.offset + by)
        return TemplateError(self.message, offset=offset, length=self.length, remedy=self.remedy)


class Token(NamedTuple):
    """A piece of a template's text: its offset, Jinja's name for its kind, and the text as it stands."""

    offset: int
    kind: str
    text: str

    def moved(self, by: int) -> Token:
        """The same token, seen from a text that starts elsewhere."""
        return self._replace(offset=self.offset + by)


class Reference(NamedTuple):
    """A name that an expression reads: `row.lines[0].qty` is root `row`, path `('lines', 0, 'qty')`."""

    root: str
    path: tuple[str | int, ...]
    offset: int
    length: int

    def moved(self, by: int) -> Reference:
        """The same reference, seen from a text that starts elsewhere."""
        return self._replace(offset=self.offset + by)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a template, without its comments. White space that a sign (`{%-`) takes away is left out."""
    if len(text) > MAX_TEXT:
        raise TemplateError(f"longer than {MAX_TEXT} characters", remedy="split it up")
    for character, name, written in (
        ("\r", "a carriage return", "\\n"),
        ("\0", "a NUL character", "nothing"),
    ):
        if character in text:  # the first would become a line feed
            message = f"{name} is not allowed"
            raise TemplateError(
                message, offset=text.find(character), remedy=f"write {written} in its place"
            )
    tokens: list[Token] = []
    try:
        tokens.extend(_tokens(text))
    except TemplateSyntaxError as error:
        raise _unreadable(text, error) from None
    begun, ended = ([t for t in tokens if t.kind == f"variable_{end}"] for end in ("begin", "end"))
    if len(begun) > MAX_EXPRESSIONS:
        message = f"more than {MAX_EXPRESSIONS} expressions in one text"
        raise TemplateError(
            message, offset=begun[MAX_EXPRESSIONS].offset, length=2, remedy="split it up"
        )
    blocks = sum(token.kind == "block_begin" for token in tokens)
    if blocks > MAX_EXPRESSIONS:
        raise TemplateError(f"more than {MAX_EXPRESSIONS} blocks in one text", remedy="split it up")
    if len(begun) != len(ended):
        raise TemplateError(
            "'{{' is never closed", offset=text.rfind("{{"), length=2, remedy="close it with }}"
        )
    if blocks != sum(token.kind == "block_end" for token in tokens):
        raise TemplateError(
            "'{%' is never closed",
            offset=text.rfind("{%"),
            length=2,
            remedy="close it with %}; for the text: {{ '{%' }}",
        )
    return [token for token in tokens if not token.kind.startswith("comment")]


def _tokens(text: str) -> Iterator[Token]:
    offset = 0
    for _, kind, raw in ENVIRONMENT.lex(text):
        while not text.startswith(
            raw, offset
        ):  # white space that a sign beside the brackets takes away
            offset += 1
        if kind == "raw_begin":
            remedy = "write the text of one: {{ '{{' }}"
            raise TemplateError(
                "'{% raw %}' is not in the language", offset=offset, length=2, remedy=remedy
            )
        yield Token(offset, kind, raw)
        offset += len(raw)


def _unreadable(text: str, error: TemplateSyntaxError) -> TemplateError:
    """What Jinja could not cut into tokens."""
    message = error.message or ""
    if found := re.fullmatch(r"unexpected char (['\"])\\?(.)\1 at (\d+)", message, re.DOTALL):
        character, offset = found.group(2), int(found.group(3))
        if character in "'\"":
            return TemplateError(
                "the quote is never closed", offset=offset, remedy=f"close it with {character}"
            )
        start = max(text.rfind("{{", 0, offset), text.rfind("{%", 0, offset)) + 2
        ends = [at for at in (text.find(mark, offset) for mark in ("}}", "%}")) if at >= 0]
        foreign = sign_instead(text[start : min(ends, default=len(text))])
        if foreign is not None:
            at, length, remedy = foreign
            sign = text[start + at : start + at + length]
            return TemplateError(
                f"unexpected {sign!r}", offset=start + at, length=length, remedy=remedy
            )
        return unexpected(character, offset=offset)
    if message.startswith("Missing end of comment"):
        offset = text.rfind("{#")
        return TemplateError(
            "'{#' is never closed",
            offset=offset,
            length=2,
            remedy="close it with #}; for the text: {{ '{#' }}",
        )
    if message.startswith("Missing end of raw"):
        offset = text.find("raw")
        return TemplateError(
            "'{% raw %}' is not in the language",
            offset=offset,
            length=3,
            remedy="write the text of one: {{ '{{' }}",
        )
    return TemplateError(syntax_message(error), offset=max(0, text.rfind("{{")), length=2)


def unexpected(culprit: str, *, offset: int) -> TemplateError:
    """An error about a sign or word that cannot stand where it stands."""
    return TemplateError(f"unexpected {culprit!r}", offset=offset, length=len(culprit))


def exact_numbers(tokens: Sequence[Token]) -> tuple[list[Token], dict[str, str]]:
    """The tokens of an expression for the parser, which knows floats only: a number with a fraction is a name there.

    The names, with the digits they stand for, come with it.
    """
    prefix = "number_"
    while any(prefix in token.text for token in tokens):
        prefix += "_"
    parts: list[Token] = []
    numbers: dict[str, str] = {}
    solid = _solid(tokens)
    for token in tokens:
        text = token.text
        if token.kind in ("float", "integer"):
            huge = token.kind == "float" and re.search(r"[eE][-+]?[0_]*[1-9](_?[0-9]){3}", text)
            if huge or len(text) > MAX_DIGITS:
                message = f"a number of more than {999 if huge else MAX_DIGITS} digits"
                raise TemplateError(message, offset=token.offset, length=len(text))
        if token.kind == "float":
            if _before(solid, solid.index(token)):
                raise unexpected(text, offset=token.offset)
            name = f"{prefix}{len(numbers)}"
            numbers[name] = f"{Decimal(text.replace('_', '')):f}"
            token = Token(token.offset, "name", name)
        parts.append(token)
    return parts, numbers


def references_of(tokens: Sequence[Token]) -> list[Reference]:
    """The names that an expression reads, with the attributes and literal items that follow each."""
    solid = _solid(tokens)
    found: list[Reference] = []
    for at, token in enumerate(solid):
        after = solid[at + 1].text if at + 1 < len(solid) else ""
        if (
            token.kind == "name"
            and token.text not in WORDS
            and not _before(solid, at)
            and after != "="
            and not (after == "(" and token.text in FUNCTIONS)
        ):
            found.append(Reference(token.text, _path(solid, at + 1), token.offset, len(token.text)))
    return found


def named(tokens: Sequence[Token], name: str, noun: str) -> list[Token]:
    """The tokens at which a filter or test called `name` is used, in the order of the text."""
    solid, mark = _solid(tokens), "|" if noun == "filter" else "is"
    return [
        token for at, token in enumerate(solid) if token.text == name and _before(solid, at) == mark
    ]


def _solid(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind != "whitespace"]


def _before(solid: Sequence[Token], at: int) -> str:
    """What makes the token at `at` an attribute (`.`), a filter (`|`) or a test (`is`); empty where nothing does."""
    before = [token.text for token in solid[max(0, at - 2) : at]]
    if before == ["is", "not"]:
        return "is"
    return before[-1] if before and before[-1] in (".", "|", "is") else ""


def _path(solid: Sequence[Token], at: int) -> tuple[str | int, ...]:
    path: list[str | int] = []
    while at + 1 < len(solid):
        mark, (_, kind, text) = solid[at].text, solid[at + 1]
        if mark == "." and kind in ("name", "integer"):
            path.append(text if kind == "name" else int(text, 0))
            at += 2
        elif (
            mark == "["
            and kind in ("string", "integer")
            and at + 2 < len(solid)
            and solid[at + 2].text == "]"
        ):
            path.append(int(text, 0) if kind == "integer" else literal(text))
            at += 3
        else:
            break
    return tuple(path)


def literal(text: str) -> str:
    """The text that a string token means: Jinja's own rule for escapes, which never warns."""
    return text[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape")


def syntax_message(error: TemplateSyntaxError) -> str:
    """Jinja's complaint in the words of an expression."""
    message = (error.message or "not an expression").rstrip(".")
    message = message.replace("'end of print statement'", "end").replace(
        "end of print statement", "end"
    )
    message = message.replace("'end of statement block'", "end").replace(
        "end of statement block", "end"
    )
    message = message.replace("'end of template'", "end").replace("end of template", "end")
    if message.startswith("unexpected '}', expected '"):
        return f"not a valid expression: {message[-2]!r} is missing"
    if message.startswith("unexpected end"):
        return "not a valid expression: it ends too early"
    return f"not a valid expression: {message}"
