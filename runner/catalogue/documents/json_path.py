"""JSONPath of overlays, with patterns that are matched in linear time and a bound on what is gone through."""

from __future__ import annotations

from itertools import islice
from typing import Any

from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.function_extensions import ExpressionType, FilterFunction

from runner.catalogue.schemas.schema import TreePath
from runner.patterns import PatternError, matcher

MAX_DESCENTS = 2
"""Times that a path may descend with `..`: each goes through all that the one before has found."""
MAX_FILTERS = 3
MAX_MATCHES = 100_000


class _Matches(FilterFunction):
    """A function of filters that looks for a pattern in a text: in all of it, or `anywhere`."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's own attribute
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, anywhere: bool) -> None:
        self._anywhere = anywhere

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            return matcher(pattern if self._anywhere else f"^(?:{pattern})$")(value)
        except PatternError:
            return False


def matches(target: str, document: Any) -> list[TreePath]:
    """Return the places that a JSONPath matches. Raises ValueError, with the reason, for one that is none."""
    if target.count("..") > MAX_DESCENTS or target.count("?") > MAX_FILTERS:
        raise ValueError("descends, or filters, too often: name the way to what it means")
    environment = JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = _Matches(anywhere=False)
    environment.function_extensions["search"] = _Matches(anywhere=True)
    try:
        found = [
            each.parts for each in islice(environment.finditer(target, document), MAX_MATCHES + 1)
        ]
    except JSONPathError as error:
        raise ValueError(f"is no JSONPath: {str(error).splitlines()[0]}") from None
    except (ArithmeticError, RecursionError):  # the library does not expect them of its input
        raise ValueError("is no JSONPath: a number in it is too large, or it is too deep") from None
    if len(found) > MAX_MATCHES:
        raise ValueError(f"matches more than {MAX_MATCHES:,} places")
    return found
