"""How large the page of a run is, how long it takes to make, and how soon it can be used in Chromium.

    python benchmarks/page.py [ROWS...]

Runs of ROWS (1,000, 10,000 and 100,000) rows, each an order of five writes with a payment, every hundredth of them
rejected; the journal is written by the Journal itself, with values made up anew for each row. `runner report --html` is
a process of its own, start-up included. The page is opened from the file, five times; the times are medians from the
start of loading until it can be used, from a click until the calls of a row are there, and from the last key of a
search until it has its rows. In this shape (the figures here are made up):

    rows      made in    peak       size      without calls   interactive   unfold    search
    10,000    9.0 s      80 MiB     1.9 MB    7,000 rows      300 ms        60 ms     100 ms
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from import_orders import RUNNER
from playwright.sync_api import Browser, sync_playwright

from runner.catalogue import Catalogue, to_json
from runner.journal import CallRecord, History, Identity, Journal, RowRecord, RunRecord, now
from runner.report.page.data import collect

START = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
STEPS = ("contact", "job", "order", "line", "payment")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
TIMES = 5
COMMIT_EVERY = 2000
UNFOLD = """async () => {
  const start = performance.now();
  document.querySelector("td.c-key button").click();
  while (!document.querySelector(".call")) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
SEARCH = """async (text) => {
  const search = document.getElementById("search"), start = performance.now();
  search.value = text;
  search.dispatchEvent(new Event("input"));
  while (document.querySelectorAll("tr.line").length !== 1) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


def moment(seconds: float) -> str:
    """A time of the run, as the journal writes it."""
    return (START + dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def prepare(folder: Path, rows: int) -> None:
    """A project whose run 1 is over."""
    chance = random.Random(rows)
    record = RunRecord("orders", "live", "acme", "orders.yaml", "ab" * 32, "orders.csv", "cd" * 32, "{}", "2024-05-01",
                       moment(0), line_count=rows, row_count=rows)  # fmt: skip
    with Journal(folder / "runs") as journal:
        journal.begin(record)
        for number in range(1, rows + 1):
            write_row(journal, number, chance)
            if number % COMMIT_EVERY == 0:
                journal.flush()
        journal.end(1, state="finished", exit_code=4, finished_at=moment(rows / 2 + 5))


def write_row(journal: Journal, number: int, chance: random.Random) -> None:
    """One order: what was sent for it, and what became of it."""
    key, rejected = f"W-{100_000 + number}", number % 100 == 0
    amount = f"{chance.randrange(100, 90_000) / 100:.2f}"
    reason = "job: 422 country is over the max length of 2 characters"
    for place, step in enumerate(STEPS):
        bad = rejected and step == "job"
        sent = {
            "reference": key, "customer": f"Company {chance.randrange(5000)} {chance.choice('ABCDEFGH')}",
            "description": f"order {chance.randrange(10**6)}", "quantity": chance.randrange(1, 99), "amount": amount,
        }  # fmt: skip
        call = CallRecord(
            Identity("acme", "orders", "row", key, step, ""), f"shop.create_{step}", "create", 1,
            "rejected" if bad else "done", "POST", f"/orders/{number * 7}/{step}", "00", to_json(sent).decode(),
            amount if step == "payment" else "", 422 if bad else 201,
            "" if bad else f'{{"id":{chance.randrange(10**7)},"state":"open"}}', reason if bad else "", 1,
            moment(number / 2 + place / 10), number,
        )  # fmt: skip
        journal.record(call, at=call.sent_at, seconds=chance.randrange(40, 400) / 1000)
        if bad:
            break
    outputs = f'{{"job_number":{number * 7}}}'
    bucket, why = ("rejected", reason) if rejected else ("done", "")
    journal.row(RowRecord(1, number, key, f"[{number + 1}]", bucket, why, outputs, amount))


def make(folder: Path) -> tuple[float, float]:
    """Seconds and MiB that the command takes for the page."""
    start = time.perf_counter()
    process = subprocess.Popen([RUNNER, "report", "--html"], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"runner report ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def measure(browser: Browser, page: Path, key: str) -> list[float]:
    """Medians in milliseconds: until it can be used, until a row is unfolded, until a search has its row."""
    found = []
    for _ in range(TIMES):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        own = context.new_page()
        own.goto(page.as_uri())
        own.wait_for_selector("html[data-ready]", timeout=120_000)
        interactive = own.evaluate("performance.getEntriesByName('interactive')[0].startTime")
        found.append([interactive, own.evaluate(UNFOLD), own.evaluate(SEARCH, key)])
        context.close()
    return [statistics.median(values) for values in zip(*found, strict=True)]


def main() -> None:
    """Print a line for each number of rows."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not here: apt-get install chromium")
    print(
        "rows      made in    peak       size      without calls   interactive   unfold    search"
    )
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for rows in [int(text) for text in sys.argv[1:]] or [1000, 10_000, 100_000]:
            with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
                folder = Path(name)
                prepare(folder, rows)
                seconds, peak = make(folder)
                page = folder / "runs" / "1" / "report.html"
                history = History(folder / "runs")
                left_out = collect(history, history.runs()[-1], Catalogue({}), made_at=now()).head[
                    "left_out"
                ]
                history.close()
                times = measure(browser, page, f"w-{100_000 + rows}")
                size = page.stat().st_size / 1e6
                told = "".join(
                    f"{f'{value:.0f} ms':<{width}}"
                    for value, width in zip(times, (14, 10, 8), strict=True)
                )
                print(f"{rows:<10,}{f'{seconds:.1f} s':<11}{f'{peak:.0f} MiB':<11}{f'{size:.2f} MB':<10}"
                      f"{f'{left_out:,} rows':<16}{told.rstrip()}")  # fmt: skip
        browser.close()


if __name__ == "__main__":
    main()
