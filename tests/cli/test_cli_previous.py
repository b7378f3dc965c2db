"""`run.previous`: from the start of which run a nightly one goes on, and that nothing is lost in between."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.command import Command

NIGHTLY = """\
recipe: 1
name: nightly
vars: {rep: {type: string, default: A}}
rows:
  use: syncore.search_jobs
  with:
    date_from: "{{ run.previous.date | default(run.date | days(-7)) | days(-1) }}"
    date_to: "{{ run.date | days(1) }}"
  key: "{{ row.id }}"
steps:
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ row.id }}", reference: "{{ row.status }}"}
outputs:
  previous: "{{ run.previous.id | default(0) }}"
  started: "{{ run.previous.started | default('never') }}"
  since: "{{ run.previous.since | default('never') }}"
"""
OF_A_FILE = """\
recipe: 1
name: of-a-file
rows: {file: rows.csv, key: "{{ row.ref }}", columns: {ref: {required: true}, amount: {type: integer}}}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.ref }}", notes: "{{ (100 / row.amount) | int }}"}
outputs: {previous: "{{ run.previous.id if run.previous else 'none' }}"}
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Command]:
    runner = Command(tmp_path)
    runner("run", "import-orders", "--limit", "3", code=0)
    runner.write("nightly.yaml", NIGHTLY)
    runner.write("file.yaml", OF_A_FILE)
    runner.write("rows.csv", "ref,amount\nA,1\nB,2\n")
    yield runner


def outputs(runner: Command, run: int) -> list[dict[str, str]]:
    with (runner.runs / str(run) / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def previous(runner: Command, run: int) -> set[str]:
    return {row["previous"] for row in outputs(runner, run)}


def test_the_first_run_has_none_and_the_next_one_that(runner: Command) -> None:
    first = runner("run", "nightly.yaml")
    assert "run.previous: none\n" in first.err
    assert {(row["previous"], row["started"]) for row in outputs(runner, 2)} == {("0", "never")}
    second = runner("run", "nightly.yaml")
    assert "run.previous: run 2, started 20" in second.err
    (row,) = outputs(runner, 3)[:1]
    assert row["previous"] == "2"
    assert row["started"].endswith("Z")
    assert row["since"] < row["started"]
    assert {row["bucket"] for row in outputs(runner, 3)} == {"done"}  # an overlap sends nothing


def test_a_dry_run_shows_it_and_is_none(runner: Command) -> None:
    assert "run.previous: none\n" in runner("plan", "nightly.yaml").out
    runner("run", "nightly.yaml")
    for _ in range(2):
        assert "run.previous: run 2, started 20" in runner("plan", "nightly.yaml").out
        assert "run.previous: run 2, " in runner("plan", "nightly.yaml", "--format", "markdown").out
    plan = json.loads(runner("plan", "nightly.yaml", "--format", "json").out)
    assert plan["header"]["run_previous"].startswith("run 2, started 20")
    told = map(json.loads, runner("run", "nightly.yaml", "--json", "-q").out.splitlines())
    (started,) = [event for event in told if event["event"] == "run_started"]
    assert started["previous"] == plan["header"]["run_previous"]


def test_a_run_with_a_rejected_row_moves_nothing(runner: Command) -> None:
    """What it did not get done is asked for again by the next one."""
    runner("run", "file.yaml")
    runner.write("rows.csv", "ref,amount\nC,0\nD,2\n")
    runner("run", "file.yaml", "--bad-rows", "aside", code=4)
    runner("run", "file.yaml", "--bad-rows", "aside", code=4)
    assert previous(runner, 4) == {"2"}
    runner.write("rows.csv", "ref,amount\nC,1\nD,2\n")
    runner("run", "file.yaml")
    runner("run", "file.yaml")
    assert (previous(runner, 5), previous(runner, 6)) == ({"2"}, {"5"})


@pytest.mark.parametrize("part", [("--limit", "1"), ("--only", "A")])
def test_a_part_of_the_rows_moves_nothing(runner: Command, part: tuple[str, str]) -> None:
    runner("run", "file.yaml", *part)
    runner("run", "file.yaml")
    assert previous(runner, 3) == {"none"}


def test_a_resume_has_what_its_run_had(runner: Command) -> None:
    runner("run", "file.yaml")
    runner.write("rows.csv", "ref,amount\nC,1\nD,2\n")
    runner("run", "file.yaml", "--limit", "1")
    runner("resume", "3")
    assert previous(runner, 3) == {"2"}
    runner("run", "file.yaml")
    assert previous(runner, 4) == {"3"}  # as a whole it is one that got through


def test_other_values_of_variables_have_their_own(runner: Command) -> None:
    runner("run", "nightly.yaml")
    runner("run", "nightly.yaml", "-v", "rep=B")
    runner("run", "nightly.yaml", "-v", "rep=B")
    runner("run", "nightly.yaml")
    assert [previous(runner, run) for run in (2, 3, 4, 5)] == [{"0"}, {"0"}, {"3"}, {"2"}]


def test_rows_that_were_read_before_move_nothing(runner: Command) -> None:
    """A run over the rows of another one, such as a retry, has not searched for what is new."""
    runner("run", "nightly.yaml")
    runner("run", "nightly.yaml", "--rows", runner.runs / "2" / "rows.jsonl")
    runner("run", "nightly.yaml")
    assert previous(runner, 4) == {"2"}


def test_a_plan_of_before_another_run_is_not_sent(runner: Command) -> None:
    recipe = OF_A_FILE.replace(
        '"{{ (100 / row.amount) | int }}"', '"{{ run.previous.id | default(0) }}"'
    )
    runner.write("file.yaml", recipe)
    runner("plan", "file.yaml", "--out", "plan.json")
    runner("run", "file.yaml")
    assert "run before it" in runner("run", "file.yaml", "--plan", "plan.json", code=3).err


def test_a_run_by_a_clock_that_was_ahead_is_none(runner: Command) -> None:
    """What came after it, and before the moment that it has on record, would never be asked for."""
    runner("run", "nightly.yaml")
    runner("run", "nightly.yaml")
    with closing(sqlite3.connect(runner.runs / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE runs SET started_at = '2999' || substr(started_at, 5) WHERE id = 3")
    assert "run.previous: run 2, started 20" in runner("run", "nightly.yaml").err
