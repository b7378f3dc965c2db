"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import IO

from runner.problems import ConfigError, RunnerError, StoppedError, UsageError

_REMEDY = "make room or make the folder writable, then enter the same command again"

NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
"""Errors of flock on a file system that has no locks."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a disk that takes no more, whatever the name of the file is."""


class WholeFile:
    """A new file that takes the place of `path` once it is whole and on the disk; for the owner alone, if `private`.

    A context manager that commits when nothing went wrong. Writing may raise OSError. What a killed process has left of
    such a file is taken away by the next one that writes it: until then it is locked by whoever does.
    """

    def __init__(self, path: Path, *, private: bool = True) -> None:
        self.path, self._private = path, private
        _take_away(path)
        handle, self._name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
        os.close(handle)
        self.file: IO[bytes] = Path(self._name).open("w+b")  # noqa: SIM115 - by name, see beside
        _lock(self.file)

    def __enter__(self) -> IO[bytes]:
        return self.file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.discard()

    def commit(self) -> None:
        """Put it in its place."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            if not self._private:
                Path(self._name).chmod(0o666 & ~_umask())
            Path(self._name).replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave what stands at `path` as it is. Safe to call more than once."""
        with suppress(OSError):
            self.file.close()
        shutil.rmtree(beside(self._name), ignore_errors=True)
        with suppress(OSError):
            Path(self._name).unlink()


def beside(name: str) -> Path:
    """The folder that goes with the unfinished file called `name`, for what has to be written before it."""
    return Path(f"{name}.d")


def _prefix(path: Path) -> str:
    return f".{path.name}.part-"


def _take_away(path: Path) -> None:
    """Take away the unfinished files of `path` that no process has locked."""
    for left in path.parent.glob(f"{escape(_prefix(path))}????????"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(beside(str(left)), ignore_errors=True)
            left.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock an unfinished file where there are locks. Where there are none, nobody can take it for abandoned either."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def refuse_links(folder: Path) -> None:
    """Refuse a folder of ours that is a symbolic link, or holds one: it would have us write, and chmod, elsewhere.

    Raises ConfigError.
    """
    try:
        with os.scandir(folder) as entries:
            links = [Path(each.path) for each in entries if each.is_symlink()]
    except OSError:  # not there yet, or refused by whoever writes there
        links = []
    for link in [folder] if folder.is_symlink() else links:
        raise ConfigError(
            f"{link} is a symbolic link; nothing was changed and nothing was sent",
            remedy="put what it leads to in its place: a journal and its runs stay in their folder",
        )


@contextmanager
def stopping(path: Path, *, remedy: str = _REMEDY) -> Iterator[None]:
    """What the system refuses stops the run, with the name of the file. Raises StoppedError."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoppedError(f"{path} cannot be written: {reason}", remedy=remedy) from None


def unwritable(
    path: Path, error: OSError, *, remedy: str, kind: type[RunnerError] = UsageError
) -> RunnerError:
    """The error for a file that cannot be written: of a `kind` for its name, and a StoppedError for a full disk."""
    message = f"{path} cannot be written: {(error.strerror or str(error)).lower()}"
    if error.errno in FULL:
        return StoppedError(message, remedy="make room, then run the same again")
    return kind(message, remedy=remedy)
