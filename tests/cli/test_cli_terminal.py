"""What a run says: live on a real terminal, plain elsewhere, a line a call, next to nothing, and as JSON."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal

import jsonschema
import pytest

from runner.report.text import cells

from .command import RUNNER, TIMEOUT, TREE, Command, environment
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "k-is-secret"}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SCHEMA = json.loads((TREE / "schemas" / "events.schema.json").read_text())
RUN = ("run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1")


def refusing(sent: Sent) -> Answer:
    return Answer(422, b'{"message": "no"}') if b"A-2" in sent.body else Answer(201, b'{"id": 7}')


class Screen:
    """The command on a terminal of its own: a pseudo-terminal as stderr (and stdout), `columns` wide."""

    def __init__(
        self, runner: Command, *arguments: str, columns: int, env: Mapping[str, str] | None = None
    ) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [RUNNER, *arguments], cwd=runner.folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=environment({"TERM": "xterm-256color", **KEY, **(env or {})}),
        )  # fmt: skip
        os.close(slave)
        self.seen = b""

    def until(self, wanted: Callable[[str], bool]) -> str:
        """What was written by the time that it is as wanted, or to the end."""
        while not wanted(self.seen.decode(errors="replace")):
            assert select.select([self.master], [], [], TIMEOUT)[0], "nothing more is written"
            try:
                got = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                break
            if not got:
                break
            self.seen += got
        return self.seen.decode()

    def close(self) -> int:
        """To the end; returns the exit code."""
        self.until(lambda _: False)
        os.close(self.master)
        return self.process.wait(TIMEOUT)


def shown(text: str) -> list[str]:
    """The lines without what moves and colours them."""
    return [line for part in ESCAPES.sub("", text).split("\n") for line in part.split("\r") if line]


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal(contacts: Command, start_stub: StartStub, columns: int) -> None:
    go_on = threading.Event()

    def answer(sent: Sent) -> Answer:
        if b"A-2" in sent.body:  # while the second is under way, the first is shown as done
            go_on.wait(TIMEOUT)
        return refusing(sent)

    start_stub(answer)
    screen = Screen(contacts, *RUN, columns=columns)
    frames = shown(screen.until(lambda text: "1/2 rows" in text))
    go_on.set()
    assert screen.close() == 4
    assert any("1/2 rows" in line for line in frames)
    # But for the first two, the target and the run, which the terminal itself may break.
    assert max(map(cells, frames[2:])) <= columns
    text = screen.seen.decode()
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again
    lines = shown(text)
    assert "rejected     1 row (1 line): fix them and run the file again" in lines
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("env", "colours", "moves"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, True, True),
    ],
)
def test_kinds_of_terminals(
    contacts: Command, start_stub: StartStub, env: Mapping[str, str], *, colours: bool, moves: bool
) -> None:
    contacts.write("rows.csv", (contacts.folder / "rows.csv").read_text().replace("A-2", "Ä-2"))
    start_stub(
        lambda sent: Answer(422) if "Ä-2".encode() in sent.body else Answer(201, b'{"id": 7}')
    )
    screen = Screen(contacts, *RUN, columns=80, env=env)
    assert screen.close() == 4
    text = screen.seen.decode()
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", text)) == colours
    assert ("\x1b[?25l" in text) == moves
    assert re.search(r"rejected +(Ä|\\xc4)-2 \(line 3\): contact: 422", ESCAPES.sub("", text))


def test_colour_where_it_is_asked_for(contacts: Command, start_stub: StartStub) -> None:
    start_stub(refusing)
    plain = contacts(*RUN, code=4, env=KEY).err
    assert "\x1b" not in plain
    coloured = contacts(*RUN, code=4, env={**KEY, "FORCE_COLOR": "1"}).err
    assert "\x1b[33mrejected" in coloured
    assert "\x1b[?25l" not in coloured


def test_nothing_but_what_needs_a_person(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(refusing)
    trouble = contacts(*RUN, "-q", code=4, env=KEY)
    labels = [line.split("  ")[0] for line in trouble.err.splitlines() if line[:1].strip()]
    assert labels == ["target", "rejected"]
    assert "1 x contact: 422 no: A-2" in trouble.err
    assert "to do    runs/1/retry.csv" in trouble.out
    stub.answer = lambda sent: Answer(201, b'{"id": 8}')
    fine = contacts(*(each for each in RUN if each != "--first-run"), "-q", env=KEY)
    assert fine.out == ""
    assert [line.split("  ")[0] for line in fine.err.splitlines()] == ["target"]


def test_each_call(contacts: Command, start_stub: StartStub) -> None:
    start_stub(refusing)
    told = contacts(*RUN, "--verbose", code=4, env=KEY).err
    assert re.search(
        r"^  done +A-1  contact  POST /crm/contacts  201  [\d,]+ ms  id 7$", told, re.MULTILINE
    )
    assert re.search(
        r"^  rejected +A-2  contact  POST /crm/contacts  422  [\d,]+ ms  422 no$",
        told,
        re.MULTILINE,
    )
    assert KEY["ACME_KEY"] not in told


def test_events(contacts: Command, start_stub: StartStub) -> None:
    start_stub(refusing)
    ran = contacts(*RUN, "--json", code=4, env=KEY)
    events = [json.loads(line, parse_float=Decimal) for line in ran.out.splitlines()]
    for event in map(json.loads, ran.out.splitlines()):
        jsonschema.Draft202012Validator(SCHEMA).validate(event)
    assert [event["event"] for event in events] == [
        "run_started", "call", "row", "call", "row", "run_ended", "files",
    ]  # fmt: skip
    assert [event["bucket"] for event in events if event["event"] == "row"] == ["done", "rejected"]
    assert events[-2]["exit_code"] == 4
    assert set(events[-1]["files"]) == {"results", "created", "to do"}
    assert "rejected     1 row" in ran.err
    assert KEY["ACME_KEY"] not in ran.out
    resumed = contacts("resume", "1", "--json", "--quiet", code=4, env=KEY)
    assert json.loads(resumed.out.splitlines()[0])["resumed"] is True


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--dry-run", "--json"), "--json is for a run"),
        (("--dry-run", "-q"), "--quiet is for a run"),
        (("-q", "--verbose"), "--quiet and --verbose do not go together"),
    ],
)
def test_what_does_not_go_together(contacts: Command, flags: tuple[str, ...], message: str) -> None:
    assert message in contacts("run", "contacts.yaml", *flags, code=2).err
