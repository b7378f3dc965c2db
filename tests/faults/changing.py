"""A project that changes while it is used: its sheet, the text of its recipe, and the spelling of what names a row."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from faults.chaos import Name, plain
from faults.shapes import CONFIG, SEARCHES, SHOP

SPELLINGS: Mapping[str, tuple[str, str]] = {
    "": ("", ""), "trailing space": ("", " "), "no-break space": ("\u00a0", "\u00a0"),
    "zero-width space": ("", "\u200b"), "byte order mark": ("\ufeff", ""), "decomposed": ("", ""),
}  # fmt: skip
"""Spellings of one identity, each with the text before and behind it."""

_FULL_WIDTH = 0xFEE0

LOOKS: Mapping[str, Callable[[str], str]] = {
    "case": lambda ref: ref.lower(),
    "en dash": lambda ref: ref.replace("-", "\u2013"),
    "hyphen": lambda ref: ref.replace("-", "\u2010"),
    "width": lambda ref: chr(ord(ref[0]) + _FULL_WIDTH) + ref[1:],
    "space": lambda ref: f"{ref[:2]} {ref[2:]}",
}
"""Changes to a reference that a person does not see as another one, and that are another identity."""

LINES = ("line", "part", "split", "undeclared name", "undeclared setups")
"""Forms of the step that adds the lines: the first one, renamed, split; and renamed or split without all of `was`."""

HEAD = """\
recipe: 1
name: NAME
rows:
  file: FILE
  group_by: ref
  key: KEY
  columns:
    ref: {required: true}
    client: {required: true}
    customer: {required: true}
    amount: {type: decimal, required: true}
    deposit: {type: decimal}
    open: {type: boolean, required: true}
    sku: {required: true}
    kind: {required: true}
steps:
  - id: customer
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}"}
"""
ORDER = """\
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}", notes: "for {{ row.amount }}"}
"""
DEPOSIT = """\
  - id: deposit
    when: row.deposit is not none
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.deposit }}", reference: "{{ row.ref | trim }}/deposit"}
"""
LINE = """\
  - id: STEP
    use: shop.create_line
    for_each: ITEMS
    with: {order_id: "{{ order.id }}", sku: "{{ row.ref | trim }}/{{ item.sku }}", quantity: 1}
"""
PAYMENT = """\
  - id: payment
    when: row.amount > LEAST and row.open
    use: shop.create_payment
    with: {order_id: "{{ order.id }}", amount: "{{ row.amount }}", reference: "{{ row.ref }}"}
"""
KEYS = ('"{{ row.ref }}"', '"{{ row.client | trim }}-{{ row.ref | trim }}"')
"""The key in the recipe: the first one, and the improved one."""


@dataclass(frozen=True)
class Item:
    """One line of an order."""

    sku: str
    kind: str


@dataclass(frozen=True)
class Order:
    """One row. `spelling` is one of SPELLINGS: the present one of its reference, client and customer in the sheet."""

    ref: str
    client: str
    customer: str
    amount: Decimal
    deposit: Decimal | None
    items: tuple[Item, ...]
    open: bool = True
    spelling: str = ""

    def lines(self) -> list[list[Any]]:
        """Its lines in the sheet; every other one in plain spelling, so that a group has both."""
        found = []
        for number, each in enumerate(self.items):
            spelling = "" if number % 2 else self.spelling
            names = [spelled(name, spelling) for name in (self.ref, self.client, self.customer)]
            found.append([*names, self.amount, self.deposit, self.open, each.sku, each.kind])
        return found


@dataclass(frozen=True)
class Form:
    """The text of the recipe. `lines` is one of LINES; `improved`: with the better key, and `declared` as `key_was`.

    `closed`: no row meets the condition of the payment. `book`: the sheet is a workbook.
    """

    searched: frozenset[str]
    item_key: bool
    name: str = "torture"
    lines: str = "line"
    improved: bool = False
    declared: bool = True
    closed: bool = False
    book: bool = False

    @property
    def file(self) -> str:
        """The name of the sheet."""
        return "rows.xlsx" if self.book else "rows.csv"

    def text(self) -> str:
        """The recipe."""
        key = KEYS[self.improved]
        if self.improved and self.declared:
            key += f"\n  key_was: {KEYS[0]}"
        text = HEAD.replace("NAME", self.name).replace("FILE", self.file).replace("KEY", key)
        text += self._search("customer") + ORDER + self._search("order") + DEPOSIT
        text += "".join(self._line(*each) for each in self._lines())
        text += PAYMENT.replace("LEAST", "1000000" if self.closed else "0")
        return text + self._search("payment") + 'outputs: {order: "{{ order.id }}"}\n'

    def steps(self, kind: str) -> set[str]:
        """The steps under which a line of a kind may be on record: the present one, and those that `was` declares."""
        (found,) = [each for each in self._lines() if each[1] in ("", kind)]
        return {found[0], *found[2]}

    def _search(self, step: str) -> str:
        return SEARCHES[step] if step in self.searched else ""

    def _lines(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """The steps that add lines: the id, the kind of its items, empty for all, and the steps that `was` names."""
        if self.lines == "line":
            return [("line", "", ())]
        if self.lines in ("part", "undeclared name"):
            return [("part", "", ("line",) if self.lines == "part" else ())]
        former = ("line", "part")
        setups = former if self.lines == "split" else ()
        return [("products", "product", former), ("setups", "setup", setups)]

    def _line(self, step: str, kind: str, former: Sequence[str]) -> str:
        items = f"row.lines | where(\"item.kind == '{kind}'\")" if kind else "row.lines"
        text = LINE.replace("STEP", step).replace("ITEMS", items)
        text += "    item_key: item.sku\n" if self.item_key else ""
        by_place = "{{step: {}, for_each: row.lines}}"
        was = [name if self.item_key else by_place.format(name) for name in former]
        return text + (f"    was: [{', '.join(was)}]\n" if was else "")


@dataclass(frozen=True)
class Draft:
    """The project as it is at one time."""

    workers: int
    faults: float
    form: Form
    orders: tuple[Order, ...]

    def with_order(self, number: int, **changes: Any) -> Draft:
        """The project with one row changed."""
        orders = list(self.orders)
        orders[number] = replace(orders[number], **changes)
        return replace(self, orders=tuple(orders))

    def with_form(self, **changes: Any) -> Draft:
        """The project with another text of the recipe."""
        return replace(self, form=replace(self.form, **changes))

    def names(self, order: Order) -> dict[Name, set[str]]:
        """Every write that a row asks for, with the steps under which it may be on record."""
        ref = plain(order.ref)
        wanted = {
            Name("customer", plain(order.customer)): {"customer"},
            Name("order", ref): {"order"},
        }
        if order.deposit is not None:
            wanted[Name("payment", f"{ref}/deposit")] = {"deposit"}
        for each in order.items:
            wanted[Name("line", f"{ref}/{each.sku}")] = self.form.steps(each.kind)
        if order.amount > 0 and order.open and not self.form.closed:
            wanted[Name("payment", ref)] = {"payment"}
        return wanted

    def item(self, order: Order, name: Name, step: str) -> str:
        """The item that a line of a row is in one of its steps: its key, or its place among theirs."""
        sku = name.what.partition("/")[2]
        kind = {"products": "product", "setups": "setup"}.get(step, "")
        skus = [each.sku for each in order.items if kind in ("", each.kind)]
        return sku if self.form.item_key else str(skus.index(sku))

    def keys(self, order: Order) -> set[str]:
        """The keys under which the row may be on record, as a person reads them."""
        ref = plain(order.ref)
        if not self.form.improved:
            return {ref}
        return {f"{plain(order.client)}-{ref}", *([ref] if self.form.declared else ())}

    def numbered(self) -> dict[int, Order]:
        """The row of each line of the sheet by its number."""
        rows = (order for order in self.orders for _ in order.items)
        return dict(enumerate(rows, start=2))

    def write(self, folder: Path, url: str, *, account: str = "acme") -> None:
        """Its files, for the API at `url`."""
        folder.mkdir(exist_ok=True)
        config = CONFIG.format(url=url, shop=SHOP).replace("account: acme", f"account: {account}")
        (folder / "runner.yaml").write_text(config, encoding="utf-8")
        (folder / "torture.yaml").write_text(self.form.text(), encoding="utf-8")
        write_sheet = _write_book if self.form.book else _write_csv
        write_sheet(
            folder / self.form.file, [line for each in self.orders for line in each.lines()]
        )


_HEADER = ["ref", "client", "customer", "amount", "deposit", "open", "sku", "kind"]


def _write_csv(path: Path, lines: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerows([_HEADER, *([_cell(each) for each in line] for line in lines)])


def _cell(value: Any) -> str:
    """A value as CSV has it: `8.40`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value or "")


def _write_book(path: Path, lines: Sequence[Sequence[Any]]) -> None:
    """The same in cells with types: 8.4, TRUE, and a number where a reference has digits only."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate([_HEADER, *lines]):
            sheet.write_row(number, 0, [_typed(each) for each in line])


def _typed(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value


def spelled(text: str, spelling: str) -> str:
    """A text in one of SPELLINGS."""
    before, behind = SPELLINGS[spelling]
    form = unicodedata.normalize("NFD" if spelling == "decomposed" else "NFC", text)
    return before + form + behind
