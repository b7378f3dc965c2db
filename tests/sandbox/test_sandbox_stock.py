"""An API that searches by conditions, tells its failures inside a 200, and has its examples as content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from runner.problems import ConfigError
from runner.sandbox.server import Server, serve

from .conftest import parsed

DOCUMENT = Path(__file__).with_name("stock.openapi.yaml")
WRITTEN = date(2026, 6, 15)
FIND = "/deliveries/find"
ALL = {"field": "4", "condition": "2", "string": "none"}


class Stock:
    """Speaks to the warehouse. Refusals come with status 200 unless `expect` says otherwise."""

    def __init__(self, server: Server, **credentials: str) -> None:
        self.base_url = f"{server.base_url}/stock"
        self.credentials = credentials or {"user": "fred", "secret": "s"}

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, expect: int = 200) -> Any:
        answer = requests.get(
            self.base_url + path, {**self.credentials, **(query or {})}, timeout=30
        )
        assert answer.status_code == expect, answer.text
        return parsed(answer.text)

    def receive(self, body: Any, *, expect: int = 200) -> Any:
        url = f"{self.base_url}/deliveries/receive"
        answer = requests.post(url, json=body, params=self.credentials, timeout=30)
        assert answer.status_code == expect, answer.text
        return parsed(answer.text)

    def numbers(self, **query: Any) -> list[str]:
        return [
            each["number"] for each in self.get(FIND, {**ALL, "limit": 3, **query})["deliveries"]
        ]

    def matching(self, *conditions: str) -> list[str]:
        """The numbers of what satisfies all of `field condition values...`."""
        query: dict[str, str] = {"limit": "3"}
        for n, condition in enumerate(conditions, 1):
            field, test, *values = condition.split()
            names = ("string",) if field in "45" else ("date1", "date2")
            parts = {"field": field, "condition": test, **dict(zip(names, values, strict=False))}
            query |= {f"conditions[{n}][{name}]": value for name, value in parts.items()}
        return sorted(each["number"] for each in self.get(FIND, query)["deliveries"])


def failure(code: int, text: str) -> Any:
    return {"outcome": {"severity": "ERROR", "code": code, "text": text}}


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = serve(folder, {"stock": DOCUMENT}, today=lambda: WRITTEN)
    yield server
    server.close()


@pytest.fixture
def stock(server: Server) -> Stock:
    return Stock(server)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["4 1 A1"], ["A1"]),
        (["4 2 A1"], ["A2", "A3", "A4"]),
        (["4 4 A3"], ["A4"]),
        (["5 1 2"], ["A1", "A2"]),
        (["5 1 2", "4 6 A2"], ["A2"]),
        (["1 1 2026-06-01T08:00:00"], ["A3"]),
        (["1 2 2026-06-01T08:00:00"], ["A1", "A2", "A4"]),
        (["1 3 2026-06-05T08:00:00"], ["A3"]),
        (["1 4 2026-06-05T08:00:00"], ["A1", "A4"]),
        (["1 5 2026-06-05T08:00:00"], ["A2", "A3"]),
        (["1 6 2026-06-10T08:00:00"], ["A1", "A4"]),
        (["1 7 2026-06-01T08:00:00 2026-06-05T08:00:00"], ["A2", "A3"]),
        (["1 4 2026-06-05T08:00:00", "5 1 1"], ["A4"]),
        (["4 1 '"], []),
    ],
)
def test_conditions(stock: Stock, conditions: list[str], expected: list[str]) -> None:
    assert stock.matching(*conditions) == expected


def test_the_single_form(stock: Stock) -> None:
    assert stock.numbers(field=5, condition=1, string="1") == ["A3", "A4"]
    multi = {
        f"conditions[1][{k}]": v for k, v in {"field": 4, "condition": 1, "string": "A4"}.items()
    }
    assert stock.numbers(field=5, condition=1, string="2", **multi) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, failure(502, "No conditions")),
        ({"condition": 1}, failure(503, "Condition 1 'field' is missing")),
        ({"conditions[1][field]": 1}, failure(503, "Condition 1 'condition' is missing")),
        ({"conditions[2][field]": 1}, failure(503, "Condition 1 'field' is missing")),
        ({"conditions[999999][field]": 1}, failure(503, "Condition 1 'field' is missing")),
        ({"field": 1, "condition": 4}, failure(503, "date1 is invalid")),
        (
            {"field": 1, "condition": 4, "date1": "2026-02-30T00:00:00"},
            failure(503, "date1 is invalid"),
        ),
        (
            {"field": 1, "condition": 7, "date1": "2026-02-01T00:00:00"},
            failure(503, "date2 is invalid"),
        ),
        ({"field": 4, "condition": 1}, failure(503, "string is invalid")),
        ({"field": 4, "condition": 7, "string": "A"}, failure(505, "Invalid parameters")),
        ({"field": 9, "condition": 1, "string": "A"}, failure(505, "Invalid parameters")),
        ({**ALL, "limit": 0}, failure(504, "Invalid limit or offset")),
        ({**ALL, "offset": -1}, failure(504, "Invalid limit or offset")),
        ({**ALL, "offset": "x"}, failure(504, "Invalid limit or offset")),
        ({**ALL, "sortby": 9}, failure(505, "Invalid parameters")),
        ({**ALL, "sortby": 9, "limit": 0}, failure(505, "Invalid parameters")),
    ],
)
def test_what_is_wrong_with_a_search_is_told_in_a_200(
    stock: Stock, query: Any, expected: Any
) -> None:
    assert stock.get(FIND, query) == expected


def test_pages_by_offset_with_a_cap_that_is_silent(stock: Stock) -> None:
    first = stock.get(FIND, ALL)
    assert (first["outcome"], first["total"], len(first["deliveries"])) == (
        {"code": 1, "severity": "SUCCESS", "text": "."},
        4,
        2,
    )
    assert len(stock.get(FIND, {**ALL, "limit": 250})["deliveries"]) == 3
    assert stock.numbers(offset=3) == ["A4"]
    assert stock.numbers(offset=10**17) == []


def test_sorting(stock: Stock) -> None:
    assert stock.numbers() == ["A3", "A2", "A1"]
    assert stock.numbers(sortby=4) == ["A1", "A2", "A3"]
    assert stock.numbers(sortby=4, offset=2) == ["A3", "A4"]


def test_credentials_are_a_pair(folder: Path) -> None:
    server = serve(
        folder,
        {"stock": DOCUMENT},
        keys={"fred:p:w": {"read"}, "joe:x": {"write"}, "short": {"read"}},
    )
    try:
        assert Stock(server, user="fred", secret="p:w").get(FIND, ALL)["total"] == 4
        assert Stock(server, user="fred", secret="p:w").receive({}) == failure(302, "Not yours")
        assert Stock(server, user="joe", secret="x").get(FIND, ALL) == failure(302, "Not yours")
        for wrong in (
            {"user": "fred"},
            {"user": "fred", "secret": "x"},
            {"user": "short", "secret": "short"},
        ):
            assert Stock(server, **wrong).get(FIND, ALL) == failure(301, "Who are you")
        hits = requests.get(server.base_url, timeout=30).json()["hits"]
        assert sorted(hits.values()) == [0, 1, 2]
        assert "fred" not in str(hits)
    finally:
        server.close()


def delivery(stock: Stock) -> Any:
    return stock.get(FIND, {"field": 4, "condition": 1, "string": "A4"})["deliveries"][0]


def test_receiving_adds_up(stock: Stock) -> None:
    pieces = [{"item": 5, "arrived": 2}, {"item": 6, "arrived": 0.5}]
    done = stock.receive({"id": 74, "parts": [{"id": 9001, "price": 4.10, "pieces": pieces}]})
    assert done == {"outcome": {"code": 1, "severity": "SUCCESS", "text": ""}}
    found = delivery(stock)
    line = found["lines"][0]
    assert [str(n) for n in (found["arrived"], line["arrived"], line["price"])] == [
        "3.5",
        "3.5",
        "4.1",
    ]
    assert [str(item["arrived"]) for item in line["items"]] == ["3", "0.5"]
    assert "parts" not in found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"parts": []}, failure(510, "Missing data: id (delivery)")),
        ({"id": 74, "parts": [{}]}, failure(510, "Missing data: id (part)")),
        (
            {"id": 74, "parts": [{"id": 9001, "pieces": [{"item": 5}]}]},
            failure(510, "Missing data: arrived (piece)"),
        ),
        ({"id": 75, "parts": []}, failure(511, "Unable to find delivery")),
        ({"id": -1, "parts": []}, failure(511, "Unable to find delivery")),
        ({"id": 74, "parts": [{"id": 9}]}, failure(511, "Unable to find line of a delivery")),
        (
            {"id": 74, "parts": [{"id": 9001, "pieces": [{"item": 7, "arrived": 1}]}]},
            failure(511, "Unable to find piece"),
        ),
        (
            {
                "id": 74,
                "parts": [
                    {"id": 9001, "pieces": [{"item": 6, "arrived": 1}, {"item": 5, "arrived": 2.1}]}
                ],
            },
            failure(512, "Too much received for arrived"),
        ),
    ],
)
def test_a_refused_receipt_changes_nothing(stock: Stock, body: Any, expected: Any) -> None:
    before = delivery(stock)
    assert stock.receive(body) == expected
    assert delivery(stock) == before


@pytest.mark.parametrize(
    ("arrived", "status", "expected"),
    [
        ("-1", 400, {"arrived": ["arrived is not a number from 0"]}),
        ("true", 400, {"parts.0.pieces.0.arrived": ["arrived has to be a number"]}),
        ("1e999999", 200, failure(512, "Too much received for arrived")),
    ],
)
def test_a_cause_without_a_code_is_told_by_its_status(
    stock: Stock, arrived: str, status: int, expected: Any
) -> None:
    body = (
        '{"id": 74, "parts": [{"id": 9001, "pieces": [{"item": 5, "arrived": ' + arrived + "}]}]}"
    )
    url = f"{stock.base_url}/deliveries/receive"
    answer = requests.post(url, data=body, params=stock.credentials, timeout=30)
    said = parsed(answer.text)
    assert (answer.status_code, said.get("errors", said)) == (status, expected)


def test_what_was_changed_stays_and_what_nothing_changes_is_the_documents(folder: Path) -> None:
    for arrived in (2, 3):
        server = serve(folder, {"stock": DOCUMENT}, today=lambda: WRITTEN)
        stock = Stock(server)
        line = delivery(stock)["lines"][0]
        assert line["items"][0]["arrived"] == arrived - 1
        stock.receive({"id": 74, "parts": [{"id": 9001, "pieces": [{"item": 5, "arrived": 1}]}]})
        server.close()


def test_what_is_older_than_the_window_is_not_found(stock: Stock) -> None:
    assert [each["id"] for each in stock.get("/letters")["letters"]] == [2, 3]
    assert [each["id"] for each in stock.get("/letters", {"page": 2})["letters"]] == [4]
    assert [each["id"] for each in stock.get("/letters", {"since": "2025-06-01"})["letters"]] == [3]
    assert stock.get("/letters/1") == failure(511, "Unable to find object")
    assert stock.get("/letters/2") == {"id": 2, "day": "2025-05-15"}


def test_the_days_of_the_examples_move_with_the_calendar(folder: Path) -> None:
    server = serve(folder, {"stock": DOCUMENT}, today=lambda: date(2028, 6, 16))
    stock = Stock(server)
    assert stock.get("/letters/3")["day"] == "2028-06-16"
    assert delivery(stock)["date_raised"] == "2028-06-15T23:30:00"
    server.close()


def test_a_comparison_that_nobody_can_test_is_refused(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8").replace("also: ['!=']", "also: [unlike]")
    (tmp_path / "stock.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="what the comparison 'not_equals' tests is not known"):
        serve(tmp_path / "folder", {"stock": tmp_path / "stock.yaml"})
