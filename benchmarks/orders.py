"""An order file like the Northwind one, made up: the same columns, 830 orders, 2,155 lines, 89 customers."""

from __future__ import annotations

import csv
import random
from pathlib import Path

ORDERS, LINES, CUSTOMERS, PRODUCTS = 830, 2155, 89, 77
ORDER = ("Order", "Order Date", "Required Date", "Customer ID", "Company", "Contact", "Phone")
SHIP_TO = (
    "Ship Name",
    "Ship Address",
    "Ship City",
    "Ship Region",
    "Ship Postal Code",
    "Ship Country",
    "Ship Via",
)
LINE = ("Freight", "SKU", "Product", "Supplier", "Unit Price", "Quantity", "Discount")
DISCOUNTS = ("0", "0", "0", "0.05", "0.1", "0.15", "0.2", "0.25")


def write_orders(path: Path) -> None:
    """Write the file; the same bytes each time."""
    chance = random.Random(830)
    counts = [1] * ORDERS
    for index in chance.choices(range(ORDERS), k=LINES - ORDERS):
        counts[index] += 1
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*ORDER, *SHIP_TO, *LINE])
        for index, count in enumerate(counts):
            start = _order(index, chance)
            for product in chance.sample(range(1, PRODUCTS + 1), k=count):
                writer.writerow([*start, *_line(product, chance)])


def _order(index: int, chance: random.Random) -> list[str]:
    customer = index if index < CUSTOMERS else chance.randrange(CUSTOMERS)
    company = f"Company {customer:02}, Söhne"
    month, day = index // 28 % 12 + 1, index % 28 + 1
    return [
        str(10248 + index),
        f"1997-{month:02}-{day:02}",
        f"1998-{month:02}-{day:02}",
        f"CUS{customer:02}",
        company,
        f"Ana Núñez{customer:02}",
        f"555-01{customer:02}",
        company,
        f"{customer} Harbour Street",
        "Lübeck",
        "NULL" if customer % 2 else "WA",
        f"{customer:05}",
        "Germany",
        "Speedy Express",
        f"{chance.randrange(2, 30000) / 100:.2f}",
    ]


def _line(product: int, chance: random.Random) -> list[str]:
    price = f"{250 + product * 137 % 4000}"
    return [
        f"{product:05}",
        f"Product {product}",
        f"Supplier {product % 29}",
        f"{price[:-2]}.{price[-2:]}",
        str(chance.randrange(1, 100)),
        chance.choice(DISCOUNTS),
    ]
