"""Calls whose outcome is unknown: never sent again by themselves, and settled by a person."""

from __future__ import annotations

import re

import pytest

from .command import Command, Ended
from .conftest import StartStub
from .stub import Answer, Stub

KEY = {"ACME_KEY": "k"}


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub) -> Stub:
    """An API that took the first row and hung up; from now on it answers."""
    stub = start_stub(lambda sent: Answer(0) if b"A-1" in sent.body else Answer(201, b'{"id": 7}'))
    told = contacts(
        "run", "contacts.yaml", "--target", "live", "--workers", "1", code=5, env=KEY
    ).err
    assert "UNKNOWN" in told
    assert "runner settle" in told
    stub.answer = lambda sent: Answer(201, b'{"id": 8}')
    return stub


def listed(runner: Command) -> str:
    """The number of the only open call."""
    told = runner("settle", code=5).out
    assert "A-1" in told
    (number,) = re.findall(r"\bcall (\d+)", told)[:1]
    return str(number)


def resume(runner: Command, *, code: int = 0) -> Ended:
    return runner("resume", code=code, env=KEY)


def bodies(stub: Stub, key: bytes) -> int:
    return sum(key in sent.body for sent in stub.writes)


def test_it_stays_unknown(contacts: Command, stub: Stub) -> None:
    resume(contacts, code=5)
    contacts("run", "contacts.yaml", "--target", "live", code=5, env=KEY)
    planned = contacts("run", "contacts.yaml", "--target", "live", "--dry-run").out
    assert "not sent, unknown" in planned
    assert (bodies(stub, b"A-1"), bodies(stub, b"A-2")) == (1, 1)
    assert not list(contacts.runs.glob("*/retry.csv"))


def test_settled_as_done(contacts: Command, stub: Stub) -> None:
    number = listed(contacts)
    told = contacts("settle", "--call", number, "--done", "31987", "--why", "seen on the site").out
    assert told == f"call {number} is recorded as done; go on: runner resume\n"
    assert contacts("settle").out == "nothing is unknown\n"
    resume(contacts)
    assert bodies(stub, b"A-1") == 1
    results = (contacts.runs / "1" / "results.csv").read_text("utf-8-sig").splitlines()
    assert results[1] == "2,A-1,1,done,,contact 31987,,31987"
    assert "seen on the site" in contacts("show", "--key", "A-1").out


def test_settled_as_absent(contacts: Command, stub: Stub) -> None:
    number = listed(contacts)
    contacts("settle", "--call", number, "--absent", "--why", "not on the site")
    resume(contacts)
    assert (bodies(stub, b"A-1"), bodies(stub, b"A-2")) == (2, 1)
    assert contacts("settle").out == "nothing is unknown\n"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "--done 5",
        "--absent",
        "--done 5 --absent --why both",
        "--why nothing",
        "--absent --why=",
    ],
)
def test_half_said(contacts: Command, stub: Stub, said: str) -> None:
    told = contacts("settle", "--call", listed(contacts), *said.split(), code=2).err
    assert "--done ID --why TEXT, or --absent --why TEXT" in told
    assert bodies(stub, b"A-1") == 1
