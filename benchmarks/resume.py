"""How long a resume takes until it knows what is left of a long run, and how much memory.

    python benchmarks/resume.py [ROWS]

A run of ROWS (100,000) rows, each an order and a payment, that was stopped before its last row: the journal is written
by the Journal itself, after a real run of the first row, and created.csv from it, as the run would have left it. Then
`runner resume` in a process of its own, start-up included, against a stub; all but the last row are done. In this shape
(the figures here are made up):

    journal              99,999 rows done, 199,998 calls, 118 MB
    resume               4.10 s until the first request   4.90 s in all   3.90 s of a processor   142 MiB    2 requests
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from import_orders import CONFIGURATION, RUNNER, calls, stub

from runner.catalogue import Catalogue, build_request
from runner.journal import CallRecord, History, Journal, RowRecord
from runner.report.files.created import Created

RECIPE = """\
recipe: 1
name: long
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns: {ref: {required: true}, amount: {type: decimal}}
steps:
  - {id: job, use: syncore.create_job, with: {client: {id: 1}, description: "order {{ row.ref }}"}}
  - id: payment
    use: syncore.create_sales_order_payment
    with: {job_id: "{{ job.id }}", salesorder_id: "{{ job.id }}", amount: "{{ row.amount }}"}
outputs: {job: "{{ job.id }}"}
"""
CATALOGUE = Catalogue()
COMMIT_EVERY = 5000


def prepare(folder: Path, base_url: str, rows: int) -> None:
    """A project whose run 1 has done all rows but the last."""
    (folder / "runner.yaml").write_text(CONFIGURATION.format(base_url=base_url), encoding="utf-8")
    (folder / "long.yaml").write_text(RECIPE, encoding="utf-8")
    lines = "".join(f"R{number},{number}.50\n" for number in range(1, rows + 1))
    (folder / "rows.csv").write_text(f"ref,amount\n{lines}", encoding="utf-8")
    command = [RUNNER, "run", "long.yaml", "--target", "stub", "--first-run", "--limit", "1"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    history = History(folder / "runs")
    job, payment = sorted(history.calls_of_run(1), key=lambda call: call.id)
    with Journal(folder / "runs") as journal:
        for number in range(2, rows):
            given: dict[str, Any] = {"client": {"id": 1}, "description": f"order R{number}"}
            journal.note(_like(job, number, given, base_url))
            given = {"job_id": number, "salesorder_id": number, "amount": Decimal(f"{number}.50")}
            journal.note(_like(payment, number, given, base_url))
            outputs, money = f'{{"job":{number}}}', f"{number}.50"
            journal.row(
                RowRecord(1, number, f"R{number}", f"[{number + 1}]", "done", "", outputs, money)
            )
            if number % COMMIT_EVERY == 0:
                journal.flush()
    Created(folder / "runs" / "1", history, CATALOGUE, run=1).write()
    history.close()


def _like(call: CallRecord, number: int, given: Mapping[str, Any], base_url: str) -> CallRecord:
    """The same call of another row, as it would have been recorded."""
    request = build_request(CATALOGUE.operation(call.operation), given, base_url=base_url)
    return call._replace(
        identity=call.identity._replace(key=f"R{number}"), url=request.path, digest=request.digest(), row=number,
        body=(request.content() or b"").decode(), answer=f'{{"id":{number}}}',
        amount=f"{number}.50" if call.amount else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """Seconds until the first request arrived, in all, and of a processor; peak memory in MiB; requests."""

    first: float
    seconds: float
    processor: float
    peak: float
    requests: int


def measure(folder: Path, base_url: str) -> Measure:
    """Resume."""
    calls(base_url)
    start = time.perf_counter()
    with (folder / "output.txt").open("w+", encoding="utf-8") as output:
        command = [RUNNER, "resume", "--workers", "1"]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        first, seen = 0.0, 0
        while process.poll() is None and not seen:
            time.sleep(0.05)
            seen = calls(base_url)
            first = time.perf_counter() - start
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}\n{output.read()[-2000:]}")
    processor = usage.ru_utime + usage.ru_stime
    return Measure(first, seconds, processor, usage.ru_maxrss / 1024, seen + calls(base_url))


def main() -> None:
    """Make the journal and resume."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    os.environ["SYNCORE_API_KEY"] = "key-of-the-benchmark"
    os.environ["XDG_STATE_HOME"] = str(Path(tempfile.gettempdir()) / "runner-bench-state")
    with stub() as base_url, tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        prepare(Path(name), base_url, rows)
        size = (Path(name) / "runs" / "journal.sqlite").stat().st_size / 10**6
        print(
            f"{'journal':<12} {rows - 1:>15,} rows done, {2 * (rows - 1):,} calls, {size:,.0f} MB"
        )
        found = measure(Path(name), base_url)
        until = f"{found.first:.2f} s until the first request {found.seconds:>6.2f} s in all"
        cost = f"{found.processor:>6.2f} s of a processor {found.peak:>5.0f} MiB"
        print(f"{'resume':<20} {until} {cost} {found.requests:>4} requests")


if __name__ == "__main__":
    main()
