"""Values as the cells of what people open: no text is a formula, and no digit is lost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from runner.catalogue import to_json
from runner.rows.leftovers import FORMULA, escape_formula
from runner.template import Unknown, to_text

_NUMBERS = (int, Decimal)
_SPLIT = re.compile(r"([;\t]\s*)(?=['\"]*[" + re.escape("".join(map(str.strip, FORMULA))) + "])")
"""A place within a text where a spreadsheet that splits there begins a formula."""

_ACTING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]"
)
"""Characters that a terminal or an editor acts on (controls, directions of text), and those that are none."""


def record(values: Sequence[Any]) -> bytes:
    """Values as one record of CSV with its line end. Written with CRLF first, so that a lone CR is quoted too."""
    cells = [_cell(value) for value in values]
    line = ",".join(cells)
    if (
        len(cells) == 1
        or line.count(",") >= len(cells)
        or '"' in line
        or "\r" in line
        or "\n" in line
    ):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerow(cells)
        line = text.getvalue().removesuffix("\r\n")
    # An answer may hold half of a surrogate pair, which has no UTF-8.
    return line.encode("utf-8", "backslashreplace") + b"\n"


def readable(value: Any) -> Any:
    """A text as a sheet for people has it: no escapes for a terminal, and no formula where `;` or a tab splits a cell.

    Line ends stay; control and bidirectional characters are escaped. What is no text is left as it is.
    """
    if not isinstance(value, str) or (value.isascii() and value.isprintable() and ";" not in value):
        return value
    text = _ACTING.sub(lambda found: ascii(found[0])[1:-1], value)
    return _SPLIT.sub(r"\1'", text)


def storable(value: Any) -> Any:
    """A value as JSON takes it: half of a surrogate pair, which an answer may hold, has no UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    return storable(str(value)) if isinstance(value, Unknown) else value


def as_text(value: Any) -> str:
    """A value as it reads in a cell: lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(
        value, _NUMBERS
    ):  # before the question whether it is a mapping, which takes longer than all the rest
        return to_text(value)
    return to_json(value).decode() if isinstance(value, Mapping | list | tuple) else to_text(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape_formula(value)
    return escape_formula(str(value)) if isinstance(value, Unknown) else as_text(value)
