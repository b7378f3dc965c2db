"""Leaving before the end: two runs at once, signals, and an output that nobody reads any more."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from .command import HEADER, RUNNER, TIMEOUT, Command, environment
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "key-of-acme"}
CREATED = Answer(201, b'{"id": 5}')


class Held:
    """An API that holds its first answer until it is let go."""

    def __init__(self, start: StartStub) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.stub = start(self._answer)

    def _answer(self, sent: Sent) -> Answer:
        self.asked.set()
        assert self.go.wait(TIMEOUT)
        return CREATED


@pytest.fixture
def held(start_stub: StartStub) -> Iterator[Held]:
    api = Held(start_stub)
    yield api
    api.go.set()


def started(runner: Command, held: Held) -> subprocess.Popen[bytes]:
    """A run whose first request is under way."""
    process = runner.start(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", env=KEY
    )
    wait_for(held, process)
    return process


def wait_for(held: Held, process: subprocess.Popen[bytes]) -> None:
    """Until the first request is there; fails when the process ends without one."""
    while not held.asked.wait(0.1):
        assert process.poll() is None, process.communicate()


def test_a_call_in_flight_is_not_to_be_settled(contacts: Command, held: Held) -> None:
    with started(contacts, held) as first:
        for command in (("settle",), ("settle", "1")):
            listed = contacts(*command)
            assert listed.out.startswith("nothing ")
            assert "run 1 is at work: 1 call is in flight and not listed" in listed.err
        held.go.set()
        assert first.wait(TIMEOUT) == 0


def test_two_runs_at_once(contacts: Command, held: Held) -> None:
    with started(contacts, held) as first:
        for line in ("run contacts.yaml --target live --first-run", "run contacts.yaml", "resume"):
            told = contacts(*line.split(), code=6, env=KEY).err
            assert f"another run is using {contacts.runs}/journal.sqlite" in told
            assert "wait for it to end" in told
        contacts("run", "contacts.yaml", "--target", "live", "--dry-run")
        contacts("runs")
        contacts("show")
        held.go.set()
        assert first.communicate(timeout=TIMEOUT)[0]
    assert first.returncode == 0
    assert len(held.stub.sent) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_request_finish(
    contacts: Command, held: Held, number: signal.Signals
) -> None:
    with started(contacts, held) as process:
        process.send_signal(number)
        assert process.stderr is not None
        before = read_until(process, b"finishing what is in flight; once more leaves at once\n")
        held.go.set()
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number
    assert f"\n{number.name}: ".encode() in before
    assert b"Traceback" not in err
    assert b"runner resume" in err
    assert b"to do    runs/1/retry.csv" in out
    assert len(held.stub.sent) == 1
    contacts("resume", env=KEY)
    assert len(held.stub.sent) == 2


def test_a_second_signal_leaves_at_once_and_the_outcome_is_unknown(
    contacts: Command, held: Held
) -> None:
    with started(contacts, held) as process:
        process.send_signal(signal.SIGTERM)
        read_until(process, b"once more leaves at once\n")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    held.go.set()
    assert "A-1" in contacts("settle", code=5).out
    contacts("resume", code=5, env=KEY)
    assert sum(b"A-1" in sent.body for sent in held.stub.sent) == 1


def test_a_signal_that_is_ignored_stays_ignored(contacts: Command, held: Held) -> None:
    """As under nohup."""
    line = "run contacts.yaml --target live --first-run --workers 1"
    process = contacts.start(*line.split(), env=KEY, ignored=[signal.SIGHUP])
    with process:
        wait_for(held, process)
        process.send_signal(signal.SIGHUP)
        held.go.set()
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert len(held.stub.sent) == 2


def test_killed_and_resumed(contacts: Command, held: Held) -> None:
    with started(contacts, held) as process:
        assert " running " in contacts("runs").out
        process.kill()
        process.communicate(timeout=TIMEOUT)
    assert contacts("runs").out.endswith("run 1 was killed; go on with: runner resume 1\n")
    held.go.set()
    told = contacts("resume", code=5, env=KEY).err
    assert "UNKNOWN" in told
    assert sum(b"A-1" in sent.body for sent in held.stub.sent) == 1
    assert sum(b"A-2" in sent.body for sent in held.stub.sent) == 1


def test_ctrl_c_during_a_dry_run(contacts: Command) -> None:
    """It is writing into a pipe that is full when the signal comes."""
    many = "".join(f"A-{number},Ace {number},1,1,\n" for number in range(5000))
    contacts.write("rows.csv", HEADER + many)
    with contacts.start("run", "contacts.yaml", "--dry-run", "--all") as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert err.decode().strip() == "interrupted"
    assert not contacts.runs.exists()


def shell(runner: Command, script: str) -> subprocess.CompletedProcess[bytes]:
    """A line of shell, where $RUNNER is the command."""
    env = environment({**KEY, "RUNNER": str(RUNNER)})
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=runner.folder, env=env, capture_output=True, timeout=TIMEOUT
    )


def test_streams_that_are_closed(contacts: Command) -> None:
    assert shell(contacts, "exec $RUNNER run contacts.yaml --dry-run >&- 2>&-").returncode == 0
    assert shell(contacts, "exec $RUNNER run nosuch.yaml <&- >&- 2>&-").returncode == 3
    assert shell(contacts, "exec $RUNNER run contacts.yaml <&- >&- 2>&-").returncode == 0
    assert len(contacts.delivered()) == 2


def test_a_journal_that_has_no_room_ends_the_sending(
    contacts: Command, start_stub: StartStub
) -> None:
    """The largest size of a file stands for a full disk: what cannot be recorded is not sent."""
    stub = start_stub(lambda sent: CREATED)
    contacts.write(
        "rows.csv", HEADER + "".join(f"A-{number},Ace {number},1,1,\n" for number in range(400))
    )
    ended = shell(
        contacts,
        "ulimit -f 600; PYTHONDONTWRITEBYTECODE=1 exec $RUNNER run contacts.yaml --target live --first-run",
    )
    assert ended.returncode == 5, ended.stderr
    assert b"nothing more is sent" in ended.stderr
    assert b"Traceback" not in ended.stderr
    sent = len(stub.sent)
    assert 0 < sent < 400
    told = ended.stderr.decode()
    unknown = int(told.partition("UNKNOWN      ")[2].rpartition("UNKNOWN      ")[2].split()[0])
    done = int(told.partition("\ndone         ")[2].split()[0])
    assert unknown + done == sent
    # A commit that failed may be there all the same: what it holds is no longer unknown.
    left = contacts("settle", code=5).out.splitlines()[-1]
    assert 0 < int(left.split()[0]) <= unknown
    assert "UNKNOWN" in contacts("resume", code=5, env=KEY).err
    bodies = [each.body for each in stub.sent]
    assert len(bodies) == len(set(bodies))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_characters(runner: Command, encoding: str) -> None:
    out = runner(
        "run", "import-orders", "--dry-run", env={"PYTHONIOENCODING": encoding}, encoding=encoding
    ).out
    assert out.endswith("DRY RUN  nothing was sent\n")
    assert ("Caf\\xe9" if encoding == "ascii" else "Café") in out


def read_until(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    """What a process says until it says `text`."""
    assert process.stderr is not None
    said = b""
    while text not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def test_the_sandbox_serves_until_it_is_interrupted(contacts: Command) -> None:
    with contacts.start("sandbox") as process:
        read_until(process, b"ctrl-C ends it\n")
        contacts("run", "contacts.yaml")
        other = contacts("sandbox", code=6).err
        assert f"a sandbox is already running in {contacts.runs}/sandbox" in other
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert b"\nsyncore  http://127.0.0.1:" in b"\n" + out
    assert err == b""
    assert len(contacts.delivered()) == 2
    contacts("sandbox", "--port", "0", "--folder", "rows.csv", code=7)
