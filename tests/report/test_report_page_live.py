"""The page while a run goes on: it follows the journal, is for its own address alone, and holds nobody up."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from runner.journal import History, Journal, RowRecord
from runner.report.page.live import LivePage

from .conftest import OpenWindow
from .journals import NO_API, RUN, call, moment, write_run


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LivePage]:
    """The page of run 1 in tmp_path, which has 12 rows finished and goes on."""
    write_run(tmp_path, end=False)
    page = LivePage(partial(History, tmp_path), 1, NO_API)
    yield page
    page.close()


def ask(
    page: LivePage, path: str = "", *, host: str | None = None, token: bool = True
) -> tuple[int, bytes]:
    """The status and the content of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    start = urlsplit(page.url).path if token else "/"
    connection.request("GET", start + path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def data(page: LivePage) -> dict[str, Any]:
    status, content = ask(page, "data")
    assert status == 200
    found: dict[str, Any] = json.loads(content)
    return found


def finish_another(journal: Journal, number: int) -> None:
    journal.record(
        call(number, f"PO-{number}", "job", "done", answer='{"id":5}'),
        at=moment(number),
        seconds=0.1,
    )
    journal.row(RowRecord(1, number, f"PO-{number}", "[40]", "done", "", '{"job_number":5}'))
    journal.flush()


def test_only_its_own_address_is_answered(live: LivePage) -> None:
    assert ask(live)[0] == 200
    assert ask(live, host=f"localhost:{live.port}")[0] == 200
    assert ask(live, host=f"[::1]:{live.port}")[0] == 200
    assert ask(live, host="localhost")[0] == 421
    assert ask(live, host="evil.example")[0] == 421
    assert ask(live, host=f"evil.example:{live.port}")[0] == 421
    assert ask(live, token=False)[0] == 404
    assert ask(live, "x" * 32 + "/data", token=False)[0] == 404
    assert ask(live, "../data")[0] == 404
    assert ask(live, "calls?row=1;drop")[0] == 404


def test_another_process_cannot_frame_or_keep_it(live: LivePage) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    connection.request("GET", urlsplit(live.url).path)
    headers = connection.getresponse().headers
    connection.close()
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_it_follows_the_journal_and_holds_nobody_up(live: LivePage, tmp_path: Path) -> None:
    first = data(live)
    assert ask(live, f"data?seen={first['mark']}")[0] == 204
    with Journal(tmp_path) as journal:
        journal.intend(call(13, "PO-13", "job", "intent", status=0))
        during = data(live)
        assert during["mark"] != first["mark"]
        assert (during["under_way"], during["counts"]) == (1, [8, 1, 0, 2, 1, 0])
        finish_another(journal, 13)
        assert (data(live)["under_way"], data(live)["counts"]) == (0, [9, 1, 0, 2, 1, 0])
        journal.end(1, state="finished", exit_code=5, finished_at=moment(20))
    assert data(live)["state"] == "finished"
    assert [one["step"] for one in json.loads(ask(live, "calls?row=3")[1])] == ["job", "deposit"]


def test_a_run_that_goes_on_does_not_speak_of_its_end(live: LivePage, tmp_path: Path) -> None:
    with Journal(tmp_path):
        found = data(live)
    assert not {"lines", "not started"} & {label for label, _ in found["summary"]}
    assert dict(found["summary"])["calls"] == ["29 in 0:13 (2.2/s)"]


def test_a_run_that_is_killed_is_told_of_at_once(live: LivePage, tmp_path: Path) -> None:
    with Journal(tmp_path):
        going_on = data(live)
    killed = json.loads(ask(live, f"data?seen={going_on['mark']}")[1])
    assert (going_on["state"], killed["state"]) == ("running", "killed")
    assert (
        dict(killed["asked"])["state"] == "killed, no end is on record; go on with: runner resume 1"
    )


def test_a_journal_that_is_gone_is_told(live: LivePage, tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").unlink()
    assert ask(live, "data")[0] == 404
    (tmp_path / "journal.sqlite").write_bytes(b"no journal at all" * 100)
    status, content = ask(live, "data")
    assert status == 503
    assert b"cannot be read" in content


def test_in_the_browser_it_changes_under_the_reader(
    window: OpenWindow, live: LivePage, tmp_path: Path
) -> None:
    own = window()
    with Journal(tmp_path) as journal:
        page = own.open(live.url)
        expect(page.locator("#pulse")).to_have_text("live")
        button = page.locator("td.c-key button", has_text="PO-3").first
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".call")).to_have_count(2)
        finish_another(journal, 13)
        expect(page.locator("#count")).to_have_text("13 rows", timeout=30_000)
        expect(page.locator(".call")).to_have_count(2)
        assert page.evaluate("document.activeElement.innerText") == "PO-3"
        journal.end(1, state="finished", exit_code=5, finished_at=moment(20))
    expect(page.locator("#pulse")).to_contain_text("no longer changes", timeout=30_000)
    assert {urlsplit(url).netloc for url in own.requests} == {f"127.0.0.1:{live.port}"}


def test_a_run_that_does_not_exist_yet_is_not_found(tmp_path: Path) -> None:
    page = LivePage(partial(History, tmp_path), 1, NO_API)
    assert ask(page)[0] == 404
    with Journal(tmp_path) as journal:
        journal.begin(RUN._replace(row_count=1))
    assert ask(page)[0] == 200
    page.close()
