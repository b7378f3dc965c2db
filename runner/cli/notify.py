"""Telling the people and programs that `notify` in `runner.yaml` names of the end of a run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.config import Config
from runner.journal import NoticeRecord
from runner.problems import ConfigError, printable

if TYPE_CHECKING:
    from runner.config.notices import Notice
    from runner.report.notify import Told


def tell(settings: Config, told: Told, files: Mapping[str, Path]) -> Iterator[NoticeRecord]:
    """Send what is wanted of a run's end, once to each; what came of each, and on stderr what did not work."""
    for notice in settings.notify:
        if told.wanted(notice):
            reason = send(settings, notice, told, files)
            if reason:
                click.echo(f"not told     {printable(f'{notice.name}: {reason}')}", err=True)
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


@click.command(short_help="Try the notices of runner.yaml: sends a test message to each.")
def notify() -> int:
    """Send a test message to everybody that `notify` in runner.yaml names, and say what came of it."""
    from runner.project import projects
    from runner.report.notify import trial

    settings = projects.current()
    if not settings.notify:
        raise ConfigError(
            "runner.yaml has no notify", remedy="docs/outputs.md shows how to write one"
        )
    failed = 0
    for notice in settings.notify:
        reason = send(settings, notice, trial(notice.name), {})
        failed += bool(reason)
        click.echo(printable(f"{notice.name}: {reason or 'sent'}"))
    return ConfigError.exit_code if failed else 0
