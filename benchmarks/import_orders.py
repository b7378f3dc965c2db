"""What the journal, the checks and the templates cost: an import against a server that answers at once.

    python benchmarks/import_orders.py [TIMES]

`runner run` with one worker and its journal, against session_loop.py making the same calls; both as processes
of their own, start-up included, in turn, against the same stub. The orders are those of RUNNER_NORTHWIND, or
made up to the same counts when that is not set. Medians of TIMES (3), and their spread, in this shape (the
figures here are made up):

    orders                 830 orders of northwind-orders.csv
    requests.Session       4,734 calls    3.10 s (3.05-3.20)    1,527 calls/s     31 MiB
    runner run             4,734 calls    9.40 s (9.31-9.52)      504 calls/s     58 MiB
    runner run --dry-run   4,734 calls    2.10 s (2.08-2.15)    2,254 calls/s     55 MiB
    ratio                  0.33 of the calls per second of the loop
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orders import write_orders

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parent / "tests" / "northwind" / "import-northwind.yaml"
RUNNER = str(Path(sysconfig.get_path("scripts")) / "runner")
CONFIGURATION = """\
targets:
  stub:
    account: bench
    apis:
      syncore:
        base_url: "{base_url}"
        secrets: {{api_key: {{env: SYNCORE_API_KEY}}}}
        rate: {{requests_per_second: 100000, burst: 1000}}
"""


@dataclass(frozen=True)
class Measure:
    """One process: seconds from start to end, its peak memory in MiB, the requests that the stub saw."""

    seconds: float
    peak: float
    calls: int


@contextmanager
def stub() -> Iterator[str]:
    """A stub in a process of its own; yields its base URL."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "stub.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None:
            raise RuntimeError("the stub has no output")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def calls(base_url: str) -> int:
    """How many requests the stub saw since this was last asked."""
    with urllib.request.urlopen(f"{base_url}/calls", timeout=10) as response:
        counts: dict[str, int] = json.load(response)
    return sum(counts.values())


def measured(command: list[str], folder: Path, base_url: str) -> Measure:
    """Run a command in `folder`. Raises RuntimeError with the end of its output when it fails."""
    calls(base_url)
    environment = os.environ | {
        "SYNCORE_API_KEY": "key-of-the-benchmark",
        "XDG_STATE_HOME": str(folder / "state"),
    }
    with (folder / "output.txt").open("w+", encoding="utf-8") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(
                f"{command}: exit code {process.returncode}\n{output.read()[-2000:]}"
            )
    return Measure(seconds, usage.ru_maxrss / 1024, calls(base_url))


def in_fresh_folder(command: list[str], orders: Path, base_url: str) -> Measure:
    """A measure in a folder of its own: the recipe, the configuration, and a journal that is new."""
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        shutil.copy(RECIPE, folder / "import.yaml")
        shutil.copy(orders, folder / "northwind-orders.csv")
        (folder / "runner.yaml").write_text(
            CONFIGURATION.format(base_url=base_url), encoding="utf-8"
        )
        return measured(command, folder, base_url)


def printed(name: str, measures: list[Measure], count: int) -> float:
    """Print the line of one command; returns its calls per second."""
    seconds = [measure.seconds for measure in measures]
    median = statistics.median(seconds)
    spread = f"{median:.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"
    peak = max(measure.peak for measure in measures)
    print(
        f"{name:<22} {count:,} calls {spread:>22} {count / median:>8,.0f} calls/s {peak:>6.0f} MiB"
    )
    return count / median


def compare(orders: Path, times: int) -> None:
    """Measure and print."""
    run = [RUNNER, "run", "import.yaml", "--target", "stub", "--first-run", "--workers", "1"]
    loop = [sys.executable, str(HERE / "session_loop.py"), "northwind-orders.csv"]
    with stub() as base_url:
        commands: dict[str, Callable[[], Measure]] = {
            "requests.Session": lambda: in_fresh_folder([*loop, base_url], orders, base_url),
            "runner run": lambda: in_fresh_folder(run, orders, base_url),
            "runner run --dry-run": lambda: in_fresh_folder([*run, "--dry-run"], orders, base_url),
        }
        found: dict[str, list[Measure]] = {name: [] for name in commands}
        for _ in range(times):
            for name, command in commands.items():
                found[name].append(command())
    sent = {measure.calls for name in ("requests.Session", "runner run") for measure in found[name]}
    dry = {measure.calls for measure in found["runner run --dry-run"]}
    if len(sent) != 1 or dry != {0}:
        raise RuntimeError(f"not the same calls: {sent} sent, {dry} in the dry run")
    count = sent.pop()
    rates = {name: printed(name, measures, count) for name, measures in found.items()}
    print(
        f"{'ratio':<22} {rates['runner run'] / rates['requests.Session']:.2f} of the calls per second of the loop"
    )


def main() -> None:
    """Take the orders that there are."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    given = os.environ.get("RUNNER_NORTHWIND", "")
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        orders = Path(given) if given else Path(name) / "made-up-orders.csv"
        if not given:
            write_orders(orders)
        print(f"{'orders':<22} 830 orders of {orders.name}")
        compare(orders, times)


if __name__ == "__main__":
    main()
