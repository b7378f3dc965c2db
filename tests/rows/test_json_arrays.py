"""JSON in one piece: its objects are rows like those of JSON Lines, whatever the layout, wherever reading cuts."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.problems import InvalidError
from runner.recipe.model import Column, Rows
from runner.rows import Input, open_input
from runner.rows.formats import decode, json_array
from runner.template import compile_template

from .conftest import Open, Refuse

ROWS = [{"a": "1", "n": 1.10, "in": {"x": ["[", "]", "},{"]}}, {"a": "2\n", "n": -3}]


def keys(found: Input) -> list[tuple[str, int]]:
    return [(row.key, row.lines[0]) for row in found]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2).replace("\n", "\r\n"),
        "\ufeff \n" + json.dumps(ROWS, indent="\t") + "\n\n",
        json.dumps({"count": 2, "meta": {"pages": [1, 2]}, "orders": ROWS, "next": None}),
    ],
)
@pytest.mark.parametrize("chunk", [3, 1024])
def test_the_objects_of_an_array_are_counted(
    opened: Open, monkeypatch: pytest.MonkeyPatch, text: str, chunk: int
) -> None:  # fmt: skip
    monkeypatch.setattr(json_array, "CHUNK", chunk)
    monkeypatch.setattr(decode, "CHUNK", chunk)
    found = opened(text, Column("a", "a"), Column("n", "n", type="decimal"), ending=".json")
    assert keys(found) == [("1", 1), ("2", 2)]
    file = io.BytesIO()
    found.write_some(file, [2])
    assert json.loads(file.getvalue()) == ROWS[1:]
    assert found.retry_ending == ".json"
    assert keys(opened(file.getvalue(), Column("a", "a"), ending=".json")) == [("2", 1)]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "is neither an array nor an object", 1),
        ("12", "is neither an array nor an object", 1),
        ('{"a": 1}', "is one object, and holds no array", 1),
        ('{"x": [{}],\n"y": []}', "holds two arrays, x and y", 2),
        ('[{"a": 1},\n]', "has a comma behind the last element", 2),
        ('[{"a": 1}\n{"a": 2}]', "has '{' where ',' is needed", 2),
        ('[{"a": 1}]\n[{"a": 2}]', "goes on behind its end", 2),
        ('{"a": 1}\n{"a": 2}', "is one object, and holds no array", 1),
        ('[{"a": 1}', "ends too early", 1),
        ('[{"a": 1}, {"a', "is no JSON: unterminated string starting at", 1),
        ("[" * 100_000, "is nested too deeply", 1),
        ("[]", "has no lines", 1),
    ],
)
def test_what_is_no_array_of_objects(refused: Refuse, text: str, message: str, line: int) -> None:
    (problem,) = refused(text, ending=".json").problems
    assert (problem.message, problem.line) == (message, line)


def test_an_element_that_is_no_object_is_told_by_its_number(refused: Refuse) -> None:
    (problem,) = refused('[{"a": 1}, 7, {"a": 2}]', ending=".json").problems
    assert (problem.line, problem.message) == (2, "is JSON, but not an object")


def test_an_object_that_is_too_large(refused: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "MAX_RECORD_BYTES", 1024**2)
    (problem,) = refused('[{"a": "' + "x" * 3 * 1024**2 + '"}]', ending=".json").problems
    assert problem.message.startswith("has a value of more than 1 MiB")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), min_size=1),
    st.sampled_from([None, 1]),
)
def test_every_array_of_objects_has_as_many_rows_as_objects(
    rows: list[dict[str, Any]], indent: int | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.json"
        path.write_text(json.dumps([{**row, "id": n} for n, row in enumerate(rows)], indent=indent))
        found = open_input(path, Rows(key=compile_template("{{ row.id }}")), scope={})
        assert [(row.key, row.values) for row in found] == [
            (str(n), {**row, "id": n}) for n, row in enumerate(rows)
        ]  # fmt: skip


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(["[", "]", "{", "}", '"a"', ":", ",", "1", " ", "\n", '{"a":1}', "tru"])
    )
)
def test_whatever_the_text_is_the_answer_is_rows_or_problems(pieces: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.json"
        path.write_text("".join(pieces))
        try:
            found = open_input(path, Rows(key=compile_template("{{ row.a }}")), scope={})
        except InvalidError as error:
            assert error.total >= 1
        else:
            assert found.line_count == found.row_count
