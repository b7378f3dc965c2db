"""What `runner runs`, `runner show` and `runner settle` print, exactly, from records made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runner.journal import CallRecord, Identity, RowRecord, RunRecord
from runner.journal.open_runs import Left
from runner.problems import UsageError
from runner.report.history import runs_table, settle_text, show_run

RUN = RunRecord(
    recipe="orders",
    target="sandbox",
    account="sandbox",
    recipe_file="orders.yaml",
    recipe_digest="ab" * 32,
    input_file="orders.csv",
    input_digest="cd" * 32,
    vars="{}",
    date="2024-05-01",
    started_at="2024-05-01T10:00:00.000+00:00",
    state="finished",
    exit_code=5,
    finished_at="2024-05-01T10:01:00.000+00:00",
    line_count=9,
    row_count=5,
    id=4,
)


def call(
    number: int,
    key: str,
    step: str,
    state: str = "done",
    *,
    row: int,
    item: str = "",
    **more: str | int,
) -> CallRecord:
    record = CallRecord(
        identity=Identity("sandbox", "orders", "row", key, step, item),
        operation=f"shop.create_{step}",
        effect="create",
        run=4,
        state="done",
        method="POST",
        url=f"http://127.0.0.1:8765/v2/{step}",
        digest="00",
        status=201,
        sent_at="2024-05-01T10:00:01.000+00:00",
        row=row,
        id=number,
    )
    return record._replace(state=state, **more)  # type: ignore[arg-type]


ROWS = [
    RowRecord(4, 1, "PO-1", "[2,3]", "done", "", '{"job_number":31987,"none":null}'),
    RowRecord(4, 2, "PO-2", "[4]", "rejected", "job: 422 no"),
    RowRecord(4, 3, "PO-3", "[5,6]", "unknown", "deposit: connection lost"),
    RowRecord(4, 4, "PO-4", "[]", "unknown", "the run was killed", reached=0),
]
CALLS = [
    call(1, "PO-1", "job", row=1, answer='{"number":"x","id":31987}'),
    call(2, "PO-1", "lines", row=1, item="0", answer='{"line_id":5}'),
    call(3, "PO-2", "job", "rejected", row=2, status=422, reason="422 no"),
    call(4, "PO-3", "job", row=3, answer='{"id":31988}'),
    call(
        5,
        "PO-3",
        "deposit",
        "unknown",
        row=3,
        status=0,
        amount="1210",
        body='{"amount":1210}',
        reason="connection lost",
    ),
    call(6, "PO-4", "job", "intent", row=4, status=0),
]


def test_runs() -> None:
    running = RUN._replace(id=12, recipe="n\x1b1", state="running", exit_code=None, row_count=1)
    assert (
        runs_table([RUN, running], {4: {"done": 1, "rejected": 1, "unknown": 1}, 12: {}})
        == """\
run  recipe  target   started               state     exit  rows  done  found  changed  rejected  unknown  not started
  4  orders  sandbox  2024-05-01 10:00:00Z  finished     5     5     1      0        0         1        1            2
 12  n\\x1b1  sandbox  2024-05-01 10:00:00Z  running            1     0      0        0         0        0            1
"""
    )


def test_a_run_that_was_killed_can_be_gone_on_with() -> None:
    killed = RUN._replace(state="killed", exit_code=None)
    left = [Left(killed, not_started=5, unknown=0, settled=0)]
    assert runs_table([killed], {}, left=left).endswith(
        "run 4 was killed; go on with: runner resume 4\n"
    )
    told = show_run(killed, iter(ROWS), CALLS, key=None, limit=0)
    assert "  state     killed, no end is on record; go on with: runner resume 4\n" in told


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (Left(RUN, 0, 0, 0), []),
        (Left(RUN, 0, 2, 0), ["run 4: 2 rows unknown; settle with: runner settle 4"]),
        (
            Left(RUN, 3, 1, 1),
            [
                "run 4: 1 row unknown; settle with: runner settle 4",
                "run 4: 1 row was unknown, and settled since; go on with: runner resume 4",
                "run 4: 3 rows not started; go on with: runner resume 4",
            ],
        ),
        (Left(RUN, 3, 0, 2, covered_by=6), ["run 4: 2 rows were unknown, and settled since"]),
        (
            Left(RUN._replace(state="stopped", reason="no more today"), 3, 0, 0),
            ["run 4 was stopped: no more today; go on with: runner resume 4"],
        ),
    ],
)
def test_what_is_left_of_a_run(left: Left, said: list[str]) -> None:
    assert runs_table([left.run], {}, left=[left]).splitlines()[2:] == said


def test_no_runs_is_a_header_alone() -> None:
    assert runs_table([], {}).count("\n") == 1


def test_show() -> None:
    assert (
        show_run(RUN, iter(ROWS), CALLS, key=None, limit=0)
        == """\
run 4  orders -> sandbox
  state     finished, exit code 5
  started   2024-05-01 10:00:00Z
  finished  2024-05-01 10:01:00Z
  account   sandbox
  recipe    orders.yaml  sha256 abababababab
  input     orders.csv  sha256 cdcdcdcdcdcd
  rows      5 rows from 9 lines: 1 done, 1 rejected, 2 unknown, 1 not started

UNKNOWN      PO-3  lines 5-6  deposit: connection lost
  job      call 4  done     201  POST  http://127.0.0.1:8765/v2/job                id 31988
  deposit  call 5  UNKNOWN       POST  http://127.0.0.1:8765/v2/deposit  1,210.00            connection lost
UNKNOWN      PO-4  the run was killed
  job  call 6  UNKNOWN    POST  http://127.0.0.1:8765/v2/job      no outcome was recorded
rejected     PO-2  line 4  job: 422 no
  job  call 3  rejected  422  POST  http://127.0.0.1:8765/v2/job      422 no
done         PO-1  lines 2-3  job_number 31987
  job       call 1  done  201  POST  http://127.0.0.1:8765/v2/job      id 31987
  lines[0]  call 2  done  201  POST  http://127.0.0.1:8765/v2/lines    id 5
"""
    )


def test_show_one_row_with_all_that_was_sent() -> None:
    text = show_run(RUN, iter(ROWS), CALLS, key="PO-3", limit=20)
    assert (
        text.partition("\n\n")[2]
        == """\
UNKNOWN      PO-3  lines 5-6  deposit: connection lost
  job      call 4  done     201  POST  http://127.0.0.1:8765/v2/job                id 31988
    answered  {"id":31988}
    at        2024-05-01 10:00:01Z
  deposit  call 5  UNKNOWN       POST  http://127.0.0.1:8765/v2/deposit  1,210.00            connection lost
    sent      {"amount":1210}
    at        2024-05-01 10:00:01Z
"""
    )


def test_show_is_limited_with_the_unknown_first() -> None:
    text = show_run(RUN, iter(ROWS), CALLS, key=None, limit=1)
    assert "UNKNOWN      PO-3" in text
    assert "PO-4" not in text
    assert text.endswith("\nand 3 more rows: --limit 4 shows all, --key KEY one of them\n")


def test_show_a_key_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="run 4 has no row with the key 'PO-9'"):
        show_run(RUN, iter(ROWS), CALLS, key="PO-9", limit=0)


def test_a_row_that_is_not_done_shows_what_other_runs_have_sent_for_it() -> None:
    earlier = call(7, "PO-3", "job", row=9, answer='{"id":31988}')._replace(run=2)
    on_record = {"PO-3": [earlier, CALLS[4]], "PO-1": [earlier]}

    def writes_of(keys: Sequence[str]) -> dict[str, list[CallRecord]]:
        return {key: calls for key, calls in on_record.items() if key in keys}

    text = show_run(RUN, ROWS, CALLS[4:5], key=None, limit=0, writes_of=writes_of)
    assert "  job      call 7  done     201" in text
    assert "id 31988  sent in run 2\n" in text
    assert text.count("call 7") == text.count("call 5") == 1


def test_settle() -> None:
    once = call(8, "ACME", "contact", "intent", row=7, status=0, item="a", sent_at="")
    once = once._replace(identity=once.identity._replace(per="once"))
    assert (
        settle_text([CALLS[4], once])
        == """\
call 5  deposit  shop.create_deposit
  recipe    orders, account sandbox
  key       PO-3
  amount    1,210.00
  sent      2024-05-01 10:00:01Z, run 4, row 3
  request   POST http://127.0.0.1:8765/v2/deposit
  body      {"amount":1210}
  reason    connection lost
  is there      runner settle 4 --call 5 --done ID --why "..."
  is not there  runner settle 4 --call 5 --absent --why "..."

call 8  contact  item a  shop.create_contact
  recipe    orders, account sandbox
  key       ACME  (once for all rows that share it)
  sent      at an unknown time, run 4, row 7
  request   POST http://127.0.0.1:8765/v2/contact
  reason    no outcome was recorded
  is there      runner settle 4 --call 8 --done ID --why "..."
  is not there  runner settle 4 --call 8 --absent --why "..."

2 calls to settle, 1,210.00
"""
    )
    assert settle_text([]) == ""


def test_answers_that_are_odd_are_shown_without_an_id() -> None:
    odd = [
        call(1, "PO-1", "a", row=1, answer="[1]"),
        call(2, "PO-1", "b", row=1, answer='{"x": 1}', amount="soon"),
        call(3, "PO-1", "c", row=1, answer='{"id": ' + "9" * 5000 + "}"),
    ]
    text = show_run(RUN, ROWS[:1], odd, key=None, limit=0)
    assert "soon" in text
    assert "id " + "9" * 5000 in text
