"""The yardstick: the same import as a plain requests.Session loop, as one would write it by hand in an hour.

    python benchmarks/session_loop.py ORDERS.csv http://127.0.0.1:PORT

The calls are those of tests/northwind/import-northwind.yaml, with the same bodies. There is no journal, no dry
run, no pace, no resume, and a crash loses track of what was sent.
"""

from __future__ import annotations

import csv
import sys
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import requests

Cells = dict[str, str]


class Importer:
    """Posts orders one after the other over one connection."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["x-api-key"] = "bench"
        self.contacts: dict[str, int] = {}

    def post(self, path: str, body: dict[str, Any]) -> int:
        """Create something; returns its id."""
        given = {name: value for name, value in body.items() if value is not None}
        response = self.session.post(self.base_url + path, json=given, timeout=30)
        response.raise_for_status()
        return int(response.json()["id"])

    def order(self, lines: list[Cells]) -> None:
        """One order: contact, job, sales order, lines, payment."""
        first = lines[0]
        customer = first["Customer ID"]
        if customer not in self.contacts:
            self.contacts[customer] = self.post("/crm/contacts", contact(first))
        job = self.post(
            "/orders/jobs", {"client": {"id": self.contacts[customer]}, **job_fields(first)}
        )
        order = self.post(f"/orders/jobs/{job}/salesorders", sales_order(first))
        under = f"/orders/jobs/{job}/salesorders/{order}"
        for line in lines:
            self.post(f"{under}/lineitems", line_item(line))
        due = sum((net(line) for line in lines), Decimal(first["Freight"]))
        self.post(f"{under}/payments", {"amount": float(due), "reference": first["Order"]})


def value(cell: str) -> str | None:
    """A cell, or None where it says that there is nothing."""
    return None if cell in ("", "NULL") else cell


def contact(line: Cells) -> dict[str, Any]:
    """The body of a contact."""
    return {
        "business_name": line["Company"],
        "last_name": line["Contact"],
        "phone": value(line["Phone"]),
        "notes": f"Customer {line['Customer ID']}",
    }


def job_fields(line: Cells) -> dict[str, Any]:
    """The body of a job, without its client."""
    return {
        "description": f"Northwind order {line['Order']}",
        "in_hand_date": value(line["Required Date"]),
    }


def sales_order(line: Cells) -> dict[str, Any]:
    """The body of a sales order."""
    headers = (
        "Ship Name",
        "Ship Address",
        "Ship City",
        "Ship Region",
        "Ship Postal Code",
        "Ship Country",
    )
    names = ("business_name", "address1", "city", "state", "zip", "country")
    cells = {name: value(line[header]) for name, header in zip(names, headers, strict=True)}
    ship_to = {name: cell for name, cell in cells.items() if cell is not None}
    return {"customer_order_number": line["Order"], "date": line["Order Date"], "ship_to": ship_to}


def line_item(line: Cells) -> dict[str, Any]:
    """The body of a line item."""
    percent = f"{Decimal(line['Discount']) * 100:.0f}"
    return {
        "sku": line["SKU"],
        "description": line["Product"] + ("" if percent == "0" else f", less {percent}%"),
        "quantity": int(line["Quantity"]),
        "price_value": float(line["Unit Price"]),
    }


def net(line: Cells) -> Decimal:
    """What a line costs after its discount."""
    exact = Decimal(line["Unit Price"]) * int(line["Quantity"]) * (1 - Decimal(line["Discount"]))
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def main(path: Path, base_url: str) -> None:
    """Import a file whose lines of an order are adjacent."""
    importer = Importer(base_url)
    with path.open(encoding="utf-8", newline="") as file:
        for _, lines in groupby(csv.DictReader(file), key=itemgetter("Order")):
            importer.order(list(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
