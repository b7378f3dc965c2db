"""Command group, which imports a command on use, and the handler of every error."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click

from runner import __version__
from runner.problems import InvalidError, RunnerError, draw_all, printable
from runner.project.streams import OutputError, flush_streams, open_streams

EXIT_OUTPUT = OutputError("").exit_code

_WEAKER = (0, 4, 20)
"""Exit codes that the code of unwritable output replaces."""

_COMMANDS = (
    "init",
    "new",
    "validate",
    "plan",
    "run",
    "resume",
    "notify",
    "report",
    "runs",
    "show",
    "settle",
    "ops",
    "schema",
    "probe",
    "doctor",
    "sandbox",
)
"""The commands in the order of `--help`; each is a function in the module of its name."""

EXIT_CODES = {
    0: "all done",
    1: "an error inside runner itself",
    2: "the command line asks for what is not there",
    3: "the recipe or its data is wrong; nothing was sent",
    4: "some rows were rejected or changed (probe: something differs)",
    5: "the outcome of some calls is unknown (wins over 4)",
    6: "another run is using the journal",
    7: "configuration, credentials or TLS",
    8: "stopped before the end ('runner resume' goes on), or output unwritable",
    20: "the plan has something to send (--detailed-exitcode)",
    129: "stopped by SIGHUP",
    130: "stopped by SIGINT (ctrl-C)",
    143: "stopped by SIGTERM",
}
"""The exit codes with their meanings. `--help` shows them."""

_AFTER = "if something was sent, the journal has it: runner runs"


class _Commands(click.Group):
    """Commands by name, each imported on first use: `runner --version` imports none of them."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(_import(f"runner.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from runner.problems import nearest

            remedy = nearest(args[0], _COMMANDS, noun="commands")
            raise click.UsageError(f"there is no command {args[0]!r}; {remedy}", ctx) from None


def _import(module: str) -> ModuleType:
    """Return the module of a command."""
    # Modules are never garbage: collecting them took a twentieth of the start.
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001
    if value:
        click.echo(f"runner {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version.",
)
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Run YAML recipes against order-management APIs, for every row of a file.

    Start with: runner run import-orders --dry-run
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return 2
    return 0


def main() -> NoReturn:
    """Run the `runner` command, and end the process with its exit code."""
    open_streams()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # else it is ignored, which it stays
        signal.signal(signal.SIGTERM, _terminate)
    code = run(sys.argv[1:])
    failure = flush_streams()
    if failure:
        with suppress(OutputError):
            _print_error(failure)
        code = EXIT_OUTPUT if code in _WEAKER else code
    sys.exit(code)


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM: it ends a command as SIGINT does, but for runs, which finish what is in flight."""


def _terminate(*_: object) -> NoReturn:
    raise _TerminatedError


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code. Every error is reported here, as text."""
    try:
        # Not cli.main, which makes a closed pipe exit code 1.
        with cli.make_context("runner", arguments) as context:
            result = cli.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except OutputError as error:
        # main reports it, once: the output may fail at several places.
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error becomes a line of text
        try:
            return _report_error(error)
        except OutputError:
            return getattr(error, "exit_code", 1)


def _report_error(error: Exception | KeyboardInterrupt) -> int:
    """Print the error that ended the command, and return its exit code."""
    if isinstance(error, InvalidError):
        click.echo(draw_all(error.problems, total=error.total), err=True, nl=False)
        for note in (*getattr(error, "__notes__", ()), "nothing was sent"):
            click.echo(note, err=True)
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("interrupted", err=True)
        return 143 if isinstance(error, _TerminatedError) else 130
    if isinstance(error, RunnerError):
        _print_error(error.message, *getattr(error, "__notes__", ()), error.remedy)
        return error.exit_code
    if isinstance(error, click.ClickException):
        message = error.format_message()
        context = getattr(error, "ctx", None)
        remedy = f"see: {context.command_path} --help" if context else ""
        _print_error(message[:1].lower() + message[1:].rstrip("."), remedy)
        return error.exit_code
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename is not None else ""
        _print_error(name + (error.strerror or str(error)).lower(), _AFTER)
        return 1
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    _print_error(f"{type(error).__name__} at {where}: this is a fault of runner itself", _AFTER)
    return 1


def _print_error(message: str, *more: str) -> None:
    """Print an error on stderr, followed by its remedy."""
    click.echo(f"error: {printable(message)}", err=True)
    for line in filter(None, more):
        click.echo(f"       {printable(line)}", err=True)
