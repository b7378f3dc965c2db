"""What `--help` and `--version` say: every command, every option, and exit codes that are the program's own."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import click
import pytest

from runner import problems
from runner.cli.main import EXIT_CODES, cli
from runner.engine import totals

from .command import Command

CONTEXT = click.Context(cli)
COMMANDS = [(), *((name,) for name in cli.list_commands(CONTEXT))]

EXPECTED = {
    "--var": 2,
    "--vars-file": 3,
    "--again": 2,
    "--why": 2,
    "--rows-format": 2,
    "--project": 2,
    "--detailed-exitcode": 20,
}
"""Exit codes of `plan` with one option alone: some need another one, or a variable that the recipe has."""


def found(command: tuple[str, ...]) -> click.Command:
    """A command by its words."""
    if not command:
        return cli
    inner = cli.get_command(CONTEXT, command[0])
    assert inner is not None
    return inner


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_does(command: tuple[str, ...]) -> None:
    inner = found(command)
    assert inner.help
    assert inner.get_short_help_str(limit=200).endswith(".")
    for parameter in inner.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts
            assert parameter.help.endswith("."), parameter.opts


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_stands_in_help(runner: Command, command: tuple[str, ...]) -> None:
    told = runner(*command, "--help").out
    assert told.startswith(f"Usage: {' '.join(['runner', *command])} [OPTIONS]")
    for parameter in found(command).params:
        for name in (
            parameter.opts
            if isinstance(parameter, click.Option)
            else [parameter.make_metavar(CONTEXT)]
        ):
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", told), name
    assert runner(*command, "-h").out == told


def test_plan_lists_what_it_takes_and_nothing_else(contacts: Command) -> None:
    """Every option of `plan` is accepted by it, and none speaks of a run."""
    values = {
        "--rows": "rows.csv", "--rows-format": "csv", "--var": "a=b", "--vars-file": "vars.yaml", "--target": "sandbox",
        "--limit": "1", "--only": "A-1", "--again": "A-1", "--why": "gone", "--format": "text", "--out": "plan.json",
        "--against": "plan.json", "--date": "2027-01-02", "--project": ".", "--bad-rows": "aside",
    }  # fmt: skip
    for parameter in found(("plan",)).params:
        if not isinstance(parameter, click.Option):
            continue
        name = max(parameter.opts, key=len)
        assert "for a run" not in str(parameter.help).lower(), name
        told = contacts("plan", "contacts.yaml", name, *([values[name]] if not parameter.is_flag else []),
                        code=EXPECTED.get(name, 0))  # fmt: skip
        assert "is for a run" not in told.err, name


def test_every_command_stands_in_help(runner: Command) -> None:
    told = runner("--help").out
    for name in cli.list_commands(CONTEXT):
        (line,) = re.findall(rf"^  {name} +(\S.*)$", told, re.MULTILINE)
        assert "..." not in line
    assert runner(code=2).err == told


def test_exit_codes_stand_in_help(runner: Command) -> None:
    told = runner("--help").out.partition("Exit codes:\n")[2]
    assert {
        int(code): text for code, text in re.findall(r"^  (\d+) +(\S.*)$", told, re.MULTILINE)
    } == EXIT_CODES


def test_exit_codes_are_the_programs_own() -> None:
    """Every code that something can end with is explained, and every one that is explained is of something."""
    own = {error.exit_code for error in _errors(problems.RunnerError)}
    own |= {code for name, code in vars(totals).items() if name.startswith("EXIT_")}
    assert own | {0, 2, 129, 130, 143} == set(EXIT_CODES)


def _errors(kind: type[problems.RunnerError]) -> list[Any]:
    return [kind, *(inner for child in kind.__subclasses__() for inner in _errors(child))]


def test_version(runner: Command) -> None:
    assert runner("--version").out == f"runner {version('recipe-runner')}\n"
