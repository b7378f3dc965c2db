"""`runner plan`: the dry run as JSON and Markdown, what changed since, and a run that keeps to it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.problems import in_json

from .command import HEADER, RECIPE, RUNNER, TIMEOUT, TREE, Command, environment
from .conftest import StartStub
from .stub import Answer
from .test_cli_dry_run import AMOUNTS, BYTES, KEY, NAMES, WATCH, quoted

SCHEMA = json.loads((TREE / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
LATER = "(known after run)"


def plan_of(runner: Command, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The plan that is printed, valid against its schema."""
    text = runner("plan", *arguments, "--format", "json", code=code).out
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    plan: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return plan


def described(schema: Any) -> Iterator[str]:
    """The objects of the schema that are not closed, and the properties that are not described."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield f"not closed: {sorted(schema['properties'])}"
        for name, each in schema.get("properties", {}).items():
            if "$ref" not in each and not each.get("description"):
                yield f"not described: {name}"
        for each in schema.values():
            yield from described(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from described(each)


def test_the_schema_is_closed_and_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(described(SCHEMA)) == []


VALUES = {"new-order": ["order_ref=N-1"], "pay-supplier-invoices": ["paid=2026-12-15"]}
STATES = {"payments-by-type": "only read", "set-commission-codes": "with nothing to do"}


@pytest.mark.parametrize("recipe", sorted(path.stem for path in (TREE / "recipes").glob("*.yaml")))
def test_every_recipe_has_a_plan_that_fits_the_schema(runner: Command, recipe: str) -> None:
    more = [word for value in VALUES.get(recipe, ()) for word in ("-v", value)]
    required = (
        re.findall(r"'(\w+)' is required", runner("plan", recipe, *more, code=2).err)
        if recipe == "new-order"
        else []
    )
    plan = plan_of(
        runner, recipe, *more, *(word for name in required for word in ("-v", f"{name}=1"))
    )
    assert plan["header"]["recipe"]["name"] == recipe
    state = "to send" if any(row["calls"] for row in plan["rows"]) else "to export"
    assert plan["totals"]["rows"] == {STATES.get(recipe, state): len(plan["rows"])}


def test_plan_is_the_dry_run(contacts: Command) -> None:
    for options in ([], ["--all"], ["--format", "json"], ["--format", "markdown"]):
        ran = contacts("run", "contacts.yaml", "--dry-run", *options)
        assert contacts("plan", "contacts.yaml", *options) == ran


def test_it_holds_what_it_was_made_from_and_what_it_adds_up_to(contacts: Command) -> None:
    plan = plan_of(contacts, "contacts.yaml", "--date", "2027-01-02", "--limit", "1")
    header = plan["header"]
    assert (header["run_date"], header["limit"], header["target"]) == ("2027-01-02", 1, "sandbox")
    assert header["input"]["name"] == "rows.csv"
    assert header["apis"]["syncore"]["auth"] == [
        {"in": "header", "name": "x-api-key", "value": "(sensitive)"}
    ]
    (row,) = plan["rows"]
    assert (row["key"], row["row"], row["lines"], row["state"]) == ("A-1", 1, [2], "to send")
    (call,) = row["calls"]
    assert (call["method"], call["path"]) == ("POST", "/crm/contacts")
    assert call["body"] == {
        "business_name": "Ace Awards",
        "first_name": "A-1",
        "email": "a-1@example.com",
    }
    assert "business_name: inferred field" in call["notes"]
    assert plan["totals"]["calls"] == {"syncore.create_contact": 1}


def test_it_is_the_same_bytes_every_time_and_everywhere(
    contacts: Command, tmp_path_factory: Any
) -> None:
    one = contacts(
        "plan", "import-orders", "--format", "json", "--out", "plan.json", "--date", "2027-01-02"
    )
    other = Command(tmp_path_factory.mktemp("elsewhere"))
    env = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    two = other("plan", "import-orders", "--format", "json", "--date", "2027-01-02", env=env)
    assert one.out == two.out
    assert (contacts.folder / "plan.json").read_bytes() == one.out.encode()
    assert "\r" not in one.out
    assert str(contacts.folder) not in one.out
    assert one.out.count("\n") == 43 + 5


def test_what_it_shows_is_what_is_sent_to_the_byte(
    contacts: Command, start_stub: StartStub
) -> None:
    stub = start_stub(lambda sent: Answer(201, b'{"id": 5}'))
    contacts.write("bytes.yaml", BYTES)
    rows = (
        f"R-{n},{quoted(name)},{n + 45000},{AMOUNTS[n % len(AMOUNTS)]},{n % 12 + 1:02}/28/2027\n"
        for n, name in enumerate([*NAMES, "(known after run)", "(known after run: job.id)"])
    )
    contacts.write("rows.csv", HEADER + "".join(rows))
    shown = contacts("plan", "bytes.yaml", "--target", "live", "--format", "json").out.splitlines()[
        3:-2
    ]
    contacts("run", "bytes.yaml", "--target", "live", "--first-run", "--workers", "1", env=KEY)
    assert len(shown) == len(stub.sent) == len(NAMES) + 2
    for line, sent in zip(shown, stub.sent, strict=True):
        # But for characters that a terminal acts on, which stand in a plan as JSON escapes.
        body = in_json(sent.body.decode())
        path = sent.path.removeprefix("/v2")
        assert f'"method":"{sent.method}","path":"{path}","body":{body},' in line


def test_the_sample_sheet_is_sent_as_it_was_planned(runner: Command) -> None:
    """Every write of the sample sheet in its order; what was not known may be anything, and nothing else may."""
    plan = plan_of(runner, "import-orders")
    runner("run", "import-orders", "--workers", "1")
    writes = [call for row in plan["rows"] for call in row["calls"] if call["state"] == "to send"]
    sent = runner.delivered()
    assert len(writes) == len(sent) == 406
    for call, one in zip(writes, sent, strict=True):
        path = re.escape(call["path"]).replace(r"\(known\ after\ run:\ ", "(known after run: ")
        assert call["method"] == one["method"]
        assert re.fullmatch(re.sub(r"\(known after run: [^()]*\\\)", r"[0-9]+", path), one["path"])
        assert fits(call["body"], one["body"]), (call["body"], one["body"])


def fits(planned: Any, sent: Any) -> bool:
    """Whether a value that was sent is the one that was planned."""
    if isinstance(planned, dict):
        if LATER in planned:
            return True
        return (
            isinstance(sent, dict)
            and list(planned) == list(sent)
            and all(fits(value, sent[name]) for name, value in planned.items())
        )
    return str(planned) == str(sent)


def test_what_is_not_known_is_no_text_that_a_cell_can_hold(contacts: Command) -> None:
    contacts.write(
        "contacts.yaml",
        RECIPE.replace('"{{ row.ref }}"\n      email', '"{{ run.id }}"\n      email'),
    )
    contacts.write("rows.csv", HEADER + "A-1,(known after run: run.id),1,1,01/02/2027\n")
    body = plan_of(contacts, "contacts.yaml")["rows"][0]["calls"][0]["body"]
    assert body["business_name"] == "(known after run: run.id)"
    assert body["first_name"] == {LATER: "run.id"}
    mixed = RECIPE.replace(
        '"{{ row.ref }}"\n      email', '"{{ row.name }} {{ run.id }}!"\n      email'
    )
    contacts.write("contacts.yaml", mixed)
    body = plan_of(contacts, "contacts.yaml")["rows"][0]["calls"][0]["body"]
    assert body["first_name"] == {LATER: ["(known after run: run.id)", " ", {LATER: "run.id"}, "!"]}


def test_a_plan_needs_no_secret_and_holds_none(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(lambda sent: Answer(500))
    secret = 'p@ss w/ö"rd&1'
    told = contacts(
        "plan", "contacts.yaml", "--target", "live", "--format", "json", env={"ACME_KEY": secret}
    )
    assert told == contacts("plan", "contacts.yaml", "--target", "live", "--format", "json")
    assert "p@ss" not in told.out
    assert "rd&1" not in told.out
    assert stub.sent == []


def test_it_opens_no_connection(
    contacts: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(WATCH)
    watched = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    for form in ("text", "json", "markdown"):
        contacts("plan", "import-orders", "--format", form, env=watched)
    contacts(
        "plan", "contacts.yaml", "--out", "plan.json", code=99, env=watched
    )  # and so the watch does watch


def test_rows_that_are_done_and_rows_with_problems(contacts: Command) -> None:
    contacts("run", "contacts.yaml", "--limit", "1")
    recipe = RECIPE.replace(
        "with:\n", "with:\n      phone: \"{{ 1 / (row.qty - 2) if row.qty > 1 else 'x' }}\"\n"
    )
    plan = plan_of(contacts, "contacts.yaml")
    assert [row["state"] for row in plan["rows"]] == ["done before", "to send"]
    assert plan["rows"][0]["earlier_run"] == plan["rows"][0]["calls"][0]["run"] == 1
    contacts.write("contacts.yaml", recipe)
    plan = plan_of(contacts, "contacts.yaml", code=3)
    assert [row["state"] for row in plan["rows"]] == ["changed", "with problems"]
    assert "division by zero" in plan["rows"][1]["reason"]
    assert plan["totals"]["calls"] == {}


def test_detailed_exitcode(contacts: Command) -> None:
    contacts("plan", "contacts.yaml", "--detailed-exitcode", code=20)
    contacts("run", "contacts.yaml")
    contacts("plan", "contacts.yaml", "--detailed-exitcode")
    contacts.write("rows.csv", HEADER + "A-3,,1,1,01/02/2027\n")
    contacts("plan", "contacts.yaml", "--detailed-exitcode", code=3)


def test_a_run_keeps_to_its_plan(contacts: Command) -> None:
    contacts("plan", "contacts.yaml", "--out", "plan.json")
    contacts("run", "contacts.yaml", "--plan", "plan.json")
    assert len(contacts.delivered()) == 2


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ((), ("--limit", "1"), r"the limit changed: limit was null, is 1"),
        ((), ("--only", "A-1"), r"the choice of rows changed: only was \[\], is absent; only"),
        (("contacts.yaml", "name: contacts", "name: others"), (), r"the recipe changed: recipe.name was \"contacts\""),
        (("contacts.yaml", "outputs:", "# a word\noutputs:"), (), r"the recipe changed: recipe.sha256 was"),
        (("rows.csv", "Blue", "Green"), (), r"the input changed: input.sha256 was"),
        ((), ("--rows", "more.csv"), r"the input changed: input.name was \"rows.csv\", is \"more.csv\""),
    ],
)  # fmt: skip
def test_a_run_refuses_another_plan(
    contacts: Command, change: tuple[str, ...], arguments: tuple[str, ...], said: str
) -> None:
    contacts("plan", "contacts.yaml", "--out", "plan.json")
    contacts.write("more.csv", (contacts.folder / "rows.csv").read_bytes())
    if change:
        name, old, new = change
        contacts.write(name, (contacts.folder / name).read_text("utf-8").replace(old, new))
    told = contacts("run", "contacts.yaml", "--plan", "plan.json", *arguments, code=3)
    assert re.match(rf"error: not what plan.json says: {said}", told.err), told.err
    assert contacts.delivered() == []
    assert not contacts.runs.exists()


def test_a_run_refuses_another_target_account_address_or_variable(
    contacts: Command, start_stub: StartStub
) -> None:
    stub = start_stub(lambda sent: Answer(500))
    contacts.write("contacts.yaml", RECIPE + "vars: {word: one}\n")
    live = ("contacts.yaml", "--target", "live")
    contacts("plan", *live, "--out", "plan.json")
    settings = stub.settings()

    def refused(said: str, *more: str) -> None:
        told = contacts("run", *live, "--first-run", "--plan", "plan.json", *more, code=3, env=KEY)
        assert f"not what plan.json says: the {said}" in told.err, told.err

    refused('variables changed: vars.word was "one", is "two"', "-v", "word=two")
    contacts.write("runner.yaml", settings.replace("account: acme", "account: other"))
    refused('account changed: account was "acme", is "other"')
    contacts.write("runner.yaml", settings.replace("/v2", "/v3"))
    refused("way to the APIs changed: apis.syncore.base_url was")
    contacts.write("runner.yaml", settings)
    told = contacts("run", "contacts.yaml", "--plan", "plan.json", code=3)
    assert 'the target changed: target was "live", is "sandbox"' in told.err
    assert stub.sent == []


def test_a_run_refuses_what_was_done_since(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(lambda sent: Answer(201, b'{"id": 5}'))
    live = ("contacts.yaml", "--target", "live")
    contacts("plan", *live, "--out", "plan.json")
    contacts("run", *live, "--first-run", "--only", "A-2", env=KEY)
    told = contacts("run", *live, "--first-run", "--plan", "plan.json", code=3, env=KEY)
    assert """row 'A-2': state was "to send", is "done before\"""" in told.err
    assert len(stub.writes) == 1


def test_a_day_that_the_recipe_uses_makes_it_another_plan(contacts: Command) -> None:
    dated = RECIPE.replace('first_name: "{{ row.ref }}"', 'first_name: "{{ run.date }}"')
    contacts.write("contacts.yaml", dated)
    contacts("plan", "contacts.yaml", "--out", "plan.json", "--date", "2027-01-02")
    told = contacts("run", "contacts.yaml", "--plan", "plan.json", code=3)
    assert 'row \'A-1\': contact: body.first_name was "2027-01-02", is "' in told.err
    assert "the plan is of 2027-01-02, and run.date is " in told.err
    contacts.write("contacts.yaml", RECIPE)
    contacts("plan", "contacts.yaml", "--out", "plan.json", "--date", "2027-01-02")
    contacts("run", "contacts.yaml", "--plan", "plan.json")


COUNTED = RECIPE.replace(
    "  columns:\n",
    "  where: row.day > run.date\n  expect_total: {lines: \"{{ vars.lines }}\", sum: {price: 2.50}}\n  columns:\n",
).replace("steps:", "vars: {lines: {type: integer}}\nsteps:")  # fmt: skip
LATER_ROWS = HEADER + "A-1,Ace Awards,1,1.10,01/02/2127\nA-2,Blue Banners,2,2.5,01/03/2127\n"


def test_a_plan_says_what_is_left_out_and_what_was_announced(contacts: Command) -> None:
    contacts.write("contacts.yaml", COUNTED)
    contacts.write("rows.csv", LATER_ROWS)
    dated = ("contacts.yaml", "-v", "lines=1", "--date", "2127-01-02")
    source = plan_of(contacts, *dated)["header"]["input"]
    assert (source["left_out"], source["announced"]) == (1, {"lines": 1, "sum": {"price": "2.5"}})
    for form in ("text", "markdown"):
        told = contacts("plan", *dated, "--format", form).out
        assert "1 row from 1 line, 1 line left out; as announced: 1 line, price 2.5" in told


def test_a_run_refuses_a_plan_of_which_other_lines_are_left_out(contacts: Command) -> None:
    contacts.write("contacts.yaml", COUNTED.replace("  expect_total: ", "  # "))
    contacts.write("rows.csv", LATER_ROWS)
    contacts("plan", "contacts.yaml", "--date", "2127-01-02", "--out", "plan.json")
    told = contacts("run", "contacts.yaml", "--plan", "plan.json", code=3)
    assert "the input changed: input.left_out was 1, is 0; the plan is of 2127-01-02" in told.err, (
        told.err
    )
    assert contacts.delivered() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: "", "is not a plan"),
        (lambda text: json.dumps(json.loads(text)), "is not a plan, or was written anew by another program"),
        (lambda text: text.replace('"plan":1', '"plan":2'), "of another version"),
        (lambda text: text[: len(text) // 2], "is cut off"),
        (lambda text: "junk" + text, "is not a plan"),
        (lambda text: text.replace('{"plan"', '["plan"', 1), "is not a plan"),
        (lambda text: "\n" + text, "is not a plan"),
        (lambda text: text.replace('"header":', '"a":1,"header":', 1), "is not a plan"),
        (lambda text: text + "junk", "does not end as one does"),
        (lambda text: text + text, "does not end as one does"),
        (lambda text: text[: text.index('"totals"')], "does not end as one does"),
        (lambda text: text.replace('"key":', '"key",'), "is damaged"),
        (lambda text: text.replace("Ace", "Axe"), "row 'A-1': contact: body.business_name was \"Axe Awards\""),
        (lambda text: re.sub(r"\n\{\"row\":2.*", "\n", text).replace("},\n\n", "}\n"), "row 'A-2' is not in it"),
        (lambda text: re.sub(r"(\{\"row\":2.*)", r'\1,\n{"row":3,"key":"A-3"}', text), "row 'A-3' is no longer there"),
        (lambda text: text.replace('"key":"A-1"', '"key":"B"'), "row 'A-1' stands where row 'B' stood"),
    ],
)  # fmt: skip
def test_a_run_refuses_a_plan_that_somebody_changed(
    contacts: Command, damage: Any, said: str
) -> None:
    contacts("plan", "contacts.yaml", "--out", "plan.json")
    plan = contacts.folder / "plan.json"
    plan.write_text(damage(plan.read_text("utf-8")), "utf-8")
    told = contacts("run", "contacts.yaml", "--plan", "plan.json", code=3)
    assert said in told.err, told.err
    assert not contacts.runs.exists()


def test_what_changed_since(contacts: Command) -> None:
    contacts.write(
        "rows.csv", HEADER + "A-0,Old,1,1,\n" + "A-1,Ace Awards,1,1.10,\nA-2,Blue Banners,2,2.5,\n"
    )
    contacts("plan", "contacts.yaml", "--out", "old.json")
    contacts("plan", "contacts.yaml", "--against", "old.json", "--detailed-exitcode")
    contacts.write(
        "rows.csv", HEADER + "A-2,Green\x1b Banners,2,2.5,\nA-1,Ace Awards,1,1.10,\nA-3,New,1,1,\n"
    )
    told = contacts(
        "plan", "contacts.yaml", "--against", "old.json", "--detailed-exitcode", code=20
    )
    assert (
        re.sub(r'"[0-9a-f]{64}"', '"..."', told.out)
        == """\
DRY RUN  contacts -> sandbox   against old.json
         the input changed: input.sha256 was "...", is "..."

~ A-2  line 2
    contact: body.business_name was "Blue Banners", is "Green\\u001b Banners"
+ A-3  line 4   to send, 1 call
- A-0   no longer there: was to send

Changes: 1 row changed, 1 added, 1 gone, 1 as they were
Plan: 3 rows: 3 to send; 3 calls (3 create_contact)
Money: none
DRY RUN  nothing was sent
"""
    )
    markdown = contacts(
        "plan", "contacts.yaml", "--against", "old.json", "--format", "markdown"
    ).out
    assert "- added: `A-3` line 4\n  - `to send, 1 call`" in markdown
    assert (
        '- changed: `A-2` line 2\n  - `contact: body.business_name was "Blue Banners", is "Green'
        in markdown
    )
    contacts("plan", "contacts.yaml", "--against", "old.json", "--format", "json", code=2)


def test_files_are_whole_or_as_they_were(contacts: Command) -> None:
    contacts("plan", "contacts.yaml", "--out", "a.json", "--out", "b.md", "--out", "c.txt")
    before = {
        name: (contacts.folder / name).read_text("utf-8") for name in ("a.json", "b.md", "c.txt")
    }
    assert before["b.md"] == contacts("plan", "contacts.yaml", "--format", "markdown").out
    assert before["c.txt"] == contacts("plan", "contacts.yaml").out
    contacts.write("rows.csv", HEADER + "A-1,,1,1,\n")
    contacts("plan", "contacts.yaml", "--out", "a.json", code=3)
    assert {name: (contacts.folder / name).read_text("utf-8") for name in before} == before
    assert (
        "cannot be written"
        in contacts("plan", "import-orders", "--out", "no/where.json", code=2).err
    )
    assert "the ending says" in contacts("plan", "import-orders", "--out", "plan.pdf", code=2).err


def test_options_of_a_dry_run_are_refused_in_a_run(contacts: Command) -> None:
    for words in (
        ["--format", "json"],
        ["--out", "plan.json"],
        ["--detailed-exitcode"],
        ["--date", "2027-01-02"],
    ):
        assert (
            f"{words[0]} says what a dry run shows"
            in contacts("run", "contacts.yaml", *words, code=2).err
        )
    contacts("plan", "contacts.yaml", "--out", "plan.json")
    contacts("run", "contacts.yaml", "--plan", "plan.json", "--dry-run", code=2)


def test_a_large_plan_streams_in_flat_memory(contacts: Command) -> None:
    """The first rows are there long before the last, and four times the rows take hardly more memory."""
    peaks = []
    for count in (2_000, 8_000):
        rows = "".join(f"R-{n},Name {n},{n},1.10,01/02/2027\n" for n in range(count))
        contacts.write("rows.csv", HEADER + rows)
        command = [str(RUNNER), "plan", "contacts.yaml", "--format", "json"]
        with subprocess.Popen(
            command, cwd=contacts.folder, env=environment(), stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            first = process.stdout.read(2000)
            peak = 0
            for _ in iter(lambda: process.stdout.read(65536), b""):  # type: ignore[union-attr]
                peak = max(peak, _memory(process.pid))
            assert b'"key":"R-1"' in first
            assert process.wait(TIMEOUT) == 0
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 6_000 * 0.4 + 2_000, peaks


def _memory(pid: int) -> int:
    """The most memory that a process took up to now, in KiB; 0 when it has gone."""
    try:
        found = re.search(
            r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        )
    except OSError:
        return 0
    return int(found[1]) if found else 0
