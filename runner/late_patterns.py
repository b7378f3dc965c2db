"""Regular expressions of a library that are compiled when they are used, which most of them never are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_compile = re.compile


class _Late:
    """Stands for a compiled pattern until something is asked of it."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        return getattr(_compile(*self._given), name)  # re keeps what it has compiled


@contextmanager
def patterns_compiled_late() -> Iterator[None]:
    """For the import of a library that compiles more than is used of it: its patterns wait for their first use.

    Only for one that calls their methods, since the functions of `re` take no other patterns than their own.
    """
    re.compile = _Late  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile
