"""The Northwind orders against a sandbox: all of them, nothing twice, and the same after two kills.

The orders are not ours to ship: RUNNER_NORTHWIND says where the file is, and without it these tests are skipped.
What arrived is judged by check.py, which shares no code with the product.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ORDERS = os.environ.get("RUNNER_NORTHWIND", "")
HERE = Path(__file__).parent
RUNNER = str(Path(sys.executable).with_name("runner"))
WRITES = 89 + 830 + 830 + 2155 + 830
WORKERS = 4
PATIENCE = 120.0
"""Seconds after which something that should have happened has not."""

pytestmark = pytest.mark.skipif(
    not ORDERS, reason="RUNNER_NORTHWIND does not say where the Northwind orders are"
)


@dataclass(frozen=True)
class Place:
    """A folder with the recipe and the orders, in which a sandbox runs that no kill of a run reaches."""

    folder: Path

    def runner(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [RUNNER, *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [RUNNER, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def log(self) -> Path:
        return self.folder / "runs" / "sandbox" / "deliveries.jsonl"

    def deliveries(self) -> list[Any]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def await_deliveries(self, count: int, process: subprocess.Popen[bytes]) -> None:
        """Until so many requests have reached the sandbox."""
        deadline = time.monotonic() + PATIENCE
        while self.log.read_bytes().count(b"\n") < count:
            assert process.poll() is None, "the run ended before"
            assert time.monotonic() < deadline, "the run does not get there"
            threading.Event().wait(0.02)

    def check(self, *more: str) -> str:
        """What the independent script says; it has to be content."""
        command = [sys.executable, str(HERE / "check.py"), ORDERS, str(self.log), *more]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def results(self, run: int) -> list[dict[str, str]]:
        with (self.folder / "runs" / str(run) / "results.csv").open(
            encoding="utf-8-sig", newline=""
        ) as file:
            return list(csv.DictReader(file))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    shutil.copy(HERE / "import-northwind.yaml", tmp_path)
    shutil.copy(ORDERS, tmp_path / "northwind-orders.csv")
    (tmp_path / "runner.yaml").write_text("targets: {}\n", encoding="utf-8")
    place = Place(tmp_path)
    with sandbox(place):
        yield place


@contextmanager
def sandbox(place: Place) -> Iterator[None]:
    process = subprocess.Popen(
        [RUNNER, "sandbox"], cwd=place.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_all_of_it_and_a_second_run_sends_nothing(place: Place) -> None:
    done = place.runner("run", "import-northwind.yaml", "--workers", str(WORKERS))
    assert done.returncode == 0, done.stderr
    said = place.check()
    for kind, count in (
        ("contacts", 89),
        ("jobs", 830),
        ("sales orders", 830),
        ("lines", 2155),
        ("payments", 830),
    ):
        assert re.search(rf"^{kind} +{count:,} +{count:,} +{count:,} +0$", said, re.MULTILINE)
    assert "payments 1,330,735.98 of 1,330,735.98" in said
    assert "1,330,735.98" in done.stderr
    assert {line["bucket"] for line in place.results(1)} == {"done"}
    assert len(place.results(1)) == 2155
    again = place.runner("run", "import-northwind.yaml", "--workers", str(WORKERS))
    assert again.returncode == 0
    assert len(place.deliveries()) == WRITES


def test_killed_at_a_third_and_at_two_thirds(place: Place) -> None:
    arguments = ["run", "import-northwind.yaml", "--workers", str(WORKERS)]
    for part in (WRITES // 3, 2 * WRITES // 3):
        process = place.start(*arguments)
        place.await_deliveries(part, process)
        process.kill()
        assert process.wait() == -9
        arguments = ["resume", "--workers", str(WORKERS)]
    resumed = place.runner(*arguments)
    listed = place.runner("settle")
    unknown = re.findall(r"^call (\d+) ", listed.stdout, re.MULTILINE)
    assert len(unknown) <= 2 * WORKERS
    assert resumed.returncode == listed.returncode == (5 if unknown else 0)
    results = place.results(1)
    assert {line["bucket"] for line in results} <= {"done", "unknown"}
    left = [line["key"] for line in results if line["bucket"] == "unknown"]
    place.check("--allow-missing", str(len(left) + 4 * len(set(left))))
    assert _repeated(place) == []
    _settle(place, unknown)
    finished = place.runner(*arguments)
    assert finished.returncode == 0, finished.stderr
    place.check()


def _repeated(place: Place) -> list[str]:
    writes = Counter(json.dumps([entry["path"], entry["body"]]) for entry in place.deliveries())
    return [write for write, count in writes.items() if count > 1]


def _settle(place: Place, unknown: list[str]) -> None:
    """Decide each open call as a person does who looks into the system: it is there, or it is not."""
    listed = place.runner("settle").stdout
    there = {
        (entry["path"], json.dumps(entry["body"], sort_keys=True)): entry["id"]
        for entry in place.deliveries()
    }
    for number in unknown:
        block = re.search(rf"^call {number} .*?(?=^call |\Z)", listed, re.MULTILINE | re.DOTALL)
        assert block is not None
        path = re.search(r"^ +request +POST (\S+)$", block[0], re.MULTILINE)
        body = re.search(r"^ +body +(\{.*\})$", block[0], re.MULTILINE)
        assert path is not None
        assert body is not None
        found = there.get((path[1], json.dumps(json.loads(body[1]), sort_keys=True)))
        answer = ["--done", str(found)] if found is not None else ["--absent"]
        done = place.runner("settle", "--call", number, *answer, "--why", "looked into the sandbox")
        assert done.returncode == 0, done.stderr
