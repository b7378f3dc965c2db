"""Whose files are believed: one's own, those of root, and those in folders that one has named.

A file that says where a key goes decides over money. One that another user of this machine has put in the way, in a
folder that many may write to, is no word of the person at work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.problems import ConfigError

SAFE_FOLDERS = "RUNNER_SAFE_FOLDERS"
"""The variable that names folders whose files are believed, whoever owns them: paths with `:` between them, or `*`."""

_ROOT = 0


def check_owner(path: Path, *, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse a file, or a link to one, of another user; one that is not there is left to its reader.

    Raises ConfigError.
    """
    for place, owner in _owners(path):
        if not is_trusted(owner, environ) and not _is_safe(place, environ):
            raise foreign(path, owner)


def is_trusted(owner: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether a user's files are believed: ours, root's, and under sudo those of who called it."""
    caller = environ.get("SUDO_UID", "") if os.geteuid() == _ROOT else ""
    return owner in (os.geteuid(), _ROOT) or str(owner) == caller


def foreign(path: Path, owner: int) -> ConfigError:
    """The refusal of a file of another user."""
    return ConfigError(
        f"{path} belongs to another user (id {owner}), and says where keys and requests go; nothing was sent",
        remedy=f"look at it and make a copy of your own; where the folder is meant to be another user's, as in a "
        f"container, name it: {SAFE_FOLDERS}={path.absolute().parent}",
    )


def _owners(path: Path) -> Iterator[tuple[Path, int]]:
    """The owner of what stands at `path`, and of what it leads to, each with its place."""
    try:
        yield path.absolute().parent.resolve() / path.name, path.lstat().st_uid
        yield path.resolve(), path.stat().st_uid
    except (OSError, RuntimeError):
        return


def _is_safe(place: Path, environ: Mapping[str, str]) -> bool:
    folders = filter(None, environ.get(SAFE_FOLDERS, "").split(os.pathsep))
    return any(each == "*" or place.is_relative_to(Path(each).resolve()) for each in folders)
