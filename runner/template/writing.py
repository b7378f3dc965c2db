"""Statements as functions that write text: bounded by the work they do and by the length of what they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from runner.template.blocks import Expressed, For, If, Set, Show, Statement
from runner.template.choosing import is_own
from runner.template.naming import Naming, nothing_named
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
    takeable,
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


class _Loop(NamedTuple):
    """A loop that a statement stands in, with those around it."""

    names: tuple[str, ...]
    items: Expressed
    condition: Expressed | None
    around: tuple[_Loop, ...]

    def check(self, condition: Expressed, scope: Scope) -> None:
        """Raise EvaluationError where a condition that is true of an element compares it with what is none."""
        if all(each.root not in self.names for each in condition.references):
            return
        if self._named(condition, scope) is not False or self._is_own(scope):
            return
        if self.condition is None or not self._named(self.condition, scope):
            raise EvaluationError(nothing_named(condition.text))

    def _named(self, condition: Expressed, scope: Scope) -> bool | None:
        return Naming(condition, scope, elements=self.names, search=False).names()

    def _is_own(self, scope: Scope) -> bool:
        own = {name for each in self.around if each._is_own(scope) for name in each.names}
        return is_own(self.items.node, scope, own={"row", *own})


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


def _block(statements: Sequence[Statement], loops: tuple[_Loop, ...] = ()) -> Write:
    writes = [_write(statement, loops) for statement in statements]

    def block(scope: dict[str, Any], page: _Page) -> None:
        for write in writes:
            write(scope, page)

    return block


def _write(statement: Statement, loops: tuple[_Loop, ...]) -> Write:
    if isinstance(statement, str):
        return lambda _, page: page.write(statement)
    if isinstance(statement, Show):
        return _show(statement)
    if isinstance(statement, Set):
        return _set(statement, loops)
    return _if(statement, loops) if isinstance(statement, If) else _for(statement, loops)


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


def _set(statement: Set, loops: tuple[_Loop, ...]) -> Write:
    name = statement.name
    if isinstance(statement.value, Show):
        evaluate = statement.value.expression.evaluate

        def assign(scope: dict[str, Any], _: _Page) -> None:
            scope[name] = evaluate(scope)

        return assign
    write = _block(statement.value, loops)

    def capture(scope: dict[str, Any], _: _Page) -> None:
        page = _Page()
        write(dict(scope), page)
        scope[name] = page.text()

    return capture


def _decided(value: Any) -> Any:
    if isinstance(value, Unknown):
        raise Undecided(value.origin)
    return value


def _if(statement: If, loops: tuple[_Loop, ...]) -> Write:
    branches = [
        (condition.expression, condition.expression.evaluate, _block(body, loops))
        for condition, body in statement.branches
    ]
    otherwise = _block(statement.otherwise, loops)

    def choose(scope: dict[str, Any], page: _Page) -> None:
        for condition, holds, write in branches:
            if _decided(holds(scope)):
                for loop in loops:
                    loop.check(condition, scope)
                write(scope, page)
                return
        otherwise(scope, page)

    return choose


def _for(statement: For, loops: tuple[_Loop, ...]) -> Write:
    evaluate, shown = statement.items.expression.evaluate, statement.items.expression.text.strip()
    chosen = statement.condition.expression if statement.condition else None
    condition = chosen.evaluate if chosen is not None else None
    names, otherwise = statement.names, _block(statement.otherwise, loops)
    mine = _Loop(names, statement.items.expression, chosen, loops)
    body = _block(statement.body, (*loops, mine))

    def loop(scope: dict[str, Any], page: _Page) -> None:
        found = evaluate(scope)
        if isinstance(found, Unknown):
            page.write(Unknown(f"each of {found.origin}"))
            return
        elements = _elements(takeable(found), shown)
        spend(len(elements) * ITERATION_WORK)
        if condition is not None:
            elements = [
                each
                for each in elements
                if _decided(condition({**scope, **_bound(names, each, shown)}))
            ]
        if chosen is not None and elements:
            mine.check(chosen, scope)
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
