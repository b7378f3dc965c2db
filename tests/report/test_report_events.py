"""Events as JSON: every kind of them, each line valid under the schema, nothing that a terminal would obey."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from cli.command import TREE

from runner.engine.events import (
    BUCKETS,
    CallFinished,
    Checking,
    Event,
    Noticed,
    RowFinished,
    RowResult,
    RowsRead,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.journal import Identity
from runner.report.events import Events

from .test_report_console import PAY

SCHEMA = json.loads((TREE / "schemas" / "events.schema.json").read_text())
CALL = CallFinished(
    "deposit", PAY, "unknown", 0, 0.12345, Decimal("12.10"), "lost \u202e\x1b]0;", "PO\ud800", 3,
    Identity("a", "orders", "row", "PO", "deposit", "2"), "/x?y=1", 2, "77", "2",
)  # fmt: skip
EVERY: list[Event] = [
    RunStarted(4, "orders", "sandbox", 2, 3, dry_run=False, again=("A",), pace="2/s"),
    RowsRead("shop.list", 10),
    CALL,
    Waiting("429", 2.0),
    Noticed("a list moved"),
    RowFinished(
        RowResult(
            1, "A", (2, 3), "done", "", {"id": 7, "paid": Decimal("1.50")}, money=Decimal("1E+2")
        )
    ),
    RunEnded(4, dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 1), 5, 1.5, "stopped", "go on"),
]


def told(*events: Event) -> list[str]:
    out = io.StringIO()
    writer = Events(out, now=lambda: dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    for event in events:
        writer(event)
    writer.files({"results": Path("/x/results.csv")})
    return out.getvalue().splitlines()


def check(line: str) -> Mapping[str, Any]:
    event: Mapping[str, Any] = json.loads(line)
    jsonschema.Draft202012Validator(SCHEMA).validate(event)
    return event


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_event_is_described() -> None:
    assert {type(event) for event in EVERY} == set(get_args(Event)) - {Checking}
    (line,) = told(Checking("checked", 1, 2))
    assert check(line)["event"] == "files"
    names = [check(line)["event"] for line in told(*EVERY)]
    assert names == [
        "run_started",
        "rows_read",
        "call",
        "waiting",
        "note",
        "row",
        "run_ended",
        "files",
    ]
    assert set(names) == set(SCHEMA["properties"]["event"]["enum"])


def test_a_call() -> None:
    line = told(CALL)[0]
    assert line.isprintable()
    assert check(line) == {
        "version": 1, "at": "2026-03-01T00:00:00.000+00:00", "event": "call", "row": 3, "key": "PO\\ud800",
        "step": "deposit", "item": "2", "operation": "shop.create_payment", "effect": "create", "method": "POST",
        "path": "/x?y=1", "attempt": 2, "state": "unknown", "status": 0, "seconds": 0.123, "amount": "12.10",
        "id": "77", "reason": "lost \u202e\x1b]0;",
    }  # fmt: skip


def test_an_amount_is_exact_text() -> None:
    assert check(told(EVERY[5])[0])["amount"] == "100"
    assert '"paid":1.50' in told(EVERY[5])[0]


@pytest.mark.parametrize("spoil", [{"version": 2}, {"event": "tea"}, {"status": "x"}, {"more": 1}])
def test_the_schema_refuses(spoil: Mapping[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(json.dumps({**json.loads(told(CALL)[0]), **spoil}))
