"""The files of a run for rows that it did not reach: what the journal knows, and the same from `runner report`."""

from __future__ import annotations

import csv

import pytest

from cli.command import ROWS, Command
from cli.conftest import StartStub
from cli.stub import Answer, Sent

KEY = {"ACME_KEY": "key-of-acme"}
MORE = ROWS + "A-3,Cool Caps,3,3,01/04/2027\n"


def results(command: Command, run: int) -> list[dict[str, str]]:
    with (command.runs / str(run) / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_done_rows_are_not_in_the_retry_file(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("rows.csv", MORE)
    contacts("run", "contacts.yaml", "--only", "A-3", "--junit", "rows.xml")
    found = results(contacts, 2)
    assert [line["bucket"] for line in found] == ["done", "done", "done"]
    assert all(line["ids"] and line["contact_id"] for line in found)
    assert not (contacts.runs / "2" / "retry.csv").exists()
    assert (
        'tests="3" failures="0" errors="0" skipped="0"'
        in (contacts.folder / "rows.xml").read_text()
    )
    before = (contacts.runs / "2" / "results.csv").read_bytes()
    contacts("report", "2")
    assert (contacts.runs / "2" / "results.csv").read_bytes() == before
    assert "3 rows from 3 lines: 3 done" in contacts("show", "2").out


def test_the_calls_of_this_input_are_counted(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("rows.csv", ROWS.replace("A-1,Ace", "B-1,Best"))
    assert "1 call finished before; none is sent again" in contacts("run", "contacts.yaml").err


@pytest.mark.parametrize(
    ("selection", "code"),
    [(("--only", "A-3"), 0), (("--limit", "1"), 0), (("--only", "A-2"), 4), ((), 4)],
)
def test_the_exit_code_is_that_of_the_rows_asked_for(
    contacts: Command, start_stub: StartStub, selection: tuple[str, ...], code: int
) -> None:
    def answer(sent: Sent) -> Answer:
        return Answer(422) if b"A-2" in sent.body else Answer(201, b'{"id": 7}')

    start_stub(answer)
    live = ("run", "contacts.yaml", "--target", "live", "--first-run")
    contacts(*live, code=4, env=KEY)
    contacts.write("rows.csv", MORE)
    contacts(*live, *selection, code=code, env=KEY)
    assert [line["bucket"] for line in results(contacts, 2)][:2] == ["done", "rejected"]
