"""What is open, over runs, recipes and accounts: `settle` and `resume` without a number, and what `runs` says of it."""

from __future__ import annotations

import pytest

from .command import RECIPE, ROWS, Command
from .conftest import StartStub
from .stub import Answer, Sent, Stub

KEY = {"ACME_KEY": "key-of-acme"}
LIVE = ("--target", "live", "--first-run", "--workers", "1")


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub) -> Stub:
    """An API for two recipes, which hangs up on the first row of the first."""

    def answer(sent: Sent) -> Answer:
        return Answer(0) if b"A-1" in sent.body else Answer(201, b'{"id": 7}')

    stub = start_stub(answer)
    other = RECIPE.replace("name: contacts", "name: others").replace("rows.csv", "others.csv")
    contacts.write("others.yaml", other)
    contacts.write("others.csv", ROWS.replace("A-", "B-"))
    return stub


def run(runner: Command, name: str, *more: str, code: int = 0) -> str:
    return runner("run", name, *LIVE, *more, code=code, env=KEY).err


def test_an_earlier_unknown_is_not_hidden_by_a_later_run(contacts: Command, stub: Stub) -> None:
    run(contacts, "contacts.yaml", code=5)
    run(contacts, "others.yaml", "--only", "B-2")
    told = contacts("settle", code=5).out
    assert "  recipe    contacts, account acme\n" in told
    assert "runner settle 1 --call 1 --done ID" in told
    nothing = contacts("settle", "2").out
    assert nothing == (
        "nothing of run 2, its recipe and account is unknown; 1 call is, of others: runner settle\n"
    )
    assert contacts("runs").out.endswith("run 1: 1 row unknown; settle with: runner settle 1\n")
    assert "run 1   goes on" in contacts("resume", code=5, env=KEY).err


def test_the_only_run_that_was_stopped_is_resumed(contacts: Command, stub: Stub) -> None:
    """A day's requests are used up, then another recipe runs: its run is finished, and is not the one."""
    settings = (contacts.folder / "runner.yaml").read_text()
    few = settings.replace("rate: {", "rate: {hits_per_day: 1, ")
    contacts.write("runner.yaml", few)
    told = run(contacts, "others.yaml", code=8)
    assert "UTC: runner resume 1" in told
    contacts.write("runner.yaml", settings)
    stub.answer = lambda sent: Answer(201, b'{"id": 7}')
    run(contacts, "contacts.yaml")
    assert "run 1 was stopped: 1 requests to syncore today" in contacts("runs").out
    assert "run 1   goes on" in contacts("resume", env=KEY).err
    assert contacts("resume").out == "no run has anything left to do: nothing to resume\n"
    assert len(stub.writes) == 4


def test_of_several_one_has_to_be_named(contacts: Command, stub: Stub) -> None:
    run(contacts, "contacts.yaml", code=5)
    run(contacts, "others.yaml", "--limit", "1")
    told = contacts("resume", code=2, env=KEY).err
    assert told == (
        "error: 2 runs have something left to do\n"
        "       run 1: 1 row unknown; settle with: runner settle 1\n"
        "       run 2: 1 row not started; go on with: runner resume 2\n"
        "       say which: runner resume RUN\n"
    )
    contacts("resume", "2", env=KEY)
    assert "run 1   goes on" in contacts("resume", code=5, env=KEY).err


def test_a_later_run_of_the_same_file_has_what_is_left(contacts: Command, stub: Stub) -> None:
    run(contacts, "others.yaml", "--limit", "1")
    run(contacts, "others.yaml")
    assert contacts("runs").out.count("\n") == 3
    assert contacts("resume").out == "no run has anything left to do: nothing to resume\n"


def test_an_unknown_that_a_later_run_has_is_settled_for_both(contacts: Command, stub: Stub) -> None:
    run(contacts, "contacts.yaml", code=5)
    run(contacts, "contacts.yaml", code=5)
    assert contacts("runs").out.endswith(
        "run 1: 1 row unknown; settle with: runner settle 1\n"
        "run 2: 1 row unknown; settle with: runner settle 2\n"
    )
    contacts("settle", "--call", "1", "--absent", "--why", "not there", env=KEY)
    assert contacts("runs").out.endswith(
        "run 1: 1 row was unknown, and settled since\n"
        "run 2: 1 row was unknown, and settled since; go on with: runner resume 2\n"
    )
    stub.answer = lambda sent: Answer(201, b'{"id": 9}')
    assert "run 2   goes on" in contacts("resume", env=KEY).err
    assert "settled since" not in contacts("runs").out, "it is done, in both runs"
    assert contacts("resume").out == "no run has anything left to do: nothing to resume\n"


def test_an_unknown_that_is_no_longer_in_the_sheet_is_named(contacts: Command, stub: Stub) -> None:
    run(contacts, "contacts.yaml", code=5)
    contacts.write("rows.csv", ROWS.replace(ROWS.splitlines(keepends=True)[1], ""))
    told = run(contacts, "contacts.yaml", code=5)
    assert (
        "UNKNOWN      1 call of before: may have been carried out, in no row of this run\n"
        "               contact of 'A-1'  in run 1\n"
        "             look it up, then record what you find: runner settle 1\n"
    ) in told
    assert contacts("runs").out.endswith("run 1: 1 row unknown; settle with: runner settle 1\n")
    told = contacts("resume", code=2, env=KEY).err
    assert "rows.csv has changed since run 1 began" in told
    assert "runner settle 1" in told


@pytest.mark.parametrize("command", ["show", "show 1", "report", "settle", "resume"])
def test_a_journal_that_has_lost_its_runs(contacts: Command, stub: Stub, command: str) -> None:
    run(contacts, "others.yaml")
    for file in contacts.runs.glob("journal.sqlite*"):
        file.unlink()
    told = contacts(*command.split(), code=2, env=KEY).err
    assert f"{contacts.runs / '1'} is there, and the journal beside it knows of no such run" in told
    assert "restore the journal" in told
    assert "knows of no such run" in contacts("runs").err


def test_a_report_that_cannot_be_written_advises_to_send_nothing(
    contacts: Command, stub: Stub
) -> None:
    run(contacts, "others.yaml")
    (contacts.runs / "1").rename(contacts.folder / "away")
    contacts.write("runs/1", "no folder")
    told = contacts("report", code=8).err
    assert "results.csv cannot be written: " in told
    assert "enter the same command again" in told
    contacts.write("others.csv", ROWS)
    told += contacts("report", code=2).err
    assert "others.csv has changed since run 1 began" in told
    assert "runner show 1, runner report 1 --html" in told
    assert "send" not in told
    assert "runner run" not in told
