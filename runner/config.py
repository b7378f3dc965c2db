"""Targets and secrets: `runner.yaml` beside the recipes, and where everything of a project is kept.

    targets:
      production:
        account: acme-promo               # the name the journal files calls under: keep it for ever
        apis:
          syncore:
            base_url: https://api.syncore.app/v2      # left out: what the API's document says
            secrets: {api_key: {env: SYNCORE_API_KEY}}
            user_agent: acme-order-import/1.0
            rate: {requests_per_second: 2, burst: 1, hits_per_day: 20000}
            deadline: 60                               # seconds for one request, all in all
            overlay: syncore.overlay.yaml              # corrects the API's document for this account
    apis:
      shop: shop.openapi.yaml                          # an API of your own: any OpenAPI 3.0 or 3.1 document

Secrets come from the environment or from a `.env` file beside `runner.yaml`; the file names the variable, never
the value. The target `sandbox` needs no configuration, and takes overlays alone. Nothing reaches a real account until
`--target` says so. Files are named relative to `runner.yaml`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from runner import source
from runner.problems import ConfigError, InvalidError, Problem, UsageError, nearest

NAME = "runner.yaml"
SANDBOX = "sandbox"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("targets", "apis"),
    ("target",): ("account", "apis"),
    ("sandbox target",): ("apis",),  # it is built in: nothing to say but how an API differs
    ("sandbox api",): ("overlay",),
    ("api",): ("base_url", "secrets", "user_agent", "rate", "deadline", "overlay"),
    ("rate",): ("requests_per_second", "burst", "hits_per_day"),
    ("secret",): ("env",),
}


class Secret:
    """A value that prints as `***`. `reveal` is for the transport alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True)
class ApiTarget:
    """One API of a target. `secrets` maps the name of a security scheme to an environment variable.

    `overlay` is the file that corrects the API's document for this target, as the configuration names it.
    """

    base_url: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = ""
    requests_per_second: Decimal | None = None
    burst: int | None = None
    hits_per_day: int | None = None
    deadline: Decimal = Decimal(60)
    overlay: str = ""


@dataclass(frozen=True)
class Target:
    """A named place a run goes to. `account` is part of the identity of every call."""

    name: str
    account: str
    apis: Mapping[str, ApiTarget]


@dataclass(frozen=True)
class Config:
    """A project: its folder and its targets. Runs, journal and sandbox are kept in `runs/` inside it.

    `apis` are the files of its own APIs, by name. `document` is the configuration file itself, if there is one.
    """

    home: Path
    targets: Mapping[str, Target]
    apis: Mapping[str, str] = field(default_factory=dict)
    document: source.Source | None = field(default=None, repr=False, compare=False)

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    def target(self, name: str) -> Target:
        """The target called `name`. Raises UsageError with the nearest one."""
        if name not in self.targets:
            near = nearest(name, [*self.targets, SANDBOX], noun="targets")
            remedy = f"{near}{' or' if near.endswith('?') else ';'} add it to {self.home / NAME}"
            raise UsageError(f"there is no target {name!r}", remedy=remedy)
        return self.targets[name]

    def secrets(
        self, target: Target, api: str, names: tuple[str, ...], *, environ: Mapping[str, str]
    ) -> dict[str, Secret]:
        """The secrets an API needs. Raises ConfigError that names every missing one and how to set it."""
        settings = target.apis.get(api, ApiTarget())
        found, missing = {}, []
        values = {**self._dotenv(), **environ}
        for name in names:
            variable = settings.secrets.get(name)
            if variable is None:
                missing.append(f"{name}: say where it comes from in {NAME}: targets.{target.name}.apis.{api}.secrets")
            elif not values.get(variable):
                missing.append(f"{name}: set {variable} in the environment or in {self.home / '.env'}")
            elif not _plain(values[variable] or ""):
                missing.append(f"{name}: {variable} holds a line break or other characters that a header cannot carry")
            else:
                found[name] = Secret(values[variable] or "")
        if missing:
            raise ConfigError(f"target {target.name!r} lacks a secret of {api}", remedy="; ".join(missing))
        return found

    def problem(self, path: source.TreePath, message: str, *, remedy: str = "", key: bool = False) -> Problem:
        """What is wrong with the value, or the key, at `path` of the configuration file."""
        if self.document is None:
            return Problem(str(self.home / NAME), 1, 1, message, "config", remedy)
        place = self.document.key(path) if key else self.document.value(path)
        return _discreet(self.document.problem(place, message, "config", remedy=remedy))

    def _dotenv(self) -> Mapping[str, str | None]:
        path = self.home / ".env"
        if not path.is_file():
            return {}
        from dotenv import dotenv_values  # imported on use: most commands need no secret

        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"{path} can be read by others", remedy=f"chmod 600 {path}")
        try:
            return dotenv_values(path, interpolate=False)
        except (OSError, UnicodeDecodeError):  # whose text would show a part of what it holds
            raise ConfigError(f"{path} cannot be read", remedy="save it as UTF-8 text, readable by you") from None


def find_home(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds a runner.yaml."""
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if (folder / NAME).is_file()), None)


def load(home: Path) -> Config:
    """The configuration in `home`; without a file only the sandbox. Raises InvalidError."""
    path = home / NAME
    if not path.exists():
        return Config(home, {SANDBOX: Target(SANDBOX, SANDBOX, {})})
    problems: list[Problem] = []
    try:
        document = source.read(path)
        reader = _Reader(document, problems)
        targets, apis = reader.targets(), reader.apis()
    except InvalidError as error:
        raise InvalidError(list(map(_discreet, error.problems)), exit_code=ConfigError.exit_code) from None
    if problems:
        raise InvalidError(problems, exit_code=ConfigError.exit_code)
    return Config(home, {SANDBOX: Target(SANDBOX, SANDBOX, {}), **targets}, apis, document)


class _Reader:
    """Reads a parsed runner.yaml, collecting everything that is wrong with it."""

    def __init__(self, document: source.Source, problems: list[Problem]) -> None:
        self.document, self.problems = document, problems
        self.top = self._mapping(document.data, (), ())

    def apis(self) -> dict[str, str]:
        declared = self._mapping(self.top.get("apis"), ("apis",), None)
        return {name: self._text(declared, ("apis",), name) for name in declared}

    def targets(self) -> dict[str, Target]:
        found = {}
        for name, value in self._mapping(self.top.get("targets"), ("targets",), None).items():
            path, kind = ("targets", name), "sandbox " * (name == SANDBOX)
            settings = self._mapping(value, path, (f"{kind}target",))
            account = self._text(settings, path, "account") or kind.strip()
            if not settings.get("account") and not kind and isinstance(value, Mapping | None):
                remedy = f"account: {name}, the name that calls are filed under: keep it for ever"
                self._wrong(path, f"target {name!r} has no account", remedy=remedy, key=True)
            apis = self._mapping(settings.get("apis"), (*path, "apis"), None)
            each = {api: self._api(v, (*path, "apis", api), (f"{kind}api",)) for api, v in apis.items()}
            found[name] = Target(name, account, each)
        return found

    def _api(self, value: Any, path: source.TreePath, kind: tuple[str, ...]) -> ApiTarget:
        settings = self._mapping(value, path, kind)
        rate = self._mapping(settings.get("rate"), (*path, "rate"), ("rate",))
        declared = self._mapping(settings.get("secrets"), (*path, "secrets"), None)
        secrets = {name: self._variable(where, (*path, "secrets", name)) for name, where in declared.items()}
        return ApiTarget(
            base_url=self._address(settings, path),
            secrets=secrets,
            user_agent=self._text(settings, path, "user_agent"),
            requests_per_second=self._number(rate, (*path, "rate"), "requests_per_second"),
            burst=self._whole(rate, (*path, "rate"), "burst"),
            hits_per_day=self._whole(rate, (*path, "rate"), "hits_per_day"),
            deadline=self._number(settings, path, "deadline") or Decimal(60),
            overlay=self._text(settings, path, "overlay"),
        )

    def _variable(self, where: Any, path: source.TreePath) -> str:
        """The name of the variable that holds a secret. What stands there is not repeated: it may be the secret."""
        remedy = "{env: NAME_OF_A_VARIABLE}, and the secret in the environment or in .env"
        if not isinstance(where, Mapping):
            self._wrong(path, "a secret is never written here", remedy=remedy)
            return ""
        variable = self._mapping(where, path, ("secret",)).get("env")
        if not isinstance(variable, str) or not _VARIABLE.match(variable):
            self._wrong((*path, "env"), "env has to be the name of a variable", remedy=remedy)
            return ""
        return variable

    def _address(self, settings: Mapping[str, Any], path: source.TreePath) -> str:
        """A base URL without what must not stand in one; it is not repeated either: it may hold a password."""
        url = self._text(settings, path, "base_url")
        place = (*path, "base_url")
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if url and not known:
            self._wrong(place, "base_url is not an address of an API", remedy="write https://host/path")
        elif url and (parts.username is not None or parts.query or parts.fragment):
            self._wrong(place, "base_url holds more than host and path", remedy="a secret belongs under secrets:")
        elif url and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            self._wrong(place, "base_url is not encrypted", remedy="write https://; http is for this machine only")
        return url.rstrip("/")

    def _mapping(self, value: Any, path: source.TreePath, kind: tuple[str, ...] | None) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            if value is not None:
                self._wrong(path, "a mapping is needed here", remedy="name: value")
            return {}
        known = _KEYS[kind] if kind is not None else value
        for key in (key for key in value if key not in known):
            self._wrong((*path, key), f"unknown key {key!r}", remedy=nearest(key, known, noun="keys"), key=True)
        return value

    def _text(self, settings: Mapping[str, Any], path: source.TreePath, key: str) -> str:
        value = settings.get(key, "")
        if not isinstance(value, str) or not _plain(value):
            wrong, remedy = "plain text, without line breaks or accents", "quote it" * isinstance(value, int | Decimal)
            self._wrong((*path, key), f"{key} has to be {wrong}", remedy=remedy)
            return ""
        return value

    def _number(self, settings: Mapping[str, Any], path: source.TreePath, key: str) -> Decimal | None:
        value = settings.get(key)
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool) and value > 0
        if value is not None and not fits:
            self._wrong((*path, key), f"{key} has to be a number above zero")
        return Decimal(value) if value is not None and fits else None

    def _whole(self, settings: Mapping[str, Any], path: source.TreePath, key: str) -> int | None:
        value = self._number(settings, path, key) or Decimal(0)
        if value != int(value):
            self._wrong((*path, key), f"{key} has to be a whole number")
        return int(value) or None

    def _wrong(self, path: source.TreePath, message: str, *, remedy: str = "", key: bool = False) -> None:
        place = self.document.key(path) if key else self.document.value(path)
        self.problems.append(_discreet(self.document.problem(place, message, "config", remedy=remedy)))


def _discreet(problem: Problem) -> Problem:
    """Without what stands in the file: somebody may have written a secret there."""
    hidden = {"tag": "tags are not allowed", "number": "not a number that can be used here"}
    remedy = "" if problem.kind in hidden else problem.remedy
    return replace(problem, message=hidden.get(problem.kind, problem.message), remedy=remedy, excerpt="")


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
