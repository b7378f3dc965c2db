"""JSON with exact numbers: fractions are Decimal in both directions, and the text is ASCII.

ASCII, because a lone surrogate is valid in JSON and cannot be written as UTF-8.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson

MAX_DEPTH = 100

_encoder = simplejson.JSONEncoder(use_decimal=True, separators=(",", ":"), allow_nan=False)
_decoder = simplejson.JSONDecoder(parse_float=Decimal, allow_nan=False)


class NotJsonError(ValueError):
    """The text is no JSON that a request can carry. Its message is the reason."""


def encode(value: Any) -> str:
    """Return one line of ASCII JSON."""
    return str(_encoder.encode(value))


def decode(text: str) -> Any:
    """Return the value of a JSON text that was written by `encode`."""
    return _decoder.decode(text)


def decode_request(content: bytes) -> Any:
    """Return the value of a request's body. Raises NotJsonError for all other bytes."""
    try:
        value = _decoder.decode(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotJsonError("the body is not UTF-8 text") from None
    except RecursionError:
        raise NotJsonError(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, ArithmeticError) as error:
        raise NotJsonError(f"the body is not JSON: {str(error)[:200]}") from None
    # Depth cannot exceed the number of brackets: most bodies need no walk.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise NotJsonError(f"the body is nested deeper than {MAX_DEPTH} levels")
    return value


def _depth(value: Any) -> int:
    """Return the number of nested levels of objects and arrays, counted without recursion."""
    depth, level = 0, [value]
    while level := [child for child in level if isinstance(child, dict | list)]:
        depth += 1
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth
