"""Leftovers of spreadsheets in text cells: a formula around the text, an apostrophe before it, or a replacement.

="00618"                                     a formula that preserves the zeros: the text is 00618
'+1 617 555 0100                             an export's escape against formulas: the text is +1 617 555 0100
#REF!  ########  1.23457E+11  NULL  N/A      the value is lost, or there was none: refused in columns of any text
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runner.recipe.model import Column

# Full-width signs count as well: some spreadsheets in East Asian locales read them as the plain ones.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""Characters at the start of a text that a spreadsheet treats as a formula."""

NOTHING = frozenset({"NULL", "null", "N/A", "n/a", "NaN"})
"""Texts that mean no value in many programs."""

_QUOTED = re.compile(r'="((?:[^"]|"")*)"\s*', re.DOTALL).fullmatch
_ERROR = r"#(?:REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|GETTING_DATA|#+)|Err:[0-9]{3}"
_SHORT = r"[-+]?[0-9](?:[.,][0-9]+)?E[-+][0-9]{2,3}"
_NOTHING = "|".join(map(re.escape, sorted(NOTHING)))
_LEFT = re.compile(rf"\0\s*(?:{_ERROR}|{_SHORT}|{_NOTHING})\s*(?=\0)").search
_EMPTY = "list it in `empty` where it means no value"
_MEANT = "a `pattern` that it fits says that it is meant"
_KINDS = tuple(
    (re.compile(pattern).fullmatch, message, remedy)
    for pattern, message, remedy in (
        (
            _ERROR,
            "is what a spreadsheet shows where it has no value",
            f"correct it in the sheet, or {_EMPTY}",
        ),
        (
            _SHORT,
            "is a number that a spreadsheet has shortened: its other digits are lost",
            f"format the cells as text and enter the value again; {_MEANT}",
        ),
        (
            _NOTHING,
            "stands for no value in many programs, and for a text in this column",
            f"{_EMPTY}; {_MEANT}",
        ),
    )
)


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet shows and does not compute; `plain_cells` reverses it."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def plain_cells(cells: list[str]) -> list[str]:
    """Return the cells of a record as plain texts, without a spreadsheet's formulas and apostrophes."""
    # One search over the joined cells is faster than one in each.
    joined = "\0".join(cells)
    if '="' in joined or "\0'" in joined or joined.startswith("'"):
        return [_plain(cell) for cell in cells]
    return cells


def _plain(cell: str) -> str:
    if cell.startswith("'"):
        return cell[1:] if cell.lstrip("'").startswith(FORMULA) else cell
    match = _QUOTED(cell)
    return match[1].replace('""', '"') if match else cell


def is_free(column: Column) -> bool:
    """Return whether a column accepts any text, without a list or pattern of the valid ones."""
    return column.type == "string" and not (column.enum or column.map or column.pattern)


def leftovers(
    cells: Sequence[object], columns: Iterable[tuple[int, Column]]
) -> list[tuple[int, str, str]]:
    """Return the cells of free columns that hold a leftover: place, message and remedy of each."""
    texts = [cell if isinstance(cell, str) else "" for cell in cells]
    if not _LEFT(f"\0{chr(0).join(texts)}\0"):
        return []
    defects = []
    for at, column in columns:
        text = texts[at].strip()
        if text in column.empty or any(old in text for old, _ in column.replace):
            continue
        for is_one, message, remedy in _KINDS:
            if is_one(text):
                defects.append((at, f"{text!r} {message}", remedy))
    return defects
