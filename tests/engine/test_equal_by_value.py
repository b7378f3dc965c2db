"""What is equal by value is equal: a done row is not set aside because its values are written in another way."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.journal.store import NAME

STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with:
      reference: "{{ row.name }}"
      total: "{{ row.price }}"
      notes: "{{ row.name }} at {{ row.price }}, {{ row.rush }}"
"""
HEAD = columns(name="string", price="decimal", rush="boolean")
FIRST = ("A", "Café", "8.40", "true")

SAME = {
    "a zero at the end": ("A", "Café", "8.4", "true"),
    "a zero in front": ("A", "Café", "08.400", "true"),
    "capitals of a boolean": ("A", "Café", "8.40", "TRUE"),
    "yes": ("A", "Café", "8.40", "yes"),
    "spaces": ("A", " Café ", "8.40", "true"),
    "a decomposed accent": ("A", "Cafe\u0301", "8.40", "true"),
    "no width": ("A", "Ca\u200bfé", "8.40", "true"),
}
OTHER = {
    "another price": (("A", "Café", "8.41", "true"), 'total was 8.40, now 8.41; notes was "Café at 8.40, true", now'),
    "another text": (("A", "Cafe", "8.40", "true"), 'reference was "Café", now "Cafe"'),
    "another case": (("A", "CAFÉ", "8.40", "true"), 'reference was "Café", now "CAFÉ"'),
    "another flag": (("A", "Café", "8.40", "false"), 'notes was "Café at 8.40, true", now "Café at 8.40, false"'),
}  # fmt: skip


def sheet(line: tuple[str, ...]) -> str:
    return table("ref,name,price,rush", line)


@pytest.mark.parametrize("line", SAME.values(), ids=SAME.keys())
def test_a_row_that_is_written_in_another_way_is_done(
    server: FaultServer, bench: Bench, line: tuple[str, ...]
) -> None:
    bench.run(STEPS, sheet(FIRST), head=HEAD)
    ran = bench.run(STEPS, sheet(line), head=HEAD)
    assert (ran.rows["A"].bucket, ran.rows["A"].reason) == ("done", "done in run 1")
    assert bench.plan(STEPS, sheet(line), head=HEAD).rows["A"].reason == "done in run 1"
    assert len(server.deliveries()) == 1


@pytest.mark.parametrize(("line", "reason"), OTHER.values(), ids=OTHER.keys())
def test_a_row_with_another_value_is_set_aside(
    server: FaultServer, bench: Bench, line: tuple[str, ...], reason: str
) -> None:
    bench.run(STEPS, sheet(FIRST), head=HEAD)
    ran = bench.run(STEPS, sheet(line), head=HEAD)
    start = f"order: changed since it was done in run 1, and not sent again: {reason}"
    assert ran.rows["A"].reason.startswith(start)
    assert len(server.deliveries()) == 1


def test_a_text_of_digits_is_a_text(server: FaultServer, bench: Bench) -> None:
    """A column that is text has texts: the recipe writes no number into them."""
    steps = STEPS.replace(" at {{ row.price }}", "")
    bench.run(steps, sheet(("A", "8.40", "1", "true")), head=HEAD)
    ran = bench.run(steps, sheet(("A", "8.4", "1", "true")), head=HEAD)
    assert 'reference was "8.40", now "8.4"' in ran.rows["A"].reason
    assert len(server.deliveries()) == 1


def test_a_digest_that_differs_for_no_seen_reason_is_told(
    server: FaultServer, bench: Bench
) -> None:
    """As that of a call whose headers were others: a reason is never empty."""
    bench.run(STEPS, sheet(FIRST), head=HEAD)
    with closing(sqlite3.connect(bench.folder / NAME)) as connection:
        connection.execute("UPDATE calls SET digest = 'x' WHERE step = 'order'")
        connection.commit()
    ran = bench.run(STEPS, sheet(FIRST), head=HEAD)
    assert "its headers are not those that were sent (there are none now)" in ran.rows["A"].reason
    assert len(server.deliveries()) == 1


def test_what_was_read_for_writes_is_not_read_again(server: FaultServer, bench: Bench) -> None:
    """A resume keeps the answers that its writes were made of, also where the search is written with another zero."""
    steps = """\
steps:
  - {id: seen, use: shop.search_customers, with: {name: "{{ row.name }} {{ row.price }}"}, expect: any}
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
"""
    bench.run(steps, sheet(FIRST), head=HEAD)
    ran = bench.run(steps, sheet(FIRST), head=HEAD)
    assert ran.rows["A"].reason == "done in run 1"
