"""What the sandbox refuses, and how; nothing that is sent to it makes it fail."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from runner.sandbox.server import Server, serve

from .conftest import DOCUMENTS, Client

CUSTOMERS = "/people/customers"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["name is required"]}),
        ({"name": 5}, {"name": ["name has to be a string"]}),
        ({"name": "x" * 41}, {"name": ["name is over the max length of 40 characters"]}),
        (
            {"name": "A", "address": {"country": "USA"}},
            {"address.country": ["country is over the max length of 2 characters"]},
        ),
        ({"name": "A", "group": {}}, {"group.id": ["id is required"]}),
        (["name"], {"body": ["body has to be an object"]}),
    ],
)
def test_a_body_is_held_to_its_schema(shop: Client, body: Any, errors: Any) -> None:
    assert shop.post(CUSTOMERS, body, expect=400) == {
        "title": "Bad Request",
        "status": 400,
        "errors": errors,
    }


def test_a_body_without_a_type_in_its_schema_is_an_object_all_the_same(shop: Client) -> None:
    key = shop.new(CUSTOMERS, {"name": "A"})
    order = shop.new("/trade/orders", {"customer": {"id": key}})
    assert shop.post(f"/trade/orders/{order}/parcels", [1], expect=400)["title"] == "Bad Request"


def test_more_words_for_what_is_wrong(shop: Client) -> None:
    body = {"customer": {"id": "1"}, "date": "2023-02-29", "status": "Closed", "colour": 1}
    errors = shop.post("/trade/orders", body, expect=400)["errors"]
    assert errors["customer.id"] == ["id has to be an integer"]
    assert errors["date"] == ["date is not a date"]
    assert errors["status"] == ["status has to be one of Pending, Open"]
    assert "'colour' was unexpected" in errors["body"][0]


def test_query_parameters_are_held_to_the_document(shop: Client) -> None:
    assert shop.get("/trade/orders", expect=400)["errors"] == {
        "date_from": ["date_from is required"],
        "date_to": ["date_to is required"],
    }
    wrong = shop.get(
        "/trade/orders", date_from="2024-02-30", date_to="x", count="many", page=0, expect=400
    )["errors"]
    assert wrong["date_from"] == ["date_from is not a date"]
    assert wrong["count"] == ["count has to be an integer"]
    assert wrong["page"] == ["page must not be below 1"]


def test_a_wrong_method(shop: Client) -> None:
    assert shop.send("DELETE", CUSTOMERS, expect=405)["message"] == "Method not allowed"


@pytest.mark.parametrize("header", [{}, {"x-token": ""}, {"X-Api-Key": "t"}])
def test_a_missing_key(server: Server, header: dict[str, str]) -> None:
    answer = requests.post(
        f"{server.base_url}/shop{CUSTOMERS}", json={"name": "A"}, headers=header, timeout=30
    )
    assert (answer.status_code, answer.json()) == (
        401,
        {"statusCode": 401, "message": "x-token is missing"},
    )


def test_a_wrong_key(folder: Path) -> None:
    server = serve(folder, DOCUMENTS, keys={"right": {"read", "write"}})
    try:
        client = Client(server.base_url)
        answer = client.send(
            "GET", CUSTOMERS, expect=401, headers={"x-token": "wröng".encode("latin-1")}
        )
        assert answer == {"statusCode": 401, "message": "x-token is not accepted"}
        client.send("GET", CUSTOMERS, expect=200, headers={"x-token": "right"})
        client.session.close()
    finally:
        server.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"name=A",
        b"\xff\xfe{}",
        b'{"name": "\xe9"}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"name": "A", "deep": ' + b"[" * 101 + b"]" * 101 + b"}",
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"name": "A", "credit": 1e999999999}',
        b'{"name": "A", "credit": 0.001}',
    ],
    ids=lambda content: repr(content[:24]),
)
def test_a_body_that_is_no_use(shop: Client, content: bytes) -> None:
    assert shop.send("POST", CUSTOMERS, expect=400, data=content)["title"] == "Bad Request"
    assert shop.get(CUSTOMERS)["total_results"] == 0


def test_a_body_may_be_a_hundred_levels_deep(shop: Client) -> None:
    shop.send(
        "POST", CUSTOMERS, expect=201, data=b'{"name": "A", "deep": ' + b"[" * 99 + b"]" * 99 + b"}"
    )


def test_a_body_that_is_too_large(shop: Client) -> None:
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    assert (
        shop.send("POST", CUSTOMERS, expect=413, data=body)["message"]
        == "the body is larger than 4096 KiB"
    )
    shop.new(CUSTOMERS, {"name": "A"})


@pytest.mark.parametrize(
    "target",
    [
        "/shop/%ff%fe",
        "/shop/people/customers?name=%ff",
        "/shop/people/customers/%00",
        "/%2e%2e/x",
        "//",
    ],
)
def test_an_odd_target(server: Server, target: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", target, headers={"x-token": "t"})
    assert connection.getresponse().status in (200, 404)
    connection.close()


def test_too_many_parameters(shop: Client) -> None:
    assert (
        shop.get(f"{CUSTOMERS}?{'a=1&' * 300}", expect=400)["message"]
        == "more than 200 query parameters"
    )


def test_a_connection_is_kept(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.connect()
    first = connection.sock
    for method, status in (("GET", 200), ("HEAD", 200), ("POST", 400), ("GET", 200)):
        connection.request(method, f"/shop{CUSTOMERS}", headers={"x-token": "t"})
        answer = connection.getresponse()
        assert bool(answer.read()) is (method != "HEAD")
        assert (answer.status, connection.sock) == (status, first)
    connection.close()


def test_a_head_has_no_body(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        host = f"127.0.0.1:{server.port}"
        head = f"HEAD /shop{CUSTOMERS} HTTP/1.1\r\nHost: {host}\r\nx-token: t\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")
