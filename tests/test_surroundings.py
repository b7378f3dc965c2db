"""The surroundings that every test has: loopback only, and nothing of the settings of whoever runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "8.8.8.8", "2001:db8::1"])
def test_nothing_leaves_this_machine(host: str) -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.create_connection((host, 80), timeout=1)


def test_a_name_that_nobody_has_resolves_to_nothing() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("api.invalid", 80), timeout=1)


def test_loopback_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_ambient_settings_are_gone(tmp_path: Path) -> None:
    test = tmp_path / "test_ambient.py"
    test.write_text(
        "import os\ndef test(): assert not {'RUNNER_X', 'https_proxy', 'ALL_PROXY'} & set(os.environ)\n"
    )
    environment = {
        **os.environ,
        "RUNNER_X": "1",
        "https_proxy": "http://127.0.0.1:1",
        "ALL_PROXY": "x",
    }
    conftest = Path(__file__).with_name("conftest.py")
    (tmp_path / "conftest.py").write_bytes(conftest.read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
