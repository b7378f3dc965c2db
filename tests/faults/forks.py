"""The command as a forked child of a process that has imported everything: real processes, and no start-up.

    with Forks() as forks:
        child = forks.start(folder, ["run", "orders.yaml"], environment={"TEST_KEY": "key-of-test"})
        child.kill()                              # SIGKILL
        code = child.wait()                       # -9; what it said is in folder/out.txt and folder/err.txt

The process that forks has one thread and no open journal, and answers one line of JSON with another. A fault of
faulty.py or broken.py is put in after the fork, so that each child has its own.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 120.0
POLL, LONGEST_POLL = 0.002, 0.02
"""Seconds between two looks at a child that may have ended, at first and after a while."""

STREAMS = (os.devnull, "out.txt", "err.txt")

LOADED_LATE = (
    "encodings.idna",
    "getpass",
    "resource",
    "requests",
    "rich.live",
    "rich.progress",
    "runner.cli.main",
)


def environment_of(folder: Path | str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a command in a folder finds in its surroundings: a state of its own, since ports come again."""
    return {"XDG_STATE_HOME": f"{folder}/.state", **environment}


@dataclass
class Forks:
    """The process that forks. Children that are left when it is closed are killed."""

    process: subprocess.Popen[str] = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Forks:
        command = [sys.executable, "-W", "error", str(Path(__file__))]
        surroundings = {**os.environ, "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(self, **order: Any) -> Any:
        """One order and its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def start(
        self,
        folder: Path,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        streams: Sequence[str | Path] = STREAMS,
        alone: bool = False,
        fault: str = "",
        nth: int = 0,
    ) -> Child:
        """The command with `arguments` in `folder`, with a fault of faulty.py or broken.py if one is named.

        `streams` are the files that are its standard streams; `alone` says that `environment` is all of its variables.
        """
        number = self.ask(
            folder=str(folder),
            arguments=list(arguments),
            environment=dict(environment),
            streams=[str(each) for each in streams],
            alone=alone,
            fault=fault,
            nth=nth,
        )
        return Child(self, number, folder)


@dataclass
class Child:
    """A command that was started. `code` is its exit code, or the signal that ended it, negative."""

    forks: Forks
    number: int
    folder: Path
    code: int | None = None

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self.code is None:
            self.forks.ask(kill=self.number)

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.code is None:
            self.code = self.forks.ask(poll=self.number)
        return self.code

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, when it has ended."""
        end, pause = time.monotonic() + seconds, POLL
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(
                    f"the command did not end in {seconds:.0f} s: {self.said('err')}"
                )
            time.sleep(pause)
            pause = min(pause * 1.2, LONGEST_POLL)
        return code

    def said(self, stream: str) -> str:
        """What it said on `out` or `err`."""
        return (self.folder / f"{stream}.txt").read_text(encoding="utf-8", errors="replace")


def serve() -> None:
    """Answer orders until there are no more. Runs in the process that forks."""
    _load()
    processes: list[int] = []
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "poll" in order or "kill" in order:
            number = order.get("poll", order.get("kill"))
            _look(processes, ended, number)
            if "kill" in order and number not in ended:
                os.kill(processes[number], signal.SIGKILL)
            answer = ended.get(number)
        else:
            answer = _fork(processes, order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for number, process in enumerate(processes):
        if number not in ended:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _fork(processes: list[int], order: Mapping[str, Any]) -> int:
    """Start a child. Its number is its own for ever: the system gives the id of a process that has ended to another."""
    process = os.fork()
    if not process:
        _become(**order)
    processes.append(process)
    return len(processes) - 1


def _look(processes: Sequence[int], ended: dict[int, int], number: int) -> None:
    """Take note of the end of a child."""
    if number not in ended and (found := os.waitpid(processes[number], os.WNOHANG))[0]:
        ended[number] = os.waitstatus_to_exitcode(found[1])


def _load() -> None:
    """Import all that any command may import."""
    import runner

    sys.path.insert(0, str(Path(__file__).parent.parent))
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        importlib.import_module(module.name)
    for name in (*LOADED_LATE, "faults.broken", "faults.faulty"):
        importlib.import_module(name)
    _plan_something()
    gc.collect()
    gc.freeze()


def _plan_something() -> None:
    """A dry run, which imports what commands import when they need it."""
    from faults.shapes import draw_shape
    from runner.cli.main import run

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        project = Path(folder) / "project"
        draw_shape(random.Random(0)).write(project, "http://127.0.0.1:1")
        with chdir(project):
            assert run(["run", "torture.yaml", "--target", "test", "--dry-run"]) == 0


def _become(
    folder: str,
    arguments: list[str],
    environment: dict[str, str],
    streams: list[str],
    fault: str,
    nth: int,
    *,
    alone: bool,
) -> None:
    """The command, in the child; does not return."""
    from faults.broken import VARIANTS
    from faults.faulty import break_it
    from runner.cli import main

    code: Any = 70
    try:
        os.chdir(folder)
        if alone:
            os.environ.clear()
        os.environ.update(environment if alone else environment_of(folder, environment))
        for number, name in enumerate(streams):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(name, flags, 0o600), number)
        random.seed()  # or every child would draw the same pauses
        if fault in VARIANTS:
            VARIANTS[fault]()
        elif fault:
            break_it(fault, nth)
        sys.argv = ["runner", *arguments]
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 70)


if __name__ == "__main__":
    serve()
