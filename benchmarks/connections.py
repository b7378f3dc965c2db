"""What a connection of its own costs a write, against one that is kept: over plain HTTP and over TLS.

    python benchmarks/connections.py [CALLS] [ROUNDS]

CALLS (300) writes by one thread to a stub on loopback that answers at once, in ROUNDS (5) rounds in which the ways take
turns: on kept connections; on a connection each, with one TLS context whose sessions are resumed, as a run does it; and
with a context each, which loads the certificates of the authorities anew. CPU is that of the client alone. Loopback has
no distance: far away a new connection costs a round trip, and a resumed TLS session another. In this shape (the figures
here are made up):

    http   kept                     0.25 ms (0.24-0.26)   CPU 0.22 ms a write
    https  own, session resumed     1.30 ms (1.28-1.40)   CPU 0.70 ms a write
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests.adapters

from runner.catalogue import Request
from runner.config import KeepAlive
from runner.transport import Reply
from runner.transport.client import Transport

HERE = Path(__file__).resolve().parent
COMMAND = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
    "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
)


class Measure(NamedTuple):
    """Milliseconds for one write: on the clock, and of the client's processor."""

    wall: float
    cpu: float


@contextmanager
def stub(*arguments: str) -> Iterator[int]:
    """The stub in a process of its own; yields its port."""
    command = [sys.executable, str(HERE / "stub.py"), "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the stub has no output")
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def transport(url: str, keep_alive: KeepAlive) -> Transport:
    """A transport whose kept connections have rested as soon as they are wanted again."""
    ticks = itertools.count(1)
    return Transport(
        base_url=url, auth=(), secrets={}, user_agent="bench/1", keep_alive=keep_alive, clock=lambda: next(ticks)
    )  # fmt: skip


def written(line: Transport, url: str) -> None:
    """One write. Raises RuntimeError when it is not answered."""
    request = Request(method="POST", url=f"{url}/orders/jobs", body={"description": "a job"})
    reply = line.send(line.prepare(request), write=True)
    if not isinstance(reply, Reply) or reply.status != 201:
        raise RuntimeError(f"not answered: {reply}")


def sharing(url: str, keep_alive: KeepAlive) -> Callable[[int], None]:
    """Writes by one transport."""

    def send(calls: int) -> None:
        line = transport(url, keep_alive)
        for _ in range(calls):
            written(line, url)
        line.close()

    return send


def each_anew(url: str) -> Callable[[int], None]:
    """Writes by a transport each."""

    def send(calls: int) -> None:
        for _ in range(calls):
            line = transport(url, "never")
            written(line, url)
            line.close()

    return send


def measured(send: Callable[[int], None], calls: int) -> Measure:
    """Milliseconds a write."""
    wall, cpu = time.perf_counter(), time.process_time()
    send(calls)
    return Measure(
        1000 * (time.perf_counter() - wall) / calls, 1000 * (time.process_time() - cpu) / calls
    )


def compare(ways: dict[str, Callable[[int], None]], calls: int, rounds: int) -> None:
    """Measure in turn, and print the medians with the least and the most."""
    found: dict[str, list[Measure]] = {name: [] for name in ways}
    for send in ways.values():
        send(20)
    for _ in range(rounds):
        for name, send in ways.items():
            found[name].append(measured(send, calls))
    for name, measures in found.items():
        walls = [measure.wall for measure in measures]
        spread = f"{statistics.median(walls):.2f} ms ({min(walls):.2f}-{max(walls):.2f})"
        cpu = statistics.median(measure.cpu for measure in measures)
        print(f"{name:<32} {spread:>24}   CPU {cpu:.2f} ms a write")


def main() -> None:
    """Make a certificate, and measure."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        key, certificate = f"{name}/key.pem", f"{name}/certificate.pem"
        out = ["-keyout", key, "-out", certificate]
        subprocess.run([*COMMAND.split(), *out], check=True, capture_output=True)
        bundle = Path(name) / "bundle.pem"  # with all authorities, as in a real run
        authorities = Path(requests.adapters.DEFAULT_CA_BUNDLE_PATH).read_text(encoding="utf-8")
        bundle.write_text(
            authorities + Path(certificate).read_text(encoding="utf-8"), encoding="utf-8"
        )
        requests.adapters.DEFAULT_CA_BUNDLE_PATH = str(bundle)
        with stub() as plain, stub(certificate, key) as secure:
            http, https = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"
            ways = {
                "http   kept": sharing(http, "writes"),
                "http   own": sharing(http, "reads"),
                "https  kept": sharing(https, "writes"),
                "https  own, session resumed": sharing(https, "reads"),
                "https  own, a context each": each_anew(https),
            }
            compare(ways, calls, rounds)


if __name__ == "__main__":
    main()
