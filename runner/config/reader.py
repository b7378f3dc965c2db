"""Reader of a parsed configuration file. It collects all problems, and repeats no value in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from runner import source
from runner.config.address import is_address
from runner.config.masking import SHORTEST
from runner.config.sources import SOURCES, SecretSource, variable
from runner.problems import Problem, nearest

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_IN_A_VARIABLE = "{env: NAME_OF_A_VARIABLE}, and the secret in the environment or in .env"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Secret:
    """A value that prints as `***`. Only the transport calls `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    # Pickling would write the value to a file or a pipe.
    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class Reading:
    """A parsed file, whose values are read and checked by path. Problems are added to `problems`."""

    def __init__(self, document: source.Source, problems: list[Problem]) -> None:
        self.document, self.problems = document, problems

    def choice(
        self,
        settings: Mapping[str, Any],
        path: source.TreePath,
        key: str,
        *,
        choices: Sequence[str],
    ) -> str:
        """Return one of `choices`; the first is the default."""
        value = settings.get(key, choices[0])
        if value not in choices:
            self.wrong((*path, key), f"{key} is one of {', '.join(choices)}")
            return choices[0]
        return str(value)

    def flag(self, settings: Mapping[str, Any], path: source.TreePath, key: str) -> bool:
        """Return true or false; false is the default."""
        value = settings.get(key, False)
        if not isinstance(value, bool):
            self.wrong((*path, key), f"{key} is true or false")
        return value is True

    def variable(self, where: Any, path: source.TreePath) -> str:
        """Return the name of the variable with a secret, or "" after a problem.

        The value is not repeated in a problem: it may be the secret itself.
        """
        if not isinstance(where, Mapping):
            self.wrong(path, "a secret is never written here", remedy=_IN_A_VARIABLE)
            return ""
        name = self.mapping(where, path, ("env",)).get("env")
        if not isinstance(name, str) or not _VARIABLE.match(name):
            message = "env has to be the name of a variable"
            self.wrong((*path, "env"), message, remedy=_IN_A_VARIABLE)
            return ""
        return name

    def secret_source(self, where: Any, path: source.TreePath) -> SecretSource | None:
        """Return the source of a secret, or None after a problem.

        The value is not repeated in a problem: it may be the secret itself.
        """
        if not isinstance(where, Mapping):
            self.wrong(path, "a secret is never written here", remedy=_IN_A_VARIABLE)
            return None
        settings = self.mapping(where, path, SOURCES)
        if not set(settings) <= set(SOURCES):
            return None
        if len(settings) > 1:
            self.wrong(path, "a secret has one source", remedy=_SOURCES)
            return None
        kind = next(iter(settings), "env")
        if kind == "env":
            name = self.variable(where, path)
            return variable(name) if name else None
        parts = _parts(kind, settings[kind])
        if parts is None:
            self.wrong((*path, kind), _SYNTAX[kind], remedy=_SOURCES)
            return None
        return SecretSource(kind, parts)

    def address(
        self, settings: Mapping[str, Any], path: source.TreePath, key: str = "base_url"
    ) -> str:
        """Return a base URL without a slash at its end, or "" if it is missing or no address.

        The value is not repeated in a problem: it may contain a password.
        """
        url = self.text(settings, path, key)
        place = (*path, key)
        if url and not is_address(url):
            self.wrong(
                place, f"{key} is not an address of an API", remedy="write https://host/path"
            )
            return ""
        parts = urlsplit(url)
        if parts.username is not None or parts.query or parts.fragment:
            remedy = "a secret belongs under secrets:"
            self.wrong(place, f"{key} holds more than host and path", remedy=remedy)
        elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
            remedy = "write https://; http is for this machine only"
            self.wrong(place, f"{key} is not encrypted", remedy=remedy)
        return url.rstrip("/")

    def mapping(
        self, value: Any, path: source.TreePath, known: Sequence[str] | None
    ) -> Mapping[str, Any]:
        """Return a mapping, empty if there is none; keys that are not `known` are problems.

        `known` is None where any key is allowed.
        """
        if not isinstance(value, Mapping):
            if value is not None:
                self.wrong(path, "a mapping is needed here", remedy="name: value")
            return {}
        for key in (key for key in value if known is not None and key not in known):
            remedy = nearest(key, known or (), noun="keys")
            self.wrong((*path, key), f"unknown key {key!r}", remedy=remedy, key=True)
        return value

    def text(self, settings: Mapping[str, Any], path: source.TreePath, key: str) -> str:
        """Return plain text, or "" if there is none."""
        value = settings.get(key, "")
        if not isinstance(value, str) or not plain(value):
            message = f"{key} has to be plain text, without line breaks or accents"
            remedy = "quote it" if isinstance(value, int | Decimal) else ""
            self.wrong((*path, key), message, remedy=remedy)
            return ""
        return value

    def number(
        self, settings: Mapping[str, Any], path: source.TreePath, key: str, *, least: str, most: int
    ) -> Decimal | None:
        """Return a number from `least` to `most`, or None if there is none."""
        value = settings.get(key)
        fits = (
            isinstance(value, int | Decimal)
            and not isinstance(value, bool)
            and Decimal(least) <= value <= most
        )
        if value is not None and not fits:
            self.wrong((*path, key), f"{key} has to be a number from {least} to {most}")
        return Decimal(value) if value is not None and fits else None

    def whole(
        self, settings: Mapping[str, Any], path: source.TreePath, key: str, *, most: int
    ) -> int | None:
        """Return an integer from 1 to `most`, or None if there is none."""
        value = self.number(settings, path, key, least="1", most=most) or Decimal(0)
        if value != int(value):
            self.wrong((*path, key), f"{key} has to be a whole number")
        return int(value) or None

    def wrong(
        self, path: source.TreePath, message: str, *, remedy: str = "", key: bool = False
    ) -> None:
        """Add a problem of the value, or the key, at `path`."""
        place = self.document.key(path) if key else self.document.value(path)
        self.problems.append(
            discreet(self.document.problem(place, message, "config", remedy=remedy))
        )


_PUBLIC = frozenset(
    {"username", "user", "user_name", "login", "email", "client_id", "account", "account_id"}
)


def is_public(name: str) -> bool:
    """Return true if a credential of this name identifies a user, which is no secret by itself."""
    return name.lower().replace("-", "_") in _PUBLIC


_SOURCES = (
    "one of {env: NAME}, {keyring: service/user}, {command: [program, argument]}, {stdin: true}"
)
_SYNTAX = {
    "keyring": "keyring is service/user",
    "command": "command is a list: the program, and each of its arguments",
    "stdin": "stdin is true",
}


def _parts(kind: str, value: Any) -> tuple[str, ...] | None:
    """Return the parts of a source of a secret, or None if its value has the wrong form."""
    if kind == "stdin":
        return () if value is True else None
    if kind == "keyring":
        service, _, user = value.rpartition("/") if isinstance(value, str) else ("", "", "")
        return (service, user) if service and user else None
    if not isinstance(value, list) or not value:
        return None
    return tuple(value) if all(isinstance(each, str) and each for each in value) else None


def unusable(value: str, *, public: bool = False) -> str:
    """Return a secret's defect without its value, or ""; a `public` user name may be short."""
    if not plain(value):
        return "a line break or other characters that a header cannot carry"
    if len(value) < SHORTEST and not public:
        return f"fewer than {SHORTEST} characters, which cannot be told from data"
    return ""


def discreet(problem: Problem) -> Problem:
    """Return a problem without the text of the file, which may contain a secret."""
    hidden = {"tag": "tags are not allowed", "number": "not a number that can be used here"}
    remedy = "" if problem.kind in hidden else problem.remedy
    return replace(
        problem, message=hidden.get(problem.kind, problem.message), remedy=remedy, excerpt=""
    )


def plain(text: str) -> bool:
    """Return true if an HTTP header can carry a text: printable ASCII."""
    return text.isascii() and text.isprintable()
