"""A signal ends a command that sends nothing, too, while it reads and checks an input that takes long."""

from __future__ import annotations

import signal
import subprocess

import pytest

from .command import HEADER, RECIPE, TIMEOUT, Command

LINES = b"".join(b"A-%d,Ace Awards,1,1.10,01/02/2027\n" % number for number in range(250_000))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_signal_ends_the_check_of_an_input(runner: Command, command: str, number: int) -> None:
    """All of the input is read by the time of the signal, but for what a pipe holds; its check is not at its end."""
    runner.write("contacts.yaml", RECIPE)
    process = runner.start(command, "contacts.yaml", "--rows", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(HEADER.encode() + LINES)
    process.stdin.close()
    process.stdin = None
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number, (out[-300:], err[-300:])
    assert b"Traceback" not in err
    assert err.decode().strip().splitlines()[-1].strip() == "interrupted"
