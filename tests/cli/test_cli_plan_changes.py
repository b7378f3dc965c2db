"""`runner plan --against` over every kind of change, of a recipe whose steps need what earlier steps return."""

from __future__ import annotations

import re

import pytest

from .command import Command

HEADER = "Order,Company,Item,Qty,Price,Deposit\n"
SHEET = HEADER + (
    "W-1,Ace Awards,Jersey,2,8.40,25.00\n"
    "W-1,Ace Awards,Cap,1,3.00,25.00\n"
    "W-2,Blue Banners,Flag,4,9.10,\n"
    "W-3,Cup Corner,Mug,1,2.50,10.00\n"
)
RECIPE = """\
recipe: 1
name: orders
rows:
  file: orders.csv
  group_by: order_ref
  columns:
    order_ref: {from: Order, required: true}
    company: {from: Company, required: true}
    product: {from: Item, required: true}
    quantity: {from: Qty, type: integer, required: true}
    price: {from: Price, type: decimal, required: true}
    deposit: {from: Deposit, type: decimal}
lookups:
  terms: {use: syncore.list_payment_terms, by: name}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.company }}", payment_terms: {id: "{{ terms['Net 30'].id }}"}}
    unless_found:
      use: syncore.search_contacts
      with: {business_name: "{{ row.company }}"}
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: "{{ contact.id }} [{{ row.order_ref }}] of {{ run.date }}"}
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}"}
  - id: lines
    use: syncore.create_sales_order_line_item
    for_each: row.lines
    with:
      job_id: "{{ job.id }}"
      salesorder_id: "{{ order.id }}"
      description: "{{ item.product }} for {{ job.id }}"
      quantity: "{{ item.quantity }}"
      price_value: "{{ item.price }}"
  - id: deposit
    use: syncore.create_sales_order_payment
    when: row.deposit is not none
    with:
      job_id: "{{ job.id }}"
      salesorder_id: "{{ order.id }}"
      amount: "{{ row.deposit }}"
      payment_type: {id: 1}
"""
STEP = """\
  - id: tracker
    use: syncore.update_job
    with: {job_id: "{{ job.id }}", description: "{{ job.id }}"}
"""


@pytest.fixture
def orders(runner: Command) -> Command:
    """A folder with a recipe, its sheet, and a plan of both."""
    runner.write("orders.yaml", RECIPE)
    runner.write("orders.csv", SHEET)
    runner("plan", "orders.yaml", "--out", "old.json", "--date", "2027-01-02")
    return runner


def changes(orders: Command, *, date: str = "2027-01-02") -> str:
    """What `--against` shows, from its first line to the count of the changes."""
    command = ("plan", "orders.yaml", "--against", "old.json", "--date", date)
    told = orders(*command).out
    assert "Changes" in orders(*command, "--format", "markdown").out
    shown = told.partition("\nPlan:")[0]
    return re.sub(r'"[0-9a-f]{64}"', '"..."', shown)


def test_nothing(orders: Command) -> None:
    assert changes(orders) == (
        "DRY RUN  orders -> sandbox   against old.json\n\nChanges: 0 rows changed, 3 as they were"
    )


SHEETS = {
    "cell": (
        SHEET.replace("9.10", "9.20"),
        ("~ W-2  line 4\n    lines[1]: body.price_value was 9.10, is 9.20\n\n"
        "Changes: 1 row changed, 2 as they were"),
    ),
    "amount": (
        SHEET.replace("25.00", "26.00"),
        ('    deposit: body.amount was 25.00, is 26.00\n    deposit: amount was "25.00", is "26.00"\n\n'
        "Changes: 1 row changed, 2 as they were"),
    ),
    "cell emptied": (
        SHEET.replace("2.50,10.00", "2.50,"),
        "Changes: 1 row changed, 2 as they were",
    ),
    "line added": (
        SHEET + "W-2,Blue Banners,Pole,1,5.00,\n",
        ("    lines[2] is new: POST /orders/jobs/(known after run: job.id)/salesorders/"
        "(known after run: order.id)/lineitems\n"),
    ),
    "line removed": (
        SHEET.replace("W-1,Ace Awards,Cap,1,3.00,25.00\n", ""),
        ("    lines[2] was POST /orders/jobs/(known after run: job.id)/salesorders/"
        "(known after run: order.id)/lineitems, is no longer there\n"),
    ),
    "row added": (
        SHEET + "W-4,Dot Design,Pen,9,1.00,\n",
        "+ W-4  line 6   to send, 4 calls\n\nChanges: 0 rows changed, 1 added, 3 as they were",
    ),
    "row removed": (
        SHEET.replace("W-3,Cup Corner,Mug,1,2.50,10.00\n", ""),
        "- W-3   no longer there: was to send\n\nChanges: 0 rows changed, 1 gone, 2 as they were",
    ),
    "lines in another order": (
        SHEET.replace(
            "W-1,Ace Awards,Jersey,2,8.40,25.00\nW-1,Ace Awards,Cap,1,3.00,25.00\n",
            "W-1,Ace Awards,Cap,1,3.00,25.00\nW-1,Ace Awards,Jersey,2,8.40,25.00\n",
        ),
        ("lines[1]: body.description was Jersey for (known after run: job.id), "
        "is Cap for (known after run: job.id)"),
    ),
    "rows in another order": (
        HEADER + "".join(reversed(SHEET.removeprefix(HEADER).splitlines(keepends=True)[2:]))
        + "".join(SHEET.removeprefix(HEADER).splitlines(keepends=True)[:2]),
        "Changes: 0 rows changed, 3 as they were",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHEETS)
def test_of_the_sheet(orders: Command, kind: str) -> None:
    sheet, said = SHEETS[kind]
    orders.write("orders.csv", sheet)
    assert said in changes(orders)


RECIPES = {
    "text": (
        RECIPE.replace("}}] of {{", "}}] on {{"),
        ("    job: body.description was (known after run: contact.id) [W-2] of 2027-01-02, "
        "is (known after run: contact.id) [W-2] on 2027-01-02\n"),
    ),
    "another source": (
        RECIPE.replace('"{{ item.product }} for {{ job.id }}"', '"{{ item.product }} for {{ order.id }}"'),
        ("lines[1]: body.description was Flag for (known after run: job.id), "
        "is Flag for (known after run: order.id)"),
    ),
    "known now": (
        RECIPE.replace('"{{ contact.id }} [', '"4 ['),
        'body.description was (known after run: contact.id) [W-2] of 2027-01-02, is "4 [W-2] of 2027-01-02"',
    ),
    "step added": (
        RECIPE + STEP,
        "    tracker is new: PUT /orders/jobs/(known after run: job.id)\n",
    ),
    "steps in another order": (
        RECIPE.replace("steps:\n", "steps:\n" + STEP.replace("job.id", "1")),
        "Changes: 3 rows changed, 0 as they were",
    ),
    "search": (
        RECIPE.replace('with: {business_name: "{{ row.company }}"}\n', 'with: {email: "{{ row.company }}"}\n'),
        '    contact: unless_found.path was "/crm/contacts?business_name=Blue',
    ),
    "condition": (
        RECIPE.replace("row.deposit is not none", "row.deposit is not none and job.id > 5"),
        '    deposit: state was "to send", is "undecided"\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RECIPES)
def test_of_the_recipe(orders: Command, kind: str) -> None:
    recipe, said = RECIPES[kind]
    orders.write("orders.yaml", recipe)
    shown = changes(orders)
    assert "the recipe changed" in shown
    assert said in shown


def test_of_the_day(orders: Command) -> None:
    shown = changes(orders, date="2027-01-03")
    assert 'the day of the run changed: run_date was "2027-01-02", is "2027-01-03"' in shown
    assert "is (known after run: contact.id) [W-3] of 2027-01-03" in shown
    assert "Changes: 3 rows changed, 0 as they were" in shown
