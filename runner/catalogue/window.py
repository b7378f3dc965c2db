"""Windows: the months that an API reads back. A search beyond them is refused, and an older write can be lost."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any, NamedTuple

from runner.template import Unknown


class Window(NamedTuple):
    """Past `months`. `field` is the dotted place of the relevant date in an object, "" where it is unknown."""

    months: int
    field: str = ""

    def since(self, today: dt.date) -> dt.date:
        """Return the first day that can be reached."""
        month = today.year * 12 + today.month - 1 - self.months
        # A day that the month lacks becomes its last: 31 May less three months is 28 February.
        last = calendar.monthrange(month // 12, month % 12 + 1)[1]
        return dt.date(month // 12, month % 12 + 1, min(today.day, last))

    def missed(self, value: Any, today: dt.date) -> dt.date | None:
        """Return the day of a date or moment that is out of reach; None within reach, and for other values."""
        day = _day(value)
        return day if day is not None and day < self.since(today) else None

    def missed_in(self, node: Any, today: dt.date) -> dt.date | None:
        """Return the day of an object that is out of reach; None within reach, or without a date."""
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
