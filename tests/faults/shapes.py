"""Projects drawn from a seed: a recipe of the shop with more or fewer of the language's ways, and a sheet for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from faults.chaos import UPDATE, Name
from faults.shop import Shop

SHOP = Path(__file__).with_name("shop.openapi.yaml")
ENVIRONMENT = {"SHOP_KEY": "key-of-the-shop", "SHOP_TOKEN": "token-of-the-shop"}
STEPS = ("customer", "order", "line", "payment")
PROFILES = ("new", "same", "old")
"""Whether what is kept in step is to be created, is as it has to be, or has to be changed."""

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
PROFILE = """\
  - id: profile
    use: shop.create_customer
    with: {name: "P-{{ row.ref }}", notes: "{{ row.ref }} {{ row.amount }}"}
    unless_found:
      use: shop.search_customers
      with: {name: "P-{{ row.ref }}"}
      update:
        use: shop.update_customer
        with: {customer_id: "{{ found.id }}", notes: "{{ row.ref }} {{ row.amount }}"}
"""
SHOWN = """\
  - id: shown
    use: shop.get_customer
    with: {customer_id: "{{ profile.id }}"}
    poll: {until: result.notes == row.ref ~ ' ' ~ row.amount, every: 1s, within: 20s}
"""
SEARCHES = {
    "customer": '    unless_found: {use: shop.search_customers, with: {name: "{{ row.customer }}"}}\n',
    "order": '    unless_found: {use: shop.search_orders, with: {reference: "{{ row.ref }}"}}\n',
    "payment": '    unless_found: {use: shop.list_payments, with: {order_id: "{{ order.id }}"},\n'
    "                   where: item.reference == row.ref}\n",
}


@dataclass(frozen=True)
class Order:
    """One row: the lines of the sheet that share a reference. `skus` are by the number of the line.

    `profile` is one of PROFILES, empty where nothing is kept in step.
    """

    ref: str
    customer: str
    amount: Decimal
    skus: dict[int, str]
    profile: str = ""

    @property
    def notes(self) -> str:
        """What the notes of its profile have to be."""
        return f"{self.ref} {self.amount}"


@dataclass(frozen=True)
class Shape:
    """A drawn project. `searched` are the steps with an `unless_found`; `faults`: so many times as often as usual.

    `verified` are the steps with `verify`; `polled`: whether what is kept in step is read until it shows.
    """

    workers: int
    steps: tuple[str, ...]
    searched: frozenset[str]
    item_key: bool
    orders: tuple[Order, ...]
    sheet: str
    faults: float
    verified: frozenset[str] = frozenset()
    polled: bool = False

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
        if order.profile:
            wanted.add(Name("profile", key))
        if order.profile == "old":
            wanted.add(Name(UPDATE, key))
        return wanted

    def due(self, key: str) -> Decimal:
        """What is to be paid for a row."""
        order = next(order for order in self.orders if order.ref == key)
        return order.amount if "payment" in self.steps else Decimal(0)

    def recipe(self) -> str:
        """Its recipe."""
        text = HEAD
        for step in self.steps:
            text += BODIES[step].replace(
                "CUSTOMER", '"{{ customer.id }}"' if "customer" in self.steps else "7"
            )
            text += SEARCHES[step] if step in self.searched else ""
            text += "    item_key: item.sku\n" if step == "line" and self.item_key else ""
            text += "    verify: true\n" if step in self.verified else ""
        if any(order.profile for order in self.orders):
            text += PROFILE + ("    verify: true\n" if "profile" in self.verified else "")
            text += SHOWN if self.polled else ""
        return text + 'outputs: {order: "{{ order.id }}"}\n'

    def seed(self, shop: Shop) -> None:
        """What is in the shop before the first run."""
        for order in self.orders:
            if order.profile in ("same", "old"):
                notes = order.notes if order.profile == "same" else f"{order.ref} as of old"
                shop.seed("/customers", {"name": f"P-{order.ref}", "notes": notes})

    def write(self, folder: Path, url: str) -> None:
        """Its files, for the API at `url`."""
        folder.mkdir()
        (folder / "runner.yaml").write_text(CONFIG.format(url=url, shop=SHOP), encoding="utf-8")
        (folder / "torture.yaml").write_text(self.recipe(), encoding="utf-8")
        (folder / "rows.csv").write_text(self.sheet, encoding="utf-8")


def plain_sheet(orders: Sequence[Order]) -> str:
    """A sheet of these orders without blank lines and line ends in cells."""
    lines = [
        f"{each.ref},{each.customer},{each.amount},{sku},x"
        for each in orders
        for sku in each.skus.values()
    ]
    return "\n".join(["ref,customer,amount,sku,note", *lines, ""])


def draw_shape(draw: random.Random, *, most_rows: int = 40) -> Shape:
    """A project of 5 rows or more."""
    steps = tuple(step for step in STEPS if step == "order" or draw.random() < 0.7)
    searched = frozenset(step for step in steps if step in SEARCHES and draw.random() < 0.4)
    count = min(draw.randint(5, most_rows), draw.randint(5, most_rows))
    customers = draw.randint(1, count)
    kept = draw.random() < 0.5
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
            lines.append(
                f"{ref},{customer},{amount},{skus[number]}," + ('"two\nlines"' if broken else "x")
            )
            number += 1 + broken
        orders.append(Order(ref, customer, amount, skus, draw.choice(PROFILES) if kept else ""))
    verified = frozenset(step for step in ("customer", "profile") if draw.random() < 0.4)
    return Shape(
        draw.choice([1, 1, 2, 3, 4, 8]), steps, searched, draw.random() < 0.5, tuple(orders),
        "\n".join([*lines, ""]), draw.choice([0, 1, 1, 4]), verified, kept and draw.random() < 0.4,
    )  # fmt: skip
