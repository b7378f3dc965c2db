"""Keys and shared values that a person takes for each other: refused before anything is sent."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from faults import actions
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.problems import InvalidError

STEPS = """\
steps:
  - id: customer
    use: shop.create_customer
    once_per: row.customer
    with: {name: "{{ row.customer }}"}
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}
"""
HEAD = columns(customer="string")
EXACT = HEAD.replace("rows:\n", "rows:\n  keys: exact\n")
ALIKE = {
    "case": ("po-1", "case"),
    "a hyphen": ("PO\u20111", "hyphens"),
    "a space": ("PO -1", "spaces"),
    "full width": ("\uff30\uff2f-1", "width or form of characters"),
    "case and a dash": ("po\u20131", "hyphens and case"),
    "an underscore": ("PO_1", "punctuation"),
    "a point": ("PO.1", "punctuation"),
    "a number sign": ("#PO-1", "a sign in front"),
    "an apostrophe": ("'PO-1", "a sign in front"),
    "a number sign and an apostrophe": ("'#PO-1", "a sign in front"),
    "Cyrillic letters": ("\u0420\u041e-1", "letters of another alphabet"),
    "a Greek letter": ("P\u039f-1", "letters of another alphabet"),
    "an Arabic figure": ("PO-\u0661", "figures of another script"),
}


def sheet(*lines: tuple[str, str]) -> str:
    return table("ref,customer", *lines)


def refusal(
    bench: Bench, text: str, *, head: str = HEAD, steps: str = STEPS
) -> list[tuple[int, str, str]]:
    """What the run and the dry run say of a sheet that is refused."""
    found = []
    for way in (bench.plan, bench.run):
        with pytest.raises(InvalidError) as caught:
            way(steps, text, head=head)
        assert caught.value.exit_code == 3
        messages = (
            re.sub(r"in run \d+", "in run N", each.message) for each in caught.value.problems
        )
        lines = ((each.line, each.kind) for each in caught.value.problems)
        found.append([(*line, message) for line, message in zip(lines, messages, strict=True)])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(("ref", "differ"), ALIKE.values(), ids=ALIKE.keys())
def test_two_keys_of_one_sheet(server: FaultServer, bench: Bench, ref: str, differ: str) -> None:
    text = sheet(("PO-1", "A"), ("PO-2", "A"), (ref, "A"))
    message = f"the key {ref!r} looks like 'PO-1' on line 2: they differ in {differ}"
    assert refusal(bench, text) == [(4, "look-alike", message)]
    assert server.deliveries() == []
    assert bench.run(STEPS, text, head=EXACT).buckets == {"done": 3}


@pytest.mark.parametrize(("ref", "differ"), ALIKE.values(), ids=ALIKE.keys())
def test_a_key_that_looks_like_one_that_was_sent(
    server: FaultServer, bench: Bench, ref: str, differ: str
) -> None:
    bench.run(STEPS, sheet(("PO-1", "A")), head=HEAD)
    sent = len(server.deliveries())
    text = sheet(("PO-2", "A"), (ref, "A"))
    message = f"the key {ref!r} looks like 'PO-1', done in run N: they differ in {differ}"
    assert refusal(bench, text) == [(3, "look-alike", message)]
    assert len(server.deliveries()) == sent
    ran = bench.run(STEPS, text, head=EXACT)
    assert ran.buckets == {"done": 2}
    again = bench.run(STEPS, sheet((ref, "A"), ("PO-2", "A")), head=HEAD)
    assert {row.reason for row in again.rows.values()} == {f"done in run {ran.number}"}


def test_a_key_of_which_nothing_was_sent_is_free(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/orders", actions.answer(422), nth=1)
    steps = STEPS.replace("    once_per: row.customer\n", "").partition("  - id: customer")[0]
    steps += '  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}\n'
    assert bench.run(steps, sheet(("po-1", "A")), head=HEAD).buckets == {"rejected": 1}
    assert bench.run(steps, sheet(("PO-1", "A")), head=HEAD).buckets == {"done": 1}


def test_a_key_whose_outcome_is_unknown(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.close())
    steps = STEPS.replace("    once_per: row.customer\n", "")
    bench.run(steps, sheet(("PO-1", "A")), head=HEAD)
    ((_, _, message),) = refusal(bench, sheet(("po-1", "A")), steps=steps)
    assert message.startswith("the key 'po-1' looks like 'PO-1', whose outcome in run N is unknown")


def test_values_that_rows_share(server: FaultServer, bench: Bench) -> None:
    text = sheet(("A", "Acme 1"), ("B", "Acme 1"), ("C", "acme-1"), ("D", "ACME 1"))
    message = "once_per of customer, 'ACME 1', looks like 'Acme 1' on line 2: they differ in case"
    assert refusal(bench, text) == [(5, "look-alike", message)]
    bench.run(STEPS, sheet(("A", "Acme 1")), head=HEAD)
    message = "once_per of customer, 'ACME1', looks like 'Acme 1', done in run N: they differ in spaces and case"
    assert refusal(bench, sheet(("B", "ACME1"))) == [(2, "look-alike", message)]
    assert bench.run(STEPS, sheet(("B", "ACME1")), head=EXACT).buckets == {"done": 1}
    assert len(server.deliveries("POST", "/customers")) == 2


def test_values_of_another_step_are_others(server: FaultServer, bench: Bench) -> None:
    steps = STEPS.replace("    with: {reference", "    once_per: row.ref\n    with: {reference")
    assert bench.run(steps, sheet(("acme", "Acme")), head=HEAD).buckets == {"done": 1}
    assert len(server.deliveries()) == 2


def test_groups(server: FaultServer, bench: Bench) -> None:
    head = HEAD.replace("rows:\n", "rows:\n  group_by: ref\n")
    text = sheet(("PO-1", "A"), ("PO-1 ", "A"), ("po-1", "A"))
    message = "the group 'po-1' looks like 'PO-1' on line 2: they differ in case"
    assert refusal(bench, text, head=head) == [(4, "look-alike", message)]
    bench.run(STEPS, sheet(("PO-1", "A"), ("PO-1 ", "A")), head=head)
    message = "the key 'po-1' looks like 'PO-1', done in run N: they differ in case"
    assert refusal(bench, sheet(("po-1", "A")), head=head) == [(2, "look-alike", message)]
    other = head.replace('"{{ row.ref }}"', '"{{ row.customer }}-{{ row.lines | length }}"')
    text = sheet(("X-1", "A"), ("x-1", "B"))
    message = "the group 'x-1' looks like 'X-1' on line 2: they differ in case"
    assert refusal(bench, text, head=other) == [(3, "look-alike", message)]


def test_long_keys(server: FaultServer, bench: Bench) -> None:
    long = "PO-" + "7" * 100
    bench.run(STEPS, sheet((long, "A")), head=HEAD)
    ((line, _, message),) = refusal(bench, sheet((long.lower(), "A")))
    assert (line, "looks like" in message) == (2, True)
    assert bench.run(STEPS, sheet((long, "A"), (long + "8", "A")), head=HEAD).buckets == {"done": 2}
    assert len(server.deliveries("POST", "/orders")) == 2


def test_items_of_a_row(server: FaultServer, bench: Bench) -> None:
    steps = """\
steps:
  - id: lines
    for_each: row.lines
    item_key: item.customer
    use: shop.create_order
    with: {reference: "{{ item.customer }}"}
"""
    head = HEAD.replace("rows:\n", "rows:\n  group_by: ref\n")
    text = sheet(("A", "00618-m"), ("A", "00618-M"), ("B", "x"))
    ran = bench.run(steps, text, head=head)
    message = "lines: the item_key '00618-M' looks like '00618-m' of item 1: they differ in case"
    assert ran.rows["A"].reason.startswith(message)
    assert server.deliveries() == []
    exact = head.replace("rows:\n", "rows:\n  keys: exact\n")
    assert bench.run(steps, text, head=exact).buckets == {"done": 2}


def test_a_hundred_others_are_none_of_them(server: FaultServer, bench: Bench) -> None:
    rows = [(f"PO-{n}", f"C{n % 7}") for n in range(100)]
    assert bench.run(STEPS, sheet(*rows), head=HEAD).buckets == {"done": 100}
    more = [(f"PO-{n}", f"C{n % 7}") for n in range(50, 1000)]
    assert bench.plan(STEPS, sheet(*more), head=HEAD).ended.exit_code == 0


@pytest.mark.parametrize(
    ("before", "now"), [("618", "00618"), ("PO-007", "PO-7"), ("124.5", "124.50"), ("12.0", "12")]
)
def test_zeros_that_a_spreadsheet_drops_or_adds(
    server: FaultServer, bench: Bench, before: str, now: str
) -> None:
    bench.run(STEPS, sheet((before, "A")), head=HEAD)
    sent = len(server.deliveries())
    message = f"the key {now!r} looks like {before!r}, done in run N: they differ in zeros"
    assert refusal(bench, sheet((now, "A"))) == [(2, "look-alike", message)]
    assert len(server.deliveries()) == sent
    assert bench.run(STEPS, sheet((now, "A")), head=EXACT).buckets == {"done": 1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.001", "1001"),
        ("1.5", "1-5"),
        ("PO-1", "PO1"),
        ("A#1", "A-1"),
        ("\u0432\u043e\u043b", "\u0432\u0430\u043b"),
    ],
)
def test_keys_that_nobody_mistakes(bench: Bench, one: str, other: str) -> None:
    assert bench.run(STEPS, sheet((one, "A"), (other, "A")), head=HEAD).buckets == {"done": 2}


@pytest.mark.parametrize("now", ["PO_1", "#PO-1", "\u0420\u041e-1", "PO-\u0661"])
def test_a_key_of_a_journal_that_knew_fewer_look_alikes(
    server: FaultServer, bench: Bench, now: str
) -> None:
    bench.run(STEPS, sheet(("PO-1", "A"), ("PO_2", "A")), head=HEAD)
    with closing(sqlite3.connect(bench.folder / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE identities SET look = 'po_2' WHERE key = 'PO_2'")
        journal.execute("DELETE FROM migrations WHERE name = 'looks'")
    sent = len(server.deliveries())
    assert refusal(bench, sheet((now, "A")))[0][1] == "look-alike"
    (problem,) = refusal(bench, sheet(("PO-2", "A")))
    assert "looks like 'PO_2', done in run N: they differ in punctuation" in problem[2]
    assert len(server.deliveries()) == sent


def test_addresses_with_other_signs_are_other_addresses(bench: Bench) -> None:
    rows = [("1", "jo.doe@x.org"), ("2", "jo-doe@x.org"), ("3", "jo_doe@x.org")]
    assert bench.run(STEPS, sheet(*rows), head=HEAD).buckets == {"done": 3}


def test_numbers_of_an_outline_are_several_rows(bench: Bench) -> None:
    nine = [(f"1.{n}", "A") for n in range(1, 10)]
    assert bench.run(STEPS, sheet(*nine), head=HEAD).buckets == {"done": 9}
    assert bench.run(STEPS, sheet(*nine, ("1.10", "A")), head=HEAD).buckets == {"done": 10}
