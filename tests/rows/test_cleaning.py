"""What cleaning makes of the cells of a messy sheet, and what it refuses to guess."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.recipe.model import Column, Numbers
from runner.rows.cells import CellError, compile_cell
from runner.rows.numbers import compile_number

from .conftest import Open, Refuse
from .test_cells import refusal, value

GERMAN = Numbers(",", ".")
DOLLARS = Numbers(".", ",", ("$", "USD"), accounting=True)


@pytest.mark.parametrize(
    ("written", "cell", "number"),
    [
        (GERMAN, "1.234,50", "1234.50"),
        (GERMAN, "1234,50", "1234.50"),
        (GERMAN, "1.234", "1234"),
        (GERMAN, "-0,5", "-0.5"),
        (Numbers(",", " "), "1\N{NARROW NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,8", "1234567.8"),
        (Numbers(".", "'"), "1\N{RIGHT SINGLE QUOTATION MARK}234.50", "1234.50"),
        (DOLLARS, "$1,234.50", "1234.50"),
        (DOLLARS, "-$5.00", "-5.00"),
        (DOLLARS, "$-5.00", "-5.00"),
        (DOLLARS, "(5.00)", "-5.00"),
        (DOLLARS, "$(1,234.50)", "-1234.50"),
        (DOLLARS, "( $ 1,234.50 )", "-1234.50"),
        (DOLLARS, "5.00-", "-5.00"),
        (DOLLARS, "\N{MINUS SIGN}5.00 USD", "-5.00"),
        (DOLLARS, "12.10", "12.10"),
        (Numbers(percent=True), "7.5%", "0.075"),
        (Numbers(percent=True), "-12 %", "-0.12"),
    ],
)
def test_numbers_as_a_column_says_they_are_written(
    written: Numbers, cell: str, number: str
) -> None:
    assert str(value(cell, type="decimal", written=written)) == number


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        (Numbers(), "1,234"),
        (GERMAN, "1.23"),
        (GERMAN, "1,234.50"),
        (GERMAN, "1.2345"),
        (GERMAN, "0.123"),
        (Numbers(",", ""), "1.234"),
        (Numbers(".", ","), "0,125"),
        (Numbers(".", ","), "12,34,567"),
        (Numbers(".", ","), "(5.00)"),
        (Numbers(".", ","), "$5"),
        (DOLLARS, "€5"),
        (DOLLARS, "$5 USD"),
        (DOLLARS, "-(5)"),
        (DOLLARS, "(5"),
        (DOLLARS, "5-)"),
        (DOLLARS, "-5-"),
        (DOLLARS, "$"),
        (Numbers(percent=True), "7.5"),
        (Numbers(percent=True), "7.5%%"),
        (Numbers(percent=True), "%"),
    ],
)
def test_what_a_column_does_not_say_is_refused(written: Numbers, cell: str) -> None:
    message, remedy = refusal(cell, type="decimal", written=written)
    assert "is not a decimal number" in message
    assert remedy


def test_what_can_be_two_numbers_is_neither() -> None:
    remedy = (
        'let the column say which it is: thousands: ",", for 1234; or decimal_mark: ",", for 1.234'
    )
    assert refusal("1,234", type="decimal")[1] == remedy
    remedy = "write it like $1,234.50"
    assert refusal("1.234,50", type="decimal", written=DOLLARS)[1] == remedy


def written(number: Decimal, way: Numbers) -> str:
    """A number as a sheet would show it."""
    sign, digits, exponent = number.as_tuple()
    shown = Decimal((0, digits, int(exponent) + 2 * way.percent))
    whole, _, fraction = format(shown, "f").partition(".")
    groups = format(int(whole), ",").replace(",", way.thousands or "")
    text = groups + (way.decimal_mark + fraction if fraction else "")
    text = "".join(way.currency[:1]) + text + "%" * way.percent
    return f"({text})" if sign and way.accounting else f"-{text}" if sign else text


WAYS = st.builds(
    Numbers,
    st.sampled_from([".", ","]),
    st.sampled_from(["", ",", ".", " ", "'"]),
    st.sampled_from([(), ("$",), ("€",), ("CHF",)]),
    percent=st.booleans(),
    accounting=st.booleans(),
).filter(lambda way: way.decimal_mark != way.thousands)
NUMBERS = st.decimals(min_value=-(10**15), max_value=10**15, places=2) | st.integers().map(Decimal)


@settings(max_examples=300)
@given(NUMBERS, WAYS)
def test_any_number_comes_back_exact_as_it_is_written(number: Decimal, way: Numbers) -> None:
    number = number.copy_abs() if number.is_zero() else number
    read = compile_number(way, integer=False)(written(number, way))
    assert read == number
    assert read is None or read.is_signed() == number.is_signed()


@settings(max_examples=500)
@given(NUMBERS, WAYS, WAYS)
def test_a_number_written_in_another_way_is_exact_or_refused(
    number: Decimal, way: Numbers, declared: Numbers
) -> None:
    """Unless the text means that other number in the declared way: 1,234 is two numbers, and the column says which."""
    text = written(number, way)
    read = compile_number(declared, integer=False)(text)
    assert read is None or read == number or text in set(writings(read, declared))


def writings(number: Decimal, way: Numbers) -> Iterator[str]:
    """A number as a sheet may write it that leaves out some of what its column allows."""
    for thousands, currency, accounting in product(
        (way.thousands, ""), (way.currency, ()), (way.accounting, False)
    ):
        yield written(
            number, way._replace(thousands=thousands, currency=currency, accounting=accounting)
        )


@settings(max_examples=300)
@given(st.text(st.sampled_from("0123456789.,-+()% $€'"), max_size=14), WAYS)
def test_no_text_is_read_as_another_number_than_its_digits(text: str, way: Numbers) -> None:
    read = compile_number(way, integer=False)(text)
    if read is not None:
        digits = "".join(sign for sign in text if sign.isdecimal())
        assert int("".join(map(str, read.as_tuple().digits))) == int(digits)


def test_days_in_several_formats() -> None:
    several: dict[str, Any] = {"type": "date", "format": ("%m/%d/%Y", "%Y-%m-%d", "%d-%b-%y")}
    assert [value(cell, **several) for cell in ("2/9/2024", "2024-02-09", "9-Feb-24")] == [
        dt.date(2024, 2, 9)
    ] * 3
    message, remedy = refusal("9.2.2024", **several)
    assert message == "'9.2.2024' is not a date"
    assert (
        remedy
        == "write it like 12/31/2025 or 2025-12-31 or 31-Dec-25 (%m/%d/%Y, %Y-%m-%d, %d-%b-%y)"
    )


def test_a_day_that_two_formats_read_otherwise_is_refused() -> None:
    several: dict[str, Any] = {"type": "date", "format": ("%m/%d/%Y", "%d/%m/%Y")}
    assert value("31/12/2024", **several) == dt.date(2024, 12, 31)
    assert value("03/03/2024", **several) == dt.date(2024, 3, 3)
    message, remedy = refusal("03/04/2024", **several)
    assert message == "'03/04/2024' can be 2024-03-04 or 2024-04-03"
    assert remedy == "write the month as a word, or keep one `format`"


@pytest.mark.parametrize(
    ("locale", "form", "cell"),
    [
        ("de", "%d. %B %Y", "3. März 2025"),
        ("de", "%d. %b %Y", "3. MÄRZ 2025"),
        ("de-AT", "%d. %B %Y", "3. mär. 2025"),
        ("fr", "%d %B %Y", "3 mars 2025"),
        ("es", "%d de %B de %Y", "3 de marzo de 2025"),
        ("pt_BR", "%d-%b-%y", "3-mar-25"),
        ("", "%d %B %Y", "3 March 2025"),
    ],
)
def test_the_names_of_months(locale: str, form: str, cell: str) -> None:
    assert value(cell, type="date", format=(form,), locale=locale) == dt.date(2025, 3, 3)


def test_months_of_another_language_are_refused() -> None:
    remedy = "write it like 31. Dezember 2025 (%d. %B %Y)"
    assert refusal("3. March 2025", type="date", format=("%d. %B %Y",), locale="de")[1] == remedy


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ({"trim": True}, "\N{NO-BREAK SPACE} x y \t", "x y"),
        ({"trim": True}, "  ", None),
        ({"case": "upper"}, "po-1", "PO-1"),
        ({"case": "lower"}, "Dana@X.Example", "dana@x.example"),
        (
            {"case": "title"},
            "RIVERSIDE o'brien's d'arcy-smith café",
            "Riverside O'Brien's D'Arcy-Smith Café",
        ),
        ({"replace": (("#", ""), ("PO", "P.O."))}, "#PO1", "P.O.1"),
        ({"replace": (("n/a", ""),)}, "n/a", None),
        ({"replace": (("n/a", ""),), "default": "M"}, "n/a", "M"),
        ({"replace": (("units", ""),), "type": "integer"}, "12 units", 12),
        ({"map": {"Navy": "NVY"}, "trim": True, "case": "title"}, " NAVY ", "NVY"),
        ({"map": {"dozen": 12}, "type": "integer"}, " dozen ", 12),
        ({"map": {"Navy": "NVY", "-": None}, "default": "BLK"}, "-", "BLK"),
        ({"default": 1, "type": "integer"}, "", 1),
        ({"default": "M", "empty": ("TBD",)}, "TBD", "M"),
        ({"split": ";"}, " S; M ;;XL ", ["S", "M", "XL"]),
        ({"split": ";"}, "", []),
        ({"split": ","}, "S", ["S"]),
        (
            {"split": ";", "type": "decimal", "written": GERMAN},
            "1,5; 1.000",
            [Decimal("1.5"), Decimal(1000)],
        ),
        ({"split": ";", "map": {"small": "S"}, "case": "lower"}, "SMALL;small", ["S", "S"]),
        ({"split": ";", "empty": ("-",)}, "S;-", ["S"]),
        ({"split": "-", "part": (3, 3)}, "G500-NVY- XL", "XL"),
        ({"split": "-", "part": (2, 3), "map": {"NVY": "Navy"}}, "G500-NVY-XL", "Navy"),
        ({"split": "x", "part": (1, 2), "type": "integer"}, "12 x 30", 12),
        ({"split": "-", "part": (2, 3)}, "G500--XL", None),
        ({"split": "-", "part": (2, 3)}, "", None),
    ],
)
def test_what_cleaning_makes_of_a_cell(column: dict[str, Any], cell: str, expected: Any) -> None:
    assert value(cell, **column) == expected


@pytest.mark.parametrize(
    ("column", "cell", "message", "remedy"),
    [
        (
            {"map": {"Navy": "NVY", "Black": "BLK"}}, "Nvay", "'Nvay' is not in the `map` of the column",
            "did you mean 'Navy'? it has Navy, Black",
        ),
        (
            {"map": {"Navy": "NVY", "Black": "BLK"}}, "Puce", "'Puce' is not in the `map` of the column",
            "known values: Black, Navy",
        ),
        ({"split": "-", "part": (3, 3)}, "G500-NVY", "'G500-NVY' has 2 parts by '-', not 3", "write all of them"),
        ({"split": "-", "part": (1, 2)}, "T-SHIRT-NVY", "'T-SHIRT-NVY' has 3 parts by '-', not 2", "write all of them"),
        ({"split": "-", "part": (2, 3), "required": True}, "G500--XL", "is empty", "fill it in"),
        ({"split": ";", "type": "integer"}, "1; two", "item 2: 'two' is not an integer", None),
        ({"split": ";", "enum": ("S", "M")}, "S;L", "item 2: 'L' is not one of the values allowed", None),
        ({"split": ";", "required": True}, " ; ", "is empty", "fill it in"),
        ({"replace": (("-", ""),), "required": True}, "-", "is empty", "fill it in"),
        ({"trim": True, "required": True}, "  ", "is empty", "fill it in"),
    ],
)  # fmt: skip
def test_what_cleaning_refuses(
    column: dict[str, Any], cell: str, message: str, remedy: str | None
) -> None:
    found = refusal(cell, **column)
    assert found[0] == message
    assert remedy is None or found[1] == remedy


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ({}, 12345, "12345"),
        ({"trim": True}, Decimal("12.50"), "12.50"),
        ({"trim": True}, True, "true"),
        ({"type": "integer"}, 12, 12),
        ({"type": "integer"}, Decimal("12.0"), 12),
        ({"type": "integer", "map": {"1": 10}}, 1, 10),
        ({"type": "decimal"}, 12, Decimal(12)),
        ({"type": "decimal", "written": GERMAN}, Decimal("1234.5"), Decimal("1234.5")),
        ({"type": "decimal", "written": Numbers(percent=True)}, Decimal("0.075"), Decimal("0.075")),
        ({"type": "decimal", "empty": ("0",)}, 0, None),
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, 1, True),
        ({"type": "date", "format": ("%m/%d/%Y",)}, dt.date(2024, 2, 9), dt.date(2024, 2, 9)),
        ({"type": "date"}, dt.datetime(2024, 2, 9, 13, 30), dt.date(2024, 2, 9)),  # noqa: DTZ001 - as a sheet has it
        ({"trim": True}, dt.date(2024, 2, 9), "2024-02-09"),
        ({"type": "integer", "default": 1}, None, 1),
        ({"split": ";", "type": "integer"}, 7, [7]),
        ({"split": ";", "type": "integer"}, [7, "8", None], [7, 8]),
        ({"split": ";"}, None, []),
    ],
)
def test_cells_that_are_typed_already(column: dict[str, Any], cell: Any, expected: Any) -> None:
    convert = compile_cell(Column("x", "x", **(column or {"trim": True})))
    assert convert
    found = convert(cell)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", Decimal("12.5")),
        ("integer", True),
        ("decimal", True),
        ("boolean", 2),
        ("date", 45000),
    ],
)
def test_typed_cells_of_another_type(kind: str, cell: Any) -> None:
    convert = compile_cell(Column("x", "x", type=kind))
    assert convert
    with pytest.raises(CellError):
        convert(cell)


def test_one_of_several_headers(opened: Open, refused: Refuse) -> None:
    columns = Column("a", "a"), Column("email", "E-mail", others=("Email", "Mail Address"))
    assert next(iter(opened("a, Email \n1,x\n", *columns))).values == {"a": "1", "email": "x"}
    assert next(iter(opened('a,"Mail\nAddress"\n1,x\n', *columns))).values == {
        "a": "1",
        "email": "x",
    }
    problem = refused("a,Email,E-mail\n1,x,y\n", *columns).problems[0]
    assert problem.message == "'E-mail' and 'Email' are both there, and email is one of them"
    assert (problem.line, problem.column, problem.kind) == (1, 3, "repeated-column")
    problem = refused("a,Mial\n1,x\n", *columns).problems[0]
    assert problem.message == "there is no column 'E-mail' or 'Email' or 'Mail Address' for email"


def test_one_of_several_fields_of_json(opened: Open, refused: Refuse) -> None:
    columns = Column("a", "a"), Column("email", "email", others=("client.mail",))
    lines = '{"a": "1", "email": "x"}\n{"a": "2", "client": {"mail": "y"}}\n{"a": "3"}\n'
    assert [row.values["email"] for row in opened(lines, *columns, ending=".jsonl")] == [
        "x",
        "y",
        None,
    ]
    problem = refused(
        '{"a": "1", "email": "x", "client": {}}\n', *columns, ending=".jsonl"
    ).problems[0]
    assert problem.message == "email is 'email' or 'client.mail', and both are there"


def test_a_bad_cell_is_found_by_the_header_that_is_there(refused: Refuse) -> None:
    columns = Column("a", "a"), Column("qty", "Quantity", type="integer", others=("Qty",))
    problem = refused("a,Qty\n1,two\n", *columns).problems[0]
    assert problem.message == "qty (column 'Qty') 'two' is not an integer"
    assert (problem.line, problem.column) == (2, 3)
