"""Ownership check of configuration files: trusted are the user's own, those of root, and those in named folders.

Such a file decides which host receives a key, and thus over money. Another user of this machine may have put one
into a folder that many may write to; it is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.problems import ConfigError

SAFE_FOLDERS = "RUNNER_SAFE_FOLDERS"
"""The variable with folders whose files are trusted regardless of their owner: paths separated by `:`, or `*`."""

_ROOT = 0


def check_owner(path: Path, *, environ: Mapping[str, str] = os.environ) -> None:
    """Raise ConfigError for a file, or a link to a file, of another user.

    A missing file is left to its reader.
    """
    for place, owner in _owners(path):
        if not is_trusted(owner, environ) and not _is_safe(place, environ):
            raise foreign(path, owner)


def is_trusted(owner: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Return true if a user's files are trusted: our own, root's, and under sudo the caller's."""
    caller = environ.get("SUDO_UID", "") if os.geteuid() == _ROOT else ""
    return owner in (os.geteuid(), _ROOT) or str(owner) == caller


def foreign(path: Path, owner: int) -> ConfigError:
    """Return the error for a file of another user."""
    return ConfigError(
        f"{path} belongs to another user (id {owner}), and says where keys and requests go; nothing was sent",
        remedy=f"look at it and make a copy of your own; where the folder is meant to be another user's, as in a "
        f"container, name it: {SAFE_FOLDERS}={path.absolute().parent}",
    )


def _owners(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield the path and the owner of the file at `path`, then those of the file that it links to."""
    try:
        yield path.absolute().parent.resolve() / path.name, path.lstat().st_uid
        yield path.resolve(), path.stat().st_uid
    except (OSError, RuntimeError):
        return


def _is_safe(place: Path, environ: Mapping[str, str]) -> bool:
    folders = filter(None, environ.get(SAFE_FOLDERS, "").split(os.pathsep))
    return any(each == "*" or place.is_relative_to(Path(each).resolve()) for each in folders)
