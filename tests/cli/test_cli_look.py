"""`settle --look`: what the API shows now of a call whose outcome is unknown; it reads, and decides nothing."""

from __future__ import annotations

import json

import pytest

from .command import Command
from .conftest import StartStub
from .stub import Answer, Sent, Stub

KEY = {"ACME_KEY": "key-of-acme"}
PAY = """\
recipe: 1
name: pay
rows: {file: rows.csv, key: "{{ row.ref }}", columns: {ref: {from: Ref}}}
steps:
  - id: payment
    use: syncore.create_sales_order_payment
    with: {job_id: 1, salesorder_id: 7, amount: 12.10, reference: "{{ row.ref }}"}
    unless_found:
      use: syncore.list_sales_order_payments
      with: {job_id: 1, salesorder_id: 7}
      where: item.reference == row.ref
  - id: contact
    use: syncore.create_contact
    with: {business_name: "Company {{ row.ref }}"}
"""
OLD = {"id": 900, "amount": 5, "reference": "old"}


@pytest.fixture
def payments() -> list[object]:
    """What the API lists."""
    return [OLD]


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub, payments: list[object]) -> Stub:
    """An API that took a payment and hung up."""

    def answer(sent: Sent) -> Answer:
        return Answer(200, json.dumps(payments).encode()) if sent.method == "GET" else Answer(0)

    stub = start_stub(answer)
    contacts.write("pay.yaml", PAY)
    contacts.write("rows.csv", "Ref\nA-1\n")
    contacts("run", "pay.yaml", "--target", "live", "--first-run", code=5, env=KEY)
    return stub


def test_what_is_new_is_shown(contacts: Command, stub: Stub, payments: list[object]) -> None:
    assert (
        "what the API shows of them now: runner settle --look (it only reads)"
        in contacts("settle", code=5).out
    )
    payments += [
        {"id": 901, "amount": 12.1, "reference": "A-1", "note": "x"},
        {"id": 902, "reference": "\x1b[2J"},
    ]
    before = len(stub.writes)
    told = contacts("settle", "--look", code=5, env=KEY).out
    assert "  now       3 listed, 1 before it was sent: 2 new\n" in told
    assert "            id 901  amount 12.1, reference A-1\n            id 902\n" in told
    assert "--done ID --why" in told
    assert "runner settle --look" not in told
    assert len(stub.writes) == before
    assert contacts("settle", "--look", "--call", "2", code=5, env=KEY).out.count("\n  now ") == 1


def test_nothing_is_new(contacts: Command, stub: Stub) -> None:
    assert (
        "  now       1 listed, 1 before it was sent: 0 new\n"
        in contacts("settle", "--look", code=5, env=KEY).out
    )


def test_an_api_that_fails_says_so(contacts: Command, stub: Stub) -> None:
    stub.answer = lambda sent: Answer(500)
    told = contacts("settle", "--look", code=5, env=KEY).out
    assert "  now       syncore.list_sales_order_payments: 500" in told


def test_it_decides_nothing(contacts: Command, stub: Stub) -> None:
    told = contacts(
        "settle", "--look", "--call", "2", "--absent", "--why", "x", code=2, env=KEY
    ).err
    assert "--look shows, and decides nothing" in told


def test_another_account_is_not_looked_at(contacts: Command, stub: Stub) -> None:
    settings = (contacts.folder / "runner.yaml").read_text()
    contacts.write("runner.yaml", settings.replace("account: acme", "account: other"))
    told = contacts("settle", "--look", code=5, env=KEY).out
    assert "  now       the account has changed since run 1 (acme, now other)" in told


CONTACT = """\
recipe: 1
name: contact
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: Ace Awards, email: ace@example.com}
    unless_found:
      use: syncore.search_contacts
      with: {email: ace@example.com}
  - {id: other, use: syncore.create_contact, with: {business_name: B}}
"""


def test_where_no_money_moves_what_is_alike_is_shown(
    contacts: Command, start_stub: StartStub
) -> None:
    contacts.write("contact.yaml", CONTACT)
    listed: list[object] = []
    page = {"contacts": listed, "total_results": 0, "links": {}}
    stub = start_stub(
        lambda sent: Answer(200, json.dumps(page).encode()) if sent.method == "GET" else Answer(0)
    )
    contacts("run", "contact.yaml", "--target", "live", "--first-run", code=5, env=KEY)
    listed += [
        {"id": 5, "business_name": "Ace Awards", "city": "X"},
        {"id": 6, "business_name": "Bee"},
    ]
    told = contacts("settle", "--look", code=5, env=KEY).out
    assert (
        "  now       2 listed, 1 with a value of what was sent\n            id 5  business_name Ace Awards\n"
        in told
    )
    assert len(stub.writes) == 1
