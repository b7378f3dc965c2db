"""Positions of characters in a YAML text: its lines, and the characters of a scalar's value in its source."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""A line end for the parser, which counts lines by the rules of YAML 1.1."""
_FOLD = rf"[ \t]*(?:{_BREAK.pattern})(?:[ \t]|{_BREAK.pattern})*"
_ESCAPE = r"(?s:\\(?:x..|u.{4}|U.{8}|\r\n|.))"
"""Compiled on use: a text without problems needs neither."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, as the parser counts them."""
    return _BREAK.split(text)


def line_at(text: str, at: int) -> tuple[int, int]:
    """Return the line (from 0) of the character at index `at`, and the index of that line's start."""
    starts = _starts(text)
    line = bisect_right(starts, at) - 1
    return line, starts[line]


@lru_cache(maxsize=1)
def _starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _BREAK.finditer(text))]


def offsets(raw: str, value: str, *, style: str) -> list[int]:
    """Return for each character of a scalar's value its index in `raw`, the source of the scalar.

    `style` is a quote, | or >, or empty.
    """
    return list(_block_offsets(raw, value) if style in {"|", ">"} else _flow_offsets(raw, style))


def _flow_offsets(raw: str, quote: str) -> Iterator[int]:
    """Yield the offsets of a plain or quoted scalar: quotes, folds and escapes are skipped."""
    folded, escaped = re.compile(_FOLD), re.compile(_ESCAPE)
    at = len(quote)
    while at < len(raw) - len(quote):
        escape = escaped.match(raw, at) if quote == '"' else None
        # An escaped line break adds nothing to the value.
        joined = bool(escape and _BREAK.match(raw, at + 1))
        fold = folded.match(raw, at + joined)
        if fold:
            # One line break becomes a space; of several, the first adds nothing.
            breaks = [match.start() for match in _BREAK.finditer(raw, fold.start(), fold.end())]
            yield from breaks[1:] or breaks[joined:]
            at = fold.end()
            continue
        yield at
        if escape:
            at = escape.end()
        else:
            doubled = quote == "'" and raw.startswith("''", at)
            at += 1 + doubled


def _block_offsets(raw: str, value: str) -> Iterator[int]:
    """Yield the offsets of a block scalar: indentation is skipped, and line breaks that the value lacks."""
    header = _BREAK.search(raw)
    body = raw[header.end() :] if header else ""
    first = next((line for line in _BREAK.split(body) if line.strip(" ")), "")
    indent = max(0, _spaces(first) - _spaces(value.lstrip("\n")))
    at = len(raw) - len(body) + min(indent, _spaces(body))
    for following in [*value[1:], ""]:
        yield min(at, len(raw) - 1)
        line_break = _BREAK.match(raw, at)
        at += 1
        # Line breaks that the value does not have were folded.
        while line_break:
            at = line_break.end() + min(indent, _spaces(raw[line_break.end() :]))
            line_break = None if _BREAK.match(following) else _BREAK.match(raw, at)


def _spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
