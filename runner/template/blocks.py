"""Statements of a template: `{% if %}`, `{% for %}` and `{% set %}`, parsed into values.

A template with blocks gives text. The statements are read here; the expressions in them are parsed like any other.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from jinja2 import nodes

from runner.template.refused import REFUSED_BLOCKS
from runner.template.tokens import WORDS, Reference, TemplateError, Token
from runner.template.tree import Node

MAX_DEPTH = 10
"""Blocks within blocks."""

STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset")
_ENDS = {"if": "endif", "for": "endfor", "set": "endset"}
_TAKEN = frozenset({"row", "vars", "run", "result", "loop", "found", *WORDS})


class Expressed(Protocol):
    """A compiled expression, as far as statements need to know it."""

    @property
    def text(self) -> str: ...

    @property
    def references(self) -> tuple[Reference, ...]: ...

    @property
    def tree(self) -> Node: ...

    @property
    def node(self) -> nodes.Expr: ...

    @property
    def evaluate(self) -> Callable[[Any], Any]: ...

    @property
    def comes_to_nothing(self) -> Callable[[Any], bool]: ...

    def part(self, node: Node) -> Expressed:
        """The expression that a part of its syntax is."""


class Show(NamedTuple):
    """`{{ expression }}`, which stands at `offset` of the template."""

    expression: Expressed
    offset: int


class Set(NamedTuple):
    """`{% set name = expression %}`, or a block whose text is the value."""

    name: str
    value: Show | tuple[Statement, ...]


class If(NamedTuple):
    """Conditions, each with what is written where it is the first that holds, and what is written where none does."""

    branches: tuple[tuple[Show, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


class For(NamedTuple):
    """A body once for each element of a list of which `condition` is true; `otherwise` where there is none."""

    names: tuple[str, ...]
    items: Show
    condition: Show | None
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    loops: bool
    """Whether the body reads `loop`."""


Statement = str | Show | Set | If | For
Compile = Callable[[list[Token], str, int], Expressed]
"""Compiles an expression from its tokens, its text and its offset in the template."""


class _Piece(NamedTuple):
    """A piece of a template: text, an expression (`show`) or a block, with the tokens between its brackets."""

    kind: str
    offset: int
    text: str = ""
    tokens: tuple[Token, ...] = ()
    end: int = 0

    @property
    def word(self) -> str:
        """The first word of a block."""
        return self.tokens[0].text if self.tokens else ""


class Parsed(NamedTuple):
    """The statements of a template, its expressions by their offsets, and the names that it reads from its scope."""

    statements: tuple[Statement, ...]
    placed: tuple[tuple[int, Expressed], ...]
    references: tuple[Reference, ...]


def parse_statements(tokens: Sequence[Token], text: str, compile_: Compile) -> Parsed:
    """The statements of a template of these tokens. Raises TemplateError."""
    parser = _Parser(_pieces(tokens), text, compile_)
    statements = parser.statements((), frozenset(), 0)
    return Parsed(statements, tuple(parser.placed), tuple(parser.references))


def _pieces(tokens: Sequence[Token]) -> list[_Piece]:
    found: list[_Piece] = []
    inside: list[Token] = []
    begun = 0
    for token in tokens:
        if token.kind == "data":
            found.append(_Piece("data", token.offset, token.text))
        elif token.kind in ("variable_begin", "block_begin"):
            inside, begun = [], token.offset
        elif token.kind in ("variable_end", "block_end"):
            kind = "show" if token.kind == "variable_end" else "block"
            solid = tuple(each for each in inside if each.kind != "whitespace")
            parts = tuple(inside) if kind == "show" else solid
            found.append(_Piece(kind, begun, tokens=parts, end=token.offset))
        else:
            inside.append(token)
    return found


class _Parser:
    def __init__(self, pieces: list[_Piece], text: str, compile_: Compile) -> None:
        self._pieces, self._text, self._compile = pieces, text, compile_
        self._at = 0
        self.placed: list[tuple[int, Expressed]] = []
        self.references: list[Reference] = []

    def statements(
        self,
        ends: Sequence[str],
        bound: frozenset[str],
        depth: int,
        *,
        opened: _Piece | None = None,
    ) -> tuple[Statement, ...]:
        """The statements up to a block whose word is one of `ends`, which is left to be read."""
        if depth > MAX_DEPTH and opened is not None:
            raise self._error(opened, "blocks are nested too deeply")
        found: list[Statement] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            if piece.kind == "block" and piece.word in ends:
                return tuple(found)
            self._at += 1
            if piece.kind == "data":
                found.append(piece.text)
            elif piece.kind == "show":
                start = piece.tokens[0].offset if piece.tokens else piece.end
                beside = len(self._pieces) > 1
                found.append(self._show(list(piece.tokens), start, piece.end, bound, beside=beside))
            else:
                statement = self._statement(piece, bound, depth, ends)
                bound |= _names_set(statement)
                found.append(statement)
        if opened is not None:
            message = f"'{{% {opened.word} %}}' is never closed"
            raise self._error(opened, message, remedy=f"close it with {{% {_ENDS[opened.word]} %}}")
        return tuple(found)

    def _statement(
        self, piece: _Piece, bound: frozenset[str], depth: int, ends: Sequence[str]
    ) -> Statement:
        if piece.word == "if":
            return self._if(piece, bound, depth)
        if piece.word == "for":
            return self._for(piece, bound, depth)
        if piece.word == "set":
            return self._set(piece, bound, depth)
        raise self._refused(piece, ends)

    def _refused(self, piece: _Piece, ends: Sequence[str]) -> TemplateError:
        word = piece.word
        if word in STATEMENTS:
            closing = next((end for end in ends if end.startswith("end")), "")
            remedy = f"close what is open first: {{% {closing} %}}" if closing else "leave it out"
            return self._error(piece, f"'{{% {word} %}}' has nothing to belong to", remedy=remedy)
        if not word:
            return self._error(piece, "the block is empty", remedy="write if, for or set")
        if word in REFUSED_BLOCKS:
            return self._error(
                piece, f"'{{% {word} %}}' is not in the language", remedy=REFUSED_BLOCKS[word]
            )
        near = difflib.get_close_matches(word, STATEMENTS, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else "there are if, for and set"
        return self._error(piece, f"there is no block {word!r}", remedy=remedy)

    def _if(self, piece: _Piece, bound: frozenset[str], depth: int) -> If:
        branches: list[tuple[Show, tuple[Statement, ...]]] = []
        words = ("elif", "else", "endif")
        current = piece
        while current.word in ("if", "elif"):
            condition = self._between(current, current.tokens[1:], bound, "a condition")
            body = self.statements(words, bound, depth + 1, opened=piece)
            branches.append((condition, body))
            current = self._next()
        otherwise: tuple[Statement, ...] = ()
        if current.word == "else":
            self._bare(current)
            otherwise = self.statements(("endif",), bound, depth + 1, opened=piece)
            current = self._next()
        self._bare(current)
        return If(tuple(branches), otherwise)

    def _for(self, piece: _Piece, bound: frozenset[str], depth: int) -> For:
        tokens = piece.tokens[1:]
        at = next((n for n, token in enumerate(tokens) if token.text == "in"), None)
        if at is None:
            raise self._error(
                piece, "'for' needs a list", remedy="write it so: {% for line in row.lines %}"
            )
        names = self._targets(piece, tokens[:at])
        ends = _level(tokens, at + 1, ("if", "recursive"))
        if ends is not None and tokens[ends].text == "recursive":
            raise self._error(
                piece, "'recursive' is not in the language", remedy="write a loop in a loop"
            )
        items = self._between(piece, tokens[at + 1 : ends], bound, "a list")
        inner = bound | set(names) | {"loop"}
        condition = None
        if ends is not None:
            condition = self._between(piece, tokens[ends + 1 :], bound | set(names), "a condition")
        before = len(self.references)
        marks = len(self.placed)
        body = self.statements(("else", "endfor"), inner, depth + 1, opened=piece)
        loops = any(
            reference.root == "loop"
            for _, each in self.placed[marks:]
            for reference in each.references
        )
        del before
        otherwise: tuple[Statement, ...] = ()
        current = self._next()
        if current.word == "else":
            self._bare(current)
            otherwise = self.statements(("endfor",), bound, depth + 1, opened=piece)
            current = self._next()
        self._bare(current)
        return For(names, items, condition, body, otherwise, loops)

    def _set(self, piece: _Piece, bound: frozenset[str], depth: int) -> Set:
        tokens = piece.tokens[1:]
        at = next((n for n, token in enumerate(tokens) if token.text == "="), len(tokens))
        if any(token.text == "." for token in tokens[:at]):
            remedy = "add up with | sum, or | total('item.x')"
            raise self._error(piece, "a member cannot be set", remedy=remedy)
        names = self._targets(piece, tokens[:at])
        if len(names) > 1:
            raise self._error(piece, "'set' takes one name", remedy="write one {% set %} for each")
        if at < len(tokens):
            return Set(names[0], self._between(piece, tokens[at + 1 :], bound, "a value"))
        body = self.statements(("endset",), bound, depth + 1, opened=piece)
        self._bare(self._next())
        return Set(names[0], body)

    def _targets(self, piece: _Piece, tokens: Sequence[Token]) -> tuple[str, ...]:
        """The names that a loop or a `set` gives values to."""
        names = [token for token in tokens if token.text not in ("(", ")", ",")]
        for token in names:
            if token.kind != "name":
                raise TemplateError(
                    f"{token.text!r} is no name", offset=token.offset, length=len(token.text)
                )
            if token.text in _TAKEN:
                message = f"{token.text!r} has a meaning already"
                raise TemplateError(
                    message,
                    offset=token.offset,
                    length=len(token.text),
                    remedy="choose another name",
                )
        if not names:
            raise self._error(
                piece, f"{piece.word!r} needs a name", remedy=f"write it so: {_USAGE[piece.word]}"
            )
        return tuple(token.text for token in names)

    def _next(self) -> _Piece:
        piece = self._pieces[self._at]
        self._at += 1
        return piece

    def _bare(self, piece: _Piece) -> None:
        if len(piece.tokens) > 1:
            odd = piece.tokens[1]
            raise TemplateError(f"unexpected {odd.text!r}", offset=odd.offset, length=len(odd.text))

    def _between(
        self, piece: _Piece, tokens: Sequence[Token], bound: frozenset[str], what: str
    ) -> Show:
        """The expression of these tokens of a block."""
        if not tokens:
            raise self._error(
                piece, f"{piece.word!r} needs {what}", remedy=f"write it so: {_USAGE[piece.word]}"
            )
        start, last = tokens[0].offset, tokens[-1]
        return self._show(list(tokens), start, last.offset + len(last.text), bound)

    def _show(
        self,
        tokens: list[Token],
        start: int,
        end: int,
        bound: frozenset[str],
        *,
        beside: bool = False,
    ) -> Show:
        """The expression between two places of the text. `beside` others, it gives text: nothing where it says none."""
        moved, text = [token.moved(-start) for token in tokens], self._text[start:end]
        if beside and _lacks_else(moved):
            moved, text = _with_else(moved, text)
        compiled = self._compile(moved, text, start)
        self.placed.append((start, compiled))
        self.references += [
            each.moved(start) for each in compiled.references if each.root not in bound
        ]
        return Show(compiled, start)

    def _error(self, piece: _Piece, message: str, *, remedy: str = "") -> TemplateError:
        token = piece.tokens[0] if piece.tokens else Token(piece.offset, "", "{%")
        return TemplateError(message, offset=token.offset, length=len(token.text), remedy=remedy)


def _lacks_else(tokens: Sequence[Token]) -> bool:
    """Whether an expression is `a if b`, as in `{{ ", " if not loop.last }}`."""
    solid = [token for token in tokens if token.kind != "whitespace"]
    at = _level(solid, 0, ("if",))
    return at is not None and _level(solid, at + 1, ("if", "else")) is None


def _with_else(tokens: Sequence[Token], text: str) -> tuple[list[Token], str]:
    """An expression with the empty text that Jinja writes in place of the `else` that it lacks."""
    written = f"{text} else ''"
    otherwise = Token(len(text) + 1, "name", "else"), Token(len(written) - 2, "string", "''")
    return [*tokens, *otherwise], written


_USAGE = {
    "if": "{% if row.x %}",
    "elif": "{% elif row.x %}",
    "for": "{% for line in row.lines %}",
    "set": "{% set x = row.x %}",
}


def _level(tokens: Sequence[Token], start: int, words: Sequence[str]) -> int | None:
    """The place of the first of `words` that stands in no brackets."""
    depth = 0
    for at in range(start, len(tokens)):
        text = tokens[at].text
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        if depth == 0 and tokens[at].kind == "name" and text in words:
            before = tokens[at - 1].text if at > start else ""
            if before not in (".", "|"):
                return at
    return None


def _names_set(statement: Statement) -> frozenset[str]:
    """The names that a statement leaves behind."""
    if isinstance(statement, Set):
        return frozenset({statement.name})
    if isinstance(statement, If):
        bodies = [*(body for _, body in statement.branches), statement.otherwise]
        return frozenset[str]().union(*(_names_set(each) for body in bodies for each in body))
    return frozenset()


def tree_of(statements: Sequence[Statement]) -> Node:
    """Statements as a Node, each part with its place in the text of the template."""
    return Node("block", 0, 0, parts=tuple(map(_node, statements)))


def _node(statement: Statement) -> Node:
    if isinstance(statement, str):
        return Node("text", 0, 0, value=statement)
    if isinstance(statement, Show):
        shown = _shown(statement)
        return Node("show", shown.offset, shown.length, parts=(shown,))
    if isinstance(statement, Set):
        value = statement.value
        part = _shown(value) if isinstance(value, Show) else tree_of(value)
        return Node("set", part.offset, part.length, value=statement.name, parts=(part,))
    if isinstance(statement, If):
        parts = [
            part
            for condition, body in statement.branches
            for part in (_shown(condition), tree_of(body))
        ]
        parts += [tree_of(statement.otherwise)] if statement.otherwise else []
        return Node("if", parts[0].offset, parts[0].length, parts=tuple(parts))
    items = _shown(statement.items)
    condition = Node("literal", items.offset, items.length, value=True)
    if statement.condition is not None:
        condition = _shown(statement.condition)
    loop = (items, condition, tree_of(statement.body), tree_of(statement.otherwise))
    return Node("for", items.offset, items.length, value=statement.names, parts=loop)


def _shown(show: Show) -> Node:
    return show.expression.tree.moved(show.offset)
