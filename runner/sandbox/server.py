"""Sandbox server on loopback: one per folder, which other processes can find.

folder/lock      held by the process that serves the folder; released when it ends
folder/address   the port, while the lock is held
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.catalogue import Api, load_api
from runner.durable import refuse_links
from runner.problems import ConfigError, LockedError, StoppedError
from runner.sandbox.state import State

if TYPE_CHECKING:
    from filelock import FileLock

    from runner.sandbox.app import Sandbox

HOST = "127.0.0.1"
THREADS = 32

START_SECONDS = 10.0
"""Seconds that `attach` waits for the server of another process to publish its address."""

_LOCK = "lock"
_ADDRESS = "address"
# The application refuses (and logs) far smaller bodies; beyond this waitress reads nothing.
_REQUEST_BYTES = 64 * 1024 * 1024
_KEEP_ALIVE_SECONDS = 600
_CONNECTIONS = 1000


NO_OVERLAYS: Mapping[str, Path] = MappingProxyType({})


@dataclass
class Server:
    """Running sandbox: an API called x is at `base_url`/x. `close` ends it if it was started here."""

    port: int
    base_url: str
    instance: str
    _close: Callable[[], None] = field(default=lambda: None, repr=False)

    def close(self) -> None:
        self._close()
        self._close = lambda: None


def serve(
    folder: Path,
    documents: Mapping[str, Path],
    *,
    overlays: Mapping[str, Path] = NO_OVERLAYS,
    port: int = 0,
    threads: int = THREADS,
    keys: Mapping[str, AbstractSet[str]] | None = None,
    today: Callable[[], date] | None = None,
) -> Server:
    """Serve the APIs of `documents` (name to file), corrected by their `overlays`, in a thread of its own.

    The state is in `folder`. `keys` are the accepted API keys with their permissions, {"read"}, {"write"} or both;
    without any, every key has both. `today` replaces the clock. Raises LockedError when the folder is served already,
    ConfigError when the port is in use, InvalidError when a document is wrong.
    """
    lock = _locked(folder)
    if lock is None:
        raise LockedError(
            f"a sandbox is already running in {folder}", remedy="stop it, or choose another folder"
        )
    try:
        return _serve(
            folder,
            documents,
            lock,
            overlays=overlays,
            port=port,
            threads=threads,
            keys=keys or {},
            today=today,
        )
    except BaseException:
        lock.release()
        raise


def attach(
    folder: Path, documents: Mapping[str, Path], *, overlays: Mapping[str, Path] = NO_OVERLAYS
) -> Server:
    """Return the server of `folder`: the one that already runs, or else one that is started here.

    Raises ConfigError when the running one lacks one of the APIs, LockedError when it does not answer.
    """
    end = time.monotonic() + START_SECONDS
    while True:
        lock = _locked(folder)
        if lock is not None:
            try:
                return _serve(folder, documents, lock, overlays=overlays)
            except BaseException:
                lock.release()
                raise
        if running := _running(folder):
            server, names = running
            if missing := sorted(documents.keys() - names):
                message = f"the sandbox that is running in {folder} does not serve {missing[0]!r}"
                raise ConfigError(message, remedy="end it, or choose another folder")
            return server
        # Between taking the lock and writing the address the other process builds its server.
        if time.monotonic() > end:
            raise LockedError(
                f"a process holds the sandbox in {folder} and does not answer",
                remedy="end that process",
            )
        time.sleep(0.02)


def _locked(folder: Path) -> FileLock | None:
    """Return the folder's lock, or None when another server holds it. Removes the address of a dead server."""
    # Imported on use, as it takes longer than most of a dry run.
    from filelock import (
        FileLock,
        Timeout,
    )

    refuse_links(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    (folder / _ADDRESS).unlink(missing_ok=True)
    return lock


def _serve(
    folder: Path,
    documents: Mapping[str, Path],
    lock: FileLock,
    *,
    overlays: Mapping[str, Path],
    port: int = 0,
    threads: int = THREADS,
    keys: Mapping[str, AbstractSet[str]] | None = None,
    today: Callable[[], date] | None = None,
) -> Server:
    apis = {
        name: load_api(path, name=name, overlay=overlays.get(name))
        for name, path in documents.items()
    }
    listener = _listener(port)
    port = listener.getsockname()[1]
    base_url = f"http://{HOST}:{port}"
    with ExitStack() as opened, _storage_errors(folder):
        opened.callback(listener.close)
        state = State(folder)
        opened.callback(state.close)
        app = _application(state, apis, base_url=base_url, keys=keys or {}, today=today)
        stop = _start(listener, app, threads)
        opened.callback(stop)
        _write_address(folder, port)
        # From here on the server owns them: they are closed by `close` instead.
        opened.pop_all()

    def close() -> None:
        (folder / _ADDRESS).unlink(missing_ok=True)
        stop()
        state.close()
        lock.release()

    return Server(port, base_url, state.instance, close)


def _application(
    state: State,
    apis: Mapping[str, Api],
    *,
    base_url: str,
    keys: Mapping[str, AbstractSet[str]],
    today: Callable[[], date] | None,
) -> Sandbox:
    # Imported on use, as waitress is: a process that finds a server running needs neither.
    from runner.sandbox.app import Sandbox, local_today
    from runner.sandbox.keys import Keys

    return Sandbox(state, apis, base_url=base_url, keys=Keys(keys), today=today or local_today)


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Raise StoppedError where the folder cannot hold the state."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"the sandbox's folder {folder} cannot be used: {why}"
        raise StoppedError(
            message, remedy="make room or mend the folder, then run it again"
        ) from None


def _start(listener: socket.socket, app: Sandbox, threads: int) -> Callable[[], None]:
    """Serve on `listener` in a thread. Returns the function that stops it."""
    import waitress  # type: ignore[import-untyped]  # it has no annotations
    from waitress import wasyncore

    # With more concurrent requests than threads, queueing is intended: no warning.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    sockets: dict[int, Any] = {}
    server = waitress.create_server(
        app,
        map=sockets,
        sockets=[listener],
        threads=threads,
        ident=None,
        connection_limit=_CONNECTIONS,
        channel_timeout=_KEEP_ALIVE_SECONDS,
        max_request_body_size=_REQUEST_BYTES,
        asyncore_use_poll=True,
        log_socket_errors=False,
    )
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()

    def stop() -> None:
        server.task_dispatcher.shutdown()
        # The loop owns its sockets: it closes them itself, and ends when none is left.
        # A loop that has ended already has closed its trigger, too.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets, ignore_all=True))
        thread.join()

    return stop


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"port {port} cannot be used: {reason.lower()}", remedy="--port 0 takes a free one"
        ) from None
    return listener


def _write_address(folder: Path, port: int) -> None:
    """Write the port to a temporary file and rename it, so that readers see it complete."""
    aside = folder / (_ADDRESS + ".new")
    aside.write_text(f"{port}\n", encoding="ascii")
    aside.replace(folder / _ADDRESS)


def _running(folder: Path) -> tuple[Server, set[str]] | None:
    """Return the server that answers at the folder's address, and the names of its APIs; or None."""
    try:
        port = int((folder / _ADDRESS).read_text(encoding="ascii"))
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/")
            home = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return Server(port, f"http://{HOST}:{port}", str(home["sandbox"])), set(home["apis"])
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
