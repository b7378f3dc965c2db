"""Regular expressions of recipes and API documents, in the dialect of JSON Schema (ECMA 262), matched in linear time.

A pattern comes from a stranger's document or a colleague's recipe, and the text from a customer's sheet. For
`(a+)+$`, Python's own engine takes exponential time; this one reads each text once. Look-around and back-references
cannot be matched so, and are refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

MOST_CHARACTERS = 1_000
"""Maximum length of a pattern in characters."""


class PatternError(ValueError):
    """A text is not a supported pattern. `position` is the index of the error in it, from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that searches a text for a pattern. Raises PatternError."""
    # Imported on use: few recipes have patterns.
    from jsonschema_rs import RegexOptions, ValidationError, validator_for

    if len(pattern) > MOST_CHARACTERS:
        raise PatternError(f"longer than {MOST_CHARACTERS:,} characters", MOST_CHARACTERS)
    try:
        fits = validator_for({"pattern": pattern}, pattern_options=RegexOptions()).is_valid
    except ValidationError:
        raise _explained(pattern) from None

    def search(text: str) -> bool:
        try:
            return fits(text)
        except ValueError:
            # A lone surrogate, which no pattern matches; UnicodeEncodeError in later versions of the engine.
            return False

    return search


def allows(pattern: str, text: str) -> bool:
    """Return true if a text matches a document's pattern, or if the pattern is not supported."""
    try:
        return matcher(pattern)(text)
    except PatternError:
        return True


def _explained(pattern: str) -> PatternError:
    """Return the error of an unsupported pattern; the engine reports no reason."""
    for sign, name in (
        ("(?=", "looking ahead with (?="),
        ("(?!", "looking ahead with (?!"),
        ("(?<=", "looking behind with (?<="),
        ("(?<!", "looking behind with (?<!"),
    ):
        if (place := pattern.find(sign)) >= 0:
            return PatternError(f"{name} is not supported", place)
    for sign, instead in ((r"\A", "^"), (r"\Z", "$"), (r"\z", "$")):
        if (place := pattern.find(sign)) >= 0:
            return PatternError(f"{sign} is not supported, write {instead}", place)
    if reference := re.search(r"\\[1-9]", pattern):
        return PatternError("a reference back to a group is not supported", reference.start())
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except re.error as error:
        return PatternError(error.msg, error.pos or 0)
    except (OverflowError, RecursionError):
        return PatternError("it repeats or nests too much")
    return PatternError("it is too large, or in another dialect than ECMA 262")
