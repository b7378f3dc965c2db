"""Sheets as they come, through the real command: what is cleaned, left out, made into lines, and what stops it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from .command import Command

SHEETS = Path(__file__).resolve().parents[1] / "sheets"


def brought(runner: Command, name: str) -> None:
    for ending in (".yaml", ".csv"):
        shutil.copy(SHEETS / f"{name}{ending}", runner.folder)


def planned(runner: Command, name: str) -> list[dict[str, Any]]:
    """The bodies that a plan would send."""
    plan = json.loads(runner("plan", f"{name}.yaml", "--format", "json").out)
    return [call["body"] for row in plan["rows"] for call in row["calls"]]


def results(runner: Command) -> list[dict[str, str]]:
    with (runner.runs / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_bank_export(runner: Command) -> None:
    brought(runner, "bank-export")
    names = [(body["business_name"], body["last_name"]) for body in planned(runner, "bank-export")]
    assert names == [
        ("Riverside Little League", "2027-03-03 1250.00 125000"),
        ("Café Ondine", "2027-03-04 -87.50 -8750"),
        ("Northside Apparel", "2027-03-05 18440.05 1844005"),
    ]
    plan = runner("plan", "bank-export.yaml", "-v", "total=19602.55").out
    assert "3 rows from 3 lines, 1 line left out; as announced: 3 lines, amount 19,602.55" in plan
    ended = runner("run", "bank-export.yaml", "-v", "total=19602.55")
    assert "4 read = 3 done + 0 found + 0 rejected + 0 unknown + 0 not started + 1 left out" in ended.err
    found = results(runner)
    assert [(line["line"], line["bucket"], line["amount"]) for line in found] == [
        ("2", "done", "1250.00"), ("3", "done", "-87.50"), ("4", "done", "18440.05"), ("5", "left out", "")
    ]  # fmt: skip
    assert not (runner.runs / "1" / "retry.csv").exists()


def test_a_bank_export_that_is_not_what_was_announced(runner: Command) -> None:
    brought(runner, "bank-export")
    ended = runner("run", "bank-export.yaml", "-v", "total=19602.54", code=3)
    assert "the sum of amount is 19,602.55, not 19,602.54 as announced: 0.01 more" in ended.err
    assert not (runner.runs / "1").exists()


def test_a_catalogue_with_sizes_in_columns(runner: Command) -> None:
    brought(runner, "size-catalogue")
    bodies = planned(runner, "size-catalogue")
    assert [(body["first_name"], body["last_name"]) for body in bodies] == [
        ("G500-S", "12 x 1008.40 Navy"), ("G500-M", "24 x 1008.40 Navy"), ("G185-M", "6 x 19.95 Black"),
        ("G185-L", "6 x 19.95 Black"),
    ]  # fmt: skip
    assert bodies[0]["business_name"] == "Heavy Cotton Tee Navy/Black"
    runner("run", "size-catalogue.yaml")
    assert [(line["key"], line["bucket"], line["sizes"]) for line in results(runner)] == [
        ("G500-NVY", "done", "S M"), ("G185-BLK", "done", "M L"), ("", "left out", "")
    ]  # fmt: skip
    again = runner("run", "size-catalogue.yaml")
    assert "0 done" not in again.err
    assert "calls        0 in" in again.err
