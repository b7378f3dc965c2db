"""What the text of a cell becomes, and what it has to be."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from corpora import cases
from hypothesis import given
from hypothesis import strategies as st

from runner.recipe.model import Column
from runner.rows.cells import CellError, compile_cell

WHOLE = "write a whole number in digits, such as 12"
NO_FORMAT, NO_DAY = (
    "has a date format that cannot be used",
    "does not read a day, a month and a year",
)
DIGITS = "write digits and a point, such as 1234.50"


def value(cell: str, **column: Any) -> Any:
    convert = compile_cell(Column("x", "x", **column))
    return convert(cell) if convert else cell or None


def refusal(cell: str, **column: Any) -> tuple[str, str]:
    convert = compile_cell(Column("x", "x", **column))
    assert convert
    with pytest.raises(CellError) as caught:
        convert(cell)
    return caught.value.message, caught.value.remedy


@pytest.mark.parametrize("cell", ["x", " x ", "007", "1e5", "\n", " ", "{{ 7*7 }}", "NULL", "=1+1"])
def test_text_stays_as_it_is(cell: str) -> None:
    assert value(cell) == cell


@pytest.mark.parametrize("case", cases("cells"))
def test_nothing_is_guessed(case: dict[str, str]) -> None:
    if case["due"] == "kept":
        assert value(case["text"], type=case["type"]) == case["text"]
    else:
        assert refusal(case["text"], type=case["type"])[1], "what to write instead"


@pytest.mark.parametrize(
    ("type_", "cell", "expected"),
    [
        ("integer", "12", 12),
        ("integer", " -007\t", -7),
        ("integer", "+5", 5),
        ("integer", "9" * 4300, 10**4300 - 1),
        ("decimal", "12.10", Decimal("12.10")),
        ("decimal", " 5 ", Decimal(5)),
        ("decimal", "-0.5", Decimal("-0.5")),
        ("decimal", "1" * 40 + ".01", Decimal("1" * 40 + ".01")),
        ("boolean", "TRUE", True),
        ("boolean", "no", False),
        ("boolean", "1", True),
        ("boolean", " 0 ", False),
        ("date", "2024-02-29", datetime.date(2024, 2, 29)),
    ],
)
def test_typed_values(type_: str, cell: str, expected: Any) -> None:
    found = value(cell, type=type_)
    assert (type(found), str(found) if type_ == "decimal" else found) == (
        type(expected),
        str(expected) if type_ == "decimal" else expected,
    )


@given(st.integers())
def test_integers_of_any_length_are_exact(number: int) -> None:
    assert value(str(number), type="integer") == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_decimals_are_exactly_what_is_written(number: Decimal) -> None:
    assert str(value(format(number, "f"), type="decimal")) == format(number, "f")


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("1,5", WHOLE),
        ("12.50", WHOLE),
        ("x", WHOLE),
        ("1,234", 'write 1234, or let the column say thousands: ","'),
        ("12.0", "write 12"),
        ("1e3", "write 1000"),
        ("(5)", "write -5, or let the column say accounting: true"),
        ("5-", "write -5, or let the column say accounting: true"),
        ("\N{MINUS SIGN}5", "write -5, or let the column say accounting: true"),
        ("1 000", 'write 1000, or let the column say thousands: " "'),
        ("1'000", 'write 1000, or let the column say thousands: "\'"'),
        ("12.", "write 12"),
        ("1_000", WHOLE),
        ("٣", WHOLE),
        ("0x10", WHOLE),
        ("1e999", WHOLE),
        ("--5", WHOLE),
        ("", WHOLE),
    ],
)
def test_what_is_no_integer(cell: str, remedy: str) -> None:
    assert refusal(cell, type="integer", empty=("none",)) == (f"{cell!r} is not an integer", remedy)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("1,234.50", 'write 1234.50, or let the column say thousands: ","'),
        ("-1,234,567.8", 'write -1234567.8, or let the column say thousands: ","'),
        ("1.234,50", 'write 1234.50, or let the column say decimal_mark: ",", thousands: "."'),
        ("1.234.567", 'write 1234567, or let the column say decimal_mark: ",", thousands: "."'),
        (
            "1\N{NO-BREAK SPACE}234,50",
            'write 1234.50, or let the column say decimal_mark: ",", thousands: " "',
        ),
        ("1,5", 'write 1.5, or let the column say decimal_mark: ","'),
        (
            "1,234",
            'let the column say which it is: thousands: ",", for 1234; or decimal_mark: ",", for 1.234',
        ),
        ("$12.50", 'write 12.50, or let the column say currency: "$"'),
        ("12,50 €", 'write 12.50, or let the column say decimal_mark: ",", currency: "€"'),
        ("(5.00)", "write -5.00, or let the column say accounting: true"),
        (
            "($1,234.50)",
            'write -1234.50, or let the column say thousands: ",", currency: "$", accounting: true',
        ),
        ("1.5e3", "write 1500"),
        ("5e-3", "write 0.005"),
        (".5", "write 0.5"),
        ("5.", "write 5"),
        ("12.50 USD", 'write 12.50, or let the column say currency: "USD"'),
        ("50%", "write 0.50, or let the column say percent: true"),
        ("NaN", DIGITS),
        ("Infinity", DIGITS),
        ("1.2.3", DIGITS),
    ],
)
def test_what_is_no_decimal(cell: str, remedy: str) -> None:
    assert refusal(cell, type="decimal") == (f"{cell!r} is not a decimal number", remedy)


@given(st.text(st.sampled_from("0123456789.,-+() e$'"), min_size=1, max_size=14))
def test_a_number_that_is_proposed_is_one(cell: str) -> None:
    convert = compile_cell(Column("x", "x", type="decimal"))
    assert convert
    try:
        convert(cell)
    except CellError as error:
        proposed = error.remedy.removeprefix("write ").partition(", or let the column say ")[0]
        several = error.remedy.startswith("let the column say which it is: ")
        assert error.remedy == DIGITS or several or isinstance(convert(proposed), Decimal)


def test_more_digits_than_can_be_written_again() -> None:
    message, remedy = refusal("1" * 4301, type="integer")
    assert message == f"'{'1' * 57}...' has more than 4,300 digits"
    assert remedy == "an identifier is `type: string`"


@pytest.mark.parametrize(
    "cell", ["2024-2-29", "2023-02-29", "20240229", "2024-W01-1", "02/29/2024", "2024-02-29T00"]
)
def test_what_is_no_date(cell: str) -> None:
    remedy = "write it like 2025-12-31, or give the column a `format`"
    assert refusal(cell, type="date") == (f"{cell!r} is not a date", remedy)


def test_dates_in_the_format_of_the_column() -> None:
    assert value(" 2/9/2024 ", type="date", format=("%m/%d/%Y",)) == datetime.date(2024, 2, 9)
    assert value("09.02.24 13:30", type="date", format=("%d.%m.%y %H:%M",)) == datetime.date(
        2024, 2, 9
    )
    message, remedy = refusal("31/12/2025", type="date", format=("%m/%d/%Y",))
    assert (message, remedy) == (
        "'31/12/2025' is not a date",
        "write it like 12/31/2025 (%m/%d/%Y)",
    )


def test_what_is_neither_true_nor_false() -> None:
    assert refusal("x", type="boolean") == (
        "'x' is not true or false",
        "write true or false, yes or no, 1 or 0",
    )


@pytest.mark.parametrize("type_", ["string", "integer", "decimal", "boolean", "date"])
def test_cells_that_mean_no_value(type_: str) -> None:
    assert value("", type=type_) is None
    assert value("NULL", type=type_, empty=("", "NULL")) is None
    assert value(" NULL ", type="integer", empty=(" NULL",)) is None
    assert value(" NULL", empty=("NULL",)) == " NULL"
    assert value("", empty=("NULL",)) == ""


def test_a_value_that_is_required() -> None:
    assert refusal("", required=True) == ("is empty", "fill it in")
    assert refusal("  ", required=True, type="integer") == ("is empty", "fill it in")
    assert refusal("TBD", required=True, empty=("TBD",)) == (
        "has no value: 'TBD' stands for none",
        "fill it in",
    )


@pytest.mark.parametrize(
    ("column", "good", "bad", "message"),
    [
        ({"min_length": 2}, "ab", "a", "'a' has fewer than 2 characters"),
        ({"max_length": 2}, "ab", "abc", "'abc' has more than 2 characters"),
        ({"pattern": "^A[0-9]"}, "A1x", "xA1", "'xA1' does not match the pattern '^A[0-9]'"),
        ({"type": "integer", "minimum": 1}, "1", "0", "'0' is below the minimum of 1"),
        (
            {"type": "decimal", "maximum": Decimal("9.5")},
            "9.50",
            "9.51",
            "'9.51' is above the maximum of 9.5",
        ),
        ({"enum": ("Check", "Cash")}, "Cash", "cash", "'cash' is not one of the values allowed"),
        (
            {"type": "integer", "enum": ("1", "2")},
            "02",
            "3",
            "'3' is not one of the values allowed",
        ),
    ],
)
def test_constraints(column: dict[str, Any], good: str, bad: str, message: str) -> None:
    assert value(good, **column) is not None
    assert refusal(bad, **column)[0] == message
    assert value("", **column) is None


def test_the_nearest_value_allowed() -> None:
    assert refusal("Chek", enum=("Check", "Cash"))[1] == "did you mean 'Check'?"
    assert refusal("Wire", enum=("Check", "Cash"))[1] == "known values: Cash, Check"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"type": "money"}, "has the unknown type 'money'"),
        (
            {"pattern": "*"},
            "has a pattern that is no regular expression: nothing to repeat at position 0",
        ),
        ({"type": "date", "format": ("%Q",)}, f"{NO_FORMAT}: '%Q' {NO_DAY}"),
        ({"type": "date", "format": ("%m/%d",)}, f"{NO_FORMAT}: '%m/%d' {NO_DAY}"),
        ({"type": "integer", "enum": ("one",)}, "'one' is not an integer"),
    ],
)
def test_columns_that_cannot_be_used(column: dict[str, Any], message: str) -> None:
    with pytest.raises(CellError) as caught:
        compile_cell(Column("x", "x", **column))
    assert caught.value.message == message
