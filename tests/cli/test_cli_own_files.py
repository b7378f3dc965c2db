"""A recipe's files stay in its folder: none outside is read, and none in which secrets or a journal are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import RECIPE, ROWS, Command

CANARY = "k-canary-5512"
SECRETS = f"SYNCORE_API_KEY={CANARY}\nOTHER={CANARY}\n"
LOOKUP = """\
lookups:
  colours: {file: %s, by: from}
"""


@pytest.fixture
def inner(contacts: Command) -> Command:
    """The command in a folder below one with a .env, with what else a recipe has no business with."""
    folder = contacts.folder / "inner"
    folder.mkdir()
    contacts.write(".env", SECRETS).chmod(0o600)
    contacts.write("outside.csv", SECRETS)
    inside = Command(folder)
    inside.write("contacts.yaml", RECIPE)
    inside.write("rows.csv", ROWS)
    inside.write(".env", SECRETS).chmod(0o600)
    inside.write("runner.yaml", f"# {CANARY}\n")
    (folder / "runs").mkdir(mode=0o700)
    inside.write("runs/kept.csv", SECRETS)
    (folder / "link.csv").symlink_to("../outside.csv")
    (folder / "linked").symlink_to("..")
    return inside


FILES = [
    "../.env", "../outside.csv", ".env", "./x/../.env", "runner.yaml", "runs/kept.csv", "link.csv",
    "linked/outside.csv", "/proc/self/environ", "*.csv", "../*.csv", "linked/*", ".e*",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "way", [(), ("--format", "markdown"), ("--format", "github"), ("--format", "json")]
)
def test_rows_stay_in_the_folder(inner: Command, name: str, way: tuple[str, ...]) -> None:
    recipe = RECIPE.replace("file: rows.csv", f'file: "{name}"\n  delimiter: "="')
    inner.write("contacts.yaml", recipe)
    ended = inner("plan", "contacts.yaml", *way, code=2 if "*" in name else 3)
    assert CANARY not in ended.out + ended.err
    assert "SYNCORE_API_KEY" not in ended.out + ended.err
    if name != ".e*":  # which a pattern does not find
        said = ("is not below", "is hidden", "is a configuration", "lies in a folder of runs")
        assert any(each in ended.out + ended.err for each in said)


@pytest.mark.parametrize("name", [name for name in FILES if "*" not in name])
def test_lookups_stay_in_the_folder(inner: Command, name: str) -> None:
    recipe = RECIPE.replace("steps:", LOOKUP % f'"{name}"' + "steps:", 1)
    inner.write("contacts.yaml", recipe)
    for command in ("validate", "plan"):
        ended = inner(command, "contacts.yaml", code=3)
        assert CANARY not in ended.out + ended.err
        assert f"{name!r} " in ended.err


@pytest.mark.parametrize("name", ["../outside.csv", ".env", "linked/outside.csv", "runs/kept.csv"])
def test_overlays_stay_in_the_folder(inner: Command, name: str) -> None:
    inner.write(
        "runner.yaml", f"targets: {{sandbox: {{apis: {{syncore: {{overlay: {name}}}}}}}}}\n"
    )
    ended = inner("plan", "contacts.yaml", code=7)
    assert CANARY not in ended.out + ended.err
    assert "the overlay " in ended.err


def test_the_command_line_may_name_any_file(inner: Command) -> None:
    outside = Path(inner.folder.parent / "other.csv")
    outside.write_text(ROWS)
    inner("plan", "contacts.yaml", "--rows", "../other.csv")


def test_what_is_no_table_is_not_shown(contacts: Command) -> None:
    contacts.write("keys.csv", SECRETS)
    for way in ((), ("--format", "markdown"), ("--format", "github"), ("--format", "json")):
        ended = contacts("plan", "contacts.yaml", "--rows", "keys.csv", *way, code=3)
        assert CANARY not in ended.out + ended.err
        assert "SYNCORE_API_KEY" not in ended.out + ended.err
    assert "is it the right file" in ended.out + ended.err


def test_a_new_recipe_names_no_sheet_outside_its_folder(contacts: Command) -> None:
    (contacts.folder / "recipes").mkdir()
    told = contacts(
        "new", "syncore.create_contact", "--from", "rows.csv", "--out", "recipes/c.yaml"
    ).err
    assert "--rows rows.csv" in told
    assert "file:" not in (contacts.folder / "recipes" / "c.yaml").read_text()
    contacts("plan", "recipes/c.yaml", "--rows", "rows.csv")


NAMES = """\
recipe: 1
name: names
rows: {{file: {rows}, key: "{{{{ row.ref }}}}", columns: {{ref: {{from: Ref}}}}}}
lookups:
  names: {{file: {lookup}, by: ref}}
steps:
  - {{id: contact, use: syncore.create_contact, with: {{business_name: "{{{{ names[row.ref].ref }}}}"}}}}
  - {{id: more, include: {include}}}
"""
DOCUMENT = """\
openapi: 3.1.0
info: {{title: t, version: "1"}}
servers: [{{url: "https://x.example"}}]
paths: {{/a: {{get: {{operationId: look, responses: {{"200": {{$ref: {name}}}}}}}}}}}
"""


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "a/" * 3000, "\ud800", "loop/x"])
@pytest.mark.parametrize("place", ["rows", "lookup", "include", "api", "overlay", "reference"])
def test_a_name_that_no_file_can_have(runner: Command, name: str, place: str) -> None:
    """Too long, with a NUL, half a character, a link to itself: a problem with a place, whoever names it."""
    (runner.folder / "loop").symlink_to("loop")
    written = json.dumps(name)
    runner.write("rows.csv", "Ref\nA\n")
    runner.write("more.yaml", "steps: [{id: a, use: syncore.create_contact}]\n")
    own = {"rows": "rows.csv", "lookup": "names.csv", "include": "more.yaml"}
    runner.write("a.yaml", NAMES.format(**{**own, **({place: written} if place in own else {})}))
    runner.write("names.csv", "ref\nA\n")
    settings = {
        "api": f"apis: {{other: {written}}}\n",
        "overlay": f"targets: {{live: {{account: a, apis: {{syncore: {{overlay: {written}}}}}}}}}\n",
        "reference": "apis: {other: other.yaml}\n",
    }
    runner.write("other.yaml", DOCUMENT.format(name=written))
    runner.write("runner.yaml", settings.get(place, "{}\n"))
    command = ("plan", "a.yaml", "--target", "live" if place == "overlay" else "sandbox")
    ended = runner(
        *(("ops", "other") if place == "reference" else command),
        code=7 if place in ("api", "overlay") else 3,
    )
    assert "error: " in ended.err
