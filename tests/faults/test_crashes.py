"""Killed at every point and at any moment: no write arrives twice, what cannot be known is listed, the rest is done."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faults import actions
from faults.commands import COMMAND, GUARDED, Project, finish
from faults.server import FaultServer, Hold

FAULTY = Path(__file__).with_name("faulty.py")
PAYMENTS = "/orders/jobs/[0-9]+/salesorders/[0-9]+/payments"
ROWS = 8


def resume_and_check(project: Project, *, unknown_at_most: int) -> list[str]:
    """Go on after a crash, with nothing broken any more; then every promise. Returns what is left unknown."""
    project.command = COMMAND
    resumed = project.call("resume")
    server = project.server
    assert server.repeated() == [], "a write arrived twice"
    unknown = project.unknown()
    assert len(unknown) <= unknown_at_most
    assert resumed.code == (5 if unknown else 0), resumed
    results = project.results()
    open_keys = {call.identity.key for call in project.calls() if str(call.id) in unknown}
    made = {
        job["description"]: str(job["id"]) for job in server.shop.objects.get("/orders/jobs", [])
    }
    paid = {payment.json()["reference"] for payment in server.deliveries("POST", PAYMENTS)}
    for key, line in results.items():
        customer = f"C{int(key[1:]) % 3}"
        if line["bucket"] == "done":
            assert line["job"] == made[f"order {key}"]
            assert key in paid
        else:
            assert line["bucket"] == "unknown", line
            assert {key, customer} & open_keys, line
    assert len(results) == ROWS
    before = len(server.writes())
    assert project.call("resume").code == resumed.code
    assert len(server.writes()) == before, "going on once more sent something"
    return unknown


@pytest.mark.parametrize("workers", ["1", "4"])
def test_killed_between_an_answer_and_its_record(project: Project, workers: str) -> None:
    """The whole command as it is started by people; test_torture.py has every point and every pass of it."""
    project.rows(ROWS)
    project.command = (sys.executable, str(FAULTY), "after send", "9")
    assert project.run("--workers", workers).code == -9
    assert 1 <= len(resume_and_check(project, unknown_at_most=int(workers))) <= int(workers)


def test_the_harness_finds_out_a_journal_that_is_written_after_the_send(project: Project) -> None:
    project.rows(ROWS)
    project.command = (sys.executable, str(FAULTY), "late journal", "7")
    assert project.run("--workers", "1").code == -9
    with pytest.raises(AssertionError, match="a write arrived twice"):
        resume_and_check(project, unknown_at_most=1)


def test_killed_while_the_server_holds_the_answer_and_commits_later(
    server: FaultServer, project: Project
) -> None:
    project.rows(ROWS)
    hold = Hold()
    server.on("POST", PAYMENTS, actions.hang(hold), nth=3)
    process = project.start_run("--workers", "2")
    hold.await_request()
    process.kill()
    finish(process)
    hold.released.set()
    assert len(resume_and_check(project, unknown_at_most=2)) >= 1


def test_what_a_crash_left_unknown_is_adopted_where_a_search_finds_it(
    server: FaultServer, project: Project
) -> None:
    project.rows(ROWS)
    project.recipe(GUARDED)
    hold = Hold()
    server.on("POST", "/orders/jobs", actions.committed(actions.hang(hold, actions.close())), nth=3)
    process = project.start_run("--workers", "1")
    hold.await_request()
    process.kill()
    finish(process)
    hold.released.set()
    assert resume_and_check(project, unknown_at_most=0) == []
    assert project.buckets() == {"done": ROWS}


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(server: FaultServer, project: Project, seed: int) -> None:
    """Once or twice, at a moment that the seed chooses. Where the run was faster than the kill, that is one as well."""
    draw = random.Random(seed)
    project.rows(ROWS)
    kills = 1 + seed % 2
    process = project.start_run("--workers", "3")
    for kill in range(kills):
        server.await_deliveries(len(server.deliveries()) + draw.randint(1, 14), process=process)
        threading.Event().wait(
            draw.random() * 0.02
        )  # the moment, not a wait for something to happen
        process.kill()
        finish(process)
        if kill + 1 < kills:
            process = project.start("resume", "--workers", "3")
    resume_and_check(project, unknown_at_most=3 * kills)


@pytest.fixture
def traced(tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    """Where strace writes to, and the command under it."""
    log = tmp_path / "trace"
    command = (
        "strace",
        "-f",
        "-s",
        "64",
        "-e",
        "trace=fdatasync,fsync,sendto,sendmsg,write,writev",
        "-o",
        str(log),
    )
    if (
        shutil.which("strace") is None
        or subprocess.run([*command, "true"], capture_output=True).returncode != 0
    ):
        pytest.skip("strace is not there or may not trace")
    return log, (*command, *COMMAND)


def test_the_disk_has_the_intent_before_the_socket_has_a_byte(
    server: FaultServer, project: Project, traced: tuple[Path, tuple[str, ...]]
) -> None:
    project.rows(ROWS)
    log, project.command = traced
    assert project.run("--workers", "1").code == 0
    synced, sent = False, 0
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if re.search(r"\bf(data)?sync(\(\d+| resumed>)\) += 0", line):
            synced = True
        elif re.search(r'\b(sendto|sendmsg|write|writev)\(\d+, "POST ', line):
            assert synced, f"sent before a sync: {line}"
            synced, sent = False, sent + 1
    assert sent == len(server.writes()) == 3 + 3 * ROWS
