"""Outputs that cannot be computed: the cell names the reason, the row is noted, a strict run rejects it."""

from __future__ import annotations

import pytest
from faults.bench import Bench, columns, table
from faults.server import FaultServer

from runner.engine.events import Noticed

STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
"""
SHEET = table("ref,n,text", ("A", 0, "abc"), ("B", 4, "7"))
HEAD = columns(n="integer", text="string")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("{{ 100 / row.n }}", "100 / row.n: '/': division by zero"),
        ("{{ row.text | int }}", "row.text | int: int: 'abc' is not a number"),
        ("{{ order.total if row.n == 0 else 1 }}", "order.total if row.n == 0 else 1: there is no"),
    ],
)
def test_the_cell_names_the_reason_and_the_row_is_noted(
    server: FaultServer, bench: Bench, output: str, reason: str
) -> None:
    ran = bench.run(f'{STEPS}outputs: {{margin: "{output}"}}\n', SHEET, head=HEAD)
    assert ran.buckets == {"done": 2}
    assert ran.rows["A"].outputs["margin"].startswith(f"(not computed: {reason}")
    assert ran.rows["A"].reason.startswith(f"output margin: {reason}")
    assert ran.rows["B"].reason == ""
    (note,) = [event.text for event in ran.events if isinstance(event, Noticed)]
    assert note.startswith(f"row A: output margin: {reason}")


def test_a_strict_run_rejects_the_row_before_anything_of_it_is_sent(
    server: FaultServer, bench: Bench
) -> None:
    bench.strict = True
    ran = bench.run(STEPS + 'outputs: {margin: "{{ 100 / row.n }}"}\n', SHEET, head=HEAD)
    assert ran.buckets == {"done": 1, "rejected": 1}
    assert [write.json()["reference"] for write in server.deliveries()] == ["B"]
    assert (
        bench.plan(STEPS + 'outputs: {margin: "{{ 100 / row.n }}"}\n', SHEET, head=HEAD)
        .rows["A"]
        .reason.startswith("output margin: ")
    )


def test_a_strict_run_rejects_what_only_the_answer_shows(server: FaultServer, bench: Bench) -> None:
    bench.strict = True
    ran = bench.run(STEPS + 'outputs: {total: "{{ order.total }}"}\n')
    assert ran.buckets == {"rejected": 1}
    assert ran.ended.exit_code == 8
    assert len(server.deliveries()) == 1


def test_a_strict_run_sends_nothing_after_what_only_the_answer_shows(
    server: FaultServer, bench: Bench
) -> None:
    bench.strict = True
    ran = bench.run(STEPS + 'outputs: {total: "{{ order.total }}"}\n', SHEET, head=HEAD)
    assert ran.buckets == {"rejected": 1, "not started": 1}
    assert ran.ended.exit_code == 8
    assert ran.ended.stopped.startswith("A: output total: ")
    assert [write.json()["reference"] for write in server.deliveries()] == ["A"]


def test_what_a_step_that_was_skipped_would_have_given_is_empty(
    server: FaultServer, bench: Bench
) -> None:
    steps = STEPS + "    when: row.n > 0\noutputs: {order: '{{ order.id }}'}\n"
    ran = bench.run(steps, SHEET, head=HEAD)
    assert ran.rows["A"].outputs == {"order": None}
    assert ran.rows["A"].reason == ""
