"""The message at the end of a run: in the words of the terminal, grouped by reason, safe in every form it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from runner.config.notices import Mail, Notice, Webhook
from runner.config.sources import variable
from runner.engine.events import CallFinished, RowFinished, RowResult, RunEnded, RunStarted
from runner.journal import RunRecord
from runner.report.notify import LARGEST, LONGEST, Ending, Told
from runner.template import compile_template

from .test_report_console import PAY

RUN = RunRecord(
    "orders", "live", "acme", "", "", "", "", "{}", "2026-03-01", "", id=4, row_count=9, exit_code=8
)
MAIL = Mail(
    ("ops@example.com", "b@example.com"), "runner@example.com", "h", 25, "none", attach=True
)
ENDED = RunEnded(
    4, {"done": 4, "rejected": 4, "unknown": 1}, {"done": 4, "rejected": 4, "unknown": 1}, 5, 2.0
)


def told(ended: RunEnded = ENDED, *, reason: str = "job: 422 no") -> Told:
    ending = Ending()
    ending(RunStarted(4, "orders", "live", 9, 9, dry_run=False))
    for number in range(1, 5):
        ending(RowFinished(RowResult(number, f"R-{number}", (number + 1,), "rejected", reason)))
    ending(CallFinished("pay", PAY, "unknown", 0, 0.1, Decimal("12.10"), "lost", "U-1"))
    ending(
        RowFinished(RowResult(5, "U-1", (6,), "unknown", "pay: lost", unsettled=Decimal("12.10")))
    )
    ending(ended)
    return ending.told(RUN)


def notice(when: str = "always", text: str | None = None) -> Notice:
    return Notice(
        when, Webhook(variable("URL"), "json"), compile_template(text) if text is not None else None
    )


def test_the_summary() -> None:
    text = told().text(notice())
    assert text.splitlines()[0] == "orders -> live, run 4: 1 unknown, 4 rejected, 4 done"
    assert (
        "UNKNOWN      1 row (1 line), 12.10: may have been carried out; not sent again by itself"
        in text
    )
    assert "  4 x job: 422 no: R-1, R-2, R-3, R-4" in text
    assert sum("422" in line for line in text.splitlines()) == 1


@pytest.mark.parametrize(
    ("when", "fine", "rejected", "unknown"),
    [("always", True, True, True), ("trouble", False, True, True), ("unknown", False, False, True)],
)
def test_who_is_told(when: str, *, fine: bool, rejected: bool, unknown: bool) -> None:
    assert told(RunEnded(4, {"done": 1}, {}, 0, 1.0)).wanted(notice(when)) == fine
    assert told(RunEnded(4, {"rejected": 1}, {}, 4, 1.0)).wanted(notice(when)) == rejected
    assert told().wanted(notice(when)) == unknown


def test_a_text_of_ones_own() -> None:
    assert told().text(
        notice(text="{{ recipe }} {{ run }}: {{ unknown }}/{{ rows }} ({{ outcome }})")
    ) == ("orders 4: 1/9 (1 unknown, 4 rejected, 4 done)")
    assert told().text(notice(text="look")) == "look"
    assert "cannot be made" in told().text(notice(text="{{ run.id.no }}"))


def test_a_run_that_did_not_get_to_its_end() -> None:
    text = Ending().told(RUN._replace(reason="the disk is full")).text(notice())
    assert "stopped, 9 not started" in text
    assert "the disk is full" in text


def test_it_has_an_end() -> None:
    text = told(reason="x" * 20_000).text(notice())
    assert len(text) < LONGEST + 100
    assert text.endswith("... cut here: runner show has all")


def test_a_program_gets_all_of_it() -> None:
    body = told().body("json", "text")
    assert json.loads(json.dumps(body)) == {
        "version": 1, "event": "run_ended", "recipe": "orders", "target": "live", "account": "acme", "run": 4,
        "exit_code": 5, "outcome": "1 unknown, 4 rejected, 4 done", "stopped": "", "rows": 9, "lines": 9, "done": 4,
        "found": 0, "changed": 0, "rejected": 4, "unknown": 1, "not_started": 0, "text": "text",
    }  # fmt: skip


def test_data_gives_no_commands_to_a_chat() -> None:
    hostile = "job: <!channel> ``` [click](http://evil) & more"
    slack = told(reason=hostile).body("slack", told(reason=hostile).text(notice()))["text"]
    assert "<!channel>" not in slack
    assert "&lt;!channel&gt;" in slack
    assert slack.count("```") == 2
    teams = told(reason=hostile).body("teams", hostile)
    (line,) = teams["attachments"][0]["content"]["body"]
    assert line["type"] == "RichTextBlock"  # which knows no marks
    assert line["inlines"][0]["text"] == hostile


def sent(message: EmailMessage) -> EmailMessage:
    found = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_mail(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("line,key\n")
    hostile = replace(told(), title="orders\nBcc: evil@example.com")
    mail = sent(hostile.mail(MAIL, "the text ü", {"results": path}))
    assert mail["Subject"] == "orders\\nBcc: evil@example.com"
    assert mail["Bcc"] is None
    assert mail["To"] == "ops@example.com, b@example.com"
    body = mail.get_body()
    assert body is not None
    assert body.get_content().replace("\r", "") == "the text ü\n"
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("results.csv", "text/csv")


def test_a_file_that_cannot_be_attached(tmp_path: Path) -> None:
    large = tmp_path / "results.xlsx"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    for files, why in (
        ({"workbook": large}, "results.xlsx is too large to be attached: 10 MB"),
        ({"results": tmp_path / "gone.csv"}, "the results cannot be read"),
        ({}, "no results were written"),
    ):
        mail = sent(told().mail(MAIL, "text", files))
        assert why in mail.get_content()
        assert not list(mail.iter_attachments())
    assert "(" not in sent(told().mail(replace(MAIL, attach=False), "text", {})).get_content()
