"""The catalogue as people and machines read it; the example step of every operation is a step that validates."""

from __future__ import annotations

import json
import textwrap

import pytest

from runner.catalogue import Catalogue, Operation, to_json
from runner.recipe.load import load_text
from runner.report.operations import (
    example_step,
    matches,
    operation_data,
    operation_text,
    operations_table,
)

CATALOGUE = Catalogue()
OPERATIONS = [operation for api in CATALOGUE.values() for operation in api.operations.values()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.full_name)
def test_the_example_step_validates_when_pasted_into_a_recipe(operation: Operation) -> None:
    steps = textwrap.indent(example_step(operation), "  ")
    load_text(
        f"recipe: 1\nname: example\nsteps:\n{steps}\n", file="example.yaml", catalogue=CATALOGUE
    )


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


def test_what_conditions_are_made_of_is_shown() -> None:
    found = CATALOGUE.operation("deconetwork.find_purchase_orders")
    lines = [line.split() for line in operation_text(found, CATALOGUE["deconetwork"]).splitlines()]
    assert ["sent", "as", "field,", "condition,", "date1", "and", "date2,", "string"] in lines
    assert ["field", "date_raised", "1", "with", "a", "date"] in lines
    assert ["is", "after", ">", "4"] in lines
    assert any(line[:5] == ["is", "between", "7", "takes", "value"] for line in lines)
    assert any(line[:3] == ["field", "status", "5"] and "Cancelled" in line for line in lines)
    assert any(
        line[:4] == ["sortby", "query", "one", "of"] and "date_delivery" in line for line in lines
    )
    data = json.loads(to_json(operation_data(found, CATALOGUE["deconetwork"])))
    (conditions,) = (
        each["conditions"] for each in data["parameters"] if each["name"] == "conditions"
    )
    assert conditions["fields"] == [
        "date_raised",
        "date_delivery",
        "date_modified",
        "po_number",
        "status",
    ]
    assert "between" in conditions["is"]
    assert conditions["codes"] | {"date_raised": "1", "after": "4"} == conditions["codes"]


def test_the_sign_in_and_what_an_answer_says_of_itself_are_shown() -> None:
    found = CATALOGUE.operation("deconetwork.find_purchase_orders")
    text = operation_text(found, CATALOGUE["deconetwork"])
    for line in (
        "pages     100 at a time (limit), all of them are read (offset)",
        "sign-in   username in the query or form, password in the query or form",
        (
            "success   response_status.severity is not ERROR, or without it response_status.code is 10001; "
            "never with neither"
        ),
        "failure   response_status.severity is ERROR, with the reason in response_status.description",
        "          response_status.code 30001 or 31000: the credentials are refused",
    ):
        assert f"  {line}\n" in text
    assert "The vendor's limit on the number of results" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["po_number", "string", "or", "null", "always", "there", "documented"] in rows
    assert ["attention", "string", "or", "null", "documented"] in rows
    data = json.loads(to_json(operation_data(found, CATALOGUE["deconetwork"])))
    assert data["credentials"] == [
        {"name": "username", "in": "query"},
        {"name": "password", "in": "query"},
    ]
    assert data["failure"]["success"] == [10001]
    jobs = CATALOGUE.operation("syncore.search_jobs")
    assert "  sign-in   x-api-key in the header\n" in operation_text(jobs, CATALOGUE["syncore"])


def test_what_is_inside_a_list_is_shown() -> None:
    found = CATALOGUE.operation("deconetwork.find_purchase_orders")
    assert "  purchase_order_lines[].vendor_sku " in operation_text(found, CATALOGUE["deconetwork"])
    taken = operation_text(
        CATALOGUE.operation("syncore.create_purchase_order"), CATALOGUE["syncore"]
    )
    assert "  line_items[].supplier.id " in taken
    assert "required in line_items[].supplier" in taken


@pytest.mark.parametrize(
    ("name", "reaches"),
    [
        ("create_job", True),
        ("update_job", True),
        ("create_store_job", True),  # another path into the same jobs
        ("update_store_job", True),
        ("create_sales_order", False),
        ("create_contact", False),
    ],
)
def test_a_write_says_what_cannot_be_read_afterwards(name: str, reaches: bool) -> None:  # noqa: FBT001
    operation = CATALOGUE.operation(f"syncore.{name}")
    text = operation_text(operation, CATALOGUE["syncore"])
    line = "  reaches   the past 13 months: what is dated earlier (date) may not be readable afterwards\n"
    assert (line in text) == reaches
    data = json.loads(to_json(operation_data(operation, CATALOGUE["syncore"])))
    assert data["limits"].get("months") == (13 if reaches else None)


def test_how_far_back_a_search_reaches_is_a_limit() -> None:
    jobs = CATALOGUE.operation("syncore_v1.search_jobs")
    assert "  reaches   13 months back (date_from)\n" in operation_text(
        jobs, CATALOGUE["syncore_v1"]
    )
    limits = json.loads(to_json(operation_data(jobs, CATALOGUE["syncore_v1"])))["limits"]
    assert limits == {"requests_per_second": 2, "burst": 1, "months": 13, "page_size": 10}
