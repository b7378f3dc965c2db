"""Secrets by where they come from: the environment or `.env`, a keyring, a command, or standard input.

    secrets:
      api_key: {env: SYNCORE_API_KEY}                           # the environment, else .env beside runner.yaml
      api_key: {keyring: syncore/acme}                          # service/user; needs recipe-runner[keyring]
      api_key: {command: [op, read, "op://Ops/Syncore/key"]}    # a program with its arguments, without a shell
      api_key: {stdin: true}                                    # a line that is piped in, or typed unseen

A command is run in the project's folder, has 60 seconds, and prints the secret; what else it says is not repeated.
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
"""Seconds that a command may take, with a person who unlocks something."""

MOST = 10_000
"""Characters of what a command prints, or is piped in, that are looked at."""


class SourceError(Exception):
    """A secret cannot be had; the text says why, and nothing of the secret."""


class SecretSource(NamedTuple):
    """Where a secret comes from: `kind` is env, keyring, command or stdin, `parts` what it needs to know."""

    kind: str
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What messages about it begin with."""
        return self.parts[0] if self.kind == "env" else self.said

    @property
    def said(self) -> str:
        """The source in words."""
        if self.kind == "env":
            return f"variable {self.parts[0]}"
        if self.kind == "keyring":
            return f"keyring, service {self.parts[0]}, user {self.parts[1]}"
        return f"command {self.parts[0]}" if self.kind == "command" else "standard input"


def variable(name: str) -> SecretSource:
    """The source of a secret in a variable."""
    return SecretSource("env", (name,))


def secret_from(
    source: SecretSource,
    *,
    dotenv: Mapping[str, str | None],
    environ: Mapping[str, str],
    home: Path,
) -> str:
    """The secret. Raises SourceError where there is none."""
    if source.kind == "env":
        found = {**dotenv, **environ}.get(source.parts[0])
        if not found:
            raise SourceError(f"set {source.parts[0]} in the environment or in {home / '.env'}")
        return found
    if source.kind == "keyring":
        return _from_keyring(*source.parts)
    if source.kind == "command":
        return _from_command(source.parts, environ=tuple(sorted(environ.items())), home=home)
    return _from_stdin()


def _from_keyring(service: str, user: str) -> str:
    try:
        keyring = importlib.import_module("keyring")  # an extra: most projects have no use for it
    except ImportError:
        raise SourceError(
            "there is no keyring here: pip install 'recipe-runner[keyring]'"
        ) from None
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - each of its backends has errors of its own, and their texts may tell much
        raise SourceError(f"the keyring cannot be used ({type(error).__name__})") from None
    if not found:
        raise SourceError(f"the keyring has nothing for it: keyring set {service} {user}")
    return str(found)


@cache
def _from_command(
    command: tuple[str, ...], *, environ: tuple[tuple[str, str], ...], home: Path
) -> str:
    """What a command prints, once for a process."""
    name = command[0]
    try:
        done = subprocess.run(
            command, cwd=home, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SourceError(f"the command {name} has not ended after {SECONDS} s") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SourceError(f"the command {name} cannot be run: {why}") from None
    if done.returncode:
        raise SourceError(f"the command {name} ended with {done.returncode}: try it by hand")
    try:
        text = done.stdout[:MOST].decode()
    except UnicodeDecodeError:
        text = ""
    found = text.removesuffix("\n").removesuffix("\r")
    if not found:
        raise SourceError(f"the command {name} printed no secret")
    return found


@cache
def _from_stdin() -> str:
    """A line of standard input, once for a process."""
    if sys.stdin is None:
        raise SourceError("there is no standard input")
    if sys.stdin.isatty():
        from getpass import getpass  # imported on use: few secrets are typed

        try:
            return getpass("secret: ")
        except EOFError:
            raise SourceError("nothing was typed") from None
    found = sys.stdin.readline(MOST).removesuffix("\n").removesuffix("\r")
    if not found:
        raise SourceError("nothing is piped in for it (with --rows - standard input is the rows)")
    return found
