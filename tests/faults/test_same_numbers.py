"""However a run ends: `runs`, `show`, the results, the page and JUnit have the same numbers, with all that was sent."""

from __future__ import annotations

import base64
import json
import re
import signal
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from faults import actions
from faults.commands import Project, finish
from faults.server import FaultServer, Hold
from runner.engine.events import BUCKETS

PAYMENTS = "/orders/jobs/.*/payments"
JOBS = "/orders/jobs"
FIRST = ("A,c,1.50", "B,c,2.50", "D,c,8.50", "C,c,4.50")
THEN = ("D,c,8.75", "A,c,1.50", "E,c,16.50", "B,c,2.50", "C,c,4.50", "F,c,32.50")
"""The next sheet: one amount is another, which rows that come after it are not reached to find out."""

ONE = ("--workers", "1")
End = Callable[[Project, FaultServer], int]


def finished(project: Project, server: FaultServer) -> int:
    return project.run(*ONE).code


def only(project: Project, server: FaultServer) -> int:
    return project.run(*ONE, "--only", "E").code


def limit(project: Project, server: FaultServer) -> int:
    return project.run(*ONE, "--limit", "3").code


def stopped(project: Project, server: FaultServer) -> int:
    server.on("POST", JOBS, actions.answer(401), nth=1)
    return project.run(*ONE).code


def held(project: Project, server: FaultServer, number: signal.Signals, path: str) -> int:
    """A signal while the server holds a request for E."""
    hold = Hold()
    server.on("POST", path, actions.hang(hold), nth=1)
    process = project.start_run(*ONE)
    hold.await_request()
    process.send_signal(number)
    if number != signal.SIGKILL:
        assert process.stderr is not None
        while "finishing" not in (line := process.stderr.readline()):
            assert line, "it has ended"
    hold.released.set()
    return finish(process).code


ENDS: Mapping[str, tuple[End, int]] = {
    "a normal end": (finished, 5),
    "--only": (only, 5),
    "--limit": (limit, 5),
    "an error": (stopped, 5),
    "ctrl-C": (lambda p, s: held(p, s, signal.SIGINT, JOBS), 130),
    "killed at a job": (lambda p, s: held(p, s, signal.SIGKILL, JOBS), -9),
    "killed at a payment": (lambda p, s: held(p, s, signal.SIGKILL, PAYMENTS), -9),
}


@pytest.fixture
def second(server: FaultServer, project: Project) -> Project:
    """Run 1: done, rejected with an order, unknown with an order, done. Then another sheet."""
    server.on("POST", PAYMENTS, actions.answer(422), nth=2)
    server.on("POST", PAYMENTS, actions.close(), nth=4)
    project.sheet(*FIRST)
    assert project.run(*ONE).code == 5
    assert project.buckets() == {"done": 2, "rejected": 1, "unknown": 1}
    project.sheet(*THEN)
    return project


@pytest.mark.parametrize("end", ENDS)
def test_the_numbers_are_the_same(server: FaultServer, second: Project, end: str) -> None:
    ending, code = ENDS[end]
    assert ending(second, server) == code
    before = {"runs": runs(second), "show": show(second)}
    if not end.startswith("killed"):
        before["results"] = second.buckets(2)
    assert second.call("report", "2", "--junit", "rows.xml").code == 0
    assert second.call("report", "2", "--html").code == 0
    page = head(second)
    counts = dict(zip(page["buckets"], page["counts"], strict=True))
    found = {**before, "report": second.buckets(2), "page": {n: c for n, c in counts.items() if c}}
    assert all(each == found["report"] for each in found.values()), found
    assert sum(counts.values()) == 6
    assert junit(second) == [
        counts["rejected"] + counts["changed"],
        counts["unknown"],
        counts["not started"],
    ]
    results = second.results(2)
    rows = dict(
        zip(
            page["rows"]["key"],
            zip(page["rows"]["ids"], page["rows"]["money"], strict=True),
            strict=True,
        )
    )
    assert {key: ids for key, (ids, _) in rows.items()} == {
        key: line["ids"] for key, line in results.items() if key in rows
    }
    assert not any(line["ids"] for key, line in results.items() if key not in rows)
    assert (results["D"]["bucket"], rows["D"][1]) in [("changed", "8.50"), ("done", "8.50")]
    assert (results["A"]["bucket"], rows["A"][1]) == ("done", "1.50")
    assert (results["C"]["bucket"], rows["C"][1]) == ("unknown", "4.50")
    assert "payment" in results["D"]["ids"]
    if end == "killed at a payment":
        assert (results["E"]["bucket"], rows["E"][1]) == ("unknown", "16.50")
        assert "order" in results["E"]["ids"]


def runs(project: Project) -> dict[str, int]:
    """What `runner runs` says of run 2."""
    line = re.search(r"^ *2 .*$", project.call("runs").out, re.MULTILINE)
    assert line is not None
    counts = map(int, line.group().split()[-len(BUCKETS) :])
    return {name: count for name, count in zip(BUCKETS, counts, strict=True) if count}


def show(project: Project) -> dict[str, int]:
    """What `runner show` says of it."""
    told = re.search(r"^  rows .*: (.*)$", project.call("show", "2").out, re.MULTILINE)
    assert told is not None
    pairs = (each.split(" ", 1) for each in told.group(1).split(", "))
    return {name: int(count) for count, name in pairs}


def head(project: Project, *, run: int = 2) -> Any:
    """What the page of it holds beside the calls."""
    page = (project.folder / "runs" / str(run) / "report.html").read_text(encoding="utf-8")
    found = re.search(r'id="head"[^>]*>([A-Za-z0-9+/=]+)<', page)
    assert found is not None
    return json.loads(zlib.decompress(base64.b64decode(found.group(1))))


def junit(project: Project) -> list[int]:
    """Failures, errors and skipped ones, as JUnit counts them."""
    text = (project.folder / "rows.xml").read_text(encoding="utf-8")
    return [int(count) for count in re.findall(r'(?:failures|errors|skipped)="(\d+)"', text)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://127.0.0.1:{port}"])
def test_what_never_left_is_no_call(server: FaultServer, project: Project, url: str) -> None:
    """No connection, and none that is encrypted: nothing was sent, wherever it is counted."""
    settings = project.folder / "runner.yaml"
    port = server.url.rsplit(":", 1)[1].split("/")[0]
    settings.write_text(settings.read_text().replace(server.url, url.format(port=port)))
    project.sheet(FIRST[0])
    ended = project.run(*ONE)
    assert ended.code in (7, 8), ended.err
    assert project.call("report", "1", "--html").code == 0
    page = head(project, run=1)
    assert called(ended.err) == called(dict(page["summary"])["calls"][0])
    assert called(ended.err).startswith("0 in ")
    assert page["rows"]["calls"] == [0]
    assert page["operations"] == []
    assert page["picture"] is None


def test_a_run_takes_as_long_wherever_it_is_said(project: Project) -> None:
    ended = project.run(*ONE)
    assert project.call("report", "1", "--html").code == 0
    assert called(ended.err) == called(dict(head(project, run=1)["summary"])["calls"][0])


def called(text: str) -> str:
    """What is said of the calls of a run: 12 in 0.4 s."""
    found = re.search(r"(?:^calls +|^)([0-9,]+ in .*)$", text, re.MULTILINE)
    assert found is not None, text
    return found.group(1)
