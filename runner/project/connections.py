"""The way to a target: an account, and a connection to each API a recipe uses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import NamedTuple

from runner import config
from runner.catalogue import Api, Auth, Catalogue
from runner.config import ApiTarget, Config, Secret, Target
from runner.config.masking import SHORTEST, Mask
from runner.config.reader import is_public
from runner.engine.context import Connection
from runner.engine.limits import Pace
from runner.problems import ConfigError
from runner.project.apis import documents_of, overlays_of
from runner.project.projects import Project, make_folder
from runner.project.streams import note
from runner.recipe.model import Recipe
from runner.sandbox import instance_of

SANDBOX_KEY = "key-of-the-embedded-sandbox"
"""Sent to the sandbox. No word that data may hold, since a key is blotted out of every answer."""

NO_HOST = "http://sandbox"
"""Where a dry run for the sandbox points: the port is only known when it runs."""


def used_operations(recipe: Recipe) -> list[str]:
    """The operations that a recipe's rows, steps, searches and lookups use."""
    names = [step.operation for step in recipe.steps]
    searches = [step.unless_found for step in recipe.steps if step.unless_found is not None]
    names += [search.operation for search in searches]
    names += [search.update.operation for search in searches if search.update is not None]
    names += [lookup.operation for lookup in recipe.lookups if lookup.operation]
    names += (
        [recipe.rows.search.operation]
        if recipe.rows is not None and recipe.rows.search is not None
        else []
    )
    return names


def used_apis(recipe: Recipe) -> tuple[str, ...]:
    """The APIs of those operations."""
    return tuple(sorted({name.partition(".")[0] for name in used_operations(recipe)}))


class Way(NamedTuple):
    """Where a run goes: the account that is part of every identity, and a connection to each API.

    `mask` takes the secrets of all of them out of what is stored and told.
    """

    account: str
    connections: Mapping[str, Connection]
    mask: Mask = Mask()


def account_of(settings: Config, target: Target) -> str:
    """The account that is part of every identity, without opening anything."""
    if target.name == config.SANDBOX:
        return f"{config.SANDBOX}/{instance_of(settings.runs / 'sandbox') or 'new'}"
    return target.account


def planned_way(project: Project, target: Target, catalogue: Catalogue) -> Way:
    """The way as a dry run sees it: addresses and nothing that could send. Needs no secret."""
    account = account_of(project.config, target)
    if target.name == config.SANDBOX:
        hosts = {api: Connection(f"{NO_HOST}/{api}") for api in used_apis(project.recipe)}
        return Way(account, hosts)
    urls = {api: _base_url(target, catalogue[api]) for api in used_apis(project.recipe)}
    return Way(account, {api: Connection(url) for api, url in urls.items()})


@contextmanager
def open_way(
    project: Project,
    target: Target,
    catalogue: Catalogue,
    *,
    gets_only: bool = False,
) -> Iterator[Way]:
    """The way as a run takes it. Starts the sandbox where the target is the sandbox; needs every secret.

    With `gets_only` nothing but GETs can leave: the way of a dry run that makes lookups.
    """
    used = used_apis(project.recipe)
    with open_connections(project.config, used, target, catalogue, gets_only=gets_only) as way:
        yield way


@contextmanager
def open_connections(
    settings: Config, apis: Sequence[str], target: Target, catalogue: Catalogue, *,
    gets_only: bool = False,
) -> Iterator[Way]:  # fmt: skip
    """The way to these APIs of a target, as `open_way` has it for those of a recipe."""
    with ExitStack() as open_things:
        if target.name == config.SANDBOX:
            from runner.sandbox.server import attach

            make_folder(settings.runs)
            server = attach(
                settings.runs / "sandbox",
                documents_of(settings, apis),
                overlays=overlays_of(settings, target),
            )
            open_things.callback(server.close)
            account = f"{config.SANDBOX}/{server.instance}"
            urls = {api: f"{server.base_url}/{api}" for api in apis}
            mask = Mask([SANDBOX_KEY])
            connections = {
                api: _to_sandbox(url, catalogue[api].auth, gets_only=gets_only, mask=mask)
                for api, url in urls.items()
            }
        else:
            account = target.account
            secrets = {api: secrets_of(settings, target, catalogue[api]) for api in apis}
            mask = Mask(each for api in apis for each in confidential(catalogue[api], secrets[api]))
            connections = {
                api: _connection(
                    target, catalogue[api], secrets[api], gets_only=gets_only, mask=mask
                )
                for api in apis
            }
            _tell(settings, target, connections)
        for connection in connections.values():
            if connection.transport is not None:
                open_things.callback(connection.transport.close)
        yield Way(account, connections, mask)


def _tell(settings: Config, target: Target, connections: Mapping[str, Connection]) -> None:
    """Say where requests and keys go, before the first of them, and which file says so."""
    for api, connection in connections.items():
        where = f"{api} at {connection.base_url} as {target.account}"
        note(f"target   {where}, by {settings.home / config.NAME}")


def secrets_of(current: Config, target: Target, known: Api) -> dict[str, Secret]:
    """The secrets that an API wants of a target. Raises ConfigError that names every one that cannot be used."""
    names = tuple(auth.secret for auth in known.auth)
    found = current.secrets(target, known.name, names, environ=os.environ)
    for auth in known.auth:
        password = found[auth.secret].reveal().partition(":")[2]
        if auth.scheme == "basic" and len(password) < SHORTEST:
            raise ConfigError(
                f"{auth.secret} of {known.name} is no user:password, or its password is shorter than {SHORTEST} "
                "characters",
                remedy="take a longer one: a short one cannot be told from data, and could not be kept out of it",
            )
    return found


def confidential(known: Api, secrets: Mapping[str, Secret]) -> Iterator[str]:
    """The texts that nobody may see: secrets but for names of users, and the password of user:password alone, too."""
    for auth in known.auth:
        value = secrets[auth.secret].reveal()
        if not is_public(auth.secret):
            yield value
        if auth.scheme == "basic":
            yield value.partition(":")[2]


def _to_sandbox(url: str, auth: tuple[Auth, ...], *, gets_only: bool, mask: Mask) -> Connection:
    from runner.transport.client import Transport

    secrets = {each.secret: Secret(SANDBOX_KEY) for each in auth}
    agent = _user_agent(ApiTarget())
    transport = Transport(
        base_url=url, auth=auth, secrets=secrets, user_agent=agent, gets_only=gets_only, mask=mask
    )
    return Connection(url, transport)


def _connection(
    target: Target, known: Api, secrets: Mapping[str, Secret], *, gets_only: bool, mask: Mask
) -> Connection:
    from runner.transport.client import Transport

    settings = target.apis.get(known.name, ApiTarget())
    if (
        known.limits.user_agent_required
        and not settings.user_agent
        and "127.0.0.1" not in settings.base_url
    ):
        where = f"targets.{target.name}.apis.{known.name}.user_agent in {config.NAME}"
        raise ConfigError(
            f"{known.name} asks every integration for its registered User-Agent",
            remedy=f"set {where}",
        )
    url = _base_url(target, known)
    transport = Transport(
        base_url=url,
        auth=known.auth,
        secrets=secrets,
        user_agent=_user_agent(settings),
        deadline=float(settings.deadline),
        keep_alive=settings.keep_alive,
        gets_only=gets_only,
        mask=mask,
    )
    rate = settings.requests_per_second or known.limits.requests_per_second
    pace = Pace(rate=rate, burst=settings.burst or known.limits.burst)
    return Connection(url, transport, pace, settings.hits_per_day or known.limits.hits_per_day)


def _base_url(target: Target, known: Api) -> str:
    url = target.apis.get(known.name, ApiTarget()).base_url or known.server
    if not url:
        where = f"targets.{target.name}.apis.{known.name}.base_url in {config.NAME}"
        raise ConfigError(
            f"the document of {known.name} does not say where it is", remedy=f"set {where}"
        )
    return url


def _user_agent(settings: ApiTarget) -> str:
    from importlib import metadata

    return settings.user_agent or f"recipe-runner/{metadata.version('recipe-runner')}"


def pace_text(way: Way) -> str:
    """The pace of a run in words, empty where nothing holds it back."""
    rates = [Decimal(str(c.pace.rate)) for c in way.connections.values() if c.pace is not None]
    return f"{min(rates).normalize():f}/s" if rates else ""
