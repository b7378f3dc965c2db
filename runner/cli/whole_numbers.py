"""The whole numbers that commands take: each has an end, beyond which no journal, list or clock has a place for it."""

from __future__ import annotations

import re
from typing import Any

import click


class Whole(click.IntRange):
    """A whole number from `least` to `most`, written in digits."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number. What is none, or is beyond the ends, is a usage error."""
        text = str(value).strip()
        if re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) and self._least <= int(text) <= self._most:
            return int(text)
        shown = text if len(text) <= 30 else f"{text[:30]}..."
        return self.fail(
            f"{shown!r} is not a whole number from {self._least} to {self._most}", param, ctx
        )


RECORDED = Whole(1, 2**63 - 1)
"""The number of a run or a call: what SQLite numbers its records with."""

COUNT = Whole(1, 10**9)
"""So many rows."""

WORKERS = Whole(1, 64)

PORT = Whole(0, 65535)
