"""The DecoNetwork document: the vendor's own example fits, conditions are written by name, failures are told apart."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from runner.catalogue import (
    AnswerError,
    Api,
    ArgumentError,
    Auth,
    Catalogue,
    DeclaredFailure,
    build_request,
    describe_error,
    next_arguments,
    parse_json,
    read_answer,
    to_json,
    violations,
)
from runner.template import Unknown

BASE = "https://shop.invalid"
EXAMPLE = Path(__file__).parent / "data" / "deconetwork-purchase-orders.json"
"""The example answer of the vendor's public page of 2 March 2019, as it stands there."""
MARKS = {"documented", "observed", "inferred"}
SUCCESS = {"code": 10001, "severity": "SUCCESS", "description": ""}


@pytest.fixture(scope="module")
def deco() -> Api:
    return Catalogue()["deconetwork"]


def sent(deco: Api, conditions: Any, **more: Any) -> list[tuple[str, str]]:
    operation = deco.operations["find_purchase_orders"]
    request = build_request(operation, {"conditions": conditions, **more}, base_url=BASE)
    return parse_qsl(urlsplit(request.url).query, keep_blank_values=True)


def refused(deco: Api, conditions: Any, **more: Any) -> list[tuple[tuple[str | int, ...], str]]:
    operation = deco.operations["find_purchase_orders"]
    with pytest.raises(ArgumentError) as caught:
        build_request(operation, {"conditions": conditions, **more}, base_url=BASE)
    return list(caught.value.problems)


def test_the_site_is_the_accounts_own_and_the_credentials_are_parameters(deco: Api) -> None:
    assert deco.server == "https://your-site.example"
    names = ("username", "password")
    assert deco.auth == tuple(Auth(name, "query", name, in_form=True) for name in names)
    assert set(deco.operations) == {"find_purchase_orders", "receive_stock", "find_orders"}


def test_the_vendors_example_fits_the_answer(deco: Api) -> None:
    operation = deco.operations["find_purchase_orders"]
    content = EXAMPLE.read_bytes()
    assert operation.answer is not None
    assert violations(operation.answer, parse_json(content)) == []
    page = read_answer(operation, status=200, content_type="application/json", content=content)
    assert (page.total, page.items[0]["po_number"]) == (1, "412424")


def test_the_vendors_example_names_no_field_that_is_not_described(deco: Api) -> None:
    operation = deco.operations["find_purchase_orders"]
    assert (
        list(
            _undescribed(
                json.loads(EXAMPLE.read_text(encoding="utf-8")), operation.answer or {}, ""
            )
        )
        == []
    )


def _undescribed(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in schema.get("properties", {}):
                yield f"{path}.{name}"
            else:
                yield from _undescribed(entry, schema["properties"][name], f"{path}.{name}")
    elif isinstance(value, list):
        for entry in value:
            yield from _undescribed(entry, schema.get("items", {}), path)


def test_no_schema_pins_the_values_of_an_example(deco: Api) -> None:
    def enums(node: Any) -> Iterator[Any]:
        if isinstance(node, Mapping):
            yield from (value for key, value in node.items() if key == "enum")
            for value in node.values():
                yield from enums(value)
        elif isinstance(node, list):
            for value in node:
                yield from enums(value)

    assert list(enums(deco.document["components"]["schemas"])) == []


@pytest.mark.parametrize(
    "order",
    [
        {"po_number": "1", "date_raised": "2026-11-14T14:35:00.000+00:00"},
        {"id": 17, "po_number": "1", "date_raised": "2026-11-14T14:35:00"},
        {
            "po_number": None,
            "date_raised": None,
            "purchase_order_lines": None,
            "delivery_details": None,
        },
        {"po_number": "1", "something_new": [1]},
    ],
)
def test_other_answers_fit_too(deco: Api, order: Any) -> None:
    schema = deco.operations["find_purchase_orders"].answer
    assert schema is not None
    whole = parse_json(EXAMPLE.read_bytes())["purchase_orders"][0] | order
    assert (
        violations(schema, {"response_status": SUCCESS, "purchase_orders": [whole], "total": 1})
        == []
    )


def test_the_answer_has_the_required_fields_of_the_vendors_schema(deco: Api) -> None:
    """Those of the public page of 2 March 2019, as they stand there."""
    answer = deco.operations["find_purchase_orders"].answer or {}
    assert answer["required"] == ["response_status", "purchase_orders"]
    order = answer["properties"]["purchase_orders"]["items"]
    line = order["properties"]["purchase_order_lines"]["items"]
    assert set(order["properties"]) - set(order["required"]) == {
        "id", "vendor_invoice", "vendor_tracking_number", "reference", "attention", "notes", "live_order",
        "live_order_status",
    }  # fmt: skip
    assert set(line["properties"]) - set(line["required"]) == {
        "product_freeform_color",
        "product_freeform_size",
    }
    required = {
        "vendor_details": ["id", "name"],
        "raised_by": ["user_id", "ph_number"],
        "delivery_details": ["ph_number"],
    }
    assert {name: order["properties"][name]["required"] for name in required} == required
    inside = {
        "product_size": ["option_id", "name", "code", "sub_sizes"],
        "product_color": ["id", "name"],
        "stock_line": ["qty_ordered", "qty_received"],
    }
    assert {name: line["properties"][name]["required"] for name in inside} == inside
    ordered = line["properties"]["customer_order_lines"]["items"]
    assert set(ordered["required"]) == set(ordered["properties"])
    caption = order["properties"]["raised_by"]["properties"]["custom_fields"]["items"]
    assert caption["required"] == ["caption"]


def test_the_examples_of_the_document_fit_their_answers(deco: Api) -> None:
    for operation in deco.operations.values():
        method = deco.document["paths"][operation.path][operation.method.lower()]
        content = method["responses"]["2XX"]["content"]["application/json"]
        assert operation.answer is not None
        assert violations(operation.answer, content["example"]) == [], operation.name


def test_conditions_are_written_by_name_and_sent_as_the_api_counts(deco: Api) -> None:
    conditions = [
        {"field": "date_raised", "is": "after", "value": dt.date(2026, 11, 14)},
        {"field": "status", "is": "equals", "value": "3"},
    ]
    assert sent(deco, conditions, limit=50, offset=100, sortby="po_number") == [
        ("conditions[1][field]", "1"),
        ("conditions[1][condition]", "4"),
        ("conditions[1][date1]", "2026-11-14T00:00:00"),
        ("conditions[2][field]", "5"),
        ("conditions[2][condition]", "1"),
        ("conditions[2][string]", "3"),
        ("limit", "50"),
        ("offset", "100"),
        ("sortby", "4"),
    ]


def test_one_condition_alone_is_sent_in_the_single_form_of_the_vendors_example(deco: Api) -> None:
    condition = {"field": "date_raised", "is": "after", "value": "2018-02-01T00:00:00"}
    assert sent(deco, condition) == [
        ("field", "1"),
        ("condition", "4"),
        ("date1", "2018-02-01T00:00:00"),
    ]


FIELDS = ["date_raised", "date_delivery", "date_modified", "po_number", "status"]
COMPARISONS = ["equals", "not_equals", "before", "after", "not_after", "not_before", "between"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_every_field_and_comparison_asks_for_its_companions(
    deco: Api, field: str, comparison: str
) -> None:
    dated = field.startswith("date")
    values = {"value": "2026-11-01" if dated else "4"}
    if comparison == "between":
        values["to"] = "2026-11-30"
    condition = {"field": field, "is": comparison, **values}
    if comparison == "between" and not dated:
        assert refused(deco, [condition]) == [
            (("conditions", 0, "is"), f"'between' does not go with {field!r}, which has no ranges")
        ]
        return
    query = dict(sent(deco, [condition]))
    assert query.pop("conditions[1][field]") == str(FIELDS.index(field) + 1)
    assert query.pop("conditions[1][condition]") == str(COMPARISONS.index(comparison) + 1)
    assert set(query) == {
        f"conditions[1][{part}]"
        for part in (
            ("date1", "date2") if comparison == "between" else ("date1",) if dated else ("string",)
        )
    }
    for key in values:
        missing = {name: value for name, value in condition.items() if name != key}
        [(path, message)] = refused(deco, [missing])
        assert path == ("conditions", 0)
        assert f"needs {key!r}" in message


@pytest.mark.parametrize(
    ("symbol", "code"), [("==", "1"), ("!=", "2"), ("<", "3"), (">", "4"), ("<=", "5"), (">=", "6")]
)
def test_the_vendors_own_symbols_work_too(deco: Api, symbol: str, code: str) -> None:
    query = dict(
        sent(deco, {"field": "date_modified", "is": symbol, "value": "2026-11-14T10:30:00"})
    )
    assert (query["condition"], query["date1"]) == (code, "2026-11-14T10:30:00")


@pytest.mark.parametrize(
    ("value", "comparison", "date"),
    [
        (dt.date(2026, 11, 14), "before", "2026-11-14T00:00:00"),
        ("2026-11-14", "not_before", "2026-11-14T00:00:00"),
        ("2026-11-14", "not_after", "2026-11-14T23:59:59"),
        ("2026-11-14T08:00:00", "not_after", "2026-11-14T08:00:00"),
        ("2026-11-14T08:00:00+02:00", "after", "2026-11-14T06:00:00"),
        ("2026-11-14T14:35:00.000Z", "after", "2026-11-14T14:35:00"),
    ],
)
def test_dates_are_sent_in_utc_as_the_document_writes_them(
    deco: Api, value: Any, comparison: str, date: str
) -> None:
    assert (
        dict(sent(deco, {"field": "date_raised", "is": comparison, "value": value}))["date1"]
        == date
    )


def test_a_range_of_days_holds_all_of_its_last_day(deco: Api) -> None:
    condition = {
        "field": "date_raised",
        "is": "between",
        "value": "2026-11-01",
        "to": dt.date(2026, 11, 30),
    }
    query = dict(sent(deco, condition))
    assert (query["date1"], query["date2"]) == ("2026-11-01T00:00:00", "2026-11-30T23:59:59")


@pytest.mark.parametrize("value", ["Sent Confirmed", "sent confirmed", "3", 3])
def test_a_status_is_given_by_name_or_code(deco: Api, value: Any) -> None:
    assert dict(sent(deco, {"field": "status", "is": "equals", "value": value}))["string"] == "3"


DATE = {"field": "date_raised", "is": "after", "value": "2026-11-14"}


@pytest.mark.parametrize(
    ("conditions", "path", "message"),
    [
        (
            [{**DATE, "field": "date_raisd"}],
            ("conditions", 0, "field"),
            "did you mean 'date_raised'?",
        ),
        (
            [{**DATE, "field": 1}],
            ("conditions", 0, "field"),
            "1 is what the API calls it; write date_raised",
        ),
        ([{**DATE, "is": 4}], ("conditions", 0, "is"), "4 is what the API calls it; write after"),
        (
            [{**DATE, "field": 9}],
            ("conditions", 0, "field"),
            "9 is none of them; known names: date_delivery",
        ),
        (
            {"field": 1, "condition": 4, "date1": "2018-02-01T00:00:00"},
            ("conditions",),
            "write {field: date_raised, is: after, value: 2018-02-01T00:00:00}",
        ),
        (
            [DATE, {"field": "5", "condition": 1, "string": 4}],
            ("conditions", 1),
            "write {field: status, is: equals, value: Partially Received}",
        ),
        (
            [{"field": 1, "condition": 7, "date1": "2018-02-01", "date2": "2018-02-28"}],
            ("conditions", 0),
            "write {field: date_raised, is: between, value: 2018-02-01, to: 2018-02-28}",
        ),
        (
            [{"field": 4, "condition": 1, "string": "a, b: c"}],
            ("conditions", 0),
            'write {field: po_number, is: equals, value: "a, b: c"}',
        ),
        ([{**DATE, "is": "afer"}], ("conditions", 0, "is"), "did you mean 'after'?"),
        ([DATE, {**DATE, "valu": 1}], ("conditions", 1, "valu"), "did you mean 'value'?"),
        (
            [{**DATE, "value": "yesterday"}],
            ("conditions", 0, "value"),
            "'yesterday' is not a date like 2026-01-31",
        ),
        ([{**DATE, "value": "2026-02-30"}], ("conditions", 0, "value"), "is not a date"),
        ([{**DATE, "to": "2026-12-01"}], ("conditions", 0, "to"), "'after' takes one value"),
        (
            [{"is": "after", "value": "2026-11-14"}],
            ("conditions", 0),
            "needs 'field': one of date_raised",
        ),
        ([{"field": "status", "value": "3"}], ("conditions", 0), "needs 'is': one of equals"),
        (
            [{"field": "status", "is": "equals", "value": "Recieved"}],
            ("conditions", 0, "value"),
            "'Received'?",
        ),
        (
            [{"field": "po_number", "is": "equals", "value": ["1"]}],
            ("conditions", 0, "value"),
            "is not text",
        ),
        (
            [{**DATE, "is": "between", "to": "2026-11-13"}],
            ("conditions", 0, "to"),
            "ends before it begins",
        ),
        (
            [{"field": 4, "condition": 1, "value": "0012"}],
            ("conditions", 0),
            'write {field: po_number, is: equals, value: "0012"}',
        ),
        (
            [{"field": 4, "condition": 1, "string": True}],
            ("conditions", 0),
            "write {field: po_number, is: equals, value: true}",
        ),
        ([], ("conditions",), "needs at least one condition"),
        ("date_raised > 1", ("conditions",), "is a list of conditions"),
        (["x"], ("conditions", 0), "is no condition"),
    ],
)
def test_wrong_conditions_are_refused_before_anything_is_sent(
    deco: Api, conditions: Any, path: tuple[str | int, ...], message: str
) -> None:
    [(where, said)] = refused(deco, conditions)
    assert where == path
    assert message in said


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        ("equals", "nothing else equals it; write is: between, with the day as value and as to"),
        ("==", "nothing else equals it; write is: between, with the day as value and as to"),
        ("not_equals", "nothing else is left out"),
        (
            "after",
            "the day itself is included; for later days write is: not_before, with the next day",
        ),
        (">", "the day itself is included; for later days write is: not_before, with the next day"),
        ("before", ""),
        ("not_before", ""),
        ("not_after", ""),
        ("between", ""),
    ],
)
@pytest.mark.parametrize("value", ["2026-11-14", dt.date(2026, 11, 14)])
def test_a_day_that_is_compared_with_its_first_second_is_noted(
    deco: Api, comparison: str, said: str, value: Any
) -> None:
    condition = {"field": "date_raised", "is": comparison, "value": value}
    if comparison == "between":
        condition["to"] = value
    operation = deco.operations["find_purchase_orders"]
    notes = build_request(operation, {"conditions": [condition]}, base_url=BASE).notes
    first = "a day without a time is its first second:"
    assert notes == ((f"conditions[0].value: {first} {said}",) if said else ())
    whole = {**condition, "value": "2026-11-14T00:00:00"}
    assert build_request(operation, {"conditions": whole}, base_url=BASE).notes == ()


def test_a_text_that_looks_like_a_day_is_no_day(deco: Api) -> None:
    condition = {"field": "po_number", "is": "equals", "value": "2026-11-14"}
    operation = deco.operations["find_purchase_orders"]
    assert build_request(operation, {"conditions": condition}, base_url=BASE).notes == ()


def test_a_search_without_conditions_and_too_large_a_page_are_refused(deco: Api) -> None:
    assert refused(deco, None) == [(("conditions",), "is required")]
    assert refused(deco, [DATE], limit=101) == [(("limit",), "101 is more than 100")]
    [(where, said)] = refused(deco, [DATE], sortby="raised")
    assert where == ("sortby",)
    assert "did you mean 'date_raised'?" in said


@pytest.mark.parametrize(
    "conditions",
    [
        Unknown("job.conditions"),
        [Unknown("job.condition")],
        [{**DATE, "value": Unknown("job.date")}],
        [{**DATE, "field": Unknown("vars.field")}],
        [{**DATE, "is": Unknown("vars.is"), "to": Unknown("vars.to")}],
    ],
)
def test_what_is_only_known_later_passes(deco: Api, conditions: Any) -> None:
    operation = deco.operations["find_purchase_orders"]
    request = build_request(operation, {"conditions": conditions}, base_url=BASE)
    assert not request.known
    assert "(known after run: " in request.url


def test_stock_is_received_once_and_never_again_by_itself(deco: Api) -> None:
    operation = deco.operations["receive_stock"]
    assert (operation.method, operation.effect, operation.repeatable) == ("POST", "update", False)
    lines = [{"id": 5, "customer_order_lines": [{"workflow_item_id": 6, "qty_received": 7}]}]
    request = build_request(operation, {"id": 4, "line_items": lines}, base_url=BASE)
    assert request.url == f"{BASE}/api/json/manage_purchase_orders/receive_stock"
    assert request.content() == (
        b'{"id":4,"line_items":[{"id":5,"customer_order_lines":[{"workflow_item_id":6,"qty_received":7}]}]}'
    )
    with pytest.raises(ArgumentError):
        build_request(operation, {"id": 4}, base_url=BASE)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (
            {"code": 50011, "severity": "ERROR", "description": "Unable to find it"},
            "50011",
            "50011: Unable",
        ),
        (
            {"code": 30001, "severity": "ERROR", "description": "Authentication failed"},
            "30001",
            "30001: Auth",
        ),
        ({"code": 50002, "severity": "ERROR"}, "50002", "50002"),
        ({"code": 50002}, "50002", "50002"),
        ({"severity": "ERROR"}, "", "the API says that the call failed"),
    ],
)
def test_a_failure_inside_a_success_is_one(deco: Api, status: Any, code: str, reason: str) -> None:
    for name in ("receive_stock", "find_purchase_orders"):
        with pytest.raises(DeclaredFailure) as caught:
            read_answer(
                deco.operations[name],
                status=200,
                content_type="application/json",
                content=to_json({"response_status": status}),
            )
        assert (caught.value.code, caught.value.credentials) == (code, code == "30001")
        assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize(
    "status", [SUCCESS, {"code": 10001}, {"code": 40004, "severity": "WARNING"}]
)
def test_a_success_and_a_warning_are_no_failure(deco: Api, status: Any) -> None:
    content = to_json({"response_status": status})
    answer = read_answer(
        deco.operations["receive_stock"], status=200, content_type="text/json", content=content
    )
    assert answer == {"response_status": status}


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"purchase_orders": [], "total": 0}',
        b'{"response_status": {}, "purchase_orders": []}',
        b'{"response_status": null, "purchase_orders": []}',
        b'{"response_status": "SUCCESS", "purchase_orders": []}',
        b'{"purchase_orders": [], "id": 4}',
    ],
)
def test_an_answer_without_a_response_status_is_no_success(deco: Api, content: bytes) -> None:
    for name in ("receive_stock", "find_purchase_orders"):
        with pytest.raises(AnswerError, match=r"has no 'response_status\.code'") as caught:
            read_answer(
                deco.operations[name],
                status=200,
                content_type="application/json",
                content=content,
            )
        assert not isinstance(caught.value, DeclaredFailure)  # nobody knows what was done


def test_a_login_page_is_no_success_and_no_declared_failure(deco: Api) -> None:
    with pytest.raises(AnswerError, match="an HTML page") as caught:
        read_answer(
            deco.operations["receive_stock"],
            status=200,
            content_type="text/html",
            content=b"<html></html>",
        )
    assert not isinstance(caught.value, DeclaredFailure)


def test_a_refusal_is_told_in_the_words_of_the_api(deco: Api) -> None:
    content = to_json(
        {"response_status": {"code": 31000, "severity": "ERROR", "description": "API not enabled"}}
    )
    failure = deco.operations["find_purchase_orders"].failure
    assert describe_error("application/json", content, failure=failure) == "31000: API not enabled"


def test_pages_follow_the_total_by_what_really_came(deco: Api) -> None:
    operation = deco.operations["find_purchase_orders"]
    content = to_json(
        {"response_status": SUCCESS, "purchase_orders": [{"id": 1}] * 60, "total": 130}
    )
    page = read_answer(operation, status=200, content_type="application/json", content=content)
    following = next_arguments(operation, {"conditions": [DATE], "limit": 100}, page, 60)
    assert following == {"conditions": [DATE], "limit": 100, "offset": 60}
    assert next_arguments(operation, {**following, "offset": 70}, page, 130) is None


def test_everything_says_how_it_is_known(deco: Api) -> None:
    for operation in deco.operations.values():
        assert operation.evidence in MARKS
        assert operation.source
        for parameter in operation.parameters.values():
            assert parameter.evidence in MARKS, parameter.name
            assert parameter.source, parameter.name
            assert parameter.description, parameter.name
        for schema in (operation.body, operation.answer):
            assert list(_unmarked(schema, operation.name)) == []


def _unmarked(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, schema in node.get("properties", {}).items():
            if schema.get("x-runner-evidence") not in MARKS or not schema.get("description"):
                yield f"{path}.{name}"
            yield from _unmarked(schema, f"{path}.{name}")
        yield from _unmarked(node.get("items"), f"{path}[]")
