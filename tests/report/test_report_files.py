"""The results file and the retry file: every line once, in order, under its number; the retry file byte for byte."""

from __future__ import annotations

import csv
import io
import stat
import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from runner.engine.events import BUCKETS, Bucket, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import InvalidError, StoppedError
from runner.recipe.model import Column, Rows
from runner.report.files.results import Files
from runner.rows import Input, Row, open_input
from runner.template import Unknown, compile_template

START = RunStarted(1, "orders", "sandbox", 0, 0, dry_run=False)
END = RunEnded(1, {}, {}, 0, 0.0)


def source(
    folder: Path, content: bytes, *, name: str = "orders.csv", grouped: bool = True
) -> Input:
    path = folder / name
    path.write_bytes(content)
    columns = (Column("ref", "Ref"), Column("note", "Note"))
    key = compile_template("{{ row.ref }}")
    rows = Rows(group_by="ref" if grouped else "", key=key, columns=columns)
    return open_input(path, rows, scope={})


def result(row: Row, bucket: Bucket, reason: str = "", **outputs: Any) -> RowFinished:
    return RowFinished(RowResult(row.number, row.key, row.lines, bucket, reason, outputs))


def report(
    folder: Path,
    input_: Input | None,
    events: Sequence[RowFinished],
    *,
    outputs: Sequence[str] = (),
) -> Files:
    files = Files(folder, input_, outputs=outputs)
    files(START)
    for event in events:
        files(event)
    files(END)
    return files


def read(path: Path | None) -> list[list[str]]:
    assert path is not None
    return list(
        csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
    )


CONTENT = (
    b'\xef\xbb\xbfRef ,Note,Extra\r\nA,"two\nlines",x\r\n\r\n'
    b'B,=1+1,"y"\r\nA,more,  z \r\nC,+5,\r\nD,last,"no end"'
)


def test_results_and_retry(tmp_path: Path) -> None:
    input_ = source(tmp_path, CONTENT)
    a, b, c, d = input_
    events = [
        result(c, "unknown", "lost"),
        result(a, "rejected", "job: 422\nno", id=7),
        result(b, "done", id=8),
    ]
    files = report(tmp_path / "runs" / "1", input_, events, outputs=["id"])
    assert files.results_path is not None
    assert files.results_path.read_bytes() == (
        b"\xef\xbb\xbfline,key,row,bucket,reason,ids,links,id\n"
        b"2,A,1,rejected,job: 422\\nno,,,7\n"
        b"5,B,2,done,,,,8\n"
        b"6,A,1,rejected,job: 422\\nno,,,7\n"
        b"7,C,3,unknown,lost,,,\n"
        b"8,D,4,not started,,,,\n"
    )
    assert files.retry_path == tmp_path / "runs" / "1" / "retry.csv"
    assert files.retry_path.read_bytes() == (
        b'\xef\xbb\xbfRef ,Note,Extra\r\nA,"two\nlines",x\r\nA,more,  z \r\nD,last,"no end"'
    )
    assert [path.name for path in sorted(files.retry_path.parent.iterdir())] == [
        "results.csv",
        "retry.csv",
    ]
    assert d.key == "D"


def test_both_are_for_the_owner_alone(tmp_path: Path) -> None:
    files = report(tmp_path / "1", source(tmp_path, CONTENT), [])
    assert files.results_path is not None
    assert files.retry_path is not None
    for path in (files.results_path, files.retry_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_retry_file_is_input_again(tmp_path: Path) -> None:
    input_ = source(tmp_path, CONTENT)
    first = next(iter(input_))
    files = report(tmp_path / "1", input_, [result(first, "done")])
    assert files.retry_path is not None
    again = source(tmp_path / "1", files.retry_path.read_bytes(), name="again.csv")
    assert [row.key for row in again] == ["B", "C", "D"]


def test_tsv_stays_tsv(tmp_path: Path) -> None:
    files = report(tmp_path / "1", source(tmp_path, b"Ref\tNote\nA\t1,5\n", name="Orders.TSV"), [])
    assert files.retry_path is not None
    assert files.retry_path.name == "retry.tsv"
    assert files.retry_path.read_bytes() == b"Ref\tNote\nA\t1,5\n"


def test_nothing_left_leaves_no_retry_file(tmp_path: Path) -> None:
    input_ = source(tmp_path, CONTENT)
    report(tmp_path / "1", input_, [])
    assert (tmp_path / "1" / "retry.csv").exists()
    files = report(tmp_path / "1", input_, [result(row, "done") for row in input_])
    assert files.retry_path is None
    assert not (tmp_path / "1" / "retry.csv").exists()
    assert {line[3] for line in read(files.results_path)[1:]} == {"done"}


def test_a_retry_file_that_is_itself_the_input_is_kept(tmp_path: Path) -> None:
    input_ = source(tmp_path, CONTENT, name="retry.csv")
    files = report(tmp_path, input_, [result(row, "done") for row in input_])
    assert files.retry_path is None
    assert input_.path.read_bytes() == CONTENT


def test_a_row_told_twice_is_as_it_was_told_last(tmp_path: Path) -> None:
    input_ = source(tmp_path, b"Ref,Note\nA,1\n")
    (row,) = input_
    files = report(tmp_path / "1", input_, [result(row, "not started"), result(row, "done")])
    assert read(files.results_path)[1:] == [["2", "A", "1", "done", "", "", ""]]
    assert files.retry_path is None


def test_a_recipe_without_rows_has_one_line(tmp_path: Path) -> None:
    done = RowFinished(RowResult(1, "new-order", (), "done", "", {"job": 31987}))
    files = report(tmp_path / "1", None, [done], outputs=["job"])
    assert read(files.results_path) == [
        ["line", "key", "row", "bucket", "reason", "ids", "links", "job"],
        ["", "new-order", "1", "done", "", "", "", "31987"],
    ]
    assert files.retry_path is None


def test_a_recipe_without_rows_that_never_got_there(tmp_path: Path) -> None:
    assert read(report(tmp_path / "1", None, []).results_path)[1:] == [
        ["", "", "", "not started", "", "", ""]
    ]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-5.00", "'-5.00"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\uff1d1", "'\uff1d1"),
        ("a=b", "a=b"),
        (Decimal("-5.00"), "-5.00"),
        (Decimal("1E+3"), "1000"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        (date(2024, 5, 1), "2024-05-01"),
        ([{"id": Decimal("1.50")}], '[{"id":1.50}]'),
        ("half \ud800", "half \\ud800"),
        (Unknown("job.id"), "(known after run: job.id)"),
    ],
)
def test_cells(tmp_path: Path, value: Any, cell: str) -> None:
    done = RowFinished(RowResult(1, "A", (), "done", "", {"out": value}))
    assert read(report(tmp_path, None, [done], outputs=["out"]).results_path)[1][7] == cell


def test_keys_and_reasons_are_no_formulas_either_but_the_retry_file_keeps_them(
    tmp_path: Path,
) -> None:
    input_ = source(tmp_path, b"Ref,Note\n=cmd,+1\n")
    (row,) = input_
    files = report(tmp_path / "1", input_, [result(row, "rejected", "=no")])
    assert read(files.results_path)[1] == ["2", "'=cmd", "1", "rejected", "'=no", "", ""]
    assert files.retry_path is not None
    assert files.retry_path.read_bytes() == b"Ref,Note\n=cmd,+1\n"


def test_ids_and_links_are_text_whatever_the_api_calls_what_it_made(tmp_path: Path) -> None:
    named = RowResult(
        1, "A", (), "done", ids="=job \x1b]0;", links="https://app.example.com/jobs/5"
    )
    found = read(report(tmp_path, None, [RowFinished(named)]).results_path)[1]
    assert found[5:] == ["'=job \\x1b]0;", "https://app.example.com/jobs/5"]


def test_a_folder_that_cannot_be_made_stops_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    files = Files(tmp_path / "runs" / "1", None, outputs=())
    with pytest.raises(
        StoppedError, match=r"runs/1/results\.csv cannot be written: not a directory"
    ):
        files(START)


def test_a_results_file_that_cannot_take_its_place_stops(tmp_path: Path) -> None:
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(
        StoppedError, match=r"results\.csv cannot be written: is a directory"
    ) as error:
        report(tmp_path, None, [])
    assert "runner report" in error.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_an_input_that_changed_meanwhile_leaves_results_and_no_retry_file(tmp_path: Path) -> None:
    input_ = source(tmp_path, b"Ref,Note\nA,1\nB,2\n")
    first = next(iter(input_))
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "retry.csv").write_text("old")
    files = Files(tmp_path / "1", input_, outputs=())
    files(START)
    files(result(first, "done"))
    input_.path.write_bytes(b"Ref,Note\nA,1\nX,2\n")
    with pytest.raises(
        StoppedError,
        match=r"retry\.csv cannot be written: the input changed while it was being read",
    ):
        files(END)
    assert [line[:5] for line in read(files.results_path)[1:]] == [
        ["2", "A", "1", "done", ""], ["3", "", "", "not started", ""],
    ]  # fmt: skip
    assert not (tmp_path / "1" / "retry.csv").exists()


def test_a_line_that_the_input_does_not_have_is_a_bug(tmp_path: Path) -> None:
    files = Files(tmp_path, source(tmp_path, b"Ref,Note\nA,1\n"), outputs=())
    with pytest.raises(ValueError, match="no record begins on line 9"):
        files(RowFinished(RowResult(1, "A", (9,), "done")))
    files.close()
    files.close()


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
records = st.lists(st.tuples(st.integers(0, 5), texts, st.booleans()), min_size=1, max_size=12)


@given(
    records=records, data=st.data(), ending=st.sampled_from(["\n", "\r\n"]), grouped=st.booleans()
)
def test_every_line_is_in_exactly_one_bucket(
    *, records: list[tuple[int, str, bool]], data: st.DataObject, ending: str, grouped: bool
) -> None:
    lines, expected, raw, number = [f"Ref,Note{ending}"], [], {}, 2
    for place, (ref, note, blank) in enumerate(records):
        key = f"K{ref}" if grouped else f"K{place}"
        cell = note.replace('"', '""')
        if blank:
            lines.append(ending)
            number += 1
        text = f'{key},"{cell}"{ending}'
        expected.append((number, key))
        raw[number] = text.encode()
        lines.append(text)
        number += len(text.encode().split(b"\n")) - 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            input_ = source(folder, "".join(lines).encode(), grouped=grouped)
        except InvalidError:  # a cell such as NULL, which is refused before there are rows
            reject()
        rows = data.draw(st.permutations(list(input_)))
        finished = rows[: data.draw(st.integers(0, len(rows)))]
        buckets = {row.key: data.draw(st.sampled_from(BUCKETS)) for row in finished}
        files = report(
            folder / "1",
            input_,
            [result(row, buckets[row.key], note=row.key) for row in finished],
            outputs=["note"],
        )
        found = read(files.results_path)[1:]
        retry = files.retry_path.read_bytes() if files.retry_path else None
    assert [(int(line), key) for line, key, *_ in found] == expected
    assert [line[3] for line in found] == [buckets.get(key, "not started") for _, key in expected]
    numbers = {row.key: str(row.number) for row in rows}
    assert [line[2] for line in found] == [numbers[key] for _, key in expected]
    left = [
        raw[number]
        for number, key in expected
        if buckets.get(key, "not started") in ("rejected", "not started")
    ]
    assert retry == (lines[0].encode() + b"".join(left) if left else None)


def test_a_full_disk_is_told_once_and_not_again_by_closing(tmp_path: Path) -> None:
    files = Files(tmp_path, None, outputs=())
    files._spool = Path("/dev/full").open("w+b", buffering=100)  # noqa: SIM115 - closed by what is tried out
    files._spool.write(b"x")
    files.close()
    assert files._spool is None
