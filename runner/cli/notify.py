"""`notify`: a test message to each recipient in runner.yaml."""

from __future__ import annotations

import click

from runner.problems import ConfigError, printable


@click.command(short_help="Try the notices of runner.yaml: sends a test message to each.")
def notify() -> int:
    """Send a test message to everybody that `notify` in runner.yaml names, and say what came of it."""
    from runner.project import projects
    from runner.project.notify import send
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
