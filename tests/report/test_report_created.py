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
from runner.report.files.created import COLUMNS, Created

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
        "link": "https://shop.example.com/orders/8?tab=x%20y", "call": "1",
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
    assert created.strange == 0
    created.write()
    assert [row["id"] for row in read(tmp_path / "1")] == ["8", "9"], (
        "what the journal does not know is not dropped"
    )
    assert created.strange == 1
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
        b"".join(
            [
                head + b"\n",
                lines[2],
                b"no line\n",
                lines[0],
                alien,
                lines[3],
                b'"x\n',
                lines[4],
                torn,
            ]
        )
    )
    created(START)
    created(END)
    assert path.read_bytes() == whole + b'no line\n"x\n'  # who knows what they are; they stay
    assert sum(created.made.counts.values()) == 6
    path.write_bytes(whole + torn)
    created.write()
    assert path.read_bytes() == whole


def test_a_line_that_the_journal_cannot_explain_is_never_dropped(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    """Neither by a run that goes on, whether its file ends well or is torn, nor by a report."""
    known = call("order", "01", '{"number": 8}')
    journal.record(known, at=known.sent_at)
    journal.flush()
    folder, path = tmp_path / "1", tmp_path / "1" / "created.csv"
    for torn in (b"", b"2026-03-01 10:00:0"):
        created = Created(folder, History(tmp_path / "runs"), catalogue, run=1)
        created(START)
        created(END)
        path.write_bytes(path.read_bytes().replace(b",8,", b",77,") + torn)
        for live in (True, False):
            created = Created(folder, History(tmp_path / "runs"), catalogue, run=1, live=live)
            created(START)
            created(END)
            assert "77" in {row["id"] for row in read(folder)}
        assert {row["id"] for row in read(folder)} == {"8", "77"}
        path.unlink()


def check(tmp_path: Path, catalogue: Catalogue) -> None:
    Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1).check()


def whole_file(tmp_path: Path, catalogue: Catalogue) -> Path:
    Created(tmp_path, History(tmp_path / "runs"), catalogue, run=1).write()
    return tmp_path / "created.csv"


def test_the_journal_knows_each_line(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    for number in range(1, 4):
        made = call(f"s{number}", f"0{number}", f'{{"number": {number}, "old_number": 6}}')
        journal.record(made, at=made.sent_at)
    journal.flush()
    path = whole_file(tmp_path, catalogue)
    whole = path.read_bytes()
    check(tmp_path, catalogue)
    lines = whole.splitlines(keepends=True)
    for fine in (
        b"",
        lines[0][:9],
        whole + lines[2],  # a line twice
        whole + lines[3][:30],  # a torn one
        whole + b"\0" * 40,
        whole.replace(b"\n", b"\r\n"),  # saved by a spreadsheet
        b"".join([lines[0], *reversed(lines[1:])]),
        whole.replace(b",2,", b",6,"),  # the id was another field once
    ):
        path.write_bytes(fine)
        check(tmp_path, catalogue)
    for wrong in (
        whole.replace(b",2,", b",9,"),
        whole + lines[2].replace(b",2,", b",4,"),
        whole + b"2026-03-01 10:00:09Z,create,shop.create_order,4,PO-9,9,s9,,,,,9\n",
        whole + b"2026-03-01 10:00:09Z,create,shop.create_order,4",
        whole + b"4\n",
        b"time;effect;operation\n",
    ):
        path.write_bytes(wrong)
        with pytest.raises(StoppedError, match=r"created\.csv has a line that the journal"):
            check(tmp_path, catalogue)


def items(journal: Journal, *, numbers: range = range(1, 4)) -> None:
    """Items that are told apart by their position: identities from 0, in one second."""
    for number in numbers:
        made = call("lines", "01", f'{{"number": {number}}}')
        identity = made.identity._replace(item=str(number - 1))
        journal.record(made._replace(identity=identity, position=number), at=made.sent_at)
    journal.flush()


def as_before(whole: bytes) -> bytes:
    """The file as earlier versions wrote it: items from 0, and no number of the call."""
    head, *lines = whole.decode("utf-8-sig").splitlines()
    former = [head.removesuffix(",call")]
    for line in lines:
        *cells, _ = line.split(",")
        cells[7] = str(int(cells[7]) - 1)
        former.append(",".join(cells))
    return "\ufeff".encode() + "".join(f"{line}\n" for line in former).encode()


def test_items_are_counted_from_1(tmp_path: Path, journal: Journal, catalogue: Catalogue) -> None:
    items(journal)
    path = whole_file(tmp_path, catalogue)
    assert [(line["item"], line["id"], line["call"]) for line in read(path.parent)] == [
        ("1", "1", "1"), ("2", "2", "2"), ("3", "3", "3")
    ]  # fmt: skip


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_file_of_an_earlier_version_is_known_and_rewritten(
    tmp_path: Path, journal: Journal, catalogue: Catalogue, *, goes_on: bool
) -> None:
    items(journal)
    path = whole_file(tmp_path, catalogue)
    whole = path.read_bytes()
    former = as_before(whole)
    for fine in (former, former + former.splitlines(keepends=True)[1][:70]):
        path.write_bytes(fine)
        check(tmp_path, catalogue)
    created = Created(path.parent, History(tmp_path / "runs"), catalogue, run=1, live=goes_on)
    if goes_on:
        created(START)
        items(journal, numbers=range(4, 5))
        created(END)
    else:
        created.write()
    assert created.strange == 0
    assert path.read_bytes().startswith(whole)
    check(tmp_path, catalogue)


def test_a_line_that_neither_way_to_count_explains(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    """The journal lacks the last item: counted in the other way, its line would be that of the item before."""
    items(journal, numbers=range(1, 3))
    path = whole_file(tmp_path, catalogue)
    whole = path.read_bytes()
    third = b"2026-03-01 10:00:01Z,create,shop.create_order,3,'=PO-1,7,lines,%d,,,"
    for wrong in (
        whole + third % 3 + b",3\n",
        as_before(whole) + third % 2 + b"\n",
        as_before(whole) + third % 1 + b"\n",
        as_before(whole).replace(b",2,'", b",3,'"),
        whole + third % 2 + b"\n",
    ):
        path.write_bytes(wrong)
        with pytest.raises(StoppedError, match=r"created\.csv has a line that the journal"):
            check(tmp_path, catalogue)


def test_what_another_run_has_sent_again_is_explained(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    """An update is sent again by a later run, under the same identity; its outcome replaces the one of before."""
    first = call("change", "01", '{"number": 8}', effect="update")
    journal.record(first, at=first.sent_at)
    journal.flush()
    whole_file(tmp_path, catalogue)
    for state in ("done", "rejected", "unknown"):
        later = first._replace(run=2, state=state, sent_at="2026-03-02T10:00:00+00:00", answer="")
        journal.record(later, at=later.sent_at)
        journal.flush()
        check(tmp_path, catalogue)


def test_an_older_journal_of_the_same_run_does_not_know_them(
    tmp_path: Path, journal: Journal, catalogue: Catalogue
) -> None:
    """The intent of a call may be there and its outcome may not: half of a -wal file."""
    done = call("order", "01", '{"number": 8}')
    journal.record(done, at=done.sent_at)
    journal.flush()
    whole_file(tmp_path, catalogue)
    with Journal(tmp_path / "older") as older:
        older.begin(RUN)
        older.intend(done._replace(state="intent", answer=""))
    created = Created(tmp_path, History(tmp_path / "older"), catalogue, run=1)
    with pytest.raises(
        StoppedError, match=r"line 2 first: create shop\.create_order 8 for"
    ) as told:
        created.check()
    assert "put back the journal of that time" in told.value.remedy
