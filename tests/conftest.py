"""What every test gets: a clean environment, loopback only, and golden files that can be rewritten."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("any machine", settings(), deadline=None)
settings.load_profile("any machine")

Golden = Callable[[Path, str], None]

_AMBIENT = re.compile(
    r"RUNNER_|(?:(?:https?|all|no|ftp)_proxy|netrc|(?:requests|curl)_ca_bundle)\Z", re.IGNORECASE
)
_NUMBERS = count()
_PATTERN = "re: "
_LOCAL = {"", "localhost", "ip6-localhost"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what the tests see into the golden files",
    )


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No settings of whoever runs the tests: no RUNNER_* variables, no proxies, no cache but that of this run, and no
    state but that of this test: addresses and accounts come again in the next one.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    state = tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    for name in os.environ:
        if _AMBIENT.match(name):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection leaves this machine. Names under .invalid resolve to nothing, as they do everywhere."""
    connect, connect_ex, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse(self.family, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _refuse_host(name)
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with the file that holds what is expected. A line `re: ...` there is a regular expression."""

    def compare(path: Path, actual: str) -> None:
        if request.config.getoption("--update-golden"):
            if not path.exists() or not _fits(path.read_text(encoding="utf-8"), actual):
                path.write_text(actual, encoding="utf-8", newline="\n")
            return
        assert path.exists(), f"{path} is not there: write it with --update-golden"
        expected = path.read_text(encoding="utf-8")
        if not _fits(expected, actual):
            assert actual == expected

    return compare


def _fits(expected: str, actual: str) -> bool:
    wanted, given = expected.splitlines(), actual.splitlines()
    return len(wanted) == len(given) and all(
        re.fullmatch(line.removeprefix(_PATTERN), other)
        if line.startswith(_PATTERN)
        else line == other
        for line, other in zip(wanted, given, strict=True)
    )


def _refuse(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6):
        _refuse_host(address[0])


def _refuse_host(host: str | None) -> None:
    if host is None or host in _LOCAL:
        return
    try:
        local = ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        local = False
    if not local:  # no OSError: the code under test may take that for a network that is down
        raise RuntimeError(f"tests reach loopback only, not {host!r}")
