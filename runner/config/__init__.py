"""Configuration of a project: the targets, their secrets and the notices of `runner.yaml`, beside the recipes.

    targets:
      production:
        account: acme-promo               # the name of the account in the journal: never change it
        apis:
          syncore:
            base_url: https://api.syncore.app/v2       # required where there is a secret
            origin_was: https://old.example.com        # the API has moved; calls to its old address count here
            secrets: {api_key: {env: SYNCORE_API_KEY}}
            user_agent: acme-order-import/1.0
            rate: {requests_per_second: 2, burst: 1, hits_per_day: 20000}
            deadline: 60                               # total seconds for one request
            keep_alive: reads                          # requests that may share connections: reads, writes or never
            overlay: syncore.overlay.yaml              # corrects the API's document for this account
    apis:
      shop: shop.openapi.yaml                          # an API of your own: any OpenAPI 3.0 or 3.1 document
    notify:
      - {when: trouble, webhook: {url: {env: SLACK_URL}, body: slack}}       # recipients of a run's end

Secrets come from the environment or from a `.env` file beside `runner.yaml`, from a keyring, a command or standard
input (`runner.config.sources`); the file names the source, never the value.
The target `sandbox` needs no configuration, and accepts only overlays. Runs reach a real account only with
`--target`. Files are named relative to `runner.yaml`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from runner import source
from runner.config.ownership import check_owner
from runner.config.reader import Reading, Secret, discreet, is_public, unusable
from runner.config.sources import SecretSource, SourceError, secret_from
from runner.problems import ConfigError, InvalidError, Problem, UsageError, nearest

if TYPE_CHECKING:
    from runner.config.notices import Notice

__all__ = [
    "NAME",
    "SANDBOX",
    "ApiTarget",
    "Config",
    "KeepAlive",
    "Secret",
    "Target",
    "find_home",
    "load",
]

NAME = "runner.yaml"
SANDBOX = "sandbox"
LONGEST_DEADLINE = 86_400
"""Seconds of the longest deadline of a request: one day."""

KeepAlive = Literal["reads", "writes", "never"]
"""The requests that may share connections: reads; reads and writes, except those that move money; or none."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "top": ("targets", "apis", "notify"),
    "target": ("account", "apis"),
    # The sandbox is built in: only the document of an API can be corrected.
    "sandbox target": ("apis",),
    "sandbox api": ("overlay",),
    "api": (
        "base_url",
        "origin_was",
        "secrets",
        "user_agent",
        "rate",
        "deadline",
        "keep_alive",
        "overlay",
    ),
    "rate": ("requests_per_second", "burst", "hits_per_day"),
}


class ApiTarget(NamedTuple):
    """One API of a target. `secrets` maps the name of a security scheme to the source of its secret.

    `deadline` is in seconds. `overlay` is the file that corrects the API's document for this target, as named in
    the configuration. `origin_was` is the API's address before it moved: calls on record for that address belong
    to this account.
    """

    base_url: str = ""
    secrets: Mapping[str, SecretSource] = MappingProxyType({})
    user_agent: str = ""
    requests_per_second: Decimal | None = None
    burst: int | None = None
    hits_per_day: int | None = None
    deadline: Decimal = Decimal(60)
    keep_alive: KeepAlive = "reads"
    overlay: str = ""
    origin_was: str = ""


class Target(NamedTuple):
    """A named destination of runs. `account` is part of the identity of every call."""

    name: str
    account: str
    apis: Mapping[str, ApiTarget]


class Config(NamedTuple):
    """A project: its folder and its targets. Runs, journal and sandbox are stored in its folder `runs/`.

    `apis` are the files of its own APIs, by name; `notify` are the notices of a run's end. `document` is the
    configuration file itself, or None without one.
    """

    home: Path
    targets: Mapping[str, Target]
    apis: Mapping[str, str] = MappingProxyType({})
    notify: tuple[Notice, ...] = ()
    document: source.Source | None = None

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    def target(self, name: str) -> Target:
        """Return the target called `name`. Raises UsageError that suggests the nearest name."""
        if name not in self.targets:
            suggestion = nearest(name, [*self.targets, SANDBOX], noun="targets")
            joint = " or" if suggestion.endswith("?") else ";"
            remedy = f"{suggestion}{joint} add it to {self.home / NAME}"
            raise UsageError(f"there is no target {name!r}", remedy=remedy)
        return self.targets[name]

    def secrets(
        self, target: Target, api: str, names: tuple[str, ...], *, environ: Mapping[str, str]
    ) -> dict[str, Secret]:
        """Return the secrets of an API by name.

        Raises ConfigError that names every missing one and how to set it.
        """
        settings = target.apis.get(api, ApiTarget())
        secrets, missing = {}, []
        dotenv = self._dotenv()
        for name in names:
            source = settings.secrets.get(name)
            try:
                if source is None:
                    where = f"targets.{target.name}.apis.{api}.secrets"
                    raise SourceError(f"say where it comes from in {NAME}: {where}")
                value = secret_from(source, dotenv=dotenv, environ=environ, home=self.home)
                defect = unusable(value, public=is_public(name))
                if defect:
                    raise SourceError(f"{source.name} holds {defect}")
                secrets[name] = Secret(value)
            except SourceError as error:
                missing.append(f"{name}: {error}")
        if missing:
            raise ConfigError(
                f"target {target.name!r} lacks a secret of {api}", remedy="; ".join(missing)
            )
        return secrets

    def secret(self, source: SecretSource, *, environ: Mapping[str, str]) -> Secret:
        """Return the secret of a source. Raises ConfigError if there is none, or it is unusable."""
        try:
            value = secret_from(source, dotenv=self._dotenv(), environ=environ, home=self.home)
        except SourceError as error:
            why = "is not set" if source.kind == "env" else "gives no secret"
            raise ConfigError(f"{source.name} {why}", remedy=str(error)) from None
        defect = unusable(value)
        if defect:
            raise ConfigError(f"{source.name} holds {defect}", remedy="give it another one")
        return Secret(value)

    def problem(
        self, path: source.TreePath, message: str, *, remedy: str = "", key: bool = False
    ) -> Problem:
        """Return a problem of the value, or the key, at `path` of the configuration file."""
        if self.document is None:
            return Problem(str(self.home / NAME), 1, 1, message, "config", remedy)
        place = self.document.key(path) if key else self.document.value(path)
        return discreet(self.document.problem(place, message, "config", remedy=remedy))

    def _dotenv(self) -> Mapping[str, str | None]:
        """Return the variables of `.env`. Raises ConfigError unless only its owner can read it."""
        path = self.home / ".env"
        if not path.is_file():
            return {}
        # Imported on use: most commands need no secret.
        from dotenv import dotenv_values

        check_owner(path)
        try:
            with open(_open_file(path), encoding="utf-8") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise ConfigError(f"{path} can be read by others", remedy=f"chmod 600 {path}")
                return dotenv_values(stream=file, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            # The text of a UnicodeDecodeError would show a part of the file.
            if isinstance(error, OSError) and error.errno == errno.ELOOP:
                remedy = "put the file itself there: a link can lead to what others write"
                raise ConfigError(f"{path} is a symbolic link", remedy=remedy) from None
            raise ConfigError(
                f"{path} cannot be read", remedy="save it as UTF-8 text, readable by you"
            ) from None


def _open_file(path: Path) -> int:
    """Return a descriptor of a file. Raises OSError if it is a symbolic link."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def find_home(start: Path) -> Path | None:
    """Return the nearest folder at or above `start` that contains a runner.yaml, or None."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / NAME).is_file()), None)


def load(home: Path) -> Config:
    """Return the configuration in `home`; without a file, only the sandbox. Raises InvalidError."""
    path = home / NAME
    if not path.exists():
        return Config(home, {SANDBOX: Target(SANDBOX, SANDBOX, {})})
    check_owner(path)
    problems: list[Problem] = []
    try:
        document = source.read(path)
        reader = _Reader(document, problems)
        targets, apis, notify = reader.targets(), reader.apis(), reader.notices()
    except InvalidError as error:
        raise InvalidError(
            list(map(discreet, error.problems)), exit_code=ConfigError.exit_code
        ) from None
    if problems:
        raise InvalidError(problems, exit_code=ConfigError.exit_code)
    return Config(home, {SANDBOX: Target(SANDBOX, SANDBOX, {}), **targets}, apis, notify, document)


class _Reader(Reading):
    """Reader of a parsed runner.yaml, which collects all of its problems."""

    def __init__(self, document: source.Source, problems: list[Problem]) -> None:
        super().__init__(document, problems)
        self.top = self.mapping(document.data, (), _KEYS["top"])

    def apis(self) -> dict[str, str]:
        declared = self.mapping(self.top.get("apis"), ("apis",), None)
        return {name: self.text(declared, ("apis",), name) for name in declared}

    def notices(self) -> tuple[Notice, ...]:
        if "notify" not in self.top:
            return ()
        # Imported on use: most configurations have no notices.
        from runner.config.notices import read_notices

        return read_notices(self, self.top["notify"])

    def targets(self) -> dict[str, Target]:
        targets = {}
        for name, value in self.mapping(self.top.get("targets"), ("targets",), None).items():
            path, kind = ("targets", name), "sandbox " if name == SANDBOX else ""
            settings = self.mapping(value, path, _KEYS[f"{kind}target"])
            account = self.text(settings, path, "account") or kind.strip()
            if not settings.get("account") and not kind and isinstance(value, Mapping | None):
                remedy = f"account: {name}, the name that calls are filed under: keep it for ever"
                self.wrong(path, f"target {name!r} has no account", remedy=remedy, key=True)
            apis = self.mapping(settings.get("apis"), (*path, "apis"), None)
            read = {
                api: self._api(v, (*path, "apis", api), f"{kind}api") for api, v in apis.items()
            }
            targets[name] = Target(name, account, read)
        return targets

    def _api(self, value: Any, path: source.TreePath, kind: str) -> ApiTarget:
        settings = self.mapping(value, path, _KEYS[kind])
        rate = self.mapping(settings.get("rate"), (*path, "rate"), _KEYS["rate"])
        declared = self.mapping(settings.get("secrets"), (*path, "secrets"), None)
        sources = {
            name: self.secret_source(where, (*path, "secrets", name))
            for name, where in declared.items()
        }
        secrets = {name: each for name, each in sources.items() if each is not None}
        # The address of a key's recipient comes from the person, never from a document.
        if secrets and not settings.get("base_url"):
            remedy = "base_url: https://..., so that no document says where a secret goes"
            self.wrong((*path, "secrets"), "secrets without a base_url", remedy=remedy, key=True)
        return ApiTarget(
            base_url=self.address(settings, path),
            secrets=secrets,
            user_agent=self.text(settings, path, "user_agent"),
            requests_per_second=self.number(
                rate, (*path, "rate"), "requests_per_second", least="0.001", most=100_000
            ),
            burst=self.whole(rate, (*path, "rate"), "burst", most=1_000_000),
            hits_per_day=self.whole(rate, (*path, "rate"), "hits_per_day", most=1_000_000_000),
            deadline=self.number(settings, path, "deadline", least="0.001", most=LONGEST_DEADLINE)
            or Decimal(60),
            keep_alive=cast(
                KeepAlive, self.choice(settings, path, "keep_alive", choices=get_args(KeepAlive))
            ),
            overlay=self.text(settings, path, "overlay"),
            origin_was=self.address(settings, path, "origin_was"),
        )
