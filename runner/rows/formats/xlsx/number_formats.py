"""Numbers of a workbook as the sheet shows them: 618 in the format 00000 is 00618, and so it stands in a CSV file.

Only formats of digits are followed. A number that the sheet shows in another way (a currency, a percentage, a phone
number) or rounded has no one text, and is refused in a column of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from runner.rows.findings import Findings

if TYPE_CHECKING:
    import zipfile

_BUILT_IN: Mapping[int, str] = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;[Red](#,##0.00)",
    48: "##0.0E+0",
}  # fmt: skip
"""Formats of numbers that every workbook has, by their ids (ECMA-376 part 1, 18.8.30), but for General and dates."""

_AS_IT_IS = frozenset({"general", "@", ""})
_DIGITS = re.compile(r"(?P<group>#,##)?#*(?P<whole>0+)(?:\.(?P<fraction>0+))?").fullmatch
_DECORATION = re.compile(r"\[[^\]$]*\]|[_*].")


def number_formats(archive: zipfile.ZipFile, findings: Findings) -> dict[bytes, str]:
    """The formats of the styles of a workbook, by their numbers as cells have them, but for those that change nothing.

    Raises InvalidError where the styles are none.
    """
    from runner.rows.formats.xlsx.archive import (  # imported on use: most input is text
        STYLES,
        read_xml,
    )

    if STYLES not in archive.namelist():
        return {}
    root = read_xml(archive, STYLES, findings)
    codes = dict(_BUILT_IN)
    for each in root.iter():
        if each.tag.rpartition("}")[2] == "numFmt" and each.get("numFmtId", "").isdecimal():
            codes[int(each.get("numFmtId", ""))] = each.get("formatCode", "")
    styles = next((each for each in root if each.tag.rpartition("}")[2] == "cellXfs"), ())
    used = (each.get("numFmtId", "0") for each in styles)
    found = {
        str(at).encode(): codes[int(number)]
        for at, number in enumerate(used)
        if number.isdecimal() and int(number) in codes
    }
    return {at: code for at, code in found.items() if code.strip().lower() not in _AS_IT_IS}


def as_shown(number: int | Decimal, code: str) -> str | None:
    """The text that a format of digits shows for a number; None where it is another format, or hides digits."""
    first, *others = code.split(";")
    digits = _DIGITS(_DECORATION.sub("", first).strip())
    if digits is None or (number < 0 and others):
        return None
    places = len(digits["fraction"] or "")
    text = f"{abs(number):{',' if digits['group'] else ''}.{places}f}"
    if Decimal(text.replace(",", "")) != abs(number):
        return None
    whole, point, fraction = text.partition(".")
    return f"{'-' * (number < 0)}{whole.zfill(len(digits['whole']))}{point}{fraction}"
