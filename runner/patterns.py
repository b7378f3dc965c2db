"""Regular expressions of recipes and API documents, in the dialect of JSON Schema (ECMA 262), matched in linear time.

A pattern comes from a stranger's document or a colleague's recipe, and the text from a customer's sheet. Python's own
engine takes a time exponential in the text for `(a+)+$`; this one goes through each text once. What cannot be matched
so is refused: look-around and references back to a group.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

MOST_CHARACTERS = 1_000
"""Characters of a pattern."""


class PatternError(ValueError):
    """A text that is no pattern; `position` counts its characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what looks for a pattern anywhere in a text. Raises PatternError."""
    from jsonschema_rs import RegexOptions, ValidationError, validator_for  # imported on use

    if len(pattern) > MOST_CHARACTERS:
        raise PatternError(f"longer than {MOST_CHARACTERS:,} characters", MOST_CHARACTERS)
    try:
        fits = validator_for({"pattern": pattern}, pattern_options=RegexOptions()).is_valid
    except ValidationError:
        raise _explained(pattern) from None

    def found(text: str) -> bool:
        try:
            return fits(text)
        except UnicodeEncodeError:  # half a character, which no pattern can mean
            return False

    return found


def allows(pattern: str, text: str) -> bool:
    """Return whether a text has what a document's pattern looks for, or the pattern is one that is not supported."""
    try:
        return matcher(pattern)(text)
    except PatternError:
        return True


def _explained(pattern: str) -> PatternError:
    """Why a pattern cannot be used; the engine does not say."""
    for sign, called in (
        ("(?=", "looking ahead with (?="),
        ("(?!", "looking ahead with (?!"),
        ("(?<=", "looking behind with (?<="),
        ("(?<!", "looking behind with (?<!"),
    ):
        if (place := pattern.find(sign)) >= 0:
            return PatternError(f"{called} is not supported", place)
    for sign, instead in ((r"\A", "^"), (r"\Z", "$"), (r"\z", "$")):
        if (place := pattern.find(sign)) >= 0:
            return PatternError(f"{sign} is not supported, write {instead}", place)
    if reference := re.search(r"\\[1-9]", pattern):
        return PatternError("a reference back to a group is not supported", reference.start())
    try:
        re.compile(pattern)
    except re.error as error:
        return PatternError(error.msg, error.pos or 0)
    except (OverflowError, RecursionError):
        return PatternError("it repeats or nests too much")
    return PatternError("it is too large, or in another dialect than ECMA 262")
