"""Compares an order file with what a sandbox was sent: counts, values, chain of ids, duplicates.

    python tests/northwind/check.py ORDERS.csv DELIVERIES.jsonl [--allow-missing N]

It shares no code with the product and does every sum itself. The log has one JSON object a line for each
request received; a write that was taken is a POST answered with 201. Exit code 0 when all is as the file
says, 1 with the differences listed. With --allow-missing up to N writes may be absent (a run that was
killed leaves outcomes unknown), but a duplicate or a wrong value is a failure whatever N is.

    kind          expected  delivered  distinct  missing
    contacts            89         89        89        0
    ...
    payments 1,330,735.98 of 1,330,735.98
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

KINDS = {
    "contacts": re.compile(r"/crm/contacts$"),
    "jobs": re.compile(r"/orders/jobs$"),
    "sales orders": re.compile(r"/jobs/(?P<job>[^/]+)/salesorders$"),
    "lines": re.compile(r"/jobs/(?P<job>[^/]+)/salesorders/(?P<order>[^/]+)/lineitems$"),
    "payments": re.compile(r"/jobs/(?P<job>[^/]+)/salesorders/(?P<order>[^/]+)/payments$"),
}
SHIP_TO = {
    "Ship Name": "business_name",
    "Ship Address": "address1",
    "Ship City": "city",
    "Ship Region": "state",
    "Ship Postal Code": "zip",
    "Ship Country": "country",
}
SHOWN = 50


@dataclass
class Order:
    """One order of the file: its first line's cells, each line as (sku, quantity, price), and what is due."""

    cells: dict[str, str]
    lines: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    due: Decimal = Decimal(0)


@dataclass(frozen=True)
class Delivery:
    """One write that was taken. `job` and `order` are the ids in its path, "" where there are none."""

    kind: str
    id: str
    job: str
    order: str
    body: dict[str, Any]
    path: str


class Findings:
    """What is wrong, in the order found, and how often a write that the file asks for never came."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.missing: Counter[str] = Counter()

    def same(self, what: str, delivered: object, expected: object) -> None:
        """Note a value that differs."""
        if delivered != expected:
            self.wrong.append(f"{what}: delivered {delivered!r}, the file says {expected!r}")


def read_orders(path: Path) -> dict[str, Order]:
    """Every order of the file with the amount due: lines less discount, each rounded half up, plus freight."""
    orders: dict[str, Order] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for cells in csv.DictReader(file, strict=True):
            order = orders.get(cells["Order"])
            if order is None:
                order = orders[cells["Order"]] = Order(cells, due=Decimal(cells["Freight"]))
            price, quantity = Decimal(cells["Unit Price"]), Decimal(cells["Quantity"])
            net = price * quantity * (1 - Decimal(cells["Discount"]))
            order.lines.append((cells["SKU"], quantity, price))
            order.due += net.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return orders


def read_deliveries(path: Path) -> list[Delivery]:
    """The writes that were taken, in the order they came. Numbers stay exact."""
    text = path.read_text(encoding="utf-8")
    whole, _, torn = text.rpartition("\n")
    if torn:
        print(f"note: the log ends in the middle of a line, which is left out: {torn[:60]!r}")
    return [found for line in whole.splitlines() if (found := _delivery(line)) is not None]


def _delivery(line: str) -> Delivery | None:
    entry = json.loads(line, parse_float=Decimal, parse_int=Decimal)
    if entry["method"] != "POST" or entry["status"] != Decimal(201):
        return None
    path = str(entry["path"]).partition("?")[0]
    for kind, pattern in KINDS.items():
        if match := pattern.search(path):
            ids = match.groupdict()
            body = entry["body"]
            return Delivery(
                kind, str(entry["id"]), ids.get("job", ""), ids.get("order", ""), body, path
            )
    return Delivery("other", str(entry.get("id")), "", "", entry.get("body") or {}, path)


def content(found: Delivery) -> tuple[str, str]:
    """What a write says, and under which parent."""
    return found.path, json.dumps(found.body, sort_keys=True, default=str)


def refuse_duplicates(deliveries: list[Delivery], findings: Findings) -> None:
    """The same content under the same parent twice is a duplicate, whatever else holds."""
    seen = Counter(map(content, deliveries))
    for (path, body), times in seen.items():
        if times > 1:
            findings.wrong.append(f"duplicate: {path} was sent {times} times: {body[:160]}")
    for found in deliveries:
        if found.kind == "other":
            findings.wrong.append(f"a write that no order asks for: {found.path}")


def by_identity(
    deliveries: list[Delivery], kind: str, name_of: Callable[[Delivery], str], findings: Findings
) -> dict[str, Delivery]:
    """The deliveries of a kind by what they are about; a second one about the same thing is a duplicate."""
    index: dict[str, Delivery] = {}
    for found in deliveries:
        if found.kind == kind:
            name = name_of(found)
            if index.setdefault(name, found) is not found:
                findings.wrong.append(
                    f"duplicate: {kind[:-1]} for {name!r}: ids {index[name].id} and {found.id}"
                )
    return index


def order_named(text: str, orders: dict[str, Order]) -> str:
    """The one order number of the file that a text names, or the text itself when it names none or several."""
    named = {word for word in re.findall(r"\w+", text) if word in orders}
    return named.pop() if len(named) == 1 else text


def check_contacts(
    orders: dict[str, Order], deliveries: list[Delivery], findings: Findings
) -> dict[str, Delivery]:
    """One contact for each customer. Returns them by company."""
    contacts = by_identity(
        deliveries, "contacts", lambda found: str(found.body.get("business_name")), findings
    )
    companies = {order.cells["Company"]: order.cells["Customer ID"] for order in orders.values()}
    findings.missing["contacts"] += len(companies.keys() - contacts.keys())
    for company, found in contacts.items():
        if company not in companies:
            findings.wrong.append(
                f"contact {found.id} is for {company!r}, which is no customer of the file"
            )
    return contacts


def check_jobs(
    orders: dict[str, Order],
    deliveries: list[Delivery],
    contacts: dict[str, Delivery],
    findings: Findings,
) -> dict[str, Delivery]:
    """One job for each order, for that customer's contact. Returns them by order number."""
    jobs = by_identity(
        deliveries,
        "jobs",
        lambda found: order_named(str(found.body.get("description")), orders),
        findings,
    )
    findings.missing["jobs"] += len(orders.keys() - jobs.keys())
    for number, found in jobs.items():
        if number not in orders:
            findings.wrong.append(f"job {found.id} names no order of the file: {number!r}")
            continue
        contact = contacts.get(orders[number].cells["Company"])
        client = (found.body.get("client") or {}).get("id")
        findings.same(
            f"job of order {number}: client", str(client), contact.id if contact else "no contact"
        )
    return jobs


def check_sales_orders(
    orders: dict[str, Order],
    deliveries: list[Delivery],
    jobs: dict[str, Delivery],
    findings: Findings,
) -> dict[tuple[str, str], str]:
    """One sales order for each order, under its job. Returns the order number by (job id, sales order id)."""
    sales = by_identity(
        deliveries,
        "sales orders",
        lambda found: str(found.body.get("customer_order_number")),
        findings,
    )
    findings.missing["sales orders"] += len(orders.keys() - sales.keys())
    for number, found in sales.items():
        if number not in orders:
            findings.wrong.append(
                f"sales order {found.id} is for {number!r}, which is no order of the file"
            )
            continue
        job = jobs.get(number)
        findings.same(f"sales order of order {number}: job", found.job, job.id if job else "no job")
        ship_to = found.body.get("ship_to") or {}
        for header, name in SHIP_TO.items():
            cell = orders[number].cells[header]
            expected = None if cell == "NULL" else cell.strip()
            delivered = ship_to.get(name)
            findings.same(
                f"order {number}: ship_to.{name}", delivered and str(delivered).strip(), expected
            )
    return {(found.job, found.id): number for number, found in sales.items()}


def check_lines(
    orders: dict[str, Order],
    deliveries: list[Delivery],
    numbers: dict[tuple[str, str], str],
    findings: Findings,
) -> None:
    """Each line once under its own sales order, with its SKU as text, its quantity and its price."""
    delivered: dict[str, Counter[tuple[str, Decimal, Decimal]]] = defaultdict(Counter)
    for found in deliveries:
        if found.kind == "lines":
            number = numbers.get((found.job, found.order), "")
            if number not in orders:
                findings.wrong.append(
                    f"line {found.id} is under no sales order of the file: {found.path}"
                )
                continue
            sku = found.body.get("sku")
            if not isinstance(sku, str):
                findings.wrong.append(
                    f"line {found.id} of order {number}: sku {sku!r} is not a text"
                )
            delivered[number][
                str(sku), _number(found, "quantity"), _number(found, "price_value")
            ] += 1
    for number, order in orders.items():
        expected = Counter(order.lines)
        for line in (delivered[number] - expected).elements():
            findings.wrong.append(
                f"order {number}: line {_shown(line)} is not in the file, or was sent twice"
            )
        findings.missing["lines"] += (expected - delivered[number]).total()


def _number(found: Delivery, name: str) -> Decimal:
    value = found.body.get(name)
    return value if isinstance(value, Decimal) else Decimal("NaN")


def _shown(line: tuple[str, Decimal, Decimal]) -> str:
    return f"{line[0]} x {line[1]} at {line[2]}"


def check_payments(
    orders: dict[str, Order],
    deliveries: list[Delivery],
    numbers: dict[tuple[str, str], str],
    findings: Findings,
) -> Decimal:
    """One payment for each order of exactly what is due. Returns what was paid in all."""
    paid = Decimal(0)
    seen: dict[str, Delivery] = {}
    for found in deliveries:
        if found.kind == "payments":
            amount = _number(found, "amount")
            paid += amount
            number = numbers.get((found.job, found.order), "")
            if number not in orders:
                findings.wrong.append(
                    f"payment {found.id} is under no sales order of the file: {found.path}"
                )
            elif number in seen:
                findings.wrong.append(
                    f"duplicate: payment for order {number}: ids {seen[number].id} and {found.id}"
                )
            else:
                findings.same(f"order {number}: payment", amount, orders[number].due)
            seen[number] = found
    findings.missing["payments"] += len(orders.keys() - seen.keys())
    return paid


def print_table(orders: dict[str, Order], deliveries: list[Delivery], findings: Findings) -> None:
    """The counts of each kind: what the file asks for, what came, how much of that is distinct, what is missing."""
    customers = {order.cells["Customer ID"] for order in orders.values()}
    lines = sum(len(order.lines) for order in orders.values())
    print(f"{'kind':<14}{'expected':>9}{'delivered':>11}{'distinct':>10}{'missing':>9}")
    for kind in KINDS:
        expected = {"contacts": len(customers), "lines": lines}.get(kind, len(orders))
        found = [content(item) for item in deliveries if item.kind == kind]
        print(
            f"{kind:<14}{expected:>9,}{len(found):>11,}{len(set(found)):>10,}{findings.missing[kind]:>9,}"
        )


def main(arguments: list[str]) -> int:
    """Check a log against a file; returns the exit code."""
    allowed = 0
    if "--allow-missing" in arguments:
        at = arguments.index("--allow-missing")
        allowed = int(arguments[at + 1])
        del arguments[at : at + 2]
    orders = read_orders(Path(arguments[0]))
    deliveries = read_deliveries(Path(arguments[1]))
    findings = Findings()
    refuse_duplicates(deliveries, findings)
    contacts = check_contacts(orders, deliveries, findings)
    jobs = check_jobs(orders, deliveries, contacts, findings)
    numbers = check_sales_orders(orders, deliveries, jobs, findings)
    check_lines(orders, deliveries, numbers, findings)
    paid = check_payments(orders, deliveries, numbers, findings)
    print_table(orders, deliveries, findings)
    print(f"payments {paid:,} of {sum((order.due for order in orders.values()), Decimal(0)):,}")
    missing = findings.missing.total()
    if missing:
        print(f"missing {missing:,} of the file's writes ({allowed:,} allowed)")
    for difference in findings.wrong[:SHOWN]:
        print(difference)
    if len(findings.wrong) > SHOWN:
        print(f"... {len(findings.wrong) - SHOWN:,} more differences")
    return 1 if findings.wrong or missing > allowed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
