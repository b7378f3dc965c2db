"""The Jinja environment that texts are parsed in: the words of the language, and its tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jinja2 import Environment, Undefined

from runner.template.values import EvaluationError, Undecided, Unknown, number

CONCAT = "concat of texts"
"""The filter that `~` becomes; no recipe can name it."""


def _is_odd(value: Any, test: str) -> bool:
    try:
        return bool(number(value, test) % 2)
    except ArithmeticError:
        raise EvaluationError(f"{test}: a number out of range") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _in(value: Any, among: Any) -> bool:
    return value in among


TESTS: dict[str, Callable[..., Any]] = {
    "even": lambda value: not _is_odd(value, "even"),
    "in": _in,
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": _is_number,
    "odd": lambda value: _is_odd(value, "odd"),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
}
"""Tests of a value that is there; `defined` and `undefined` are added to them."""


def _decided(test: Callable[..., Any]) -> Callable[..., Any]:
    known = _defined(test)

    def decided(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Undefined):
                str(value)  # raises, with the name that is undefined
        return known(*values)

    return decided


def _defined(test: Callable[..., Any]) -> Callable[..., Any]:
    def defined(*values: Any) -> Any:
        for value in values:
            if isinstance(value, Unknown):
                raise Undecided(value.origin)
        return test(*values)

    return defined


def _environment() -> Environment:
    # Blocks and comments get marks that no text has: what looks like one is found in the tokens and refused.
    environment = Environment(  # noqa: S701 - nothing is rendered by it
        block_start_string="\0%", block_end_string="%\0", comment_start_string="\0#", comment_end_string="#\0",
        keep_trailing_newline=True, cache_size=0,
    )  # fmt: skip
    environment.globals.clear()
    environment.filters.clear()
    environment.tests = {name: _decided(test) for name, test in TESTS.items()} | {
        "defined": _defined(lambda value: not isinstance(value, Undefined)),
        "undefined": _defined(lambda value: isinstance(value, Undefined)),
    }
    return environment


ENVIRONMENT = _environment()
