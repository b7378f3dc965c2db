"""The real command in a folder of its own, its target a scripted server on loopback."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.server import PATIENCE, FaultServer
from runner.journal import CallRecord, History

CANARY = 'p@ss w/o"rd&1'
RECIPE = """\
recipe: 1
name: orders
rows:
  file: orders.csv
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    customer: {required: true}
    amount: {type: decimal, required: true}
steps:
  - id: contact
    use: syncore.create_contact
    once_per: row.customer
    with: {business_name: "{{ row.customer }}", last_name: "of {{ row.customer }}"}
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: "order {{ row.ref }}"}
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}", customer_order_number: "{{ row.ref }}"}
  - id: payment
    use: syncore.create_sales_order_payment
    with:
      job_id: "{{ job.id }}"
      salesorder_id: "{{ order.id }}"
      amount: "{{ row.amount }}"
      reference: "{{ row.ref }}"
outputs:
  job: "{{ job.id }}"
"""
GUARDED = RECIPE.replace(
    'description: "order {{ row.ref }}"}\n',
    """description: "order {{ row.ref }}"}
    unless_found: {use: syncore.search_jobs, with: {date_from: "2026-01-01", date_to: "2026-12-31"},
                   where: "item.description == 'order ' ~ row.ref"}
""",
)
CONFIG = """\
targets:
  test:
    account: {account}
    apis:
      syncore:
        base_url: {url}
        secrets: {{api_key: {{env: TEST_KEY}}}}
        rate: {{requests_per_second: 1000, burst: 1000}}
        deadline: 30
"""
COMMAND = (str(Path(sys.executable).with_name("runner")),)


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A folder with a configuration, a recipe and a sheet; and the command run in it."""

    folder: Path
    server: FaultServer
    command: Sequence[str] = COMMAND
    environment: dict[str, str] = field(default_factory=lambda: {"TEST_KEY": CANARY})
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.configure()
        self.recipe(RECIPE)
        self.rows(6)

    def configure(self, *, account: str = "acme") -> None:
        (self.folder / "runner.yaml").write_text(
            CONFIG.format(account=account, url=self.server.url), encoding="utf-8"
        )

    def recipe(self, text: str) -> None:
        (self.folder / "orders.yaml").write_text(text, encoding="utf-8")

    def rows(self, count: int) -> None:
        self.sheet(*(f"R{n},C{n % 3},{n}.50" for n in range(count)))

    def sheet(self, *lines: str) -> None:
        (self.folder / "orders.csv").write_text(
            "\n".join(["ref,customer,amount", *lines, ""]), encoding="utf-8"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process, to be ended by `finish`."""
        process = subprocess.Popen(
            [*self.command, *arguments], cwd=self.folder, env={**_clean(os.environ), **self.environment}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test has left behind."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                finish(process)

    def call(self, *arguments: str) -> Done:
        return finish(self.start(*arguments))

    def run(self, *more: str) -> Done:
        return self.call("run", "orders.yaml", "--target", "test", "--first-run", *more)

    def start_run(self, *more: str) -> subprocess.Popen[str]:
        return self.start("run", "orders.yaml", "--target", "test", "--first-run", *more)

    def results(self, run: int = 1) -> dict[str, dict[str, str]]:
        """The results of a run by key."""
        with (self.folder / "runs" / str(run) / "results.csv").open(
            encoding="utf-8-sig", newline=""
        ) as file:
            return {line["key"]: line for line in csv.DictReader(file)}

    def buckets(self, run: int = 1) -> dict[str, int]:
        return dict(Counter(line["bucket"] for line in self.results(run).values()))

    def calls(self) -> list[CallRecord]:
        """Every write in the journal."""
        history = History(self.folder / "runs")
        try:
            return [
                c
                for run in history.runs()
                for c in history.calls_of_run(run.id)
                if c.effect != "read"
            ]
        finally:
            history.close()

    def unknown(self) -> list[str]:
        """The numbers of the calls that `runner settle` lists; it ends with 5 when there are some."""
        listed = self.call("settle")
        numbers = re.findall(r"^ *call (\d+)\b", listed.out, re.MULTILINE)
        assert listed.code == (5 if numbers else 0), listed
        assert len(numbers) == sum(call.state in ("intent", "unknown") for call in self.calls()), (
            listed
        )
        return numbers


def finish(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out, err)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if not name.lower().endswith("_proxy")
    }
