"""Sandboxes in which a recipe that ships finds what its sample is about.

The comment of such a recipe names what has to run before it, one line each:

    #   runner run import-orders             first, in a new sandbox: it makes what the sample is about
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cli.command import TREE, Command

_FIRST = re.compile(r"(?m)^#   runner run (\S+) +first, in a new sandbox: ")
_made: dict[tuple[str, ...], Path] = {}


def first(recipe: Path) -> tuple[str, ...]:
    """The recipes that have to run before this one, in order."""
    return tuple(_FIRST.findall(recipe.read_text("utf-8")))


def prepare(runner: Command, recipe: Path, scratch: Path) -> int:
    """Give the command a sandbox that is ready for the recipe, and return how many writes have reached it.

    A sandbox is made once for each set of recipes, in `scratch`, and copied: the journal of those runs is not there.
    """
    names = first(recipe)
    if names and names not in _made:
        maker = Command(scratch)
        for name in names:
            maker("run", TREE / "recipes" / f"{name}.yaml")
        _made[names] = maker.runs / "sandbox"
    if names:
        shutil.copytree(_made[names], runner.runs / "sandbox")
    return len(runner.delivered())
