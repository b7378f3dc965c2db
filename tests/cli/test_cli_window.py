"""A job whose date lies further back than the API reads: named in the plan, by `ops`, and by the sandbox."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from .command import Command

RECIPE = """\
recipe: 1
name: jobs
rows:
  file: jobs.csv
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    day: {type: date}
    name: {required: true}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.name }}"}
  - id: job
    use: syncore.CREATE
    with:
      client: {id: "{{ contact.id }}"}
      description: "{{ row.ref }}"
      date: "{{ row.day }}"
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}"}
"""
RECENT = (datetime.now(UTC) - timedelta(days=200)).date().isoformat()
ROWS = f"ref,day,name\nJ-1,{RECENT},Ace\nJ-2,2020-02-03,Best\nJ-3,2020-02-04,Crest\n"


@pytest.fixture(params=["create_job", "create_store_job"])
def jobs(request: pytest.FixtureRequest, runner: Command) -> Command:
    """A folder with a recipe that creates a job on the day that its row names."""
    recipe = RECIPE.replace("CREATE", request.param)
    if request.param == "create_store_job":
        recipe = recipe.replace("      description:", "      store: {id: 1}\n      description:")
    runner.write("jobs.yaml", recipe)
    runner.write("jobs.csv", ROWS)
    return runner


def test_the_plan_says_which_job_cannot_be_read_afterwards(jobs: Command) -> None:
    shown = jobs("run", "jobs.yaml", "--dry-run").out
    notes = [line for line in shown.splitlines() if "13 months" in line]
    assert len(notes) == 1, shown
    assert '"2020-02-03"' in notes[0]
    assert "may not be readable afterwards" in notes[0]
    assert "like J-2: J-3 " in shown


def test_the_plan_for_machines_notes_each_of_them(jobs: Command) -> None:
    plan = json.loads(jobs("plan", "jobs.yaml", "--format", "json").out)
    noted = {
        row["key"]: [note for call in row["calls"] for note in call.get("notes", ())
                     if "13 months" in note]
        for row in plan["rows"]
    }  # fmt: skip
    assert [len(noted[key]) for key in ("J-1", "J-2", "J-3")] == [0, 1, 1]
    assert noted["J-3"][0].startswith("date: ")


def test_the_sandbox_says_why_it_does_not_find_the_job(jobs: Command) -> None:
    jobs("run", "jobs.yaml", code=4)
    with (jobs.runs / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as results:
        reasons = {row["key"]: row["reason"] for row in csv.DictReader(results)}
    assert not reasons["J-1"]
    for key, day in (("J-2", "2020-02-03"), ("J-3", "2020-02-04")):
        assert "Resource not found: " in reasons[key]
        assert f"date {day} is before " in reasons[key]
        assert "13 months" in reasons[key]
