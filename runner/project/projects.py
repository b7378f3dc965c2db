"""A project and a recipe of it: what the command line names, found and loaded."""

from __future__ import annotations

import getpass
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from runner import config, source
from runner.catalogue import Catalogue, is_secret_variable
from runner.config import Config
from runner.config.ownership import check_owner
from runner.durable import FULL, refuse_links, unwritable
from runner.keys import canonical
from runner.named_files import names_beside
from runner.problems import (
    ConfigError,
    InvalidError,
    Problem,
    UsageError,
    nearest,
    shell_word,
)
from runner.project.own_files import check_own_files
from runner.project.streams import note
from runner.recipe.load import Loaded, load
from runner.recipe.model import Recipe
from runner.recipe.variables import var_value

if TYPE_CHECKING:
    from runner.journal import Journal

_SEE = (
    "the recipe says under `vars` which there are; set them with -v NAME=VALUE or --vars-file FILE"
)


class Project(NamedTuple):
    """A configuration and a recipe of it. `path` is the recipe's file; `name` what the journal calls it.

    `mappings` has the entries of lookups from files. The recipe's digest is of these files too: what they say is a part
    of what the recipe does.
    """

    config: Config
    path: Path
    name: str
    loaded: Loaded
    shipped: bool = False
    mappings: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({})

    @property
    def recipe(self) -> Recipe:
        return self.loaded.recipe


@contextmanager
def open_journal(runs: Path) -> Iterator[Journal]:
    """The journal of a project, open for writing; a copy that was made of an earlier version is reported."""
    from runner.journal import Journal

    with Journal(runs) as journal:
        if journal.copy is not None:
            text = f"journal  brought up to this version; as it was before: {journal.copy}"
            note(text)
        yield journal


def project(recipe: str, catalogue: Catalogue, *, at: Config) -> Project:
    """The recipe called `recipe`, a file or the bare name of one that comes with the program, under a configuration."""
    path, shipped = find_recipe(recipe)
    storable(path, "the recipe's file")
    if not shipped:
        check_owner(path)
    name = recipe if shipped else str(path.absolute())
    loaded = load(path, catalogue=catalogue, name=recipe if not shipped else path.name)
    for each in () if shipped else loaded.included:
        check_owner(Path(each.source.file))
    mappings, digest = mappings_of(loaded, path.parent)
    loaded = loaded._replace(recipe=loaded.recipe._replace(digest=digest))
    return Project(at, path, name, loaded, shipped, mappings)


def mappings_of(
    loaded: Loaded, folder: Path
) -> tuple[Mapping[str, Sequence[Mapping[str, Any]]], str]:
    """The entries of lookups from files beside the recipe, and its digest with them.

    Raises InvalidError, also where the recipe names a file that it may not read.
    """
    check_own_files(loaded, folder)
    recipe = loaded.recipe
    files = [lookup for lookup in recipe.lookups if lookup.file]
    if not files:
        return {}, recipe.digest
    from runner.recipe.lookups import check_entries
    from runner.rows import read_mapping

    mappings, problems, total, digests = {}, [], 0, [recipe.digest]
    for lookup in files:
        path = folder / lookup.file
        storable(path, "a lookup's file")
        try:
            found = read_mapping(lookup, path, name=str(path))
        except InvalidError as error:
            problems += error.problems
            total += error.total
        else:
            mappings[lookup.name] = found.entries
            digests.append(found.digest)
    problems += check_entries(
        loaded, {name: list(entries[0]) for name, entries in mappings.items()}
    )
    if problems:
        raise InvalidError(problems, total=max(total, len(problems)))
    return mappings, hashlib.sha256("".join(digests).encode()).hexdigest()


def config_of(recipe: str, named: Path | None = None) -> Config:
    """The project that a recipe is run in: the one that is `named`, or else that of the folder we are in.

    Raises UsageError where the recipe lies in another project that nobody has named: keys would go where that says.
    """
    if named is not None:
        return _named(named)
    here, there = config.find_home(Path.cwd()), _home_of(recipe)
    if there is not None and (here is None or not here.samefile(there)):
        ours = here / config.NAME if here is not None else f"none at or above {Path.cwd()}"
        raise UsageError(
            f"the recipe {recipe} belongs to {there / config.NAME}, and the project here is {ours}; nothing was sent",
            remedy=f"run it in {there}, or name the project whose accounts and keys are meant: --project FOLDER",
        )
    return config.load(here or Path.cwd())


def config_beside(recipe: str, named: Path | None = None) -> Config:
    """The project that a recipe is checked in, where nothing is sent: its own, where none is `named`."""
    if named is not None:
        return _named(named)
    return config.load(_home_of(recipe) or config.find_home(Path.cwd()) or Path.cwd())


def _named(folder: Path) -> Config:
    if not (folder / config.NAME).is_file():
        raise UsageError(
            f"--project {folder}: there is no {config.NAME} in it", remedy="name its folder"
        )
    return config.load(folder.absolute())


def _home_of(recipe: str) -> Path | None:
    """The folder of the project that a recipe lies in; none of those that come with the program."""
    path, shipped = find_recipe(recipe)
    return None if shipped else config.find_home(path.parent)


def find_recipe(recipe: str) -> tuple[Path, bool]:
    """The file of a recipe, and whether it comes with the program. Raises InvalidError when there is none."""
    path, shipped = Path(recipe), shipped_recipes()
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            _refuse_sheet(path)
            return path, False
        what = "a folder, not a recipe" if stat.S_ISDIR(mode) else "not a regular file"
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "no such file" if missing else (error.strerror or str(error)).lower()
        if missing and path.parent.is_dir():
            what += f" in {path.parent.absolute()}"
    if recipe in shipped:
        return shipped[recipe], True
    # The name of a file is never taken for that of a recipe which comes with the program: that would run.
    own = [] if path.suffix or len(path.parts) > 1 else [*shipped]
    remedy = _below(path) or nearest(path.name, [*_recipes_beside(path), *own], noun="recipes")
    raise InvalidError([Problem(recipe, 1, 1, f"cannot be read: {what}", "unreadable", remedy)])


_SHEETS = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".jsonl", ".gz")


def _refuse_sheet(path: Path) -> None:
    """Raise UsageError for a sheet where a recipe has to stand."""
    if path.suffix.lower() in _SHEETS:
        word = shell_word(str(path))
        raise UsageError(
            f"{path} is a sheet, and a recipe is wanted here",
            remedy=f"name the recipe, and the sheet behind it: RECIPE --rows {word}; without one: "
            f"runner init --from {word}",
        )


def _below(path: Path) -> str:
    """Say where a recipe of this name is: in a folder of this one, or in the one above."""
    with suppress(OSError, ValueError):
        beside = sorted(path.parent.glob(f"*/{escape(path.name)}"))
        above = [path.absolute().parent.parent / path.name]
        found = [each for each in (*beside, *above) if each.is_file()]
        if path.name and found:
            return f"it is there as {found[0]}"
    return ""


def _recipes_beside(path: Path) -> list[str]:
    return [name for name in names_beside(path, "*.y*ml") if name != config.NAME]


def storable(path: Path, what: str) -> None:
    """Refuse a path that the journal could not hold."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the name of {what} is not UTF-8: {str(path)!r}", remedy="give it another name"
        ) from None


def user() -> str:
    """Who is at work here, for the journal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have them
        return f"user {os.getuid()}"


def make_folder(folder: Path) -> None:
    """The folder where runs are kept. Raises ConfigError when there can be none."""
    refuse_links(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in FULL:
            raise unwritable(folder, error, remedy="") from None
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a file is in its way" if in_the_way else (error.strerror or str(error)).lower()
        remedy = (
            "move the file away" if in_the_way else "start it in a folder that you can write to"
        )
        raise ConfigError(f"the folder {folder} cannot be made: {why}", remedy=remedy) from None


def shipped_recipes() -> Mapping[str, Path]:
    """The recipes that come with the program, by name."""
    folder = Path(import_module("runner.recipes").__path__[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def current() -> Config:
    """The project of the folder the command was started in."""
    return config.load(config.find_home(Path.cwd()) or Path.cwd())


_SECRETS = "name what an API wants under secrets in runner.yaml, or give the variable another name"
"""The remedy for a credential among the variables."""


def values_of(recipe: Recipe, given: Sequence[str], file: Path | None) -> dict[str, Any]:
    """The recipe's variables from `-v name=value` and a vars file, typed. Raises UsageError with all that is wrong."""
    raw: dict[str, Any] = {}
    wrong: list[str] = []
    if file is not None:
        data = source.read(file).data
        if not isinstance(data, Mapping):
            raise UsageError(
                f"{file} holds no variables", remedy="a vars file has a line 'name: value' for each"
            )
        raw.update(data)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            wrong.append(f"-v {text!r} is not NAME=VALUE")
        elif not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            wrong.append(f"the value of {name!r} is not UTF-8 text")
        else:
            raw[name.strip()] = value
    wrong += [
        f"the value of {name!r} would stand in the journal as it is: {_SECRETS}"
        for name in recipe.vars
        if is_secret_variable(name) and not _is_empty(raw.get(name))
    ]
    return typed_values(recipe, raw, wrong)


def _is_empty(value: Any) -> bool:
    """Return whether this is no value: nothing, or a text of nothing but spaces, as an unset shell variable is."""
    return value is None or (isinstance(value, str) and not canonical(value))


def typed_values(
    recipe: Recipe, raw: Mapping[str, Any], wrong: Sequence[str] = ()
) -> dict[str, Any]:
    """Every variable of the recipe with its value or default, typed. Raises UsageError with all that is wrong.

    `wrong` is what was found before.
    """
    found = [*wrong]
    for name in (name for name in raw if name not in recipe.vars):
        remedy = nearest(name, recipe.vars, noun="variables") or "leave it out"
        found.append(f"the recipe has no variable {name!r}: {remedy}")
    values: dict[str, Any] = {}
    for name, var in recipe.vars.items():
        if var.required and _is_empty(raw.get(name)):
            means = f" ({' '.join(var.description.split())})" if var.description else ""
            given = "" if name not in raw else ", and its value is empty"
            found.append(f"{name!r} is required{means}{given}: -v {name}=...")
            continue
        try:
            values[name] = var_value(var, raw.get(name, var.default))
        except ValueError as error:
            found.append(str(error))
    if not found:
        return values
    refusal = UsageError(
        found[0] if len(found) == 1 else f"{len(found)} variables are missing or wrong", remedy=_SEE
    )
    for text in found if len(found) > 1 else ():
        refusal.add_note(text)
    raise refusal
