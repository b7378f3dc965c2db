"""How many calls a second a dry run plans as JSON, how soon its first row is there, and how much memory it takes.

    python benchmarks/dry_run.py [TIMES]

The orders of import_orders.py, then the same TIMES (10) over under other numbers: processes of their own, start-up
included. `calls/s` is over the time of one core (user and system), `more` what the second file adds to the first, so
that start-up does not count. In this shape (the figures here are made up):

    orders    calls      core    calls/s   first row      peak
       830    4,734    1.10 s      4,304      0.71 s    48 MiB
     8,300   46,544    6.10 s      7,630      2.01 s    49 MiB
      more   41,810    5.00 s      8,362
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from import_orders import RECIPE, RUNNER
from orders import write_orders


@dataclass(frozen=True)
class Measure:
    """A dry run: its calls, seconds of one core, seconds to the first row, peak memory in MiB."""

    calls: int
    core: float
    first: float
    peak: float


def multiplied(orders: Path, many: Path, times: int) -> None:
    """Write the orders `times` over, each time under other order numbers."""
    with orders.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    with many.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for copy in range(times):
            writer.writerows([f"{int(line[0]) + copy * 1000:05d}", *line[1:]] for line in lines)


def measured(orders: Path, folder: Path) -> Measure:
    """Plan these orders as JSON. Raises RuntimeError when that fails."""
    command = [
        RUNNER,
        "plan",
        str(folder / "import.yaml"),
        "--rows",
        str(orders),
        "--format",
        "json",
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, env=os.environ)
    if process.stdout is None:
        raise RuntimeError("the command has no output")
    head = [process.stdout.readline() for _ in range(4)]
    first, calls = time.perf_counter() - start, head[-1].count(b'"state":"to send","method"')
    for line in process.stdout:
        calls += line.count(b'"state":"to send","method"') + line.count(b'"state":"to send","item"')
    calls += head[-1].count(b'"state":"to send","item"')
    _, status, usage = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: exit code {process.returncode}")
    return Measure(calls, usage.ru_utime + usage.ru_stime, first, usage.ru_maxrss / 1024)


def best(orders: Path, folder: Path) -> Measure:
    """The fastest of three."""
    return min((measured(orders, folder) for _ in range(3)), key=lambda one: one.core)


def printed(name: str, found: Measure) -> None:
    """Print the line of one dry run."""
    rate = f"{found.calls / found.core:>10,.0f}"
    print(
        f"{name:>6} {found.calls:>8,} {found.core:>7.2f} s {rate} {found.first:>9.2f} s {found.peak:>5.0f} MiB"
    )


def main() -> None:
    """Take the orders that there are."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    given = os.environ.get("RUNNER_NORTHWIND", "")
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        orders, many = Path(given) if given else folder / "made-up-orders.csv", folder / "many.csv"
        if not given:
            write_orders(orders)
        shutil.copy(RECIPE, folder / "import.yaml")
        multiplied(orders, many, times)
        print("orders    calls      core    calls/s   first row      peak")
        few, lots = (best(each, folder) for each in (orders, many))
        printed("830", few)
        printed(f"{830 * times:,}", lots)
        calls, core = lots.calls - few.calls, lots.core - few.core
        print(f"{'more':>6} {calls:>8,} {core:>7.2f} s {calls / core:>10,.0f}")


if __name__ == "__main__":
    main()
