"""A loopback HTTP server that misbehaves by script, and keeps a durable log of everything it was sent.

    with FaultServer(tmp_path) as server:
        server.on("POST", "/orders", actions.answer(500), nth=2)      # the second POST to /orders
        server.greet(actions.reset(), nth=1)                          # the first connection, before it is read

What no rule covers behaves: a POST creates an object and answers 201 with its id, a GET lists or gives it. Sockets
and threads by hand, since a well-kept server would refuse to do most of what is asked of this one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from faults.shop import Shop

PATIENCE = 120.0
"""Seconds after which something that should have happened has not."""

BARE = ("lines", "lineitems", "payments", "terms", "payment-types")
"""Collections that answer as a bare list; the others stand in an envelope under their own name."""


@dataclass(frozen=True)
class Delivery:
    """One request as it arrived. `number` counts from 1; `body` is the text of it; header names are lower case."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    def json(self) -> Any:
        return json.loads(self.body)


class Process(Protocol):
    """What was started and may have ended."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""


class Hold:
    """A place where a request waits until the test lets it go. `arrived` is set when one is there."""

    def __init__(self) -> None:
        self.arrived, self.released = threading.Event(), threading.Event()

    def await_request(self) -> None:
        assert self.arrived.wait(PATIENCE), "no request came"


@dataclass
class Exchange:
    """One request in the hands of an action; `delivery` is None before it was read."""

    server: FaultServer
    connection: socket.socket
    delivery: Delivery | None = None

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    @property
    def request(self) -> Delivery:
        assert self.delivery is not None, "nothing was read yet"
        return self.delivery


Action = Callable[[Exchange], bool]
"""Deals with a request; whether the connection stays open afterwards."""


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    action: Action
    nth: int | None
    seen: int = 0


@dataclass
class FaultServer:
    """The server. `folder` holds its log; `on_receipt` is called with each delivery before anything is answered."""

    folder: Path
    name: str = "deliveries"
    on_receipt: Callable[[Delivery], None] | None = None
    tls: ssl.SSLContext | None = None
    shop: Shop = field(default_factory=Shop)
    errors: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self.connections = 0
        self._rules: list[_Rule] = []
        self._greetings: dict[int, Action] = {}
        self._changed = threading.Condition()
        self._count = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> FaultServer:
        self._log = os.open(
            self.folder / f"{self.name}.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600
        )
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            sockets = list(self._open)
        for connection in sockets:
            _shut(connection)
        for thread in self._threads:
            thread.join(PATIENCE)
        os.close(self._log)
        assert not self.errors, self.errors

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, method: str, path: str, action: Action, *, nth: int | None = None) -> None:
        """Let `action` deal with every request, or the nth, of a method whose whole path fits the pattern."""
        self._rules.append(_Rule(method, re.compile(path), action, nth))

    def greet(self, action: Action, *, nth: int) -> None:
        """Let `action` deal with the nth connection before a byte of it is read."""
        self._greetings[nth] = action

    def deliveries(self, method: str = "", path: str = "") -> list[Delivery]:
        """What has arrived, from the log."""
        with self._changed:  # no line that is half written
            lines = (self.folder / f"{self.name}.jsonl").read_text(encoding="utf-8").splitlines()
        found = [Delivery(**json.loads(line)) for line in lines]
        return [d for d in found if method in ("", d.method) and re.fullmatch(path or ".*", d.path)]

    def writes(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries() if delivery.is_write]

    def repeated(self) -> list[tuple[str, str]]:
        """Writes (path, body) that arrived more than once."""
        counts = Counter((delivery.path, delivery.body) for delivery in self.writes())
        return [what for what, count in counts.items() if count > 1]

    def await_deliveries(self, count: int, *, process: Process | None = None) -> None:
        """Until `count` requests have arrived, or the process that sends them has ended."""
        with self._changed:
            for _ in range(int(PATIENCE / 0.1)):
                if self._count >= count or (process is not None and process.poll() is not None):
                    return
                self._changed.wait(0.1)
            raise AssertionError(f"{self._count} requests came, not {count}")

    def await_idle(self) -> None:
        """Until all that was sent to it by processes that have ended is read and dealt with."""
        with socket.create_connection(
            ("127.0.0.1", self.port)
        ) as last:  # connections are taken in their order
            last.shutdown(socket.SHUT_WR)
            assert last.recv(1) == b""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, PATIENCE), (
                "somebody is still connected"
            )

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open.add(connection)
                number = self.connections
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            greeting = self._greetings.get(number)
            if greeting is not None and not greeting(Exchange(self, connection)):
                return
            received = bytearray()
            while (delivery := self._read(connection, received)) is not None:
                action = self._action(delivery)
                if not action(Exchange(self, connection, delivery)):
                    return
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # the client has left, as some tests want it to
        except BaseException as error:  # noqa: BLE001 - told to the test when the server closes
            if not (
                isinstance(error, OSError) and self.closing.is_set()
            ):  # closing took the socket away
                self.errors.append(error)
        finally:
            with self._changed:
                self._open.discard(connection)
                self._changed.notify_all()
            connection.close()

    def _action(self, delivery: Delivery) -> Action:
        with self._changed:
            chosen: Action = behave
            for rule in self._rules:
                if rule.method == delivery.method and rule.path.fullmatch(delivery.path):
                    rule.seen += 1
                    if rule.nth in (None, rule.seen) and chosen is behave:
                        chosen = rule.action
            return chosen

    def _read(self, connection: socket.socket, received: bytearray) -> Delivery | None:
        """The next request; `received` has the bytes of this connection that are not used yet."""
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = connection.recv(65536)
            if not more:
                return None
            received += more
        request, *lines = received[:end].decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        start, length = end + 4, int(headers.get("content-length", 0))
        while len(received) < start + length:
            more = connection.recv(65536)
            if not more:
                return None
            received += more
        body = bytes(received[start : start + length])
        del received[: start + length]
        method, target, _ = request.split(" ")
        parts = urlsplit(target)
        return self._log_delivery(
            method, parts.path, dict(parse_qsl(parts.query)), headers, body.decode()
        )

    def _log_delivery(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: str,
    ) -> Delivery:
        with self._changed:
            delivery = Delivery(self._count + 1, method, path, query, headers, body)
            os.write(self._log, json.dumps(asdict(delivery)).encode() + b"\n")
            os.fsync(self._log)
            self._count += 1
            self._changed.notify_all()
        if self.on_receipt is not None:
            self.on_receipt(delivery)
        return delivery


def behave(exchange: Exchange) -> bool:
    """What a well-meaning API does."""
    request, shop = exchange.request, exchange.server.shop
    if request.method == "POST":
        return respond(exchange, 201, shop.create(request.path, request.json()))
    if request.method == "PUT":
        shop.change(request.path, request.json())
        return respond(exchange, 200, {"id": int(request.path.rpartition("/")[2])})
    found = shop.find(request.path, request.query)
    if found is None:
        return respond(exchange, 404, {"message": "no such object"})
    last = request.path.rpartition("/")[2]
    if isinstance(found, list) and last not in BARE:
        found = {last: found, "total_results": len(found), "links": {"next": ""}}
    return respond(exchange, 200, found)


def respond(
    exchange: Exchange, status: int, body: Any, headers: Mapping[str, str] | None = None
) -> bool:
    """A whole answer with its length, in one piece."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    exchange.send(f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode() + content)
    return True


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()
