"""Projects drawn from a seed: a recipe of the shop with more or fewer of the language's ways, and a sheet for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from faults.chaos import Name

SHOP = Path(__file__).with_name("shop.openapi.yaml")
ENVIRONMENT = {"SHOP_KEY": "key-of-the-shop", "SHOP_TOKEN": "token-of-the-shop"}
STEPS = ("customer", "order", "line", "payment")

CONFIG = """\
targets:
  test:
    account: acme
    apis:
      shop:
        base_url: {url}
        secrets: {{api_key: {{env: SHOP_KEY}}, token: {{env: SHOP_TOKEN}}}}
        rate: {{requests_per_second: 5000, burst: 5000}}
        deadline: 20
apis: {{shop: {shop}}}
"""
HEAD = """\
recipe: 1
name: torture
rows:
  file: rows.csv
  group_by: ref
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    customer: {required: true}
    amount: {type: decimal, required: true}
    sku: {required: true}
    note: {}
steps:
"""
BODIES = {
    "customer": """\
  - id: customer
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}"}
""",
    "order": """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: CUSTOMER}
""",
    "line": """\
  - id: line
    use: shop.create_line
    for_each: row.lines
    with: {order_id: "{{ order.id }}", sku: "{{ row.ref }}/{{ item.sku }}", quantity: 1}
""",
    "payment": """\
  - id: payment
    when: row.amount > 0
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.amount }}", reference: "{{ row.ref }}"}
""",
}
SEARCHES = {
    "customer": '    unless_found: {use: shop.search_customers, with: {name: "{{ row.customer }}"}}\n',
    "order": '    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}\n',
    "payment": '    unless_found: {use: shop.list_payments, with: {order_id: "{{ order.id }}"},\n'
    "                   where: item.reference == row.ref}\n",
}


@dataclass(frozen=True)
class Order:
    """One row: the lines of the sheet that share a reference. `skus` are by the number of the line."""

    ref: str
    customer: str
    amount: Decimal
    skus: dict[int, str]


@dataclass(frozen=True)
class Shape:
    """A drawn project. `searched` are the steps with an `unless_found`; `faults`: so many times as often as usual."""

    workers: int
    steps: tuple[str, ...]
    searched: frozenset[str]
    item_key: bool
    orders: tuple[Order, ...]
    sheet: str
    faults: float

    @property
    def lines(self) -> dict[int, str]:
        """The key of each line of the sheet by its number."""
        return {line: order.ref for order in self.orders for line in order.skus}

    def names(self, key: str) -> set[Name]:
        """Every write that a row needs."""
        order = next(order for order in self.orders if order.ref == key)
        wanted = {Name("order", key)}
        if "customer" in self.steps:
            wanted.add(Name("customer", order.customer))
        if "line" in self.steps:
            wanted |= {Name("line", f"{key}/{sku}") for sku in order.skus.values()}
        if "payment" in self.steps and order.amount > 0:
            wanted.add(Name("payment", key))
        return wanted

    def due(self, key: str) -> Decimal:
        """What is to be paid for a row."""
        order = next(order for order in self.orders if order.ref == key)
        return order.amount if "payment" in self.steps else Decimal(0)

    def recipe(self) -> str:
        """Its recipe."""
        text = HEAD
        for step in self.steps:
            text += BODIES[step].replace("CUSTOMER", '"{{ customer.id }}"' if "customer" in self.steps else "7")
            text += SEARCHES[step] if step in self.searched else ""
            text += "    item_key: item.sku\n" if step == "line" and self.item_key else ""
        return text + 'outputs: {order: "{{ order.id }}"}\n'

    def write(self, folder: Path, url: str) -> None:
        """Its files, for the API at `url`."""
        folder.mkdir()
        (folder / "runner.yaml").write_text(CONFIG.format(url=url, shop=SHOP), encoding="utf-8")
        (folder / "torture.yaml").write_text(self.recipe(), encoding="utf-8")
        (folder / "rows.csv").write_text(self.sheet, encoding="utf-8")


def plain_sheet(orders: Sequence[Order]) -> str:
    """A sheet of these orders without blank lines and line ends in cells."""
    lines = [f"{each.ref},{each.customer},{each.amount},{sku},x" for each in orders for sku in each.skus.values()]
    return "\n".join(["ref,customer,amount,sku,note", *lines, ""])


def draw_shape(draw: random.Random, *, most_rows: int = 40) -> Shape:
    """A project of 5 rows or more."""
    steps = tuple(step for step in STEPS if step == "order" or draw.random() < 0.7)
    searched = frozenset(step for step in steps if step in SEARCHES and draw.random() < 0.4)
    count = min(draw.randint(5, most_rows), draw.randint(5, most_rows))
    customers = draw.randint(1, count)
    lines, number, orders = ["ref,customer,amount,sku,note"], 2, []
    for each in range(count):
        ref, customer = f"R{each}", f"C{draw.randrange(customers)}"
        amount = draw.choice([Decimal(0), Decimal(draw.randint(1, 99999)) / 100])
        skus: dict[int, str] = {}
        for _ in range(draw.choice([1, 1, 2, 3])):
            if draw.random() < 0.1:
                lines.append("")
                number += 1
            broken = draw.random() < 0.1
            skus[number] = f"s{len(skus)}"
            lines.append(f"{ref},{customer},{amount},{skus[number]}," + ('"two\nlines"' if broken else "x"))
            number += 1 + broken
        orders.append(Order(ref, customer, amount, skus))
    return Shape(
        draw.choice([1, 1, 2, 3, 4, 8]), steps, searched, draw.random() < 0.5, tuple(orders),
        "\n".join([*lines, ""]), draw.choice([0, 1, 1, 4]),
    )  # fmt: skip
