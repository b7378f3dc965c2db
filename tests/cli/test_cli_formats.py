"""Problems in every form, from the command itself; and a run as JUnit."""

from __future__ import annotations

import json

import junitparser
import pytest

from .command import HEADER, RECIPE, Command
from .conftest import StartStub
from .stub import Answer
from .test_cli_dry_run import KEY

BAD = RECIPE.replace("row.name", "row.nam")


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_validate_ends_with_the_same_code_in_every_form(contacts: Command, form: str) -> None:
    contacts("validate", "contacts.yaml", "--format", form)
    contacts.write("bad.yaml", BAD)
    told = contacts("validate", "contacts.yaml", "bad.yaml", "--format", form, code=3)
    assert "nam" in (told.err if form == "text" else told.out)
    assert form == "text" or told.err == ""


@pytest.mark.parametrize(("form", "sign"), [
    ("json", '"kind": "unknown-column"'), ("markdown", "### 1 problem"), ("github", "::error file=contacts.yaml,line="),
    ("junit", "<failure "),
])  # fmt: skip
def test_a_plan_tells_problems_in_the_form_it_was_asked_for(
    contacts: Command, form: str, sign: str
) -> None:
    contacts.write("contacts.yaml", BAD)
    told = contacts(
        "plan", "contacts.yaml", "--format", form, "--out", "plan.json", "--out", "plan.md", code=3
    )
    assert sign in told.out
    assert told.err == ""
    assert not (contacts.folder / "plan.json").exists()
    assert "**Nothing was planned and nothing was sent.**" in (
        contacts.folder / "plan.md"
    ).read_text("utf-8")


def test_a_plan_tells_problems_of_the_data_too(contacts: Command) -> None:
    contacts.write("rows.csv", HEADER + "A-1,,1,1,01/02/2027\n" * 70)
    told = contacts("plan", "contacts.yaml", "--format", "github", code=3).out.splitlines()
    assert len(told) == 11
    assert told[0].startswith("::error file=rows.csv,line=2,col=")
    assert (
        json.loads(contacts("plan", "contacts.yaml", "--format", "json", code=3).out)["errors"] > 60
    )


def test_a_run_as_junit(contacts: Command, start_stub: StartStub) -> None:
    answers = {
        "A-1": Answer(201, b'{"id": 5}'),
        "A-2": Answer(422, b'{"message": "no <such> name"}'),
        "A-3": Answer(0),
    }
    start_stub(lambda sent: answers[json.loads(sent.body)["first_name"]])
    contacts.write(
        "rows.csv", HEADER + "".join(f"A-{n},Name,1,1,01/02/2027\n" for n in range(1, 5))
    )
    run = (
        "run",
        "contacts.yaml",
        "--target",
        "live",
        "--first-run",
        "--workers",
        "1",
        "--limit",
        "3",
        "--junit",
        "run.xml",
    )
    contacts(*run, code=5, env=KEY)
    (suite,) = junitparser.JUnitXml.fromfile(str(contacts.folder / "run.xml"))
    found = {
        case.name: [(type(each).__name__, each.text) for each in case.result] for case in suite
    }
    assert (found["A-1"], found["A-4"]) == ([], [("Skipped", "not reached")])
    assert [name for name, _ in found["A-2"] + found["A-3"]] == ["Failure", "Error"]
    assert "no <such> name" in found["A-2"][0][1]
    contacts("report", "--junit", "again.xml")
    assert (contacts.folder / "again.xml").read_bytes() == (
        contacts.folder / "run.xml"
    ).read_bytes()
    assert (
        "are about the page alone" in contacts("report", "--html", "--junit", "x.xml", code=2).err
    )
    assert (
        "are for a run"
        in contacts("run", "contacts.yaml", "--dry-run", "--junit", "x.xml", code=2).err
    )
