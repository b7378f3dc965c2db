"""Who hears of the end of a run: once for each end, never for a dry run, and never at the cost of the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from .command import Command
from .conftest import StartStub
from .inbox import Inbox, smtp
from .stub import Answer, Sent, Stub

CANARY = "T00-s3cret-canary"
RUN = ("run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1")


def refusing(sent: Sent) -> Answer:
    return Answer(422, b'{"message": "no"}') if b"A-2" in sent.body else Answer(201, b'{"id": 7}')


@pytest.fixture
def hook() -> Iterator[Stub]:
    stub = Stub(lambda sent: Answer(200))
    yield stub
    stub.close()


def add_notices(runner: Command, text: str) -> None:
    path = runner.folder / "runner.yaml"
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\nnotify:\n{text}")


def environ(hook: Stub) -> dict[str, str]:
    return {"ACME_KEY": "key-of-acme", "HOOK": hook.url.removesuffix("/v2") + f"/{CANARY}"}


def test_a_webhook_hears_of_each_end_once(
    contacts: Command, start_stub: StartStub, hook: Stub
) -> None:
    start_stub(refusing)
    add_notices(
        contacts,
        "  - webhook: {url: {env: HOOK}}\n  - {when: unknown, webhook: {url: {env: NOT_SET}}}\n",
    )
    env = environ(hook)
    contacts("run", "contacts.yaml", "--dry-run", env=env)
    contacts("plan", "contacts.yaml", env=env)
    assert hook.sent == []
    ran = contacts(*RUN, code=4, env=env)
    contacts("resume", "1", code=4, env=env)
    bodies = [json.loads(sent.body) for sent in hook.sent]
    assert [(body["run"], body["exit_code"], body["rejected"]) for body in bodies] == [
        (1, 4, 1),
        (1, 4, 1),
    ]
    assert "1 x contact: 422 no: A-2" in bodies[0]["text"]
    assert {sent.path for sent in hook.sent} == {f"/{CANARY}"}
    shown = contacts("show").out
    assert shown.count("told      webhook HOOK (") == 2
    for text in (
        ran.out,
        ran.err,
        shown,
        (contacts.runs / "journal.sqlite").read_bytes().decode("latin-1"),
    ):
        assert CANARY not in text


def test_one_that_fails_costs_nothing(contacts: Command, hook: Stub) -> None:
    contacts.write("runner.yaml", "")
    add_notices(contacts, "  - webhook: {url: {env: HOOK}}\n  - webhook: {url: {env: NOT_SET}}\n")
    hook.answer = lambda sent: Answer(500)
    ran = contacts("run", "contacts.yaml", env=environ(hook))
    assert "not told     webhook HOOK: it answered 500" in ran.err
    assert (
        "not told     webhook NOT_SET: NOT_SET is not set; set NOT_SET in the environment"
        in ran.err
    )
    assert "results  runs/1/results.csv" in ran.out
    assert "NOT told  webhook HOOK: it answered 500" in contacts("show").out
    assert len(hook.sent) == 1
    assert CANARY not in ran.err


def test_a_mail_with_the_results(contacts: Command, start_stub: StartStub) -> None:
    start_stub(refusing)
    inbox = Inbox()
    with smtp(inbox) as port:
        mail = f"{{to: ops@example.com, from: r@example.com, host: 127.0.0.1, port: {port}, tls: none, attach: true}}"
        add_notices(contacts, f"  - {{when: trouble, mail: {mail}}}\n")
        contacts(*RUN, code=4, env={"ACME_KEY": "key-of-acme"})
    (content,) = inbox.taken
    message = message_from_bytes(content, policy=policy.default)
    assert message["Subject"] == "contacts -> live, run 1: 1 rejected, 1 done"
    assert b"A-2,2,rejected,contact: 422 no" in (contacts.runs / "1" / "results.csv").read_bytes()
    assert [part.get_filename() for part in message.walk() if part.get_filename()] == [
        "results.csv"
    ]


def test_a_trial(contacts: Command, hook: Stub) -> None:
    contacts.write("runner.yaml", "")
    assert "runner.yaml has no notify" in contacts("notify", code=7).err
    add_notices(contacts, "  - {when: unknown, webhook: {url: {env: HOOK}, body: slack}}\n")
    assert contacts("notify", env=environ(hook)).out == "webhook HOOK: sent\n"
    assert "a test of the notices" in json.loads(hook.sent[0].body)["text"]
    hook.answer = lambda sent: Answer(403)
    assert contacts("notify", code=7, env=environ(hook)).out == "webhook HOOK: it answered 403\n"
    assert not contacts.runs.exists()


def test_how_many_failures_stop_it_is_on_record(contacts: Command, start_stub: StartStub) -> None:
    rows = (contacts.folder / "rows.csv").read_text()
    contacts.write("rows.csv", rows + "A-3,Coral,3,3,01/02/2027\nA-4,Dune,3,3,01/02/2027\n")
    stub = start_stub(lambda sent: Answer(422, b'{"message": "no"}'))
    env = {"ACME_KEY": "key-of-acme"}
    contacts(*RUN, "--max-failures", "1", code=8, env=env)
    assert "stops at  1 rejected row" in contacts("show").out
    contacts("resume", "--workers", "1", code=8, env=env)
    assert len(stub.sent) == 2
    contacts("resume", "--workers", "1", "--max-failures", "9", code=4, env=env)
    assert len(stub.sent) == 6
    assert "stops at  9 rejected rows" in contacts("show").out
