"""What the sandbox makes of an API document: objects under their parents, lists, pages, filters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from .conftest import Client

NOT_FOUND = {"statusCode": 404, "message": "Resource not found"}
EVER: Any = {"date_from": "2000-01-01", "date_to": "2999-12-31"}


@pytest.fixture
def customer(shop: Client) -> int:
    return shop.new(
        "/people/customers", {"name": "Riverside", "email": "a@example.com", "group": {"id": 2}}
    )


@pytest.fixture
def order(shop: Client, customer: int) -> int:
    return shop.new("/trade/orders", {"customer": {"id": customer}})


def test_a_create_answers_the_id_and_where_the_object_is(shop: Client) -> None:
    written = shop.post("/people/customers", {"name": "Riverside"})
    assert written == {"id": 5001, "location": f"{shop.base_url}/shop/people/customers/5001"}
    assert shop.new("/people/customers", {"name": "Lakeside"}) == 5002
    assert shop.get("/people/customers/5001") == {"id": 5001, "name": "Riverside"}


def test_numbers_keep_their_digits(shop: Client) -> None:
    raw = b'{"name": "A", "credit": 12345678901234567.10, "balance": 0.10, "zip": "02134"}'
    written = shop.send("POST", "/people/customers", expect=201, data=raw)
    found = shop.get(f"/people/customers/{written['id']}")
    assert [str(found["credit"]), str(found["balance"]), found["zip"]] == [
        "12345678901234567.10",
        "0.10",
        "02134",
    ]


def test_text_comes_back_as_it_was(shop: Client) -> None:
    name = "Zoë \u2028 \U0001f455 {{7*7}} \x00"
    key = shop.new("/people/customers", {"name": name})
    assert shop.get(f"/people/customers/{key}")["name"] == name
    lone = shop.send("POST", "/people/customers", expect=201, data=rb'{"name": "\ud800"}')
    assert shop.get(f"/people/customers/{lone['id']}")["name"] == "\ud800"


def test_an_id_in_the_body_is_not_taken(shop: Client) -> None:
    key = shop.new("/people/customers", {"name": "A", "id": 7})
    assert key == 5001
    assert shop.get("/people/customers/5001")["id"] == 5001


def test_references_are_filled_from_what_they_name(shop: Client, customer: int, order: int) -> None:
    assert shop.get(f"/people/customers/{customer}")["group"] == {"id": 2, "name": "Clubs"}
    assert shop.get(f"/trade/orders/{order}")["customer"] == {"id": customer, "name": "Riverside"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/trade/orders", {"customer": {"id": 4}}, "customer.id"),
        ("/people/customers", {"name": "A", "group": {"id": 9}}, "group.id"),
    ],
)
def test_a_reference_has_to_exist(shop: Client, path: str, body: Any, field: str) -> None:
    assert list(shop.post(path, body, expect=400)["errors"]) == [field]


def test_defaults_fill_what_was_not_given(shop: Client, customer: int) -> None:
    before = datetime.now().astimezone().date().isoformat()
    found = shop.get(f"/trade/orders/{shop.new('/trade/orders', {'customer': {'id': customer}})}")
    after = datetime.now().astimezone().date().isoformat()
    assert found["status"] == "Pending"
    assert found["date"] in (before, after)
    given = shop.new(
        "/trade/orders", {"customer": {"id": customer}, "date": "2024-02-29", "status": "Open"}
    )
    assert {"date": "2024-02-29", "status": "Open"}.items() <= shop.get(
        f"/trade/orders/{given}"
    ).items()


def test_a_sequence_counts_below_its_parent(shop: Client, customer: int, order: int) -> None:
    other = shop.new("/trade/orders", {"customer": {"id": customer}})
    for parent in (order, other, order):
        shop.new(f"/trade/orders/{parent}/parcels", {})
    found = shop.get(f"/trade/orders/{order}/parcels")
    assert [(p["id"], p["number"], p["tags"]) for p in found] == [(700, 1, []), (702, 2, [])]
    assert [p["number"] for p in shop.get(f"/trade/orders/{other}/parcels")] == [1]


def test_a_refused_create_takes_no_number(shop: Client, customer: int) -> None:
    shop.post("/trade/orders", {"customer": {"id": 4}}, expect=400)
    assert shop.new("/trade/orders", {"customer": {"id": customer}}) == 31000


def test_children_are_embedded(shop: Client, order: int) -> None:
    parcel = shop.new(f"/trade/orders/{order}/parcels", {})
    lines = f"/trade/orders/{order}/parcels/{parcel}/lines"
    assert shop.new(lines, {"sku": "007", "quantity": 3, "price": 1.5}) == 900001
    line = {"line_id": 900001, "sku": "007", "quantity": 3, "price": Decimal("1.5")}
    assert shop.get(lines) == [line]
    assert shop.get(f"/trade/orders/{order}/parcels/{parcel}")["lines"] == [line]
    assert shop.get(f"/trade/orders/{order}")["parcels"] == [{"id": parcel, "number": 1}]


def test_a_list_over_all_parents(shop: Client, customer: int, order: int) -> None:
    other = shop.new("/trade/orders", {"customer": {"id": customer}})
    expected = [shop.new(f"/trade/orders/{parent}/parcels", {}) for parent in (order, other)]
    shop.new(f"/trade/orders/{other}/parcels/{expected[1]}/lines", {"sku": "A"})
    found = shop.get("/trade/orders/parcels")
    assert [p["id"] for p in found] == expected
    assert [len(p["lines"]) for p in found] == [0, 1]


def test_an_update_merges(shop: Client) -> None:
    key = shop.new(
        "/people/customers",
        {"name": "A", "email": "a@b.c", "address": {"city": "Rome", "country": "IT"}},
    )
    shop.send(
        "PUT",
        f"/people/customers/{key}",
        expect=200,
        json={"name": "B", "address": {"city": "Pisa"}, "id": 3},
    )
    address = {"city": "Pisa", "country": "IT"}
    assert shop.get(f"/people/customers/{key}") == {
        "id": key,
        "name": "B",
        "email": "a@b.c",
        "address": address,
    }
    shop.send("PUT", "/people/customers/9999", expect=404, json={"name": "B"})


@pytest.mark.parametrize(
    "path",
    [
        "/people/customers/1",
        "/people/customers/05001",
        "/people/customers/x",
        "/people/customers/99999999999999999999999",
        "/people/customers/5001/",
        "/people//customers",
        "/nowhere",
        "/trade/orders/1/parcels",
    ],
)
def test_what_is_not_there(shop: Client, path: str) -> None:
    shop.new("/people/customers", {"name": "A"})
    assert shop.get(path, expect=404) == NOT_FOUND


def test_a_parent_has_to_exist_and_be_the_right_one(
    shop: Client, customer: int, order: int
) -> None:
    other = shop.new("/trade/orders", {"customer": {"id": customer}})
    parcel = shop.new(f"/trade/orders/{order}/parcels", {})
    assert shop.post("/trade/orders/9/parcels", {}, expect=404) == NOT_FOUND
    assert (
        shop.post(f"/trade/orders/{other}/parcels/{parcel}/lines", {"sku": "A"}, expect=404)
        == NOT_FOUND
    )
    assert shop.get(f"/trade/orders/{other}/parcels/{parcel}", expect=404) == NOT_FOUND


def test_an_empty_list_is_what_the_document_says(shop: Client, order: int) -> None:
    assert shop.get(f"/trade/orders/{order}/parcels", expect=404) == NOT_FOUND
    parcel = shop.new(f"/trade/orders/{order}/parcels", {})
    assert shop.get(f"/trade/orders/{order}/parcels/{parcel}/lines") == []
    assert shop.get("/people/customers", email="nobody@example.com")["customers"] == []


def test_a_support_list_is_its_example(shop: Client) -> None:
    assert shop.get("/people/groups") == [{"id": 1, "name": "Schools"}, {"id": 2, "name": "Clubs"}]


def test_pages(shop: Client) -> None:
    keys = [shop.new("/people/customers", {"name": f"customer {number}"}) for number in range(23)]
    first = shop.get("/people/customers")
    assert [c["id"] for c in first["customers"]] == keys[:10]
    assert (first["total_results"], first["links"]["prev"]) == (23, None)
    following = first["links"]["next"].removeprefix(f"{shop.base_url}/shop")
    second = shop.get(following)
    assert [c["id"] for c in second["customers"]] == keys[10:20]
    assert second["links"]["self"].endswith(following)
    last = shop.get("/people/customers", page=3)
    assert ([c["id"] for c in last["customers"]], last["links"]["next"]) == (keys[20:], None)
    assert shop.get("/people/customers", page=4)["customers"] == []
    assert len(shop.get("/people/customers", count=23)["customers"]) == 23


def test_the_page_size_is_the_documents(shop: Client, customer: int) -> None:
    for _ in range(26):
        shop.new("/trade/orders", {"customer": {"id": customer}})
    assert len(shop.get("/trade/orders", **EVER)["orders"]) == 25
    assert len(shop.get("/trade/orders", **EVER, count=99)["orders"]) == 26
    refused = shop.get("/trade/orders", **EVER, count=100, expect=400)
    assert refused["errors"] == {"count": ["count must not be above 99"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"email": "b@example.com"}, ["Über Öl"]),
        ({"email": "B@example.com"}, []),
        ({"name": "side"}, ["Riverside", "LAKESIDE"]),
        ({"name": "%"}, []),
        ({"group": "2"}, ["Über Öl"]),
        ({"states": "WA,OR"}, ["Riverside", "LAKESIDE"]),
        ({"states": "WA", "name": "lake"}, []),
        ({"at_least": "20.5"}, ["LAKESIDE", "Über Öl"]),
        ({"email": "' OR 1=1 --"}, []),
    ],
)
def test_filters(shop: Client, query: Any, expected: list[str]) -> None:
    shop.new(
        "/people/customers",
        {"name": "Riverside", "email": "a@example.com", "state": "WA", "credit": 9},
    )
    shop.new(
        "/people/customers", {"name": "LAKESIDE", "state": "OR", "credit": 20.5, "group": {"id": 1}}
    )
    shop.new(
        "/people/customers",
        {"name": "Über Öl", "email": "b@example.com", "credit": 100, "group": {"id": 2}},
    )
    found = shop.get("/people/customers", **query)
    assert ([c["name"] for c in found["customers"]], found["total_results"]) == (
        expected,
        len(expected),
    )


def test_date_bounds_include_their_days(shop: Client, customer: int) -> None:
    days = ["2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01"]
    keys = [shop.new("/trade/orders", {"customer": {"id": customer}, "date": day}) for day in days]
    found = shop.get("/trade/orders", date_from="2024-02-01", date_to="2024-02-29")
    assert [o["id"] for o in found["orders"]] == keys[1:3]
