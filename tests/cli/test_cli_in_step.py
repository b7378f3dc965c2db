"""A sheet that contacts are kept in step with: created once, updated where they differ, and planned as a diff."""

from __future__ import annotations

import shutil

from .command import TREE, Command

NAME = "keep-contacts-in-step"


def test_a_changed_sheet_updates_what_differs_and_the_plan_shows_it(runner: Command) -> None:
    for ending in ("yaml", "csv"):
        shutil.copy(TREE / "recipes" / f"{NAME}.{ending}", runner.folder)
    first = runner("run", f"{NAME}.yaml").err
    assert "done         3 rows" in first
    blind = runner("plan", f"{NAME}.yaml").out
    assert "only when something differs from what is found: decided by the run" in blind
    sheet = runner.folder / f"{NAME}.csv"
    runner.write(sheet.name, sheet.read_text().replace("555-0101", "555-0199"))
    shown = runner("plan", f"{NAME}.yaml", "--lookups").out
    assert 'found, and differs: phone "555-0101" -> "555-0199"' in shown
    assert "Plan: 3 rows: 1 to send" in shown
    assert "done         3 rows" in runner("run", f"{NAME}.yaml").err
    assert "Plan: 3 rows: 0 to send" in runner("plan", f"{NAME}.yaml", "--lookups").out
    calls = runner("show", "2").out
    assert calls.count("  PUT  ") == 1
