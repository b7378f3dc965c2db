"""`verify` from the command: a status that the API takes and does not set is no success."""

from __future__ import annotations

import json

import jsonschema

from .command import TREE, Command

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
