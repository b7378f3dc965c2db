"""Command lines and configurations that are wrong, each with what to do; nothing is sent."""

from __future__ import annotations

import socket

import click
import pytest

from runner.cli.main import cli
from runner.cli.whole_numbers import Whole

from .command import Command

NEW_ORDER = {
    "order_ref": "W-1", "company": "Ace", "first_name": "Dana", "last_name": "Whitlock", "email": "d@example.com",
    "event": "Picnic", "sku": "00618", "product": "Tee", "quantity": "2", "price": "8.40",
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rnu contacts.yaml", "there is no command 'rnu'; did you mean 'run'?"),
        ("frobnicate", "there is no command 'frobnicate'; known commands: "),
        ("run", "missing argument 'RECIPE'"),
        ("run contacts.yaml --dryrun", "no such option '--dryrun'. (Did you mean one of: '--dry-run', '--first-run'?)"),
        ("run contacts.yaml --rows", "option '--rows' requires an argument"),
        ("run contacts.yaml extra", "got unexpected extra argument (extra)"),
        ("run contacts.yaml --limit 0", "invalid value for '--limit': '0' is not a whole number from 1 to 1000000000"),
        ("run contacts.yaml --limit many", "invalid value for '--limit': 'many' is not a whole number from 1 to"),
        (f"run contacts.yaml --max-failures {10**30}", "invalid value for '--max-failures': '10000000000000"),
        (f"run contacts.yaml --limit {'9' * 5000}", "invalid value for '--limit': '999999999999999999999999"),
        (f"resume {2**63}", "invalid value for '[RUN]': '9223372036854775808' is not a whole number from 1 to"),
        (f"show {10**20}", "invalid value for '[RUN]': '100000000000000000000' is not a whole number"),
        (f"report {10**20}", "invalid value for '[RUN]': '100000000000000000000' is not a whole number"),
        (f"settle {10**20}", "invalid value for '[RUN]': '100000000000000000000' is not a whole number"),
        (f"settle --call {10**20} --absent --why x", "invalid value for '--call': '100000000000000000000' is"),
        (f"settle --undo {10**20} --why x", "invalid value for '--undo': '100000000000000000000' is"),
        (f"show {2**63 - 1}", "no run is recorded here"),
        ("run contacts.yaml --workers 0", "invalid value for '--workers'"),
        ("run contacts.yaml --workers 65", "invalid value for '--workers'"),
        ("run contacts.yaml --all", "--all says what a dry run shows\n       leave it out, or add --dry-run"),
        ("run contacts.yaml --only A-3", "no row has the key 'A-3'\n       did you mean 'A-2'?"),
        ("run contacts.yaml --only A-1 --only zzz", "no row has the key 'zzz'\n       known keys: A-1, A-2"),
        ("run contacts.yaml --dry-run --only A-3", "no row has the key 'A-3'"),
        ("run contacts.yaml --target prod", "there is no target 'prod'\n       known targets: sandbox; add it to "),
        ("run contacts.yaml --target sandbx", "there is no target 'sandbx'\n       did you mean 'sandbox'?"),
        ("run contacts.yaml -v x", "-v 'x' is not NAME=VALUE"),
        ("run contacts.yaml -v x=1", "the recipe has no variable 'x': leave it out"),
        ("run new-order", "10 variables are missing or wrong\n       'order_ref' is required (Your number for"),
        ("resume", "no run is recorded here\n       the journal would be "),
        ("resume x", "invalid value for '[RUN]': 'x' is not a whole number from 1 to 9223372036854775807"),
        ("show", "no run is recorded here"),
        ("settle", "no run is recorded here"),
        ("ops nosuch", "there is no API 'nosuch'\n       "),
        ("ops syncore.creat_job", "'creat_job'"),
        ("sandbox --port 65536", "invalid value for '--port'"),
        ("sandbox --folder rows.csv", "the folder rows.csv cannot be made: a file is in its way"),
    ],
)  # fmt: skip
def test_bad_command_line(contacts: Command, line: str, expected: str) -> None:
    ended = contacts(*line.split(), code=7 if "--folder" in line else 2)
    assert ended.out == ""
    assert expected in ended.err
    assert ended.err.startswith("error: ")
    assert not contacts.runs.exists()


def test_every_number_has_an_end() -> None:
    """A number that no journal and no clock has a place for is refused where it is given."""
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    numbers = [
        parameter.type
        for command in commands
        if command is not None
        for parameter in command.params
        if isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType)
    ]
    assert len(numbers) >= 10
    assert all(isinstance(each, Whole) for each in numbers)


def new_order(*more: str, **changes: str) -> list[str]:
    """The arguments of a good order, but for some values."""
    values = {**NEW_ORDER, **changes}
    return [
        "run",
        "new-order",
        *(part for name in values for part in ("-v", f"{name}={values[name]}")),
        *more,
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quantity": "two"}, "'quantity' has to be a whole number, not 'two'"),
        ({"quantity": "1.5"}, "'quantity' has to be a whole number, not '1.5'"),
        ({"price": "8,40"}, "'price' has to be a number, not '8,40'"),
        ({"price": "NaN"}, "'price' has to be a number, not 'NaN'"),
        (
            {"in_hands": "03/12/2027"},
            "'in_hands' has to be a date, written 2024-12-31, not '03/12/2027'",
        ),
        ({"pay_by": "Cash"}, "'pay_by' cannot be 'Cash'; allowed: Check, Credit Card, ACH"),
        ({"pay_bye": "ACH"}, "the recipe has no variable 'pay_bye': did you mean 'pay_by'?"),
        ({"company": "\udcff"}, "the value of 'company' is not UTF-8 text"),
    ],
)
def test_bad_variable(runner: Command, changes: dict[str, str], expected: str) -> None:
    assert expected in runner(*new_order(**changes), code=2).err
    assert not runner.runs.exists()


def test_all_bad_variables_at_once(runner: Command) -> None:
    told = runner(*new_order("-v", "oops", quantity="two", price="x"), code=2).err
    assert told.startswith(
        "error: 3 variables are missing or wrong\n       -v 'oops' is not NAME=VALUE\n"
    )
    assert told.count("has to be") == 2


@pytest.mark.parametrize("empty", ["", " ", "\u200b", "\u00a0\t"])
def test_a_required_variable_that_is_empty(runner: Command, empty: str) -> None:
    """As a script gives it whose own variable was never set."""
    told = runner(*new_order(order_ref=empty), code=2).err
    expected = "'order_ref' is required (Your number for the order), and its value is empty"
    assert expected in told
    assert not runner.runs.exists()


def test_a_required_variable_without_a_value_in_a_file(runner: Command) -> None:
    given = "".join(f"{name}: '{value}'\n" for name, value in NEW_ORDER.items())
    runner.write("vars.yaml", given.replace("quantity: '2'", "quantity:"))
    told = runner("run", "new-order", "--vars-file", "vars.yaml", code=2).err
    assert "'quantity' is required, and its value is empty: -v quantity=..." in told


@pytest.mark.parametrize("value", ["", "\u200b"])
def test_a_recipe_without_rows_whose_key_is_empty(runner: Command, value: str) -> None:
    runner.write(
        "one.yaml",
        "recipe: 1\nname: one\nkey: '{{ vars.ref }}'\nvars: {ref: {type: string, default: A}}\nsteps:\n"
        "  - {id: contact, use: syncore.create_contact, with: {business_name: Ace}}\n",
    )
    told = runner("run", "one.yaml", "-v", f"ref={value}", code=2).err
    assert told.startswith("error: the recipe's key {{ vars.ref }} is empty\n")
    assert runner.delivered() == []


def test_vars_file(runner: Command) -> None:
    assert (
        "no.yaml:1:1: error: cannot be read"
        in runner("run", "new-order", "--vars-file", "no.yaml", code=3).err
    )
    assert (
        ".:1:1: error: cannot be read" in runner("run", "new-order", "--vars-file", ".", code=3).err
    )
    runner.write("vars.yaml", "- a\n")
    told = runner("run", "new-order", "--vars-file", "vars.yaml", code=2).err
    assert told.startswith("error: vars.yaml holds no variables\n")
    runner.write("vars.yaml", "".join(f"{name}: '{value}'\n" for name, value in NEW_ORDER.items()))
    runner("run", "new-order", "--vars-file", "vars.yaml", "--dry-run")
    assert (
        "whole number"
        in runner("run", "new-order", "--vars-file", "vars.yaml", "-v", "quantity=x", code=2).err
    )


def test_only_for_a_recipe_without_rows(runner: Command) -> None:
    assert (
        "no row has the key 'W-2'\n       did you mean 'W-1'?"
        in runner(*new_order("--only", "W-2"), code=2).err
    )
    runner(*new_order("--only", "W-1", "--dry-run"))


def test_a_run_that_is_not_there(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    sent = contacts.delivered(writes=False)
    for line in ("resume 7", "show 7", "settle 7"):
        assert (
            contacts(*line.split(), code=2).err
            == "error: there is no run 7\n       runs 1 to 1: runner runs\n"
        )
    assert "no row with the key 'nope'" in contacts("show", "--key", "nope", code=2).err
    assert contacts.delivered(writes=False) == sent


LIVE = """\
targets:
  live:
    account: acme
    apis:
      syncore: {base_url: "http://127.0.0.1:9/v2", secrets: {api_key: {env: ACME_KEY}}}
"""


def test_a_missing_secret_is_named_with_how_to_set_it(contacts: Command) -> None:
    contacts.write("runner.yaml", LIVE)
    told = contacts("run", "contacts.yaml", "--target", "live", "--first-run", code=7).err
    assert "target 'live' lacks a secret of syncore" in told
    assert f"api_key: set ACME_KEY in the environment or in {contacts.folder}/.env" in told
    assert not (contacts.runs / "1").exists()
    contacts("run", "contacts.yaml", "--target", "live", "--dry-run")


def test_a_secret_that_nothing_names(contacts: Command) -> None:
    contacts.write("runner.yaml", LIVE.replace(", secrets: {api_key: {env: ACME_KEY}}", ""))
    told = contacts("run", "contacts.yaml", "--target", "live", "--first-run", code=7).err
    assert (
        "api_key: say where it comes from in runner.yaml: targets.live.apis.syncore.secrets" in told
    )


@pytest.mark.parametrize("value", ["canary-\u00e9", "canary-\ttab", "canary-\r\nX-Evil: 1"])
def test_a_secret_that_no_header_can_carry_is_not_shown(contacts: Command, value: str) -> None:
    contacts.write("runner.yaml", LIVE)
    ended = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", code=7, env={"ACME_KEY": value}
    )
    assert "api_key: ACME_KEY holds " in ended.err
    assert "characters that a header cannot carry" in ended.err
    assert "canary" not in ended.out + ended.err


def test_a_secret_written_into_the_configuration_is_not_repeated(contacts: Command) -> None:
    contacts.write("runner.yaml", LIVE.replace("{env: ACME_KEY}", "canary-1234"))
    ended = contacts("run", "contacts.yaml", "--target", "live", "--first-run", code=7)
    assert "a secret is never written here" in ended.err
    assert "canary" not in ended.out + ended.err


def test_a_secret_file_that_others_can_read(contacts: Command) -> None:
    contacts.write("runner.yaml", LIVE)
    contacts.write(".env", "ACME_KEY=canary\n").chmod(0o644)
    ended = contacts("run", "contacts.yaml", "--target", "live", "--first-run", code=7)
    assert f"{contacts.folder}/.env can be read by others\n       chmod 600 " in ended.err
    assert "canary" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("targets: {live: {}}\n", "target 'live' has no account"),
        ("targets: {sandbox: {account: a}}\n", "unknown key 'account'"),
        ("tragets: {}\n", "unknown key 'tragets'"),
        ("- a\n", "a mapping is needed here"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_bad_configuration(contacts: Command, settings: str, expected: str) -> None:
    contacts.write("runner.yaml", settings)
    for command in ("runs", "run contacts.yaml"):
        told = contacts(*command.split(), code=7).err
        assert f"{contacts.folder}/runner.yaml:" in told
        assert expected in told
    assert not contacts.runs.exists()


def test_a_port_in_use(runner: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = runner("sandbox", "--port", port, code=7)
    assert (
        ended.err
        == f"error: port {port} cannot be used: address already in use\n       --port 0 takes a free one\n"
    )
    assert ended.out == ""


def test_a_file_where_the_runs_are_kept(contacts: Command) -> None:
    contacts.write("runs", "")
    contacts("run", "contacts.yaml", "--dry-run")
    for line in ("run contacts.yaml", "sandbox"):
        told = contacts(*line.split(), code=7).err
        assert f"the folder {contacts.runs}" in told
        assert "cannot be made: a file is in its way\n       move the file away" in told


def test_a_journal_that_is_none(contacts: Command) -> None:
    contacts.runs.mkdir()
    contacts.write(
        "runs/journal.sqlite", "not a database, but longer than its header would be" * 10
    )
    for line in (
        "run contacts.yaml",
        "run contacts.yaml --dry-run",
        "runs",
        "resume",
        "show",
        "settle",
    ):
        assert (
            f"the journal {contacts.runs}/journal.sqlite cannot be "
            in contacts(*line.split(), code=8).err
        )
    assert contacts.delivered(writes=False) == []


def test_settle_says_what_it_needs(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    assert contacts("settle").out == "nothing is unknown\n"
    for line in ("--absent", "--done 5", "--why guess"):
        assert "say which call it is about" in contacts("settle", *line.split(), code=2).err
    assert (
        "call 99 is not open"
        in contacts("settle", "--call", "99", "--absent", "--why", "guess", code=2).err
    )
