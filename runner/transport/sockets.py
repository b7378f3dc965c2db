"""Connections that note whether a byte was written and never outlast a deadline, name resolution and TLS included."""

from __future__ import annotations

import ipaddress
import math
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

CONNECT_SECONDS = 10.0
"""Seconds for a name resolution, for a connection to one address, and for a TLS handshake."""

ADDRESSES_SECONDS = 30.0
"""Seconds that resolved addresses are cached: each write opens a connection, and resolving is a round trip."""

_CHUNK = 65536


class Deadline:
    """End of an exchange, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self, most: float = math.inf) -> float:
        """Return the seconds left, at most `most`. Raises TimeoutError when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return min(left, most)


class Connection:
    """Open connection, plain or TLS. `written` is set before the first byte of a request leaves."""

    def __init__(self, opened: socket.socket) -> None:
        opened.settimeout(0)
        self._socket = opened
        self._tls = opened if isinstance(opened, ssl.SSLSocket) else None
        self._poll = select.poll()
        self.written = False

    def write(self, data: bytes, deadline: Deadline, *, early: Callable[[bytes], None]) -> None:
        """Send all of `data`; `early` receives what arrives before the last byte has left (b"" at end of file).

        Raises OSError, TimeoutError after the deadline, and what `early` raises.
        """
        # Set before the send: an error in it does not show how much has left.
        self.written = True
        rest = memoryview(data)
        while rest:
            if len(rest) < len(data) and (arrived := self._arrived()) is not None:
                early(arrived)
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT, deadline)
            except ssl.SSLWantReadError:
                # TLS may have to read (a key update) before it can write.
                self._wait(select.POLLIN, deadline)

    def read(self, deadline: Deadline) -> bytes:
        """Return bytes as they arrive, empty at the end. Raises OSError, TimeoutError after the deadline."""
        while True:
            # Bytes that TLS has decrypted already are invisible to poll.
            if self._tls is None or not self._tls.pending():
                self._wait(select.POLLIN, deadline)
            with suppress(BlockingIOError, ssl.SSLWantReadError):
                return self._socket.recv(_CHUNK)

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived that no request asked for, the end of the connection included.

        Over TLS this also reads what the protocol itself sends, such as session tickets.
        """
        try:
            return self._arrived() is None
        except OSError:
            return False

    def _arrived(self) -> bytes | None:
        """Return what can be read now, empty at the end of the connection, or None. Raises OSError."""
        try:
            return self._socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def shake_hands(self, deadline: Deadline) -> None:
        """Finish the TLS handshake. Raises ssl.SSLError, OSError."""
        finished = self._tls is None
        while self._tls is not None and not finished:
            try:
                self._tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT, deadline)

    @property
    def session(self) -> ssl.SSLSession | None:
        """The TLS session, to be resumed by another connection; None without one."""
        return self._tls.session if self._tls is not None else None

    def close(self) -> None:
        """Close the socket without waiting for the other side."""
        self._socket.close()

    def _wait(self, event: int, deadline: Deadline) -> None:
        self._poll.register(self._socket, event)
        if not self._poll.poll(math.ceil(1000 * deadline.remaining())):
            raise TimeoutError("the deadline passed")


class Connector:
    """Opens connections to one host, with one TLS context for all of them, and resumes its sessions.

    `authorities` is the file of the trusted certificates; without one the connections are not encrypted.
    """

    def __init__(self, host: str, port: int, *, authorities: str = "") -> None:
        self._host, self._port, self._authorities = host, port, authorities
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._session: ssl.SSLSession | None = None
        self._addresses: list[str] = []
        self._looked_up = 0.0

    def open(self, deadline: Deadline) -> Connection:
        """Return a connection on which nothing was written yet. Raises socket.gaierror, OSError, TimeoutError."""
        opened = self._reach(deadline)
        try:
            # A request is one piece: Nagle's algorithm could only delay its last packet.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._authorities:
                return Connection(opened)
            opened.settimeout(0)
            connection = Connection(
                self._tls().wrap_socket(
                    opened,
                    server_hostname=self._host,
                    do_handshake_on_connect=False,
                    suppress_ragged_eofs=False,
                    session=self._session,
                )
            )
        except BaseException:
            opened.close()
            raise
        try:
            connection.shake_hands(Deadline(deadline.remaining(CONNECT_SECONDS)))
        except BaseException:
            connection.close()
            raise
        return connection

    def note_session(self, connection: Connection) -> None:
        """Let the next connections resume the TLS session of one that got an answer."""
        self._session = connection.session or self._session

    def _reach(self, deadline: Deadline) -> socket.socket:
        """Return a socket connected to the first address that answers, which is tried first the next time."""
        addresses = self._resolve(deadline)
        for number, address in enumerate(addresses, start=1):
            try:
                opened = socket.create_connection(
                    (address, self._port), timeout=deadline.remaining(CONNECT_SECONDS)
                )
            except OSError:
                if number == len(addresses):
                    self._addresses = []
                    raise
            else:
                if number > 1:
                    self._addresses = [address, *(other for other in addresses if other != address)]
                return opened
        raise socket.gaierror(socket.EAI_NONAME, "no address")

    def _resolve(self, deadline: Deadline) -> list[str]:
        now, known = time.monotonic(), self._addresses
        if known and now - self._looked_up < ADDRESSES_SECONDS:
            return known
        seconds = deadline.remaining(CONNECT_SECONDS)
        self._addresses, self._looked_up = resolve(self._host, self._port, seconds=seconds), now
        return self._addresses

    def _tls(self) -> ssl.SSLContext:
        """Return the context, built once: loading the certificates of the authorities takes 20 ms."""
        with self._lock:
            if self._context is None:
                # The client protocol verifies the chain and the host name by default.
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.set_alpn_protocols(["http/1.1"])
                context.load_verify_locations(self._authorities)
                self._context = context
            return self._context


def resolve(host: str, port: int, *, seconds: float) -> list[str]:
    """Return the addresses of a host. Raises socket.gaierror, or TimeoutError after `seconds`.

    The system's resolver has no timeout, so it runs in a daemon thread that is abandoned after `seconds`.
    """
    with suppress(ValueError):
        # An address, not a name: there is nothing to resolve.
        return [str(ipaddress.ip_address(host.strip("[]")))]
    results: queue.SimpleQueue[list[str] | BaseException] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put(list(dict.fromkeys(str(address[0]) for *_, address in entries)))
        except UnicodeError:
            # The codec of host names raises this for a label that is empty or too long.
            results.put(socket.gaierror(socket.EAI_NONAME, "no name of a host"))
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            results.put(error)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    try:
        outcome = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no address of {host} in time") from None
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
