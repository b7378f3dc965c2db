"""One request and its answer on an open connection, by h11, which speaks HTTP/1.1 and knows nothing of sockets.

Interim answers (1xx) are read past; 101, which nothing here asks for, is no answer. Whatever ends before its end is
cut short, in the status line, a header or the body alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import h11

from runner.transport.exchange import CUT_SHORT
from runner.transport.sockets import Connection, Deadline

MAX_HEAD = 65536
"""Bytes of a status line with its headers."""

_GZIP_OR_ZLIB, _RAW_DEFLATE = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
"""How zlib calls the formats: the first two tell themselves apart."""

_EARLY = "connection closed, or answered, before the whole request had been sent"


class BrokenAnswerError(Exception):
    """No complete answer that can be used. Its text is for people and holds nothing of what was sent."""


class Answer(NamedTuple):
    """A complete answer. `headers` are as they came; `reusable`: the connection is as it was before the request."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    content: bytes
    reusable: bool


class Wire:
    """One exchange. `status` is that of the final answer as soon as its head was read, 0 before."""

    def __init__(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
        head = h11.Request(method=method, target=target, headers=encoded)
        sent: list[h11.Event] = [head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        self.request = b"".join(self._parser.send(event) or b"" for event in sent)
        """The whole request as it goes on the wire: one piece, so that it leaves in as few packets as it can."""
        self.status = 0

    def take_early(self, data: bytes) -> None:
        """Read interim answers past that come while the request is being sent. Raises BrokenAnswerError for all else.

        What is no interim answer then cannot be the answer: the request was not known yet.
        """
        self._parser.receive_data(data)
        try:
            event = self._parser.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._parser.next_event()
        except h11.RemoteProtocolError:
            raise BrokenAnswerError(_EARLY) from None
        if event is not h11.NEED_DATA or self._parser.trailing_data != (b"", False):
            raise BrokenAnswerError(_EARLY)

    def answer(self, connection: Connection, deadline: Deadline, *, most: int) -> Answer:
        """Read the answer, decompressed, at most `most` bytes. Raises BrokenAnswerError, OSError, TimeoutError."""
        response: h11.Response | None = None
        body = bytearray()
        while True:
            event = self._next(connection, deadline)
            if isinstance(event, h11.Response):
                response = self._begin(event)
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > most:
                    raise _too_large(most)
            elif isinstance(event, h11.EndOfMessage) and response is not None:
                return self._complete(response, bytes(body), most)

    def _begin(self, response: h11.Response) -> h11.Response:
        """Note that the head of the final answer was read."""
        self.status = response.status_code
        return response

    def _next(self, connection: Connection, deadline: Deadline) -> h11.Event:
        """The next event of the answer, read from the connection where it needs more."""
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError:
                raise BrokenAnswerError(self._how_it_broke()) from None
            if isinstance(event, h11.ConnectionClosed):
                raise BrokenAnswerError(self._how_it_broke())
            if isinstance(event, h11.Event):
                return event
            data = connection.read(deadline)
            self._parser.receive_data(data)

    def _how_it_broke(self) -> str:
        rest, ended = self._parser.trailing_data
        if ended and not self.status and not rest:
            return "connection closed before an answer"
        return CUT_SHORT if ended else "the answer is not HTTP"

    def _complete(self, response: h11.Response, body: bytes, most: int) -> Answer:
        headers = [
            (name.decode("ascii"), value.decode("latin-1")) for name, value in response.headers
        ]
        coding = ",".join(value for name, value in headers if name == "content-encoding")
        try:
            content = decompress(body, coding.strip().lower(), most=most)
        except BrokenAnswerError:
            if 200 <= self.status < 300:
                raise
            content = body  # what refuses is known by its status, readable or not
        done = self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE
        return Answer(
            self.status,
            response.reason.decode("latin-1"),
            headers,
            content,
            reusable=done and self._parser.trailing_data == (b"", False),
        )


def decompress(body: bytes, coding: str, *, most: int) -> bytes:
    """A body without its content coding: gzip, deflate. Raises BrokenAnswerError for others, beyond `most` bytes."""
    if coding in ("", "identity") or not body:
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise BrokenAnswerError("the answer could not be decompressed")
    try:
        return _inflate(body, _GZIP_OR_ZLIB, most)
    except zlib.error:
        if coding != "deflate":
            raise BrokenAnswerError("the answer could not be decompressed") from None
    try:
        return _inflate(body, _RAW_DEFLATE, most)  # what some servers call deflate
    except zlib.error:
        raise BrokenAnswerError("the answer could not be decompressed") from None


def _inflate(body: bytes, form: int, most: int) -> bytes:
    """All members of a compressed body. Raises zlib.error, also where one has no end."""
    content = bytearray()
    while body:
        member = zlib.decompressobj(form)
        content += member.decompress(body, most - len(content) + 1)
        if len(content) > most:
            raise _too_large(most)
        if not member.eof:
            raise zlib.error("no end")
        body = member.unused_data
    return bytes(content)


def _too_large(most: int) -> BrokenAnswerError:
    return BrokenAnswerError(f"the answer is larger than {most:,} bytes")
