"""Files that recipes, configurations and documents name: a name may be one that no file can have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def is_file(path: Path) -> bool:
    """Return whether a file is there; none is under a name that no file can have: too long, or with a NUL."""
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def names_beside(path: Path, pattern: str) -> list[str]:
    """Return the names of what stands in the folder of `path` and fits a pattern, to propose one."""
    with suppress(OSError, ValueError):
        return [each.name for each in path.parent.glob(pattern)]
    return []
