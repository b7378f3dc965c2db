"""What the page of a run holds, without a browser: the same totals as elsewhere, nothing secret, and not too much."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from runner.journal import History, Journal, RowRecord
from runner.report.page.calls import LONGEST, cut, packed
from runner.report.page.data import calls_of_row, collect
from runner.report.page.html import page_html, policy

from .journals import NO_API, RUN, call, last_run, moment, write_run

MADE = "2024-05-02T08:00:00.000+00:00"


def unpacked(blob: bytes) -> Any:
    return json.loads(zlib.decompress(b64decode(blob)))


def head(folder: Path) -> dict[str, Any]:
    """What the page of the last run holds besides the calls, as the browser gets it."""
    history, run = last_run(folder)
    content = page_html(collect(history, run, NO_API, made_at=MADE))
    history.close()
    found = re.search(rb'id="head">([^<]*)<', content)
    assert found is not None
    whole: dict[str, Any] = unpacked(found[1])
    return whole


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    write_run(tmp_path)
    found = head(tmp_path)
    assert dict(zip(found["buckets"], found["counts"], strict=True)) == {
        "done": 8, "found": 1, "changed": 0, "rejected": 2, "unknown": 1, "not started": 1,
    }  # fmt: skip
    assert found["total"] == 13
    assert dict(found["summary"])["lines"] == [
        "26 read = 16 done + 2 found + 0 changed + 4 rejected + 2 unknown + 2 not started"
    ]
    assert len(found["rows"]["n"]) == 12


def test_lines_that_are_no_rows_and_who_started_it_are_told(tmp_path: Path) -> None:
    write_run(tmp_path, run=RUN._replace(left_out=3, who="dana"))
    found = head(tmp_path)
    (lines,) = dict(found["summary"])["lines"]
    assert lines.startswith("29 read = ")
    assert lines.endswith(" + 2 not started + 3 left out")
    asked = dict(found["asked"])
    assert (asked["size"], asked["started by"]) == (
        "13 rows from 26 lines, 3 lines left out",
        "dana",
    )


def test_money_adds_up(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert head(tmp_path)["money"] == [
        ["shop.create_deposit", "895.50", "796.00", "0.00", "99.50", "0.00"]
    ]
    assert dict(head(tmp_path)["summary"])["posted"] == ["796.00 by 8 create_deposit"]


def test_requests_by_operation(tmp_path: Path) -> None:
    write_run(tmp_path)
    deposit, job = head(tmp_path)["operations"]
    assert deposit == ["shop.create_deposit", 8, 0, 0, 1, 300, 2000, 2000]
    assert job[:5] == ["shop.create_job", 9, 2, 9, 0]


def test_files_go_by_their_names(tmp_path: Path) -> None:
    write_run(tmp_path)
    history, run = last_run(tmp_path)
    content = page_html(collect(history, run, NO_API, made_at=MADE)).decode()
    assert "orders.csv" in content
    assert "/secret/place" not in content + json.dumps(head(tmp_path))


def test_pictures_end_with_what_was_finished(tmp_path: Path) -> None:
    write_run(tmp_path)
    picture = head(tmp_path)["picture"]
    assert [counts[-1] for counts in picture["rows"]] == [8, 1, 0, 2, 1, 0]
    assert [sum(counts) for counts in picture["calls"]] == [17, 2, 9, 1]
    assert picture["waits"] == []


def test_rows_without_calls_of_their_own_are_finished_too(tmp_path: Path) -> None:
    """One that was refused before its first call, one that shares a call, one that waits, one before all calls."""
    buckets = {1: "done", 2: "done", 3: "rejected", 4: "found", 5: "not started", 6: "done"}
    with Journal(tmp_path) as journal:
        journal.begin(RUN._replace(row_count=6))
        for number in (2, 6):
            one = call(number, f"PO-{number}", "job", "done", status=200)
            journal.record(one, at=moment(number), seconds=0.5)
        for number, bucket in buckets.items():
            journal.row(RowRecord(1, number, f"PO-{number}", f"[{number}]", bucket, ""))
    picture = head(tmp_path)["picture"]
    assert [counts[-1] for counts in picture["rows"]] == [3, 1, 0, 1, 0, 0]
    assert [counts[0] for counts in picture["rows"]] == [1, 0, 0, 0, 0, 0]
    first = next(
        at for at, counts in enumerate(zip(*picture["rows"], strict=True)) if counts[0] == 2
    )
    assert [counts[first] for counts in picture["rows"]] == [2, 1, 0, 1, 0, 0]


def test_a_wait_and_a_break_are_told_apart(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.begin(RUN._replace(row_count=1))
        for number, at in enumerate((1, 5, 3605)):
            state = "throttled" if number == 0 else "done"
            one = call(1, "PO-1", f"step{number}", "done", status=200)
            journal.record(one._replace(state=state), at=moment(at), seconds=0.5)  # type: ignore[arg-type]
        journal.row(RowRecord(1, 1, "PO-1", "[2]", "done", ""))
    picture = head(tmp_path)["picture"]
    assert picture["waits"] == [[500, 3500, 1]]
    assert picture["breaks"] == [[4500, 3_599_500]]
    assert picture["bins"] * picture["width"] < 6000


def test_the_calls_of_rows_that_need_nobody_are_left_out_first(tmp_path: Path) -> None:
    write_run(tmp_path, 1200)
    history, run = last_run(tmp_path)
    whole = collect(history, run, NO_API, made_at=MADE)
    tight = collect(
        history,
        run,
        NO_API,
        made_at=MADE,
        room=len(packed(whole.head["rows"])) + len(whole.chunks[0]) + 200,
    )
    assert (whole.head["left_out"], len(whole.chunks)) == (0, 4)
    assert tight.head["chunks"] == [[2, 3, 5]]
    assert tight.head["left_out"] == 1200 - 3
    assert unpacked(tight.chunks[0])["state"] == ["unknown", "rejected", "done", "rejected"]


def test_ten_thousand_rows_stay_below_two_megabytes(tmp_path: Path) -> None:
    write_run(tmp_path, 10_000)
    history, run = last_run(tmp_path)
    page = collect(history, run, NO_API, made_at=MADE)
    assert page.head["left_out"] == 0
    assert len(page_html(page)) < 2_000_000


def test_a_call_that_a_later_run_went_on_with_is_still_shown(tmp_path: Path) -> None:
    write_run(tmp_path)
    with Journal(tmp_path) as journal:
        journal.begin(RUN._replace(row_count=1))
        journal.record(call(1, "PO-2", "job", "done", run=2), at=moment(99), seconds=0.1)
        journal.row(RowRecord(2, 1, "PO-2", "[2]", "done", ""))
    history = History(tmp_path)
    first = history.run(1)
    assert first is not None
    found = collect(history, first, NO_API, made_at=MADE)
    row = found.head["rows"]["n"].index(2)
    assert (found.head["rows"]["bucket"][row], found.head["rows"]["calls"][row]) == (0, 1)
    chunks = map(unpacked, found.chunks)
    calls = [call for each in chunks for call in zip(each["step"], each["run"], strict=True)]
    assert [(step, run) for step, run in calls if run != 1] == [("job", 2)]
    assert found.head["operations"][1][:5] == ["shop.create_job", 9, 2, 9, 0]


def test_what_was_settled_since_is_marked(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert sum(head(tmp_path)["rows"]["settled"]) == 0
    history = History(tmp_path)
    (lost,) = history.open_calls("acme", "orders")
    with Journal(tmp_path) as journal:
        journal.note(lost._replace(state="done", answer='{"id":5}', reason="settled by ann: seen"))
    found = head(tmp_path)
    assert [found["rows"]["n"][at] for at, flag in enumerate(found["rows"]["settled"]) if flag] == [
        3
    ]
    assert found["money"] == [["shop.create_deposit", "895.50", "796.00", "99.50", "0.00", "0.00"]]


def test_a_run_that_was_killed_has_its_row_in_flight(tmp_path: Path) -> None:
    write_run(tmp_path, end=False)
    with Journal(tmp_path) as journal:
        journal.intend(call(13, "PO-13", "job", "intent", status=0))
    found = head(tmp_path)
    assert dict(zip(found["buckets"], found["counts"], strict=True))["unknown"] == 2
    assert found["rows"]["why"][-1] == "job: its outcome in run 1 is not known: runner settle 1"
    history, run = last_run(tmp_path)
    assert [one["why"] for one in calls_of_row(history, run, 13)] == ["no outcome was recorded"]


def test_a_cell_of_ten_megabytes_is_cut_with_a_note(tmp_path: Path) -> None:
    write_run(tmp_path, hostile="x" * 10_000_000)
    history, run = last_run(tmp_path)
    page = collect(history, run, NO_API, made_at=MADE)
    assert len(page_html(page)) < 300_000
    sent = calls_of_row(history, run, 5)[0]["sent"]
    assert sent.endswith("… cut here: 10,000,011 characters in all")
    assert len(sent) < LONGEST + 100
    assert cut("\u202e" * 3, 2) == "\\u202e\\u202e … cut here: 3 characters in all"


def test_half_of_a_surrogate_pair_is_no_end_of_it(tmp_path: Path) -> None:
    write_run(tmp_path, hostile="\ud83d")
    assert "\\ud83d" in head(tmp_path)["rows"]["key"][4]


@pytest.mark.parametrize("live", [False, True])
def test_the_policy_lets_nothing_else_run(tmp_path: Path, *, live: bool) -> None:
    assert policy(live=live).startswith("default-src 'none'; ")
    assert ("connect-src 'self'" in policy(live=live)) is live
    assert not {"unsafe-inline", "unsafe-eval", "http"} & set(
        re.split(r"[ ;':]+", policy(live=live))
    )
