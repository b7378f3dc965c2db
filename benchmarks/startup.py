"""How long the command takes to start, against an interpreter that does nothing.

    python benchmarks/startup.py

The least of 20 after one warm-up, all taken in turn so that a busy moment meets all of them: first by the clock, then
the processor's time, which other work on the machine disturbs less. In this shape (the figures here are made up):

    python -c pass       12.0 ms    11.0 ms   1.0
    runner --version     60.0 ms    55.0 ms   5.0
    runner validate     150.0 ms   140.0 ms  12.7
    20 steps            180.0 ms   170.0 ms  15.5    allowed: 190.0 ms, 182.5 ms

The last is `runner validate` of a recipe of twenty steps, and beside it what it may take: one and a half times the
start of `runner --version`, and 100 ms. The warm-up leaves what an installed program has: modules compiled to byte
code, and the documents of the APIs in the user's cache folder.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

TIMES = 20
ROOT = Path(__file__).resolve().parent.parent
RUNNER = str(Path(sysconfig.get_path("scripts")) / "runner")
STEPS = 20
HEAD = """\
recipe: 1
name: twenty-steps
vars: {days: 7}
rows:
  file: orders.csv
  group_by: ref
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    email: {required: true}
    event: {required: true}
    sku: {required: true}
    quantity: {type: integer, required: true}
    price: {type: decimal, required: true}
lookups:
  payment_types: {use: syncore.list_payment_types, by: name}
steps:
  - id: contact
    use: syncore.create_contact
    once_per: row.email | lower
    with: {business_name: "{{ row.event }}", email: "{{ row.email }}"}
    unless_found:
      use: syncore.search_contacts
      with: {email: "{{ row.email }}"}
      where: "(item.email | default('') | lower) == (row.email | lower)"
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: "{{ row.event }} [{{ row.ref }}]"}
    unless_found:
      use: syncore.search_jobs
      with: {date_from: "{{ run.date | days(-vars.days) }}", date_to: "{{ run.date }}"}
      where: "('[' + row.ref + ']') in (item.description | default(''))"
"""
STEP = """\
  - id: order_{0}
    use: syncore.create_sales_order
    with: {{job_id: "{{{{ job.id }}}}", customer_order_number: "{{{{ row.ref }}}}-{0}"}}
  - id: lines_{0}
    for_each: row.lines | where('item.quantity > {0}')
    use: syncore.create_sales_order_line_item
    with:
      job_id: "{{{{ job.id }}}}"
      salesorder_id: "{{{{ order_{0}.id }}}}"
      sku: "{{{{ item.sku }}}}"
      quantity: "{{{{ item.quantity }}}}"
      price_value: "{{{{ (item.price * 1.08) | round(2) }}}}"
"""


def twenty_steps() -> str:
    """A recipe of `STEPS` steps with all that recipes usually have."""
    return HEAD + "".join(STEP.format(number) for number in range((STEPS - 2) // 2))


def commands(recipe: Path) -> Mapping[str, list[str]]:
    """What is measured, by name."""
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "runner --version": [RUNNER, "--version"],
        "runner validate": [RUNNER, "validate", str(ROOT / "recipes" / "import-orders.yaml")],
        f"{STEPS} steps": [RUNNER, "validate", str(recipe)],
    }


def taken(command: list[str]) -> tuple[float, float]:
    """Seconds that a command took, by the clock and of the processor. Raises CalledProcessError when it failed."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    subprocess.run(
        command, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - start, used


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "twenty-steps.yaml"
        recipe.write_text(twenty_steps(), encoding="utf-8")
        measured = commands(recipe)
        for command in measured.values():
            taken(command)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
        for _ in range(TIMES):
            for name, command in measured.items():
                seconds[name].append(taken(command))
    clock = {name: 1000 * min(each for each, _ in values) for name, values in seconds.items()}
    used = {name: 1000 * min(each for _, each in values) for name, values in seconds.items()}
    allowed = [1.5 * least["runner --version"] + 100 for least in (clock, used)]
    for name in measured:
        beside = (
            f"    allowed: {allowed[0]:.1f} ms, {allowed[1]:.1f} ms"
            if name == f"{STEPS} steps"
            else ""
        )
        times = used[name] / used["python -c pass"]
        print(f"{name:<18}{clock[name]:>8.1f} ms{used[name]:>9.1f} ms{times:>6.1f}{beside}")


if __name__ == "__main__":
    main()
