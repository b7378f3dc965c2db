"""created.csv: only what is committed, as it happens; whole, and in the order of sending, from the journal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.catalogue import Catalogue
from runner.engine.events import CallFinished, RunEnded, RunStarted
from runner.journal import CallRecord, History, Identity, Journal, RunRecord
from runner.problems import StoppedError
from runner.report.created import COLUMNS, Created

SHOP = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "http://127.0.0.1:1"}]
paths:
  /orders:
    post:
      operationId: create_order
      x-runner-id: number
      x-runner-link: https://shop.example.com/orders/{number}?tab={tab}
      responses:
        "201":
          description: made
          content:
            application/json:
              schema: {type: object, properties: {number: {type: integer}, tab: {type: string}}}
"""
START = RunStarted(1, "orders", "sandbox", 1, 1, dry_run=False)
END = RunEnded(1, {}, {}, 0, 0.0)
RUN = RunRecord(
    "orders", "sandbox", "a", "", "", "", "", "{}", "2026-03-01", "2026-03-01T10:00:00+00:00"
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "shop.openapi.yaml"
    path.write_text(SHOP)
    return Catalogue({"shop": path})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "runs") as journal:
        journal.begin(RUN)
        yield journal


def call(step: str, at: str, answer: str, **more: str) -> CallRecord:
    record = CallRecord(
        Identity("a", "orders", "row", "=PO-1", step, ""), "shop.create_order", "create", 1, "done", "POST", "/orders",
        "", row=7, sent_at=f"2026-03-01T10:00:{at}+00:00", answer=answer,
    )  # fmt: skip
    return record._replace(**more)  # type: ignore[arg-type]


def told(catalogue: Catalogue, record: CallRecord) -> CallFinished:
    operation = catalogue.operation("shop.create_order")
    return CallFinished(record.identity.step, operation, "done", 201, 0.1, identity=record.identity)


def read(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "created.csv").read_text("utf-8-sig"))))


def test_a_line_for_each_call_that_is_committed(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    created = Created(tmp_path / "1", History(tmp_path / "runs"), catalogue, run=1)
    created(START)
    assert read(tmp_path / "1") == []
    first, second = call("b", "02", '{"number": 8, "tab": "x y"}'), call("a", "01", '{"number": 7}')
    journal.record(first, at=first.sent_at)
    created(told(catalogue, first))
    journal.record(second, at=second.sent_at)
    created(told(catalogue, second))
    assert read(tmp_path / "1") == []  # neither of them is on the disk
    journal.flush()
    created(told(catalogue, second))
    assert [row["id"] for row in read(tmp_path / "1")] == ["8", "7"]
    unfinished = created.path
    assert unfinished is None
    created(END)
    assert [row["id"] for row in read(tmp_path / "1")] == ["7", "8"]  # as they were sent
    assert created.path == tmp_path / "1" / "created.csv"
    assert created.path.stat().st_mode & 0o077 == 0


def test_what_a_line_says(tmp_path: Path, journal: Journal, catalogue: Catalogue) -> None:
    order = call("order", "01", '{"number": 8, "tab": "x y"}', amount="12.10", body='{"no": 1}')
    change = call("change", "02", '{"number": 8}', effect="update", body='{"status": "x"}')
    journal.record(order, at=order.sent_at)
    journal.record(change, at=change.sent_at)
    gone = call("gone", "03", '{"id": 5}', operation="shop.of_before")
    journal.record(gone, at=gone.sent_at)
    journal.record(call("lost", "04", "", state="unknown"), at="")
    journal.record(call("read", "05", "{}", effect="read"), at="")
    journal.record(call("other", "06", "{}", run=2), at="")  # type: ignore[arg-type]
    journal.flush()
    created = Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1)
    created.write()
    rows = read(tmp_path)
    assert [row["step"] for row in rows] == ["order", "change", "gone"]
    assert rows[0] == dict.fromkeys(COLUMNS, "") | {
        "time": "2026-03-01 10:00:01Z", "effect": "create", "operation": "shop.create_order", "id": "8",
        "key": "'=PO-1", "row": "7", "step": "order", "amount": "12.10",
        "link": "https://shop.example.com/orders/8?tab=x%20y",
    }  # fmt: skip
    assert (rows[1]["sent"], rows[1]["link"]) == ('{"status": "x"}', "")
    assert (rows[2]["id"], rows[2]["link"]) == ("5", "")
    assert dict(created.made.counts) == {
        ("create", "shop.create_order"): 1, ("update", "shop.create_order"): 1, ("create", "shop.of_before"): 1,
    }  # fmt: skip


def test_a_run_that_goes_on_begins_with_what_it_made_before(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "created.csv").write_text("time,eff")  # torn by a kill
    made = call("order", "01", '{"number": 8}')
    journal.record(made, at=made.sent_at)
    journal.flush()
    created = Created(tmp_path / "1", History(tmp_path / "runs"), catalogue, run=1)
    created(START)
    assert [row["id"] for row in read(tmp_path / "1")] == ["8"]
    created.close()
    created.close()


def test_a_whole_file_of_before_is_added_to(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    journal.record(call("order", "01", '{"number": 8}'), at="01")
    journal.flush()
    created = Created(tmp_path / "1", History(tmp_path / "runs"), catalogue, run=1)
    created(START)
    created.close()
    path = tmp_path / "1" / "created.csv"
    path.write_bytes(path.read_bytes().replace(b"8", b"9"))
    created(START)
    assert [row["id"] for row in read(tmp_path / "1")] == ["9"], (
        "it was made anew before anything was sent"
    )
    created(END)
    assert [row["id"] for row in read(tmp_path / "1")] == ["9"], (
        "the line was there and was made anew"
    )
    created.write()
    assert [row["id"] for row in read(tmp_path / "1")] == ["8"]
    created.close()


def test_a_report_meanwhile_leaves_the_file_of_the_run_whole(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    created = Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1)
    created(START)
    other = Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1, live=False)
    for number in (8, 9):
        made = call(f"order{number}", str(number).zfill(2), f'{{"number": {number}}}')
        journal.record(made, at=made.sent_at)
        journal.flush()
        created(told(catalogue, made))
        other(START)
        other(END)
    created(END)
    assert [row["id"] for row in read(tmp_path)] == ["8", "9"]


def test_a_file_that_cannot_be_written_stops(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "created.csv").mkdir()
    created = Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1)
    with pytest.raises(StoppedError, match=r"created\.csv cannot be written: is a directory"):
        created(START)


def test_the_end_keeps_whole_lines_and_mends_the_others(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    for number in range(1, 7):
        made = call(
            f"s{number}",
            f"0{number}",
            f'{{"number": {number}}}',
            effect="update",
            body='{"text": "a,\n"b"}',
        )
        journal.record(made, at=made.sent_at)
    journal.flush()
    created = Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1)
    created.write()
    path = tmp_path / "created.csv"
    whole = path.read_bytes()
    head, *rest = whole.split(b"\n2026")
    lines = [b"2026%b\n" % line.removesuffix(b"\n") for line in rest]
    alien = b"2026-03-01 10:00:09Z" + lines[0][20:]
    torn = lines[5][: len(lines[5]) // 2]
    path.write_bytes(
        b"".join([head, lines[2], b"no line\n", lines[0], alien, lines[3], b'"x\n', lines[4], torn])
    )
    created(START)
    created(END)
    assert path.read_bytes() == whole
    assert sum(created.made.counts.values()) == 6
