"""Numbers as sheets write them: decimal marks, thousands, currency signs, percent, and what accountants do to minus.

A column says how its numbers are written, and only that is read: `1,234` is a thousand and more where the thousands
are separated by commas, one and a bit where the comma is the decimal mark, and refused where nothing is said.
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
"""The number that a text is, exactly; None where it is none, or not written as the column says."""

PLAIN = Numbers()

MINUS = "\N{MINUS SIGN}"

_SEPARATORS = {
    " ": " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}", "'": "'\N{RIGHT SINGLE QUOTATION MARK}",
}  # fmt: skip
"""What else stands for a separator of thousands."""

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
"""Decimal marks and separators of thousands that go together, in the order in which they are proposed."""

_PLAIN = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?").fullmatch
_PLAIN_INTEGER = re.compile(r"[-+]?[0-9]+").fullmatch
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,2}").fullmatch
_CODE = re.compile(r"\b(?:USD|EUR|GBP|CAD|AUD|NZD|CHF|JPY|CNY|INR|MXN|SEK|NOK|DKK|PLN)\b")


@lru_cache(maxsize=256)
def compile_number(written: Numbers, *, whole: bool) -> ReadNumber:
    """Reads numbers that are written so; with `whole` those without a fraction."""
    if written == PLAIN:
        plain = _PLAIN_INTEGER if whole else _PLAIN
        return lambda text: Decimal(text) if plain(text) else None
    match, separators = _digits(written, whole=whole)

    def read(text: str) -> Decimal | None:
        taken = _bare(text.strip(), written)
        found = match(taken[0]) if taken else None
        if taken is None or found is None:
            return None
        whole_part, fraction = found["whole"].translate(separators), found["fraction"]
        return Decimal(
            f"{taken[1]}{whole_part}{f'.{fraction}' if fraction else ''}{'E-2' if written.percent else ''}"
        )

    return read


def _digits(
    written: Numbers, *, whole: bool
) -> tuple[Callable[[str], re.Match[str] | None], dict[int, None]]:
    """What matches the digits of a number, and a table that takes the separators of thousands out of them."""
    signs = _SEPARATORS.get(written.thousands, written.thousands)
    # A group of its own begins with no zero: in 0,125 the comma is a decimal mark, whatever the column says.
    groups = f"[1-9][0-9]{{0,2}}(?:[{re.escape(signs)}][0-9]{{3}})+|" if signs else ""
    fraction = (
        "(?P<fraction>(?!))?"
        if whole
        else f"(?:{re.escape(written.decimal_mark)}(?P<fraction>[0-9]+))?"
    )
    return re.compile(f"(?P<whole>{groups}[0-9]+){fraction}").fullmatch, dict.fromkeys(
        map(ord, signs)
    )


def _bare(text: str, written: Numbers) -> tuple[str, str] | None:
    """A number without what stands around it, and its sign; None where that does not go together."""
    signs: list[str] = []
    money = percent = 0
    while text:
        sign = next(
            (sign for sign in written.currency if text.startswith(sign) or text.endswith(sign)), ""
        )
        if sign:
            text, money = (
                (text.removeprefix(sign) if text.startswith(sign) else text.removesuffix(sign)),
                money + 1,
            )
        elif text[0] in "+-" or (written.accounting and text[0] == MINUS):
            signs, text = [*signs, "+" if text[0] == "+" else "-"], text[1:]
        elif written.accounting and (text[-1] == "-" or (text[0], text[-1]) == ("(", ")")):
            signs, text = (
                [*signs, "-"],
                text[:-1].removeprefix("(") if text[-1] == ")" else text[:-1],
            )
        elif written.percent and text[-1] == "%":
            text, percent = text[:-1], percent + 1
        else:
            break
        text = text.strip()
    if len(signs) > 1 or money > 1 or percent != written.percent:
        return None
    return text, "-" if signs == ["-"] else ""


def keys_of(written: Numbers) -> str:
    """How a column says that numbers are written so: `decimal_mark: ","`."""
    said = {
        "decimal_mark": written.decimal_mark if written.decimal_mark != "." else "",
        "thousands": written.thousands,
        "currency": written.currency[0] if len(written.currency) == 1 else list(written.currency),
    }
    keys = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in said.items() if value
    ]
    flags = {"accounting": written.accounting, "percent": written.percent}
    return ", ".join([*keys, *(f"{name}: true" for name, value in flags.items() if value)])


def ways(text: str, *, whole: bool) -> Iterator[tuple[Numbers, Decimal]]:
    """The ways in which a text can be a number, each with that number: a column could say any of them."""
    text = text.strip()
    currency = tuple(dict.fromkeys(money_of(text)))
    accounting = text.endswith("-") or MINUS in text or (text.endswith(")") and "(" in text)
    percent = text.endswith("%") and not whole
    for mark, thousands in dict.fromkeys(_plainest(text, whole=whole)):
        written = Numbers(mark, thousands, currency[:1], percent=percent, accounting=accounting)
        number = compile_number(written, whole=whole)(text)
        if number is not None:
            yield written, number


def _plainest(text: str, *, whole: bool) -> Iterator[tuple[str, str]]:
    """The marks that may be meant, without those that the text does not have."""
    for mark, thousands in MARKS:
        signs = re.escape(_SEPARATORS.get(thousands, thousands))
        apart = thousands if signs and re.search(f"[0-9][{signs}][0-9]{{3}}(?![0-9])", text) else ""
        point = mark if not whole and (mark in text or apart == ".") else "."
        if whole or point != apart:
            yield point, apart


def money_of(text: str) -> Iterator[str]:
    """The signs and codes of currencies in a text."""
    yield from (sign for sign in text if unicodedata.category(sign) == "Sc")
    yield from _CODE.findall(text)


def number_remedy(text: str, written: Numbers, *, whole: bool) -> str:
    """What to write instead of something that people read as a number and that is not one."""
    found = {number: keys_of(way) for way, number in reversed(list(ways(text, whole=whole)))}
    if written != PLAIN:
        return f"write it like {_example(written, whole=whole)}"
    said = [(format(number, "f"), keys) for number, keys in reversed(found.items()) if keys]
    if len(said) > 1:
        return "let the column say which it is: " + "; or ".join(
            f"{keys}, for {plain}" for plain, keys in said
        )
    plain, keys = said[0] if said else (_plain(text, whole=whole), "")
    if plain:
        return f"write {plain}" + (f", or let the column say {keys}" if keys else "")
    return (
        "write a whole number in digits, such as 12"
        if whole
        else "write digits and a point, such as 1234.50"
    )


def _plain(text: str, *, whole: bool) -> str:
    """The number in plain digits where an exponent or a lone point stands in the way, or nothing."""
    text = re.sub(r"(?<![0-9])\.(?=[0-9])", "0.", text.strip()).removesuffix(".")
    if _EXPONENT(text):
        text = format(Decimal(text), "f")
    digits, _, fraction = text.partition(".")
    text = digits if whole and not fraction.strip("0") else text
    return text if (_PLAIN_INTEGER if whole else _PLAIN)(text) else ""


def _example(written: Numbers, *, whole: bool) -> str:
    digits = f"1{written.thousands}234" + ("" if whole else f"{written.decimal_mark}50")
    return f"{''.join(written.currency[:1])}{digits}{'%' * written.percent}"
