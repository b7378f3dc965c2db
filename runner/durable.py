"""Atomic writes: a file is replaced completely or not at all, even if the process is killed meanwhile."""

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
"""Errors of flock on a file system without locks."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a full or failing disk, which are not about the name of the file."""


class WholeFile:
    """A new file that replaces `path` once it is complete and on the disk. Only its owner can read a `private` one.

    A context manager that commits unless an exception is raised. Writing may raise OSError. An unfinished file is
    locked by its writer; one that a killed process left is removed by the next writer of the same path.
    """

    def __init__(self, path: Path, *, private: bool = True) -> None:
        self.path, self._private = path, private
        _remove_abandoned(path)
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
        """Replace the file at `path`. Raises OSError, and then leaves it unchanged."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            # mkstemp creates files that only their owner can read.
            if not self._private:
                Path(self._name).chmod(0o666 & ~_umask())
            Path(self._name).replace(self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave the file at `path` unchanged. Safe to call more than once."""
        with suppress(OSError):
            self.file.close()
        shutil.rmtree(beside(self._name), ignore_errors=True)
        with suppress(OSError):
            Path(self._name).unlink()


def beside(name: str) -> Path:
    """Return the folder of temporary files of the unfinished file called `name`."""
    return Path(f"{name}.d")


def _prefix(path: Path) -> str:
    return f".{path.name}.part-"


def _remove_abandoned(path: Path) -> None:
    """Remove the unfinished files of `path` that no process has locked."""
    for unfinished in path.parent.glob(f"{escape(_prefix(path))}????????"):
        with suppress(OSError), unfinished.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(beside(str(unfinished)), ignore_errors=True)
            unfinished.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock an unfinished file.

    On a file system without locks there is no need: `_remove_abandoned` fails to lock it too, and leaves it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def _umask() -> int:
    # The umask cannot be read without setting it.
    current = os.umask(0o077)
    os.umask(current)
    return current


def refuse_links(folder: Path) -> None:
    """Raise ConfigError if a folder of ours is a symbolic link, or contains one.

    Through a link, files elsewhere would be written and have their permissions changed.
    """
    try:
        with os.scandir(folder) as entries:
            links = [Path(each.path) for each in entries if each.is_symlink()]
    except OSError:
        # The folder does not exist yet, or its writer reports that it is unreadable.
        links = []
    for link in [folder] if folder.is_symlink() else links:
        raise ConfigError(
            f"{link} is a symbolic link; nothing was changed and nothing was sent",
            remedy="put what it leads to in its place: a journal and its runs stay in their folder",
        )


@contextmanager
def stopping(path: Path, *, remedy: str = _REMEDY) -> Iterator[None]:
    """Raise StoppedError with the name of the file for an OSError inside."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoppedError(f"{path} cannot be written: {reason}", remedy=remedy) from None


def unwritable(
    path: Path, error: OSError, *, remedy: str, kind: type[RunnerError] = UsageError
) -> RunnerError:
    """Return the error for a file that cannot be written: StoppedError for a full disk, else of this `kind`."""
    message = f"{path} cannot be written: {(error.strerror or str(error)).lower()}"
    if error.errno in FULL:
        return StoppedError(message, remedy="make room, then run the same again")
    return kind(message, remedy=remedy)
