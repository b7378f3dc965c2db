"""Sockets that say whether a byte was written, and let nothing outlast the deadline, not even a name's look-up."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_SECONDS = 10.0
"""Seconds for a look-up, and for a connection to one address."""


class Exchange(threading.local):
    """What the sockets of this thread did for the request in flight, and its deadline on the monotonic clock."""

    written = False
    deadline = 0.0

    def remaining(self) -> float:
        """Seconds that are left. Raises TimeoutError when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left


EXCHANGE = Exchange()
"""What this thread is doing."""


class _Watched:
    """Mixed into a socket: notes the first byte written, and lets no wait outlast the deadline."""

    def send(self, data: Any, flags: int = 0) -> int:
        self._before_write()
        return super().send(data, flags)  # type: ignore[misc, no-any-return]

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._before_write()
        super().sendall(data, flags)  # type: ignore[misc]

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(EXCHANGE.remaining())  # type: ignore[attr-defined]
        return super().recv_into(buffer, nbytes or len(buffer), flags)  # type: ignore[misc, no-any-return]

    def _before_write(self) -> None:
        self.settimeout(EXCHANGE.remaining())  # type: ignore[attr-defined]
        EXCHANGE.written = True


class _Socket(_Watched, socket.socket):
    pass


class TLSSocket(_Watched, ssl.SSLSocket):
    """A watched socket for TLS."""


def resolve(host: str, port: int, *, seconds: float) -> list[str]:
    """The addresses of a host. Raises socket.gaierror, or TimeoutError after `seconds`.

    The system's resolver cannot be told when to give up, so it is left to itself in a thread that nobody waits for.
    """
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host.strip("[]")))]  # no name: there is nothing to look up
    found: queue.SimpleQueue[list[str] | BaseException] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(address[0]) for *_, address in entries)))
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            found.put(error)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    try:
        outcome = found.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no address of {host} in time") from None
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


class _Resolving(HTTPConnection):
    """Looks the name up within the deadline, and tries the addresses it has within what is left of it."""

    def _new_conn(self) -> socket.socket:
        name, timeout = self._dns_host, self.timeout
        try:
            addresses = resolve(name, self.port, seconds=min(CONNECT_SECONDS, EXCHANGE.remaining()))
            for number, address in enumerate(addresses, start=1):
                self._dns_host, self.timeout = address, min(CONNECT_SECONDS, EXCHANGE.remaining())
                try:
                    return super()._new_conn()
                except (
                    urllib3.exceptions.NewConnectionError,
                    urllib3.exceptions.ConnectTimeoutError,
                ):
                    if number == len(addresses):
                        raise
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(name, self, error) from error
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "no address in time") from error
        finally:
            self._dns_host, self.timeout = name, timeout


class _TLSConnection(_Resolving, HTTPSConnection):
    pass


class _Connection(_Resolving):
    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        timeout = plain.gettimeout()
        watched = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        watched.settimeout(timeout)
        return watched


class Pool(HTTPConnectionPool):
    """Connections whose sockets are watched."""

    ConnectionCls = _Connection


class TLSPool(HTTPSConnectionPool):
    """The same with TLS; the adapter gives it the class of its sockets."""

    ConnectionCls = _TLSConnection
