"""Output that cannot be written: a reader that has gone, a device without room. Exit code 8 and words."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import pytest

from .command import HEADER, RUNNER, TIMEOUT, Command, environment
from .conftest import StartStub
from .stub import Answer

KEY = {"ACME_KEY": "key-of-acme"}
CREATED = Answer(201, b'{"id": 5}')
GONE = "nobody reads the output any more"
FULL = "the output cannot be written: no space left on device"
RUN = "run contacts.yaml --target live --first-run --workers 1"
LINES = [
    "schema --apis",
    "--help", "validate contacts.yaml", "plan contacts.yaml", "plan contacts.yaml --format json",
    "plan contacts.yaml --format junit", "plan contacts.yaml --all", "run import-orders --dry-run --all", "ops",
    "ops syncore.create_job --json", "runs", "show", "settle", "report", "new syncore.create_job", "--version",
]  # fmt: skip


@contextmanager
def closed_pipe() -> Iterator[IO[bytes]]:
    ear, mouth = os.pipe()
    os.close(ear)
    with os.fdopen(mouth, "wb") as file:
        yield file


@contextmanager
def full_device() -> Iterator[IO[bytes]]:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as file:
        yield file


SINKS = [pytest.param(closed_pipe, GONE, id="closed"), pytest.param(full_device, FULL, id="full")]
Sink = Callable[[], AbstractContextManager[IO[bytes]]]


def ended(
    runner: Command, line: str, *, out: IO[bytes] | int = subprocess.PIPE, err: IO[bytes] | int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
    done = subprocess.run(
        [RUNNER, *line.split()],
        cwd=runner.folder, env=environment(KEY), stdout=out, stderr=err, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert b"Traceback" not in (done.stderr or b"")
    return done


@pytest.mark.parametrize(("sink", "words"), SINKS)
@pytest.mark.parametrize("line", LINES)
def test_a_command_whose_output_cannot_be_written(
    contacts: Command, line: str, sink: Sink, words: str
) -> None:
    contacts("run", "contacts.yaml")
    with sink() as out:
        done = ended(contacts, line, out=out)
    assert done.returncode == 8
    assert done.stderr.decode().endswith(f"error: {words}\n")
    assert done.stderr.decode().count(words) == 1
    assert " running " not in contacts("runs").out


@pytest.mark.parametrize(("sink", "words"), SINKS)
def test_nothing_is_said_where_nothing_can_be(contacts: Command, sink: Sink, words: str) -> None:
    with sink() as both:
        assert ended(contacts, "plan contacts.yaml", out=both, err=both).returncode == 8
        assert ended(contacts, "plan nosuch.yaml", out=both, err=both).returncode == 3
        assert ended(contacts, "resume 4", out=both, err=both).returncode == 2


@pytest.mark.parametrize(("sink", "words"), SINKS)
@pytest.mark.parametrize("stream", ["err", "out"])
def test_a_run_whose_progress_cannot_be_written_stops_in_order(
    contacts: Command, stream: str, sink: Sink, words: str
) -> None:
    """Progress is on stderr, and as JSON on stdout."""
    line = "run contacts.yaml --workers 1"
    with sink() as file:
        done = (
            ended(contacts, line, err=file)
            if stream == "err"
            else ended(contacts, f"{line} --json", out=file)
        )
    assert done.returncode == 8
    assert (contacts.runs / "1" / "results.csv").exists()
    shown = contacts("show").out
    assert "stopped, exit code 8" in shown
    assert words in shown
    if stream == "out":
        assert b"go on with: runner resume 1" in done.stderr
    contacts("resume")
    assert len(contacts.delivered()) == 2


@pytest.mark.parametrize(("sink", "words"), SINKS)
def test_a_run_that_cannot_say_where_it_goes_does_not_begin(
    contacts: Command, start_stub: StartStub, sink: Sink, words: str
) -> None:
    stub = start_stub(lambda sent: CREATED)
    with sink() as file:
        assert ended(contacts, RUN, err=file).returncode == 8, words
    assert not stub.sent
    assert not contacts.runs.exists()


@pytest.mark.parametrize(("sink", "words"), SINKS)
def test_a_run_whose_last_words_cannot_be_written_has_ended(
    contacts: Command, start_stub: StartStub, sink: Sink, words: str
) -> None:
    """The names of its files, on stdout: all was sent, and is on record."""
    stub = start_stub(lambda sent: CREATED)
    with sink() as out:
        done = ended(contacts, RUN, out=out)
    assert done.returncode == 8
    assert done.stderr.decode().endswith(f"error: {words}\n")
    assert "finished, exit code 0" in contacts("show").out
    assert len(stub.sent) == 2


def test_unknown_outweighs_output_that_cannot_be_written(
    contacts: Command, start_stub: StartStub
) -> None:
    start_stub(lambda sent: Answer(500, b"{}"))
    with closed_pipe() as out:
        done = ended(contacts, RUN, out=out)
    assert done.returncode == 5
    assert done.stderr.decode().endswith(f"error: {GONE}\n")


def test_a_pipe_that_does_not_block_gets_all_of_it(contacts: Command) -> None:
    """As a terminal multiplexer or a Node program hands it over."""
    many = "".join(f"A-{number},Ace {number},1,1,\n" for number in range(2000))
    contacts.write("rows.csv", HEADER + many)
    whole = contacts("plan", "contacts.yaml", "--all").out
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    process = subprocess.Popen(
        [RUNNER, "plan", "contacts.yaml", "--all"],
        cwd=contacts.folder, env=environment(), stdout=mouth, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(mouth)
    with process, os.fdopen(ear, encoding="utf-8") as file:
        assert file.read() == whole
    assert process.returncode == 0


def small_disk(runner: Command, place: str, script: str) -> subprocess.CompletedProcess[bytes]:
    """A line of shell in which the folder `place` is on a disk of four kilobytes; $RUNNER is the command."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("unshare is not there or may make no mount namespace")
    (runner.folder / place).mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size=4k tmpfs {place} || exit 99; {script}"
    env = environment({**KEY, "RUNNER": str(RUNNER)})
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount],
        cwd=runner.folder, env=env, capture_output=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    if done.returncode == 99:
        pytest.skip("no file system may be mounted")
    assert b"Traceback" not in done.stderr
    return done


def many_rows(runner: Command) -> None:
    many = "".join(f"A-{number},Ace {number} of many,1,1,\n" for number in range(100))
    runner.write("rows.csv", HEADER + many)


@pytest.mark.parametrize("name", ["plan.json", "plan.xml", "plan.txt"])
def test_a_plan_on_a_full_disk(contacts: Command, name: str) -> None:
    many_rows(contacts)
    done = small_disk(contacts, "disk", f"exec $RUNNER plan contacts.yaml --all --out disk/{name}")
    assert done.returncode == 8, done
    assert (
        f"error: disk/{name} cannot be written: no space left on device\n" in done.stderr.decode()
    )


@pytest.mark.parametrize("option", ["--junit disk/run.xml", "--out disk"])
def test_a_file_of_a_run_on_a_full_disk(
    contacts: Command, start_stub: StartStub, option: str
) -> None:
    stub = start_stub(lambda sent: CREATED)
    many_rows(contacts)
    done = small_disk(contacts, "disk", f"exec $RUNNER {RUN} {option}")
    assert done.returncode == 8, done
    assert "cannot be written: no space left on device" in done.stderr.decode()
    assert len(stub.sent) == 100
    assert " running " not in contacts("runs").out
    contacts("resume", env=KEY)
    assert len(stub.sent) == 100


@pytest.mark.parametrize("option", ["", "--xlsx"])
def test_the_results_of_a_run_on_a_full_disk(
    contacts: Command, start_stub: StartStub, option: str
) -> None:
    stub = start_stub(lambda sent: CREATED)
    many_rows(contacts)
    contacts(*RUN.split(), "--limit", "1", env=KEY)
    done = small_disk(contacts, "runs/1", f"exec $RUNNER resume 1 --workers 1 {option}")
    assert done.returncode == 8, done
    told = done.stderr.decode()
    assert "cannot be written: no space left on device" in told
    assert " running " not in contacts("runs").out
    contacts("resume", "1", env=KEY)
    assert len(stub.sent) == len({sent.body for sent in stub.sent}) == 100


@pytest.mark.parametrize(
    "line", ["report 1 --html disk/page.html", "report 1 --junit disk/a.xml", "report 1 --out disk"]
)
def test_a_report_on_a_full_disk(contacts: Command, line: str) -> None:
    many_rows(contacts)
    contacts("run", "contacts.yaml")
    done = small_disk(contacts, "disk", f"exec $RUNNER {line}")
    assert done.returncode == 8, done
    assert "cannot be written: no space left on device" in done.stderr.decode()


def test_a_temporary_folder_without_room(contacts: Command) -> None:
    """It holds where the rows of a large input are."""
    many = "".join(f"A-{number},{'x' * 40},1,1,\n" for number in range(200_000))
    contacts.write("rows.csv", HEADER + many)
    done = small_disk(
        contacts, "disk", "TMPDIR=disk SQLITE_TMPDIR=disk exec $RUNNER plan contacts.yaml --limit 1"
    )
    assert done.returncode == 8, done
    assert "the temporary folder" in done.stderr.decode()
