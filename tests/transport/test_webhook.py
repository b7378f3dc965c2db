"""One post to a webhook: what was taken, what was not and why, and nothing of the address in any of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cli.stub import Answer, Sent, Stub

from runner.config import Secret
from runner.transport.webhook import post_webhook

CANARY = "T0CANARY/s3cret"


@contextmanager
def hook(answer: Answer) -> Iterator[tuple[Stub, Secret]]:
    stub = Stub(lambda sent: answer)
    try:
        yield stub, Secret(stub.url.removesuffix("/v2") + f"/services/{CANARY}?token=x")
    finally:
        stub.close()


def post(url: Secret, *, seconds: float = 20) -> str:
    reason = post_webhook(url, {"text": "ü"}, user_agent="tests/1", seconds=seconds)
    assert "CANARY" not in reason
    return reason


def test_what_is_taken() -> None:
    with hook(Answer(204, b"")) as (stub, url):
        assert post(url) == ""
    (sent,) = stub.sent
    assert (sent.method, sent.path, sent.kind) == (
        "POST",
        f"/services/{CANARY}?token=x",
        "application/json",
    )
    assert json.loads(sent.body) == {"text": "ü"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500), "it answered 500"),
        (Answer(404, b"no_service"), "it answered 404"),
        (Answer(0), "connection closed before an answer"),
        (Answer(200, b"x" * 1_100_000), "the answer is larger than 1,048,576 bytes"),
    ],
)
def test_what_is_not(answer: Answer, reason: str) -> None:
    with hook(answer) as (stub, url):
        assert post(url) == reason
    assert len(stub.sent) == 1


def test_a_redirect_is_not_followed() -> None:
    with hook(Answer(200)) as (other, _):
        with hook(Answer(307, headers=(("Location", other.url),))) as (_, url):
            assert post(url) == "it answered 307, and redirects are not followed"
        assert other.sent == []


def test_one_that_hangs() -> None:
    release = threading.Event()

    def answer(sent: Sent) -> Answer:
        release.wait(60)
        return Answer(200)

    stub = Stub(answer)
    try:
        assert post(Secret(stub.url), seconds=0.2) == "no answer in time"
    finally:
        release.set()
        stub.close()


@pytest.mark.parametrize(
    "address",
    [
        f"http://example.com/{CANARY}",
        f"https://user:{CANARY}@example.com/",
        f"ftp://example.com/{CANARY}",
        CANARY,
        f"https://[::1/{CANARY}",
        f"https://example.com:port/{CANARY}",
    ],
)
def test_an_address_that_cannot_be_used(address: str) -> None:
    assert post(Secret(address)) == "its address is not one that can be used: https://host/path"


def test_nobody_is_there() -> None:
    with hook(Answer(200)) as (_, url):
        pass
    assert post(url) == "connection refused"
