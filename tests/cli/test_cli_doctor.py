"""Where secrets come from: a variable, a keyring, a command, standard input; and `doctor`, which says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Command
from .conftest import StartStub
from .stub import Answer, Stub

SECRET = "key-of-acme-0815"
RUN = ("run", "contacts.yaml", "--target", "live", "--first-run")


@pytest.fixture
def stub(contacts: Command, start_stub: StartStub) -> Stub:
    return start_stub(lambda _: Answer(201, b'{"id": 7}'))


def from_source(contacts: Command, stub: Stub, source: str) -> None:
    contacts.write("runner.yaml", stub.settings().replace("{env: ACME_KEY}", source))


def keyring(contacts: Command) -> dict[str, str]:
    """What a process needs to find a keyring that knows one secret."""
    folder = contacts.folder / "modules"
    folder.mkdir()
    known = {("syncore", "acme"): SECRET}
    (folder / "keyring.py").write_text(
        f"def get_password(service, user):\n    return {known!r}.get((service, user))\n"
    )
    return {"PYTHONPATH": str(folder)}


def test_a_command_gives_it(contacts: Command, stub: Stub) -> None:
    contacts.write("key.txt", f"{SECRET}\n")
    from_source(contacts, stub, "{command: [cat, key.txt]}")
    contacts(*RUN)
    assert {sent.key for sent in stub.sent} == {SECRET}


def test_no_shell_reads_a_command(contacts: Command, stub: Stub) -> None:
    from_source(contacts, stub, '{command: [echo, "$(touch seen)`touch seen`; touch seen"]}')
    contacts(*RUN)
    assert not (contacts.folder / "seen").exists()


def test_standard_input_gives_it(contacts: Command, stub: Stub) -> None:
    from_source(contacts, stub, "{stdin: true}")
    contacts(*RUN, stdin=f"{SECRET}\nmore\n".encode())
    assert {sent.key for sent in stub.sent} == {SECRET}


def test_a_keyring_gives_it(contacts: Command, stub: Stub) -> None:
    from_source(contacts, stub, "{keyring: syncore/acme}")
    contacts(*RUN, env=keyring(contacts))
    assert {sent.key for sent in stub.sent} == {SECRET}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{command: [sh, -c, 'echo key-of-acme-0815; exit 3']}", "the command sh ended with 3"),
        ("{command: [no-such-program]}", "the command no-such-program cannot be run: no such file"),
        ("{command: ['true']}", "the command true printed no secret"),
        ("{command: [echo, short]}", "fewer than 8 characters"),
        ("{command: [printf, 'two\\nlines-of-it']}", "a line break or other characters"),
        ("{stdin: true}", "nothing is piped in for it"),
        ("{keyring: syncore/other}", "the keyring has nothing for it: keyring set syncore other"),
        ("{env: ACME_KEY}", "set ACME_KEY in the environment or in"),
    ],
)
def test_what_is_wrong_with_a_source(contacts: Command, stub: Stub, source: str, said: str) -> None:
    from_source(contacts, stub, source)
    env = keyring(contacts)
    for command in (RUN, ("doctor",)):
        told = contacts(*command, code=7, env=env)
        assert said in told.out + told.err
        assert SECRET not in told.out + told.err
        assert "lines-of-it" not in told.out + told.err
    assert stub.sent == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{command: op read key}", "command is a list"),
        ("{command: []}", "command is a list"),
        ("{keyring: acme}", "keyring is service/user"),
        ("{stdin: yes please}", "stdin is true"),
        ("{env: A, stdin: true}", "a secret has one source"),
        ("{}", "env has to be the name of a variable"),
        ("key-of-acme-0815", "a secret is never written here"),
    ],
)
def test_a_source_that_is_none(contacts: Command, stub: Stub, source: str, said: str) -> None:
    from_source(contacts, stub, source)
    told = contacts("plan", "contacts.yaml", "--target", "live", code=7).err
    assert said in told
    assert SECRET not in told


def test_without_the_extra(contacts: Command, stub: Stub) -> None:
    folder = contacts.folder / "modules"
    folder.mkdir()
    (folder / "keyring.py").write_text("raise ImportError\n")
    from_source(contacts, stub, "{keyring: syncore/acme}")
    told = contacts(*RUN, code=7, env={"PYTHONPATH": str(folder)}).err
    assert "pip install 'recipe-runner[keyring]'" in told


def test_a_project_that_is_in_order(contacts: Command, stub: Stub) -> None:
    settings = stub.settings()
    contacts.write(
        "runner.yaml", settings + "notify: [{when: always, webhook: {url: {env: HOOK}}}]\n"
    )
    contacts.write(".env", f"ACME_KEY={SECRET}\nHOOK=https://hooks.example.com/{SECRET}\n").chmod(
        0o600
    )
    told = contacts("doctor").out
    assert "api_key from variable ACME_KEY, sent as header x-api-key" in told
    assert f"syncore at {stub.url}" in told
    assert "target    live, account acme" in told
    assert "webhook HOOK: variable HOOK" in told
    assert told.endswith("all in order\n")
    assert SECRET not in told
    assert stub.sent == []


def test_what_is_wrong_with_a_project(contacts: Command, stub: Stub) -> None:
    settings = stub.settings().replace(
        "{api_key: {env: ACME_KEY}}", "{api_key: {env: ACME_KEY}, other: {env: OTHER}}"
    )
    contacts.write(
        "runner.yaml", settings + "notify: [{when: always, webhook: {url: {env: HOOK}}}]\n"
    )
    told = contacts("doctor", code=7).out
    assert "set ACME_KEY in the environment or in" in told
    assert "syncore wants no secret other" in told
    assert "HOOK is not set" in told
    assert told.endswith("3 wrong\n")


def test_a_folder_without_a_project(runner: Command, tmp_path: Path) -> None:
    told = runner("doctor").out
    assert "no target but the sandbox" in told
