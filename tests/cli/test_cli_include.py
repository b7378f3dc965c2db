"""`include`: steps of a file that several recipes share, with vars that each recipe gives and identities of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cli.command import Command

CUSTOMER = """\
description: A contact for an address, and a note of it
vars:
  email: {type: string, required: true}
  name: {type: string, required: true}
  terms: Net 30
  tags: {}
lookups:
  terms: {use: syncore.list_payment_terms, by: name}
let: {address: vars.email | lower}
steps:
  - id: contact
    use: syncore.create_contact
    once_per: address
    with:
      business_name: "{{ vars.name }}"
      email: "{{ address }}"
      payment_terms: {id: "{{ terms[vars.terms].id }}"}
"""
HEAD = """\
recipe: 1
name: orders
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns: {ref: {required: true}, email: {}, company: {required: true}}
steps:
"""
CONTACT = """\
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.company }}", email: "{{ row.email }}"}
"""
INCLUDE = """\
  - id: customer
    include: shared/customer.yaml
    with: {email: "{{ row.email }}", name: "{{ row.company }}"}
"""
JOB = """\
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ customer.contact.id }}"}, description: "{{ row.ref }}"}
outputs: {contact: "{{ customer.contact.id }}"}
"""
ROWS = "ref,email,company\nA,a@x.com,Ace\nB,A@x.com,Ace\nC,c@x.com,Cee\n"


@pytest.fixture
def runner(tmp_path: Path) -> Command:
    runner = Command(tmp_path)
    (tmp_path / "shared").mkdir()
    runner.write("shared/customer.yaml", CUSTOMER)
    runner.write("orders.yaml", HEAD + INCLUDE + JOB)
    runner.write("rows.csv", ROWS)
    return runner


def results(runner: Command, run: int) -> list[dict[str, str]]:
    with (runner.runs / str(run) / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sent(runner: Command) -> list[tuple[str, Any]]:
    return [(one["operation"], one["body"]) for one in runner.delivered()]


@pytest.mark.parametrize("workers", ["1", "4"])
def test_its_steps_are_done_with_what_it_is_given(runner: Command, workers: str) -> None:
    runner("run", "orders.yaml", "--workers", workers)
    contacts = [body for name, body in sent(runner) if name == "create_contact"]
    assert sorted((one["business_name"], one["email"]) for one in contacts) == [
        ("Ace", "a@x.com"),
        ("Cee", "c@x.com"),
    ]
    a, b, c = results(runner, 1)
    assert a["contact"] == b["contact"] != c["contact"]
    assert a["ids"].startswith("customer.contact ")
    assert {row["bucket"] for row in (a, b, c)} == {"done"}
    before = len(sent(runner))
    runner("run", "orders.yaml")
    assert len(sent(runner)) == before
    assert {row["reason"] for row in results(runner, 2)} == {"done in run 1"}


def test_a_plan_names_its_steps_and_what_it_waits_for(runner: Command) -> None:
    plan = json.loads(runner("plan", "orders.yaml", "--format", "json").out)
    contact, job = plan["rows"][0]["calls"]
    assert (contact["step"], job["step"]) == ("customer.contact", "job")
    assert contact["body"]["email"] == "a@x.com"
    assert job["body"]["client"] == {"id": {"(known after run)": "customer.contact.id"}}


def test_its_text_is_a_part_of_the_recipe(runner: Command) -> None:
    runner("plan", "orders.yaml", "--out", "plan.json")
    runner("run", "orders.yaml", "--limit", "1")
    runner.write("shared/customer.yaml", CUSTOMER.replace("terms: Net 30", "terms: Net 15"))
    assert "has changed since run 1 began" in runner("resume", code=2).err
    assert "the recipe changed" in runner("plan", "orders.yaml", "--against", "plan.json").out


def test_steps_that_move_into_a_file_keep_what_they_have_done(runner: Command) -> None:
    runner.write("orders.yaml", HEAD + CONTACT)
    runner("run", "orders.yaml")
    before = len(sent(runner))
    moved = CUSTOMER.replace("    once_per: address\n", "").replace(
        'email: "{{ address }}"', 'email: "{{ vars.email }}"'
    )
    moved = moved.replace('      payment_terms: {id: "{{ terms[vars.terms].id }}"}\n', "")
    runner.write("shared/customer.yaml", moved)
    runner.write("orders.yaml", HEAD + INCLUDE)
    changed = runner("run", "orders.yaml", code=4).err
    assert "step 'contact' was sent in run 1 and is gone from the recipe" in changed
    runner.write("orders.yaml", HEAD + INCLUDE + "    were: {contact: contact}\n")
    runner("run", "orders.yaml")
    renamed = (
        INCLUDE.replace("id: customer", "id: client")
        + "    was: customer\n    were: {contact: contact}\n"
    )
    runner.write("orders.yaml", HEAD + renamed)
    runner("run", "orders.yaml")
    assert len(sent(runner)) == before
    runner.write("rows.csv", ROWS + "D,d@x.com,Dee\n")
    runner("run", "orders.yaml")
    runner("runs")
    assert len(sent(runner)) == before + 1


def test_it_may_stand_there_twice(runner: Command) -> None:
    twice = INCLUDE + INCLUDE.replace("customer\n", "other\n", 1).replace(
        "row.email }}", "row.ref }}@y.com"
    )
    runner.write("orders.yaml", HEAD + twice)
    runner("run", "orders.yaml")
    emails = [body["email"] for name, body in sent(runner) if name == "create_contact"]
    assert sorted(emails) == ["a@x.com", "a@y.com", "b@y.com", "c@x.com", "c@y.com"]


def test_all_of_it_is_skipped_by_one_condition(runner: Command) -> None:
    include = INCLUDE + "    when: row.ref != 'A'\n"
    job = JOB.replace(
        "    use: syncore.create_job\n", "    use: syncore.create_job\n    when: customer\n"
    )
    job = job.replace(
        '"{{ customer.contact.id }}"}', '"{{ customer.contact.id if customer else none }}"}'
    )
    runner.write("orders.yaml", HEAD + include + job)
    plan = json.loads(runner("plan", "orders.yaml", "--format", "json").out)
    assert [call["state"] for call in plan["rows"][0]["calls"]] == ["skipped", "skipped"]
    runner("run", "orders.yaml")
    assert [row["contact"] == "" for row in results(runner, 1)] == [True, False, False]
    assert len([name for name, _ in sent(runner) if name == "create_contact"]) == 2


def test_a_value_that_it_needs_and_does_not_get_rejects_the_row(runner: Command) -> None:
    runner.write("rows.csv", ROWS + "D,,Dee\n")
    refused = runner("run", "orders.yaml", "--bad-rows", "aside", code=4).err
    assert "the variable 'email' of shared/customer.yaml has no value" in refused
    assert len(results(runner, 1)) == 4
    number = CUSTOMER.replace("email: {type: string", "email: {type: integer")
    runner.write("shared/customer.yaml", number.replace("vars.email | lower", "vars.email | text"))
    refused = runner("plan", "orders.yaml", code=3).out
    assert "shared/customer.yaml: 'email' has to be a whole number, not 'a@x.com'" in refused


NESTED = """\
vars: {email: {required: true}, lines: {}}
steps:
  - id: who
    include: ../shared/customer.yaml
    with: {email: "{{ vars.email }}", name: "{{ vars.email | upper }}"}
  - id: jobs
    for_each: {in: "vars.lines", as: line}
    item_key: line
    use: syncore.create_job
    with: {client: {id: "{{ who.contact.id }}"}, description: "{{ line }}"}
"""


def test_a_file_may_include_another_and_be_given_lists(runner: Command) -> None:
    (runner.folder / "deep").mkdir()
    runner.write("deep/all.yaml", NESTED)
    given = """\
  - id: all
    include: deep/all.yaml
    with: {email: "{{ row.email }}", lines: ["{{ row.ref }}-1", x]}
"""
    outputs = """\
outputs:
  jobs: "{{ all.jobs | map(attribute='id') | join(' ') }}"
  who: "{{ all.who.contact.id }}"
"""
    runner.write("orders.yaml", HEAD + given + outputs)
    runner("run", "orders.yaml")
    texts = [body["description"] for name, body in sent(runner) if name == "create_job"]
    assert sorted(texts) == ["A-1", "B-1", "C-1", "x", "x", "x"]
    names = {body["business_name"] for name, body in sent(runner) if name == "create_contact"}
    assert names <= {"A@X.COM", "C@X.COM"}
    assert all(len(row["jobs"].split()) == 2 and row["who"] for row in results(runner, 1))
    assert "all.who.contact " in results(runner, 1)[0]["ids"]


def test_what_lies_elsewhere_is_not_read(
    runner: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "customer.yaml"
    elsewhere.write_text(CUSTOMER, encoding="utf-8")
    (runner.folder / "shared" / "link.yaml").symlink_to(elsewhere)
    (runner.folder / "near.yaml").symlink_to(runner.folder / "shared" / "customer.yaml")
    runner.write("orders.yaml", (HEAD + INCLUDE + JOB).replace("customer.yaml", "link.yaml"))
    refused = runner("validate", "orders.yaml", code=3).err
    assert "'shared/link.yaml' is not below the folder of the recipe" in refused
    runner.write("orders.yaml", (HEAD + INCLUDE + JOB).replace("shared/customer.yaml", "near.yaml"))
    runner("validate", "orders.yaml")


def test_what_is_created_in_what_it_found_is_seen(runner: Command) -> None:
    found = """\
vars: {ref: {required: true}, client: {type: integer, required: true}}
steps:
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ vars.client }}"}, description: "{{ vars.ref }}"}
    unless_found:
      use: syncore.search_jobs
      with: {date_from: "{{ run.date | days(-3) }}", date_to: "{{ run.date }}"}
      where: item.description == vars.ref
  - id: first
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}"}
"""
    order = """\
  - id: made
    include: shared/job.yaml
    with: {ref: "{{ row.ref }}", client: 7}
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ made.job.id }}"}
"""
    runner.write("shared/job.yaml", found)
    runner.write("orders.yaml", HEAD + order)
    warned = runner("validate", "orders.yaml").err
    both = "warning: 'made.first' and 'order' add to what 'made.job' may have found"
    assert f"shared/job.yaml:10:9: {both}" in warned


def test_an_editor_has_a_schema_for_both(runner: Command) -> None:
    whole = json.loads(runner("schema", "orders.yaml").out)
    assert "syncore.create_contact" in whole["$defs"]
    steps = json.loads(runner("schema", "orders.yaml", "--steps").out)
    assert steps["$ref"] == "#/$defs/steps_file"
    assert "syncore.create_job" in steps["$defs"]


def test_a_file_of_steps_alone_is_no_recipe(runner: Command) -> None:
    refused = runner("validate", "shared/customer.yaml", code=3).err
    assert "this is a file of steps, which recipes include" in refused
    assert refused.endswith("1 error\n")
