"""What is fully known is checked before anything is sent: one row that is sure to fail keeps all others back."""

from __future__ import annotations

import pytest
from faults import actions
from faults.bench import Bench, columns, grouped, table
from faults.server import FaultServer

from runner.engine.events import CallFinished, Checking

HEAD = columns(total="decimal", terms="string")
STEPS = """\
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: customer
    use: shop.create_customer
    with: {name: "x {{ row.total }}"}
"""
SHEET = table("ref,total,terms", ("A", 1, "Net 30"), ("B", "", "Net 30"), ("C", 3, "Net 30"))


def test_nothing_is_sent_where_a_row_is_sure_to_fail(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(STEPS, SHEET, head=HEAD, workers=4)
    assert server.deliveries() == []
    assert (ran.ended.exit_code, ran.buckets) == (3, {"rejected": 1, "not started": 2})
    assert ran.ended.stopped == "1 row cannot be sent as it is; nothing was sent"
    assert "--bad-rows aside sends the others" in ran.ended.remedy
    assert ran.rows["B"].reason.startswith("customer: row.total: ")
    assert list(ran.rows) == ["B"]


def test_a_plan_ends_with_the_same_code(bench: Bench) -> None:
    planned = bench.plan(STEPS, SHEET, head=HEAD)
    assert planned.ended.exit_code == 3
    assert planned.rows["B"].bucket == "rejected"


def test_the_fixed_sheet_is_sent_whole(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    ran = bench.run(STEPS, SHEET.replace("B,,", "B,2,"), head=HEAD)
    assert ran.buckets == {"done": 3}
    assert len(server.writes()) == 6


def test_a_resume_of_it_sends_nothing_either(server: FaultServer, bench: Bench) -> None:
    bench.run(STEPS, SHEET, head=HEAD)
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert (ran.ended.exit_code, server.deliveries()) == (3, [])
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1, aside=True)
    assert (ran.ended.exit_code, ran.buckets) == (4, {"rejected": 1, "done": 2})


def test_a_run_that_has_sent_something_is_resumed(server: FaultServer, bench: Bench) -> None:
    """The row is as wrong as it was, and its run went on without it."""
    server.on("POST", "/orders", actions.answer(401), nth=2)
    bench.run(STEPS, SHEET, head=HEAD, aside=True)
    assert len(server.writes()) == 3
    ran = bench.run(STEPS, SHEET, head=HEAD, resume=1)
    assert ran.buckets == {"rejected": 1, "done": 2}


def test_a_row_that_has_begun_keeps_no_other_back(server: FaultServer, bench: Bench) -> None:
    server.on("POST", "/customers", actions.answer(422), nth=1)
    bench.run(STEPS, table("ref,total,terms", ("A", 1, "x")), head=HEAD)
    sheet = table("ref,total,terms", ("A", "", "x"), ("B", 2, "x"))
    ran = bench.run(STEPS, sheet, head=HEAD)
    assert (ran.ended.exit_code, ran.buckets) == (4, {"rejected": 1, "done": 1})


def test_max_failures_has_no_say_in_it(server: FaultServer, bench: Bench) -> None:
    ran = bench.run(STEPS, SHEET, head=HEAD, max_failures=1)
    assert (ran.ended.exit_code, server.deliveries()) == (3, [])


LOOKED_UP = """\
lookups: {terms: {use: shop.list_terms, by: name}}
steps:
  - id: order
    use: shop.create_order
    with: {reference: "{{ row.ref }}"}
  - id: customer
    use: shop.create_customer
    with: {name: "{{ row.ref }}", terms: "{{ terms[row.terms].id }}"}
"""


def test_a_name_that_a_lookup_does_not_have(server: FaultServer, bench: Bench) -> None:
    server.on("GET", "/terms", actions.answer(200, [{"id": 1, "name": "Net 30"}]))
    ran = bench.run(LOOKED_UP, SHEET.replace("3,Net 30", "3,Net 3O"), head=HEAD)
    assert (ran.ended.exit_code, server.writes()) == (3, [])
    assert "there is no 'Net 3O'; did you mean 'Net 30'?" in ran.rows["C"].reason


@pytest.mark.parametrize("key", ["'Net 3O'", "vars.terms"])
def test_a_name_that_the_recipe_itself_gives(server: FaultServer, bench: Bench, key: str) -> None:
    """It is said once, and not of each row."""
    server.on("GET", "/terms", actions.answer(200, [{"id": 1, "name": "Net 30"}]))
    steps = LOOKED_UP.replace("row.terms", key)
    head = HEAD.replace("rows:\n", 'vars: {terms: "Net 3O"}\nrows:\n')
    ran = bench.run(steps, SHEET, head=head)
    assert (ran.ended.exit_code, server.writes(), ran.rows) == (3, [], {})
    assert ran.ended.stopped == f"terms[{key}]: there is no 'Net 3O'"
    assert ran.ended.remedy == "did you mean 'Net 30'?"


@pytest.mark.parametrize(
    "use",
    [
        "terms: \"{{ (terms['Net 3O'] | default({'id': 5})).id }}\"}",
        "terms: \"{{ terms['Net 3O'].id if row.total > 9 else 5 }}\"}",
        "terms: \"{{ terms['Net 3O'].id }}\"}\n    when: row.total > 9",
    ],
)
def test_a_name_that_is_not_needed_is_not_missed(
    server: FaultServer, bench: Bench, use: str
) -> None:
    server.on("GET", "/terms", actions.answer(200, [{"id": 1, "name": "Net 30"}]))
    steps = LOOKED_UP.replace('terms: "{{ terms[row.terms].id }}"}', use)
    assert bench.run(steps, SHEET.replace("B,,", "B,2,"), head=HEAD).buckets == {"done": 3}


def test_a_column_that_differs_between_the_lines_of_a_group(
    server: FaultServer, bench: Bench
) -> None:
    head = grouped("ref", {"company": "string"})
    steps = STEPS.replace("x {{ row.total }}", "{{ row.company }}")
    ran = bench.run(steps, table("ref,company", ("A", "x"), ("B", "x"), ("B", "y")), head=head)
    assert (ran.ended.exit_code, server.deliveries()) == (3, [])
    assert "'company' differs on lines 3 and 4" in ran.rows["B"].reason


REQUIRE = """\
  require:
    - that: row.total == row.lines | total('item.quantity * item.price')
      message: "{{ row.ref }}: {{ row.total }} is not the sum of the lines"
    - {that: row.total < vars.most, message: too much}
"""
REQUIRED = grouped("ref", {"total": "decimal", "quantity": "integer", "price": "decimal"}).replace(
    "rows:\n", "vars: {most: 1000}\nrows:\n"
).replace("  columns:", REQUIRE + "  columns:")  # fmt: skip
LINES = "ref,total,quantity,price"
RIGHT = [("A", "10.50", 2, "5.00"), ("A", "10.50", 1, "0.50"), ("B", 3, 3, 1)]
ORDER = STEPS.partition("  - id: customer")[0]


def test_a_requirement_that_holds(server: FaultServer, bench: Bench) -> None:
    assert bench.run(ORDER, table(LINES, *RIGHT), head=REQUIRED).buckets == {"done": 2}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("C", 4, 3, 1), "C: 4 is not the sum of the lines"),
        (("C", 1000, 1000, 1), "too much"),
        (("C", "", 1000, 1), "C:  is not the sum"),
        (("C", 1, "", 1), "required: row.total == row.lines | total('item.quantity * item.price'):"),
    ],
)  # fmt: skip
def test_a_requirement_that_does_not(
    server: FaultServer, bench: Bench, wrong: tuple[object, ...], said: str
) -> None:
    sheet = table(LINES, *RIGHT, wrong)
    planned = bench.plan(ORDER, sheet, head=REQUIRED)
    ran = bench.run(ORDER, sheet, head=REQUIRED)
    assert planned.ended.exit_code == ran.ended.exit_code == 3
    assert server.deliveries() == []
    for shown in (planned, ran):
        assert shown.rows["C"].bucket == "rejected"
    assert planned.rows["C"].reason == ran.rows["C"].reason
    if "C:  is" not in said:
        assert ran.rows["C"].reason.startswith(said)
    ran = bench.run(ORDER, sheet, head=REQUIRED, aside=True)
    assert ran.buckets == {"done": 2, "rejected": 1}
    assert not any(isinstance(e, CallFinished) and e.key == "C" for e in ran.events)


def test_a_requirement_keeps_back_what_is_left_of_a_row(server: FaultServer, bench: Bench) -> None:
    """And nothing of a row of which nothing is left."""
    server.on("POST", "/customers", actions.answer(422), nth=1)
    steps = STEPS.replace("x {{ row.total }}", "{{ row.ref }}")
    right = table(LINES, ("A", 1, 1, 1), ("B", 2, 2, 1))
    wrong = table(LINES, ("A", 5, 1, 1), ("B", 6, 2, 1))
    assert bench.run(steps, right, head=REQUIRED).buckets == {"rejected": 1, "done": 1}
    sent = len(server.writes())
    ran = bench.run(steps, wrong, head=REQUIRED)
    assert {key: row.bucket for key, row in ran.rows.items()} == {"A": "rejected", "B": "done"}
    assert ran.rows["A"].reason == "A: 5 is not the sum of the lines"
    assert len(server.writes()) == sent


HOPELESS = """\
steps:
  - id: customer
    use: shop.create_customer
    with: {{name: "{{{{ row.ref }}}}"}}
    {condition}: row.total > 2 and result.id > 0
"""


@pytest.mark.parametrize("condition", ["expect", "verify"])
def test_a_condition_that_no_answer_can_make_true(
    server: FaultServer, bench: Bench, condition: str
) -> None:
    sheet = SHEET.replace("B,,", "B,2,")
    ran = bench.run(HOPELESS.format(condition=condition), sheet, head=HEAD)
    assert (ran.ended.exit_code, server.deliveries()) == (3, [])
    assert ran.rows["A"].reason == (
        "customer: expected row.total > 2 and result.id > 0, which no answer can change: "
        "guard the step with `when`, or the rows with `require`"
    )


def test_a_read_that_no_answer_can_make_right(server: FaultServer, bench: Bench) -> None:
    steps = STEPS + "  - {id: seen, use: shop.search_customers, expect: row.total > 2}\n"
    ran = bench.run(steps, SHEET.replace("B,,", "B,2,"), head=HEAD)
    assert (ran.ended.exit_code, server.deliveries()) == (3, [])
    assert ran.rows["A"].reason.startswith(
        "seen: expected row.total > 2, which no answer can change"
    )


def test_a_check_reports_how_far_it_is(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHECKED_AFTER", "CHECKED_EVERY"):
        monkeypatch.setattr(f"runner.engine.run.{name}", 0.0)
    ran = bench.run(STEPS, SHEET.replace("B,,", "B,2,"), head=HEAD)
    checks = [event for event in ran.events if isinstance(event, Checking)]
    assert checks == [Checking("checked", count, 3) for count in range(3)]
    assert ran.events.index(checks[-1]) < ran.events.index(ran.calls[0])
    assert not any(
        isinstance(event, Checking) for event in bench.plan(STEPS, SHEET, head=HEAD).events
    )
