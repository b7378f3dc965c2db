"""Which state a folder of the sandbox holds. A dry run asks no more of the sandbox than this."""

from __future__ import annotations

from pathlib import Path

DATABASE = "state.sqlite"
INSTANCE = "instance"


def instance_of(folder: Path) -> str | None:
    """The identity of the state in `folder`, or None when there is none. Opens and makes nothing."""
    try:
        (folder / DATABASE).stat()
        return (folder / INSTANCE).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
