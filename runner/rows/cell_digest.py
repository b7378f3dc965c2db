"""Digest of the cells of a line, by which the same line is known whatever a recipe makes of it.

A sheet that is saved in another format, with its columns in another order or with other spaces has the same digests:
cells are compared by their headers and by value. So 8.40 is 8.4, and an empty cell is none.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from runner.exact_json import json_text
from runner.keys import canonical

_is_number = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?").fullmatch


def digest_of_cells(cells: Mapping[str, Any]) -> str:
    """Return the digest of the cells of a line, which are given by their headers."""
    named = ((canonical(name), _plain(cell)) for name, cell in cells.items() if name)
    text = json_text(sorted([name, cell] for name, cell in named if cell))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(cell: Any) -> str:
    """Return a cell as a text that is equal for equal values."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        cell = cell.date()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, Mapping):
        return json_text(sorted([name, _plain(each)] for name, each in cell.items()))
    if isinstance(cell, list):
        return json_text([_plain(each) for each in cell])
    if isinstance(cell, tuple):  # a number, and the format in which a workbook shows it
        cell = cell[0]
    text = canonical(str(cell))
    if _is_number(text):
        return format(Decimal(text).normalize(), "f")
    return text.lower() if text.lower() in ("true", "false") else text
