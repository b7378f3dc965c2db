"""Every recipe that comes with the program is validated, dry-run and run against the sandbox, and run again."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from cli.command import TREE, Command
from prepared import first, prepare

RECIPES = sorted((TREE / "recipes").glob("*.yaml"))
VALUES = {
    "new-order": [
        "order_ref=W-2001", "company=Riverside Little League", "first_name=Dana", "last_name=Whitlock",
        "email=dana@example.org", "event=Spring jerseys", "sku=00618", "product=Tri-Blend Tee", "quantity=48",
        "price=8.40", "deposit=200",
    ],
    "pay-supplier-invoices": ["paid=2026-12-15"],
    "export-contacts": ["state=MA"],
    "record-payouts": ["charges=1927.30"],
    "jobs-without-orders": ["older_than=0"],
}  # fmt: skip
"""What a recipe asks for that has no default, or compares with."""

READ_FIRST = (
    "copy-orders", "move-in-hands-dates", "clear-bounced-addresses", "add-setup-charges",
    "close-delivered-jobs",
)  # fmt: skip
"""Recipes whose calls depend on what their steps read: a plan cannot know that there are none left."""


def test_there_are_recipes() -> None:
    assert {"import-orders", "new-order"} <= {path.stem for path in RECIPES}


def test_what_runs_first_is_a_recipe_that_ships() -> None:
    """And it needs nothing that a recipe named before it would not have made."""
    before = {path.stem: first(path) for path in RECIPES}
    assert before["complete-delivered-jobs"] == ("import-orders", "change-job-statuses")
    for names in before.values():
        for place, name in enumerate(names):
            assert set(before[name]) <= set(names[:place])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, recipe: Path) -> None:
    runner = Command(tmp_path)
    prepared = prepare(runner, recipe, tmp_path_factory.mktemp("first"))
    values = [part for value in VALUES.get(recipe.stem, ()) for part in ("-v", value)]
    checked = runner("validate", recipe)
    assert checked.out.startswith(f"{recipe}: ok, ")
    assert checked.err == ""  # no warnings either
    assert runner("validate", recipe.stem).out.startswith(f"{recipe.stem}: ok, ")

    planned = runner("run", recipe.stem, *values, "--dry-run").out
    assert " with problems" not in planned
    assert not list(runner.runs.glob("[0-9]*")) and len(runner.delivered()) == prepared

    before = len(runner.delivered(writes=False))
    ran = runner("run", recipe.stem, *values)
    if ran.out.startswith("export"):
        check_export(runner, recipe.stem, before)
        return
    writes = len(runner.delivered())
    assert writes > prepared
    assert {one["status"] for one in runner.delivered()} <= {200, 201, 204}
    runner("run", recipe.stem, *values)
    assert len(runner.delivered()) == writes
    found = runner.runs / "1" / "rows.jsonl"  # what it read, where the rows come from an API
    rows: list[str | Path] = ["--rows", found] if found.exists() else []
    if recipe.stem in READ_FIRST:
        return
    look = (
        ["--lookups"] if "update:" in recipe.read_text(encoding="utf-8") else []
    )  # what is kept in step is read
    assert "0 to send" in runner("run", recipe.stem, *values, *rows, "--dry-run", *look).out


PAYING = [
    path
    for path in RECIPES
    if re.search(r"create_\w*payment", path.read_text("utf-8")) and first(path)
]


@pytest.mark.parametrize("recipe", PAYING, ids=lambda path: path.stem)
def test_a_payment_beside_those_of_the_recipes_before_it(tmp_path: Path, recipe: Path) -> None:
    """In one folder, with the journal of what ran first: nothing is taken for a second payment."""
    runner = Command(tmp_path)
    for name in first(recipe):
        runner("run", name)
    values = [part for value in VALUES.get(recipe.stem, ()) for part in ("-v", value)]
    assert " 0 changed + 0 rejected " in runner("run", recipe.stem, *values).err


def check_export(runner: Command, name: str, before: int) -> None:
    """An export sends nothing but reads, and writes one file in each of its formats."""
    with (runner.runs / "1" / "export.csv").open(encoding="utf-8-sig", newline="") as file:
        exported = list(csv.DictReader(file))
    assert {one["method"] for one in runner.delivered(writes=False)[before:]} == {"GET"}
    found = [
        json.loads(line) for line in (runner.runs / "1" / "rows.jsonl").read_text().splitlines()
    ]
    grouped = "group_by" in (TREE / "recipes" / f"{name}.yaml").read_text("utf-8")
    assert exported and (grouped or len(exported) == len(found))
    target = runner.folder / "out.jsonl"
    runner("run", name, "--rows", runner.runs / "1" / "rows.jsonl", "--export", target)
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [list(line) for line in lines] == [list(line) for line in exported]
