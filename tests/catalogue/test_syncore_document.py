"""The Syncore document that is shipped: valid OpenAPI, marked with its evidence, and whole for the order flow."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import runner
from runner.catalogue import (
    Api,
    ArgumentError,
    Auth,
    Catalogue,
    Page,
    Pagination,
    build_request,
    first_arguments,
    load_api,
    next_arguments,
    read_answer,
    shipped_apis,
    violations,
)
from runner.catalogue.documents.checks import check_document
from runner.catalogue.documents.files import read_document
from runner.template import Unknown

BASE = "http://127.0.0.1:1/v2"
MARKS = {"documented", "observed", "inferred"}
SALES_ORDER = "/orders/jobs/{job_id}/salesorders/{salesorder_id}"
PURCHASE_ORDER = "/orders/jobs/{job_id}/purchaseorders/{purchaseorder_id}"
READS = {
    "search_contacts": ("GET", "/crm/contacts", "contacts"),
    "get_contact": ("GET", "/crm/contacts/{contact_id}", ""),
    "search_jobs": ("GET", "/orders/jobs", "jobs"),
    "get_job": ("GET", "/orders/jobs/{job_id}", ""),
    "search_sales_orders": ("GET", "/orders/jobs/salesorders", "salesorders"),
    "search_purchase_orders": ("GET", "/orders/jobs/purchaseorders", "purchaseorders"),
    "list_sales_orders": ("GET", "/orders/jobs/{job_id}/salesorders", "salesorders"),
    "get_sales_order": ("GET", "/orders/jobs/{job_id}/salesorders/{salesorder_id}", ""),
    "list_sales_order_line_items": (
        "GET",
        "/orders/jobs/{job_id}/salesorders/{salesorder_id}/lineitems",
        "*",
    ),
    "list_sales_order_payments": (
        "GET",
        "/orders/jobs/{job_id}/salesorders/{salesorder_id}/payments",
        "*",
    ),
    "get_sales_order_line_item": ("GET", f"{SALES_ORDER}/lineitems/{{line_id}}", ""),
    "list_purchase_orders": ("GET", "/orders/jobs/{job_id}/purchaseorders", "purchaseorders"),
    "get_purchase_order": ("GET", PURCHASE_ORDER, ""),
    "list_purchase_order_line_items": ("GET", f"{PURCHASE_ORDER}/lineitems", "*"),
    "get_purchase_order_line_item": ("GET", f"{PURCHASE_ORDER}/lineitems/{{line_id}}", ""),
    "list_purchase_order_payments": ("GET", f"{PURCHASE_ORDER}/payments", "*"),
    "list_payment_terms": ("GET", "/crm/payment-terms", "*"),
    "list_client_groups": ("GET", "/crm/client-groups", "*"),
    "list_commission_codes": ("GET", "/orders/commission-codes", "*"),
    "list_card_types": ("GET", "/orders/card-types", "*"),
    "list_payment_types": ("GET", "/orders/payment-types", "*"),
    "list_adjustment_types": ("GET", "/orders/adjustment-types", "*"),
    "list_suppliers": ("GET", "/orders/suppliers", "*"),
    "list_product_indices": ("GET", "/orders/product-indices", "*"),
}
CREATES = {
    "create_contact": "/crm/contacts",
    "create_store_contact": "/crm/storecontacts",
    "create_job": "/orders/jobs",
    "create_store_job": "/orders/storejobs",
    "create_sales_order": "/orders/jobs/{job_id}/salesorders",
    "create_sales_order_line_item": "/orders/jobs/{job_id}/salesorders/{salesorder_id}/lineitems",
    "create_sales_order_payment": "/orders/jobs/{job_id}/salesorders/{salesorder_id}/payments",
    "create_purchase_order": "/orders/jobs/{job_id}/purchaseorders",
    "create_purchase_order_payment": f"{PURCHASE_ORDER}/payments",
}
UPDATES = {
    "update_contact": "/crm/contacts/{contact_id}",
    "update_store_contact": "/crm/storecontacts/{contact_id}",
    "update_job": "/orders/jobs/{job_id}",
    "update_store_job": "/orders/storejobs/{job_id}",
    "update_sales_order": SALES_ORDER,
    "update_sales_order_line_item": f"{SALES_ORDER}/lineitems/{{line_id}}",
    "update_purchase_order": PURCHASE_ORDER,
    "update_purchase_order_line_item": f"{PURCHASE_ORDER}/lineitems/{{line_id}}",
}


@pytest.fixture(scope="module")
def syncore() -> Api:
    return Catalogue()["syncore"]


def _plain(node: Any) -> Any:
    """The document as a JSON parser would give it: the validator of OpenAPI knows no Decimal."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(entry) for entry in node]
    return float(node) if isinstance(node, Decimal) else node


@pytest.mark.parametrize("name", sorted(shipped_apis()))
def test_shipped_documents_are_valid_openapi(name: str) -> None:
    document = _plain(load_api(shipped_apis()[name]).document)
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_of_the_guide_is_there_and_nothing_else(syncore: Api) -> None:
    assert set(syncore.operations) == {*READS, *CREATES, *UPDATES}
    for name, path in UPDATES.items():
        operation = syncore.operations[name]
        assert (operation.method, operation.path) == ("PUT", path)
        assert (operation.effect, operation.repeatable, operation.id_field) == ("update", False, "")
    for name, (method, path, items) in READS.items():
        operation = syncore.operations[name]
        assert (operation.method, operation.path, operation.items) == (method, path, items)
        assert (operation.effect, operation.repeatable, operation.id_field) == ("read", True, "")
    for name, path in CREATES.items():
        operation = syncore.operations[name]
        assert (operation.method, operation.path) == ("POST", path)
        assert (operation.effect, operation.repeatable, operation.id_field) == (
            "create",
            False,
            "id",
        )


def test_only_payments_move_money(syncore: Api) -> None:
    moving = {
        name: operation.money for name, operation in syncore.operations.items() if operation.money
    }
    assert moving == {
        "create_sales_order_payment": "amount",
        "create_purchase_order_payment": "amount",
    }


def test_only_the_purchase_orders_of_a_job_answer_an_empty_list_with_404(syncore: Api) -> None:
    empty = {
        name: operation.empty for name, operation in syncore.operations.items() if operation.empty
    }
    assert empty == {"list_purchase_orders": frozenset({404})}


def test_the_account_is_reached_with_a_key_in_a_header(syncore: Api) -> None:
    assert syncore.server == "https://api.syncore.app/v2"
    assert syncore.auth == (Auth(secret="api_key", place="header", name="x-api-key"),)
    assert syncore.limits.user_agent_required


def test_the_job_search_needs_both_dates(syncore: Api) -> None:
    operation = syncore.operations["search_jobs"]
    assert operation.required == {"date_from", "date_to"}
    assert operation.pagination is not None
    assert operation.pagination.size == 25
    request = build_request(
        operation,
        {"date_from": dt.date(2026, 1, 2), "date_to": "2026-01-31", "count": 25},
        base_url=BASE,
    )
    assert request.url == f"{BASE}/orders/jobs?date_from=2026-01-02&date_to=2026-01-31&count=25"
    assert request.notes == ()


@pytest.mark.parametrize("api", ["syncore", "syncore_v1"])
def test_a_job_search_reaches_back_13_months_and_no_further(api: str) -> None:
    operation = Catalogue()[api].operations["search_jobs"]
    today = dt.date(2026, 12, 31)

    def search(day: Any) -> str:
        return build_request(
            operation, {"date_from": day, "date_to": today}, base_url=BASE, today=today
        ).url

    assert "date_from=2025-11-30" in search("2025-11-30")  # the 31st is not there
    for day in ("2025-11-29", dt.date(2025, 11, 29)):
        with pytest.raises(
            ArgumentError, match="2025-11-29 reaches further back than the 13 months"
        ):
            search(day)
    assert (
        "2020-01-01"
        in build_request(
            operation, {"date_from": "2020-01-01", "date_to": today}, base_url=BASE
        ).url
    )


@pytest.mark.parametrize("name", ["create_job", "update_job", "create_store_job"])
@pytest.mark.parametrize(
    ("day", "noted"),
    [
        ("2025-11-30", False),
        (dt.date(2025, 11, 29), True),
        ("2025-11-29", True),
        (None, False),
        (Unknown("job.date"), False),
    ],
)
def test_a_job_that_cannot_be_read_afterwards_is_noted(
    syncore: Api,
    name: str,
    day: Any,
    noted: bool,  # noqa: FBT001
) -> None:
    operation = syncore.operations[name]
    given = {"job_id": 31000, "client": {"id": 1}, "store": {"id": 1}, "date": day}
    given = {key: value for key, value in given.items() if key in operation.names}
    notes = build_request(operation, given, base_url=BASE, today=dt.date(2026, 12, 31)).notes
    found = [note for note in notes if "readable" in note]
    reason = (
        "date: may not be readable afterwards: before 2025-11-30, and the API reads back 13 months"
    )
    assert found == ([reason] if noted else [])


def test_an_update_of_a_purchase_order_is_held_to_what_was_seen(syncore: Api) -> None:
    operation = syncore.operations["update_purchase_order"]
    ids = {"job_id": 31000, "purchaseorder_id": 7}
    answered = {"name": "Pat Doe", "country": "United States"}
    with pytest.raises(ArgumentError) as caught:
        build_request(operation, {**ids, "ship_to": answered}, base_url=BASE)
    assert dict(caught.value.problems) == {
        ("ship_to", "country"): "'United States' is longer than 2 characters",
        ("ship_to", "first_name"): "is required",
        ("ship_to", "last_name"): "is required",
    }
    fitting = {"first_name": "Pat", "last_name": "Doe", "country": "US"}
    request = build_request(operation, {**ids, "ship_to": fitting}, base_url=BASE)
    assert request.content() == b'{"ship_to":{"first_name":"Pat","last_name":"Doe","country":"US"}}'
    assert build_request(operation, {**ids, "critical_comments": "x"}, base_url=BASE).notes == ()


def test_a_lone_purchase_order_stands_for_a_list(syncore: Api) -> None:
    operation = syncore.operations["list_purchase_orders"]
    page = read_answer(
        operation, status=200, content_type="", content=b'{"purchaseorders": {"id": 1}}'
    )
    assert page.items == [{"id": 1}]


def test_version_1_only_reads_ten_at_a_time() -> None:
    api = Catalogue()["syncore_v1"]
    searches = {name: set(operation.parameters) for name, operation in api.operations.items()}
    assert searches == {
        "search_jobs": {"date_from", "date_to", "client_group_id", "status", "page"},
        "search_contacts": {
            "date_from",
            "date_to",
            "client_group_id",
            "email",
            "state",
            "type",
            "page",
        },
    }
    assert api.auth == (Auth(secret="api_key", place="header", name="x-api-key"),)
    for operation in api.operations.values():
        assert (operation.effect, operation.pagination) == ("read", Pagination("page", "", 10))
        assert operation.evidence == "inferred"
        assert {parameter.evidence for parameter in operation.parameters.values()} == {"inferred"}
        assert first_arguments(operation, {"state": "WA"}) == {"state": "WA"}
        assert next_arguments(operation, {}, Page([{"id": 1}] * 10), 10) == {"page": 2}
        assert next_arguments(operation, {"page": 2}, Page([{"id": 1}] * 9), 19) is None


def _schemas(syncore: Api) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, operation in syncore.operations.items():
        for part in (operation.body, operation.answer):
            if part is not None:
                yield name, part


def _unmarked(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, field in node.get("properties", {}).items():
            if field.get("x-runner-evidence") not in MARKS:
                yield f"{path}.{name}"
            if (
                not field.get("description")
                and field.get("type") != "array"
                and name not in ("links", "supplier")
            ):
                yield f"{path}.{name} (description)"
            yield from _unmarked(field, f"{path}.{name}")
        yield from _unmarked(node.get("items"), f"{path}[]")


def test_every_operation_parameter_and_field_says_how_it_is_known(syncore: Api) -> None:
    for operation in syncore.operations.values():
        assert operation.evidence in MARKS, operation.name
        assert operation.source, operation.name
        for parameter in operation.parameters.values():
            assert parameter.evidence in MARKS, (operation.name, parameter.name)
            assert parameter.source, (operation.name, parameter.name)
            assert parameter.description, (operation.name, parameter.name)
    assert [
        name for operation, schema in _schemas(syncore) for name in _unmarked(schema, operation)
    ] == []


def _evidence(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("x-runner-evidence"), str):
            yield node["x-runner-evidence"]
        for value in node.values():
            yield from _evidence(value)
    elif isinstance(node, list):
        for value in node:
            yield from _evidence(value)


def test_no_field_of_a_write_that_nobody_saw_is_presented_as_known(syncore: Api) -> None:
    for name in {*CREATES, *UPDATES} - {"update_purchase_order"}:
        operation = syncore.operations[name]
        assert operation.evidence == "inferred"
        assert set(_evidence(operation.body)) == {"inferred"}, name


def test_a_country_is_not_cut_to_two_letters_on_sales_orders(syncore: Api) -> None:
    operation = syncore.operations["create_sales_order"]
    arguments = {"job_id": 31000, "ship_to": {"country": "France", "zip": "05022"}}
    request = build_request(operation, arguments, base_url=BASE)
    assert request.content() == b'{"ship_to":{"country":"France","zip":"05022"}}'


@pytest.mark.parametrize(
    "name", [name for name in READS if name.startswith("list_") and "{" not in READS[name][1]]
)
def test_supporting_lists_carry_an_example_that_fits_their_answer(syncore: Api, name: str) -> None:
    operation = syncore.operations[name]
    answer = syncore.document["paths"][operation.path]["get"]["responses"]["2XX"]
    example = answer["content"]["application/json"]["example"]
    assert operation.answer is not None
    assert violations(operation.answer, example) == []
    assert len({entry["id"] for entry in example}) == len(example) >= 3
    assert "made-up" in answer["description"]


def test_payments_can_be_made_by_check_card_and_ach(syncore: Api) -> None:
    operation = syncore.operations["list_payment_types"]
    content = syncore.document["paths"][operation.path]["get"]["responses"]["2XX"]["content"][
        "application/json"
    ]
    assert {"Check", "Credit Card", "ACH"} <= {entry["name"] for entry in content["example"]}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("get_job", {"id": 31000, "store": None, "client": None, "sales_orders": None}),
        ("get_job", {"id": 31000}),
        ("search_jobs", {"jobs": [], "total_results": -1, "links": None}),
        ("search_jobs", {"jobs": [{"id": 1}], "links": {"next": None}}),
        (
            "get_sales_order",
            {
                "id": 1,
                "bill_to": None,
                "line_items": [{"line_id": 1, "sku": "", "visible": "true"}],
            },
        ),
        ("list_suppliers", [{"id": 1, "asi_id": "30001"}, {"id": 2, "asi_id": 30001}]),
    ],
)
def test_answers_with_nulls_and_gaps_fit(syncore: Api, name: str, answer: Any) -> None:
    schema = syncore.operations[name].answer
    assert schema is not None
    assert violations(schema, answer) == []


def _code_strings(tree: ast.AST) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


COMMON = {"/api", "/json", "/find"}
"""Parts of paths that are words of others too, as in application/json."""


def test_python_knows_no_endpoint() -> None:
    package = Path(runner.__file__).parent
    every = [operation for api in Catalogue().values() for operation in api.operations.values()]
    operations = {
        name
        for operation in every
        for name in (operation.full_name, operation.name, operation.path)
    }
    parts = {part for operation in every for part in operation.path.split("/")}
    segments = {f"/{part}" for part in parts if part and not part.startswith("{")} - COMMON
    assert {"/salesorders", "/manage_purchase_orders"} <= segments
    for file in sorted(package.rglob("*.py")):
        for text in _code_strings(ast.parse(file.read_text(encoding="utf-8"))):
            assert text not in operations, file.name
            assert not [part for part in (*segments, "api.syncore.app") if part in text], (
                f"{file.name}: {text!r}"
            )


@pytest.mark.parametrize("name", sorted(shipped_apis()))
def test_shipped_documents_pass_the_check_that_loading_spares_them(name: str) -> None:
    source = read_document(shipped_apis()[name])
    assert source.data == load_api(shipped_apis()[name]).document
    assert check_document(source) == []
