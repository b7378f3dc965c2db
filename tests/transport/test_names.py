"""The look-up of a host's name is part of the deadline, and each of its addresses is tried within it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults import actions
from faults.bench import CATALOGUE, Bench
from faults.server import PATIENCE, FaultServer

from runner.catalogue import build_request
from runner.transport import Failure, Reply
from runner.transport.sockets import resolve

Lookup = Callable[..., Any]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets a resolver that hangs go on, at the latest when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def addresses(*found: str) -> Lookup:
    """A resolver that knows these."""

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        names = [host] if host[0].isdigit() else found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port)) for name in names]

    return look_up


def hanging(released: threading.Event) -> Lookup:
    """A resolver that does not answer before it is let go; in the end it would find the server."""

    def look_up(*arguments: Any, **named: Any) -> Any:
        released.wait(PATIENCE)
        return addresses("127.0.0.1")(*arguments, **named)

    return look_up


def send(bench: Bench, server: FaultServer) -> Reply | Failure:
    bench.base_url = server.url.replace("127.0.0.1", "localhost")
    transport = bench.transport()
    request = build_request(
        CATALOGUE.operation("shop.create_order"), {"reference": "A"}, base_url=bench.base_url
    )
    return transport.send(transport.prepare(request), write=True)


def test_a_resolver_that_hangs_does_not_outlast_the_deadline(
    server: FaultServer, bench: Bench, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", hanging(released))
    bench.deadline = 0.3
    outcome = send(bench, server)
    assert isinstance(outcome, Failure)
    assert outcome._replace(seconds=0) == Failure(
        written=False, status=0, reason="no connection in time", seconds=0
    )
    assert server.connections == 0


def test_a_write_whose_name_is_looked_up_too_slowly_is_tried_again(
    server: FaultServer, bench: Bench, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", hanging(released))
    bench.deadline, bench.base_url = 0.3, server.url.replace("127.0.0.1", "localhost")
    steps = "steps:\n  - {id: order, use: shop.create_order, with: {reference: A}}\n"
    ran = bench.run(steps)
    assert [call.state for call in ran.calls] == ["not sent"] * 3
    assert bench.calls()["A", "order", ""].state == "not sent"
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1"))
    bench.deadline = 30
    assert bench.run(steps).buckets == {"done": 1}


def test_each_address_is_tried(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.1"))
    assert isinstance(send(bench, server), Reply)
    (delivery,) = server.deliveries()
    assert delivery.headers["host"].startswith("localhost:"), (
        "the name is what is asked for, whatever its address"
    )
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.3"))
    outcome = send(bench, server)
    assert isinstance(outcome, Failure)
    assert (outcome.written, outcome.reason) == (False, "connection refused")


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_a_name_that_nobody_knows(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def look_up(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(code, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    outcome = send(bench, server)
    assert isinstance(outcome, Failure)
    assert (outcome.written, outcome.reason) == (False, "the host's name is not known")


def test_what_is_read_after_a_slow_look_up_has_less_time(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One deadline for all of it: the trickle ends with the same deadline."""
    server.on("POST", "/orders", actions.trickle_body())
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1"))
    bench.deadline = 1.0
    outcome = send(bench, server)
    assert isinstance(outcome, Failure)
    assert (outcome.written, outcome.status, outcome.reason) == (True, 201, "no answer in time")


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")])
def test_an_address_is_not_looked_up(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert resolve(host, 80, seconds=0) == [address]


def test_a_name_is_looked_up_once_for_many_connections_and_anew_when_none_can_be_made(
    server: FaultServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write opens a connection, and each look-up would be a round trip of its own."""
    looked_up: list[str] = []
    known = ["127.0.0.2", "127.0.0.1"]

    def look_up(host: str, *arguments: Any, **named: Any) -> Any:
        looked_up.extend([host] * (not host[0].isdigit()))
        return addresses(*known)(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    bench.base_url = server.url.replace("127.0.0.1", "localhost")
    transport = bench.transport()
    request = build_request(
        CATALOGUE.operation("shop.create_order"), {"reference": "A"}, base_url=bench.base_url
    )

    def send() -> Reply | Failure:
        return transport.send(transport.prepare(request), write=True)

    assert all(isinstance(send(), Reply) for _ in range(4))
    assert looked_up == ["localhost"]
    port, transport._adapter._connector._port = server.port, 1
    assert isinstance(send(), Failure)
    transport._adapter._connector._port = port
    assert isinstance(send(), Reply)
    assert looked_up == ["localhost"] * 2
