"""The catalogue as people and machines read it; the example step of every operation is a step that validates."""

from __future__ import annotations

import json
import textwrap

import pytest

from runner.catalogue import Catalogue, Operation, to_json
from runner.recipe.load import load_text
from runner.report.operations import example_step, matches, operation_data, operation_text, operations_table

CATALOGUE = Catalogue()
OPERATIONS = [operation for api in CATALOGUE.values() for operation in api.operations.values()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.full_name)
def test_the_example_step_validates_when_pasted_into_a_recipe(operation: Operation) -> None:
    steps = textwrap.indent(example_step(operation), "  ")
    load_text(f"recipe: 1\nname: example\nsteps:\n{steps}\n", file="example.yaml", catalogue=CATALOGUE)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.full_name)
def test_everything_that_an_operation_takes_is_shown(operation: Operation) -> None:
    text = operation_text(operation, CATALOGUE[operation.api])
    assert f"{operation.method} {CATALOGUE[operation.api].server}{operation.path}" in text
    assert all(name in text for name in operation.names)
    assert operation.evidence in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_payment_says_that_it_moves_money() -> None:
    payment = CATALOGUE.operation("syncore.create_sales_order_payment")
    table = operations_table([payment])
    assert "create, moves money" in table
    assert "inferred" in table


def test_words_are_looked_for_everywhere() -> None:
    found = {operation.name for operation in OPERATIONS if matches(operation, ["PAYMENT", "types"])}
    assert "list_payment_types" in found
    assert "create_job" not in found


def test_machines_get_json_with_the_same_operations() -> None:
    job = CATALOGUE.operation("syncore.create_job")
    data = json.loads(to_json(operation_data(job, CATALOGUE["syncore"])))
    assert data["operation"] == "syncore.create_job"
    assert data["method"] == "POST"
    assert data["effect"] == "create"
