"""`plan --lookups`: what can be read is read, by GET only, and nothing of it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .command import HEADER, Command
from .conftest import StartStub
from .stub import Answer, Sent
from .test_cli_dry_run import KEY
from .test_cli_plan import plan_of

RECIPE = """\
recipe: 1
name: looked-up
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns: {ref: {from: Ref}, name: {from: Name}}
lookups:
  terms: {use: syncore.list_payment_terms, by: name}
steps:
  - id: known
    use: syncore.search_contacts
    expect: one
    with: {email: "{{ row.name }}@example.com"}
  - id: contact
    use: syncore.create_contact
    with:
      business_name: "{{ row.name }}"
      notes: "{{ known.id }}"
      payment_terms: {id: "{{ terms['Net 30'].id }}"}
    unless_found:
      use: syncore.search_contacts
      with: {email: "{{ row.ref }}@example.com"}
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: x}
    unless_found:
      use: syncore.search_jobs
      with: {date_from: "{{ run.date }}", date_to: "{{ run.date }}"}
      where: item.client.id == contact.id
"""
CONTACTS = {
    "ace@example.com": [{"id": 7}],
    "a-1@example.com": [{"id": 8}],
    "two@example.com": [{"id": 1}, {"id": 2}],
}


def answer(sent: Sent) -> Answer:
    """Contacts by e-mail, terms of payment, and no job."""
    parts = urlsplit(sent.path)
    if sent.method != "GET":
        return Answer(201, b'{"id": 99}')
    if parts.path.endswith("/contacts"):
        found: list[Any] = CONTACTS.get(parse_qs(parts.query)["email"][0].lower(), [])
        return Answer(200, json.dumps({"contacts": found, "total_results": len(found)}).encode())
    if "job" in parts.path:
        return Answer(200, b'{"jobs": [], "total_results": 0}')
    return Answer(200, b'[{"id": 30, "name": "Net 30"}]')


@pytest.fixture
def looked_up(contacts: Command) -> Command:
    contacts.write("looked-up.yaml", RECIPE)
    contacts.write("rows.csv", HEADER + "A-1,ace,,,\nA-2,ace,,,\nA-3,two,,,\n")
    return contacts


LIVE = ("looked-up.yaml", "--target", "live")


def test_what_can_be_read_is_known_and_nothing_is_sent(
    looked_up: Command, start_stub: StartStub
) -> None:
    stub = start_stub(answer)
    told = looked_up(
        "plan", *LIVE, "--lookups", "--format", "json", "--out", "plan.json", code=3, env=KEY
    )
    plan = json.loads(told.out)
    found, new, ambiguous = plan["rows"]
    assert {sent.method for sent in stub.sent} == {"GET"}
    assert plan["header"]["lookups"] is True
    read, contact, job = new["calls"]
    assert (read["state"], contact["state"], job["state"]) == ("read", "to send", "to send")
    assert contact["body"] == {"business_name": "ace", "notes": "7", "payment_terms": {"id": 30}}
    assert job["body"]["client"] == {"id": {"(known after run)": "contact.id"}}
    contact, job = found["calls"][1:]
    assert (contact["state"], contact["reason"]) == ("found", "found while it was planned")
    assert (job["state"], job["body"]["client"]) == ("to send", {"id": 8})
    assert ambiguous["state"] == "with problems"
    assert ambiguous["reason"] == "known: expected exactly one, found 2: id 1; id 2"
    assert not (looked_up.runs / "journal.sqlite").exists()


def test_without_it_nothing_is_read(looked_up: Command, start_stub: StartStub) -> None:
    stub = start_stub(answer)
    plan = plan_of(looked_up, *LIVE)
    assert plan["rows"][0]["calls"][1]["body"]["payment_terms"] == {
        "id": {"(known after run)": "terms.Net 30.id"}
    }
    assert stub.sent == []


def test_a_run_keeps_to_a_plan_with_lookups(looked_up: Command, start_stub: StartStub) -> None:
    looked_up.write("rows.csv", HEADER + "A-2,ace,,,\n")
    stub = start_stub(answer)
    looked_up("plan", *LIVE, "--lookups", "--out", "plan.json", env=KEY)
    CONTACTS["ace@example.com"] = [{"id": 70}]
    try:
        told = looked_up("run", *LIVE, "--first-run", "--plan", "plan.json", code=3, env=KEY)
    finally:
        CONTACTS["ace@example.com"] = [{"id": 7}]
    assert 'row \'A-2\': contact: body.notes was "7", is "70"' in told.err
    assert stub.writes == []
    looked_up("run", *LIVE, "--first-run", "--plan", "plan.json", env=KEY)
    assert [json.loads(sent.body).get("notes") for sent in stub.writes] == ["7", None]


def test_in_the_sandbox_too(runner: Command) -> None:
    plan = plan_of(runner, "import-orders", "--lookups")
    assert "payment_terms" in plan["rows"][0]["calls"][0]["body"]
    assert isinstance(plan["rows"][0]["calls"][0]["body"]["payment_terms"]["id"], int)
    assert runner.delivered() == []
    assert not Path(runner.runs / "journal.sqlite").exists()
    told = runner("plan", "import-orders", "--lookups").out
    assert told.endswith("DRY RUN  nothing was sent\n")


def test_an_api_that_does_not_answer_stops_the_plan(
    looked_up: Command, start_stub: StartStub
) -> None:
    stub = start_stub(lambda sent: Answer(403, b'{"message": "no"}'))
    told = looked_up("plan", *LIVE, "--lookups", code=7, env=KEY)
    assert "Stopped: the API refused the credentials" in told.out
    assert {sent.method for sent in stub.sent} == {"GET"}


def test_the_reads_of_a_plan_count_lookups(contacts: Command, start_stub: StartStub) -> None:
    """One that an earlier run has kept is not read, and one from a file never is."""
    start_stub(lambda sent: Answer(200, b'[{"id": 1, "name": "Net 30"}]')
               if sent.method == "GET" else Answer(201, b'{"id": 5}'))  # fmt: skip
    contacts.write("words.csv", "word,id\nnet,1\n")
    recipe = RECIPE.partition("  - id: known")[0].replace(
        "by: name}", "by: name, keep: 1h}\n  words: {file: words.csv, by: word}"
    )
    recipe += """\
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.name }}", payment_terms: {id: "{{ terms['Net 30'].id }}"}}
"""
    contacts.write("kept.yaml", recipe)
    command = ("kept.yaml", "--target", "live")
    assert "Reads: 1 at least (1 list_payment_terms);" in contacts("plan", *command).out
    assert plan_of(contacts, *command)["totals"]["reads"] == {"syncore.list_payment_terms": 1}
    markdown = contacts("plan", *command, "--format", "markdown").out
    assert "| `syncore.list_payment_terms` (reads) | 1 |" in markdown
    contacts("run", *command, "--first-run", env=KEY)
    assert "Reads:" not in contacts("plan", *command).out
    assert "Reads: 1 at least" in contacts("plan", *command, "--fresh").out
