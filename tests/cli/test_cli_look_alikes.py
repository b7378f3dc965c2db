"""Keys that look alike, on the command line: `validate --rows`, the dry run and the run refuse the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Command

RECIPE = """\
recipe: 1
name: contacts
rows:
  file: a.csv
  key: "{{ row.ref }}"
  columns:
    ref: {from: "Order #", required: true}
    company: {from: Company, required: true}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.company }} {{ row.ref }}", email: "x@example.org"}
"""
HEADER = "Order #,Company\n"
WAYS = (
    ["validate", "a.yaml", "--rows", "a.csv"],
    ["run", "a.yaml", "--dry-run"],
    ["run", "a.yaml"],
)


def refused(runner: Command, sheet: str) -> str:
    """What all of them say of a sheet, one and the same; nothing is sent."""
    runner.write("a.csv", HEADER + sheet)
    before = runner.delivered()
    found = [runner(*way, code=3).err for way in WAYS]
    assert runner.delivered() == before
    problems = [[line for line in told.splitlines() if ": error: " in line] for told in found]
    assert problems[0] == problems[1] == problems[2]
    return found[0]


@pytest.fixture
def contacts(runner: Command) -> Command:
    runner.write("a.yaml", RECIPE)
    return runner


def test_keys_of_one_sheet(contacts: Command) -> None:
    sheet = "PO-1,Acme\nPO-1 ,Acme\npo-1,Acme\nPO\u20111,Acme\nPO\u00a0-1,Acme\n"
    told = refused(contacts, sheet)
    assert "a.csv:3:1: error: the key 'PO-1' is repeated: line 2 has it too [repeated-key]" in told
    for line, key, differ in (
        (4, "po-1", "case"),
        (5, "PO\u20111", "hyphens"),
        (6, "PO -1", "spaces"),
    ):
        message = (
            f"the key {key!r} looks like 'PO-1' on line 2: they differ in {differ} [look-alike]"
        )
        assert f"a.csv:{line}:1: error: {message}" in told
    assert "write both the same, or say `keys: exact` under rows if they are two" in told


@pytest.mark.parametrize("sheet", ["PO-1,A\nPO-1\u200b,A\n", "Caf\u00e9-1,A\nCafe\u0301-1,A\n"])
def test_one_key_in_two_spellings_is_repeated(contacts: Command, sheet: str) -> None:
    assert "is repeated: line 2 has it too" in refused(contacts, sheet)


def test_a_key_that_looks_like_one_that_was_sent(contacts: Command) -> None:
    contacts.write("a.csv", HEADER + "PO-1,Acme\n")
    contacts("run", "a.yaml")
    told = refused(contacts, "PO-2,Acme\npo-1,Acme\n")
    message = "the key 'po-1' looks like 'PO-1', done in run 1: they differ in case [look-alike]"
    assert f"a.csv:3:1: error: {message}" in told
    contacts.write("a.yaml", RECIPE.replace("rows:\n", "rows:\n  keys: exact\n"))
    contacts("run", "a.yaml")
    assert len(contacts.delivered()) == 3


def test_a_key_on_the_command_line(contacts: Command) -> None:
    contacts.write("a.csv", HEADER + "PO-1,Acme\nPO-2,Acme\n")
    contacts("run", "a.yaml", "--only", " PO-1\u200b")
    contacts("run", "a.yaml", "--only", "PO-1", "--again", "\u00a0PO-1 ", "--why", "it is gone")
    assert len(contacts.delivered()) == 2
    assert "PO-1" in contacts("show", "--key", "PO-1 ").out
    told = contacts("run", "a.yaml", "--only", "\u200b", code=2).err
    assert "a key is not empty" in told


SINGLE = """\
recipe: 1
name: one
key: "{{ vars.ref }}"
vars: {ref: {type: string, required: true}}
steps:
  - {id: contact, use: syncore.create_contact, with: {business_name: "Acme {{ vars.ref }}", email: "x@example.org"}}
"""


def test_a_recipe_without_rows(runner: Command) -> None:
    runner.write("one.yaml", SINGLE)
    runner("run", "one.yaml", "-v", "ref=W-1")
    runner("run", "one.yaml", "-v", "ref= W-1")
    for way in ([], ["--dry-run"]):
        told = runner("run", "one.yaml", "-v", "ref=w-1", *way, code=3).err
        assert "the key 'w-1' looks like 'W-1', done in run 1: they differ in case" in told
    assert len(runner.delivered()) == 1
    runner.write("one.yaml", SINGLE.replace("key:", "keys: exact\nkey:"))
    runner("run", "one.yaml", "-v", "ref=w-1")
    assert len(runner.delivered()) == 2


def test_rows_say_under_rows_that_keys_are_exact(runner: Command) -> None:
    runner.write("a.yaml", RECIPE.replace("rows:\n", "keys: exact\nrows:\n"))
    told = runner("validate", "a.yaml", code=3).err
    assert "'keys' is for recipes without rows: with rows, each row has its own" in told
    runner.write("a.yaml", RECIPE.replace("rows:\n", "rows:\n  keys: all\n"))
    assert "exact" in runner("validate", "a.yaml", code=3).err


CASE = """\
recipe: 1
name: identity
rows:
  file: a.csv
  key: "{{ row.ref }}"
  columns:
    ref: {from: "Order #", required: true, trim: true}
    email: {from: Email, required: true, trim: true}
steps:
  - id: contact
    use: syncore.create_contact
    once_per: row.email
    with: {business_name: "{{ row.ref }}", email: "{{ row.email }}"}
    unless_found: {use: syncore.search_contacts, with: {email: "{{ row.email }}"}}
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: "{{ row.ref }}"}
"""


def test_a_sheet_that_comes_back_from_another_machine(runner: Command, tmp_path: Path) -> None:
    """Decomposed accents, a zero-width space and a byte order mark in its keys, addresses in another case."""
    runner.write("a.yaml", CASE)
    header = "Order #,Email\n"
    runner.write(
        "a.csv", f"{header}Caf\u00e9-1,Dana@O.example\nPO-2,dana@o.example\nPO-3,d+s@o.example\n"
    )
    runner("run", "a.yaml")
    sent = runner.delivered()
    assert [each["operation"] for each in sent].count("create_contact") == 2
    runner.write(
        "a.csv",
        f"{header}Cafe\u0301-1,dana@o.example\nPO-2\u200b,dana@o.example\nPO-3\ufeff,d+s@o.example\n",
    )
    runner("run", "a.yaml")
    assert runner.delivered() == sent
    results = (tmp_path / "runs" / "2" / "results.csv").read_text(encoding="utf-8-sig")
    assert results.count("done in run 1") == 3
