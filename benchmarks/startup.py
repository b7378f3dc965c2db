"""How long the command takes to start, against an interpreter that does nothing.

    python benchmarks/startup.py

Medians of 20 after one warm-up, the three taken in turn so that a busy moment meets all of them; in this shape
(the figures here are made up):

    python -c pass       12.0 ms   1.0
    runner --version     60.0 ms   5.0
    runner validate     150.0 ms  12.5
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

TIMES = 20
ROOT = Path(__file__).resolve().parent.parent
RUNNER = str(Path(sysconfig.get_path("scripts")) / "runner")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "runner --version": [RUNNER, "--version"],
    "runner validate": [RUNNER, "validate", str(ROOT / "recipes" / "import-orders.yaml")],
}


def taken(command: list[str]) -> float:
    """Seconds that a command took. Raises CalledProcessError when it failed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    for command in COMMANDS.values():
        taken(command)
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(TIMES):
        for name, command in COMMANDS.items():
            seconds[name].append(taken(command))
    least = statistics.median(seconds["python -c pass"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:<18}{1000 * median:>8.1f} ms{median / least:>7.1f}")


if __name__ == "__main__":
    main()
