"""An API that does not answer as it should: what the command says, what it ends with, and what it never repeats."""

from __future__ import annotations

import threading

import pytest

from .command import Command
from .conftest import StartStub
from .stub import Answer, Sent

KEY = {"ACME_KEY": "canary-1234"}
HTML = Answer(200, b"<!doctype html><title>Sign in</title>", "text/html")
CREATED = Answer(201, b'{"id": 5}')


@pytest.mark.parametrize(
    ("answer", "code", "bucket", "expected"),
    [
        (HTML, 5, "unknown", "HTML"),
        (Answer(200, b"{}"), 5, "unknown", "id"),
        (Answer(200, b"{"), 5, "unknown", "JSON"),
        (Answer(500, b"oops", "text/plain"), 5, "unknown", "500"),
        (Answer(302, b"", headers=(("Location", "http://127.0.0.1:1/"),)), 5, "unknown", "302"),
        (Answer(0), 5, "unknown", "connection"),
        (Answer(404, b'{"message": "no such thing"}'), 4, "rejected", "404 no such thing"),
        (Answer(422, b'{"errors": {"email": ["is taken"]}}'), 4, "rejected", "422 email: is taken"),
    ],
    ids=["HTML", "no id", "no JSON", "500", "redirect", "nothing", "404", "422"],
)  # fmt: skip
def test_bad_answer(
    contacts: Command, start_stub: StartStub, answer: Answer, code: int, bucket: str, expected: str
) -> None:
    stub = start_stub(lambda sent: answer)
    ended = contacts(
        "run",
        "contacts.yaml",
        "--target",
        "live",
        "--first-run",
        "--limit",
        "1",
        "--workers",
        "1",
        code=code,
        env=KEY,
    )
    results = (contacts.runs / "1" / "results.csv").read_text("utf-8-sig").splitlines()
    assert results[1].startswith(f"2,A-1,1,{bucket},")
    assert expected in results[1]
    assert expected in ended.err
    assert "canary" not in ended.out + ended.err + "".join(results)
    assert len(stub.writes) == 1
    contacts("resume", "--workers", "1", code=code, env=KEY)
    keys = [sent.body for sent in stub.writes if b"A-1" in sent.body]
    assert len(keys) == (1 if bucket == "unknown" else 2)


def test_401_stops_the_run(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(lambda sent: Answer(401, b'{"message": "bad key"}'))
    told = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=7, env=KEY
    ).err
    assert len(stub.sent) == 1
    assert "401" in told
    assert "canary" not in told
    stub.answer = lambda sent: CREATED
    contacts("resume", env=KEY)
    assert len(stub.sent) == 3


def test_the_key_that_an_api_repeats_is_not_shown(contacts: Command, start_stub: StartStub) -> None:
    start_stub(
        lambda sent: Answer(401, b'{"message": "the key %s is not known"}' % sent.key.encode())
    )
    ended = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=7, env=KEY
    )
    shown = contacts("show", code=0)
    assert "canary" not in ended.out + ended.err + shown.out
    for path in contacts.runs.rglob("*"):
        assert path.is_dir() or b"canary" not in path.read_bytes(), path


def test_429_is_waited_for_and_sent_once_more(contacts: Command, start_stub: StartStub) -> None:
    told = threading.Event()

    def answer(sent: Sent) -> Answer:
        if told.is_set():
            return CREATED
        told.set()
        return Answer(429, b"{}", headers=(("Retry-After", "0"),))

    stub = start_stub(answer)
    contacts("run", "contacts.yaml", "--target", "live", "--first-run", "--limit", "1", env=KEY)
    assert len(stub.sent) == 2


def test_nobody_there(contacts: Command, start_stub: StartStub) -> None:
    """Nothing was sent, so everything can be sent again."""
    stub = start_stub(lambda sent: CREATED)
    contacts.write("runner.yaml", stub.settings().replace(stub.url, "http://127.0.0.1:1/v2"))
    told = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=8, env=KEY
    ).err
    assert "connection refused" in told
    assert "runner resume" in told
    contacts.write("runner.yaml", stub.settings())
    contacts("resume", env=KEY)
    assert len(stub.sent) == 2
    assert {sent.key for sent in stub.sent} == {"canary-1234"}
