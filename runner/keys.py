"""Normalization of keys and names: a canonical form for identity, and a look-alike form for confusable texts.

    text                    canonical       look_alike
    "PO-1 "                 PO-1            po-1
    "PO-1" + U+200B         PO-1            po-1
    "po\\u20111"             po\\u20111       po-1
    "PO\\u00a0-  1"          PO - 1          po-1
    "Cafe" + U+0301         Café            café
    "'00618"                '00618          00618

Keys that people mistake for each other have one form (`mistakable`), in which `_`, and `.` but for decimal points, are
hyphens, letters of Cyrillic and Greek are those of Latin that look the same, and figures of all scripts are 0 to 9:
PO_1 and PO-1, #1001 and 1001. It is for keys alone: a search may well tell PO_1 from PO-1.

A spreadsheet drops insignificant zeros: an earlier run may have had PO-7 where a sheet now has PO-007 (`unpadded`).

Texts with equal canonical forms are one identity; e-mail addresses that rows share are also compared in lower case.
Texts with different canonical forms and equal look-alike forms are two identities, which are refused: neither is
chosen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from unicodedata import category, digit, is_normalized, normalize

SHORT = 60
"""Maximum length of a text that `brief` leaves unchanged, in characters."""

_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+").fullmatch

_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")

_NO_DASH_BY_NAME = frozenset("\u02d7\u2043\u2212\u2796\u2500\u30fc\u1173")
"""Characters that look like a hyphen, but are no dash in Unicode's category: minus signs, a bullet, lines, vowels."""

_APOSTROPHES = "'\u2018\u2019"

_IN_FRONT = f"{_APOSTROPHES}#"

_POINT = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
"""A point that is no decimal point."""

_ALIKE = (
    "\u0430\u0432\u0435\u0456\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
)
"""Small letters of Cyrillic, then of Greek, whose capitals look like those of Latin."""

_LATIN = "abeijkmhopctyxsabezhikmnoptyx"
_LETTERS = str.maketrans(_ALIKE + _ALIKE.upper(), _LATIN + _LATIN.upper())

_INVISIBLE = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)
) | frozenset((*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Invisible code points that are no format characters: joiners, fillers, variation selectors."""


def canonical(text: str) -> str:
    """Return the text as an identity: NFC, without format characters (Cf), its spaces trimmed and collapsed.

    Spaces are all that Unicode calls white space: no-break and ideographic ones, tabs and line ends too.
    """
    if not text.isascii():
        # A format character is never printable.
        if not text.isprintable():
            text = "".join(_storable(each) for each in text if category(each) != "Cf")
        if not is_normalized("NFC", text):
            text = normalize("NFC", text)
    return " ".join(text.split())


def canonical_shared(text: str) -> str:
    """Return the identity of a value that rows share: its canonical form, lowercase for an e-mail address."""
    identity = canonical(text)
    return identity.lower() if is_address(identity) else identity


def is_address(text: str) -> bool:
    """Return true if a text is an e-mail address, and nothing else."""
    return "@" in text and _ADDRESS(text) is not None


def look_alike(text: str) -> str:
    """Return the text as a person sees it, regardless of case, width, spaces and kinds of dashes.

    That is NFKC and case folding, with `-` for all dashes and minus signs, and without invisible characters. An
    apostrophe in front is removed too: a spreadsheet marks text with it, and an export may keep it.
    """
    return _visible(text).lstrip(_APOSTROPHES)


def mistakable(text: str) -> str:
    """Return the form of a key in which it is equal to those that a person mistakes for it.

    That is the look-alike form without a number sign in front, with Latin letters for those that look the same, and
    with hyphens for `_` and for `.` that is no decimal point. The punctuation of an e-mail address is left unchanged.
    """
    seen = look_alike(text).lstrip(_IN_FRONT)
    if not seen.isascii():
        seen = normalize("NFKC", _latin(seen))
    return seen if is_address(seen) else _hyphenated(seen)


def _latin(text: str) -> str:
    return "".join(map(_figure, text.translate(_LETTERS)))


def _figure(character: str) -> str:
    return str(digit(character)) if category(character) == "Nd" else character


def _hyphenated(text: str) -> str:
    return _POINT.sub("-", text.replace("_", "-"))


def _visible(text: str) -> str:
    if text.isascii():
        if text.isprintable():
            return text.lower().replace(" ", "")
        return "".join(each for each in text.lower() if each.isprintable() and each != " ")
    normalized = normalize("NFKC", normalize("NFKC", canonical(text)).casefold())
    visible = "".join(
        "-" if _is_dash(each) else each for each in normalized if not _is_invisible(each)
    )
    # Again: a removed character may have separated a letter from its accent.
    return normalize("NFKC", visible)


def unpadded(text: str) -> str:
    """Return a text without insignificant zeros in its numbers: po-7 and 12.5 for po-007 and 12.50.

    A spreadsheet drops such zeros, and adds them. A text that `brief` has shortened is left unchanged: its digest has
    digits that are no numbers.
    """
    if len(text) > SHORT or "0" not in text:
        return text
    return _NUMBER.sub(lambda match: _plain_number(*match.groups("")), text)


def _plain_number(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def apart(one: str, other: str) -> str:
    """Return the difference of two texts that look alike in words, as in "in case and hyphens"."""
    # A form matters if the texts still differ after all other forms are normalized.
    differences = [
        name
        for name in _FORMS
        if len({_normalized(text, besides=name) for text in (one, other)}) > 1
    ]
    return "in " + " and ".join(differences or ["characters that cannot be seen"])


def _normalized(text: str, *, besides: str) -> str:
    for name, form in _FORMS.items():
        if name != besides:
            text = form(text)
    return text


def brief(text: str) -> str:
    """Return a text of limited length, equal only for equal texts: for a long one, its beginning and a digest."""
    if len(text) <= SHORT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: SHORT + 1]}{digest}"


def _storable(character: str) -> str:
    """Return a character, with a lone surrogate escaped: JSON can express one, but databases refuse it."""
    return character.encode(errors="backslashreplace").decode()


def _is_dash(character: str) -> bool:
    return category(character) == "Pd" or character in _NO_DASH_BY_NAME


def _is_invisible(character: str) -> bool:
    return (
        character.isspace() or category(character) in ("Cf", "Cc") or ord(character) in _INVISIBLE
    )


_FORMS: Mapping[str, Callable[[str], str]] = {
    "spaces": lambda text: "".join(text.split()),
    "hyphens": lambda text: "".join("-" if _is_dash(each) else each for each in text),
    "case": lambda text: text.casefold(),
    "width or form of characters": lambda text: normalize("NFKC", text),
    "a sign in front": lambda text: text.lstrip(_IN_FRONT),
    "punctuation": _hyphenated,
    "letters of another alphabet": lambda text: text.translate(_LETTERS),
    "figures of another script": lambda text: "".join(map(_figure, text)),
    "zeros": unpadded,
}
"""Differences of texts that look alike by name, each with the function that normalizes it."""
