"""What a scripted server does with a request: answers of every kind, and no answer in every way."""

from __future__ import annotations

import gzip
import random
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faults.server import Action, Exchange, Hold, behave, respond

TICK = 0.1
"""Seconds between two bytes of a trickle."""


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Action:
    """A whole answer; nothing is created."""
    content = {"message": f"scripted {status}"} if body is None else body

    def act(exchange: Exchange) -> bool:
        return respond(exchange, status, content, headers)

    return act


def html(status: int = 200) -> Action:
    """A page where JSON is due, as a gateway or a login gives it."""
    return answer(status, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"})


def throttle(retry_after: str | None) -> Action:
    """429, with or without a Retry-After."""
    return answer(429, headers={} if retry_after is None else {"Retry-After": retry_after})


def redirect(status: int, url: str) -> Action:
    """To another address."""
    return answer(status, headers={"Location": url})


def committed(then: Action) -> Action:
    """The object is created or changed, and then something else happens than the answer that says so."""

    def act(exchange: Exchange) -> bool:
        request, shop = exchange.request, exchange.server.shop
        (shop.change if request.method == "PUT" else shop.create)(request.path, request.json())
        return then(exchange)

    return act


def raw(data: bytes) -> Action:
    """Exactly these bytes, and the connection closed."""

    def act(exchange: Exchange) -> bool:
        exchange.send(data)
        return False

    return act


def truncated(status: int, body: bytes = b'{"id": 7}') -> Action:
    """Fewer bytes than announced."""
    return raw(_head(status, f"Content-Length: {len(body) + 10}") + body)


def broken_chunk(status: int) -> Action:
    """Chunks that end in the middle."""
    return raw(_head(status, "Transfer-Encoding: chunked") + b'5\r\n{"id"\r\nzz\r\n')


def bad_gzip(status: int) -> Action:
    """Compressed, it says."""
    return raw(_head(status, "Content-Encoding: gzip", "Content-Length: 12") + b'{"id": 1234}')


def gzip_bomb(status: int, size: int) -> Action:
    """Little on the wire, `size` bytes of JSON text when decompressed."""
    packed = gzip.compress(b'{"id": 7, "padding": "' + b"0" * size + b'"}')
    return raw(_head(status, "Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)


def hinted(then: Action = behave, *, longest: float = 0.02) -> Action:
    """An interim answer at once, and the answer up to `longest` seconds later."""

    def act(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        exchange.server.closing.wait(random.uniform(0, longest))
        return then(exchange)

    return act


@dataclass
class _Withheld(Exchange):
    """Collects what is sent."""

    content: bytes = b""

    def send(self, data: bytes) -> None:
        self.content += data


def twice(then: Action = behave, *, delay: float = 0) -> Action:
    """The whole answer, and `delay` seconds later the same again; in one piece without a delay."""

    def act(exchange: Exchange) -> bool:
        withheld = _Withheld(exchange.server, exchange.connection, exchange.delivery)
        stays = then(withheld)
        if delay:
            exchange.send(withheld.content)
            exchange.server.closing.wait(delay)
            exchange.send(withheld.content)
        else:
            exchange.send(2 * withheld.content)
        return stays

    return act


def close() -> Action:
    """The end of the connection, in good order and without an answer."""
    return lambda _: False


def reset() -> Action:
    """The end of the connection by RST."""

    def act(exchange: Exchange) -> bool:
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return act


def hang(hold: Hold, then: Action = behave) -> Action:
    """No answer until the test lets it go, then what `then` does."""

    def act(exchange: Exchange) -> bool:
        hold.arrived.set()
        while not hold.released.wait(TICK):
            if exchange.server.closing.is_set():
                return False
        return then(exchange)

    return act


def trickle(first: bytes, drop: bytes) -> Action:
    """`first` at once, then `drop` over and over, a byte each tick, for as long as somebody listens."""

    def act(exchange: Exchange) -> bool:
        exchange.send(first)
        position = 0
        while not exchange.server.closing.wait(TICK):
            exchange.send(drop[position % len(drop) :][:1])
            position += 1
        return False

    return act


def trickle_headers() -> Action:
    """A status line at once and then a header that never ends."""
    return trickle(b"HTTP/1.1 201 Created\r\nX-Slow: ", b"slowly ")


def trickle_body() -> Action:
    """Headers at once and then a body that never ends."""
    return trickle(_head(201, "Content-Type: application/json", "Content-Length: 100000"), b" ")


def _head(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Scripted", *headers, "", ""]).encode()
