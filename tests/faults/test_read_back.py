"""Killed between an update and what reads it back: it is sent once, and the resume reads it back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import actions
from faults.commands import COMMAND, Project, finish
from faults.server import FaultServer, Hold

FAULTY = Path(__file__).with_name("faulty.py")
UPDATE = """\
recipe: 1
name: contacts
rows:
  file: orders.csv
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    customer: {type: integer, required: true}
steps:
  - id: change
    use: syncore.update_contact
    with: {contact_id: "{{ row.customer }}", business_name: "of {{ row.ref }}"}
"""


@pytest.fixture
def contacts(project: Project, server: FaultServer) -> Iterator[Project]:
    """Three rows, each of which changes a contact that is there."""
    for number in (1, 2, 3):
        server.shop.create("/crm/contacts", {"id": number, "business_name": "old"})
    project.recipe(UPDATE)
    project.sheet("A,1,0", "B,2,0", "C,3,0")
    yield project
    project.close()


@pytest.mark.parametrize("point", ["after intent", "after send", "after outcome"])
def test_killed_between_an_update_and_its_record(
    server: FaultServer, contacts: Project, point: str
) -> None:
    contacts.command = (sys.executable, str(FAULTY), point, "2")
    assert contacts.run("--workers", "1").code == -9
    landed = len(server.writes())
    assert landed == (1 if point == "after intent" else 2)
    contacts.command = COMMAND
    resumed = contacts.call("resume", "--workers", "1")
    assert server.repeated() == []
    if point == "after intent":  # it never left, which nobody can know
        assert resumed.code == 5
        assert contacts.buckets() == {"done": 2, "unknown": 1}
        assert 'business_name is "old", sent was "of B"' in contacts.results()["B"]["reason"]
    else:
        assert (resumed.code, contacts.buckets()) == (0, {"done": 3})
        assert len(server.writes()) == 3


def test_killed_between_a_write_and_what_verifies_it(
    server: FaultServer, contacts: Project
) -> None:
    contacts.recipe(UPDATE + "    verify: true\n")
    hold = Hold()
    server.on("GET", "/crm/contacts/2", actions.hang(hold), nth=1)
    process = contacts.start_run("--workers", "1")
    hold.await_request()
    process.kill()
    finish(process)
    hold.released.set()
    server.shop.change("/crm/contacts/2", {"business_name": "by hand"})
    resumed = contacts.call("resume", "--workers", "1")
    assert (resumed.code, contacts.buckets()) == (4, {"done": 2, "rejected": 1})
    assert 'business_name is "by hand", sent was "of B"' in contacts.results()["B"]["reason"]
    assert (len(server.writes()), server.repeated()) == (3, [])


IN_STEP = (
    UPDATE[: UPDATE.index("steps:")]
    + """\
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "new {{ row.ref }}", email: "{{ row.ref }}"}
    unless_found:
      use: syncore.search_contacts
      with: {email: "{{ row.ref }}"}
      update:
        use: syncore.update_contact
        with: {contact_id: "{{ found.id }}", business_name: "new {{ row.ref }}"}
"""
)


@pytest.mark.parametrize(
    ("point", "nth"), [("after intent", 2), ("after send", 4), ("after outcome", 4)]
)
def test_killed_while_an_object_is_kept_in_step(
    server: FaultServer, contacts: Project, point: str, nth: int
) -> None:
    """A and B are there and differ, C is missing: an update and a create go out once, whatever dies in between."""
    for number, name in ((1, "A"), (2, "B"), (3, "D")):
        server.shop.change(f"/crm/contacts/{number}", {"email": name})
    contacts.recipe(IN_STEP)
    contacts.command = (sys.executable, str(FAULTY), point, str(nth))
    assert contacts.run("--workers", "1").code == -9
    contacts.command = COMMAND
    resumed = contacts.call("resume", "--workers", "1")
    assert server.repeated() == []
    unknown = point == "after intent"  # it never left, which nobody can know
    assert (resumed.code, contacts.buckets()) == (
        (5, {"done": 2, "unknown": 1}) if unknown else (0, {"done": 3})
    )
    assert len(server.writes()) == (2 if unknown else 3)
    again = contacts.run("--workers", "1")
    assert (again.code, len(server.writes())) == (resumed.code, 2 if unknown else 3)
