"""Integer parameters of commands, each with the limits of the journal, the list or the port that it is for."""

from __future__ import annotations

import re
from typing import Any

import click


class Whole(click.IntRange):
    """An integer from `least` to `most`, in decimal digits."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Fails with a usage error if it is no number, or beyond the limits."""
        text = str(value).strip()
        if re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) and self._least <= int(text) <= self._most:
            return int(text)
        shown = text if len(text) <= 30 else f"{text[:30]}..."
        return self.fail(
            f"{shown!r} is not a whole number from {self._least} to {self._most}", param, ctx
        )


RECORDED = Whole(1, 2**63 - 1)
"""The number of a run or a call: a row id of SQLite."""

COUNT = Whole(1, 10**9)
"""A number of rows."""

WORKERS = Whole(1, 64)

PORT = Whole(0, 65535)
