"""Calls whose outcome is unknown: never sent again by themselves, and settled by a person, whose word is checked."""

from __future__ import annotations

import csv
import json
import os
import re
from decimal import Decimal

import pytest

from .command import HEADER, RECIPE, Command, Ended
from .conftest import StartStub
from .stub import Answer, Sent, Stub
from .test_cli_terminal import Screen

KEY = {"ACME_KEY": "key-of-acme"}
ACE = {"business_name": "Ace Awards", "first_name": "A-1", "email": "a-1@example.com"}


@pytest.fixture
def there() -> dict[str, object]:
    """What the API has by now, by path."""
    return {"/v2/crm/contacts/31987": {"id": 31987, **ACE}}


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub, there: dict[str, object]) -> Stub:
    """An API that took the first row and hung up; from now on it answers."""
    stub = start_stub(lambda sent: Answer(0) if b"A-1" in sent.body else Answer(201, b'{"id": 7}'))
    told = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=5, env=KEY
    ).err
    assert "UNKNOWN" in told
    assert "runner settle 1" in told

    def answer(sent: Sent) -> Answer:
        if sent.method != "GET":
            return Answer(201, b'{"id": 8}')
        found = there.get(sent.path)
        return Answer(404) if found is None else Answer(200, json.dumps(found).encode())

    stub.answer = answer
    return stub


def listed(runner: Command) -> str:
    """The number of the only open call."""
    told = runner("settle", code=5).out
    assert "A-1" in told
    (number,) = re.findall(r"\bcall (\d+)", told)[:1]
    return str(number)


def settle(runner: Command, *said: str, code: int = 0, why: str = "seen on the site") -> Ended:
    return runner("settle", "--call", listed(runner), *said, "--why", why, code=code, env=KEY)


def resume(runner: Command, *, code: int = 0) -> Ended:
    return runner("resume", code=code, env=KEY)


def bodies(stub: Stub, key: bytes) -> int:
    return sum(key in sent.body for sent in stub.writes)


def rows(runner: Command, name: str = "results.csv") -> list[dict[str, str]]:
    with (runner.runs / "1" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_it_stays_unknown(contacts: Command, stub: Stub) -> None:
    resume(contacts, code=5)
    contacts("run", "contacts.yaml", "--target", "live", "--first-run", code=5, env=KEY)
    planned = contacts("run", "contacts.yaml", "--target", "live", "--dry-run").out
    assert "not sent, unknown" in planned
    assert (bodies(stub, b"A-1"), bodies(stub, b"A-2")) == (1, 1)
    assert not list(contacts.runs.glob("*/retry.csv"))


def test_settled_as_done(contacts: Command, stub: Stub) -> None:
    told = settle(contacts, "--done", "31987").out
    assert told == (
        "the API has 31987: id 31987, business_name Ace Awards, first_name A-1, email a-1@example.com\n"
        "call 1 is recorded as done, as 31987; nothing else of its row is left to do\n"
    )
    assert contacts("settle").out == "nothing is unknown\n"
    assert "nothing to resume" in contacts("resume", env=KEY).out
    assert bodies(stub, b"A-1") == 1
    assert rows(contacts)[0]["reason"].startswith("contact: settled as done, as 31987, by ")
    assert rows(contacts)[0] | {"reason": ""} == {
        "line": "2", "key": "A-1", "row": "1", "bucket": "done", "reason": "", "ids": "contact 31987",
        "links": "", "contact_id": "31987",
    }  # fmt: skip
    shown = contacts("show", "--key", "A-1").out
    assert "call 1 settled: done as 31987 by " in shown
    assert "seen on the site" in shown


def test_settled_as_absent(contacts: Command, stub: Stub) -> None:
    assert settle(contacts, "--absent", why="not on the site").out.endswith(
        "call 1 is recorded as absent; go on: runner resume 1\n"
    )
    resume(contacts)
    assert (bodies(stub, b"A-1"), bodies(stub, b"A-2")) == (2, 1)
    assert contacts("settle").out == "nothing is unknown\n"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "--done 5",
        "--absent",
        "--done 5 --absent --why both",
        "--why nothing",
        "--absent --why=",
    ],
)
def test_half_said(contacts: Command, stub: Stub, said: str) -> None:
    told = contacts("settle", "--call", listed(contacts), *said.split(), code=2).err
    assert "--done ID --why TEXT, or --absent --why TEXT" in told
    assert bodies(stub, b"A-1") == 1


@pytest.mark.parametrize(
    "name", ["", " ", "0", "00", "-5", "null", "None", "abc", "3.5", "007", "12 34"]
)
def test_an_id_that_the_answer_cannot_have(contacts: Command, stub: Stub, name: str) -> None:
    before = len(stub.sent)
    for more in ((), ("--yes",)):
        told = settle(contacts, f"--done={name}", *more, code=2).err
        assert f"{name.strip()!r} cannot be the 'id' of what syncore.create_contact answers" in told
    assert len(stub.sent) == before


def test_a_create_that_is_answered_with_such_an_id(
    contacts: Command, start_stub: StartStub
) -> None:
    """It is unknown, and what a person says of it is held to the same; digits as a text are the number."""
    stub = start_stub(
        lambda sent: Answer(201, b'{"id": "0101"}' if b"A-1" in sent.body else b'{"id": "102"}')
    )
    live = ("run", "contacts.yaml", "--target", "live", "--workers", "1")
    contacts(*live, "--first-run", code=5, env=KEY)
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    assert rows(contacts)[1]["ids"] == "contact 102"
    told = contacts("settle", "--call", "1", "--done", "0101", "--why", "x", code=2, env=KEY).err
    assert "'0101' cannot be the 'id' of what syncore.create_contact answers" in told
    contacts(*live, code=5, env=KEY)
    assert len(stub.writes) == 2


def test_an_id_that_another_call_has(
    contacts: Command, stub: Stub, there: dict[str, object]
) -> None:
    """The contact of the second row, mistaken for that of the first."""
    there["/v2/crm/contacts/7"] = {"id": 7, **ACE}
    for more in ((), ("--yes",)):
        told = settle(contacts, "--done", "7", *more, code=2).err
        assert "7 is what call 2 has created (contact of 'A-2', run 1)" in told
        assert "x-runner-returns-existing: true at syncore.create_contact" in told
        assert "--reused" not in told
    # Calls of the other row may still be to come: they would go to this object.
    told = settle(contacts, "--done", "7", "--reused", code=2).err
    assert "7 is what call 2 has created (contact of 'A-2', run 1)" in told
    listed(contacts)


def test_an_id_that_the_api_gives_again(contacts: Command, start_stub: StartStub) -> None:
    """The contact was deleted there, and the new one that was asked for has its id."""
    contacts.write("rows.csv", HEADER + "A-1,Ace Awards,1,1.10,01/02/2027\n")

    def answer(sent: Sent) -> Answer:
        return Answer(200, json.dumps({"id": 31987, **ACE}).encode())

    stub = start_stub(answer)
    live = ("run", "contacts.yaml", "--target", "live")
    contacts(*live, "--first-run", env=KEY)
    ended = contacts(*live, "--again", "A-1", "--why", "deleted", code=5, env=KEY)
    assert "runner settle --call N --done ID --reused" in ended.err + ended.out
    told = settle(contacts, "--done", "31987", "--yes", code=2).err
    assert "31987 is what call 1 has created (contact of 'A-1', run 1)" in told
    assert "--reused" in told
    assert "x-runner-returns-existing" not in told
    told = settle(contacts, "--done", "31987", "--reused").out
    assert (
        "31987 is what call 1 has created (contact of 'A-1', run 1), for an object that is gone"
        in told
    )
    assert contacts("settle").out == "nothing is unknown\n"
    contacts(*live, env=KEY)
    assert len(stub.writes) == 2
    told = contacts("settle", "--undo", "2", "--why", "mistaken", env=KEY).out
    assert "call 2 is unknown again" in told


def test_an_id_that_the_api_does_not_know(contacts: Command, stub: Stub) -> None:
    told = settle(contacts, "--done", "31988", code=2)
    assert "call 1 is not recorded: syncore.get_contact: 404" in told.err
    assert "not read: syncore.get_contact: 404" in told.out
    assert "31988" in settle(contacts, "--done", "31988", "--yes").out


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"id": 31987, **ACE, "email": "x@y.z"}, 'email is "x@y.z", sent was "a-1@example.com"'),
        ({"id": 5, **ACE}, "its id is 5"),
    ],
)
def test_an_object_that_is_not_what_was_sent(
    contacts: Command, stub: Stub, there: dict[str, object], found: object, words: str
) -> None:
    there["/v2/crm/contacts/31987"] = found
    told = settle(contacts, "--done", "31987", code=2)
    assert "call 1 is not recorded: what the API has is not what was sent" in told.err
    assert f"that differs: {words}" in told.out
    settle(contacts, "--done", "31987", "--yes")


def test_an_api_that_cannot_be_asked(contacts: Command, stub: Stub) -> None:
    number = listed(contacts)
    said = ["settle", "--call", number, "--done", "31987", "--why", "seen"]
    assert "lacks a secret" in contacts(*said, code=2).err
    stub.answer = lambda sent: Answer(503)
    assert "not recorded: syncore.get_contact: 503" in contacts(*said, code=2, env=KEY).err
    contacts(*said, "--yes", env=KEY)
    assert contacts("settle").out == "nothing is unknown\n"


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", 0), (b"n\n", 5), (b"\n", 5)])
def test_a_terminal_is_asked(contacts: Command, stub: Stub, typed: bytes, code: int) -> None:
    number = listed(contacts)
    said = ("settle", "--call", number, "--done", "31987", "--why", "seen")
    terminal = Screen(contacts, *said, columns=200, env=KEY)
    asked = terminal.until(lambda text: "[y/N]" in text)
    assert "the API has 31987: id 31987, business_name Ace Awards" in asked
    os.write(terminal.master, typed)
    assert terminal.close() == code
    assert contacts("settle", code=5 if code else 0).code == code


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
LISTED = [{"id": 900, "amount": 5}, {"id": 901, "amount": Decimal("12.10"), "reference": "other"}]


@pytest.fixture
def paid(contacts: Command, start_stub: StartStub) -> Stub:
    """An API that took a payment and hung up, and lists it under another reference."""
    stub = start_stub(lambda sent: Answer(200, b"[]") if sent.method == "GET" else Answer(0))
    contacts.write("pay.yaml", PAY)
    contacts.write("rows.csv", "Ref\nA-1\n")
    contacts("run", "pay.yaml", "--target", "live", "--first-run", code=5, env=KEY)
    listing = json.dumps(LISTED, default=float).encode()
    stub.answer = lambda sent: (
        Answer(200, listing) if sent.method == "GET" else Answer(201, b'{"id": 8}')
    )
    return stub


def test_an_id_is_looked_for_where_only_a_list_can_be_read(contacts: Command, paid: Stub) -> None:
    told = settle(contacts, "--done", "902", code=2)
    assert "syncore.list_sales_order_payments does not list it" in told.err
    told = settle(contacts, "--done", "901", code=2)
    assert 'that differs: reference is "other", sent was "A-1"' in told.out
    assert "recorded as done, as 901" in settle(contacts, "--done", "901", "--yes").out


def test_an_id_is_looked_for_in_the_list_of_its_path(
    contacts: Command, start_stub: StartStub
) -> None:
    """The step has no search of its own, and what is given is the id of the order."""
    stub = start_stub(lambda sent: Answer(0))
    guard = PAY[PAY.index("    unless_found:") : PAY.index("  - id: contact")]
    contacts.write("pay.yaml", PAY.replace(guard, ""))
    contacts.write("rows.csv", "Ref\nA-1\n")
    contacts("run", "pay.yaml", "--target", "live", "--first-run", code=5, env=KEY)
    listing = json.dumps(LISTED, default=float).encode()
    stub.answer = lambda sent: (
        Answer(200, listing)
        if sent.path.endswith("/orders/jobs/1/salesorders/7/payments")
        else Answer(404)
    )
    told = settle(contacts, "--done", "7", code=2)
    assert "list_sales_order_payments does not list it; it lists 900, 901" in told.err
    stub.answer = lambda sent: Answer(200, b"[]")
    assert "does not list it; it lists nothing" in settle(contacts, "--done", "7", code=2).err
    stub.answer = lambda sent: Answer(200, listing)
    settle(contacts, "--done", "901", "--yes")


def test_the_files_of_the_run_are_brought_up_to_date(contacts: Command, stub: Stub) -> None:
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    assert [row["id"] for row in rows(contacts, "created.csv")] == ["7"]
    settle(contacts, "--done", "31987")
    first = rows(contacts)[0]
    assert (first["bucket"], first["ids"]) == ("done", "contact 31987")
    assert first["reason"].startswith("contact: settled as done, as 31987, by ")
    assert sorted(row["id"] for row in rows(contacts, "created.csv")) == ["31987", "7"]
    assert not (contacts.runs / "1" / "retry.csv").exists()
    assert "unknown, and" not in contacts("runs").out
    told = contacts("settle", "--undo", "1", "--why", "a typo").out
    assert told.startswith("call 1 is unknown again, as it was before ")
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    assert [row["ids"] for row in rows(contacts)] == ["", "contact 7"]
    assert [row["id"] for row in rows(contacts, "created.csv")] == ["7"]
    assert not (contacts.runs / "1" / "retry.csv").exists()
    assert "run 1: 1 row unknown; settle with: runner settle 1" in contacts("runs").out
    shown = contacts("show", "--key", "A-1").out
    assert "call 1 taken back as 31987 by " in shown
    assert "a typo" in shown
    settle(contacts, "--done", "31987")
    assert [row["bucket"] for row in rows(contacts)] == ["done", "done"]
    assert bodies(stub, b"A-1") == 1


def test_files_that_cannot_be_made_again_stay(contacts: Command, stub: Stub) -> None:
    contacts.write("rows.csv", "Ref,Name\n")
    told = settle(contacts, "--done", "31987").err
    assert "results of run 1 are as they were: " in told
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    assert sorted(row["id"] for row in rows(contacts, "created.csv")) == ["31987", "7"]


def test_a_row_that_was_done_is_unknown_again(contacts: Command, stub: Stub) -> None:
    """Its last call was settled, so that nothing followed when the run was resumed."""
    settle(contacts, "--done", "31987")
    resume(contacts)
    contacts("settle", "--undo", "1", "--why", "a typo")
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    resume(contacts, code=5)
    assert bodies(stub, b"A-1") == 1


def test_what_followed_keeps_a_settlement(contacts: Command, paid: Stub) -> None:
    settle(contacts, "--done", "901", "--yes")
    (row,) = rows(contacts)
    assert row["bucket"] == "not started"
    assert row["reason"].endswith("of the row is left is found out by: runner resume 1")
    resume(contacts)
    told = contacts("settle", "--undo", "2", "--why", "a typo", code=2).err
    assert "the settlement of call 2 cannot be taken back: contact was sent since, in run 1" in told
    assert "nothing is to be sent for it" in told
    assert "--again" not in told


def test_what_was_sent_again_keeps_a_settlement(contacts: Command, stub: Stub) -> None:
    settle(contacts, "--absent")
    resume(contacts)
    told = contacts("settle", "--undo", "1", "--why", "a typo", code=2).err
    assert "cannot be taken back: it was sent again since" in told
    assert (
        "nothing is to be sent for it: look up what is there, and cancel or correct there" in told
    )
    assert "--again" not in told
    assert bodies(stub, b"A-1") == 2


def test_absent_is_taken_back(contacts: Command, stub: Stub) -> None:
    settle(contacts, "--absent")
    assert [row["bucket"] for row in rows(contacts)] == ["not started", "done"]
    contacts("settle", "--undo", "1", "--why", "it is there after all")
    assert [row["bucket"] for row in rows(contacts)] == ["unknown", "done"]
    resume(contacts, code=5)
    assert bodies(stub, b"A-1") == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("--undo 1 --why x", "call 1 has no settlement that could be taken back"),
        ("--undo 99 --why x", "there is no call 99"),
        ("--undo 1", "say why it is taken back"),
        ("--undo 1 --why x --absent", "say why it is taken back"),
        ("--undo 1 --look", "--look shows, and decides nothing"),
        ("--call 99 --absent --why x", "call 99 is not open"),
    ],
)
def test_what_cannot_be_decided(contacts: Command, stub: Stub, said: str, words: str) -> None:
    assert words in contacts("settle", *said.split(), code=2).err


def test_a_settled_call_says_so(contacts: Command, stub: Stub) -> None:
    settle(contacts, "--absent", why="not there")
    told = contacts("settle", "--call", "1", "--absent", "--why", "x", code=2).err
    assert "call 1 is settled as absent by " in told
    assert "runner settle --undo 1 --why TEXT" in told


FINDING = (
    '      email: "{{ row.ref | lower }}@example.com"\n'
    "    unless_found:\n"
    "      use: syncore.search_contacts\n"
    '      with: {email: "{{ row.ref | lower }}@example.com"}\n'
    "      where: item.business_name == row.name\n"
)


@pytest.mark.parametrize(("order", "code"), [(("A-2", "A-1"), 2), (("A-1", "A-2"), 0)])
def test_an_id_that_a_row_had_found_before(
    contacts: Command, start_stub: StartStub, order: tuple[str, ...], code: int
) -> None:
    """What was there when a call was sent is not what it has created; what was found afterwards may be."""
    field = '      email: "{{ row.ref | lower }}@example.com"\n'
    contacts.write("contacts.yaml", RECIPE.replace(field, FINDING))
    lines = [f"{ref},Ace Awards,1,1.10,01/02/2027\n" for ref in order]
    contacts.write("rows.csv", "".join([HEADER, *lines]))
    found = {"id": 31987, **ACE}

    def answer(sent: Sent) -> Answer:
        if sent.method != "GET":
            return Answer(0)
        path, _, query = sent.path.partition("?")
        listed = [found] if "a-2" in query else []
        page = {"contacts": listed, "total_results": len(listed)}
        return Answer(200, json.dumps(page if path.endswith("/contacts") else found).encode())

    start_stub(answer)
    contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=5, env=KEY
    )  # fmt: skip
    told = settle(contacts, "--done", "31987", "--yes", code=code).err
    assert ("is what call 2 has found (contact of 'A-2', run 1)" in told) == bool(code)
