"""Transport adapter for requests that sends once: no retries, redirects or proxies, certificates always verified.

A connection carries one request at a time. It is reused only where that is asked for, and only when nothing can be
left on it: its last answer was complete with nothing behind it, it has rested since, and nothing has arrived meanwhile.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from runner.transport.exchange import Failure
from runner.transport.sockets import Connection, Connector, Deadline
from runner.transport.wire import Answer, BrokenAnswerError, Wire

REST_SECONDS = 0.3
"""Seconds that a connection rests before it is reused: a second answer to its last request would arrive meanwhile."""

IDLE_SECONDS = 4.0
"""Seconds after which a connection is not reused: many servers close theirs after five."""

MAX_IDLE = 16
"""Connections that rest at a time; the one that has rested longest is closed for another."""

Clearance = Callable[[], str]
"""Called when a connection is open, directly before the first byte. A non-empty reason stops the send."""


class FailedError(requests.ConnectionError):
    """No complete answer. `failure` reports how far the request got, without its seconds."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Adapter(BaseAdapter):
    """Carries the requests to one origin, an answer of at most `max_answer` bytes each. Thread-safe."""

    def __init__(
        self,
        origin: str,
        *,
        authorities: str,
        max_answer: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        parts = urlsplit(origin)
        self._origin, self._most = origin, max_answer
        secure = parts.scheme == "https"
        self._connector = Connector(
            parts.hostname or "", parts.port or 0, authorities=authorities if secure else ""
        )
        self._idle = _IdleConnections(clock)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002, ARG002 - the signature is that of requests
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002
        cert: Any = None,
        proxies: Any = None,
        *,
        reuse: bool = False,
        clearance: Clearance = lambda: "",
    ) -> requests.Response:
        """Send the request once and read the complete answer; `reuse` allows an idle connection.

        `timeout` is in seconds, for the whole exchange. Raises FailedError, and what `clearance` raises.
        """
        if verify is not True or cert or proxies:
            raise ValueError("certificates are always verified, and there is no proxy")
        deadline = Deadline(timeout)
        wire = _wire(request, close=not reuse)
        connection = self._connection(deadline, reuse=reuse)
        answer: Answer | None = None
        try:
            answer = self._exchange(wire, connection, deadline, clearance)
        except FailedError:
            # Caught first: it is an OSError too, as all exceptions of requests are.
            raise
        except (BrokenAnswerError, OSError) as error:
            failure = Failure(connection.written, wire.status, _reason(error), 0)
            raise FailedError(failure) from None
        finally:
            if reuse and answer is not None and answer.reusable:
                self._idle.put(connection)
            else:
                connection.close()
        return _response(request, answer)

    def close(self) -> None:
        """Close the idle connections."""
        self._idle.close()

    def _connection(self, deadline: Deadline, *, reuse: bool) -> Connection:
        connection = self._idle.take() if reuse else None
        if connection is not None:
            return connection
        try:
            return self._connector.open(deadline)
        # The order matters: both classes are subclasses of SSLError, which is an OSError.
        except ssl.SSLEOFError:
            raise self._not_sent("connection reset") from None
        except ssl.SSLCertVerificationError:
            reason = f"{self._origin}: the certificate could not be verified"
            raise self._not_sent(reason, untrusted=True) from None
        except ssl.SSLError as error:
            reason = f"{self._origin}: no encrypted connection could be made ({error.reason})"
            raise self._not_sent(reason, untrusted=True) from None
        except OSError as error:
            raise self._not_sent(_reason_of_opening(error)) from None

    def _not_sent(self, reason: str, *, untrusted: bool = False) -> FailedError:
        return FailedError(
            Failure(written=False, status=0, reason=reason, seconds=0, untrusted=untrusted)
        )

    def _exchange(
        self, wire: Wire, connection: Connection, deadline: Deadline, clearance: Clearance
    ) -> Answer:
        """Write the request once it is cleared and the connection is quiet, then read the answer."""
        # Clearance first: it may wait, and the connection can be closed by the server meanwhile.
        reason = clearance()
        if not reason and not connection.is_quiet():
            reason = "connection closed, or answered, before the request"
        if reason:
            raise self._not_sent(reason)
        connection.write(wire.request, deadline, early=wire.take_early)
        answer = wire.answer(connection, deadline, most=self._most)
        self._connector.note_session(connection)
        return answer


class _IdleConnections:
    """Open connections that rest until they are reused, the longest idle first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._resting: deque[tuple[float, Connection]] = deque()

    def take(self) -> Connection | None:
        """Return a connection on which nothing has arrived since its last answer, or None."""
        with self._lock:
            while self._resting and self._clock() - self._resting[0][0] >= REST_SECONDS:
                # Taken from the front: expired connections are closed here rather than by a timer.
                since, connection = self._resting.popleft()
                if self._clock() - since <= IDLE_SECONDS and connection.is_quiet():
                    connection.written = False
                    return connection
                connection.close()
        return None

    def put(self, connection: Connection) -> None:
        """Add a connection whose last answer was complete."""
        with self._lock:
            self._resting.append((self._clock(), connection))
            if len(self._resting) > MAX_IDLE:
                self._resting.popleft()[1].close()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            while self._resting:
                self._resting.pop()[1].close()


def _wire(request: requests.PreparedRequest, *, close: bool) -> Wire:
    """Return the request as bytes for the wire; `close` asks the server to end the connection after its answer."""
    parts = urlsplit(str(request.url))
    default = {"http": 80, "https": 443}[parts.scheme]
    host = parts.netloc if parts.port != default else parts.netloc.rpartition(":")[0]
    headers = [("Host", host), ("Accept-Encoding", "identity")]
    headers += [("Connection", "close")] if close else []
    headers += [(_text(name), _text(value)) for name, value in (request.headers or {}).items()]
    body = request.body or b""
    if not isinstance(body, bytes):
        raise TypeError("a body is bytes by now")
    return Wire(str(request.method), request.path_url, headers, body)


def _text(part: str | bytes) -> str:
    return (part.decode("latin-1") if isinstance(part, bytes) else part).strip()


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = answer.status, answer.reason
    for name, value in answer.headers:
        # A repeated header is one list, joined with commas (RFC 9110, 5.3).
        earlier = response.headers.get(name)
        response.headers[name] = value if earlier is None else f"{earlier}, {value}"
    # requests has no public way to set a body that was read by something else.
    response._content = answer.content
    response.url, response.request = str(request.url), request
    return response


def _reason_of_opening(error: OSError) -> str:
    """Return why no connection was opened, in a few words."""
    if isinstance(error, socket.gaierror):
        return "the host's name is not known"
    # The first match counts: ConnectionRefusedError is a ConnectionError.
    known: list[tuple[type[OSError], str]] = [
        (ConnectionRefusedError, "connection refused"),
        (ConnectionError, "connection reset"),
        (TimeoutError, "no connection in time"),
    ]
    return next((words for kind, words in known if isinstance(error, kind)), _NO_CONNECTION)


_NO_CONNECTION = "no connection could be made"


def _reason(error: BrokenAnswerError | OSError) -> str:
    """Return why an exchange broke, in a few words and without the request, which may carry a secret."""
    if isinstance(error, BrokenAnswerError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLEOFError):
        return "connection closed before the end of the answer"
    if isinstance(error, ssl.SSLError):
        return f"the encrypted connection broke ({error.reason})"
    if isinstance(error, ConnectionError):
        return "connection reset"
    return f"connection failed ({type(error).__name__})"
