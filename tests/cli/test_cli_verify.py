"""`verify` from the command: a status that the API takes and does not set is no success."""

from __future__ import annotations

import json

import jsonschema
import pytest

from .command import TREE, Command
from .conftest import StartStub
from .stub import Answer, Sent

STATUS = """\
recipe: 1
name: order-status
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: Ace Awards}
    verify: true
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: Jackets}
  - id: order
    use: syncore.create_purchase_order
    with: {job_id: "{{ job.id }}", supplier: {id: 501}}
  - id: approve
    use: syncore.update_purchase_order
    with: {job_id: "{{ job.id }}", purchaseorder_id: "{{ order.id }}", status: Approved}
    verify: true
"""


def test_a_status_that_is_not_set_is_rejected_and_planned_as_read_back(runner: Command) -> None:
    runner.write("status.yaml", STATUS)
    shown = runner("run", "status.yaml", "--dry-run").out
    assert "then read back: GET" in shown
    plan = runner.folder / "plan.json"
    runner("plan", "status.yaml", "--out", str(plan))
    tree = json.loads(plan.read_text())
    jsonschema.Draft202012Validator(
        json.loads((TREE / "schemas" / "plan.schema.json").read_text())
    ).validate(tree)
    call = tree["rows"][0]["calls"][-1]
    assert call["read_back"]["operation"] == "syncore.get_purchase_order"
    assert tree["totals"]["reads"] == {"syncore.get_contact": 1, "syncore.get_purchase_order": 1}
    for _ in range(2):
        told = runner("run", "status.yaml", code=4).err
        assert "answered 200 and changed nothing: status is" in told
        assert 'sent was "Approved"; it is not sent again by itself' in told


PAYMENT = """\
recipe: 1
name: deposits
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: Ace Awards}
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: Jackets}
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}"}
  - id: first
    use: syncore.create_sales_order_payment
    with: {job_id: "{{ job.id }}", salesorder_id: "{{ order.id }}", amount: 12.10, reference: R-1}
    verify: true
  - id: second
    use: syncore.create_sales_order_payment
    with: {job_id: "{{ job.id }}", salesorder_id: "{{ order.id }}", amount: 7.50, reference: R-2}
    verify: "result.amount == 7.50 and result.reference == 'R-2'"
"""
LIST = "/orders/jobs/31000/salesorders/45001/payments"


def test_a_payment_is_read_back_by_the_list_that_it_is_in(runner: Command) -> None:
    runner.write("deposits.yaml", PAYMENT)
    shown = runner("run", "deposits.yaml", "--dry-run").out
    assert shown.count("then read back: GET") == 2
    runner("run", "deposits.yaml")
    reads = [one for one in runner.delivered(writes=False) if one["method"] == "GET"]
    assert [(one["operation"], one["path"]) for one in reads] == [
        ("list_sales_order_payments", LIST)
    ] * 2
    runner("run", "deposits.yaml")
    assert len(runner.delivered()) == 5


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (b"[]", "syncore.list_sales_order_payments: it does not list 9"),
        (b'[{"id": 4, "amount": 12.10}]', "syncore.list_sales_order_payments: it does not list 9"),
        (b'[{"id": 9, "amount": 12.01}]', "amount is 12.01, sent was 12.10"),
    ],
)
def test_a_payment_that_is_not_in_the_list_is_not_done_and_not_sent_again(
    contacts: Command, start_stub: StartStub, listed: bytes, reason: str
) -> None:
    def answer(sent: Sent) -> Answer:
        made = b'{"id": 9}' if sent.path.endswith("/payments") else b'{"id": 5}'
        return Answer(200, listed) if sent.method == "GET" else Answer(201, made)

    stub = start_stub(answer)
    contacts.write("deposits.yaml", PAYMENT.split("  - id: second")[0])
    live = ["run", "deposits.yaml", "--target", "live", "--first-run"]
    for arguments in (live, live[:-1]):
        told = contacts(*arguments, env={"ACME_KEY": "key-of-acme"}, code=4).err
        assert reason in told
        assert len([sent for sent in stub.writes if sent.path.endswith("/payments")]) == 1
