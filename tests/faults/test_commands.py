"""The whole command: what it ends with, what it refuses, what a person settles."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from faults import actions
from faults.commands import CANARY, GUARDED, RECIPE, Project, finish
from faults.server import Action, FaultServer, Hold

PAYMENTS = "/orders/jobs/[0-9]+/salesorders/[0-9]+/payments"


def test_all_done_is_0(server: FaultServer, project: Project) -> None:
    done = project.run()
    assert (done.code, project.buckets()) == (0, {"done": 6})
    assert len(server.writes()) == 3 + 6 * 3
    again = project.run()
    assert (again.code, project.buckets(2)) == (0, {"done": 6})
    assert len(server.writes()) == 21
    assert project.results(2)["R1"]["job"] == project.results(1)["R1"]["job"]


def test_a_usage_error_is_2(server: FaultServer, project: Project) -> None:
    assert project.call("run").code == 2
    assert project.call("resume").code == 2
    assert project.call("run", "orders.yaml", "--target", "tset").code == 2
    assert server.connections == 0


def test_bad_data_is_3_and_nothing_is_sent(server: FaultServer, project: Project) -> None:
    project.sheet("A,C,1", "B,C,much")
    done = project.run()
    assert done.code == 3
    assert "orders.csv:3:5" in done.err
    project.rows(2)
    project.recipe(RECIPE.replace("{{ job.id }}", "{{ jbo.id }}"))
    assert project.run().code == 3
    assert server.connections == 0


@pytest.mark.parametrize(
    ("action", "code", "buckets"),
    [
        (actions.answer(422), 4, {"rejected": 1, "done": 5}),
        (actions.committed(actions.close()), 5, {"unknown": 1, "done": 5}),
        (actions.answer(401), 7, {"not started": 6}),
        (actions.throttle("86400"), 8, {"not started": 6}),
    ],
    ids=["422", "closed", "401", "429"],
)
def test_an_answer_is_the_exit_code_of_its_row(
    server: FaultServer, project: Project, action: Action, code: int, buckets: dict[str, int]
) -> None:
    server.on("POST", "/orders/jobs", action, nth=1)
    done = project.run("--workers", "1")
    assert (done.code, project.buckets()) == (code, buckets)
    assert len(server.deliveries("POST", "/orders/jobs")) == (6 if code < 7 else 1)


def test_unknown_wins_over_rejected(server: FaultServer, project: Project) -> None:
    server.on("POST", "/orders/jobs", actions.answer(422), nth=1)
    server.on("POST", "/orders/jobs", actions.close(), nth=3)
    assert project.run().code == 5
    assert project.buckets() == {"rejected": 1, "unknown": 1, "done": 4}
    retry = (project.folder / "runs" / "1" / "retry.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in retry.splitlines()] == [
        "ref",
        *_keys(project, "rejected"),
    ]


def _keys(project: Project, bucket: str) -> list[str]:
    return [key for key, line in project.results().items() if line["bucket"] == bucket]


def test_a_journal_in_use_is_6_and_free_as_soon_as_its_user_is_dead(
    server: FaultServer, project: Project
) -> None:
    hold = Hold()
    server.on("POST", "/crm/contacts", actions.hang(hold), nth=1)
    first = project.start_run()
    hold.await_request()
    refused = project.run()
    assert refused.code == 6
    assert "another run" in refused.err
    assert "run 1 is at work: " in project.call("settle").err
    first.kill()
    finish(first)
    assert project.run().code == 5
    hold.released.set()


def test_a_missing_secret_is_7_and_named(server: FaultServer, project: Project) -> None:
    project.environment = {}
    done = project.run()
    assert done.code == 7
    assert "TEST_KEY" in done.err
    assert server.connections == 0


def test_a_server_that_is_gone_is_8(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with FaultServer(folder) as gone:
        project.server = gone
        project.configure()
    done = project.run("--workers", "1")
    assert done.code == 8
    assert "connection refused" in done.err
    assert project.buckets() == {"not started": 6}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_signal_lets_the_request_in_flight_finish(
    server: FaultServer, project: Project, number: signal.Signals, code: int, workers: str
) -> None:
    hold = Hold()
    server.on("POST", PAYMENTS, actions.hang(hold))
    process = project.start_run("--workers", workers)
    hold.await_request()
    process.send_signal(number)
    assert process.stderr is not None
    while "finishing what is in flight" not in process.stderr.readline():
        assert process.poll() is None
    hold.released.set()
    assert finish(process).code == code
    assert {call.state for call in project.calls()} == {"done"}
    assert len(server.deliveries("POST", PAYMENTS)) <= int(workers)
    assert project.buckets()["not started"] >= 3
    assert project.call("resume").code == 0
    assert project.buckets() == {"done": 6}
    assert server.repeated() == []


def test_a_second_signal_leaves_at_once_and_the_call_is_unknown(
    server: FaultServer, project: Project
) -> None:
    hold = Hold()
    server.on("POST", PAYMENTS, actions.hang(hold), nth=1)
    process = project.start_run("--workers", "1")
    hold.await_request()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "once more leaves at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    hold.released.set()
    assert len(project.unknown()) == 1
    assert project.call("resume").code == 5
    assert project.buckets() == {"unknown": 1, "done": 5}
    assert server.repeated() == []


@pytest.mark.parametrize("what", ["recipe", "input", "account"])
def test_resume_refuses_what_has_changed(server: FaultServer, project: Project, what: str) -> None:
    project.run("--limit", "2")
    before = len(server.deliveries())
    if what == "recipe":
        project.recipe(RECIPE + "# another word\n")
    elif what == "input":
        project.sheet("R0,C0,0.50", "R1,C1,1.50", "R2,C2,2.51")
    else:
        project.configure(account="another")
    done = project.call("resume")
    assert done.code == 2
    assert f"{what} " in done.err
    assert "changed since run 1 began" in done.err
    assert len(server.deliveries()) == before


def test_three_first_and_then_the_others(server: FaultServer, project: Project) -> None:
    project.run("--limit", "3")
    assert project.buckets() == {"done": 3, "not started": 3}
    assert project.call("resume").code == 0
    assert project.buckets() == {"done": 6}
    assert len(server.writes()) == 21
    assert server.repeated() == []


def test_only_one_key(server: FaultServer, project: Project) -> None:
    assert project.run("--only", "R4").code == 0
    assert [write.json()["description"] for write in server.deliveries("POST", "/orders/jobs")] == [
        "order R4"
    ]


@pytest.mark.parametrize(
    "answer", [("--done", "4711", "--yes"), ("--absent",)], ids=["done", "absent"]
)
def test_what_is_unknown_is_settled_by_a_person(
    server: FaultServer, project: Project, answer: tuple[str, ...]
) -> None:
    server.on("POST", PAYMENTS, actions.close(), nth=1)
    assert project.run("--workers", "1").code == 5
    (number,) = project.unknown()
    listed = project.call("settle").out
    assert "R0" in listed
    assert "0.5" in listed
    assert project.call("settle", "--call", number, "--absent").code == 2  # why is not said
    assert project.call("settle", "--call", "999", "--absent", "--why", "x").code == 2
    landed = answer[0] == "--done"
    assert project.call("settle", "--call", number, *answer, "--why", "looked it up").code == 0
    assert project.unknown() == []
    assert project.call("settle", "--call", number, *answer, "--why", "twice").code == 2
    assert project.call("resume").code == 0
    assert project.buckets() == {"done": 6}
    assert len(server.deliveries("POST", PAYMENTS)) == (6 if landed else 7)
    call = next(call for call in project.calls() if str(call.id) == number)
    assert call.answer == ('{"id":4711}' if landed else call.answer)
    assert call.state == "done"


@pytest.mark.parametrize(("landed", "code"), [(1, 0), (0, 5), (2, 5)])
def test_what_is_unknown_is_looked_for_on_resume(
    server: FaultServer, project: Project, landed: int, code: int
) -> None:
    project.recipe(GUARDED)
    server.on("POST", "/orders/jobs", actions.close(), nth=1)
    assert project.run("--workers", "1").code == 5
    for _ in range(landed):
        server.shop.create("/orders/jobs", {"description": "order R0"})
    resumed = project.call("resume")
    assert resumed.code == code
    assert len(server.deliveries("POST", "/orders/jobs")) == 6
    assert len(project.unknown()) == (1 if code else 0)
    if landed == 2:
        assert "more than one" in resumed.err


def test_the_key_is_nowhere_but_on_the_wire(server: FaultServer, project: Project) -> None:
    server.on("POST", "/orders/jobs", actions.close(), nth=1)
    server.on("POST", "/orders/jobs", actions.answer(422, {"message": "no"}), nth=2)
    server.on("POST", "/orders/jobs", actions.redirect(302, "http://127.0.0.1:1/"), nth=3)
    server.on("POST", PAYMENTS, actions.answer(401), nth=3)
    told = [
        project.call("validate", "orders.yaml"),
        project.run("--dry-run", "--all"),
        project.run("--workers", "1"),
    ]
    told += [
        project.call(*arguments) for arguments in (("resume",), ("runs",), ("show",), ("settle",))
    ]
    assert server.deliveries()[0].headers["x-api-key"] == CANARY
    kept = [path.read_bytes() for path in project.folder.rglob("*") if path.is_file()]
    assert any(b"order R0" in content for content in kept)
    for form in (
        CANARY,
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        CANARY.replace('"', '\\"'),
    ):
        assert not any(form in done.out + done.err for done in told)
        assert not any(form.encode() in content for content in kept)


def test_a_dry_run_connects_to_nothing(server: FaultServer, project: Project) -> None:
    project.environment = {}
    done = project.run("--dry-run")
    assert done.code == 0
    assert server.connections == 0
    assert not (project.folder / "runs").exists()


@pytest.mark.parametrize("older", [False, True], ids=["lost", "an older copy"])
def test_a_run_that_the_journal_does_not_know_ends_the_sending(
    server: FaultServer,
    project: Project,
    older: bool,  # noqa: FBT001
) -> None:
    if older:
        assert project.run("--limit", "1").code == 0
    journal = project.folder / "runs" / "journal.sqlite"
    before = journal.read_bytes() if older else b""
    assert project.run().code == 0
    for each in journal.parent.glob("journal.sqlite*"):
        each.unlink()
    if older:
        journal.write_bytes(before)
    sent, run = len(server.writes()), 2 if older else 1
    refused = project.run()
    assert refused.code == 8
    assert f"runs/{run} is there, and the journal beside it knows of no such run" in refused.err
    assert len(server.writes()) == sent
    (journal.parent / str(run)).rename(project.folder / "moved")
    assert project.run("--dry-run").code == 0


def copied(journal: Path) -> dict[str, bytes]:
    """A journal with its -wal file, as somebody copies it."""
    return {each.name: each.read_bytes() for each in journal.parent.glob("journal.sqlite*")}


def put_back(journal: Path, files: dict[str, bytes]) -> None:
    for each in journal.parent.glob("journal.sqlite*"):
        each.unlink()
    for name, content in files.items():
        (journal.parent / name).write_bytes(content)


@pytest.mark.parametrize("command", ["resume", "run"])
def test_an_older_journal_of_the_same_run_ends_the_sending(
    server: FaultServer, project: Project, command: str
) -> None:
    """No folder gives it away: created.csv does, and stays as it is."""
    journal = project.folder / "runs" / "journal.sqlite"
    assert project.run("--limit", "2").code == 0
    older = copied(journal)
    assert project.call("resume").code == 0
    sent = len(server.writes())
    put_back(journal, older)
    created = journal.parent / "1" / "created.csv"
    before = created.read_bytes()
    done = project.call("resume") if command == "resume" else project.run()
    assert done.code == 8
    assert f"{created} has " in done.err
    assert "the journal is an older copy" in done.err
    assert len(server.writes()) == sent
    assert created.read_bytes() == before
    told = project.call("report")
    assert "that the journal does not know" in told.err
    assert sorted(created.read_bytes().splitlines()) == sorted(before.splitlines())
    assert project.call("resume").code == 8


def test_a_journal_without_its_wal_file_ends_the_sending(
    server: FaultServer, project: Project
) -> None:
    """A project that was copied while a run was at work, without the -wal file, lacks what that run did since."""
    assert project.run("--only", "R5").code == 0
    hold = Hold()
    server.on("POST", PAYMENTS, actions.hang(hold), nth=3)
    process = project.start_run("--workers", "1")
    hold.await_request()
    process.kill()
    finish(process)
    hold.released.set()
    sent = len(server.writes())
    journal = project.folder / "runs" / "journal.sqlite"
    whole = copied(journal)
    assert whole["journal.sqlite-wal"]
    put_back(journal, {"journal.sqlite": whole["journal.sqlite"]})
    assert project.run().code == 8
    assert len(server.writes()) == sent
    put_back(journal, whole)
    assert project.run().code == 5
    assert server.repeated() == []


def test_a_killed_run_is_not_taken_for_a_lost_journal(
    server: FaultServer, project: Project
) -> None:
    hold = Hold()
    server.on("POST", "/orders/jobs", actions.hang(hold), nth=3)
    process = project.start_run("--workers", "2")
    hold.await_request()
    process.kill()
    finish(process)
    hold.released.set()
    assert project.call("report", "1").code == 0
    assert project.call("resume").code == 5
    assert server.repeated() == []
