"""Rows a second and peak memory for each format of an input, beside other readers of the same files.

    python benchmarks/formats.py [--lines 10000,100000,1000000] [--only xlsx] [--alone]

`grouped` is CSV whose groups of ten lines are as far apart as can be, `utf-16` what Excel calls Unicode text, `xlsx` a
workbook whose cells share their texts, as Excel writes it, and `inline` one whose cells have their own.

Each reader is a process of its own; seconds are those of the processor (user and system), so that other work on the
machine does not count. runner is the whole `runner validate --rows`: it types and checks every cell and every key.
pandas and openpyxl come with `pip install -e .[bench]`; `--alone` measures runner without them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import xlsxwriter

HEADER = ("Order #", "Company", "Email", "Event", "SKU", "Qty", "Price", "Deposit")
RECIPE = """\
recipe: 1
name: formats
rows:
  key: "{{ row.ref }}"
  columns:
    ref: {from: "Order #", required: true}
    company: {from: Company, required: true}
    email: {from: Email, required: true}
    event: {from: Event, required: true}
    sku: {from: SKU}
    quantity: {from: Qty, type: integer, minimum: 1}
    price: {from: Price, type: decimal}
    deposit: {from: Deposit, type: decimal}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.company }}", email: "{{ row.email }}"}
"""
GROUPED = RECIPE.replace("key: ", "group_by: ref\n  key: ")
_BOOK = {
    "openpyxl": "import openpyxl, sys\nbook = openpyxl.load_workbook(sys.argv[1], read_only=True, data_only=True)\n"
    "for _ in book.active.iter_rows(values_only=True): pass",
    "pandas": "import pandas, sys\npandas.read_excel(sys.argv[1], dtype=str, engine='openpyxl')",
    "calamine": "import sys, python_calamine as c\n"
    "for _ in c.CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).iter_rows(): pass",
}
OTHERS = {
    "csv": {
        "csv": "import csv, sys\nfor _ in csv.reader(open(sys.argv[1], newline='')): pass",
        "pandas": "import pandas, sys\npandas.read_csv(sys.argv[1], dtype=str)",
    },
    "csv.gz": {
        "csv": "import csv, gzip, sys\nfor _ in csv.reader(gzip.open(sys.argv[1], 'rt', newline='')): pass",
        "pandas": "import pandas, sys\npandas.read_csv(sys.argv[1], dtype=str)",
    },
    "utf-16": {
        "csv": "import csv, sys\nfile = open(sys.argv[1], newline='', encoding='utf-16')\n"
        "for _ in csv.reader(file, delimiter='\\t'): pass",
        "pandas": "import pandas, sys\npandas.read_csv(sys.argv[1], dtype=str, encoding='utf-16', sep='\\t')",
    },
    "grouped": {},
    "jsonl": {
        "json": "import json, sys\nfor line in open(sys.argv[1]): json.loads(line)",
        "pandas": "import pandas, sys\npandas.read_json(sys.argv[1], lines=True, dtype=str)",
    },
    "json": {
        "json": "import json, sys\njson.load(open(sys.argv[1]))",
        "pandas": "import pandas, sys\npandas.read_json(sys.argv[1], dtype=str)",
    },
    "xlsx": _BOOK,
    "inline": _BOOK,
}
"""Readers of the same file, as programs."""


class Cost(NamedTuple):
    """What a process took: seconds of the processor, and MB of memory at its peak."""

    seconds: float
    megabytes: float


def rows(count: int) -> Iterator[tuple[str, str, str, str, str, int, float, float]]:
    """Lines of orders, all of them different."""
    for n in range(count):
        email = f"dana{n % 5003}@riverside.example.org"
        yield (f"PO-{n:07}", f"Riverside Little League {n % 977}", email, "Spring jerseys",
               f"{n % 90_000:05}", n % 40 + 1, n % 300 + 0.4, 250.25)  # fmt: skip


def path_of(folder: Path, ending: str, count: int) -> Path:
    """Where such a file lies."""
    name = {"utf-16": "tsv", "grouped": "csv", "inline": "xlsx"}.get(ending, ending)
    return folder / f"orders-{count}.{name}"


def write(folder: Path, ending: str, count: int) -> None:
    """Write a file with so many lines."""
    path = path_of(folder, ending, count)
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path, {"constant_memory": ending == "inline"}) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADER)
            for at, row in enumerate(rows(count), start=1):
                sheet.write_row(at, 0, row)
        return
    encoding = "utf-16" if ending == "utf-16" else "utf-8"
    opened = gzip.open if ending == "csv.gz" else open
    with opened(path, "wt", newline="", encoding=encoding) as file:
        if not ending.startswith("json"):
            written = csv.writer(file, delimiter="\t" if ending == "utf-16" else ",")
            written.writerow(HEADER)
            groups = count // 10 if ending == "grouped" else count
            written.writerows(
                (f"PO-{n % groups:07}", *row[1:]) for n, row in enumerate(rows(count))
            )
        for n, row in enumerate(rows(count)) if ending.startswith("json") else ():
            sign = ("[" if n == 0 else ",") if ending == "json" else ""
            file.write(sign + json.dumps(dict(zip(HEADER, row, strict=True))) + "\n")
        file.write("]" if ending == "json" else "")


def written(folder: Path, ending: str, count: int) -> Path:
    """The same, by a process of its own: what it needs would count as memory of those that are started after it."""
    child = os.fork()
    if child == 0:
        write(folder, ending, count)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("no file was written")
    return path_of(folder, ending, count)


def cost(command: Sequence[str | Path]) -> Cost:
    """What a command takes, which has to end well."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(command[0], [str(part) for part in command])
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(
            f"{' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}"
        )
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    """Print a table of all formats and sizes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", default="10000,100000")
    options.add_argument("--only", default="")
    options.add_argument("--alone", action="store_true")
    given = options.parse_args()
    runner = shutil.which("runner", path=Path(sys.executable).parent)
    assert runner is not None
    print("| lines | file | reader | s | rows/s | MB |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "formats.yaml").write_text(RECIPE)
        (folder / "grouped.yaml").write_text(GROUPED)
        for count in map(int, given.lines.split(",")):
            for ending, others in OTHERS.items():
                if given.only in ("", ending):
                    path = written(folder, ending, count)
                    recipe = folder / ("grouped.yaml" if ending == "grouped" else "formats.yaml")
                    ours: list[str | Path] = [runner, "validate", recipe, "--rows", path]
                    theirs: list[tuple[str, list[str | Path]]] = [
                        (each, [sys.executable, "-c", text, path])
                        for each, text in others.items()
                        if not given.alone
                    ]
                    for reader, command in [("runner", ours), *theirs]:
                        found = cost(command)
                        size = f"{count / found.seconds:,.0f} | {found.megabytes:,.0f}"
                        print(
                            f"| {count:,} | {ending} | {reader} | {found.seconds:.1f} | {size} |",
                            flush=True,
                        )
                    path.unlink()


if __name__ == "__main__":
    main()
