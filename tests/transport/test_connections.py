"""An answer belongs to the request that was sent for it: which connections are used again, and which never."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from faults import actions
from faults.bench import CATALOGUE, SECRETS, Bench, table
from faults.server import PATIENCE, Action, Exchange, FaultServer, Hold

from runner.catalogue import build_request
from runner.config import KeepAlive
from runner.transport import Failure, Reply
from runner.transport.adapter import IDLE_SECONDS, MAX_IDLE, REST_SECONDS
from runner.transport.client import Transport

LATER = REST_SECONDS + 0.1


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Line:
    """A transport on a clock of the test."""

    def __init__(self, base_url: str, keep_alive: KeepAlive = "reads") -> None:
        self.clock, self.base_url = Clock(), base_url
        self.transport = Transport(
            base_url=base_url, auth=CATALOGUE["shop"].auth, secrets=SECRETS, user_agent="tests/1", deadline=PATIENCE,
            keep_alive=keep_alive, clock=self.clock,
        )  # fmt: skip

    def read(self, *, after: float = LATER) -> Reply | Failure:
        self.clock.now += after
        return self._send("shop.search_orders", {"reference": "A"})

    def write(self, *, after: float = LATER) -> Reply | Failure:
        self.clock.now += after
        return self._send("shop.create_order", {"reference": "A"}, write=True)

    def pay(self) -> Reply | Failure:
        self.clock.now += LATER
        arguments = {"order_id": "7", "amount": "1.10"}
        return self._send("shop.create_payment", arguments, write=True, money=True)

    def _send(
        self, name: str, arguments: Mapping[str, Any], *, write: bool = False, money: bool = False
    ) -> Reply | Failure:
        request = build_request(CATALOGUE.operation(name), arguments, base_url=self.base_url)
        return self.transport.send(self.transport.prepare(request), write=write, money=money)


@pytest.fixture
def line(server: FaultServer) -> Iterator[Line]:
    made = Line(server.url)
    yield made
    made.transport.close()


def status(exchange: Reply | Failure) -> int:
    assert isinstance(exchange, Reply), exchange
    return exchange.status


def page(number: int) -> dict[str, Any]:
    return {"orders": [{"id": number}], "total_results": 1, "links": {"next": ""}}


def whole(status: int, body: Any) -> bytes:
    content = json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def test_reads_share_connections_that_have_rested_and_writes_have_their_own(
    server: FaultServer, line: Line
) -> None:
    for _ in range(3):
        assert status(line.read()) == 200
    assert server.connections == 1
    for _ in range(3):
        assert status(line.write()) == 201
    assert server.connections == 4
    assert status(line.read()) == 200
    assert server.connections == 4


def test_a_connection_that_has_not_rested_or_was_idle_for_long_is_not_used_again(
    server: FaultServer, line: Line
) -> None:
    line.read()
    line.read(after=REST_SECONDS / 2)
    assert server.connections == 2
    line.read(after=REST_SECONDS / 2 + 0.01)  # the first of them has rested now
    assert server.connections == 2
    line.read(after=IDLE_SECONDS + 1)
    assert server.connections == 3


@pytest.mark.parametrize(("keep_alive", "connections"), [("reads", 5), ("writes", 3), ("never", 6)])
def test_what_shares_connections_is_said_by_the_target(
    server: FaultServer, keep_alive: KeepAlive, connections: int
) -> None:
    """What moves money has a connection of its own, whatever a target says."""
    line = Line(server.url, keep_alive)
    for send in (line.read, line.write, line.pay, line.read, line.write, line.pay):
        assert isinstance(send(), Reply)
    line.transport.close()
    assert server.connections == connections


def test_no_more_are_kept_than_a_server_has_patience_for(server: FaultServer, line: Line) -> None:
    for _ in range(MAX_IDLE + 5):
        line.read(after=0)
    assert server.connections == MAX_IDLE + 5
    line.clock.now += LATER
    for _ in range(MAX_IDLE):
        line.read(after=0)
    assert server.connections == MAX_IDLE + 5


LEFT: dict[str, bytes] = {
    "an answer": whole(200, page(666)),
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-",
    "a byte": b"\n",
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT.keys())
def test_a_connection_with_something_behind_its_answer_is_not_used_again(
    server: FaultServer, line: Line, left: bytes
) -> None:
    def act(exchange: Exchange) -> bool:
        exchange.send(whole(200, page(7)) + left)
        return True

    server.on("GET", "/orders", act, nth=1)
    assert status(line.read()) == 200
    reply = line.read()
    assert isinstance(reply, Reply)
    assert b"666" not in reply.content
    assert server.connections == 2


@pytest.mark.parametrize("left", [*LEFT.values(), b""], ids=[*LEFT, "the end"])
def test_a_connection_on_which_something_comes_late_is_not_used_again(
    server: FaultServer, line: Line, left: bytes
) -> None:
    hold, sent = Hold(), threading.Event()

    def late(exchange: Exchange) -> bool:
        exchange.send(whole(200, page(7)))
        hold.released.wait(PATIENCE)
        if left:
            exchange.send(left)
        else:
            exchange.connection.close()
        sent.set()
        return bool(left)

    server.on("GET", "/orders", late, nth=1)
    assert status(line.read()) == 200
    hold.released.set()
    assert sent.wait(PATIENCE)
    reply = line.read()
    assert isinstance(reply, Reply)
    assert b"666" not in reply.content
    assert server.connections == 2


@pytest.mark.parametrize("greeting", [*LEFT.values(), b""], ids=[*LEFT, "the end"])
def test_nothing_is_sent_where_something_comes_before_the_request(
    server: FaultServer, line: Line, greeting: bytes
) -> None:
    """It can be no answer: it is there while the request waits for its clearance."""
    greeted = threading.Event()

    def greet(exchange: Exchange) -> bool:
        if greeting:
            exchange.send(greeting)
        else:
            exchange.connection.close()
        greeted.set()
        return False

    server.greet(greet, nth=1)
    request = build_request(
        CATALOGUE.operation("shop.create_order"), {"reference": "A"}, base_url=server.url
    )
    prepared = line.transport.prepare(request)
    failure = line.transport.send(
        prepared, write=True, clearance=lambda: "" if greeted.wait(PATIENCE) else "no greeting"
    )
    assert isinstance(failure, Failure)
    assert (failure.written, failure.reason) == (
        False,
        "connection closed, or answered, before the request",
    )
    assert server.deliveries() == []


def test_what_is_not_cleared_is_not_sent(server: FaultServer, line: Line) -> None:
    request = build_request(
        CATALOGUE.operation("shop.create_order"), {"reference": "A"}, base_url=server.url
    )
    failure = line.transport.send(
        line.transport.prepare(request), write=True, clearance=lambda: "not now"
    )
    assert isinstance(failure, Failure)
    assert (failure.written, failure.reason) == (False, "not now")
    server.await_idle()
    assert (server.connections, server.deliveries()) == (2, [])  # the other is that of await_idle


STEPS = """\
steps:
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}"}}
  - {id: line, use: shop.create_line, with: {order_id: "{{ order.id }}", sku: "{{ row.ref }}"}}
  - {id: pay, use: shop.create_payment, with: {order_id: "{{ order.id }}", amount: 1, reference: "{{ row.ref }}"}}
"""


ODD: dict[str, tuple[Action, int | None]] = {
    "one early hint": (actions.hinted(), 1),
    "a hint before each": (actions.hinted(), None),
    "twice at once": (actions.twice(), None),
    "twice, 20 ms later": (actions.twice(delay=0.02), None),
    "twice, 200 ms later": (actions.twice(delay=0.2), None),
}


@pytest.mark.parametrize(("action", "nth"), ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("workers", [1, 4])
def test_each_row_gets_its_own_answers(
    server: FaultServer, bench: Bench, action: Action, nth: int | None, workers: int
) -> None:
    """Ids are compared with rows in what the server has, not in what is reported."""
    for path in ("/orders", "/orders/.*"):
        server.on("POST", path, action, nth=nth)
    ran = bench.run(STEPS, table("ref", *"ABCDEF"), workers=workers)
    assert ran.buckets == {"done": 6}
    orders = {order["reference"]: order["id"] for order in server.shop.objects["/orders"]}
    for write in server.writes():
        if write.path != "/orders":
            body = write.json()
            reference = body.get("reference") or body["sku"]
            assert write.path.split("/")[2] == str(orders[reference])


FOUND = """\
steps:
  - {id: customer, use: shop.search_customers, with: {name: "{{ row.ref }}"}, expect: one}
  - {id: order, use: shop.create_order, with: {reference: "{{ row.ref }}", customer_id: "{{ customer.id }}"}}
"""


@pytest.mark.parametrize("action", [actions.hinted(), actions.twice()], ids=["hinted", "twice"])
@pytest.mark.parametrize("workers", [1, 4])
def test_each_row_gets_its_own_search(
    server: FaultServer, bench: Bench, action: Action, workers: int
) -> None:
    names = [f"C{number}" for number in range(20)]
    for name in names:
        server.shop.seed("/customers", {"name": name})
    server.on("GET", "/customers", action)
    ran = bench.run(FOUND, table("ref", *names), workers=workers)
    assert ran.buckets == {"done": 20}
    customers = {str(each["id"]): each["name"] for each in server.shop.objects["/customers"]}
    for write in server.writes():
        assert customers[str(write.json()["customer_id"])] == write.json()["reference"]


@pytest.fixture
def tls_server(tmp_path: Path, certificate: Mapping[str, Path]) -> Iterator[FaultServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["certificate"], certificate["key"])
    with FaultServer(tmp_path, name="tls", tls=context) as server:
        yield server


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_over_tls_one_context_serves_all_connections_and_sessions_are_resumed(
    tls_server: FaultServer, certificate: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch,
    version: ssl.TLSVersion,
) -> None:  # fmt: skip
    assert tls_server.tls is not None
    tls_server.tls.maximum_version = version
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate["certificate"]))
    line = Line(f"https://127.0.0.1:{tls_server.port}")
    for _ in range(4):
        assert status(line.write()) == 201
    assert status(line.read()) == 200
    assert status(line.read()) == 200
    line.transport.close()
    assert tls_server.connections == 5
    stats = tls_server.tls.session_stats()
    assert (stats["accept_good"], stats["hits"]) == (5, 4)


def test_an_answer_without_a_length_that_is_cut_off_under_tls_is_not_whole(
    tls_server: FaultServer, certificate: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the end that TLS signs, whoever cuts the connection decides where the answer ends."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate["certificate"]))
    tls_server.on("POST", "/orders", actions.raw(b'HTTP/1.1 422 No\r\n\r\n{"message": "no"}'))
    line = Line(f"https://127.0.0.1:{tls_server.port}")
    failure = line.write()
    line.transport.close()
    assert isinstance(failure, Failure)
    assert (failure.written, failure.status) == (True, 422)
    assert failure.reason == "connection closed before the end of the answer"


def halfway(data: bytes) -> Action:
    """Send `data` when the first bytes of a request are there, and then read the rest of it."""

    def act(exchange: Exchange) -> bool:
        first = exchange.connection.recv(1000, socket.MSG_PEEK)
        assert first.startswith(b"POST ")
        exchange.send(data)
        return True

    return act


def large(line: Line) -> Reply | Failure:
    """A request that does not leave in one piece."""
    arguments = {"reference": "A", "notes": "x" * 12_000_000}
    request = build_request(
        CATALOGUE.operation("shop.create_order"), arguments, base_url=line.base_url
    )
    return line.transport.send(line.transport.prepare(request), write=True)


EARLY: dict[str, bytes] = {
    "done": whole(201, {"id": 7}),
    "refused": whole(413, {"message": "too large"}),
    "a part": b"HTTP/1.1 201 Crea",
    "no HTTP": b"\r\n\x00",
}


@pytest.mark.parametrize("data", EARLY.values(), ids=EARLY.keys())
def test_what_comes_before_the_whole_request_has_left_is_no_answer(
    server: FaultServer, line: Line, data: bytes
) -> None:
    server.greet(halfway(data), nth=1)
    failure = large(line)
    assert isinstance(failure, Failure)
    assert (failure.written, failure.status, failure.reason) == (
        True,
        0,
        "connection closed, or answered, before the whole request had been sent",
    )


def test_interim_answers_may_come_before_the_whole_request_has_left(
    server: FaultServer, line: Line
) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    server.greet(halfway(b"HTTP/1.1 100 Continue\r\n\r\n" + hint), nth=1)
    assert status(large(line)) == 201
    assert len(server.deliveries()) == 1
