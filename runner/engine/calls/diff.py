"""What was sent beside what is given back: field by field, exact, and with what cannot be compared named."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from runner.catalogue import Operation, Request, credentials_sent, to_json
from runner.catalogue.values.scalars import WRITTEN
from runner.engine.calls.equality import differences, has_same_head
from runner.journal import CallRecord
from runner.problems import WITHHELD, printable

_MOST = 3
"""Places that a message names before it counts the rest."""


def difference(
    prior: CallRecord, request: Request, operation: Operation, *, numbers: frozenset[str]
) -> str:
    """Return how a request differs by value from the one that was sent, old value first; empty where it does not.

    `numbers` are the fields in whose texts the recipe writes decimals.
    """
    if prior.digest == request.digest():
        return ""
    if (prior.method, prior.url) != (request.method, request.path):
        moved = prior.method == request.method and _is_end(prior.url, request.path)
        same = (
            " (the same request, if a part of the path only moved between base_url and the document: "
            "then put it back, since --again would send it twice)"
        )
        return f"{prior.method} {prior.url}, now {request.method} {request.path}{same * moved}"
    found = differences(prior, request, operation, numbers=numbers)
    parts = [
        f"{each.place or 'body'} was {_said(each.before)}, now {_said(each.after)}"
        for each in found
    ]
    if not has_same_head(prior, request, operation):
        names = ", ".join(sorted(request.headers)) or "there are none now"
        secret = credentials_sent(operation, request.body) if request.body else ()
        what = "a credential in it or its headers" if secret else "its headers"
        parts.append(f"{what} are not those that were sent ({names})")
    more = f" and {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    return "; ".join(parts[:_MOST]) + more


def _is_end(one: str, other: str) -> bool:
    """Tell whether one of two paths is the end of the other."""
    return one.endswith(other) or other.endswith(one)


def _said(value: Any) -> str:
    return "left out" if value is None else literal(value)


MOST_TOLD = 3
"""Fields that a message names before it counts the rest."""

_is_number = WRITTEN["number"].fullmatch
_MIDNIGHT = re.compile(r"T00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?\Z")
_NOTHING = object()


class Field(NamedTuple):
    """One field of what was sent that is given back otherwise: its dotted place, and both values."""

    place: str
    sent: Any
    found: Any


class Comparison(NamedTuple):
    """What was sent beside what is there: fields that differ, and those that are not given back. `same` counts.

    `absent` fields are not there, `apart` are given back in another form, as the API's document says, or not kept.
    """

    different: tuple[Field, ...] = ()
    absent: tuple[Field, ...] = ()
    apart: tuple[str, ...] = ()
    same: int = 0

    @property
    def unseen(self) -> tuple[str, ...]:
        """The places of what cannot be compared."""
        return (*(each.place for each in self.absent), *self.apart)

    @property
    def changes(self) -> tuple[Field, ...]:
        """What an update has to send, where what is absent is taken for null."""
        return (*self.different, *(each for each in self.absent if each.sent != ""))

    @property
    def whole(self) -> bool:
        """Whether all that was sent is there."""
        return self.same > 0 and not self.different and not self.unseen

    def still(self) -> str:
        """The fields that are not as they were sent, in words."""
        texts = [
            f"{each.place} is {literal(each.found)}, sent was {literal(each.sent)}"
            for each in self.different
        ]
        return _some(texts)

    def untold(self) -> str:
        """The fields that are not given back, in words; empty where all are."""
        return (
            f"not given back, and so not compared: {_some(self.unseen, ', ')}"
            if self.unseen
            else ""
        )


def compare_with(sent: Any, found: Any, *, unlike: Collection[str] = ()) -> Comparison:
    """Compare the body that was sent with an object. Fields at the dotted places `unlike` are not compared."""
    different: list[Field] = []
    absent: list[Field] = []
    apart: list[str] = []
    same = 0
    for place, value, there in _leaves(sent, found, ""):
        if _is_withheld(value) or _is_withheld(there) or re.sub(r"\[[0-9]+\]", "", place) in unlike:
            apart.append(place)
        elif there is _NOTHING:
            absent.append(Field(place, value, None))
        elif alike(value, there):
            same += 1
        else:
            different.append(Field(place, value, there))
    return Comparison(tuple(different), tuple(absent), tuple(apart), same)


def unlike(operation: Operation) -> frozenset[str]:
    """The fields that are given back in another form than an operation sends them."""
    return operation.read_back.unlike if operation.read_back is not None else frozenset()


def alike(sent: Any, found: Any) -> bool:
    """Whether a value is what was sent: 12.10 is 12.1 and "12.1", a day is its midnight, nothing is null;
    "02134" is not 2134."""
    if isinstance(sent, dt.date):
        sent = sent.isoformat()
    if sent == "" and found is None:
        return True
    if isinstance(sent, bool) or isinstance(found, bool) or sent is None or found is None:
        return sent is found
    if isinstance(sent, int | Decimal):
        if isinstance(found, str):
            return bool(_is_number(found)) and Decimal(found) == sent
        return isinstance(found, int | Decimal) and sent == found
    if isinstance(sent, str) and isinstance(found, int | Decimal):
        return bool(_is_number(sent)) and Decimal(sent) == found
    if isinstance(sent, str) and isinstance(found, str):
        return sent == found or bool(_MIDNIGHT.match(found.removeprefix(sent)) and _is_day(sent))
    return bool(sent == found)


def literal(value: Any) -> str:
    """A value as JSON, cut to what a message can hold."""
    text = printable(to_json(value).decode())
    return text if len(text) <= 80 else text[:77] + "..."


def _leaves(sent: Any, found: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """The leaves of what was sent, each with what stands in its place. Lists of another length are one leaf."""
    if isinstance(sent, Mapping) and sent and (found is _NOTHING or isinstance(found, Mapping)):
        for name, value in sent.items():
            there = found.get(name, _NOTHING) if isinstance(found, Mapping) else _NOTHING
            yield from _leaves(value, there, f"{place}.{name}" if place else name)
    elif isinstance(sent, list) and sent and isinstance(found, list) and len(sent) == len(found):
        for position, (value, there) in enumerate(zip(sent, found, strict=True)):
            yield from _leaves(value, there, f"{place}[{position}]")
    else:
        yield place, sent, found


def _is_withheld(value: Any) -> bool:
    return isinstance(value, str) and WITHHELD in value


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _some(texts: Collection[str], between: str = "; ") -> str:
    shown = list(texts)[:MOST_TOLD]
    more = len(texts) - len(shown)
    return between.join(shown) + (f" and {more} more" if more else "")
