"""One message at the end of a run, to a webhook or by mail: its summary, in the words that the terminal has.

    import-orders -> live, run 4: 2 rejected, 1 unknown
    UNKNOWN      1 row (3 lines), 1,210.00: may have been carried out; not sent again by itself
                   10431 (lines 450-452)  deposit  1,210.00: connection lost before an answer
    rejected     2 rows (5 lines): fix them and run the file again
                   2 x job: 422 country is over the max length of 2 characters: 10502, 10611
    done         827 rows (2,147 lines)
    ...

Rejected rows are grouped by reason: a line for each, never a message for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from runner.config.notices import Mail, Notice
from runner.engine.events import BUCKETS, CallFinished, Event, RowFinished, RunEnded, RunStarted
from runner.journal import RunRecord
from runner.problems import printable
from runner.report.summary import Account
from runner.template import EvaluationError, Template, to_text

LONGEST = 8_000
"""Characters of a message; what is longer is cut, and says so."""

LARGEST = 10 * 1024 * 1024
"""Bytes of a file that is attached to a mail."""

_TYPES = {
    ".csv": ("text", "csv"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@dataclass(frozen=True)
class Told:
    """A run as a message tells it. `title` is one line, `summary` several."""

    run: RunRecord
    ended: RunEnded
    title: str
    summary: str

    def wanted(self, notice: Notice) -> bool:
        """Whether a notice is for an end like this."""
        if notice.when == "unknown":
            return bool(self.ended.buckets.get("unknown"))
        return notice.when == "always" or self.ended.exit_code != 0

    def text(self, notice: Notice) -> str:
        """What a notice says."""
        if notice.text is None:
            return _cut(f"{self.title}\n{self.summary}")
        if not isinstance(notice.text, Template):
            return _cut(notice.text)
        try:
            return _cut(to_text(notice.text.render(self._names())))
        except EvaluationError as error:
            return _cut(
                f"{self.title}\n{self.summary}\n(the text of this notice cannot be made: {error})"
            )

    def _names(self) -> dict[str, Any]:
        """What the text of a notice can say."""
        run, ended = self.run, self.ended
        counts = {bucket.replace(" ", "_"): ended.buckets.get(bucket, 0) for bucket in BUCKETS}
        return {
            "recipe": run.recipe, "target": run.target, "account": run.account, "run": run.id,
            "exit_code": ended.exit_code, "outcome": _outcome(ended), "stopped": printable(ended.stopped),
            "summary": self.summary, "rows": sum(ended.buckets.values()), "lines": sum(ended.line_buckets.values()),
            **counts,
        }  # fmt: skip

    def body(self, form: str, text: str) -> dict[str, Any]:
        """What a webhook gets: a message for Slack or Teams, or all of it for a program."""
        if form == "slack":
            safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return {"text": f"```\n{safe.replace('```', chr(39) * 3)}\n```"}
        if form == "teams":
            return {"type": "message", "attachments": [_card(text)]}
        names = {name: value for name, value in self._names().items() if name != "summary"}
        return {"version": 1, "event": "run_ended", **names, "text": text}

    def mail(self, mail: Mail, text: str, files: Mapping[str, Path]) -> EmailMessage:
        """A mail, with the results where they are asked for and not too large."""
        message = EmailMessage()
        message["Subject"] = printable(self.title)[:200]
        message["From"], message["To"] = mail.sender, ", ".join(mail.to)
        message["Auto-Submitted"] = "auto-generated"
        path = files.get("workbook") or files.get("results") or files.get("export")
        content, why = _content(path) if mail.attach else (b"", "")
        message.set_content(text + (f"\n{why}" if why else "") + "\n")
        if content and path is not None:
            main, sub = _TYPES.get(path.suffix, ("application", "octet-stream"))
            message.add_attachment(content, maintype=main, subtype=sub, filename=path.name)
        return message


class Ending:
    """Takes the events of a run, to tell of its end."""

    def __init__(self) -> None:
        self._account = Account()
        self._ended: RunEnded | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._account.begin(event)
        elif isinstance(event, RunEnded):
            self._ended = event
        elif isinstance(event, CallFinished | RowFinished):
            self._account.add(event)

    def told(self, run: RunRecord) -> Told:
        """The run as a message tells it. What is on record counts for one that did not get to its end."""
        code = 1 if run.exit_code is None else run.exit_code
        ended = self._ended or RunEnded(
            run.id, {"not started": run.row_count}, {}, code, 0.0, run.reason
        )
        lines = []
        for label, texts in self._account.summary(ended):
            for number, text in enumerate(texts):
                lines.append(printable(f"{label if number == 0 else '':<11}  {text}"))
        title = printable(f"{run.recipe} -> {run.target}, run {run.id}: {_outcome(ended)}")
        return Told(run, ended, title, "\n".join(lines))


def trial(name: str) -> Told:
    """What a trial of the settings sends: no run, and it says so."""
    run = RunRecord("a test of the settings", name, "", "", "", "", "", "{}", "", "")
    ended = RunEnded(0, dict.fromkeys(BUCKETS, 0), {}, 0, 0.0)
    return Told(
        run,
        ended,
        "runner: a test of the notices",
        "nothing was run and nothing was sent to an API",
    )


def _outcome(ended: RunEnded) -> str:
    """A run in a few words, what needs a person first."""
    order: Sequence[Any] = (
        "unknown", "changed", "rejected", "not started", "found", "done"
    )  # fmt: skip
    counts = [
        f"{ended.buckets[bucket]:,} {bucket}" for bucket in order if ended.buckets.get(bucket)
    ]
    if ended.outstanding:
        counts.insert(0, f"{len(ended.outstanding):,} unknown of before")
    return ", ".join([*(["stopped"] if ended.stopped else []), *counts]) or "nothing to do"


def _card(text: str) -> dict[str, Any]:
    """An adaptive card whose lines are taken as they are, whatever marks data has in it."""
    runs = [{"type": "TextRun", "text": line, "fontType": "Monospace"} for line in text.split("\n")]
    lines = [{"type": "RichTextBlock", "spacing": "None", "inlines": [run]} for run in runs]
    content = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": lines,
    }
    return {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}


def _content(path: Path | None) -> tuple[bytes, str]:
    """The bytes of a file to attach, or why there are none."""
    try:
        if path is None:
            return b"", "(no results were written)"
        size = path.stat().st_size
        if size > LARGEST:
            return b"", f"({path.name} is too large to be attached: {size / 1024 / 1024:.0f} MB)"
        return path.read_bytes(), ""
    except OSError as error:
        return b"", f"(the results cannot be read: {error.strerror})"


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= LONGEST
        else text[:LONGEST].rpartition("\n")[0] + "\n... cut here: runner show has all"
    )
