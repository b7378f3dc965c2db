"""What a run adds up to: rows and lines by bucket, reasons, calls, money; the summary leads with what is unknown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from runner.engine.calls.identity_changes import choices
from runner.engine.calls.parents import NOTHING_ADDED
from runner.engine.events import (
    BUCKETS,
    Bucket,
    CallFinished,
    Event,
    Outstanding,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
)
from runner.exact import exact_sum
from runner.problems import shell_word
from runner.report.text import duration, line_numbers, money, plural

REASONS_SHOWN = 10
KEYS_SHOWN = 5
UNKNOWN_SHOWN = 20
REASONS_KEPT = 1000
"""Different reasons that are told apart; the rows of more are counted together."""

_REMARKS: dict[Bucket, str] = {
    "done": "",
    "found": ": were there already",
    "not started": ": the next run goes on with them",
}

_WORD = re.compile(r"(?P<status>(?<=: )[1-5]\d\d(?= ))|[\w.,-]+|…")
"""A word of a reason; the status of an answer apart."""

_VARIES = re.compile(r"\d|…")
"""In a word that differs between reasons that are the same otherwise: an id, an amount, the number of an item."""

OTHER = "other reasons, see the results file"

Section = tuple[str, Iterable[str]]
"""A label and its lines of text."""


@dataclass
class _Reason:
    """The reasons of rows that differ in numbers and ids alone: as `text`, with … in the place of what differs."""

    text: str
    count: int = 0
    keys: list[str] = field(default_factory=list)

    def add(self, key: str, text: str) -> None:
        """Count a row."""
        self.count += 1
        if len(self.keys) < KEYS_SHOWN:
            self.keys.append(key)
        if text != self.text:
            self.text = _common(self.text, text)


@dataclass
class _Posted:
    count: int = 0
    total: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        self.count += 1
        self.total = exact_sum((self.total, amount))


@dataclass(frozen=True)
class Counted:
    """What counts of one request. `operation` is its full name, `key` that of the row."""

    key: str
    step: str
    operation: str
    effect: str
    state: str
    amount: Decimal | None = None
    reason: str = ""


class Account:
    """Takes the events of a run and keeps what its summary needs; the size does not grow with the rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.calls = 0
        self.buckets: Counter[str] = Counter()
        self._started: RunStarted | None = None
        self._reasons: dict[Bucket, dict[str, _Reason]] = {"changed": {}, "rejected": {}}
        self._found = 0
        self._open: dict[str, Counted] = {}
        self._unknown: list[str] = []
        self._unknown_money = Decimal(0)
        self._posted: dict[str, _Posted] = {}
        self._money_of_rows = Decimal(0)

    def begin(self, event: RunStarted) -> None:
        """Take the size of the input."""
        self._started = event

    def add(self, event: Event) -> None:
        """Count a call or a row."""
        if isinstance(event, CallFinished):
            name, effect = event.operation.full_name, event.operation.effect
            self.count(
                Counted(
                    event.key, event.step, name, effect, event.state, event.amount, event.reason
                )
            )
        elif isinstance(event, RowFinished):
            self._row(event.result)

    def count(self, call: Counted) -> None:
        """Count a request; one of which no byte has left is none."""
        if call.state == "not sent":
            return
        self.calls += 1
        if call.effect == "read":
            return
        if call.state == "unknown":
            self._open[call.key] = call
        elif call.state == "done" and call.amount is not None:
            self._posted.setdefault(call.operation, _Posted()).add(call.amount)

    def _row(self, result: RowResult) -> None:
        self.rows += 1
        self.buckets[result.bucket] += 1
        self._money_of_rows = exact_sum((self._money_of_rows, result.money))
        call = self._open.pop(result.key, None)
        if result.bucket == "unknown":
            self._note_unknown(result, call)
        elif result.bucket in self._reasons:
            reasons, text = self._reasons[result.bucket], shared_reason(result)
            alike = _alike(text)
            if alike not in reasons and len(reasons) >= REASONS_KEPT:
                alike = text = OTHER
            reasons.setdefault(alike, _Reason(text)).add(result.key or "the row", text)
            self._found += result.bucket == "rejected" and NOTHING_ADDED in result.reason

    def _note_unknown(self, result: RowResult, call: Counted | None) -> None:
        """`call` is the one that this run sent; a row may also wait for what an earlier run sent."""
        self._unknown_money = exact_sum((self._unknown_money, result.unsettled))
        if len(self._unknown) >= UNKNOWN_SHOWN:
            return
        text = row_place(result.key, result.lines)
        worth = f"  {money(result.unsettled)}" if result.unsettled else ""
        if call is None:
            self._unknown.append(f"{text}{worth}  {result.reason}")
        else:
            self._unknown.append(f"{text}  {call.step}{worth}: {call.reason}")

    def summary(self, event: RunEnded) -> Iterator[Section]:
        """The sections of the summary, the ones that need a person first."""
        if event.buckets.get("unknown"):
            yield "UNKNOWN", self._unknown_lines(event)
        if event.outstanding:
            yield (
                "UNKNOWN" if not event.buckets.get("unknown") else "",
                outstanding_lines(event.outstanding),
            )
        if event.buckets.get("changed"):
            yield "changed", self._changed_lines(event)
        if event.buckets.get("rejected"):
            yield "rejected", self._rejected_lines(event)
        for bucket, remark in _REMARKS.items():
            if bucket == "done" or event.buckets.get(bucket):
                yield bucket, [_size(event, bucket) + remark]
        yield from self._control(event)
        yield from self._money()
        speed = f" ({self.calls / event.seconds:.1f}/s)" if event.seconds >= 1 else ""
        yield "calls", [f"{self.calls:,} in {duration(event.seconds)}{speed}"]
        if event.stopped:
            yield "stopped", [event.stopped, *filter(None, [event.remedy])]

    def _unknown_lines(self, event: RunEnded) -> Iterator[str]:
        worth = f", {money(self._unknown_money)}" if self._unknown_money else ""
        yield f"{_size(event, 'unknown')}{worth}: may have been carried out; not sent again by itself"
        yield from (f"  {line}" for line in self._unknown)
        rest = event.buckets["unknown"] - len(self._unknown)
        if rest > 0:
            yield f"  and {rest:,} more"
        yield f"look it up, then record what you find: runner settle {event.run}"

    def _rejected_lines(self, event: RunEnded) -> Iterator[str]:
        size = _size(event, "rejected")
        if self._found < event.buckets["rejected"]:
            others = f", but for {plural(self._found, 'row')}," if self._found else ""
            yield f"{size}: fix them{others} and run the file again"
        else:
            yield f"{size}: nothing in the sheet is wrong; what to do stands in the reason"
        yield from _ranked(self._reasons["rejected"])

    def _changed_lines(self, event: RunEnded) -> Iterator[str]:
        yield f"{_size(event, 'changed')}: not what was sent for them before; nothing of them is sent"
        yield from _ranked(self._reasons["changed"])
        yield choices("KEY").replace(repr("KEY"), "KEY")

    def _control(self, event: RunEnded) -> Iterator[Section]:
        """Every line read is in exactly one bucket, or it is said loudly that it is not."""
        left_out = self._started.left_out if self._started is not None else 0
        read = left_out + (self._started.lines if self._started is not None else 0)
        if not read:
            return
        counts = {bucket: event.line_buckets.get(bucket, 0) for bucket in BUCKETS}
        terms = " + ".join(f"{count:,} {bucket}" for bucket, count in counts.items())
        terms += f" + {left_out:,} left out" if left_out else ""
        total = sum(counts.values()) + left_out
        if total == read:
            yield "lines", [f"{read:,} read = {terms}"]
        else:
            yield "CHECK", [f"{read:,} lines read, but {total:,} accounted for = {terms}"]

    def _money(self) -> Iterator[Section]:
        """What was posted now, and what the rows come to in all where a part of it was there before."""
        lines = []
        for name, posted in self._posted.items():
            lines.append(f"{money(posted.total)} by {posted.count:,} {name.rpartition('.')[2]}")
        now = exact_sum(posted.total for posted in self._posted.values())
        if self._money_of_rows > now:
            lines.append(
                f"{money(self._money_of_rows)} in all for these rows, with what was posted before"
            )
        if lines:
            yield "posted", lines


def outstanding_lines(calls: Sequence[Outstanding]) -> Iterator[str]:
    """What earlier runs have left unknown, with its money, and how it is settled; nothing where there is none."""
    if not calls:
        return
    total, runs = exact_sum(call.amount for call in calls), sorted({call.run for call in calls})
    worth = f", {money(total)}" if total else ""
    yield f"{plural(len(calls), 'call')} of before{worth}: may have been carried out, in no row of this run"
    for call in calls[:UNKNOWN_SHOWN]:
        whose = f" of {call.key!r}" if call.key else ""
        each = f"  {money(call.amount)}" if call.amount else ""
        yield f"  {call.step}{whose}{each}  in run {call.run}"
    if len(calls) > UNKNOWN_SHOWN:
        yield f"  and {len(calls) - UNKNOWN_SHOWN:,} more"
    number = f" {runs[0]}" if len(runs) == 1 else ""
    yield f"look it up, then record what you find: runner settle{number}"


def _ranked(reasons: Mapping[str, _Reason]) -> Iterator[str]:
    """The reasons of rows, the most frequent first, with the keys of some of their rows."""
    ranked = sorted(reasons.values(), key=lambda reason: (-reason.count, reason.text))
    for reason in ranked[:REASONS_SHOWN]:
        rest = reason.count - len(reason.keys)
        more = f" and {rest:,} more" if rest else ""
        yield f"  {reason.count:,} x {reason.text}: {', '.join(reason.keys)}{more}"
    if len(ranked) > REASONS_SHOWN:
        rest = sum(reason.count for reason in ranked[REASONS_SHOWN:])
        yield f"  and {plural(rest, 'row')} for {plural(len(ranked) - REASONS_SHOWN, 'other reason')}"


def _alike(text: str) -> str:
    """The text without the words that have a digit in them."""
    return _WORD.sub(lambda word: "0" if _varies(word) else word.group(), text)


def _varies(word: re.Match[str]) -> bool:
    return word["status"] is None and _VARIES.search(word.group()) is not None


def _common(text: str, other: str) -> str:
    """One text for two that are alike, with … for the words that differ."""
    others = _WORD.finditer(other)
    return _WORD.sub(
        lambda word: word.group() if word.group() == next(others).group() else "…", text
    )


def shared_reason(result: RowResult) -> str:
    """The reason of a row as the rows with the same reason share it: KEY in the place of the row's own key."""
    reason = result.reason
    if result.bucket == "changed":  # the summary says the ways on once
        reason = reason.removesuffix(f"; {choices(result.key)}")
    for named in (shell_word(result.key), repr(result.key)) if result.key else ():
        reason = reason.replace(named, "KEY")
    return reason


def row_place(key: str, lines: Sequence[int]) -> str:
    """A row as people find it: its key and where it stands in the file."""
    where = line_numbers(lines)
    return f"{key or 'the row'} ({where})" if where else key or "the row"


def _size(event: RunEnded, bucket: Bucket) -> str:
    lines = event.line_buckets.get(bucket, 0)
    return plural(event.buckets.get(bucket, 0), "row") + (
        f" ({plural(lines, 'line')})" if lines else ""
    )
