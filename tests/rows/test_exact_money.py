"""An amount is the same number from the cell of any format to the bytes of a request."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from runner.catalogue import to_json
from runner.recipe.model import Column, Rows
from runner.rows import open_input
from runner.template import compile_template, render

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=4
)
SHEET_DIGITS = 15


def written(amount: Decimal, kind: str) -> tuple[str, bytes]:
    """A file with this amount in it, and its name: as text, or as a number where a format has numbers."""
    text = f"{amount:f}"
    if kind in ("csv", "csv.gz"):
        content = f"a,Price\nA,{text}\n".encode()
        return f"orders.{kind}", gzip.compress(content) if kind == "csv.gz" else content
    if kind in ("number", "text"):
        price = text if kind == "number" else json.dumps(text)
        return "orders.jsonl", f'{{"a": "A", "Price": {price}}}\n'.encode()
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["a", "Price"])
        sheet.write_string(1, 0, "A")
        if kind == "sheet number":
            sheet.write_number(1, 1, float(amount))
        else:
            sheet.write_string(1, 1, text)
    return "orders.xlsx", book.getvalue()


@settings(max_examples=120)
@given(AMOUNTS, st.sampled_from(["csv", "csv.gz", "number", "text", "sheet number", "sheet text"]))
@example(Decimal("12.10"), "sheet number")
@example(Decimal("0.30"), "number")
@example(Decimal("10000000000000001.01"), "number")
@example(Decimal("999999999999.99"), "sheet number")
def test_an_amount_reaches_the_body_digit_by_digit(amount: Decimal, kind: str) -> None:
    if (
        kind == "sheet number"
    ):  # a cell that is a number keeps so many digits, and a larger one is refused
        assume(abs(amount) < 10**SHEET_DIGITS - 1)
        amount = Decimal(f"{amount:.{SHEET_DIGITS}g}")
    name, content = written(amount, kind)
    columns = Column("a", "a"), Column("price", "Price", type="decimal"), _double()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        (row,) = open_input(
            path, Rows(key=compile_template("{{ row.a }}"), columns=columns), scope={}
        )
    body = render({"amount": compile_template("{{ row.price }}"), "twice": compile_template("{{ row.twice }}")},
                  {"row": row.values})  # fmt: skip
    sent = json.loads(to_json(body), parse_float=Decimal, parse_int=Decimal)
    assert sent == {"amount": amount, "twice": 2 * amount}


def _double() -> Column:
    """Sums are exact as well: no binary fraction comes into them."""
    return Column(
        "twice", "twice", type="decimal", value=compile_template("{{ row.price + row.price }}")
    )
