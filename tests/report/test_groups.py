"""The lines of an export taken together: which lines are one group."""

from __future__ import annotations

import pytest

from runner.recipe.model import Export, Total
from runner.report.files.groups import Groups


@pytest.mark.parametrize(
    ("one", "other"), [("Check", "Check "), ("Caf\u00e9", "Cafe\u0301"), ("PO 1", "PO\u00a01")]
)
def test_one_name_in_two_spellings_is_one_group(one: str, other: str) -> None:
    export = Export(group_by=("kind",), totals={"count": Total("count")})
    groups = Groups(export, ["kind"])
    groups.add([one])
    groups.add([other])
    assert [list(line) for line in groups.lines()] == [[one, 2]]
