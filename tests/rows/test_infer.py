"""Columns from a sheet: a type only where nothing is lost by it, and a recipe that takes every line of it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.catalogue import Catalogue, shipped_apis
from runner.problems import InvalidError, UsageError
from runner.project.starter import recipe_text
from runner.recipe import load_text
from runner.recipe.model import Numbers
from runner.rows import open_input
from runner.rows.infer import infer

CATALOGUE = Catalogue(shipped_apis())
OPERATION = CATALOGUE.operation("syncore.create_contact")


def sheet(tmp_path: Path, text: str, name: str = "sheet.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "20", "-3"], ("integer", "")),
        (["01", "20"], ("string", "")),
        (["00618"], ("string", "")),
        (["1234567890123456"], ("string", "")),
        (["1.10", "2", ""], ("decimal", "")),
        (["1.1", "+2"], ("string", "")),
        (["1e5"], ("string", "")),
        (["2027-01-31", ""], ("date", "")),
        (["2027-01-31", "TBD"], ("string", "")),
        (["12/31/2027", "01/02/2027"], ("date", "%m/%d/%Y")),
        (["31/12/2027"], ("date", "%d/%m/%Y")),
        (["01/02/2027"], ("string", "")),
        (["1/31/2027"], ("date", "%m/%d/%Y")),
        (["true", "false"], ("boolean", "")),
        (["TRUE"], ("string", "")),
        (["yes", "no"], ("string", "")),
        (["", ""], ("string", "")),
        ([" 1", "2 "], ("integer", "")),
        (["2027-01-31 "], ("date", "")),
    ],
)
def test_a_type_only_where_every_value_has_it(
    tmp_path: Path, cells: list[str], kind: tuple[str, str]
) -> None:
    text = "Id,Value\n" + "".join(f'k{n},"{cell}"\n' for n, cell in enumerate(cells))
    column = infer(sheet(tmp_path, text)).columns[1]
    assert (column.type, "".join(column.format)) == kind
    assert column.required == all(cell.strip() for cell in cells)


@pytest.mark.parametrize(
    ("text", "key", "grouped"),
    [
        (
            "PO #,SKU,Qty,Unit Price\nA,1,5,1.5\nA,1,7,2.5\n",
            "po",
            True,
        ),  # no quantity names an order
        ("PO #,Company,Qty\nA,Ace,5\nA,Blue,7\n", "po", True),
        ("Note,Total\nx,5\nx,7\n", "", False),
        ("Order #,SKU\nA,618\nA,619\n", "order", True),
        ("Order Date,Email,Name\n2027-01-01,a@x.org,A\n2027-01-02,b@x.org,A\n", "email", False),
        ("Day,Price,Name\n2027-01-01,$5,A\n2027-01-02,$6,A\n", "", False),
        ("Order Total,Customer ID\n5,7\n6,7\n", "customer_id", True),
        ("Paid,Note\n1.5,x\n2.5,x\n", "", False),
        ("Qty,Order No\n5,A\n7,B\n", "order_no", False),
    ],
)
def test_amounts_that_differ_by_chance_tell_no_rows_apart(
    tmp_path: Path, text: str, key: str, grouped: bool  # noqa: FBT001 - a parameter of the test
) -> None:  # fmt: skip
    found = infer(sheet(tmp_path, text))
    assert (found.key, found.grouped) == (key, grouped)


def test_what_tells_rows_apart(tmp_path: Path) -> None:
    plain = infer(sheet(tmp_path, "Name,Order #\nA,1\nA,2\n"))
    assert (plain.key, plain.grouped) == ("order", False)
    assert next(each.type for each in plain.columns if each.name == "order") == "string"
    lines = infer(sheet(tmp_path, "Order;Lines;City\n1;a;Oslo\n1;b;Oslo\n2;a;Bergen\n"))
    assert (lines.key, lines.grouped, lines.delimiter) == ("order", True, ";")
    assert lines.constant == {"order", "city"}
    assert [each.name for each in lines.columns] == ["order", "lines_", "city"]


def test_names_are_plain_letters(tmp_path: Path) -> None:
    found = infer(sheet(tmp_path, "Order #,Währung,Größe,Prénom,数量,Wahrung\n1,EUR,M,Zoé,2,x\n"))
    assert [column.name for column in found.columns] == [
        "order", "wahrung", "grosse", "prenom", "column_5", "wahrung_",
    ]  # fmt: skip


def test_lines_that_hold_sums_are_left_out_and_names_that_only_begin_so_are_not(
    tmp_path: Path,
) -> None:
    path = sheet(tmp_path, "Item,Qty\nTotal Gym,5\nSubtotal ,5\nMug,7\nTOTAL:,12\n")
    found = infer(path)
    assert found.sums == ("Subtotal", "TOTAL:")
    text = recipe_text("mugs", OPERATION, sheet=found, file=path.name)
    rows = load_text(text, file="mugs.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    opened = open_input(path, rows, scope={})
    assert ([row.key for row in opened], list(opened.left_out)) == (["Total Gym", "Mug"], [3, 5])
    assert infer(sheet(tmp_path, "Item,Qty\nTotal,5\n")).sums == ()


def test_a_last_line_that_has_amounts_alone_is_no_row(tmp_path: Path) -> None:
    path = sheet(tmp_path, 'Order #,SKU,Price\nA,1,"$1,234.50"\nB,2,$5.00\n,,"$1,239.50"\n')
    found = infer(path)
    assert (found.key, found.grouped, found.named) == ("order", False, ("order", "sku"))
    text = recipe_text("orders", OPERATION, sheet=found, file=path.name)
    rows = load_text(text, file="orders.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    opened = open_input(path, rows, scope={})
    assert ([row.key for row in opened], list(opened.left_out)) == (["A", "B"], [4])
    inside = infer(sheet(tmp_path, "Order #,Price\nA,5\n,5\nB,6\n"))
    assert (inside.key, inside.named) == ("", ())
    assert infer(sheet(tmp_path, "Order #,Note\nA,x\n,y\n")).named == ()


def test_where_nothing_names_a_row_the_recipe_is_refused_until_somebody_says_it(
    tmp_path: Path,
) -> None:
    path = sheet(tmp_path, "Note,Total\nx,5\nx,7\n")
    text = recipe_text("notes", OPERATION, sheet=infer(path), file=path.name)
    assert "# No column of the sheet is sure to name a row." in text
    with pytest.raises(InvalidError) as refused:
        load_text(text, file="notes.yaml", catalogue=CATALOGUE)
    (problem,) = refused.value.problems
    assert "the_column_that_names_a_row" in problem.message
    assert "note" in f"{problem.message} {problem.remedy}"
    whole = text.replace("the_column_that_names_a_row", "total")
    assert load_text(whole, file="notes.yaml", catalogue=CATALOGUE).recipe.rows is not None


@pytest.mark.parametrize(("text", "said"), [
    ("", "the header is empty"), ("A,B\n", "has no lines"), ("A,A\n1,2\n", "stands twice"), ("A,B\n1\n", "has 1 cells"),
    ('A\n"1\n', "is not closed"),
])  # fmt: skip
def test_a_sheet_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        infer(sheet(tmp_path, text))
    with pytest.raises(UsageError, match="cannot be read"):
        infer(tmp_path / "missing.csv")


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8
) | st.sampled_from(
    ["", "1", "007", "1.50", "2027-01-31", "01/02/2027", "true", "{{ x }}", "null", " "]
)
LABEL = st.sampled_from(["FALSE", "not", "Lines", "1", "{{ x }}"]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_the_recipe_takes_every_line_of_its_sheet(tmp_path: Path, data: st.DataObject) -> None:
    labels = data.draw(
        st.lists(LABEL.filter(str.strip), min_size=1, max_size=4, unique_by=str.strip)
    )
    lines = data.draw(st.lists(st.tuples(*[CELL for _ in labels]), min_size=1, max_size=5))
    out = io.StringIO()
    records = [[*labels, "Key"], *([*line, f"k{n}"] for n, line in enumerate(lines))]
    csv.writer(out, lineterminator="\n").writerows(records)
    path = sheet(tmp_path, out.getvalue())
    found = infer(path)
    text = recipe_text("sheet", OPERATION, sheet=found, file=path.name)
    rows = load_text(text, file="sheet.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    assert open_input(path, rows, scope={}).line_count == len(lines)


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("[[1]]", "a.json", 1),
        ('[{"a": 1},\n2]', "a.json", 2),
        ("null", "a.jsonl", 1),
        ('{"a": 1}\n[1]', "a.jsonl", 2),
    ],
)
def test_what_is_no_object_is_refused(tmp_path: Path, text: str, name: str, line: int) -> None:
    with pytest.raises(UsageError, match=f":{line}: is JSON, but not an object"):
        infer(sheet(tmp_path, text, name))


ROWS: list[list[Any]] = [["Order #", "Qty", "Day"], ["A", 1, "2027-01-31"], ["B", 2, "2027-02-01"]]


def test_workbooks_and_json_are_sheets_as_well(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "sheet.xlsx") as made:
        page = made.add_worksheet()
        page.write("A1", "Orders of spring")
        for at, row in enumerate(ROWS, start=2):
            page.write_row(at, 0, row)
    objects = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    sheet(tmp_path, json.dumps([{**each, "lines": [1]} for each in objects]), "sheet.json")
    sheet(tmp_path, "\n".join(map(json.dumps, objects)), "sheet.jsonl")
    plain = infer(sheet(tmp_path, "\n".join(",".join(map(str, row)) for row in ROWS)))
    assert [column.type for column in plain.columns] == ["string", "integer", "date"]
    for name in ("sheet.xlsx", "sheet.json", "sheet.jsonl"):
        assert infer(tmp_path / name) == plain
        text = recipe_text("x", OPERATION, sheet=plain, file=name)
        rows = load_text(text, file="x.yaml", catalogue=CATALOGUE).recipe.rows
        assert rows is not None
        assert open_input(tmp_path / name, rows, scope={}).row_count == 2


@pytest.mark.parametrize(("cells", "keys"), [
    (["$1,234.50", "$5"], {"type": "decimal", "thousands": ",", "currency": ("$",)}),
    (["1.234,50 €", "87,5"], {"type": "decimal", "decimal_mark": ",", "thousands": ".", "currency": ("€",)}),
    (["1,5", "20"], {"type": "decimal", "decimal_mark": ","}),
    (["1,234,567", "12"], {"type": "integer", "thousands": ","}),
    (["(5.00)", "7.25"], {"type": "decimal", "accounting": True}),
    (["7.5%", "12%"], {"type": "decimal", "percent": True}),
    (["12/31/2027", "2027-01-02"], {"type": "date", "format": ("%Y-%m-%d", "%m/%d/%Y")}),
    (["31-Dec-27"], {"type": "date", "format": ("%d-%b-%y",)}),
    (["March 31, 2027"], {"type": "date", "format": ("%B %d, %Y",)}),
    (["31. März 2027", "2. Mai 2027"], {"type": "date", "format": ("%d. %B %Y",), "locale": "de"}),
    (["3 août 2027", "14 févr. 2027"], {"type": "date", "format": ("%d %B %Y",), "locale": "fr"}),
    (["31. Pröz 2027"], {"type": "string"}),
    (["1,234"], {"type": "string"}),
    (["1,234", "$5"], {"type": "string"}),
    (["03/04/2027", "2027-01-02"], {"type": "string"}),
    (["007,5"], {"type": "string"}),
    (["7.5%", "12"], {"type": "string"}),
    (["a ", "b"], {"type": "string", "trim": True}),
])  # fmt: skip
def test_how_numbers_and_dates_are_written(
    tmp_path: Path, cells: list[str], keys: dict[str, Any]
) -> None:
    path = sheet(
        tmp_path, "Id,Value\n" + "".join(f'k{n},"{cell}"\n' for n, cell in enumerate(cells))
    )
    column = infer(path).columns[1]
    found = {
        name: getattr(column, name) for name in ("type", "trim", "format", "locale")
    } | column.written._asdict()
    plain = {"trim": False, "format": (), "locale": "", **Numbers()._asdict()}
    assert found == {**plain, **keys}
    text = recipe_text("sheet", OPERATION, sheet=infer(path), file=path.name)
    rows = load_text(text, file="sheet.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    assert open_input(path, rows, scope={}).line_count == len(cells)


@pytest.mark.parametrize(("lines", "found"), [
    (["1.200;12,50;1.234,56", "3.000;8,00;2,00"], ["integer .", "decimal", "decimal ."]),  # not 1.2 and 3
    (['1,200;12.50;2', '"3,000";8.00;3'], ["integer ,", "decimal", "integer"]),
    (["1.200;12.50;1.234,56", "3.000;8.00;2,00"], ["decimal", "decimal", "decimal ."]),  # the sheet does not agree
    (["1.200;a;b", "3.000;a;b"], ["decimal", "string", "string"]),
])  # fmt: skip
def test_a_number_that_can_be_two_is_read_as_the_rest_of_its_sheet(
    tmp_path: Path, lines: list[str], found: list[str]
) -> None:
    path = sheet(tmp_path, "Id;A;B;C\n" + "".join(f"k{n};{line}\n" for n, line in enumerate(lines)))
    columns = infer(path).columns[1:]
    assert [f"{column.type} {column.written.thousands}".strip() for column in columns] == found
    rows = load_text(
        recipe_text("x", OPERATION, sheet=infer(path), file=path.name),
        file="x.yaml",
        catalogue=CATALOGUE,
    ).recipe.rows
    assert rows is not None
    assert open_input(path, rows, scope={}).line_count == len(lines)


def test_blanks_around_what_tells_rows_apart_are_no_part_of_it(tmp_path: Path) -> None:
    path = sheet(tmp_path, "Order,Name\nPO-1 ,Ace\n PO-1,Ace \nPO-2,Blue\n")
    found = infer(path)
    assert found.grouped
    assert [column.trim for column in found.columns] == [True, True]
    assert found.constant == {"order", "name"}
    text = recipe_text("x", OPERATION, sheet=found, file=path.name)
    rows = load_text(text, file="x.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    assert open_input(path, rows, scope={}).row_count == 2


def test_digits_that_are_no_numbers_stay_as_they_stand(tmp_path: Path) -> None:
    found = infer(
        sheet(tmp_path, "Id,Phone,Zip Code,Qty\nk1,+1 617 555,10115 ,3\nk2,555,10999,4\n")
    )
    assert [(column.type, column.trim) for column in found.columns] == [
        ("string", False), ("string", False), ("string", True), ("integer", False),
    ]  # fmt: skip


def test_titles_above_the_header_are_no_header(tmp_path: Path) -> None:
    path = sheet(tmp_path, "Orders of spring,,\n,,\nOrder,Name,Qty\nA-1,Ace,2\nA-2,Blue,3\n")
    found = infer(path)
    assert [column.header or column.name for column in found.columns] == ["Order", "Name", "Qty"]
    text = recipe_text("x", OPERATION, sheet=found, file=path.name)
    rows = load_text(text, file="x.yaml", catalogue=CATALOGUE).recipe.rows
    assert rows is not None
    assert open_input(path, rows, scope={}).row_count == 2
