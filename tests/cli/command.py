"""The `runner` command as people start it: a process of its own, in a folder of its own, with a clean environment."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from faults.forks import Forks

RUNNER = Path(sysconfig.get_path("scripts")) / "runner"
TREE = Path(__file__).resolve().parents[2]

TIMEOUT = 120.0
"""Seconds after which a command hangs; nothing here takes a tenth of them."""

HEADER = "Ref,Name,Qty,Price,Day\n"
ROWS = HEADER + "A-1,Ace Awards,1,1.10,01/02/2027\nA-2,Blue Banners,2,2.5,01/03/2027\n"
RECIPE = """\
recipe: 1
name: contacts
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns:
    ref: {from: Ref, required: true}
    name: {from: Name, required: true}
    qty: {from: Qty, type: integer}
    price: {from: Price, type: decimal}
    day: {from: Day, type: date, format: "%m/%d/%Y"}
steps:
  - id: contact
    use: syncore.create_contact
    with:
      business_name: "{{ row.name }}"
      first_name: "{{ row.ref }}"
      email: "{{ row.ref | lower }}@example.com"
outputs:
  contact_id: "{{ contact.id }}"
"""
"""A contact for each row: one call a row, and every byte of it known before the run."""


AT_START = re.compile("LANG|LC_|PYTHON|TZ")
"""Variables that the interpreter reads when it starts: with them a command is no fork of one that has started."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


def _executed(
    folder: Path, arguments: Sequence[str | Path], variables: Mapping[str, str], stdin: bytes
) -> tuple[int, bytes, bytes]:
    """Start a new interpreter. Returns the exit code and what was written to stdout and stderr."""
    done = subprocess.run(
        [RUNNER, *arguments],
        cwd=folder, env=variables, input=stdin, capture_output=True, timeout=TIMEOUT,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def _forked(
    folder: Path, arguments: Sequence[str | Path], variables: Mapping[str, str], stdin: bytes
) -> tuple[int, bytes, bytes]:
    """Fork a process that has imported everything, which saves half of the time of a command."""
    with tempfile.TemporaryDirectory() as name:
        streams = [Path(name) / stream for stream in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(stdin)
        child = _forks().start(
            folder, list(map(str, arguments)), environment=variables, streams=streams, alone=True
        )
        code = child.wait(TIMEOUT)
        return code, streams[1].read_bytes(), streams[2].read_bytes()


@cache
def _forks() -> Forks:
    """The process that forks for the tests of this process."""
    forks = Forks().__enter__()
    atexit.register(forks.__exit__)
    return forks


class Command:
    """The command in `folder`. Without settings of whoever runs the tests, and with warnings as errors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"

    def __call__(
        self,
        *arguments: str | Path,
        code: int = 0,
        env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
        stdin: bytes = b"",
    ) -> Ended:
        """Run it to its end, which has to be `code`, and never a traceback."""
        run = _executed if any(map(AT_START.match, env or ())) else _forked
        returned, out, err = run(self.folder, arguments, environment(env), stdin)
        ended = Ended(returned, out.decode(encoding), err.decode(encoding))
        assert ended.code == code, f"exit code {ended.code}, not {code}\n{ended.out}\n{ended.err}"
        assert "Traceback" not in ended.err
        assert "fault of runner itself" not in ended.err
        return ended

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        ignored: Collection[int] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start it, with pipes to read. It hears the signals that end a process, but for those that are `ignored`."""
        with _signals(ignored):
            return subprocess.Popen(
                [RUNNER, *arguments],
                cwd=self.folder, env=environment(env),
                stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip

    def write(self, name: str, content: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def delivered(self, *, writes: bool = True) -> list[dict[str, Any]]:
        """What reached the sandbox, in order: what changes something, or everything."""
        log = self.runs / "sandbox" / "deliveries.jsonl"
        lines = log.read_text(encoding="ascii").splitlines() if log.exists() else []
        found = [json.loads(line, parse_float=Decimal) for line in lines]
        return [one for one in found if one["effect"] != "read"] if writes else found


@contextmanager
def _signals(ignored: Collection[int]) -> Iterator[None]:
    """What a process that is started meanwhile inherits; whoever runs the tests may ignore some (nohup, &)."""
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler becomes the default in a new process.
        before[number] = signal.signal(
            number, signal.SIG_IGN if number in ignored else signal.default_int_handler
        )
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process gets: nothing but what it cannot do without."""
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "error",
        **({"XDG_STATE_HOME": state} if (state := os.environ.get("XDG_STATE_HOME")) else {}),
        **(more or {}),
    }
