"""Texts that name something: one form for texts that are the same, and one for texts that a person confuses.

    text                    canonical       look_alike
    "PO-1 "                 PO-1            po-1
    "PO-1" + U+200B         PO-1            po-1
    "po\\u20111"             po\\u20111       po-1
    "PO\\u00a0-  1"          PO - 1          po-1
    "Cafe" + U+0301         Café            café
    "'00618"                '00618          00618

An earlier run may have had PO-7 where a sheet has PO-007 now: a spreadsheet drops zeros that do not count (`unpadded`).

Equal canonical forms are one identity; e-mail addresses that rows share are compared in lower case as well. Texts whose
canonical forms differ and whose look-alike forms are equal are two identities that are refused rather than chosen
between.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from unicodedata import category, is_normalized, normalize

SHORT = 60
"""Characters up to which `brief` keeps a text unchanged."""

_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+").fullmatch

_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")

_NO_DASH_BY_NAME = frozenset("\u02d7\u2043\u2212\u2796\u2500\u30fc\u1173")
"""Characters that look like a hyphen and are no dash in Unicode's category: minus signs, a bullet, lines, vowels."""

_APOSTROPHES = "'\u2018\u2019"

_INVISIBLE = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)
) | frozenset((*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Code points without a shape of their own that are no format characters: joiners, fillers, variation selectors."""


def canonical(text: str) -> str:
    """Return the text as an identity: NFC, without format characters (Cf), its spaces trimmed and collapsed.

    Spaces are all that Unicode calls white space: no-break and ideographic ones, tabs and line ends too.
    """
    if not text.isascii():
        if not text.isprintable():  # a format character is never printable
            text = "".join(_storable(each) for each in text if category(each) != "Cf")
        if not is_normalized("NFC", text):
            text = normalize("NFC", text)
    return " ".join(text.split())


def canonical_shared(text: str) -> str:
    """Return the identity of a value that rows share: canonical, and of an e-mail address in lower case."""
    found = canonical(text)
    return found.lower() if is_address(found) else found


def is_address(text: str) -> bool:
    """Return whether a text is an e-mail address, and nothing else."""
    return "@" in text and _ADDRESS(text) is not None


def look_alike(text: str) -> str:
    """Return what a person sees of the text: case, width, spaces and kinds of dashes make no difference.

    That is NFKC and case folding, all dashes and minus signs as `-`, and nothing that has no shape. An apostrophe in
    front makes none either: a spreadsheet has it for a text, and an export may keep it.
    """
    return _seen(text).lstrip(_APOSTROPHES)


def _seen(text: str) -> str:
    if text.isascii():
        if text.isprintable():
            return text.lower().replace(" ", "")
        return "".join(each for each in text.lower() if each.isprintable() and each != " ")
    folded = normalize("NFKC", normalize("NFKC", canonical(text)).casefold())
    shown = "".join("-" if _is_dash(each) else each for each in folded if not _is_unseen(each))
    return normalize("NFKC", shown)  # what was left out may have kept a letter from its accent


def unpadded(text: str) -> str:
    """Return a text in which numbers have no zeros that do not count: po-007 and 12.50 as po-7 and 12.5.

    A spreadsheet drops such zeros, and puts them back. What `brief` has shortened is left as it is.
    """
    if len(text) > SHORT or "0" not in text:
        return text
    return _NUMBER.sub(lambda found: _plain_number(*found.groups("")), text)


def _plain_number(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def apart(one: str, other: str) -> str:
    """Return in what two texts that look alike differ, in words: in case and hyphens."""
    needed = [
        name for name in _FORMS
        if len({_formed(text, besides=name) for text in (one, other)}) > 1
    ]  # fmt: skip
    return "in " + " and ".join(needed or ["characters that cannot be seen"])


def _formed(text: str, *, besides: str) -> str:
    for name, form in _FORMS.items():
        if name != besides:
            text = form(text)
    return text


def brief(text: str) -> str:
    """Return a text of limited length that is equal for equal texts only: a long one as its beginning and a digest."""
    if len(text) <= SHORT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: SHORT + 1]}{digest}"


def _storable(character: str) -> str:
    """Return half of a surrogate pair, which JSON can bring in and no database takes, as its escape."""
    return character.encode(errors="backslashreplace").decode()


def _is_dash(character: str) -> bool:
    return category(character) == "Pd" or character in _NO_DASH_BY_NAME


def _is_unseen(character: str) -> bool:
    return (
        character.isspace() or category(character) in ("Cf", "Cc") or ord(character) in _INVISIBLE
    )


_FORMS: Mapping[str, Callable[[str], str]] = {
    "spaces": lambda text: "".join(text.split()),
    "hyphens": lambda text: "".join("-" if _is_dash(each) else each for each in text),
    "case": lambda text: text.casefold(),
    "width or form of characters": lambda text: normalize("NFKC", text),
    "an apostrophe in front": lambda text: text.lstrip(_APOSTROPHES),
    "zeros": unpadded,
}
"""What two texts that look alike may differ in, and what makes no difference of it."""
