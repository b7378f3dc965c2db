"""A recipe whose key is another one than it was when it sent something."""

from __future__ import annotations

import csv

import pytest

from .command import Command
from .test_cli_exports import FOLLOW_UP

RECIPE = """\
recipe: 1
name: contacts
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns: {ref: {}, client: {}}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "KEY", email: "x@example.org"}
"""
NEW_KEY = '"{{ row.client }}-{{ row.ref }}"'


@pytest.mark.parametrize("name", ["{{ row.ref }}", "{{ row.client }}-{{ row.ref }}"])
def test_it_is_refused_until_key_was_names_it(runner: Command, name: str) -> None:
    old = RECIPE.replace("KEY", name)
    new = old.replace('key: "{{ row.ref }}"', f"key: {NEW_KEY}")
    runner.write("a.yaml", old)
    runner.write("rows.csv", "ref,client\nW-1,acme\nW-2,beta\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", new)
    for way in (["--dry-run"], []):
        ended = runner("run", "a.yaml", *way, code=3)
        assert (
            "the key of the recipe was '{{ row.ref }}' in run 1, and is "
            "'{{ row.client }}-{{ row.ref }}' now" in ended.out + ended.err
        )
        assert "add key_was: '{{ row.ref }}' beside key" in ended.out + ended.err
    assert len(runner.delivered()) == 2
    assert not (runner.runs / "2").exists(), "no file calls rows not started that cannot be placed"
    assert "not started" not in ended.out + ended.err
    runner.write("a.yaml", new.replace("  columns", '  key_was: "{{ row.ref }}"\n  columns'))
    runner("validate", "a.yaml")
    assert "2 done" in runner("run", "a.yaml").err
    assert len(runner.delivered()) == 2
    runner.write("a.yaml", new)
    runner("run", "a.yaml", code=3)


def test_spaces_are_no_other_key(runner: Command) -> None:
    runner.write("a.yaml", RECIPE)
    runner.write("rows.csv", "ref,client\nW-1,acme\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", RECIPE.replace("{{ row.ref }}", "{{  row.ref  }}"))
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 1


def test_a_recipe_without_rows(runner: Command) -> None:
    text = """\
recipe: 1
name: one
key: "{{ vars.ref }}"
vars: {ref: {type: string, required: true}, client: acme}
steps:
  - {id: contact, use: syncore.create_contact, with: {business_name: A, email: "x@example.org"}}
"""
    runner.write("one.yaml", text)
    runner("run", "one.yaml", "-v", "ref=W-1")
    new = text.replace('"{{ vars.ref }}"', '"{{ vars.client }}-{{ vars.ref }}"')
    runner.write("one.yaml", new)
    runner("run", "one.yaml", "-v", "ref=W-1", code=3)
    runner.write("one.yaml", new.replace("vars: {ref", 'key_was: "{{ vars.ref }}"\nvars: {ref'))
    runner("run", "one.yaml", "-v", "ref=W-1")
    assert len(runner.delivered()) == 1
    refused = runner("run", "one.yaml", "-v", "ref=w-1", code=3)
    assert (
        "the former key 'w-1' looks like 'W-1', done in run 1: they differ in case" in refused.err
    )
    assert len(runner.delivered()) == 1


def test_rows_from_an_api_are_sent_once_more_by_their_former_key(runner: Command) -> None:
    """The former keys of rows that are still to be read are not known when they are asked for."""
    runner.write("follow-up.yaml", FOLLOW_UP)
    runner("run", "import-orders")
    runner("run", "follow-up.yaml")
    sent = len(runner.delivered())
    results = (runner.runs / "2" / "results.csv").read_text(encoding="utf-8-sig")
    key = next(csv.DictReader(results.splitlines()))["key"]
    better = FOLLOW_UP.replace(
        '  key: "{{ row.id }}"\n', '  key: "x-{{ row.id }}"\n  key_was: "{{ row.id }}"\n'
    )
    runner.write("follow-up.yaml", better)
    runner("run", "follow-up.yaml", "--again", f"x-{key}", "--why", "it is gone")
    assert len(runner.delivered()) == sent + 1
    runner("run", "follow-up.yaml")
    assert len(runner.delivered()) == sent + 1
