"""Rows from an API, and exports: what a search finds becomes rows, and rows become files."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import load_workbook

from cli.command import Command
from cli.conftest import StartStub
from cli.stub import Answer, Sent

JOBS = """\
recipe: 1
name: jobs
rows:
  use: syncore.search_jobs
  with: {date_from: "{{ run.date | days(-7) }}", date_to: "{{ run.date | days(1) }}"}
outputs:
  job: "{{ row.id }}"
  what: "{{ row.description }}"
  formula: "=1+{{ row.id }}"
  client: "{{ row.client }}"
  day: "{{ run.date }}"
  nothing: "{{ row.completed_date | default(none) }}"
  open: "{{ row.status != 'Closed' }}"
  exact: "{{ '12.10' | decimal }}"
  long: "{{ '12345678901234567' | int }}"
"""
FOLLOW_UP = """\
recipe: 1
name: follow-up
rows:
  use: syncore.search_jobs
  with: {date_from: "{{ run.date | days(-7) }}", date_to: "{{ run.date | days(1) }}"}
  where: "'[W-1042]' in item.description or '[W-1043]' in item.description"
  key: "{{ row.id }}"
  columns:
    id: {type: integer, required: true}
    client_id: {from: client.id, type: integer, required: true}
steps:
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ row.id }}"}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose sandbox has the jobs of the sample sheet."""
    folder = tmp_path_factory.mktemp("filled")
    Command(folder)("run", "import-orders")
    return folder


@pytest.fixture
def runner(tmp_path: Path, filled: Path) -> Iterator[Command]:
    shutil.copytree(filled, tmp_path / "here")
    runner = Command(tmp_path / "here")
    runner.write("jobs.yaml", JOBS)
    runner.write("follow-up.yaml", FOLLOW_UP)
    yield runner


def test_every_format_has_the_same_rows(runner: Command) -> None:
    for name in ("out.csv", "out.jsonl", "out.xlsx"):
        ran = runner("run", "jobs.yaml", "--export", name)
        assert ran.out == f"export   {name}\n"
    with (runner.folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file))
    text = (runner.folder / "out.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    table = load_workbook(runner.folder / "out.xlsx").get_sheet_by_index(0).to_python()
    assert (
        [line["what"] for line in lines]
        == [cell["what"] for cell in cells]
        == [row[1] for row in table[1:]]
    )
    assert table[0] == list(cells[0]) == list(lines[0])
    assert len(lines) == len(
        [one for one in runner.delivered() if one["path"].endswith("/orders/jobs")]
    )
    line, cell, row = lines[0], cells[0], dict(zip(table[0], table[1], strict=True))
    assert line["formula"] == f"=1+{line['job']}" == row["formula"]  # text, and not computed
    assert cell["formula"] == f"'=1+{line['job']}"
    assert line["client"] == json.loads(cell["client"]) == json.loads(str(row["client"]))
    assert (line["nothing"], cell["nothing"], row["nothing"]) == (None, "", "")
    assert (line["open"], cell["open"], row["open"]) == (True, "true", True)
    assert str(row["day"]) == line["day"] == cell["day"]
    assert '"exact":12.10' in text
    assert (cell["exact"], row["exact"]) == ("12.10", 12.1)
    assert (line["long"], row["long"]) == (
        12345678901234567,
        "12345678901234567",
    )  # a spreadsheet would round it
    assert row["job"] == line["job"]


def test_an_export_sends_no_more_than_reads(runner: Command) -> None:
    before = len(runner.delivered())
    plan = runner("run", "jobs.yaml", "--dry-run").out
    assert "rows: syncore.search_jobs   GET http://sandbox/syncore/orders/jobs?date_from=" in plan
    assert "job      (known after run: row.id)" in plan
    assert "Plan: for each row found: 0 calls" in plan
    runner("run", "jobs.yaml")
    assert len(runner.delivered()) == before
    assert (runner.runs / "2" / "export.csv").exists()


def test_an_export_of_nothing_is_a_header(tmp_path: Path) -> None:
    runner = Command(tmp_path)
    runner.write("jobs.yaml", JOBS)
    runner("run", "jobs.yaml")
    exported = (runner.runs / "1" / "export.csv").read_text(encoding="utf-8-sig")
    assert exported == "job,what,formula,client,day,nothing,open,exact,long\n"


def test_a_row_that_has_not_what_is_exported_is_rejected(runner: Command) -> None:
    runner.write("jobs.yaml", JOBS.replace("row.client }", "row.client.rank }"))
    ran = runner("run", "jobs.yaml", "--export", "out.csv", code=4)
    assert "client: row.client.rank: there is no 'rank'" in ran.err
    assert len((runner.folder / "out.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("jobs.yaml", "--export", "out.pdf"), "an export ending in '.pdf' is not known"),
        (("follow-up.yaml", "--export", "out.csv"), "this recipe is no export: it has steps"),
    ],
)
def test_what_cannot_be_exported(runner: Command, arguments: tuple[str, ...], message: str) -> None:
    before = len(runner.delivered(writes=False))
    assert message in runner("run", *arguments, code=2).err
    assert message in runner("run", *arguments, "--dry-run", code=2).err
    assert len(runner.delivered(writes=False)) == before


def test_the_jobs_that_come_with_it_are_exported_whatever_their_answers_lack(
    runner: Command,
) -> None:
    runner("run", "deconetwork-to-syncore")  # its jobs have no day
    runner("run", "export-jobs", "--export", "out.jsonl")
    exported = [
        json.loads(line)
        for line in (runner.folder / "out.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    created = [one for one in runner.delivered() if one["operation"] == "create_job"]
    assert len(exported) == len(created)
    assert {line["in_hands"] is None for line in exported} == {True, False}


def test_a_file_that_cannot_be_written(runner: Command) -> None:
    runner.write("taken", "a file, not a folder")
    assert (
        "cannot be written" in runner("run", "jobs.yaml", "--export", "taken/out.csv", code=8).err
    )
    (runner.folder / "out.csv").write_text("of before")
    runner.write("jobs.yaml", JOBS.replace("search_jobs", "get_everything"))
    runner("run", "jobs.yaml", "--export", "out.csv", code=3)
    assert (runner.folder / "out.csv").read_text() == "of before"


def test_each_thing_that_a_search_finds_is_a_row_once(runner: Command) -> None:
    ran = runner("run", "follow-up.yaml")
    assert "2 rows from syncore.search_jobs" in ran.err
    before = len(runner.delivered())
    again = runner("run", "follow-up.yaml")
    assert "done         2 rows" in again.err
    assert len(runner.delivered()) == before
    kept = runner.runs / "2" / "rows.jsonl"
    plan = runner("run", "follow-up.yaml", "--rows", kept, "--dry-run").out
    assert "2 rows done before (run 2)" in plan
    assert "2 rows" in runner("runs").out or "follow-up" in runner("runs").out


def test_a_resume_has_the_rows_that_the_run_has_read(runner: Command) -> None:
    runner("run", "follow-up.yaml", "--limit", "1")
    rows = (runner.runs / "2" / "rows.jsonl").read_text(encoding="utf-8")
    (runner.runs / "2" / "rows.jsonl").write_text('{"id": 1, "client": {"id": 2}}\n')
    assert "has changed since run 2 began" in runner("resume", code=2).err
    (runner.runs / "2" / "rows.jsonl").write_text(rows, encoding="utf-8")
    rest = runner("resume")
    assert "goes on" in rest.err
    results = (runner.runs / "2" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[3] for line in results] == ["bucket", "done", "done"]


def test_a_key_that_no_row_has_is_refused_once_the_rows_are_read(runner: Command) -> None:
    assert "no row has the key '77'" in runner("run", "follow-up.yaml", "--only", "77", code=2).err


def test_a_field_that_does_not_fit_stops_before_anything_is_sent(runner: Command) -> None:
    before = len(runner.delivered())
    runner.write("follow-up.yaml", FOLLOW_UP.replace("from: client.id", "from: description"))
    refused = runner("run", "follow-up.yaml", code=3)
    assert "syncore.search_jobs:1:" in refused.err
    assert "is not an integer" in refused.err
    assert len(runner.delivered()) == before


def test_a_plan_says_where_the_rows_will_come_from(runner: Command) -> None:
    plan = json.loads(runner("plan", "follow-up.yaml", "--format", "json").out)
    assert plan["header"]["input"] == {"search": "syncore.search_jobs"}
    told = runner("plan", "follow-up.yaml", "--format", "markdown").out
    assert "**For each row that `syncore.search_jobs` finds: 1 call. Nothing was sent.**" in told
    exported = json.loads(runner("plan", "jobs.yaml", "--format", "json").out)
    assert [row["state"] for row in exported["rows"]] == ["to export"]


def test_with_lookups_a_plan_has_every_row_that_there_is_now(runner: Command) -> None:
    before = len(runner.delivered())
    plan = runner("plan", "follow-up.yaml", "--lookups").out
    assert "Plan: 2 rows: 2 to send; 2 calls (2 create_sales_order)" in plan
    assert "known after run: row" not in plan
    data = json.loads(runner("plan", "follow-up.yaml", "--lookups", "--format", "json").out)
    assert not (runner.runs / "2").exists()
    assert data["header"]["input"]["name"] == "rows.jsonl"
    ran = runner("run", "follow-up.yaml")
    assert "done         2 rows" in ran.err
    assert {row["key"] for row in data["rows"]} == {
        one["path"].split("/")[-2] for one in runner.delivered()[before:]
    }
    runner.write("nothing.yaml", FOLLOW_UP.replace("'[W-", "'[V-"))
    assert "Plan: 0 rows" in runner("plan", "nothing.yaml", "--lookups").out


def test_rows_that_nobody_has_reviewed_are_not_sent(runner: Command) -> None:
    runner("plan", "follow-up.yaml", "--out", "plan.json")
    before = len(runner.delivered())
    refused = runner("run", "follow-up.yaml", "--plan", "plan.json", code=3)
    assert "nobody has reviewed what it will give" in refused.err
    assert len(runner.delivered()) == before


def test_a_date_that_the_api_does_not_reach_is_refused_on_its_own_line(runner: Command) -> None:
    recipe = JOBS.replace("run.date | days(-7)", "vars.since").replace(
        "rows:\n", "vars: {since: {type: date, required: true}}\nrows:\n"
    )
    runner.write("old.yaml", recipe)
    refused = runner("run", "old.yaml", "-v", "since=2001-01-01", "--dry-run", code=3).err
    assert (
        "old.yaml:6:21: error: the search for the rows cannot be made: date_from: 2001-01-01 reaches"
        in refused
    )


def test_a_list_that_gives_less_than_it_says_exports_nothing(
    contacts: Command, start_stub: StartStub
) -> None:
    """Half of an export must not look like one; what there is of it is taken on purpose or not at all."""
    whole = [False]

    def answer(sent: Sent) -> Answer:
        found = [{"id": n, "description": "x", "status": "New", "client": {}} for n in range(1, 21)]
        found = found if "page=1" in sent.path or "page=" not in sent.path else []
        return Answer(
            200, json.dumps({"jobs": found, "total_results": 20 if whole[0] else 500}).encode()
        )

    stub = start_stub(answer)
    contacts.write("jobs.yaml", JOBS)
    stopped = contacts(
        "run",
        "jobs.yaml",
        "--target",
        "live",
        "--first-run",
        code=8,
        env={"ACME_KEY": "key-of-acme"},
    ).err
    assert "says that it has 500, and gave 20: the rows are not all there" in stopped
    assert len(stub.sent) == 4  # a page and the end of the list, twice
    assert not list(contacts.runs.rglob("export.csv"))
    part = contacts.runs / "2" / "rows.part.jsonl"
    assert f"with what it gave and no more: --rows {part}\n" in stopped
    contacts(
        "plan",
        "jobs.yaml",
        "--target",
        "live",
        "--lookups",
        code=8,
        env={"ACME_KEY": "key-of-acme"},
    )
    contacts(
        "run",
        "jobs.yaml",
        "--target",
        "live",
        "--first-run",
        "--rows",
        part,
        env={"ACME_KEY": "key-of-acme"},
    )
    assert (
        len((contacts.runs / "3" / "export.csv").read_text(encoding="utf-8-sig").splitlines()) == 21
    )
    whole[0] = True
    contacts("resume", "2", env={"ACME_KEY": "key-of-acme"})
    assert (
        len((contacts.runs / "2" / "export.csv").read_text(encoding="utf-8-sig").splitlines()) == 21
    )


def test_rows_that_cannot_be_read_leave_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    runner = Command(tmp_path)
    runner.write("jobs.yaml", JOBS)
    api = "{base_url: 'http://127.0.0.1:1', user_agent: tests/1, secrets: {api_key: {env: KEY}}}"
    runner.write("runner.yaml", f"targets: {{live: {{account: a, apis: {{syncore: {api}}}}}}}\n")
    stopped = runner(
        "run", "jobs.yaml", "--target", "live", "--first-run", code=8, env={"KEY": "key-of-acme"}
    )
    assert "refused" in stopped.err
    assert "runner resume" in stopped.err
    assert not list(runner.runs.rglob("*.jsonl"))
    assert not list(runner.runs.rglob("export.csv"))
    (_, counts, left) = runner("runs").out.splitlines()
    assert counts.split()[-6:] == ["0"] * 6
    assert left.endswith("runner resume 1")
    assert "refused" in runner("resume", code=8, env={"KEY": "key-of-acme"}).err
