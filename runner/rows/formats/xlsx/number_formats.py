"""Number formats of a workbook: 618 in the format 00000 is 00618, as in a CSV export.

Only formats of digits are applied. A number that the sheet shows in another way (a currency, a percentage, a phone
number) or rounded has no single text, and is refused in a column of text.
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
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;[Red](#,##0.00)",
    48: "##0.0E+0",
}
"""Built-in formats of numbers by id (ECMA-376 part 1, 18.8.30), except General and dates."""

_PLAIN = frozenset({"general", "@", ""})
_DIGITS = re.compile(r"(?P<group>#,##)?#*(?P<whole>0+)(?:\.(?P<fraction>0+))?").fullmatch
_DECORATION = re.compile(r"\[[^\]$]*\]|[_*].")


def number_formats(archive: zipfile.ZipFile, findings: Findings) -> dict[bytes, str]:
    """Return the formats of a workbook's styles, by the numbers of styles in cells, without the plain ones.

    Raises InvalidError where the styles are invalid.
    """
    # Imported on use: most input is text.
    from runner.rows.formats.xlsx.archive import STYLES, read_xml

    if STYLES not in archive.namelist():
        return {}
    root = read_xml(archive, STYLES, findings)
    codes = dict(_BUILT_IN)
    for element in root.iter():
        number = element.get("numFmtId", "")
        if element.tag.rpartition("}")[2] == "numFmt" and number.isdecimal():
            codes[int(number)] = element.get("formatCode", "")
    # A cell has the position of its style in cellXfs, and the style the id of its format.
    styles = next((element for element in root if element.tag.rpartition("}")[2] == "cellXfs"), ())
    used = (style.get("numFmtId", "0") for style in styles)
    formats = {
        str(at).encode(): codes[int(number)]
        for at, number in enumerate(used)
        if number.isdecimal() and int(number) in codes
    }
    return {at: code for at, code in formats.items() if code.strip().lower() not in _PLAIN}


def as_shown(number: int | Decimal, code: str) -> str | None:
    """Return the text of a number in a format of digits; None for another format, or one that hides digits."""
    first, *others = code.split(";")
    digits = _DIGITS(_DECORATION.sub("", first).strip())
    if digits is None or (number < 0 and others):
        return None
    places = len(digits["fraction"] or "")
    text = f"{abs(number):{',' if digits['group'] else ''}.{places}f}"
    if Decimal(text.replace(",", "")) != abs(number):
        return None
    whole, point, fraction = text.partition(".")
    minus = "-" if number < 0 else ""
    return f"{minus}{whole.zfill(len(digits['whole']))}{point}{fraction}"
