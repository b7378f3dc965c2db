"""The months that an API reaches back: a search for what is older is refused, and a write that is older can be lost."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any, NamedTuple

from runner.template import Unknown


class Window(NamedTuple):
    """The past `months`. `field` is the dotted place of the date that counts in an object, "" where it is not known."""

    months: int
    field: str = ""

    def since(self, today: dt.date) -> dt.date:
        """Return the first day that can be reached."""
        month = today.year * 12 + today.month - 1 - self.months
        last = calendar.monthrange(month // 12, month % 12 + 1)[1]
        return dt.date(month // 12, month % 12 + 1, min(today.day, last))

    def missed(self, value: Any, today: dt.date) -> dt.date | None:
        """Return the day of a date, or of a moment, that cannot be reached; None for one that can, and for no date."""
        day = _day(value)
        return day if day is not None and day < self.since(today) else None

    def missed_in(self, node: Any, today: dt.date) -> dt.date | None:
        """Return the day of an object when it cannot be reached; None where it can, or has no date."""
        for part in self.field.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return self.missed(node, today)


def _day(value: Any) -> dt.date | None:
    if value is None or isinstance(value, Unknown):
        return None
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
