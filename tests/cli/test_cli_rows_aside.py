"""Rows with wrong cells set aside: the others are sent, and what was wrong comes back to be mended."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import xlsxwriter

from .command import HEADER, RECIPE, Command
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "key-of-acme"}
ASIDE = ("--bad-rows", "aside")
LINES = [
    ["A-1", "Ace Awards", "1", "1.10", "01/02/2027"],
    ["A-2", "Blue Banners", "two", "2.5", "01/03/2027"],
    ["A-3", "Cool Caps", "3", "3", "2027-01-04"],
    ["A-4", "Dandy Drums", "4", "4", "01/05/2027"],
]
GROUPED = RECIPE.replace("  key:", "  group_by: ref\n  key:")


def sheet(lines: list[list[str]]) -> str:
    return HEADER + "".join(",".join(line) + "\n" for line in lines)


def results(command: Command, run: int) -> dict[str, dict[str, str]]:
    with (command.runs / str(run) / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["key"]: line for line in csv.DictReader(file)}


def buckets(command: Command, run: int) -> dict[str, str]:
    return {key: line["bucket"] for key, line in results(command, run).items()}


def sent(command: Command) -> Counter[str]:
    return Counter(one["body"]["first_name"] for one in command.delivered())


def as_file(folder: Path, form: str, lines: list[list[str]]) -> str:
    """The lines as a file of this form, whose name is returned."""
    path = folder / f"sheet.{form}"
    names = HEADER.strip().split(",")
    if form == "csv":
        path.write_text(sheet(lines), encoding="utf-8")
    elif form == "jsonl":
        objects = [json.dumps(dict(zip(names, line, strict=True))) for line in lines]
        path.write_text("\n".join(objects) + "\n", encoding="utf-8")
    else:
        with xlsxwriter.Workbook(path) as book:
            page = book.add_worksheet()
            for at, line in enumerate([names, *lines]):
                page.write_row(at, 0, line)
    return path.name


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
def test_the_others_are_sent_and_the_mended_retry_file_sends_the_rest(
    contacts: Command, form: str
) -> None:
    name = as_file(contacts.folder, form, LINES)
    contacts("run", "contacts.yaml", "--rows", name, code=3)
    assert contacts.delivered() == []
    ended = contacts("run", "contacts.yaml", "--rows", name, *ASIDE, code=4)
    assert sent(contacts) == Counter(["A-1", "A-4"])
    assert buckets(contacts, 1) == {
        "A-1": "done", "A-2": "rejected", "A-3": "rejected", "A-4": "done",
    }  # fmt: skip
    assert "'two' is not an integer" in results(contacts, 1)["A-2"]["reason"]
    assert "'2027-01-04' is not a date" in results(contacts, 1)["A-3"]["reason"]
    assert "2 rows (2 lines): fix them and run the file again" in ended.err
    before = (contacts.runs / "1" / "results.csv").read_bytes()
    contacts("report", "1")
    assert (contacts.runs / "1" / "results.csv").read_bytes() == before

    mended = [[*LINES[1][:2], "2", *LINES[1][3:]], [*LINES[2][:4], "01/04/2027"]]
    retry = next(contacts.runs.glob("1/retry.*"))
    assert retry.suffix == f".{form}"
    if form == "csv":
        assert retry.read_text(encoding="utf-8") == sheet(LINES[1:3])
    contacts("run", "contacts.yaml", "--rows", as_file(contacts.folder, form, mended))
    assert sent(contacts) == Counter(["A-1", "A-2", "A-3", "A-4"])


def test_the_recipe_says_it_and_the_option_outweighs_it(contacts: Command) -> None:
    contacts.write("contacts.yaml", RECIPE.replace("  key:", "  bad_rows: aside\n  key:"))
    contacts.write("rows.csv", sheet(LINES))
    contacts("run", "contacts.yaml", "--bad-rows", "refuse", code=3)
    assert contacts.delivered() == []
    contacts("run", "contacts.yaml", code=4)
    assert sent(contacts) == Counter(["A-1", "A-4"])


def test_the_way_on_is_told(contacts: Command) -> None:
    contacts.write("rows.csv", sheet(LINES))
    ended = contacts("run", "contacts.yaml", code=3)
    assert ended.err.endswith(
        "2 errors\nto send the rows that are right: --bad-rows aside\nnothing was sent\n"
    )
    contacts.write("rows.csv", sheet(LINES).replace("A-1,Ace Awards", "A-1,Ace Awards,,"))
    ended = contacts("run", "contacts.yaml", code=3)
    assert "--bad-rows" not in ended.err
    ended = contacts("run", "contacts.yaml", *ASIDE, code=3)
    assert "this is no matter of single rows, which --bad-rows aside sets aside" in ended.err
    assert contacts.delivered() == []


def test_a_group_goes_as_a_whole(contacts: Command) -> None:
    """Its other lines are not sent without the one that cannot be read."""
    contacts.write("contacts.yaml", GROUPED)
    lines = [LINES[0], LINES[3], ["A-1", "Ace Awards", "x", "9", "01/02/2027"]]
    contacts.write("rows.csv", sheet(lines))
    contacts("run", "contacts.yaml", *ASIDE, code=4)
    assert sent(contacts) == Counter(["A-4"])
    found = results(contacts, 1)["A-1"]
    assert (found["bucket"], found["reason"]) == (
        "rejected", "line 4: qty (column 'Qty') 'x' is not an integer",
    )  # fmt: skip
    retry = (contacts.runs / "1" / "retry.csv").read_text(encoding="utf-8")
    assert retry == sheet([lines[0], lines[2]])


def test_a_line_of_which_the_group_is_not_known_refuses_the_file(contacts: Command) -> None:
    """It may belong to any row: sent without it, an order would lack a line."""
    contacts.write("contacts.yaml", GROUPED.replace("{from: Ref, required: true}", "{from: Ref}"))
    contacts.write("rows.csv", sheet([*LINES, ["", "Ace Awards", "1", "1", "01/02/2027"]]))
    ended = contacts("run", "contacts.yaml", *ASIDE, code=3)
    assert "is empty, and lines are grouped by it" in ended.err
    assert contacts.delivered() == []


def test_a_key_that_cannot_be_made(contacts: Command) -> None:
    contacts.write("rows.csv", sheet([LINES[0], ["", "Nobody", "1", "1", "01/02/2027"]]))
    contacts("run", "contacts.yaml", *ASIDE, code=4)
    assert buckets(contacts, 1) == {"A-1": "done", "": "rejected"}


@pytest.mark.parametrize("selection", [("--only", "A-1"), ("--limit", "1")])
def test_a_selection_looks_at_the_rows_that_it_takes(
    contacts: Command, selection: tuple[str, ...]
) -> None:
    contacts.write("rows.csv", sheet(LINES))
    contacts("run", "contacts.yaml", *selection)
    assert sent(contacts) == Counter(["A-1"])
    assert buckets(contacts, 1) == {
        "A-1": "done", "A-2": "not started", "A-3": "not started", "A-4": "not started",
    }  # fmt: skip
    ended = contacts("run", "contacts.yaml", "--only", "A-2", code=3)
    assert "'two' is not an integer" in ended.err
    assert "2027-01-04" not in ended.err
    contacts("run", "contacts.yaml", "--limit", "2", code=3)
    assert sent(contacts) == Counter(["A-1"])


def test_a_row_that_was_done_before_is_changed(contacts: Command) -> None:
    contacts.write("rows.csv", sheet([LINES[0], LINES[3]]))
    contacts("run", "contacts.yaml")
    contacts.write("rows.csv", sheet([[*LINES[0][:2], "one", *LINES[0][3:]], LINES[3]]))
    contacts("run", "contacts.yaml", *ASIDE, code=4)
    found = results(contacts, 2)["A-1"]
    assert (found["bucket"], found["ids"]) == ("changed", results(contacts, 1)["A-1"]["ids"])
    assert "'one' is not an integer" in found["reason"]
    assert sent(contacts) == Counter(["A-1", "A-4"])


def test_a_row_that_is_unknown_stays_it(contacts: Command, start_stub: StartStub) -> None:
    def answer(request: Sent) -> Answer:
        return Answer(0) if b"A-1" in request.body else Answer(201, b'{"id": 7}')

    stub = start_stub(answer)
    live = ("run", "contacts.yaml", "--target", "live")
    contacts.write("rows.csv", sheet([LINES[0], LINES[3]]))
    contacts(*live, "--first-run", code=5, env=KEY)
    contacts.write("rows.csv", sheet([[*LINES[0][:2], "one", *LINES[0][3:]], LINES[3]]))
    contacts(*live, *ASIDE, code=5, env=KEY)
    assert buckets(contacts, 2) == {"A-1": "unknown", "A-4": "done"}
    assert len([each for each in stub.sent if each.method == "POST"]) == 2


def test_a_row_of_which_a_part_is_on_record_says_so(
    contacts: Command, start_stub: StartStub
) -> None:
    def answer(request: Sent) -> Answer:
        return Answer(0) if b"A-1" in request.body else Answer(201, b'{"id": 7}')

    start_stub(answer)
    live = ("run", "contacts.yaml", "--target", "live")
    contacts.write("rows.csv", sheet([LINES[0], LINES[3]]))
    contacts(*live, "--first-run", code=5, env=KEY)
    contacts("settle", "--call", "1", "--done", "99", "--why", "seen", "--yes", code=0, env=KEY)
    contacts.write("rows.csv", sheet([[*LINES[0][:2], "one", *LINES[0][3:]], LINES[3]]))
    contacts(*live, *ASIDE, code=4, env=KEY)
    found = results(contacts, 2)["A-1"]
    if found["bucket"] == "rejected":
        assert "what was sent for it is on record" in found["reason"]
    assert "contact 99" in found["ids"]


def test_a_resume_knows_it(contacts: Command, start_stub: StartStub) -> None:
    """It needs no option, counts each row once, and sends what was left."""
    answers = {"A-4": 503}

    def answer(request: Sent) -> Answer:
        key = json.loads(request.body)["first_name"]
        return Answer(answers.get(key, 201), b'{"id": 7}')

    start_stub(answer)
    contacts.write("rows.csv", sheet([LINES[1], LINES[0], LINES[2], LINES[3]]))
    live = ("run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1")
    contacts(*live, *ASIDE, "--max-failures", "2", code=8, env=KEY)
    assert "aside" not in contacts("resume", "1", "--max-failures", "9", code=5, env=KEY).err
    found = buckets(contacts, 1)
    assert (found["A-1"], found["A-2"], found["A-3"]) == ("done", "rejected", "rejected")
    told = contacts("show", "1").out
    assert "4 rows from 4 lines" in told


def test_announced_totals_count_what_is_set_aside(contacts: Command) -> None:
    declared = "  expect_total: {lines: 4, sum: {price: 10.60}}\n  key:"
    contacts.write("contacts.yaml", RECIPE.replace("  key:", declared))
    contacts.write("rows.csv", sheet(LINES))
    contacts("run", "contacts.yaml", *ASIDE, code=4)
    assert sent(contacts) == Counter(["A-1", "A-4"])
    lines = [*LINES[:3], [*LINES[3][:3], "four", LINES[3][4]]]
    contacts.write("rows.csv", sheet(lines))
    ended = contacts("run", "contacts.yaml", *ASIDE, code=3)
    assert "the sum of price is 6.60, not 10.60 as announced: 4.00 less" in ended.err


def test_the_plan_shows_them(contacts: Command) -> None:
    contacts.write("rows.csv", sheet(LINES))
    ended = contacts("plan", "contacts.yaml", *ASIDE, "--out", "plan.json", code=3)
    assert "A-2  line 3  not sent: qty (column 'Qty') 'two' is not an integer" in ended.out
    contacts("run", "contacts.yaml", *ASIDE, "--plan", "plan.json", code=4)
    assert sent(contacts) == Counter(["A-1", "A-4"])


def test_more_than_can_be_set_aside(contacts: Command) -> None:
    lines = [[f"B-{n}", "Ace", "x", "1", "01/02/2027"] for n in range(10_001)]
    contacts.write("rows.csv", sheet([*lines, LINES[3]]))
    ended = contacts("run", "contacts.yaml", *ASIDE, code=3)
    assert "10001 errors\nmore than 10,000 wrong cells are not set aside\n" in ended.err
    assert len(ended.err.splitlines()) < 400
    assert contacts.delivered() == []
