"""Sources of secrets: the environment or `.env`, a keyring, a command, or standard input.

    secrets:
      api_key: {env: SYNCORE_API_KEY}                           # the environment, else .env beside runner.yaml
      api_key: {keyring: syncore/acme}                          # service/user; needs recipe-runner[keyring]
      api_key: {command: [op, read, "op://Ops/Syncore/key"]}    # a program with its arguments, without a shell
      api_key: {stdin: true}                                    # a line that is piped in, or typed unseen

A command is run in the project's folder, has 60 seconds, and prints the secret; its error output is not repeated.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

SOURCES = ("env", "keyring", "command", "stdin")

SECONDS = 60
"""Seconds that a command may take: a person may have to unlock a vault."""

MOST = 10_000
"""Maximum length of a secret from a command or standard input; the rest is ignored."""


class SourceError(Exception):
    """A secret is not available; the text has the reason, and nothing of the secret."""


class SecretSource(NamedTuple):
    """Source of a secret. `kind` is env, keyring, command or stdin.

    `parts` are the variable, the keyring's service and user, or the command with its arguments.
    """

    kind: str
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return self.parts[0] if self.kind == "env" else self.description

    @property
    def description(self) -> str:
        """The source in words."""
        if self.kind == "env":
            return f"variable {self.parts[0]}"
        if self.kind == "keyring":
            return f"keyring, service {self.parts[0]}, user {self.parts[1]}"
        return f"command {self.parts[0]}" if self.kind == "command" else "standard input"


def variable(name: str) -> SecretSource:
    """Return the source of a secret in a variable."""
    return SecretSource("env", (name,))


def secret_from(
    source: SecretSource,
    *,
    dotenv: Mapping[str, str | None],
    environ: Mapping[str, str],
    home: Path,
) -> str:
    """Return the secret of a source. Raises SourceError if there is none."""
    if source.kind == "env":
        secret = {**dotenv, **environ}.get(source.parts[0])
        if not secret:
            raise SourceError(f"set {source.parts[0]} in the environment or in {home / '.env'}")
        return secret
    if source.kind == "keyring":
        return _from_keyring(*source.parts)
    if source.kind == "command":
        return _from_command(source.parts, environ=tuple(sorted(environ.items())), home=home)
    return _from_stdin()


def _from_keyring(service: str, user: str) -> str:
    # keyring is an optional dependency.
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise SourceError(
            "there is no keyring here: pip install 'recipe-runner[keyring]'"
        ) from None
    # Each backend has errors of its own. Their texts are left out: they may contain a secret.
    try:
        secret = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - see above
        raise SourceError(f"the keyring cannot be used ({type(error).__name__})") from None
    if not secret:
        raise SourceError(f"the keyring has nothing for it: keyring set {service} {user}")
    return str(secret)


@cache
def _from_command(
    command: tuple[str, ...], *, environ: tuple[tuple[str, str], ...], home: Path
) -> str:
    """Return the output of a command, which is run once per process."""
    name = command[0]
    try:
        result = subprocess.run(
            command,
            cwd=home,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"the command {name} has not ended after {SECONDS} s") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"the command {name} cannot be run: {reason}") from None
    if result.returncode:
        raise SourceError(f"the command {name} ended with {result.returncode}: try it by hand")
    try:
        text = result.stdout[:MOST].decode()
    except UnicodeDecodeError:
        text = ""
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise SourceError(f"the command {name} printed no secret")
    return secret


@cache
def _from_stdin() -> str:
    """Return a line of standard input, which is read once per process."""
    # None in a process without a console, such as a service.
    if sys.stdin is None:
        raise SourceError("there is no standard input")
    if sys.stdin.isatty():
        # Imported on use: few secrets are typed.
        from getpass import getpass

        try:
            return getpass("secret: ")
        except EOFError:
            raise SourceError("nothing was typed") from None
    secret = sys.stdin.readline(MOST).removesuffix("\n").removesuffix("\r")
    if not secret:
        raise SourceError("nothing is piped in for it (with --rows - standard input is the rows)")
    return secret
