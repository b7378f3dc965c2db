"""Statements as functions that write text: bounded by the work they do and by the length of what they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runner.template.blocks import For, If, Set, Show, Statement
from runner.template.texts import MAX_TEXT, beside
from runner.template.values import (
    Compute,
    EvaluationError,
    Scope,
    Undecided,
    Unknown,
    digits,
    is_near,
    kind,
    to_text,
)
from runner.template.work import begin, end, spend

ITERATION_WORK = 10
"""The work of one round of a loop, in elements that a filter goes through."""


class _Page:
    """What has been written so far."""

    __slots__ = ("length", "pieces")

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self.length = 0

    def write(self, piece: str | Unknown) -> None:
        """Add a piece. Raises EvaluationError when the text becomes too long."""
        self.pieces.append(piece)
        if isinstance(piece, str):
            self.length += len(piece)
            if self.length > MAX_TEXT:
                raise EvaluationError(f"the text becomes longer than {MAX_TEXT} characters")

    def text(self) -> Any:
        """The text; unknown as soon as a piece of it is."""
        return beside(self.pieces, "the template")


Write = Callable[[dict[str, Any], _Page], None]
"""Writes a statement in a scope, which it may add names to."""


def writer(statements: Sequence[Statement]) -> Compute:
    """From a scope to the text that statements give; Unknown where it hangs on one. Raises EvaluationError."""
    write = _block(statements)

    def written(scope: Scope) -> Any:
        page = _Page()
        mine = begin()
        try:
            write(dict(scope), page)
        except Undecided as undecided:
            return Unknown(undecided.origin)
        finally:
            if mine:
                end()
        return page.text()

    return written


def _block(statements: Sequence[Statement]) -> Write:
    writes = [_write(statement) for statement in statements]

    def block(scope: dict[str, Any], page: _Page) -> None:
        for write in writes:
            write(scope, page)

    return block


def _write(statement: Statement) -> Write:
    if isinstance(statement, str):
        return lambda _, page: page.write(statement)
    if isinstance(statement, Show):
        return _show(statement)
    if isinstance(statement, Set):
        return _set(statement)
    return _if(statement) if isinstance(statement, If) else _for(statement)


def _show(statement: Show) -> Write:
    evaluate, shown = statement.expression.evaluate, statement.expression.text.strip()[:100]

    def show(scope: dict[str, Any], page: _Page) -> None:
        value = evaluate(scope)
        if type(value) is not str and not isinstance(value, Unknown):
            try:
                value = digits(value) if is_near(value) else to_text(value)
            except EvaluationError as error:
                raise EvaluationError(f"{shown}: {error}") from None
        page.write(value)

    return show


def _set(statement: Set) -> Write:
    name = statement.name
    if isinstance(statement.value, Show):
        evaluate = statement.value.expression.evaluate

        def assign(scope: dict[str, Any], _: _Page) -> None:
            scope[name] = evaluate(scope)

        return assign
    write = _block(statement.value)

    def capture(scope: dict[str, Any], _: _Page) -> None:
        page = _Page()
        write(dict(scope), page)
        scope[name] = page.text()

    return capture


def _decided(value: Any) -> Any:
    if isinstance(value, Unknown):
        raise Undecided(value.origin)
    return value


def _if(statement: If) -> Write:
    branches = [
        (condition.expression.evaluate, _block(body)) for condition, body in statement.branches
    ]
    otherwise = _block(statement.otherwise)

    def choose(scope: dict[str, Any], page: _Page) -> None:
        for holds, write in branches:
            if _decided(holds(scope)):
                write(scope, page)
                return
        otherwise(scope, page)

    return choose


def _for(statement: For) -> Write:
    evaluate, shown = statement.items.expression.evaluate, statement.items.expression.text.strip()
    condition = statement.condition.expression.evaluate if statement.condition else None
    names, body, otherwise = statement.names, _block(statement.body), _block(statement.otherwise)

    def loop(scope: dict[str, Any], page: _Page) -> None:
        found = evaluate(scope)
        if isinstance(found, Unknown):
            page.write(Unknown(f"each of {found.origin}"))
            return
        elements = _elements(found, shown)
        spend(len(elements) * ITERATION_WORK)
        if condition is not None:
            elements = [
                each
                for each in elements
                if _decided(condition({**scope, **_bound(names, each, shown)}))
            ]
        for at, element in enumerate(elements):
            inner = {**scope, **_bound(names, element, shown)}
            if statement.loops:
                inner["loop"] = _loop(elements, at)
            body(inner, page)
        if not elements:
            otherwise(scope, page)

    return loop


def _elements(value: Any, shown: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    if not isinstance(value, list | tuple):
        raise EvaluationError(f"{shown[:100]}: 'for' needs a list, not {kind(value)}")
    return list(value)


def _bound(names: Sequence[str], element: Any, shown: str) -> dict[str, Any]:
    """The names of a loop with their values for one element."""
    if len(names) == 1:
        return {names[0]: element}
    if isinstance(element, Unknown):
        return {name: element.child(at) for at, name in enumerate(names)}
    if not isinstance(element, list | tuple) or len(element) != len(names):
        what = f"{len(element)} parts" if isinstance(element, list | tuple) else kind(element)
        raise EvaluationError(
            f"{shown[:100]}: 'for' needs elements of {len(names)} parts, and one is {what}"
        )
    return dict(zip(names, element, strict=True))


def _loop(elements: Sequence[Any], at: int) -> dict[str, Any]:
    """What `loop` is in a round."""
    count = len(elements)
    found = {
        "index": at + 1, "index0": at, "revindex": count - at, "revindex0": count - at - 1, "first": at == 0,
        "last": at == count - 1, "length": count,
    }  # fmt: skip
    if at:
        found["previtem"] = elements[at - 1]
    if at + 1 < count:
        found["nextitem"] = elements[at + 1]
    return found
