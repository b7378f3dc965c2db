"""JSON Lines: an object on each line, typed as JSON is, checked like any other input."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rows.conftest import Open, Refuse
from runner.recipe.model import Column, Rows, Search
from runner.rows import Input, open_input

ENDING = ".jsonl"


def values(found: Input) -> list[Any]:
    return [row.values for row in found]


def problems(
    refuse: Refuse, content: str, *columns: Column, **rows: Any
) -> list[tuple[int, str, str]]:
    error = refuse(content, *columns, ending=ENDING, **rows)
    return [(problem.line, problem.message, problem.remedy) for problem in error.problems]


def test_a_row_is_the_object_as_it_is(opened: Open) -> None:
    found = opened(
        '\n{"a": "00618", "b": 12.10, "c": {"d": [1, null]}}\r\n\n{"a": "x", "e": true}',
        ending=ENDING,
    )
    assert values(found) == [
        {"a": "00618", "b": Decimal("12.10"), "c": {"d": [1, None]}},
        {"a": "x", "e": True},
    ]
    assert str(values(found)[0]["b"]) == "12.10"
    assert [(row.key, row.lines) for row in found] == [("00618", (2,)), ("x", (4,))]
    assert found.line_count == 2
    assert (found.header, found.header_bytes()) == ((), b"")
    assert list(found.raw_lines([4])) == [(4, b'{"a": "x", "e": true}')]


def test_declared_columns_are_read_from_fields_and_typed(opened: Open) -> None:
    columns = (
        Column("a", "a"),
        Column("who", "client.name"),
        Column("plain", "client.id"),
        Column("n", "n", type="integer"),
        Column("price", "price", type="decimal"),
        Column("day", "day", type="date", format=("%Y-%m-%dT%H:%M:%S",)),
        Column("ready", "ready", type="boolean"),
    )
    line = '{"a": 5, "client": {"name": "Ann"}, "client.id": 3, "n": "12", "price": 8.40, "day": "2026-11-02T00:00:00", "ready": true}'  # noqa: E501
    (row,) = opened(line, *columns, ending=ENDING)
    assert row.values == {
        "a": "5", "who": "Ann", "plain": "3", "n": 12, "price": Decimal("8.40"), "day": dt.date(2026, 11, 2),
        "ready": True,
    }  # fmt: skip


def test_a_field_that_an_object_leaves_out_has_no_value(opened: Open) -> None:
    found = opened(
        '{"a": "1", "b": {"c": "x"}}\n{"a": "2"}\n{"a": "3", "b": null}\n',
        Column("a", "a"),
        Column("c", "b.c"),
        ending=ENDING,
    )
    assert [row.values["c"] for row in found] == ["x", None, None]


def test_lines_are_grouped_by_a_field(opened: Open) -> None:
    text = '{"a": "1", "po": "A", "n": 1, "x": 1}\n{"a": "2", "po": "B"}\n{"a": "3", "po": "A", "n": 1}\n'
    first, second = opened(text, ending=ENDING, group_by="po", key="{{ row.po }}")
    assert (first.key, first.lines, second.lines) == ("A", (1, 3), (2,))
    assert first.values["n"] == 1
    assert [line["a"] for line in first.values["lines"]] == ["1", "3"]
    assert first.differing == {"a": (1, 3), "x": (1, 3)}


def test_rows_without_a_key_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text('{"a": 1}\n{"a": 1}\n')
    assert [row.key for row in open_input(path, Rows(), scope={})] == ["1", "2"]


def test_every_line_that_is_no_object_is_told(refused: Refuse) -> None:
    text = '{"a": "1"}\n[1]\n{"a": NaN}\n{"a": 1, "a": 2}\n{"a": "1"\n'
    found = problems(refused, text)
    assert [line for line, _, _ in found] == [2, 3, 4, 5]
    assert found[0][1:] == (
        "is JSON, but not an object",
        'each line is one object, as in {"order": "PO-1", "qty": 2}',
    )
    assert found[3][1].startswith("is not JSON")


def test_a_value_that_does_not_fit_is_shown_where_it_stands(refused: Refuse) -> None:
    error = refused(
        '{"a": "1", "qty": "1,5"}\n',
        Column("a", "a"),
        Column("qty", "qty", type="integer"),
        ending=ENDING,
    )
    (problem,) = error.problems
    assert (problem.line, problem.column) == (1, 12)
    assert problem.message == "qty '1,5' is not an integer"


@pytest.mark.parametrize(
    ("value", "message", "remedy"),
    [
        ("[1]", "b is a list, not one value", "leave it out of `columns`"),
        (
            '{"id": 1}',
            "b is an object, not one value",
            "name what is inside it with `from`, as in b.id",
        ),
        ("null", "b is empty", "fill it in"),
        ("true", "b 'true' is not an integer", "write a whole number in digits, such as 12"),
        ("1.5", "b '1.5' is not an integer", "write a whole number in digits, such as 12"),
    ],
)
def test_a_value_of_another_kind(refused: Refuse, value: str, message: str, remedy: str) -> None:
    columns = Column("a", "a"), Column("b", "b", type="integer", required=True)
    assert problems(refused, f'{{"a": "1", "b": {value}}}\n', *columns) == [(1, message, remedy)]


def test_a_field_that_no_line_has(refused: Refuse) -> None:
    found = problems(
        refused, '{"a": "1", "qty": 1}\n{"a": "2"}\n', Column("a", "a"), Column("n", "qyt")
    )
    assert found == [(1, "no line has a field 'qyt'", "did you mean 'qty'?")]


@pytest.mark.parametrize("value", ["null", "[1]", "{}"])
def test_what_cannot_be_grouped_by(refused: Refuse, value: str) -> None:
    ((line, message, _),) = problems(
        refused, f'{{"a": "1", "po": {value}}}\n', group_by="po", key="{{ row.po }}"
    )
    assert line == 1
    assert message.endswith("and lines are grouped by it")


def test_a_key_that_is_repeated(refused: Refuse) -> None:
    ((line, message, _),) = problems(refused, '{"a": "1"}\n{"a": "1"}\n')
    assert (line, message) == (2, "the key '1' is repeated: line 1 has it too")


def test_a_file_without_lines(refused: Refuse, tmp_path: Path) -> None:
    assert problems(refused, "\n") == [(1, "has no lines", "it needs an object on each line")]
    path = tmp_path / "found.jsonl"
    path.write_text("")
    assert list(open_input(path, Rows(search=Search("shop.search_jobs", {})), scope={})) == []
