"""`runner report --html`: the page of a run that was made by the real command against an API that answers as told."""

from __future__ import annotations

import html
import re
import signal
import stat
import urllib.request
import zlib
from base64 import b64decode

import pytest

from .command import HEADER, Command
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "canary-key-0815"}
ROWS = HEADER + "".join(f"A-{number},Ace {number},1,1.10,01/02/2027\n" for number in range(1, 5))


def answer(sent: Sent) -> Answer:
    """Row 2 is refused, the answer to row 3 is lost, all others are created."""
    if b'"A-2"' in sent.body:
        return Answer(422, b'{"message":"no such thing"}')
    if b'"A-3"' in sent.body:
        return Answer(0)
    return Answer(201, b'{"id":7}')


def made(contacts: Command, start_stub: StartStub) -> tuple[str, str]:
    """What the console said of such a run, and its page."""
    contacts.write("rows.csv", ROWS)
    start_stub(answer)
    said = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=5, env=KEY
    ).err
    told = contacts("report", "--html").out
    assert told == "page     runs/1/report.html\n"
    return said, (contacts.runs / "1" / "report.html").read_text(encoding="utf-8")


def test_the_page_says_what_the_console_said(contacts: Command, start_stub: StartStub) -> None:
    said, page = made(contacts, start_stub)
    summary = [line[13:].strip() for line in said[said.index("UNKNOWN      1 row") :].splitlines()]
    found = re.search(r'id="summary">(.*?)</dl>', page, re.DOTALL)
    assert found is not None
    shown = [html.unescape(text).strip() for text in re.findall(r"<p>(.*?)</p>", found[1])]
    assert len(shown) > 6
    assert [line for line in shown if " in 0" not in line] == [
        line for line in summary if " in 0" not in line
    ]


def test_no_secret_is_in_it(contacts: Command, start_stub: StartStub) -> None:
    _, page = made(contacts, start_stub)
    blobs = re.findall(r'text/plain" id="\S+">([^<]*)<', page)
    held = "".join(zlib.decompress(b64decode(blob)).decode() for blob in blobs)
    assert "no such thing" in held
    assert KEY["ACME_KEY"] not in held + page


def test_its_own_folder_keeps_it_private_and_a_named_file_is_as_usual(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts("report", "1", "--html")
    assert stat.S_IMODE((contacts.runs / "1" / "report.html").stat().st_mode) == 0o600
    assert contacts("report", "--html", "out.html").out == "page     out.html\n"
    assert stat.S_IMODE((contacts.folder / "out.html").stat().st_mode) & 0o444 == 0o444


def test_what_cannot_be_made_is_said(contacts: Command) -> None:
    assert "no run is recorded here" in contacts("report", "--html", code=2).err
    contacts("run", "contacts.yaml")
    assert (
        "--html and --live are about the page alone"
        in contacts("report", "--html", "x.html", "--xlsx", code=2).err
    )
    assert "'4' is no name for a page" in contacts("report", "--html", "4", code=2).err
    assert "there is no run 9" in contacts("report", "9", "--html", code=2).err
    wrong = contacts("report", "--html", "missing/page.html", code=8).err
    assert "missing/page.html cannot be written: no such file or directory" in wrong


def test_the_journal_is_left_as_it_is(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    before = (contacts.runs / "journal.sqlite").read_bytes()
    contacts("report", "--html")
    assert (contacts.runs / "journal.sqlite").read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_live_page_ends_with_a_signal(contacts: Command, number: signal.Signals) -> None:
    contacts("run", "contacts.yaml")
    with contacts.start("report", "--live") as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().removeprefix("page     ").strip()
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert b"<title>run 1: contacts" in answer.read()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.decode()) == (
        0,
        "run 1 on this machine only; ctrl-C ends it\n",
    )
