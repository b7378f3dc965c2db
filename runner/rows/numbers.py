"""Numbers in the notation of sheets: decimal marks, thousands, currency signs, percent, and accountants' minus.

A column declares its notation, and only that is read: `1,234` is a thousand and more where commas separate the
thousands, one and a bit where the comma is the decimal mark, and refused where the column declares neither.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache

from runner.recipe.model import Numbers

ReadNumber = Callable[[str], Decimal | None]
"""Function from a text to its exact number; None where it is none, or not in the column's notation."""

PLAIN = Numbers()

MINUS = "\N{MINUS SIGN}"

_SEPARATORS = {
    " ": " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}",
    "'": "'\N{RIGHT SINGLE QUOTATION MARK}",
}
"""Characters that are equivalent to a separator of thousands."""

MARKS = (
    (".", ","),
    (",", "."),
    (".", ""),
    (",", ""),
    (".", " "),
    (",", " "),
    (".", "'"),
    (",", "'"),
)
"""Pairs of decimal mark and separator of thousands, in the order in which they are proposed."""

_PLAIN = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?").fullmatch
_PLAIN_INTEGER = re.compile(r"[-+]?[0-9]+").fullmatch
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,2}").fullmatch
_CODE = re.compile(r"\b(?:USD|EUR|GBP|CAD|AUD|NZD|CHF|JPY|CNY|INR|MXN|SEK|NOK|DKK|PLN)\b")


@lru_cache(maxsize=256)
def compile_number(written: Numbers, *, integer: bool) -> ReadNumber:
    """Return the function that reads numbers in this notation; with `integer` those without a fraction."""
    if written == PLAIN:
        plain = _PLAIN_INTEGER if integer else _PLAIN
        return lambda text: Decimal(text) if plain(text) else None
    match, separators = _digits(written, integer=integer)

    def read(text: str) -> Decimal | None:
        bare = _bare(text.strip(), written)
        digits = match(bare[0]) if bare else None
        if bare is None or digits is None:
            return None
        whole_part, fraction = digits["whole"].translate(separators), digits["fraction"]
        point = f".{fraction}" if fraction else ""
        # The exponent divides by 100 exactly.
        return Decimal(f"{bare[1]}{whole_part}{point}{'E-2' if written.percent else ''}")

    return read


def _digits(
    written: Numbers, *, integer: bool
) -> tuple[Callable[[str], re.Match[str] | None], dict[int, None]]:
    """Return the matcher of a number's digits, and the table that removes its separators of thousands."""
    signs = _SEPARATORS.get(written.thousands, written.thousands)
    # The first group begins with no zero: in 0,125 the comma is a decimal mark in any notation.
    groups = f"[1-9][0-9]{{0,2}}(?:[{re.escape(signs)}][0-9]{{3}})+|" if signs else ""
    fraction = f"(?:{re.escape(written.decimal_mark)}(?P<fraction>[0-9]+))?"
    if integer:
        # A group that never matches, so that the caller can read it.
        fraction = "(?P<fraction>(?!))?"
    pattern = re.compile(f"(?P<whole>{groups}[0-9]+){fraction}")
    return pattern.fullmatch, dict.fromkeys(map(ord, signs))


def _bare(text: str, written: Numbers) -> tuple[str, str] | None:
    """Return a number without the signs around it, and its minus; None where the signs contradict each other."""
    signs: list[str] = []
    money = percent = 0
    while text:
        sign = next(
            (sign for sign in written.currency if text.startswith(sign) or text.endswith(sign)), ""
        )
        if sign:
            at_start = text.startswith(sign)
            text = text.removeprefix(sign) if at_start else text.removesuffix(sign)
            money += 1
        elif text[0] in "+-" or (written.accounting and text[0] == MINUS):
            signs.append("+" if text[0] == "+" else "-")
            text = text[1:]
        elif written.accounting and (text[-1] == "-" or (text[0], text[-1]) == ("(", ")")):
            signs.append("-")
            text = text[:-1].removeprefix("(") if text[-1] == ")" else text[:-1]
        elif written.percent and text[-1] == "%":
            text, percent = text[:-1], percent + 1
        else:
            break
        text = text.strip()
    if len(signs) > 1 or money > 1 or percent != written.percent:
        return None
    return text, "-" if signs == ["-"] else ""


def keys_of(written: Numbers) -> str:
    """Return the keys with which a column declares this notation: `decimal_mark: ","`."""
    values = {
        "decimal_mark": written.decimal_mark if written.decimal_mark != "." else "",
        "thousands": written.thousands,
        "currency": written.currency[0] if len(written.currency) == 1 else list(written.currency),
    }
    keys = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
        if value
    ]
    flags = {"accounting": written.accounting, "percent": written.percent}
    return ", ".join([*keys, *(f"{name}: true" for name, value in flags.items() if value)])


def ways(text: str, *, integer: bool) -> Iterator[tuple[Numbers, Decimal]]:
    """Yield the notations in which a text is a number, each with that number: a column could declare any of them."""
    text = text.strip()
    currency = tuple(dict.fromkeys(money_of(text)))
    accounting = text.endswith("-") or MINUS in text or (text.endswith(")") and "(" in text)
    percent = text.endswith("%") and not integer
    for mark, thousands in dict.fromkeys(_plainest(text, integer=integer)):
        written = Numbers(mark, thousands, currency[:1], percent=percent, accounting=accounting)
        number = compile_number(written, integer=integer)(text)
        if number is not None:
            yield written, number


def _plainest(text: str, *, integer: bool) -> Iterator[tuple[str, str]]:
    """Yield the marks that may be meant, without those that the text lacks."""
    for mark, thousands in MARKS:
        signs = re.escape(_SEPARATORS.get(thousands, thousands))
        apart = thousands if signs and re.search(f"[0-9][{signs}][0-9]{{3}}(?![0-9])", text) else ""
        point = mark if not integer and (mark in text or apart == ".") else "."
        if integer or point != apart:
            yield point, apart


def money_of(text: str) -> Iterator[str]:
    """Yield the signs and codes of currencies in a text."""
    yield from (sign for sign in text if unicodedata.category(sign) == "Sc")
    yield from _CODE.findall(text)


def number_remedy(text: str, written: Numbers, *, integer: bool) -> str:
    """Return the remedy for a text that people read as a number and that is not one in this notation."""
    if written != PLAIN:
        return f"write it like {_example(written, integer=integer)}"
    # Reversed twice: of several notations for one number the first is proposed.
    notations = {
        number: keys_of(way) for way, number in reversed(list(ways(text, integer=integer)))
    }
    readings = [(format(number, "f"), keys) for number, keys in reversed(notations.items()) if keys]
    if len(readings) > 1:
        return "let the column say which it is: " + "; or ".join(
            f"{keys}, for {plain}" for plain, keys in readings
        )
    plain, keys = readings[0] if readings else (_plain(text, integer=integer), "")
    if plain:
        return f"write {plain}" + (f", or let the column say {keys}" if keys else "")
    if integer:
        return "write a whole number in digits, such as 12"
    return "write digits and a point, such as 1234.50"


def _plain(text: str, *, integer: bool) -> str:
    """Return the number in plain digits where it has an exponent or a bare point, or nothing."""
    text = re.sub(r"(?<![0-9])\.(?=[0-9])", "0.", text.strip()).removesuffix(".")
    if _EXPONENT(text):
        text = format(Decimal(text), "f")
    digits, _, fraction = text.partition(".")
    text = digits if integer and not fraction.strip("0") else text
    is_plain = _PLAIN_INTEGER if integer else _PLAIN
    return text if is_plain(text) else ""


def _example(written: Numbers, *, integer: bool) -> str:
    fraction = "" if integer else f"{written.decimal_mark}50"
    percent = "%" if written.percent else ""
    return f"{''.join(written.currency[:1])}1{written.thousands}234{fraction}{percent}"
