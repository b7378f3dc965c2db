"""What can be the id of an object, in an answer and in a path."""

from __future__ import annotations

import re
from typing import Any

from runner.keys import canonical

_NO_IDS = frozenset({"", "null", "none", "nil", "nan", "undefined"})
_NO_NUMBER = re.compile(r"[0-]+|-\d+")


def is_id(value: Any) -> bool:
    """Return whether a value can be the id of an object: a whole number from 1 on, or a text that names something.

    Zero, in a text too and as the UUID of zeros, is what servers write where there is no object. A text with blanks
    around it or invisible characters could be that of another object, and is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    text = str(value)
    return (
        text == canonical(text)
        and text.casefold() not in _NO_IDS
        and not _NO_NUMBER.fullmatch(text)
    )
