"""Lookups from a file: read whole, each name with one meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.problems import InvalidError, Problem
from runner.recipe.model import Lookup
from runner.rows import read_mapping

SIZES = Lookup("sizes", "", {}, ("vendor", "size"), fold=True, file="sizes.csv")


def read(tmp_path: Path, content: str, lookup: Lookup = SIZES) -> list[dict[str, object]]:
    path = tmp_path / "sizes.csv"
    path.write_text(content)
    return [dict(entry) for entry in read_mapping(lookup, path, name="sizes.csv").entries]


def problems(tmp_path: Path, content: str, lookup: Lookup = SIZES) -> list[Problem]:
    with pytest.raises(InvalidError) as caught:
        read(tmp_path, content, lookup)
    return caught.value.problems


def test_the_entries_of_a_file(tmp_path: Path) -> None:
    entries = read(tmp_path, "vendor, size ,id\nGildan,XL,007\nGildan,S,\n")
    assert entries == [
        {"vendor": "Gildan", "size": "XL", "id": "007"}, {"vendor": "Gildan", "size": "S", "id": None}
    ]  # fmt: skip


def test_two_meanings_of_one_name(tmp_path: Path) -> None:
    content = "vendor,size,id\nGildan,XL,7\nNext,XL,8\n gildan ,xl,9\nGILDAN,XL,7\n"
    (problem,) = problems(tmp_path, content)
    assert (problem.line, problem.column, problem.severity) == (4, 1, "error")
    assert problem.message == "' gildan ', 'xl' has two meanings: line 2 has it too"
    assert (
        len(read(tmp_path, content, Lookup("sizes", "", {}, ("vendor", "size"), file="sizes.csv")))
        == 4
    )


def test_a_line_without_a_name_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "vendor,size,id\nGildan,,7\n")
    assert (problem.line, problem.column, problem.message) == (
        2,
        8,
        "size is empty, and entries are found by it",
    )
    (problem,) = problems(tmp_path, "vendor,sizes,id\nGildan,S,7\n")
    assert (problem.message, problem.remedy) == (
        "there is no column 'size' to find entries by", "did you mean 'sizes'?"
    )  # fmt: skip
    with pytest.raises(InvalidError, match="problem"):
        read_mapping(SIZES, tmp_path / "none.csv", name="none.csv")
