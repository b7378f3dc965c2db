"""results.xlsx as a spreadsheet reads it: the summary first, ids as text, money exact, buckets worded and coloured."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import python_calamine

from runner.engine.events import RunEnded
from runner.journal import CallRecord, RunRecord
from runner.problems import StoppedError
from runner.recipe.model import RESULT_COLUMNS
from runner.report.files.created import COLUMNS, Created, Made
from runner.report.files.results_xlsx import ResultsBook
from runner.report.files.workbook import MOST_CHARACTERS, open_book

RUN = RunRecord(
    "orders", "live", "acme", "", "", "/x/orders.csv", "", '{"a": 1}', "2026-03-01", "2026-03-01T10:00:00+00:00",
    line_count=3, row_count=2, id=4,
)  # fmt: skip
ENDED = RunEnded(4, {"done": 1, "unknown": 1}, {"done": 2, "unknown": 1}, 5, 1.0)
LINES = [
    [2, "A", Decimal(1), "done", "", "=7", "", Decimal(31987), Decimal("12.10"), "=1+1", True],
    [
        3,
        "A",
        Decimal(1),
        "done",
        "",
        "",
        "",
        Decimal(1234567890123456789),
        Decimal("0.1234567890123456789"),
        "x",
        None,
    ],
    [
        4,
        "00618",
        Decimal(2),
        "unknown",
        "lost",
        "",
        "",
        None,
        None,
        "y" * (MOST_CHARACTERS + 1),
        [Decimal("1.50")],
    ],
]


class Known(Created):
    """What was made, without a journal."""

    def __init__(self) -> None:
        self.made, self.whole = Made(), False

    def write(self, *, keep: bool = False) -> None:
        for operation, amount in (("shop.pay", "12.10"), ("shop.pay", "0.20"), ("shop.make", "")):
            self.made.counts[("create", operation)] += 1
            if amount:
                total = self.made.money.get(("create", operation), Decimal(0))
                self.made.money["create", operation] = total + Decimal(amount)

    def rows(self) -> Any:
        yield (
            "2026-03-01",
            "create",
            "shop.pay",
            "0017",
            "A",
            1,
            "pay",
            "",
            Decimal("12.10"),
            "",
            "",
        )

    def cells(self, call: CallRecord) -> tuple[Any, ...]:
        raise AssertionError(call)


def book(folder: Path, lines: Sequence[Sequence[Any]] = LINES) -> Path:
    return ResultsBook(folder, RUN, Known())(
        [*RESULT_COLUMNS, "job_number", "paid", "note", "more"], lines, ENDED
    )


def sheet(path: Path, name: str) -> list[list[Any]]:
    found = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name)
    return found.to_python(skip_empty_area=False)


def test_the_sheets(tmp_path: Path) -> None:
    path = book(tmp_path)
    assert path == tmp_path / "results.xlsx"
    assert python_calamine.CalamineWorkbook.from_path(str(path)).sheet_names == [
        "summary",
        "results",
        "created",
    ]
    assert sheet(path, "created")[0] == list(COLUMNS)
    assert sheet(path, "created")[1][3] == "0017"


def test_the_lines(tmp_path: Path) -> None:
    rows = sheet(book(tmp_path), "results")
    assert rows[0] == [*RESULT_COLUMNS, "job_number", "paid", "note", "more"]
    assert rows[1] == [2, "A", 1, "done", "", "=7", "", "31987", 12.1, "=1+1", True]
    assert rows[2][7:9] == ["1234567890123456789", "0.1234567890123456789"]  # all digits, as text
    assert rows[3][1] == "00618"
    assert len(rows[3][9]) == MOST_CHARACTERS
    assert rows[3][10] == "[1.50]"


def test_the_summary(tmp_path: Path) -> None:
    rows = [row for row in sheet(book(tmp_path), "summary") if any(row)]
    facts = {row[0]: row[1:] for row in rows}
    assert facts["recipe"][0] == "orders"
    assert facts["exit code"][0] == "5"
    assert facts["unknown"][:2] == [1, 1]
    assert facts["lines read"] == ["", 3, "every line read is in one bucket"]
    assert facts["shop.pay (create)"] == [2, "", 12.3]
    assert facts["all"] == [3, "", 12.3]


def test_lines_that_do_not_add_up_are_told(tmp_path: Path) -> None:
    ended = RunEnded(4, {"done": 1}, {"done": 2}, 1, 1.0)
    path = ResultsBook(tmp_path, RUN, Known())(RESULT_COLUMNS, [line[:7] for line in LINES], ended)
    assert any(str(cell).startswith("CHECK") for row in sheet(path, "summary") for cell in row)


def test_lines_that_are_left_out_have_their_place(tmp_path: Path) -> None:
    left = [9, "", None, "left out", "", *[None] * 6]
    path = book(tmp_path, [*LINES, left])
    facts = {row[0]: row[1:] for row in sheet(path, "summary")}
    assert facts["left out"][1] == 1
    assert facts["lines read"][1:] == [4, "every line read is in one bucket"]
    assert sheet(path, "results")[4][3] == "left out"


def test_how_it_opens(tmp_path: Path) -> None:
    with zipfile.ZipFile(book(tmp_path)) as archive:
        results = archive.read("xl/worksheets/sheet2.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert '<autoFilter ref="A1:K4"/>' in results
    assert 'state="frozen"' in results
    assert "<f>" not in results
    assert "#,##0.00" in styles
    assert "FFF8CBCB" in styles


def test_what_does_not_fit_says_so(tmp_path: Path) -> None:
    raised = pytest.raises(OSError, match="no workbook takes")
    with (tmp_path / "x.xlsx").open("wb") as file, raised, open_book(file) as opened:
        opened.sheet("one", ["a"]).row(["y" * (MOST_CHARACTERS + 1)])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match=r"results\.xlsx cannot be written") as error:
        book(tmp_path / "gone")
    assert "runner report" in error.value.remedy
