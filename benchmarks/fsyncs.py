"""How many fsyncs a run makes for a write: one alone, and shared by the rows that are in flight together.

    python benchmarks/fsyncs.py [MS] [ROWS]

ROWS (200) rows of four writes each, or of a search and four writes, go to a stub whose every answer takes MS (20)
milliseconds, as an API's would: with one that answered at once, few rows would be in flight together. A commit is one
fsync. In this shape (the figures here are made up):

    writes only          1 worker       800 writes     801 commits  1.00 a write     19.1 s
    writes only         16 workers      800 writes      95 commits  0.12 a write      1.4 s
    writes and a search  1 worker       800 writes   1,001 commits  1.25 a write     23.9 s
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import TracebackType

from import_orders import CONFIGURATION, HERE, calls

import runner.journal
from runner.cli.main import cli
from runner.journal import Journal

STEPS = """\
  - {id: contact, use: syncore.create_contact, with: {business_name: "{{ row.ref }}"}}
  - {id: job, use: syncore.create_job, with: {client: {id: "{{ contact.id }}"}, description: "{{ row.ref }}"}}
  - {id: order, use: syncore.create_sales_order, with: {job_id: "{{ job.id }}"}}
  - id: payment
    use: syncore.create_sales_order_payment
    with: {job_id: "{{ job.id }}", salesorder_id: "{{ order.id }}", amount: 12.10}
"""
SEARCH = """\
  - {id: seen, use: syncore.search_contacts, with: {email: "{{ row.ref }}@example.com"}, expect: any}
"""
HEAD = """\
recipe: 1
name: writes
rows: {file: rows.csv, key: "{{ row.ref }}", columns: {ref: {}}}
steps:
"""


class Counted(Journal):
    """A journal that says at its end how often it committed."""

    last = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        Counted.last = self.commits


@contextmanager
def slow_stub(milliseconds: float) -> Iterator[str]:
    """A stub in a process of its own whose answers take time; yields its base URL."""
    command = [sys.executable, str(HERE / "stub.py"), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the stub has no output")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def measure(name: str, steps: str, *, workers: int, rows: int, base_url: str) -> None:
    """Run the command in this process, so that its journal can be asked, and print what it took."""
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as folder:
        os.chdir(folder)
        Path("runner.yaml").write_text(CONFIGURATION.format(base_url=base_url), encoding="utf-8")
        Path("rows.csv").write_text(
            "ref\n" + "".join(f"R{n}\n" for n in range(rows)), encoding="utf-8"
        )
        Path("writes.yaml").write_text(HEAD + steps, encoding="utf-8")
        calls(base_url)
        talk = StringIO()
        start = time.perf_counter()
        with redirect_stderr(talk), redirect_stdout(talk):
            arguments = [
                "run",
                "writes.yaml",
                "--target",
                "stub",
                "--first-run",
                "--workers",
                str(workers),
            ]
            code = cli.main(arguments, standalone_mode=False)
        seconds = time.perf_counter() - start
        os.chdir(HERE)
    writes = rows * 4
    if code or not calls(base_url) >= writes:
        raise RuntimeError(f"exit code {code}\n{talk.getvalue()[-2000:]}")
    if not Counted.last:
        raise RuntimeError("the journal of the command was not the one that counts")
    noun = "worker " if workers == 1 else "workers"
    share = f"{Counted.last / writes:.2f} a write"
    print(
        f"{name:<20} {workers:>2} {noun} {writes:>7,} writes {Counted.last:>7,} commits  {share} {seconds:>8.1f} s"
    )


def main() -> None:
    """Measure both recipes with one worker and with sixteen."""
    milliseconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    os.environ["SYNCORE_API_KEY"] = "key-of-the-benchmark"
    os.environ["XDG_STATE_HOME"] = str(Path(tempfile.gettempdir()) / "runner-bench-state")
    setattr(runner.journal, "Journal", Counted)  # noqa: B010 - the command counts for once
    with slow_stub(milliseconds) as base_url:
        for name, steps in (("writes only", STEPS), ("writes and a search", SEARCH + STEPS)):
            for workers in (1, 16):
                measure(name, steps, workers=workers, rows=rows, base_url=base_url)


if __name__ == "__main__":
    main()
