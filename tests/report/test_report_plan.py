"""The dry run as text: exact output for small plans made by hand."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest

from runner.catalogue import Operation, Parameter, build_request
from runner.catalogue.request import Request
from runner.engine.events import (
    BUCKETS,
    Bucket,
    CallFinished,
    PlannedCall,
    PlannedState,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.report.plan.text import PlanText
from runner.template import Unknown

BASE = "http://127.0.0.1:8765/v2"


def operation(
    name: str,
    path: str,
    *,
    api: str = "shop",
    effect: str = "create",
    money: str = "",
    evidence: str = "observed",
) -> Operation:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = {name: Parameter(name, "path", True, {"type": "integer"}) for name in names}  # noqa: FBT003
    for query in ("email", "since") if effect == "read" else ():
        parameters[query] = Parameter(query, "query", False, {"type": "string"})  # noqa: FBT003
    inferred = {"type": "string", "x-runner-evidence": "inferred"}
    body = {
        "type": "object",
        "properties": {
            "client": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "description": inferred,
            "sku": {"type": "string"},
            "quantity": {"type": "integer"},
            "amount": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    return Operation(
        api=api, name=name, method="GET" if effect == "read" else "POST", path=path, summary="", description="",
        evidence=evidence, parameters=parameters, body=None if effect == "read" else body, answer=None, effect=effect,
        repeatable=effect == "read", money=money,
    )  # fmt: skip


SEARCH = operation("search_contacts", "/contacts", effect="read")
JOBS = operation("search_jobs", "/jobs", effect="read")
JOB = operation("create_job", "/jobs")
LINE = operation("create_line", "/jobs/{job_id}/lines")
PAY = operation("create_payment", "/jobs/{job_id}/payments", money="amount", evidence="inferred")


def request(of: Operation, **arguments: Any) -> Request:
    return build_request(of, arguments, base_url=BASE)


def call(
    of: Operation,
    state: PlannedState = "to send",
    *,
    step: str = "",
    item: int | None = None,
    **arguments: Any,
) -> PlannedCall:
    return PlannedCall(
        step or of.name.rpartition("_")[2], of, state, request(of, **arguments), item
    )


def order(email: str, *, lines: int = 2, deposit: str = "250.00") -> tuple[PlannedCall, ...]:
    job = PlannedCall(
        "job", JOB, "to send", request(JOB, client={"id": Unknown("contact.id")}, description=f"Jerseys for {email}"),
        unless_found=request(JOBS, since="2024-05-01"),
    )  # fmt: skip
    return (
        PlannedCall("contact", SEARCH, "to read", request(SEARCH, email=email)),
        job,
        *(call(LINE, step="lines", item=n, job_id=Unknown("job.id"), sku="007", quantity=2) for n in range(lines)),
        PlannedCall(
            "deposit", PAY, "to send", request(PAY, job_id=Unknown("job.id"), amount=Decimal(deposit))
        ),
    )  # fmt: skip


def row(
    number: int,
    key: str,
    *,
    bucket: Bucket = "not started",
    planned: tuple[PlannedCall, ...] = (),
    **more: Any,
) -> RowResult:
    return RowResult(number, key, (number * 2, number * 2 + 1), bucket, planned=planned, **more)


def plan(
    *rows: RowResult, show_all: bool = False, rows_read: int | None = None, **started: Any
) -> tuple[str, PlanText]:
    out = io.StringIO()
    reporter = PlanText(out, show_all=show_all)
    count = len(rows) if rows_read is None else rows_read
    reporter(RunStarted(0, "orders", "sandbox", count, count * 2, dry_run=True, **started))
    for each in rows:
        reporter(RowFinished(each))
    reporter(RunEnded(0, dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 0), 0, 1.5))
    return out.getvalue(), reporter


def test_the_whole_plan() -> None:
    done = PlannedCall("job", JOB, "done", request(JOB), run=3)
    text, reporter = plan(
        row(1, "PO-1", planned=order("a@b.example")),
        row(2, "PO-2", planned=order("c@d.example", lines=3, deposit="10.5")),
        row(3, "PO-3", bucket="rejected", reason="lines: item 1: quantity: is required"),
        row(4, "PO-4", bucket="done", reason="done in run 3", earlier_run=3, planned=(done,)),
        row(5, "PO-5", planned=order("e@f.example")),
        row(
            6,
            "PO-6",
            bucket="unknown",
            reason="job: its outcome in run 3 is unknown: runner settle 3",
        ),
    )
    assert (
        text
        == """\
DRY RUN  orders -> sandbox   nothing is sent
         6 rows from 12 lines

PO-1  lines 2-3
  contact  search_contacts  GET http://127.0.0.1:8765/v2/contacts?email=a%40b.example
  job      create_job       POST http://127.0.0.1:8765/v2/jobs
      client.id    (known after run: contact.id)
      description  "Jerseys for a@b.example"   inferred field
      only if GET /v2/jobs?since=2024-05-01 finds none
  lines    create_line      POST http://127.0.0.1:8765/v2/jobs/(known after run: job.id)/lines  x 2
      sku       "007"
      quantity  2
  deposit  create_payment   POST http://127.0.0.1:8765/v2/jobs/(known after run: job.id)/payments  250.00
      amount  250.00
      note: inferred operation

PO-3  lines 6-7  not sent: lines: item 1: quantity: is required
PO-6  lines 12-13  not sent, unknown: job: its outcome in run 3 is unknown: runner settle 3

like PO-1: PO-2, PO-5 (--all shows each)
1 row done before (run 3)

Plan: 6 rows: 3 to send, 1 done before, 1 unknown, 1 with problems; \
13 calls (3 create_job, 7 create_line, 3 create_payment)
Reads: 6 at least (3 search_contacts, 3 searches before a call); a list of several pages takes more
Money: 3 payments, 510.50
DRY RUN  nothing was sent
"""
    )
    assert (
        reporter.totals.rows["to send"],
        reporter.totals.rows["done before"],
        reporter.totals.rows["with problems"],
        reporter.totals.rows["unknown"],
        reporter.totals.rows["changed"],
    ) == (
        3,
        1,
        1,
        1,
        0,
    )


def test_all_shows_every_row_and_the_host_once_for_each_operation() -> None:
    done = PlannedCall("job", JOB, "done", request(JOB), run=3)
    text, _ = plan(
        row(1, "PO-1", planned=order("a@b.example")),
        row(2, "PO-2", planned=order("a@b.example")),
        row(
            3,
            "PO-3",
            bucket="done",
            earlier_run=3,
            planned=(done,),
            outputs={"job_number": 31987, "none": None},
        ),
        show_all=True,
    )
    assert text.count("client.id") == 2
    assert text.count("POST http://127.0.0.1:8765/v2/jobs\n") == 1
    assert text.count("POST /v2/jobs\n") == 1
    assert "PO-3  lines 6-7  done in run 3: job_number 31987\n" in text
    assert "of this shape" not in text


def test_items_are_drawn_apart_unless_they_are_equal() -> None:
    sent = [
        call(LINE, step="lines", item=n, job_id=1, sku=sku)
        for n, sku in enumerate(["A", "A", "B", "A"])
    ]
    text, _ = plan(row(1, "PO-1", planned=tuple(sent)))
    assert (
        """
PO-1  lines 2-3
  lines[1-2]  create_line  POST http://127.0.0.1:8765/v2/jobs/1/lines  x 2
      sku  "A"
  lines[3]    create_line  POST /v2/jobs/1/lines
      sku  "B"
  lines[4]    create_line  POST /v2/jobs/1/lines
      sku  "A"
"""
        in text
    )


def test_states_that_send_nothing_or_maybe() -> None:
    undecided = PlannedCall(
        "deposit",
        PAY,
        "undecided",
        request(PAY, job_id=1, amount=Decimal(5)),
        reason="job.total > 0",
    )
    text, reporter = plan(
        row(1, "PO-1", planned=(
            PlannedCall("job", JOB, "done", request(JOB), run=3),
            PlannedCall("lines", LINE, "skipped", reason="row.lines is false"),
            undecided,
            call(PAY, step="rest", job_id=1, amount=Unknown("job.rest")),
        )),
        row(2, "PO-2", planned=(PlannedCall("job", JOB, "skipped", reason="row.wanted is false"),)),
        row(3, "PO-3", planned=(PlannedCall("contact", SEARCH, "to read", request(SEARCH)),)),
        row(4, "PO-4", bucket="rejected", planned=(
            PlannedCall("job", JOB, "changed", request(JOB), reason="changed since it was done in run 3: sku", run=3),
        )),
    )  # fmt: skip
    assert (
        text.partition("\n\n")[2]
        == """\
PO-1  lines 2-3
  job      create_job      done in run 3
  lines    create_line     skipped: row.lines is false
  deposit  create_payment  POST http://127.0.0.1:8765/v2/jobs/1/payments  5.00
      amount  5
      note: inferred operation
      only when job.total > 0: decided by the run
  rest     create_payment  POST /v2/jobs/1/payments  (known after run: job.rest)
      amount  (known after run: job.rest)

PO-2  lines 4-5
  job  create_job  skipped: row.wanted is false

PO-3  lines 6-7
  contact  search_contacts  GET http://127.0.0.1:8765/v2/contacts

PO-4  lines 8-9  set aside: job: changed since it was done in run 3: sku

Plan: 4 rows: 1 to send, 1 only read, 1 with nothing to do, 1 changed; 2 calls (2 create_payment)
      1 of the calls only if the run finds that their condition holds
Reads: 1 at least (1 search_contacts); a list of several pages takes more
Money: 1 payment, 5.00; 1 of them (5.00) only if their condition holds; \
1 payment whose amount is only known after the run
DRY RUN  nothing was sent
"""
    )
    assert reporter.totals.rows["changed"] == 1


def test_a_row_of_another_shape_is_drawn() -> None:
    text, _ = plan(
        row(1, "A", planned=(call(JOB, description="x"),)),
        row(2, "B", planned=(call(JOB, description="y", sku="S"),)),
        row(3, "C", planned=(call(JOB, description="z"),)),
    )
    assert text.count("create_job  POST") == 2
    assert "like A: C (--all shows each)\n\nPlan" in text


def test_rows_of_a_shape_are_named_as_long_as_they_are_few() -> None:
    rows = [row(n, f"R-{n}", planned=(call(JOB, description="x"),)) for n in range(1, 8)]
    odd = [row(n, f"R-{n}", planned=(call(JOB, description="x", sku="S"),)) for n in range(8, 11)]
    text, _ = plan(*rows, *odd)
    assert (
        "like R-1: 6 more rows of this shape (--all shows each)\nlike R-8: R-9, R-10 (--all shows each)\n"
        in text
    )


def test_reads_leave_a_row_done_before() -> None:
    planned = (
        PlannedCall("contact", SEARCH, "to read", request(SEARCH)),
        PlannedCall("job", JOB, "found", request(JOB), run=2),
    )
    text, reporter = plan(row(1, "A", planned=planned))
    assert "1 row done before (run 2)" in text
    assert reporter.totals.rows["done before"] == 1
    assert "Plan: 1 row: 0 to send, 1 done before; 0 calls\nMoney: none\n" in text


def test_a_part_of_the_rows_and_a_stop() -> None:
    out = io.StringIO()
    reporter = PlanText(out)
    reporter(RunStarted(0, "orders", "sandbox", 40, 0, dry_run=True, writes_before=118))
    reporter(
        RowFinished(RowResult(1, "", (), "not started", planned=(call(JOB, description="x"),)))
    )
    reporter(RunEnded(0, {}, {}, 8, 0.1, "the file changed", "start again"))
    assert (
        out.getvalue()
        == """\
DRY RUN  orders -> sandbox   nothing is sent
         earlier runs finished 118 calls; none is sent again

row 1
  job  create_job  POST http://127.0.0.1:8765/v2/jobs
      description  "x"   inferred field

Plan: 1 of 40 rows: 1 to send; 1 call (1 create_job)
Money: none
Stopped: the file changed
         start again
DRY RUN  nothing was sent
"""
    )


def test_operations_of_two_apis_with_one_name_are_told_apart() -> None:
    other = operation("create_job", "/jobs", api="deco")
    text, _ = plan(row(1, "A", planned=(call(JOB), call(other, step="copy"))))
    assert "2 calls (1 shop.create_job, 1 deco.create_job)" in text


def test_values_stand_as_they_are_sent() -> None:
    planned = call(
        JOB,
        description='\x1b]0;t\x07 "q" ü',
        tags=["a", "b"],
        amount=Decimal("1E+3"),
        client={"id": 5, "x": True},
    )
    text, _ = plan(row(1, "A\x1b[31m", planned=(planned,)))
    assert (
        """
A\\x1b[31m  lines 2-3
  job  create_job  POST http://127.0.0.1:8765/v2/jobs
      description  "\\u001b]0;t\\x07 \\"q\\" ü"   inferred field
""".replace("\\x07", "\\u0007")
        in text
    )
    assert (
        '      tags[0]      "a"\n      tags[1]      "b"\n      amount       1000\n      client.id    5\n'
        in text
    )
    assert "      client.x     true   not in the API document, sent as it is\n" in text
    assert "\x1b" not in text


def test_headers_of_a_call_are_shown() -> None:
    sent = Request(
        "POST", f"{BASE}/jobs", headers={"x-tenant": "7"}, notes=("x-tenant: inferred parameter",)
    )
    text, _ = plan(row(1, "A", planned=(PlannedCall("job", JOB, "to send", sent),)))
    assert '      header x-tenant  "7"\n      note: x-tenant: inferred parameter\n' in text


def test_a_note_that_all_fields_have_is_said_once() -> None:
    notes = ("a: inferred field", "b: inferred field", "c.d: inferred field")
    sent = Request("POST", f"{BASE}/jobs", body={"a": 1, "b": 2, "c": {"d": 3}}, notes=notes)
    text, _ = plan(row(1, "A", planned=(PlannedCall("pay", PAY, "to send", sent),)))
    fields = "      a    1\n      b    2\n      c.d  3\n"
    assert (
        f"{fields}      note: inferred operation\n      note: all fields: inferred field\n" in text
    )


def test_empty_objects_and_nothing_at_all_in_a_body() -> None:
    sent = Request("POST", f"{BASE}/jobs", body={"a": {}, "b": [], "c": None})
    text, _ = plan(row(1, "A", planned=(PlannedCall("job", JOB, "to send", sent),)))
    assert "      a  {}\n      b  []\n      c  null\n" in text


@pytest.mark.parametrize(
    "event", [Waiting("429", 3.0), CallFinished("contact", SEARCH, "done", 200, 0.1)]
)
def test_reads_of_lookups_are_not_drawn(event: CallFinished | Waiting) -> None:
    out = io.StringIO()
    PlanText(out)(event)
    assert out.getvalue() == ""
