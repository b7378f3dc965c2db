"""Where the characters of a YAML text stand: its lines, and a scalar's value within the text that it was written as."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line for the parser, which counts lines by the rules of YAML 1.1."""
_FOLD = rf"[ \t]*(?:{_BREAK.pattern})(?:[ \t]|{_BREAK.pattern})*"
_ESCAPE = r"(?s:\\(?:x..|u.{4}|U.{8}|\r\n|.))"
"""Compiled on use: a text in which nothing is wrong needs neither."""


def lines_of(text: str) -> list[str]:
    """The lines of a text, as the parser counts them."""
    return _BREAK.split(text)


def line_at(text: str, at: int) -> tuple[int, int]:
    """The line (from 0) in which the character at `at` stands, and where that line starts."""
    starts = _starts(text)
    line = bisect_right(starts, at) - 1
    return line, starts[line]


@lru_cache(maxsize=1)
def _starts(text: str) -> list[int]:
    return [0, *(found.end() for found in _BREAK.finditer(text))]


def offsets(raw: str, value: str, *, style: str) -> list[int]:
    """For each character of a scalar's value, its index in the raw text. `style` is a quote, | or >, or empty."""
    return [*(_block_offsets(raw, value) if style in {"|", ">"} else _flow_offsets(raw, style))]


def _flow_offsets(raw: str, quote: str) -> Iterator[int]:
    """Of a scalar that may stand between quotes: these, folds and escapes are skipped."""
    folded, escaped = re.compile(_FOLD), re.compile(_ESCAPE)
    at = len(quote)
    while at < len(raw) - len(quote):
        escape = escaped.match(raw, at) if quote == '"' else None
        joined = bool(
            escape and _BREAK.match(raw, at + 1)
        )  # an escaped line break stands for nothing
        fold = folded.match(raw, at + joined)
        if fold:  # one line break stands for a blank, of more the first for nothing
            breaks = [found.start() for found in _BREAK.finditer(raw, fold.start(), fold.end())]
            yield from breaks[1:] or breaks[joined:]
        else:
            yield at
        twice = quote == "'" and raw.startswith("''", at)
        at = fold.end() if fold else escape.end() if escape else at + 1 + twice


def _block_offsets(raw: str, value: str) -> Iterator[int]:
    """Of block text: the indentation is skipped, and line breaks that the value lacks."""
    header = _BREAK.search(raw)
    body = raw[header.end() :] if header else ""
    first = next((line for line in _BREAK.split(body) if line.strip(" ")), "")
    indent = max(0, _blanks(first) - _blanks(value.lstrip("\n")))
    at = len(raw) - len(body) + min(indent, _blanks(body))
    for following in [*value[1:], ""]:
        yield min(at, len(raw) - 1)
        found = _BREAK.match(raw, at)
        at += 1
        while found:  # more line breaks than the value has are folded away
            at = found.end() + min(indent, _blanks(raw[found.end() :]))
            found = None if _BREAK.match(following) else _BREAK.match(raw, at)


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
