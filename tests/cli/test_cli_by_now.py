"""The files and reports of an earlier run, for rows that were finished since: by what the journal knows now."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import subprocess
from contextlib import closing

import pytest

from .command import RECIPE, ROWS, Command
from .conftest import StartStub
from .stub import Answer, Sent, Stub

KEY = {"ACME_KEY": "key-of-acme"}
LIVE = ("run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1")
MORE = ROWS + "A-3,Cool Caps,3,3,01/04/2027\n"


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub) -> Stub:
    """An API that answers a contact for each row."""
    return start_stub(lambda sent: Answer(201, b'{"id": 7}'))


def results(command: Command, run: int) -> list[dict[str, str]]:
    path = command.runs / str(run) / "results.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def counted(command: Command, run: int) -> list[int]:
    """The rows of a run by bucket, as `runner runs` has them: rows, done, found, ... not started."""
    line = re.search(rf"^ *{run} .*$", command("runs").out, re.MULTILINE)
    assert line is not None
    return [int(count) for count in line.group().split()[-7:]]


def all_done(command: Command, run: int, rows: int) -> None:
    """Every report of a run says that all of its rows are done, and nothing of it is to be done."""
    command("report", str(run), "--junit", "rows.xml")
    assert [line["bucket"] for line in results(command, run)] == ["done"] * rows
    assert not (command.runs / str(run) / "retry.csv").exists()
    assert (
        f'tests="{rows}" failures="0" errors="0" skipped="0"'
        in (command.folder / "rows.xml").read_text()
    )
    assert f"{rows} rows from {rows} lines: {rows} done" in command("show", str(run)).out
    assert sum(counted(command, run)) == 2 * rows
    assert "not started" not in command("runs").out.partition("\n")[2]
    page = command("report", str(run), "--html", "page.html")
    assert page.code == 0


def test_rows_that_a_limit_left_out(contacts: Command, stub: Stub) -> None:
    contacts.write("rows.csv", MORE)
    contacts(*LIVE, "--limit", "1", env=KEY)
    contacts(*LIVE, env=KEY)
    all_done(contacts, 1, 3)
    assert [line["reason"] for line in results(contacts, 1)] == ["", *["finished in run 2"] * 2]
    assert all(line["ids"] and line["contact_id"] for line in results(contacts, 1))
    assert len(stub.writes) == 3


def test_a_row_that_was_refused_and_is_done_since(contacts: Command, stub: Stub) -> None:
    good = stub.answer
    stub.answer = lambda sent: Answer(422) if b"A-2" in sent.body else good(sent)
    contacts(*LIVE, code=4, env=KEY)
    assert (contacts.runs / "1" / "retry.csv").exists()
    stub.answer = good
    contacts(*LIVE, env=KEY)
    all_done(contacts, 1, 2)
    assert "finished in run 2" in results(contacts, 1)[1]["reason"]


def test_a_row_that_may_have_been_sent_since(contacts: Command, stub: Stub) -> None:
    """It was not started; what a later run knows of it keeps it out of the retry file."""
    good = stub.answer
    stub.answer = lambda sent: Answer(0) if b"A-2" in sent.body else good(sent)
    contacts(*LIVE, "--limit", "1", env=KEY)
    contacts(*LIVE, code=5, env=KEY)
    contacts("report", "1")
    assert [line["bucket"] for line in results(contacts, 1)] == ["done", "unknown"]
    assert not (contacts.runs / "1" / "retry.csv").exists()


def test_a_row_that_is_settled_and_continued_by_another_run(contacts: Command, stub: Stub) -> None:
    good = stub.answer
    stub.answer = lambda sent: Answer(0) if b"A-1" in sent.body else good(sent)
    contacts(*LIVE, code=5, env=KEY)
    stub.answer = good
    contacts("settle", "--call", "1", "--absent", "--why", "not there", env=KEY)
    contacts(*LIVE, env=KEY)
    all_done(contacts, 1, 2)
    assert len(stub.writes) == 3


def unknown_first(stub: Stub) -> None:
    """The first row's contact is made, and the answer is lost."""
    good = stub.answer
    there = {
        "id": 31987,
        "business_name": "Ace Awards",
        "first_name": "A-1",
        "email": "a-1@example.com",
    }

    def answer(sent: Sent) -> Answer:
        if sent.method == "GET":
            return Answer(200, json.dumps(there).encode())
        return Answer(0) if b"A-1" in sent.body else good(sent)

    stub.answer = answer


def test_a_row_of_which_nothing_is_left_when_it_is_settled(contacts: Command, stub: Stub) -> None:
    unknown_first(stub)
    contacts(*LIVE, code=5, env=KEY)
    told = contacts("settle", "--call", "1", "--done", "31987", "--why", "seen", env=KEY).out
    assert "call 1 is recorded as done, as 31987; nothing else of its row is left to do" in told
    all_done(contacts, 1, 2)
    line = results(contacts, 1)[0]
    assert (line["ids"], line["contact_id"]) == ("contact 31987", "31987")
    assert line["reason"].startswith("contact: settled as done, as 31987, by ")
    assert "nothing to resume" in contacts("resume", env=KEY).out
    contacts("settle", "--undo", "1", "--why", "a typo")
    assert [line["bucket"] for line in results(contacts, 1)] == ["unknown", "done"]
    assert [line["contact_id"] for line in results(contacts, 1)] == ["", "7"]


def test_a_journal_that_was_lost(contacts: Command, stub: Stub) -> None:
    """The way on that the program names, followed to the letter: neither what is done nor what is unknown is sent."""
    unknown_first(stub)
    contacts(*LIVE, code=5, env=KEY)
    for file in contacts.runs.glob("journal.sqlite*"):
        file.unlink()
    contacts.write("rows.csv", MORE)
    told = contacts(*LIVE, code=8, env=KEY).err
    assert (
        f"each row that {contacts.runs / '1' / 'results.csv'} does not call 'not started'" in told
    )
    assert "unknown and rejected ones too" in told
    assert "those in flight are in neither file" in told
    named = {line["key"] for line in results(contacts, 1) if line["bucket"] != "not started"}
    head, *lines = MORE.splitlines(keepends=True)
    contacts.write("rows.csv", head + "".join(x for x in lines if x.split(",")[0] not in named))
    (contacts.runs / "1").rename(contacts.folder / "away")
    contacts(*LIVE, env=KEY)
    assert [b"A-1" in sent.body for sent in stub.writes] == [True, False, False]


def test_a_journal_that_was_lost_with_the_results(contacts: Command, stub: Stub) -> None:
    """As after a kill: nothing says which rows were in flight."""
    contacts(*LIVE, env=KEY)
    for file in (*contacts.runs.glob("journal.sqlite*"), contacts.runs / "1" / "results.csv"):
        file.unlink()
    told = contacts(*LIVE, code=8, env=KEY).err
    assert "look up every row of the run at the API: it has left no results.csv" in told


def test_what_is_proposed_can_be_pasted(contacts: Command, stub: Stub) -> None:
    key = """O'Brien "x" $(touch pwned) `touch pwned`"""
    cell = '"' + key.replace('"', '""') + '"'
    contacts.write("rows.csv", ROWS.replace("A-1", cell))
    contacts(*LIVE, env=KEY)
    contacts.write("rows.csv", ROWS.replace("A-1", cell).replace("Ace Awards", "Other"))
    contacts(*LIVE, code=4, env=KEY)
    reason = results(contacts, 2)[0]["reason"]
    command = reason[reason.index("--again ") :]
    words = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True, cwd=contacts.folder
    ).stdout  # fmt: skip
    assert words.decode().split("\0")[:3] == ["--again", key, "--why"]
    assert not (contacts.folder / "pwned").exists()


def test_a_row_that_was_sent_whole_is_never_to_be_retried(contacts: Command, stub: Stub) -> None:
    """Only the answer shows that an output cannot be computed, and the contact is there by then."""
    contacts.write("contacts.yaml", RECIPE + '  fax: "{{ contact.fax }}"\n')
    contacts.write("rows.csv", ROWS.rpartition("A-2")[0])
    contacts(*LIVE, "--strict", code=8, env=KEY)
    for _ in range(2):
        (line,) = results(contacts, 1)
        assert line["bucket"] == "rejected"
        assert line["reason"].endswith("; all that is to be sent for the row was sent")
        assert not (contacts.runs / "1" / "retry.csv").exists()
        contacts("report", "1")


def killed_before(command: Command, number: int) -> None:
    """As a kill leaves it after the last answer of a row, and before the record of the row and the end of the run."""
    with closing(sqlite3.connect(command.runs / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM rows WHERE number = ?", (number,))
        journal.execute("UPDATE runs SET state = 'running', exit_code = NULL, finished_at = ''")


def test_a_row_that_a_kill_kept_off_the_record(contacts: Command, stub: Stub) -> None:
    """Its last answer is on record, and its end is not: every report says what is so, before anything is resumed."""
    contacts(*LIVE, env=KEY)
    killed_before(contacts, 2)
    all_done(contacts, 1, 2)
    assert [line["reason"] for line in results(contacts, 1)] == [""] * 2
    assert results(contacts, 1)[1]["contact_id"] == "8"
    contacts("resume", env=KEY)
    all_done(contacts, 1, 2)
    assert len(stub.writes) == 2


def test_a_row_that_a_kill_kept_off_the_record_and_whose_sheet_is_another(
    contacts: Command, stub: Stub
) -> None:
    """What is left of it cannot be known: it is not started, as the next run has to look."""
    contacts(*LIVE, env=KEY)
    killed_before(contacts, 2)
    contacts.write("rows.csv", MORE)
    assert "1 done, 1 not started" in contacts("show", "1").out


def test_a_settlement_leaves_the_other_rows_of_a_killed_run_unknown(
    contacts: Command, stub: Stub
) -> None:
    """The files are made anew when the journal is free: until then the run would look as if it were at work."""
    stub.answer = lambda sent: Answer(0)
    contacts(*LIVE, code=5, env=KEY)
    with closing(sqlite3.connect(contacts.runs / "journal.sqlite")) as journal, journal:
        journal.execute("DELETE FROM rows")
        journal.execute("UPDATE runs SET state = 'running', exit_code = NULL, finished_at = ''")
    contacts("settle", "--call", "1", "--absent", "--why", "not there", env=KEY)
    assert [line["bucket"] for line in results(contacts, 1)] == ["not started", "unknown"]
    assert "A-2" not in (contacts.runs / "1" / "retry.csv").read_text()


def test_what_runs_of_before_have_left_unknown_is_told_of_a_past_run(
    contacts: Command, stub: Stub
) -> None:
    unknown_first(stub)
    contacts(*LIVE, code=5, env=KEY)
    contacts.write("rows.csv", ROWS.replace(ROWS.splitlines(keepends=True)[1], ""))
    contacts(*LIVE, code=5, env=KEY)
    said = "1 call of before: may have been carried out, in no row of this run"
    assert f"  UNKNOWN   {said}\n" in contacts("show", "2").out
    assert said in contacts("report", "2").err
    contacts("report", "2", "--html", "page.html")
    assert said in (contacts.folder / "page.html").read_text()
    assert said not in contacts("show", "1").out
    contacts("settle", "--call", "1", "--absent", "--why", "not there", env=KEY)
    assert said not in contacts("show", "2").out
