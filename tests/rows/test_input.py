"""Files that are in order: their rows, groups, keys, line numbers and bytes."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.problems import LINES_A_FILE, InvalidError
from runner.recipe.model import Column, Rows
from runner.rows import Input, Row, open_input
from runner.rows.leftovers import escape_formula
from runner.template import compile_template

from .conftest import Open, Refuse

ORDER = Column("order", "Order #")
QTY = Column("qty", "Qty", type="integer")
TOWN = Column("town", "Town", empty=("", "NULL"))
SCATTERED = """\
Order #,Qty,Town
A,1,Köln
B,2,NULL
A,3,Köln

C,4,"x
y"
B,5,Bonn
"""


def test_typed_values_by_the_names_of_the_recipe(opened: Open) -> None:
    price, day = (
        Column("price", "Price", type="decimal"),
        Column("day", "Day", type="date", format=("%m/%d/%Y",)),
    )
    content = "Day,Note,Price,Order #,Qty\n2/9/2024,x,12.10,007, 3\n"
    found = opened(content, ORDER, QTY, price, day, key="{{ row.order }}")
    values = {"order": "007", "qty": 3, "price": Decimal("12.10"), "day": datetime.date(2024, 2, 9)}
    assert [row._replace(raw=()) for row in found] == [Row(1, "007", values, (2,))]
    assert list(next(iter(found)).values) == ["order", "qty", "price", "day"]


def test_without_declared_columns_every_header_is_a_text_column(opened: Open) -> None:
    found = opened(" Order # ,Qty\nA1,007\nA2,\n", key="{{ row['Order #'] }}")
    assert found.header == ("Order #", "Qty")
    assert [row.values for row in found] == [
        {"Order #": "A1", "Qty": "007"},
        {"Order #": "A2", "Qty": None},
    ]


@pytest.mark.parametrize(
    ("ending", "delimiter", "content"),
    [
        (".CSV", "", "a,b\n1,2\n"),
        (".tsv", "", "a\tb\n1\t2\n"),
        (".tab", "", "a\tb\n1\t2\n"),
        (".csv", ";", "a;b\n1;2\n"),
        (".txt", "|", "a|b\n1|2\n"),
        (".csv", "\t", "a\tb\n1\t2\n"),
    ],
)
def test_delimiters(opened: Open, ending: str, delimiter: str, content: str) -> None:
    assert [row.values for row in opened(content, ending=ending, delimiter=delimiter)] == [
        {"a": "1", "b": "2"}
    ]


def test_what_is_known_of_a_file(opened: Open, tmp_path: Path) -> None:
    found = opened(SCATTERED, ORDER, key="{{ row.order }}", group_by="order")
    assert (found.path, found.name) == (tmp_path / "orders.csv", "orders.csv")
    assert (found.row_count, found.line_count) == (3, 5)
    assert found.digest == hashlib.sha256(SCATTERED.encode()).hexdigest()


def test_groups_whose_lines_are_not_adjacent(opened: Open) -> None:
    found = opened(SCATTERED, ORDER, QTY, TOWN, key="{{ row.order }}", group_by="order")
    first, second, third = found
    koln = {"order": "A", "town": "Köln"}
    assert first._replace(raw=()) == Row(
        1, "A", koln | {"lines": [koln | {"qty": 1}, koln | {"qty": 3}]}, (2, 4), {"qty": (2, 4)}
    )
    assert (second.key, second.lines, second.differing) == (
        "B",
        (3, 8),
        {"qty": (3, 8), "town": (3, 8)},
    )
    assert (third.values["town"], third.lines, third.differing) == ("x\ny", (6,), {})
    assert [row.number for row in found] == [1, 2, 3]


def test_the_lines_that_differ_are_the_first_and_the_first_that_does(opened: Open) -> None:
    (row,) = opened("a,b\n1,x\n1,x\n1,y\n1,z\n", group_by="a")
    assert row.differing == {"b": (2, 4)}


def test_values_that_are_equal_agree_however_they_are_written(opened: Open) -> None:
    columns = Column("a", "a"), Column("b", "b", type="decimal")
    (row,) = opened("a,b\n1,2.50\n1,2.5\n", *columns, group_by="a")
    assert (str(row.values["b"]), row.differing) == ("2.50", {})


def test_lines_need_a_group(refused: Refuse) -> None:
    error = refused("Qty,Order #\n1,A\n2,\n", ORDER, QTY, key="{{ row.order }}", group_by="order")
    (problem,) = error.problems
    assert (problem.line, problem.column, problem.remedy) == (3, 3, "fill it in")
    assert problem.message == "order (column 'Order #') is empty, and lines are grouped by it"


def test_lines_without_any_value_are_no_records(opened: Open) -> None:
    found = opened('\n\na,b\n1,x\n\n  \n,\n"",""\n"2","\n"\n')
    assert [(row.key, row.values["b"], row.lines) for row in found] == [
        ("1", "x", (4,)),
        ("2", "\n", (9,)),
    ]
    assert found.header_bytes() == b"a,b\n"


def test_bytes_are_handed_back_as_they_stand(opened: Open) -> None:
    content = '\ufeff"a", b \r\n1,"x\r\ny"\r\n\r\n"2",ö\n3,'.encode()
    found = opened(content)
    assert found.header_bytes() == '\ufeff"a", b \r\n'.encode()
    assert list(found.records()) == [2, 5, 6]
    assert list(found.raw_lines([6, 2, 6])) == [(2, b'1,"x\r\ny"\r\n'), (6, b"3,")]
    assert list(found.raw_lines([])) == []
    with pytest.raises(ValueError, match="no record begins on line 3"):
        list(found.raw_lines([2, 3]))


def test_iterating_again_gives_the_same(opened: Open) -> None:
    found = opened(SCATTERED, ORDER, TOWN, key="{{ row.order }}", group_by="order")
    started = iter(found)
    next(started)
    assert [row.number for row in found] == [1, 2, 3]
    assert [row.number for row in started] == [2, 3]


@pytest.mark.parametrize(
    "content", ["a,b\n1,x\n2,z\n", "b,a\n1,x\n2,y\n", "a,b\n1,x\n", "a,b\n1,x\n\n2,y\n"]
)
def test_a_file_that_is_another_by_now(opened: Open, content: str) -> None:
    found = opened("a,b\n1,x\n2,y\n")
    replace_content(found.path, content)
    assert changed_line(found) == 1


@pytest.mark.parametrize(("content", "line"), [("a,b\n1,x\n2,z\n", 3), ("a,b\n2,y\n1,x\n", 2)])
def test_a_file_that_is_another_with_the_same_size_and_time(
    opened: Open, content: str, line: int
) -> None:
    found = opened("a,b\n1,x\n2,y\n")
    time = found.path.stat().st_mtime_ns
    replace_content(found.path, content)
    os.utime(found.path, ns=(time, time))
    assert changed_line(found) == line


def test_a_file_that_changes_while_its_rows_are_used(opened: Open) -> None:
    found = opened("a,b\n" + "".join(f"{n:06},x\n" for n in range(20_000)))
    rows = iter(found)
    next(rows)
    with found.path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"y")
    assert changed_line(rows) == 20_001


def test_a_file_that_was_only_touched_is_the_same(opened: Open) -> None:
    found = opened("a,b\n1,x\n2,y\n")
    os.utime(found.path, ns=(1, 1))
    assert [row.key for row in found] == ["1", "2"]


def test_a_file_that_is_gone(opened: Open) -> None:
    found = opened("a,b\n1,x\n")
    found.path.unlink()
    with pytest.raises(InvalidError) as caught:
        list(found)
    assert caught.value.problems[0].message == "cannot be read: no such file"


CELLS = st.text(st.sampled_from("ab1 ,;\"'\n\ré\u4e2d\U0001f600{}\u2028\x85"), max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(TABLES, st.sampled_from(["\r\n", "\n"]), st.booleans(), st.data())
def test_any_table_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[str]],
    end: str,
    mark: bool,  # noqa: FBT001 - hypothesis passes it by name
    data: Any,
) -> None:
    width = len(table[0])
    header = [f"h{n}" for n in range(width)] + ["key"]
    records = [[*cells, str(number)] for number, cells in enumerate(table)]
    content, blank, line, numbers = "\ufeff" * mark, "", 1, []
    for cells in [header, *records]:
        written = record_text(cells, end)
        numbers.append(line)
        content += written
        gap = end * data.draw(st.integers(0, 2))
        content, blank, line = (
            content + gap,
            blank + gap,
            line + written.count("\n") + gap.count("\n"),
        )
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    path.write_bytes(content.encode())

    found = open_input(path, Rows(key=compile_template("{{ row.key }}")), scope={})
    rows = list(found)
    assert [list(row.values.values()) for row in rows] == [
        [cell or None for cell in cells] for cells in records
    ]
    assert [row.lines for row in rows] == [(number,) for number in numbers[1:]]
    assert list(found.records()) == numbers[1:]
    raw = found.header_bytes() + b"".join(line for _, line in found.raw_lines(numbers[1:]))
    assert raw.decode() == "\ufeff" * mark + "".join(
        record_text(cells, end) for cells in [header, *records]
    )


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 2)), min_size=1, max_size=30))
def test_every_line_is_in_one_group(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("groups") / "lines.csv"
    path.write_text("group,n\n" + "".join(f"{group},{n}\n" for group, n in lines))
    columns = Column("group", "group"), Column("n", "n", type="integer")
    found = open_input(
        path,
        Rows(key=compile_template("{{ row.group }}"), group_by="group", columns=columns),
        scope={},
    )
    rows = list(found)
    assert sorted(number for row in rows for number in row.lines) == list(found.records())
    assert [row.key for row in rows] == list(dict.fromkeys(group for group, _ in lines))
    assert len(rows) == found.row_count
    for row in rows:
        numbers = [n for group, n in lines if group == row.key]
        assert [line["n"] for line in row.values["lines"]] == numbers
        assert ("n" in row.values) == (len(set(numbers)) == 1) == ("n" not in row.differing)


def record_text(cells: list[str], end: str) -> str:
    """A record as an export writes it; quoted where a lone carriage return stands in it."""
    cells, text = [escape_formula(cell) for cell in cells], io.StringIO(newline="")
    if "\r" in "".join(cells):
        csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(text, lineterminator=end).writerow(cells)
    return text.getvalue()


def replace_content(path: Path, content: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(content)
    other.replace(path)


def changed_line(rows: Iterable[Row]) -> int:
    """The line from which a file is reported to be another."""
    with pytest.raises(InvalidError) as caught:
        list(rows)
    (problem,) = caught.value.problems
    assert problem.message == "changed while it was being read"
    return problem.line


@pytest.fixture
def several(tmp_path: Path) -> Input:
    """Two files as one input: a group that spans them, and a last line without a line end."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_bytes("Order #,Qty,Town\nA,1,Köln\nB,2,Bonn".encode("cp1252"))
    second.write_bytes(b"Order #,Qty,Town\nA,3,Kiel\nC,4,Bonn\n")
    rows = Rows(
        key=compile_template("{{ row.order }}"), columns=(ORDER, QTY, TOWN), group_by="order"
    )
    return open_input(first, rows, scope={}, name="a.csv", more=[second])


def test_several_files_are_one_input(several: Input, tmp_path: Path) -> None:
    second = LINES_A_FILE
    assert [(row.key, row.lines) for row in several] == [
        ("A", (2, second + 2)),
        ("B", (3,)),
        ("C", (second + 3,)),
    ]
    assert several.place(second + 3) == (str(tmp_path / "b.csv"), 3)
    assert next(iter(several)).differing == {"qty": (2, second + 2), "town": (2, second + 2)}
    kept = io.BytesIO()
    several.write_some(kept, [3, second + 2])
    assert kept.getvalue().decode() == "Order #,Qty,Town\nB,2,Bonn\nA,3,Kiel\n"


def test_the_digest_of_several_files_has_their_names(several: Input, tmp_path: Path) -> None:
    both = [tmp_path / "a.csv", (tmp_path / "b.csv").rename(tmp_path / "c.csv")]
    rows = Rows(columns=(ORDER, QTY, TOWN))
    found = open_input(both[0], rows, scope={}, more=both[1:])
    assert found.digest != several.digest != several.parts[0].digest


def test_a_header_that_looks_alike_is_near(refused: Refuse) -> None:
    column = Column("ref", "Order-No")
    (problem,) = refused("Order\u2011No,b\nx,1\n", column, key="{{ row.ref }}").problems
    assert problem.message == "there is no column 'Order-No' for ref"
    assert problem.remedy == "did you mean 'Order\u2011No'? They differ in hyphens"
    (problem,) = refused("order-no,b\nx,1\n", column, key="{{ row.ref }}").problems
    assert problem.remedy == "did you mean 'order-no'?"


def test_a_header_is_the_same_however_its_spaces_are_written(opened: Open) -> None:
    column = Column("ref", "Order #")
    (row,) = opened("\u00a0Order\u200b \u00a0#,b\nx,1\n", column, key="{{ row.ref }}")
    assert row.values == {"ref": "x"}
