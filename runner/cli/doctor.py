"""`doctor`: check of a set-up: the sources of secrets, the APIs of each target, and problems. No secret is shown."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from runner import config
from runner.catalogue import Api, Auth, Catalogue
from runner.config import ApiTarget, Config, Target
from runner.config.notices import Webhook
from runner.config.sources import SecretSource
from runner.problems import ConfigError, RunnerError, printable
from runner.project import projects
from runner.project.apis import catalogue_for

Line = tuple[bool, str]
"""True if something is in order, and the text about it."""


@click.command(
    short_help="Say where secrets come from, what reaches each target, and what is wrong."
)
def doctor() -> int:
    """Look at runner.yaml, .env and the secrets of each target. Connects to nothing, and shows no secret.

    A secret that a command gives is asked for, so that it is known to work. Ends with 0 when all is in order, else 7.
    """
    settings = projects.current()
    wrong = 0
    for right, text in _lines(settings):
        wrong += not right
        click.echo(printable(text))
    click.echo(f"\n{wrong} wrong" if wrong else "\nall in order")
    return ConfigError.exit_code if wrong else 0


def _lines(settings: Config) -> Iterator[Line]:
    yield from _files(settings)
    named = [target for target in settings.targets.values() if target.name != config.SANDBOX]
    if not named:
        yield True, "no target but the sandbox: nothing can reach a real account"
    for target in named:
        yield from _target(settings, target)
    for notice in settings.notify:
        channel = notice.channel
        name = channel.url if isinstance(channel, Webhook) else channel.password
        if name is not None:
            yield _checked(f"notify    {notice.name}: {name.description}", settings, name)


def _files(settings: Config) -> Iterator[Line]:
    missing = "" if (settings.home / config.NAME).exists() else f", without a {config.NAME}"
    yield True, f"project   {settings.home}{missing}"
    for name in (config.NAME, ".env"):
        with suppress(FileNotFoundError):
            yield from _file(settings.home / name)


def _file(path: Path) -> Iterator[Line]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if path.name == ".env" and mode & 0o077:
        yield False, f"WRONG     {path} can be read by others: chmod 600 {path}"
    elif mode & 0o022:
        yield False, f"WRONG     {path} can be written by others: chmod go-w {path}"
    else:
        yield True, f"file      {path}"


def _target(settings: Config, target: Target) -> Iterator[Line]:
    yield True, f"target    {target.name}, account {target.account}"
    try:
        catalogue = catalogue_for(settings, target)
    except RunnerError as error:
        problems = getattr(error, "problems", ())
        yield False, f"WRONG       {problems[0].message if problems else error.message}"
        return
    for name in target.apis:
        if name not in catalogue:
            yield False, f"WRONG       there is no API {name}"
        else:
            yield from _api(settings, target, catalogue, name)


def _api(settings: Config, target: Target, catalogue: Catalogue, name: str) -> Iterator[Line]:
    known, own = catalogue[name], target.apis.get(name, ApiTarget())
    url = own.base_url or known.server
    if not url:
        yield False, f"WRONG       {name}: neither its document nor base_url says where it is"
    else:
        yield True, f"  api       {name} at {url}"
    if known.limits.user_agent_required and not own.user_agent and "127.0.0.1" not in url:
        yield False, f"WRONG       {name} asks for a registered User-Agent: user_agent"
    for auth in known.auth:
        yield _secret(settings, target, known, auth)
    for extra in sorted(set(own.secrets) - {auth.secret for auth in known.auth}):
        yield False, f"WRONG       {name} wants no secret {extra}: it reaches nobody"


def _secret(settings: Config, target: Target, known: Api, auth: Auth) -> Line:
    source = target.apis[known.name].secrets.get(auth.secret)
    scheme = f"{auth.scheme} " if auth.scheme else ""
    origin = source.description if source is not None else "nowhere"
    text = f"{auth.secret} from {origin}, sent as {scheme}{auth.place} {auth.name}"
    # A secret is read, so that a keyring or a command is known to work.
    try:
        settings.secrets(target, known.name, (auth.secret,), environ=os.environ)
    except ConfigError as error:
        return False, f"WRONG       {text}: {error.remedy.removeprefix(f'{auth.secret}: ')}"
    return True, f"    secret  {text}"


def _checked(text: str, settings: Config, source: SecretSource) -> Line:
    try:
        settings.secret(source, environ=os.environ)
    except ConfigError as error:
        return False, f"WRONG     {text.partition('    ')[2]}: {error.message}"
    return True, text
