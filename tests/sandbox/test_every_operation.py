"""Every operation of the APIs that come with the program is used by a recipe, and the sandbox answers it."""

from __future__ import annotations

from pathlib import Path

from cli.command import Command

from runner.catalogue import Catalogue

TOUR = Path(__file__).with_name("tour.yaml")


def test_every_operation_is_reached_from_a_recipe(tmp_path: Path) -> None:
    runner = Command(tmp_path)
    recipe = runner.write("tour.yaml", TOUR.read_bytes())
    checked = runner("validate", recipe)
    assert checked.err == ""
    runner("run", recipe)
    delivered = runner.delivered(writes=False)
    known = {
        operation.full_name for api in Catalogue().values() for operation in api.operations.values()
    }
    assert {f"{one['api']}.{one['operation']}" for one in delivered} == known
    assert {one["status"] for one in delivered} <= {200, 201, 204}
