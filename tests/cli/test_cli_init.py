"""`init` and `new`: what they make works at once, and nothing that is there is touched."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .command import TIMEOUT, TREE, Command


def test_the_folder_works_at_once(runner: Command) -> None:
    made = runner("init", "shop").out.split()
    names = "orders.csv orders.yaml runner.yaml .gitignore recipe.schema.json .github/workflows/plan.yml"
    assert made == [f"shop/{name}" for name in names.split()]
    shop = Command(runner.folder / "shop")
    assert shop("validate", "orders.yaml").out == "orders.yaml: ok, 1 step\n"
    beside = shop("validate", "orders.yaml", "runner.yaml")
    assert beside.out == "orders.yaml: ok, 1 step\nrunner.yaml: ok, the configuration\n"
    assert "Plan: 2 rows: 2 to send; 2 calls (2 create_contact)" in shop("plan", "orders.yaml").out
    shop("run", "orders.yaml")
    assert len(shop.delivered()) == 2
    workflow = shop.folder / ".github" / "workflows" / "plan.yml"
    schema = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    assert subprocess.run([*schema, workflow], capture_output=True, timeout=TIMEOUT).returncode == 0


def test_from_a_sheet(runner: Command) -> None:
    sheet = (TREE / "recipes" / "import-orders.csv").read_bytes()
    runner.write("Spring Orders.csv", sheet)
    runner("init", "--from", "Spring Orders.csv", "--use", "syncore.create_job")
    recipe = (runner.folder / "spring-orders.yaml").read_text("utf-8")
    assert "group_by: order " in recipe
    assert (
        'order_date: {from: "Order Date", type: date, format: "%m/%d/%Y", required: true}' in recipe
    )
    assert 'ship_to_zip: {from: "Ship-To Zip", required: true}' in recipe
    assert 'unit_price: {from: "Unit Price", type: decimal, required: true}' in recipe
    assert (
        "Plan: 43 rows: 43 to send; 43 calls (43 create_job)"
        in runner("plan", "spring-orders.yaml").out
    )


def test_nothing_is_overwritten(runner: Command) -> None:
    runner.write("runner.yaml", "targets: {}\n")
    assert "runner.yaml is there already" in runner("init", code=2).err
    assert [path.name for path in runner.folder.iterdir()] == ["runner.yaml"]
    runner("init", "other", "--use", "syncore.create_jib", code=2)
    assert [path.name for path in runner.folder.iterdir()] == ["runner.yaml"]
    runner("new", "syncore.create_job")
    before = (runner.folder / "create-job.yaml").read_bytes()
    assert "create-job.yaml is there already" in runner("new", "syncore.create_job", code=2).err
    assert (runner.folder / "create-job.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "operation", ["syncore.create_sales_order_payment", "syncore.search_contacts"]
)
def test_a_recipe_for_an_operation(runner: Command, operation: str) -> None:
    runner("new", operation, "--out", "made.yaml")
    runner("validate", "made.yaml")
    assert runner("plan", "made.yaml").out.endswith("DRY RUN  nothing was sent\n")
    assert "did you mean" in runner("new", f"{operation}s", code=2).err
