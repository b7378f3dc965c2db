"""What the README and docs/ show is true: their recipes are valid, and their commands run, in order, in one folder.

A block whose fence says `no-run` is left alone: ```console no-run. Of a page's other blocks, in their order:

    yaml      that starts with `recipe:` is saved as NAME.yaml and has to be valid; with `targets:`, it is the
              runner.yaml from there on; any other is a part of something and has to be YAML
    csv       is saved as the input of the recipe that follows it
    console   every line that starts with `$ runner` has to end with exit code 0; a backslash at its end goes on
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from cli.command import TREE, Command

from runner import source
from runner.cli.main import EXIT_CODES, cli

PAGES = [TREE / "README.md", *sorted((TREE / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block, and the line it begins on."""

    kind: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that are to be tried."""
    content = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(content):
        if "no-run" not in found["info"].split():
            line = content.count("\n", 0, found.start()) + 1
            text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            yield Block(found["kind"], text, line)


def test_the_pages_are_there() -> None:
    assert {"yaml", "console"} <= {block.kind for block in blocks(PAGES[0])}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(tmp_path: Path, page: Path) -> None:
    runner, sheet = Command(tmp_path), ""
    for block in blocks(page):
        if block.kind == "csv":
            sheet = block.text
        elif block.kind == "yaml":
            _keep(runner, block, sheet)
        elif block.kind == "console":
            for line in re.findall(
                r"^\$ runner (.*)$", block.text.replace("\\\n", " "), re.MULTILINE
            ):
                runner(*shlex.split(line, comments=True))


def _keep(runner: Command, block: Block, sheet: str) -> None:
    path = runner.write(f"block-{block.line}.yaml", block.text)
    data = source.read(path).data
    keys = data if isinstance(data, dict) else {}
    if "recipe" in keys:
        path = path.rename(runner.folder / f"{keys['name']}.yaml")
        if sheet:
            runner.write(keys["rows"]["file"], sheet)
        assert runner("validate", path.name).err == ""
    elif "targets" in keys:
        path.rename(runner.folder / "runner.yaml")
        runner("runs")


def test_every_command_that_is_named_is_there() -> None:
    """In the pages and in the comments of recipes: `runner WORD`, in code."""
    known = {*cli.list_commands(click.Context(cli)), "--version", "--help"}
    for page in [*PAGES, *(TREE / "recipes").glob("*.yaml")]:
        content = page.read_text(encoding="utf-8")
        named = re.findall(r"(?:`|\$ |# +)runner ([a-z-]+)", content)
        assert set(named) <= known, page.name


def test_exit_codes() -> None:
    """The README explains the codes that `--help` explains; those of signals may stand together."""
    (told,) = re.findall(
        r"^Exit codes: (.*?)\n\n", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    starts = [re.findall(r"\A\s*([\d/]+) ", part) for part in told.split("·")]
    codes = {int(code) for (start,) in starts for code in start.split("/")}
    assert {code for code in EXIT_CODES if code < 128} <= codes <= set(EXIT_CODES)
