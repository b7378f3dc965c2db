"""One request and its answer on an open connection, parsed by h11, which speaks HTTP/1.1 and owns no socket.

Interim answers (1xx) are skipped; 101, which nothing here asks for, is an error. An answer that ends early is
reported as cut short, in the status line, a header or the body alike.
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
"""Window sizes by which zlib selects a format; it detects gzip or zlib by itself."""

_EARLY = "connection closed, or answered, before the whole request had been sent"


class BrokenAnswerError(Exception):
    """No complete, usable answer. Its text is for people and holds nothing of the request."""


class Answer(NamedTuple):
    """Complete answer. `headers` are unchanged; `reusable`: the connection is as it was before the request."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    content: bytes
    reusable: bool


class Wire:
    """One exchange. `status` is that of the final answer as soon as its head is read, 0 before."""

    def __init__(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
        head = h11.Request(method=method, target=target, headers=encoded)
        sent: list[h11.Event] = [head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        self.request = b"".join(self._parser.send(event) or b"" for event in sent)
        """The complete request for the wire, in one piece, so that it leaves in few packets."""
        self.status = 0

    def take_early(self, data: bytes) -> None:
        """Skip interim answers that arrive while the request is sent. Raises BrokenAnswerError for all else.

        A final answer at that time cannot be the answer to this request, which the server has not read yet.
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
        """Record the status of the final answer."""
        self.status = response.status_code
        return response

    def _next(self, connection: Connection, deadline: Deadline) -> h11.Event:
        """Return the next event of the answer, reading from the connection where needed."""
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError:
                raise BrokenAnswerError(self._defect()) from None
            if isinstance(event, h11.ConnectionClosed):
                raise BrokenAnswerError(self._defect())
            if isinstance(event, h11.Event):
                return event
            data = connection.read(deadline)
            self._parser.receive_data(data)

    def _defect(self) -> str:
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
            # An error is known by its status, with a readable body or without.
            content = body
        done = self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE
        return Answer(
            self.status,
            response.reason.decode("latin-1"),
            headers,
            content,
            reusable=done and self._parser.trailing_data == (b"", False),
        )


def decompress(body: bytes, coding: str, *, most: int) -> bytes:
    """Return a body without its content coding: gzip or deflate.

    Raises BrokenAnswerError for other codings, and for a result of more than `most` bytes.
    """
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
        # Some servers send raw deflate without the zlib header that the standard asks for.
        return _inflate(body, _RAW_DEFLATE, most)
    except zlib.error:
        raise BrokenAnswerError("the answer could not be decompressed") from None


def _inflate(body: bytes, form: int, most: int) -> bytes:
    """Return all members of a compressed body. Raises zlib.error, also for a member without an end."""
    content = bytearray()
    while body:
        member = zlib.decompressobj(form)
        # One byte beyond the limit shows that it is exceeded, before memory is filled.
        content += member.decompress(body, most - len(content) + 1)
        if len(content) > most:
            raise _too_large(most)
        if not member.eof:
            raise zlib.error("no end")
        body = member.unused_data
    return bytes(content)


def _too_large(most: int) -> BrokenAnswerError:
    return BrokenAnswerError(f"the answer is larger than {most:,} bytes")
