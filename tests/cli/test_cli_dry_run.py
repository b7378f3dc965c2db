"""The dry run: it opens no connection, leaves nothing behind, and shows what is sent, to the byte."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .command import HEADER, Command
from .conftest import StartStub
from .plan import Later, Number, Planned, read_plan, wire
from .stub import Answer

WATCH = """\
import os, sys
FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
             "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.mkdir", "os.rename", "os.remove")
def watch(event, args):
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    asks = event == "socket.bind" and args[1] == ("::1", 0)  # urllib3, on import: is there IPv6 here?
    printed = args[:1] in ((1,), (2,))  # its own output, which is open
    if (event in FORBIDDEN and not asks) or (writes and args[0] != os.devnull and not printed):
        os.write(2, f"did {event} {args!r}".encode())
        os._exit(99)
sys.addaudithook(watch)
"""
"""A sitecustomize that ends the process when it reaches for the network, another process, or writes a file."""

KEY = {"ACME_KEY": "key-of-acme"}


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that may do nothing but read and print."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(WATCH)
    return {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def test_it_opens_no_connection_and_writes_nothing(
    contacts: Command, watched: dict[str, str]
) -> None:
    before = sorted(contacts.folder.rglob("*"))
    for line in ("run contacts.yaml --dry-run", "run import-orders --dry-run --all"):
        assert contacts(*line.split(), env=watched).out.endswith("DRY RUN  nothing was sent\n")
    contacts("validate", "contacts.yaml", "import-orders", "new-order", env=watched)
    assert sorted(contacts.folder.rglob("*")) == before
    contacts("run", "contacts.yaml", code=99, env=watched)  # and so the watch does watch


def test_after_a_run_it_only_reads(contacts: Command, watched: dict[str, str]) -> None:
    contacts("run", "contacts.yaml", "--limit", "1")
    before = kept(contacts.runs)
    told = contacts("run", "contacts.yaml", "--dry-run", "--all", env=watched).out
    assert re.search(r"^A-1  line 2  done in run 1: contact_id \d+$", told, re.MULTILINE)
    assert "Plan: 2 rows: 1 to send, 1 done before; 1 call (1 create_contact)" in told
    assert kept(contacts.runs) == before


def kept(folder: Path) -> dict[Path, bytes]:
    """Every file, but for those that SQLite puts beside a journal that it reads."""
    files = (
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    )
    return {path: path.read_bytes() for path in files}


def test_for_a_real_target_it_needs_no_secret(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(lambda sent: Answer(500))
    assert (
        f"POST {stub.url}/crm/contacts"
        in contacts("run", "contacts.yaml", "--target", "live", "--dry-run").out
    )
    assert stub.sent == []


def test_it_is_the_same_every_time(contacts: Command) -> None:
    first = contacts("run", "import-orders", "--dry-run", "--all")
    assert first == contacts(
        "run", "import-orders", "--dry-run", "--all", env={"PYTHONHASHSEED": "1", "TZ": ""}
    )
    assert first.err == ""


NAMES = [
    "Café Añejo", 'The "Best" Tees', "back\\slash", "tab\there", "{{ 7*7 }}", "  blanks  round  ",
    "\u202eright to left", "日本 💜", "nil", "12.10", "comma, semicolon; pipe|", "x" * 300, "a/b?c=d&e#f%20",
    "'; DROP TABLE runs --",
]  # fmt: skip
BYTES = """\
recipe: 1
name: bytes
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns:
    ref: {from: Ref}
    name: {from: Name}
    qty: {from: Qty, type: integer}
    price: {from: Price, type: decimal}
    day: {from: Day, type: date, format: "%m/%d/%Y"}
steps:
  - id: payment
    use: syncore.create_sales_order_payment
    with:
      job_id: 31000
      salesorder_id: "{{ row.qty }}"
      amount: "{{ row.price }}"
      payment_type: {id: 3, name: "{{ row.name }}"}
      reference: "{{ row.ref }}, {{ row.day }}"
"""
AMOUNTS = ["12.10", "0.30", "10000000000000000", "0.1", "99999999999999.99", "5", "1234.5000"]


def quoted(text: str) -> str:
    """A cell of a CSV file."""
    return '"' + text.replace('"', '""') + '"'


def test_what_it_shows_is_what_is_sent_to_the_byte(
    contacts: Command, start_stub: StartStub
) -> None:
    stub = start_stub(lambda sent: Answer(201, b'{"id": 5}'))
    contacts.write("bytes.yaml", BYTES)
    rows = (
        f"R-{n},{quoted(name)},{n + 45000},{AMOUNTS[n % len(AMOUNTS)]},{n % 12 + 1:02}/28/2027\n"
        for n, name in enumerate(NAMES)
    )
    contacts.write("rows.csv", HEADER + "".join(rows))
    shown = contacts("run", "bytes.yaml", "--target", "live", "--dry-run", "--all").out
    contacts("run", "bytes.yaml", "--target", "live", "--first-run", "--workers", "1", env=KEY)
    planned = read_plan(shown)
    host = stub.url.removesuffix("/v2")
    assert [(p.method, p.url.removeprefix(host), wire(p.body).encode()) for p in planned] == [
        (sent.method, sent.path, sent.body) for sent in stub.sent
    ]
    assert len(planned) == len(NAMES)


def test_the_sample_sheet_is_sent_as_it_was_shown(runner: Command) -> None:
    """Every write of the sample sheet, in its order; what only the run knows is taken from the sandbox's log."""
    planned = read_plan(runner("run", "import-orders", "--dry-run", "--all").out)
    runner("run", "import-orders", "--workers", "1")
    delivered = runner.delivered(writes=False)
    known = Known()
    for plan, sent in zip(
        planned, (one for one in delivered if one["effect"] != "read"), strict=True
    ):
        assert (plan.method, known.url(plan)) == (sent["method"], sent["path"])
        body = known.body(plan, sent["body"])
        assert wire(body) == wire(_numbers(sent["body"]))
        known.ids[plan.key, f"{plan.step}.id"] = sent["id"]
    reads = [(one["path"], one["query"]) for one in delivered if one["effect"] == "read"]
    for plan in planned:
        if plan.search:
            assert any(_same_search(known.fill(plan.search, plan.key), *read) for read in reads), (
                plan.search
            )


class Known:
    """What became known: ids of a row's own steps by key, and what is the same for all rows under no key."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str], Any] = {}

    def url(self, plan: Planned) -> str:
        return self.fill(plan.url, plan.key)

    def fill(self, url: str, key: str) -> str:
        """The path below the API, with the ids in their places."""
        filled = re.sub(
            r"\(known after run: ([^)]*)\)", lambda later: str(self.ids[key, later[1]]), url
        )
        return filled.removeprefix("http://sandbox").removeprefix("/syncore")

    def body(self, plan: Planned, sent: Any) -> Any:
        """The planned body with what was sent in the place of what was not known; the same origin is the same value."""
        return self._body(plan.body, sent, plan.key)

    def _body(self, tree: Any, sent: Any, key: str) -> Any:
        if isinstance(tree, Later):
            place = ("" if tree.origin.count(".") > 1 else key, tree.origin)
            return Number(str(self.ids.setdefault(place, sent)))
        if isinstance(tree, dict):
            return {name: self._body(value, sent[name], key) for name, value in tree.items()}
        return tree


def _numbers(tree: Any) -> Any:
    """What the sandbox logged, with its numbers as they stand."""
    if isinstance(tree, dict):
        return {name: _numbers(value) for name, value in tree.items()}
    return tree if isinstance(tree, str) else Number(str(tree))


def _same_search(url: str, path: str, query: dict[str, Any]) -> bool:
    """Whether a read is the search that was shown; the number of the page is the run's own."""
    parts = urlsplit(url)
    shown = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return (
        parts.path == path
        and shown.items() <= query.items()
        and query.keys() - shown.keys() <= {"page", "count"}
    )


def test_a_large_input_is_told_of_before_it_is_checked(contacts: Command) -> None:
    sheet = contacts.folder / "rows.csv"
    assert "checking" not in contacts("plan", "contacts.yaml").err
    header, first, *_ = sheet.read_text(encoding="utf-8").splitlines()
    sheet.write_text(f"{header},Note\n{first},{'x' * 100_000}\n" + "\n" * 2**20, encoding="utf-8")
    shown = contacts("plan", "contacts.yaml", "--format", "json")
    assert shown.err.startswith("rows.csv: checking all of its 1.1 MB before the first row\n")
    assert json.loads(shown.out)["totals"]["rows"] == {"to send": 1}


NULL_NOTE = """\
recipe: 1
name: notes
rows:
  file: notes.csv
  key: "{{ row.email }}"
  columns: {email: {required: true, case: lower}, note: {}}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: Acme, email: "{{ row.email }}", notes: "{{ row.note | upper }}"}
"""
WARNED = "a cell of the column 'note' may be empty, and null has no text"


@pytest.fixture
def noted(tmp_path: Path) -> Command:
    """A folder with a recipe that `validate` warns of, and rows for which that does not matter."""
    runner = Command(tmp_path)
    runner.write("notes.yaml", NULL_NOTE)
    runner.write("notes.csv", "email,note\nann@acme.example.org,hello\n")
    return runner


@pytest.mark.parametrize("command", ["plan notes.yaml", "run notes.yaml --dry-run"])
def test_it_tells_what_validate_warns_of_and_once(noted: Command, command: str) -> None:
    told = noted(*command.split())
    assert told.err == noted("validate", "notes.yaml").err
    assert told.err.count(WARNED) == 1
    assert WARNED not in told.out


def test_a_run_does_not_repeat_what_the_dry_run_has_told(noted: Command) -> None:
    assert WARNED not in noted("run", "notes.yaml").err


def test_warnings_of_the_recipe_are_a_part_of_the_comment(noted: Command) -> None:
    comment = noted("plan", "notes.yaml", "--format", "markdown").out
    assert f"#### 1 warning of the recipe\n\n- `notes.yaml:10:70` warning: `{WARNED}`" in comment
