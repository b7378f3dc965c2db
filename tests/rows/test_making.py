"""Rows beyond their own cells: computed columns, lines that are left out, columns that become lines, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.recipe.model import Column, Unpivot
from runner.template import compile_expression, compile_template

from .conftest import Open, Refuse

A = Column("a", "a")
QTY = Column("qty", "Qty", type="integer")
PRICE = Column("price", "Price", type="decimal")


def computed(name: str, value: str, **column: Any) -> Column:
    return Column(name, name, value=compile_template(value), **column)


SIZES = Unpivot(("S", "M", "L"), "size", "qty")
SIZED = A, Column("size", "size"), Column("qty", "qty", type="integer", empty=("", "0"))
CATALOGUE = "a,S,M,L\n1,2,,3\n2,0,,\n1,,4,\n"


def test_columns_that_are_computed(opened: Open) -> None:
    total = computed("total", "{{ row.qty * row.price }}", type="decimal")
    half = computed(
        "half", "{{ (row.total / 2) | round(2) }}", type="decimal", maximum=Decimal(100)
    )
    label = computed("label", "{{ row.a }} of {{ vars.shop }}", case="upper")
    columns = A, QTY, PRICE, total, half, label
    found = opened("a,Qty,Price\n1,3,1.15\n2,,2\n", *columns, where=_where("row.qty is not none"))
    (row,) = found
    assert row.values == {
        "a": "1", "qty": 3, "price": Decimal("1.15"), "total": Decimal("3.45"), "half": Decimal("1.73"),
        "label": "1 OF NORTH",
    }  # fmt: skip
    assert list(row.values) == ["a", "qty", "price", "total", "half", "label"]
    assert (list(found.left_out), found.line_count, found.row_count) == ([3], 1, 1)


def test_a_computed_value_is_checked_like_any(refused: Refuse) -> None:
    total = computed("total", "{{ row.qty * row.price }}", type="integer", maximum=5)
    problem = refused("a,Qty,Price\n1,2,1.50\n2,3,1.50\n3,3,2\n", A, QTY, PRICE, total).problems
    assert [(each.line, each.column, each.message) for each in problem] == [
        (3, 3, "total '4.50' is not an integer"), (4, 3, "total '6' is above the maximum of 5")
    ]  # fmt: skip
    problem = refused("a,Qty,Price\n1,,1.50\n", A, QTY, PRICE, total).problems
    assert (
        problem[0].message
        == "total cannot be computed: row.qty * row.price: '*' needs a number, not null"
    )
    problem = refused("a\n1\n", A, computed("run", "{{ run.id }}")).problems
    assert "run" in problem[0].message


def _where(text: str) -> Any:
    return compile_expression(text)


def test_a_line_that_is_left_out_may_be_wrong(opened: Open, refused: Refuse) -> None:
    day = Column("day", "Day", type="date", required=True)
    text = "a,Day,Price\n1,2024-02-09,5\nTotal,,5.00 EUR\n"
    found = opened(text, A, day, PRICE, where=_where("row.day is not none"))
    assert (list(found.left_out), found.row_count) == ([3], 1)
    lines = '{"a": "1", "Qty": 2}\n{"a": "T", "Qty": "all"}\n'
    found = opened(
        lines,
        A,
        Column("qty", "Qty", type="integer"),
        where=_where("row.a != 'T'"),
        ending=".jsonl",
    )
    assert list(found.left_out) == [2]
    problems = refused(text, A, day, PRICE, where=_where("row.price > 0")).problems
    assert [(each.line, each.column) for each in problems] == [(3, 7), (3, 8)]
    message = refused(text, A, day, PRICE, where=_where("row.a == 'x'")).problems[0].message
    assert message == "has no rows: `where` leaves out each of its lines"


def test_lines_that_are_left_out_of_groups(opened: Open) -> None:
    found = opened(
        "a,Qty\n1,2\n,\nTotal,9\n1,3\n",
        A,
        QTY,
        key="{{ row.a }}",
        group_by="a",
        where=_where("row.a != 'Total'"),
    )
    (row,) = found
    assert (row.lines, [line["qty"] for line in row.values["lines"]]) == ((2, 5), [2, 3])
    assert (list(found.left_out), list(found.records())) == ([4], [2, 5])


def test_columns_that_become_lines(opened: Open) -> None:
    first, second, third = opened(
        CATALOGUE, *SIZED, key="{{ row.a }}-{{ row.lines | length }}", unpivot=SIZES
    )
    assert first.values == {
        "a": "1", "lines": [{"a": "1", "size": "S", "qty": 2}, {"a": "1", "size": "L", "qty": 3}]
    }  # fmt: skip
    assert (second.values["lines"], third.values["lines"]) == (
        [],
        [{"a": "1", "size": "M", "qty": 4}],
    )
    assert (first.lines, second.lines, third.lines) == ((2,), (3,), (4,))


def test_columns_that_become_lines_of_groups(opened: Open) -> None:
    first, second = opened(CATALOGUE, *SIZED, unpivot=SIZES, group_by="a")
    assert (first.lines, first.differing) == ((2, 4), {})
    assert [(line["size"], line["qty"]) for line in first.values["lines"]] == [
        ("S", 2),
        ("L", 3),
        ("M", 4),
    ]
    assert second.values == {"a": "2", "lines": []}


def test_headers_that_become_values_are_cleaned(opened: Open, refused: Refuse) -> None:
    size = Column("size", "size", map={"S": "Small", "M": "Medium", "L": "Large"})
    first, *_ = opened(
        CATALOGUE, A, size, SIZED[2], key="{{ row.a }}-{{ row.lines | length }}", unpivot=SIZES
    )
    assert [line["size"] for line in first.values["lines"]] == ["Small", "Large"]
    problem = refused("a,S,M,L\n1,2,x,\n", *SIZED, unpivot=SIZES).problems[0]
    assert (problem.line, problem.column, problem.message) == (
        2,
        5,
        "qty M (column 'M') 'x' is not an integer",
    )
    assert (
        refused("a,S,M\n1,2,x\n", *SIZED, unpivot=SIZES).problems[0].message
        == "there is no column 'L' for qty L"
    )


def test_totals_that_are_as_announced(opened: Open) -> None:
    sums = {"price": "3.30", "qty": compile_template("{{ vars.none }}")}
    totals = {"lines": 2, "rows": compile_template("{{ vars.rows }}"), "sum": sums}
    found = opened("a,Qty,Price\n1,2,1.10\n2,,2.20\nT,,3.30\n", A, QTY, PRICE, where=_where("row.a != 'T'"),
                   expect_total=totals, scope={"vars": {"rows": 2, "none": None}})  # fmt: skip
    assert found.agreed == "2 lines, 2 rows, price 3.30"


def test_totals_that_are_not_as_announced(refused: Refuse) -> None:
    totals = {"lines": 3, "rows": 1, "sum": {"price": Decimal("18442.50")}}
    found = refused("a,Qty,Price\n1,2,18440\n2,,\n", A, QTY, PRICE, expect_total=totals)
    assert [problem.message for problem in found.problems] == [
        "the number of lines is 2, not 3 as announced: 1 less",
        "the number of rows is 2, not 1 as announced: 1 more",
        "the sum of price is 18,440, not 18,442.50 as announced: 2.50 less",
    ]
    totals = {"sum": {"price": compile_template("{{ vars.shop }}")}}
    message = refused("a,Price\n1,2\n", A, PRICE, expect_total=totals).problems[0].message
    assert message == "expect_total: sum of price is announced as 'north', which is no number"


def test_the_sum_of_columns_that_became_lines(opened: Open) -> None:
    found = opened(
        CATALOGUE,
        *SIZED,
        key="{{ row.a }}-{{ row.lines | length }}",
        unpivot=SIZES,
        expect_total={"sum": {"qty": 9}},
    )
    assert found.agreed == "qty 9"


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.decimals(-1000, 1000, places=2)), min_size=1, max_size=30
    )
)
def test_every_line_is_in_one_row_or_left_out(
    tmp_path_factory: Any, lines: list[tuple[int, Decimal]]
) -> None:
    from runner.recipe.model import Rows
    from runner.rows import open_input

    lines = [(0, Decimal(1)), *lines]
    path = tmp_path_factory.mktemp("rows") / "orders.csv"
    path.write_text("a,Price\n" + "".join(f"{a},{price:f}\n" for a, price in lines))
    rows = Rows(
        key=compile_template("{{ row.a }}"), columns=(A, PRICE), group_by="a", where=_where("row.price >= 0"),
        expect_total={"sum": {"price": sum((price for _, price in lines if price >= 0), Decimal(0))}},
    )  # fmt: skip
    found = open_input(path, rows, scope={"vars": {}})
    taken = sorted(number for row in found for number in row.lines)
    assert sorted([*taken, *found.left_out]) == list(range(2, len(lines) + 2))
