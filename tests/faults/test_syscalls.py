"""What the kernel does not do: killed at each sync and each send, a disk that fails or is full, a torn journal.

strace takes the place of the kernel. Without it, or where it may not trace, the tests that need it are skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.chaos import Chaos
from faults.commands import COMMAND, Done
from faults.forks import Forks, environment_of
from faults.judge import Judge
from faults.points import go_on, small_shape
from faults.server import FaultServer
from faults.shapes import ENVIRONMENT

SHAPE = small_shape(workers=1, searched=False, rows=1)
STRACE = ("strace", "-f", "-qq")
WRITES = 5
"""What a run of SHAPE sends: a customer, an order, two lines and a payment."""


@dataclass
class Kernel:
    """A project whose command runs under a kernel with a fault."""

    judge: Judge
    forks: Forks

    @property
    def journal(self) -> Path:
        return self.judge.folder / "runs" / "journal.sqlite"

    @property
    def log(self) -> Path:
        """Where SQLite writes what is committed."""
        return self.journal.with_name("journal.sqlite-wal")

    def run(self, calls: str, fault: str, *, path: Path | None = None) -> Done:
        """The run, with `fault` put into the system calls; only into those on `path` if one is given."""
        only = () if path is None else ("-P", str(path))
        return self._trace(
            *only, "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}"
        )

    def calls_before_third_write(self, calls: str) -> int:
        """How many system calls on the log come before the third POST, the one that makes its intent durable last."""
        trace = self.judge.folder / "trace"
        assert (
            self._trace("-y", "-s", "5", "-o", str(trace), "-e", f"trace={calls},sendto").code == 0
        )
        text = trace.read_text(encoding="utf-8")
        return "".join(text.split('"POST ')[:3]).count(f"{self.log.name}>")

    def _trace(self, *options: str) -> Done:
        folder = self.judge.folder
        done = subprocess.run(
            [*STRACE, *options, *COMMAND, "run", "torture.yaml", "--target", "test", "--first-run", "--workers", "1"],
            cwd=folder, env=environment_of(folder, ENVIRONMENT), capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        self.judge.server.await_idle()
        return Done(done.returncode, done.stdout, done.stderr)

    def go_on(self) -> int:
        """Go on without the fault, with every promise looked at; how much is left unknown."""
        go_on(self.judge, self.forks, SHAPE)
        assert self.judge.broken == []
        return len(self.judge.unknown())


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@contextmanager
def kernel_in(folder: Path, forks: Forks) -> Iterator[Kernel]:
    """A project and a server in a folder of its own."""
    if (
        shutil.which("strace") is None
        or subprocess.run([*STRACE, "true"], capture_output=True).returncode != 0
    ):
        pytest.skip("strace is not there or may not trace")
    folder.mkdir()
    with FaultServer(folder) as server:
        project = folder / "project"
        SHAPE.write(project, server.url)
        yield Kernel(Judge(project, server, Chaos(server, 0, often=0), SHAPE), forks)


@pytest.mark.parametrize("first", range(4))
def test_killed_at_every_sync(tmp_path: Path, forks: Forks, first: int) -> None:
    """From the making of the journal to its closing, every fourth from `first` on; until there is no such sync."""
    for nth in range(first + 1, MOST_SYNCS, 4):
        with kernel_in(tmp_path / str(nth), forks) as kernel:
            killed = kernel.run("fdatasync", f"signal=SIGKILL:when={nth}").code != 0
            assert kernel.go_on() <= 1
        if not killed:
            assert nth > WRITES
            return
    raise AssertionError("it goes on syncing")


MOST_SYNCS = 100


@pytest.mark.parametrize("first", range(2))
def test_killed_at_every_send(tmp_path: Path, forks: Forks, first: int) -> None:
    """The headers and the body of a write are sent in one piece; every other one from `first` on."""
    for nth in range(first + 1, WRITES + 2, 2):
        with kernel_in(tmp_path / str(nth), forks) as kernel:
            done = kernel.run("sendto", f"signal=SIGKILL:when={nth}")
            assert (done.code != 0) == (nth <= WRITES), done
            assert len(kernel.judge.server.writes()) == nth - 1
            assert kernel.go_on() == (1 if nth <= WRITES else 0)


FAULTS = {
    "a sync that fails": ("fdatasync", "EIO"),
    "a disk that is full": ("pwrite64", "ENOSPC"),
    "a disk that is broken": ("pwrite64", "EIO"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_journal_that_cannot_be_written_ends_the_sending(
    tmp_path: Path, forks: Forks, fault: str
) -> None:
    """From the intent of the third write on."""
    calls, error = FAULTS[fault]
    with kernel_in(tmp_path / "counted", forks) as kernel:
        before = kernel.calls_before_third_write(calls)
    with kernel_in(tmp_path / "faulty", forks) as kernel:
        done = kernel.run(calls, f"error={error}:when={before}+", path=kernel.log)
        assert done.code == 5, done  # the outcome of the second write was to share that commit
        assert "which could not be recorded" in done.err
        assert "the journal" in done.err
        assert "nothing more is sent" in done.err
        assert "Traceback" not in done.err
        assert len(kernel.judge.server.writes()) == 2
        assert kernel.go_on() <= 1


@pytest.mark.parametrize("error", ["EROFS", "EACCES"])
def test_a_journal_that_may_not_be_written_ends_it_before_the_first_send(
    tmp_path: Path, forks: Forks, error: str
) -> None:
    with kernel_in(tmp_path / "faulty", forks) as kernel:
        done = kernel.run("openat", f"error={error}", path=kernel.journal)
        assert done.code == 8, done
        assert "nothing was sent" in done.err
        assert kernel.judge.server.connections == 1  # our own
        assert kernel.go_on() == 0


@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "ENOLCK"])
def test_a_file_system_without_locks_ends_it_before_the_first_send(
    tmp_path: Path, forks: Forks, error: str
) -> None:
    with kernel_in(tmp_path / "faulty", forks) as kernel:
        done = kernel.run("flock", f"error={error}")
        assert done.code == 8, done
        assert f"{kernel.journal} cannot be locked" in done.err
        assert "has no locks (flock: " in done.err
        assert "keep the project on a local disk" in done.err
        assert kernel.judge.server.connections == 1  # our own
        assert kernel.go_on() == 0
