"""Whose key goes where: a project is that of the folder one stands in, and files of others are not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .command import RECIPE, ROWS, Command
from .conftest import StartStub
from .stub import Answer, Stub

KEY = {"ACME_KEY": "k-of-mine"}
STRANGER = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture
def stub(start_stub: StartStub) -> Stub:
    return start_stub(lambda _: Answer(201, b'{"id": 1}'))


@pytest.fixture
def stranger(contacts: Command, stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody else's, with a recipe, and a runner.yaml that names the stub."""
    folder = tmp_path_factory.mktemp("stranger")
    there = Command(folder)
    there.write("contacts.yaml", RECIPE)
    there.write("rows.csv", ROWS)
    there.write("runner.yaml", stub.settings())
    return folder


RUN = ("--target", "live", "--first-run")


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("ours", [True, False])
def test_another_project_is_refused_unless_it_is_named(
    contacts: Command, stub: Stub, stranger: Path, command: str, *, ours: bool
) -> None:
    if not ours:
        (contacts.folder / "runner.yaml").unlink()
    recipe = os.path.relpath(stranger / "contacts.yaml", contacts.folder)
    told = contacts(command, recipe, "--target", "live", code=2, env=KEY).err
    assert f"belongs to {stranger / 'runner.yaml'}" in told
    here = contacts.folder / "runner.yaml"
    assert (str(here) if ours else f"none at or above {contacts.folder}") in told
    assert "--project FOLDER" in told
    assert not stub.sent
    assert not (stranger / "runs").exists()


def test_the_sandbox_of_another_project_is_refused_too(contacts: Command, stranger: Path) -> None:
    contacts("run", stranger / "contacts.yaml", code=2)
    assert not contacts.runs.exists()


def test_the_named_project_holds(contacts: Command, stub: Stub, stranger: Path) -> None:
    recipe = stranger / "contacts.yaml"
    told = contacts("run", recipe, *RUN, "--project", stranger, env=KEY).err
    assert f"syncore at {stub.url} as acme, by {stranger / 'runner.yaml'}\n" in told
    assert (stranger / "runs").exists()
    assert not contacts.runs.exists()
    contacts("plan", recipe, "--project", ".")
    contacts("validate", recipe, "--project", ".")
    told = contacts("run", recipe, "--project", "nowhere", code=2).err
    assert "there is no runner.yaml in it" in told


def test_a_recipe_is_checked_wherever_one_stands(contacts: Command, stranger: Path) -> None:
    contacts("validate", stranger / "contacts.yaml")


def test_a_recipe_of_no_project_is_run_in_the_one_here(
    contacts: Command, stub: Stub, stranger: Path
) -> None:
    (stranger / "runner.yaml").unlink()
    contacts("run", stranger / "contacts.yaml", *RUN, env=KEY)
    assert contacts.runs.exists()
    assert len(stub.writes) == 2


@pytest.mark.parametrize("way", [(), ("-q",), ("--json",)])
def test_a_run_begins_with_where_it_goes(
    contacts: Command, stub: Stub, way: tuple[str, ...]
) -> None:
    told = contacts("run", "contacts.yaml", *RUN, *way, env=KEY).err
    where = contacts.folder / "runner.yaml"
    assert told.startswith(f"target   syncore at {stub.url} as acme, by {where}\n")


def test_the_sandbox_is_not_announced(contacts: Command) -> None:
    assert "target   " not in contacts("run", "contacts.yaml").err


@needs_root
@pytest.mark.parametrize(
    ("name", "code"), [("runner.yaml", 7), (".env", 7), ("contacts.yaml", 7), ("o.yaml", 7)]
)
def test_a_file_of_another_user_is_refused(
    contacts: Command, stub: Stub, name: str, code: int
) -> None:
    contacts.write("runner.yaml", stub.settings() + "        overlay: o.yaml\n")
    contacts.write(
        "o.yaml",
        "overlay: 1.0.0\ninfo: {title: t, version: 1.0.0}\n"
        "actions: [{target: $.info, update: {title: x}}]\n",
    )
    contacts.write(".env", "ACME_KEY=key-of-acme").chmod(0o600)
    os.chown(contacts.folder / name, STRANGER, -1)
    told = contacts("run", "contacts.yaml", *RUN, code=code).err
    assert f"{name} belongs to another user (id {STRANGER})" in told
    assert "RUNNER_SAFE_FOLDERS=" in told
    assert not stub.sent
    other = {"RUNNER_SAFE_FOLDERS": str(contacts.folder / "other")}
    contacts("run", "contacts.yaml", *RUN, code=code, env=other)
    safe = {"RUNNER_SAFE_FOLDERS": f"/nowhere:{contacts.folder}"}
    contacts("run", "contacts.yaml", *RUN, env=safe)


@needs_root
def test_a_link_of_another_user_is_refused(contacts: Command, stub: Stub) -> None:
    (contacts.folder / "runner.yaml").rename(contacts.folder / "mine.yaml")
    (contacts.folder / "runner.yaml").symlink_to("mine.yaml")
    os.chown(contacts.folder / "runner.yaml", STRANGER, -1, follow_symlinks=False)
    assert "another user" in contacts("run", "contacts.yaml", *RUN, code=7, env=KEY).err
    assert not stub.sent


@needs_root
def test_an_included_file_of_another_user_is_refused(contacts: Command, stub: Stub) -> None:
    steps = RECIPE[RECIPE.index("steps:") : RECIPE.index("outputs:")].replace("row.", "vars.")
    contacts.write("steps.yaml", "vars: {name: {}, ref: {}}\n" + steps)
    head = RECIPE[: RECIPE.index("steps:")]
    contacts.write(
        "contacts.yaml",
        head + "steps:\n  - id: all\n    include: steps.yaml\n"
        '    with: {name: "{{ row.name }}", ref: "{{ row.ref }}"}\n',
    )
    contacts("plan", "contacts.yaml")
    os.chown(contacts.folder / "steps.yaml", STRANGER, -1)
    assert (
        "steps.yaml belongs to another"
        in contacts("run", "contacts.yaml", *RUN, code=7, env=KEY).err
    )
    assert not stub.sent


def test_a_link_is_no_file_of_secrets(contacts: Command, stub: Stub) -> None:
    contacts.write("keys", "ACME_KEY=key-of-acme").chmod(0o600)
    (contacts.folder / ".env").symlink_to("keys")
    assert ".env is a symbolic link" in contacts("run", "contacts.yaml", *RUN, code=7).err
    assert not stub.sent


def test_an_overlay_does_not_say_where_an_api_is(contacts: Command, stub: Stub) -> None:
    contacts.write("runner.yaml", stub.settings() + "        overlay: o.yaml\n")
    head = "overlay: 1.0.0\ninfo: {title: t, version: 1.0.0}\nactions:\n"
    evil = "servers: [{url: 'https://evil.example'}]"
    for target in ("$", "$.paths.*", "$.paths.*.post"):
        contacts.write("o.yaml", f'{head}  - {{target: "{target}", update: {{{evil}}}}}\n')
        told = contacts("run", "contacts.yaml", *RUN, code=3, env=KEY).err
        assert "does not say where an API is" in told
    assert not stub.sent


def test_a_secret_needs_a_base_url(contacts: Command, stub: Stub) -> None:
    settings = stub.settings().replace(f"        base_url: {stub.url}\n", "")
    contacts.write("runner.yaml", settings)
    told = contacts("run", "contacts.yaml", *RUN, code=7, env=KEY).err
    assert "secrets without a base_url" in told
