"""Recipes that are wrong: exit code 3 from validate and from run; nothing is sent."""

from __future__ import annotations

import pytest

from .command import RECIPE, Command

CASES: dict[str, tuple[str | bytes, list[str]]] = {
    "not YAML": ("steps: [a\n", ["bad.yaml:", "not valid YAML"]),
    "binary": (
        b"\x00\x01\xfe\xff" * 20,
        ["bad.yaml:1:3: error: not UTF-8 text", "save it as UTF-8"],
    ),
    "UTF-16": (
        RECIPE.encode("utf-16"),
        ["bad.yaml:1:1: error: not UTF-8 text", "save it as UTF-8"],
    ),
    "a list": (
        "- recipe: 1\n",
        ["bad.yaml:1:1: error: a recipe is a mapping of keys to values, not a list"],
    ),
    "a text": ("hello\n", ["bad.yaml:1:1: error: a recipe is a mapping of keys to values"]),
    "empty": ("", ["bad.yaml:1:1: error: the recipe is empty", 'a recipe starts with "recipe: 1"']),
    "only comments": ("# to do\n", ["bad.yaml:1:1: error: the recipe is empty"]),
    "unknown key": (
        RECIPE.replace("use:", "uses:"),
        ["bad.yaml:14:5: error: unknown key 'uses'", "did you mean 'use'?"],
    ),
    "unquoted template": (
        RECIPE.replace('"{{ row.name }}"', "{{ row.name }}"),
        ["bad.yaml:16:", 'quote template brackets: "{{ ... }}"'],
    ),
    "undefined name": (
        RECIPE.replace("row.name", "rwo.name"),
        ["bad.yaml:16:26: error: nothing is called 'rwo' here", "did you mean 'row'?"],
    ),
    "unknown column": (
        RECIPE.replace("row.name", "row.nmae"),
        ["bad.yaml:16:", "'nmae'", "did you mean 'name'?"],
    ),
    "unknown operation": (
        RECIPE.replace("create_contact", "create_contract"),
        ["bad.yaml:14:", "'create_contract'", "did you mean 'syncore.create_contact'?"],
    ),
    "duplicate key": (RECIPE + "name: again\n", ["bad.yaml:21:1: error: ", "'name'", "line 2"]),
    "alias bomb": ("a: &a [1]\nb: [*a, *a]\n", ["bad.yaml:1:4: error: "]),
    "code": ("name: !!python/object/apply:os.system ['touch pwned']\n", ["bad.yaml:1:7: error: "]),
    "everything at once": (
        RECIPE.replace("use:", "uses:")
        .replace("rwo.name", "row.name")
        .replace("type: date", "type: dte"),
        ["'uses'", "'dte'", "2 errors"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_recipe(contacts: Command, case: str) -> None:
    content, expected = CASES[case]
    contacts.write("bad.yaml", content)
    checked = contacts("validate", "bad.yaml", code=3)
    ended = contacts("run", "bad.yaml", code=3)
    assert ended.err == checked.err + "nothing was sent\n"
    for text in expected:
        assert text in ended.err
    assert not contacts.runs.exists()
    assert not (contacts.folder / "pwned").exists()


def test_the_dry_run_says_the_same(contacts: Command) -> None:
    contacts.write("bad.yaml", "- a\n")
    assert contacts("run", "bad.yaml", "--dry-run", code=3) == contacts("run", "bad.yaml", code=3)


def test_no_such_recipe(contacts: Command) -> None:
    told = contacts("run", "contact.yaml", code=3).err
    assert f"contact.yaml:1:1: error: cannot be read: no such file in {contacts.folder}" in told
    assert "did you mean 'contacts.yaml'?" in told


def test_the_name_of_a_file_is_no_name_of_a_shipped_recipe(runner: Command) -> None:
    """What is proposed would run."""
    told = runner("run", "import-orders.yml", code=3).err
    assert f"no such file in {runner.folder}" in told
    assert "did you mean" not in told


def test_a_recipe_in_another_folder(contacts: Command) -> None:
    (contacts.folder / "inner").mkdir()
    contacts.write("inner/orders.yaml", "recipe: 1\n")
    assert "it is there as inner/orders.yaml" in contacts("run", "orders.yaml", code=3).err
    inner = Command(contacts.folder / "inner")
    told = inner("run", "contacts.yaml", code=3).err
    assert f"it is there as {contacts.folder / 'contacts.yaml'}" in told


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_sheet_in_the_place_of_a_recipe(contacts: Command, command: str) -> None:
    told = contacts(command, "rows.csv", code=2).err
    assert "rows.csv is a sheet, and a recipe is wanted here" in told
    assert "RECIPE --rows 'rows.csv'; without one: runner init --from 'rows.csv'" in told


def test_no_such_shipped_recipe(runner: Command) -> None:
    assert "did you mean 'import-orders'?" in runner("run", "import-order", code=3).err
    told = runner("run", "zzz", code=3).err
    assert "known recipes: " in told
    assert "import-orders" in told


def test_a_folder(contacts: Command) -> None:
    told = contacts("run", ".", code=3).err
    assert ".:1:1: error: cannot be read: a folder, not a recipe" in told
    assert "contacts.yaml" in told


def test_names_that_no_file_has(runner: Command) -> None:
    assert "cannot be read: file name too long" in runner("run", "a" * 5000, code=3).err
    assert "cannot be read: no such file" in runner("run", "ro\udcffws", code=3).err
    assert "not a regular file" in runner("run", "/dev/null", code=3).err


def test_a_recipe_whose_name_is_not_utf_8(contacts: Command) -> None:
    (contacts.folder / "contacts.yaml").rename(contacts.folder / "con\udcff.yaml")
    assert (
        "the name of the recipe's file is not UTF-8"
        in contacts("run", "con\udcff.yaml", code=2).err
    )


def test_validate_goes_on_after_a_bad_one(contacts: Command) -> None:
    contacts.write("bad.yaml", "- a\n")
    ended = contacts("validate", "bad.yaml", "contacts.yaml", "nosuch.yaml", "new-order", code=3)
    assert ended.out == "contacts.yaml: ok, 1 step\nnew-order: ok, 5 steps\n"
    assert "bad.yaml:1:1" in ended.err
    assert "nosuch.yaml:1:1" in ended.err


def test_a_file_wins_over_a_shipped_recipe_of_that_name(contacts: Command) -> None:
    (contacts.folder / "contacts.yaml").rename(contacts.folder / "import-orders")
    assert contacts("validate", "import-orders").out == "import-orders: ok, 1 step\n"
