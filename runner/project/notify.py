"""Telling the people and programs that `notify` in `runner.yaml` names of the end of a run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import Config
from runner.journal import NoticeRecord
from runner.problems import ConfigError
from runner.project.streams import note

if TYPE_CHECKING:
    from runner.config.notices import Notice
    from runner.report.notify import Told


def tell(settings: Config, told: Told, files: Mapping[str, Path]) -> Iterator[NoticeRecord]:
    """Send what is wanted of a run's end, once to each; what came of each, and on stderr what did not work."""
    for notice in settings.notify:
        if told.wanted(notice):
            reason = send(settings, notice, told, files)
            if reason:
                note(f"not told     {notice.name}: {reason}")
            yield NoticeRecord(
                told.run.id,
                dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                notice.name,
                reason,
            )


def send(settings: Config, notice: Notice, told: Told, files: Mapping[str, Path]) -> str:
    """Send one message; empty when it was taken, else why not."""
    from runner.config.notices import Webhook

    channel, text = notice.channel, told.text(notice)
    try:
        if isinstance(channel, Webhook):
            from runner.transport.webhook import post_webhook

            url = settings.secret(channel.url, environ=os.environ)
            agent = f"recipe-runner/{metadata.version('recipe-runner')}"
            return post_webhook(url, told.body(channel.body, text), user_agent=agent)
        from runner.transport.mail import send_mail

        password = (
            settings.secret(channel.password, environ=os.environ) if channel.password else None
        )
        return send_mail(channel, told.mail(channel, text, files), password=password)
    except ConfigError as error:
        return f"{error.message}; {error.remedy}"
