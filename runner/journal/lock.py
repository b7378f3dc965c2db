"""Lock of a journal's folder: held by the process that writes, and released when that ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.durable import NO_LOCKS
from runner.problems import LockedError, StoppedError

if TYPE_CHECKING:
    from filelock import FileLock

_NAME = "journal.lock"

_PATIENCE = 0.2
"""Seconds that a writer waits: a check of the lock holds it for less than a millisecond."""


def take_lock(folder: Path, *, what: Path) -> FileLock:
    """Acquire and return the lock of a folder. Raises LockedError (`what` is in use), StoppedError and OSError."""
    from filelock import FileLock, Timeout  # imported on use: who only reads needs no lock

    _check_support(folder, what=what)
    # not thread_local: whichever thread leaves, the lock has to go
    lock = FileLock(folder / _NAME, timeout=_PATIENCE, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        message = f"another run is using {what}"
        raise LockedError(
            message, remedy="wait for it to end; its lock goes with its process"
        ) from None
    return lock


def _check_support(folder: Path, *, what: Path) -> None:
    """Raise StoppedError on a file system without locks: there, filelock leaves a marker that outlives its process."""
    handle = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        with suppress(BlockingIOError):  # held: so there are locks
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        reason = os.strerror(error.errno).lower()
        raise StoppedError(
            f"{what} cannot be locked: the file system of {folder} has no locks (flock: {reason}); nothing was sent",
            remedy="keep the project on a local disk",
        ) from None
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Return true if a process holds the lock, or if that cannot be determined."""
    try:
        handle = os.open(folder / _NAME, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
