"""Objects that are not shown as they were given, updates that change nothing, and other ways into a collection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.server import Server, serve

from .conftest import Client

DOCUMENT = Path(__file__).with_name("works.openapi.yaml")
SHIP_TO = {"first_name": "Ann", "last_name": "Lee", "country": "US", "city": "Salem"}


class Clock:
    """Tells a day that can be moved."""

    day = date(2026, 3, 31)

    def __call__(self) -> date:
        return self.day


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def works(folder: Path, clock: Clock) -> Iterator[Client]:
    server = serve(folder, {"works": DOCUMENT}, today=clock)
    client = to_works(server)
    yield client
    client.session.close()
    server.close()


def to_works(server: Server, token: str = "t") -> Client:
    client = Client(server.base_url, "works")
    client.session.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def order(works: Client) -> str:
    job = works.new("/jobs", {})
    lines = [{"sku": "A"}, {"sku": "B"}]
    return f"/jobs/{job}/orders/{works.new(f'/jobs/{job}/orders', {'ship_to': SHIP_TO, 'lines': lines})}"


def test_what_is_got_cannot_be_put_back(works: Client, order: str) -> None:
    found = works.get(order)
    assert found["ship_to"] == {"name": "Ann Lee", "country": "United States", "city": "Salem"}
    refused = works.send("PUT", order, expect=400, json=found)
    assert refused["errors"] == {
        "ship_to.first_name": ["first_name is required"],
        "ship_to.last_name": ["last_name is required"],
        "ship_to.country": ["country is over the max length of 2 characters"],
    }
    changed = {"first_name": "Bo", "last_name": "Lee", "country": "CA"}
    works.send("PUT", order, expect=200, json={"ship_to": changed})
    assert works.get(order)["ship_to"] == {"name": "Bo Lee", "country": "CA", "city": "Salem"}


def test_a_status_alone_changes_nothing(works: Client, order: str, clock: Clock) -> None:
    clock.day = date(2026, 4, 1)
    written = works.send("PUT", order, expect=200, json={"status": "Paid"})
    assert written == {"id": 56001, "location": f"{works.base_url}/works{order}"}
    assert (works.get(order)["status"], works.get(order)["changed"]) == ("Open", "2026-03-31")
    works.send("PUT", order, expect=200, json={"status": "Paid", "note": "x"})
    assert (works.get(order)["status"], works.get(order)["changed"]) == ("Paid", "2026-04-01")


def test_what_was_given_inside_gets_ids_of_its_own(works: Client, order: str) -> None:
    lines = [
        {"line_id": 9001, "sku": "A", "parent_id": 0},
        {"line_id": 9002, "sku": "B", "parent_id": 0},
    ]
    assert works.get(order)["lines"] == works.get(f"{order}/lines") == lines
    works.send("PUT", f"{order}/lines/9002", expect=200, json={"sku": "C"})
    assert works.get(f"{order}/lines/9002")["sku"] == works.get(order)["lines"][1]["sku"] == "C"
    works.send("PUT", order, expect=200, json={"lines": [], "note": "x"})
    assert [line["sku"] for line in works.get(order)["lines"]] == ["A", "C"]


@pytest.mark.parametrize("lines", [[1], ["A"], "A", {"sku": "A"}])
def test_what_is_given_inside_has_to_be_objects(works: Client, order: str, lines: Any) -> None:
    job = order.rpartition("/")[0]
    works.post(job, {"lines": lines}, expect=400)
    assert len(works.get(job)) == 1


def test_an_object_knows_what_it_lies_in(works: Client, order: str) -> None:
    assert [each["job_number"] for each in works.get("/jobs/orders")] == [31000]


def test_another_way_into_a_collection(works: Client) -> None:
    written = works.post("/storejobs", {"class": "Dropship"})
    assert written == {"id": 31000, "location": f"{works.base_url}/works/jobs/31000"}
    assert works.get("/jobs/31000")["class"] == "Store"
    works.send("PUT", "/storejobs/31000", expect=200, json={"note": "x"})
    assert works.get("/jobs/31000")["note"] == "x"


def test_an_old_job_is_out_of_reach(works: Client, order: str, clock: Clock) -> None:
    job = "/jobs/31000"
    clock.day = date(2027, 4, 30)
    assert [each["id"] for each in works.get("/jobs")["jobs"]] == [31000]
    works.get(order)
    clock.day = date(2027, 5, 1)
    assert works.get("/jobs")["jobs"] == []
    for path in (job, f"{job}/orders"):
        works.get(path, expect=404)
    works.send("PUT", "/storejobs/31000", expect=404, json={"note": "x"})


def test_each_key_may_do_what_it_may(folder: Path) -> None:
    keys = {"reader": {"read"}, "writer": {"write"}, "both": {"read", "write"}}
    server = serve(folder, {"works": DOCUMENT}, keys=keys)
    clients = {name: to_works(server, name) for name in (*keys, "other")}
    clients["reader"].get("/jobs")
    answer = clients["reader"].send("POST", "/jobs", expect=403, json={})
    assert answer == {"statusCode": 403, "message": "Authorization may not write"}
    assert clients["writer"].get("/jobs", expect=403)["message"] == "Authorization may not read"
    clients["writer"].post("/jobs", {})
    clients["both"].get("/jobs")
    clients["other"].get("/jobs", expect=401)
    hits = clients["both"].session.get(server.base_url, timeout=30).json()["hits"]
    assert sorted(hits.values()) == [1, 2, 2]
    for client in clients.values():
        client.session.close()
    server.close()
