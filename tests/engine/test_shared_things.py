"""A value that rows share, beside what was sent for it: another company is refused, what else differs is noted."""

from __future__ import annotations

import pytest
from faults.bench import Bench, Ran, columns, table
from faults.server import FaultServer

from runner.engine.calls.equality import Difference, is_another
from runner.engine.events import Noticed

HEAD = columns(
    number="string, required: true",
    company="string, required: true",
    email="string, required: true",
)
STEPS = """\
steps:
  - id: contact
    use: shop.create_customer
    once_per: row.number
    with: {name: "{{ row.company }}", email: "{{ row.email }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ contact.id }}"}
"""


def sheet(*rows: tuple[str, str, str, str]) -> str:
    return table("ref,number,company,email", *rows)


def notes(ran: Ran) -> list[str]:
    return [event.text for event in ran.events if isinstance(event, Noticed)]


def test_another_company_under_a_known_number_is_refused(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, sheet(("A", "17", "Acme", "a@x.org")), head=HEAD)
    other = sheet(("B", "17", "Beta", "a@x.org"))
    for ran in (bench.plan(STEPS, other, head=HEAD), bench.run(STEPS, other, head=HEAD)):
        assert ran.row.bucket == "rejected"
        assert '\'17\' has name "Acme" in run 1, and name "Beta" in this row' in ran.row.reason
    assert len(server.writes()) == 2


@pytest.mark.parametrize("workers", [1, 4])
def test_two_companies_of_one_number_in_one_sheet(
    server: FaultServer, bench: Bench, workers: int
) -> None:
    both = sheet(("A", "17", "Acme", "a@x.org"), ("B", "17", "Beta", "a@x.org"))
    assert bench.plan(STEPS, both, head=HEAD).rows["B"].bucket == "rejected"
    ran = bench.run(STEPS, both, head=HEAD, workers=workers)
    assert (ran.rows["A"].bucket, ran.rows["B"].bucket) == ("done", "rejected")
    assert "'17' has name \"Acme\" in r" in ran.rows["B"].reason
    assert len(server.writes()) == 2


def test_a_row_that_was_sent_is_set_aside(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, sheet(("A", "17", "Acme", "a@x.org")), head=HEAD)
    ran = bench.run(STEPS, sheet(("A", "17", "Beta", "a@x.org")), head=HEAD)
    assert ran.row.bucket == "changed"


def test_an_address_that_changed_is_noted(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, sheet(("A", "17", "Acme", "a@x.org")), head=HEAD)
    ran = bench.run(STEPS, sheet(("B", "17", "ACME", "b@x.org")), head=HEAD)
    assert (ran.row.bucket, len(server.writes())) == ("done", 3)
    (note,) = notes(ran)
    assert 'contact 17: name is "Acme" in run 1 and "ACME" now; email is "a@x.org"' in note
    assert "'update' under 'unless_found' changes it" in note


@pytest.mark.parametrize(
    ("place", "before", "after", "expected"),
    [
        ("name", "Acme", "Beta", True),
        ("business_name", "Acme", "Beta", True),
        ("companyName", "Acme", "Beta", True),
        ("company", "Acme", "Beta", True),
        ("client.name", "Acme", "Beta", True),
        ("name", "Acme Ltd", "ACME  ltd", False),
        ("first_name", "Ann", "Bob", False),
        ("email", "a@x", "b@x", False),
        ("name", "Acme", None, False),
        ("name", None, "Acme", False),
        ("terms", 1, 2, False),
    ],
)
def test_what_names_a_thing(place: str, before: object, after: object, expected: bool) -> None:  # noqa: FBT001
    assert is_another(Difference(place, before, after)) is expected


def test_an_address_names_what_it_is_sent_with(server: FaultServer, bench: Bench) -> None:
    """Rows that share an e-mail address share its contact, whatever company stands beside it; that is noted."""
    steps = STEPS.replace("row.number", "row.email")
    both = sheet(("A", "17", "Acme", "Dana@x.org"), ("B", "18", "Beta", "dana@x.org"))
    ran = bench.run(steps, both, head=HEAD)
    assert ran.buckets == {"done": 2}
    assert [each for each in notes(ran) if '"Acme"' in each and '"Beta"' in each]
    assert len(server.deliveries("POST", "/customers")) == 1
