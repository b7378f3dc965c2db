"""Texts that are commands of other programs, in every output that they can reach: none is one there."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.command import TREE, Command

CASES: list[dict[str, str]] = yaml.safe_load(
    (TREE / "tests" / "corpora" / "outputs.yaml").read_text("utf-8")
)
RECIPE = """\
recipe: 1
name: hostile
rows:
  file: rows.jsonl
  key: "{{ row.n }} {{ row.text }}"
  columns: {n: {type: integer}, text: {}}
steps:
  - id: contact
    use: syncore.create_contact
    with:
      business_name: "{{ row.text }}"
      first_name: A
      email: a@example.com
outputs:
  text: "{{ row.text }}"
"""
WRONG = RECIPE.replace("text: {}", "text: {type: integer}")
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\uffff]"
)
_COMMAND = re.compile(r"##(\[|vso\[)", re.IGNORECASE)


@pytest.fixture
def hostile(tmp_path: Path) -> Command:
    runner = Command(tmp_path)
    rows = [json.dumps({"n": number, "text": each["text"]}) for number, each in enumerate(CASES)]
    runner.write("rows.jsonl", "\n".join(rows) + "\n")
    runner.write("hostile.yaml", RECIPE)
    runner.write("wrong.yaml", WRONG)
    return runner


def assert_safe(text: str, *, ours: bool = False) -> None:
    """Nothing in it is a command or moves a cursor; `ours` are annotations that begin with ::."""
    assert not _UNSAFE.search(text.replace("\r\n", "\n")), _UNSAFE.search(text)
    assert not _COMMAND.search(text)
    for line in text.splitlines():
        if line.lstrip().startswith("::"):
            assert ours
            assert re.match(r"::(error|warning|notice)( |::)", line)


def outside_code(markdown: str) -> str:
    """What is left of Markdown without its code."""
    text = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", markdown)
    text = re.sub(r"<code>[^<>]*</code>", "", text)
    return re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


FORMS = ["text", "json", "markdown", "github", "junit"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("recipe", "code"), [("hostile", 0), ("wrong", 3)])
def test_plans(hostile: Command, form: str, recipe: str, code: int) -> None:
    ended = hostile("plan", f"{recipe}.yaml", "--format", form, "--all", code=code)
    assert_safe(ended.out, ours=form == "github")
    assert_safe(ended.err)
    if form == "junit":
        assert not {each.tag for each in ET.fromstring(ended.out).iter()} - {
            "testsuites", "testsuite", "testcase", "failure", "system-out",
        }  # fmt: skip
    elif form == "markdown":
        left = re.sub(r"</?(details|summary)>", "", outside_code(ended.out))
        assert not re.search(r"[<@]|\]\(", left), left
    elif form == "json":
        json.loads(ended.out)


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_problems(hostile: Command, form: str) -> None:
    ended = hostile("validate", "wrong.yaml", "--rows", "rows.jsonl", "--format", form, code=3)
    assert_safe(ended.out, ours=form == "github")
    assert_safe(ended.err)
    if form == "junit":
        ET.fromstring(ended.out)
    elif form == "sarif":
        for each in json.loads(ended.out)["runs"][0]["results"]:
            assert not re.search(r"(?<!\\)\[[^\]]*\]\(", each["message"]["text"])


@pytest.mark.parametrize("way", [("--verbose",), ("--json",)])
def test_runs(hostile: Command, way: tuple[str, ...]) -> None:
    ended = hostile("run", "hostile.yaml", *way, "--junit", "j.xml")
    for text in (ended.out, ended.err, hostile("runs").out, hostile("show").out):
        assert_safe(text)
    ET.fromstring((hostile.folder / "j.xml").read_text("utf-8"))
    for line in ended.out.splitlines() if way == ("--json",) else ():
        json.loads(line)
    results = (hostile.runs / "1" / "results.csv").read_text("utf-8-sig")
    assert not _UNSAFE.search(results.replace("\r\n", "\n"))
    for row in csv.reader(io.StringIO(results, newline="")):
        for cell in row:
            assert not computed(cell), cell


def computed(cell: Any) -> bool:
    """Whether a spreadsheet computes a cell, or a part of it where it splits at ; or a tab."""
    return any(
        part.strip(' "').startswith(("=", "+", "-", "@")) for part in re.split("[;\t]", cell)
    )


def test_the_corpus_gives_its_reasons() -> None:
    assert all(each["why"] for each in CASES)
    assert len({each["name"] for each in CASES}) == len(CASES)
