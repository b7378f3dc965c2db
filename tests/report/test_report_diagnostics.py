"""Problems for machines: each form is read back by its own schema or parser, whatever the data is."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest

from runner.engine.events import BUCKETS, Bucket, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import Problem
from runner.report.problems.github import PlanGithub, command
from runner.report.problems.junit import JUnit
from runner.report.problems.render import FORMS, drawn

DIAGNOSTICS = json.loads(
    (Path(__file__).parents[2] / "schemas" / "diagnostics.schema.json").read_text(encoding="utf-8")
)
SARIF = json.loads(
    (Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
)
HOSTILE = [
    "plain", "a,b:c%d", "::error::x", "two\nlines", "carriage\rreturn", "\x1b]0;x\x07", "\u202eback",
    "<x a='1'>&amp;]]>", '"quoted"', "é 日本 💜", "\x00\x08\ufffe", "\ud800", "```", "",
]  # fmt: skip


def problem(n: int = 1, text: str = "no earlier step is called 'creat'", **more: Any) -> Problem:
    values: dict[str, Any] = {"file": "recipes/my recipe.yaml", "remedy": "did you mean 'create'?"}
    values |= {"length": 5, "excerpt": "  x: y", **more}
    return Problem(line=n, column=25, message=text, kind="unknown-step", **values)


@pytest.mark.parametrize("form", FORMS)
def test_sorted_and_without_repetitions(form: Any) -> None:
    many = [problem(n) for n in (3, 1, 2, 1)]
    assert drawn(many, form) == drawn(sorted(set(many)), form)


def test_json() -> None:
    told = json.loads(
        drawn([problem(11), problem(12, severity="warning")], "json", files=["a.yaml"], total=70)
    )
    assert (told["diagnostics"], told["files"], told["errors"], told["warnings"]) == (
        1,
        ["a.yaml"],
        69,
        1,
    )
    assert told["problems"][0] == {
        "file": "recipes/my recipe.yaml", "line": 11, "column": 25, "end_column": 30, "severity": "error",
        "kind": "unknown-step", "message": "no earlier step is called 'creat'", "remedy": "did you mean 'create'?",
    }  # fmt: skip
    assert json.loads(drawn([], "json"))["problems"] == []


def test_what_was_not_checked_is_no_problem() -> None:
    found, notes = (
        [problem(11)],
        [problem(5, "not checked: whether it lists 'x'", severity="note", file="a.yaml")],
    )
    tree = json.loads(drawn(found, "json", notes=notes))
    jsonschema.Draft202012Validator(DIAGNOSTICS).validate(tree)
    assert (tree["errors"], tree["warnings"], len(tree["problems"])) == (1, 0, 1)
    assert [(each["line"], each["severity"]) for each in tree["not_checked"]] == [(5, "note")]
    lines = drawn(found, "github", notes=notes).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::notice"]
    told = json.loads(drawn(found, "sarif", notes=notes))
    jsonschema.validators.validator_for(SARIF)(SARIF).validate(told)
    (run,) = told["runs"]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (len(run["results"]), notification["level"]) == (1, "note")
    (suite,) = junitparser.JUnitXml.fromstring(
        drawn([], "junit", files=["a.yaml"], notes=notes).encode()
    )
    (case,) = suite
    assert case.is_passed
    assert "whether it lists 'x'" in case.system_out


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", FORMS)
def test_no_data_breaks_out_of_a_form(form: Any, text: str) -> None:
    told = drawn(
        [problem(text=text, remedy=text, file=text or "x", excerpt=text)], form, files=["x"]
    )
    assert not re.search("[\x00\x07\x08\x1b\r\u202e\ufffe]", told)
    if form == "json":
        jsonschema.Draft202012Validator(DIAGNOSTICS).validate(json.loads(told))
        assert json.loads(told)["problems"][0]["message"] == text
    elif form == "github":
        assert told.count("\n") == 1
        assert re.fullmatch(r"::error (\w+=[^,:\n]*,?)*::[^\n]*\n", told)
    elif form == "sarif":
        jsonschema.validators.validator_for(SARIF)(SARIF).validate(json.loads(told))
    elif form == "junit":
        assert junitparser.JUnitXml.fromstring(told.encode(errors="strict")).failures == 1


def test_github_annotations() -> None:
    assert drawn([problem(11)], "github") == (
        "::error file=recipes/my recipe.yaml,line=11,col=25,endColumn=30,title=unknown-step"
        "::no earlier step is called 'creat'%0Adid you mean 'create'?\n"
    )
    assert command("error", "50%\nof", file="a:b,c") == "::error file=a%3Ab%2Cc::50%25%0Aof\n"


def test_at_most_ten_annotations_errors_first() -> None:
    found = [problem(n, severity="warning") for n in range(1, 9)] + [
        problem(n) for n in range(20, 29)
    ]
    lines = drawn(found, "github", total=400).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 9 + [
        "::warning",
        "::notice::and",
    ]
    assert lines[-1] == "::notice::and 390 more: the log and the plan have them all"


def test_sarif_says_where_and_what() -> None:
    told = json.loads(drawn([problem(11), problem(12, severity="warning")], "sarif"))
    jsonschema.validators.validator_for(SARIF)(SARIF).validate(told)
    (run,) = told["runs"]
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "warning")
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "unknown-step"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "recipes/my%20recipe.yaml"
    assert place["region"] == {
        "startLine": 11,
        "startColumn": 25,
        "endColumn": 30,
        "snippet": {"text": "  x: y"},
    }


def test_junit_has_a_case_for_each_file() -> None:
    found = [problem(11, file="a.yaml"), problem(12, file="b.yaml", severity="warning")]
    told = junitparser.JUnitXml.fromstring(
        drawn(found, "junit", files=["a.yaml", "b.yaml", "c.yaml"]).encode()
    )
    assert (told.tests, told.failures) == (3, 1)
    (suite,) = told
    assert [(case.name, case.is_passed) for case in suite] == [
        ("a.yaml", False),
        ("b.yaml", True),
        ("c.yaml", True),
    ]
    assert "unknown-step" in next(iter(suite)).result[0].text


def ran(*buckets: Bucket, reason: str = "", dry_run: bool = False) -> tuple[str, str]:
    """What JUnit and GitHub are told of rows that ended in these buckets."""
    out, notes = io.StringIO(), io.StringIO()
    for reporter in (JUnit(out), PlanGithub(notes, lambda line: ("orders.csv", line))):
        reporter(RunStarted(1, "orders", "live", len(buckets), len(buckets), dry_run=dry_run))
        for n, bucket in enumerate(buckets, start=1):
            reporter(RowFinished(RowResult(n, f"K{n}", (n + 1,), bucket, reason)))
        reporter(RunEnded(1, dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 0), 0, 1.0))
    return out.getvalue(), notes.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_has_a_case_for_each_row(text: str) -> None:
    told, _ = ran("done", "found", "rejected", "unknown", "not started", reason=text)
    suites = junitparser.JUnitXml.fromstring(told.encode())
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (5, 1, 1, 1)
    (suite,) = suites
    kinds = [[type(result).__name__ for result in case.result] for case in suite]
    assert kinds == [[], [], ["Failure"], ["Error"], ["Skipped"]]
    assert suite.name == "orders -> live"
    if text == "plain":
        assert [case.result[0].text for case in list(suite)[2:]] == ["plain"] * 3


def test_junit_has_the_order_of_the_input_whichever_row_is_finished_first() -> None:
    out = io.StringIO()
    reporter = JUnit(out)
    reporter(RunStarted(1, "orders", "live", 4, 4, dry_run=False))
    for number in (3, 1, 4, 2):
        reporter(
            RowFinished(RowResult(number, f"K{number} \u00e9", (number + 1,), "rejected", "no"))
        )
    reporter(RunEnded(1, dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 0), 0, 1.0))
    (suite,) = junitparser.JUnitXml.fromstring(out.getvalue().encode())
    assert [case.name for case in suite] == [f"K{number} \u00e9" for number in (1, 2, 3, 4)]


def test_rows_with_problems_are_annotated_at_their_lines() -> None:
    many: list[Bucket] = ["rejected"] * 12
    _, notes = ran("done", *many, reason="job: quantity: is required", dry_run=True)
    lines = notes.splitlines()
    assert (
        lines[0]
        == "::error file=orders.csv,line=3,title=K2%3A not sent::job: quantity: is required"
    )
    assert (len(lines), lines[-1]) == (
        11,
        "::notice::and 2 more: the log and the plan have them all",
    )
