"""The sandbox of Syncore's documents as close to the vendor as is known: totals, both versions, client groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.catalogue import shipped_apis
from runner.sandbox.server import Server, serve

from .conftest import Client

TODAY = date(2026, 11, 30)
DAYS: Any = {"date_from": "2026-11-01", "date_to": "2026-11-30"}


@pytest.fixture
def both(folder: Path) -> Iterator[Server]:
    server = serve(folder, shipped_apis(), today=lambda: TODAY)
    yield server
    server.close()


def connect(server: Server, api: str) -> Client:
    client = Client(server.base_url, api)
    client.session.headers["x-api-key"] = "k"
    return client


@pytest.fixture
def syncore(both: Server) -> Iterator[Client]:
    client = connect(both, "syncore")
    yield client
    client.session.close()


@pytest.fixture
def version_1(both: Server) -> Iterator[Client]:
    client = connect(both, "syncore_v1")
    yield client
    client.session.close()


def new_job(syncore: Client, *, group: int = 2, **more: Any) -> int:
    contact = syncore.new(
        "/crm/contacts", {"business_name": "Ace", "client_group": {"id": group}, "state": "WA"}
    )
    return syncore.new("/orders/jobs", {"client": {"id": contact}, **more})


def test_the_totals_of_a_sales_order_follow_its_lines(syncore: Client) -> None:
    job = new_job(syncore)
    order = f"/orders/jobs/{job}/salesorders/{syncore.new(f'/orders/jobs/{job}/salesorders', {})}"
    assert [syncore.get(order)[name] for name in ("sub_total_value", "total_value")] == [0, 0]
    first = syncore.new(f"{order}/lineitems", {"quantity": 3, "price_value": 8.40})
    syncore.new(f"{order}/lineitems", {"quantity": 1, "price_value": 0.05})
    syncore.new(f"{order}/lineitems", {"description": "a comment"})
    found = syncore.get(order)
    assert (found["sub_total_value"], found["total_value"]) == (Decimal("25.25"), Decimal("25.25"))
    totals = [line.get("line_total_value") for line in found["line_items"]]
    assert totals == [Decimal("25.20"), Decimal("0.05"), None]
    assert syncore.get(f"/orders/jobs/{job}")["sales_orders"][0]["total_value"] == Decimal("25.25")
    syncore.send("PUT", f"{order}/lineitems/{first}", expect=200, json={"quantity": 1})
    (listed,) = syncore.get(f"/orders/jobs/{job}/salesorders")["salesorders"]
    assert listed["total_value"] == Decimal("8.45")
    (searched,) = syncore.get("/orders/jobs/salesorders")["salesorders"]
    assert searched["total_value"] == Decimal("8.45")


def test_the_totals_of_a_purchase_order_are_what_it_costs(syncore: Client) -> None:
    job = new_job(syncore)
    lines = [{"quantity": 4, "cost_value": 3, "price_value": 9}, {"quantity": 1, "cost_value": 0.5}]
    supplier = syncore.get("/orders/suppliers")[0]["id"]
    body = {"supplier": {"id": supplier}, "line_items": lines}
    order = f"/orders/jobs/{job}/purchaseorders/{syncore.new(f'/orders/jobs/{job}/purchaseorders', body)}"
    found = syncore.get(order)
    assert found["sub_total_value"] == Decimal("12.5")
    assert [line["line_total_value"] for line in found["line_items"]] == [12, Decimal("0.5")]
    syncore.send("PUT", order, expect=200, json={"freight_value": 7.25, "ship_via": "Ground"})
    (summary,) = syncore.get(f"/orders/jobs/{job}")["purchase_orders"]
    assert (summary["sub_total_value"], summary["total_value"]) == (
        Decimal("12.5"),
        Decimal("19.75"),
    )


def test_version_1_sees_what_version_2_has_written(syncore: Client, version_1: Client) -> None:
    assert version_1.get("/orders/jobs")["jobs"] == []
    assert version_1.get("/crm/contacts")["contacts"] == []
    job = new_job(syncore, description="Mugs")
    (found,) = version_1.get("/orders/jobs", **DAYS)["jobs"]
    assert found == {
        "id": job,
        "status": "Pending",
        "date": "2026-11-30",
        "description": "Mugs",
        "client": {"id": 120001, "business_name": "Ace"},
        "client_group": {"id": 2, "name": "Sports clubs"},
    }
    (contact,) = version_1.get("/crm/contacts", state="WA", **DAYS)["contacts"]
    assert contact == {
        "id": 120001,
        "business_name": "Ace",
        "state": "WA",
        "date": "2026-11-30",
        "client_group": {"id": 2, "name": "Sports clubs"},
    }
    assert version_1.get("/crm/contacts", state="OR")["contacts"] == []


def test_version_1_alone_shows_its_examples(folder: Path) -> None:
    server = serve(folder, {"syncore_v1": shipped_apis()["syncore_v1"]}, today=lambda: TODAY)
    client = connect(server, "syncore_v1")
    assert [job["id"] for job in client.get("/orders/jobs")["jobs"]] == [31000, 31001]
    client.session.close()
    server.close()


def test_jobs_are_found_by_the_client_group_of_their_contact(
    syncore: Client, version_1: Client
) -> None:
    clubs, schools = new_job(syncore, group=2), new_job(syncore, group=1)
    for client in (syncore, version_1):
        for group, job in ((2, clubs), (1, schools)):
            found = client.get("/orders/jobs", client_group_id=group, **DAYS)["jobs"]
            assert [each["id"] for each in found] == [job]
        assert client.get("/orders/jobs", client_group_id=3, **DAYS)["jobs"] == []
    contact = syncore.get(f"/orders/jobs/{clubs}")["client"]["id"]
    syncore.send("PUT", f"/crm/contacts/{contact}", expect=200, json={"client_group": {"id": 3}})
    found = syncore.get("/orders/jobs", client_group_id=3, **DAYS)["jobs"]
    assert [each["id"] for each in found] == [clubs]


def test_what_is_not_given_is_null_or_left_out_as_it_was_seen(syncore: Client) -> None:
    job = new_job(syncore)
    found = syncore.get(f"/orders/jobs/{job}")
    assert found["store"] is None  # seen live
    assert "primary_rep" not in found
    order = syncore.new(f"/orders/jobs/{job}/salesorders", {})
    path = f"/orders/jobs/{job}/salesorders/{order}/lineitems"
    syncore.new(path, {"type": "Color", "description": "Navy"})
    (line,) = syncore.get(path)
    assert (line["sku"], line["product_id"], line["parent_id"]) == ("", 0, 0)  # seen live


def test_a_job_has_the_representative_that_it_was_given(syncore: Client) -> None:
    job = new_job(syncore, primary_rep={"name": "Kim Roe"})
    assert syncore.get(f"/orders/jobs/{job}")["primary_rep"] == {"name": "Kim Roe"}


def test_what_is_changed_today_is_found_from_midnight_on(syncore: Client) -> None:
    """The day of a change is known, and not its hour: on the first of a month as on any other day."""
    job = new_job(syncore)
    order = syncore.new(f"/orders/jobs/{job}/salesorders", {})
    for moment, expected in (
        ("2026-11-30T00:00:00", [order]),
        ("2026-11-30", [order]),
        ("2026-12-01T00:00:00", []),
    ):
        found = syncore.get("/orders/jobs/salesorders", last_modified_date_from=moment)
        assert [each["id"] for each in found["salesorders"]] == expected
