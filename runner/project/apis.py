"""The APIs of a project: those that come with the program, its own, and what a target corrects in either."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from runner.catalogue import Catalogue, Operation, shipped_apis
from runner.config import NAME, Config, Target
from runner.config.ownership import check_owner
from runner.named_files import is_file, names_beside
from runner.problems import ConfigError, InvalidError, Problem, UsageError, nearest
from runner.project.own_files import why_not
from runner.source import TreePath

_API = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)


def catalogue_for(config: Config, target: Target | None) -> Catalogue:
    """The APIs as a recipe of the project sees them on `target`; without one, as their documents stand.

    Raises InvalidError with everything in the configuration that stands in the way (exit code 7).
    """
    problems = [
        *_wrong_apis(config),
        *(_wrong_overlays(config, target) if target is not None else ()),
    ]
    if problems:
        raise InvalidError(problems, exit_code=ConfigError.exit_code)
    return Catalogue(
        documents_of(config), overlays=overlays_of(config, target) if target is not None else {}
    )


def overlays_of(config: Config, target: Target) -> dict[str, Path]:
    """The overlays of a target by the name of their API."""
    return {
        api: config.home / settings.overlay
        for api, settings in target.apis.items()
        if settings.overlay
    }


def documents_of(config: Config, used: Collection[str] | None = None) -> dict[str, Path]:
    """The documents of the project's APIs by name, as the sandbox serves them; of its own only those in `used`."""
    own = {
        name: config.home / file
        for name, file in config.apis.items()
        if used is None or name in used
    }
    return {**shipped_apis(), **own}


def _wrong_apis(config: Config) -> Iterator[Problem]:
    shipped = shipped_apis()
    for name, file in config.apis.items():
        path: TreePath = ("apis", name)
        if name in shipped:
            remedy = (
                "give yours another name; an overlay of a target corrects the one that is there"
            )
            yield config.problem(
                path, f"the API {name!r} comes with the program", remedy=remedy, key=True
            )
        if not _API.match(name):
            remedy = "letters, digits, '_' and '-', as in my_shop"
            yield config.problem(
                path, f"{name!r} cannot be the name of an API", remedy=remedy, key=True
            )
        yield from _missing(config, path, file)


def _wrong_overlays(config: Config, target: Target) -> Iterator[Problem]:
    known = documents_of(config)
    for name, settings in target.apis.items():
        path: TreePath = ("targets", target.name, "apis", name)
        if name not in known:
            remedy = nearest(name, known, noun="APIs") + "; your own stand under apis:"
            yield config.problem(path, f"there is no API {name!r}", remedy=remedy, key=True)
        if settings.overlay and (why := why_not(config.home / settings.overlay, config.home)):
            remedy = "keep the overlay beside runner.yaml, or below"
            message = f"the overlay {settings.overlay!r} {why}"
            yield config.problem((*path, "overlay"), message, remedy=remedy)
        elif settings.overlay:
            yield from _missing(config, (*path, "overlay"), settings.overlay)


def _missing(config: Config, path: TreePath, name: str) -> Iterator[Problem]:
    file = config.home / name
    if name and is_file(file):
        check_owner(file)
        return
    beside = [each for each in names_beside(file, "*.*") if each not in (NAME, file.name)]
    why = "it is a folder" if file.name in names_beside(file, "*") else "no such file"
    if not name:
        why = "a file has to be named"
    remedy = nearest(file.name, beside, noun="files") if name else "a path relative to runner.yaml"
    yield config.problem(path, f"{name!r} cannot be read: {why}", remedy=remedy)


def operation_called(catalogue: Catalogue, name: str) -> Operation:
    """The operation called `name`, as API.OPERATION. Raises UsageError when there is none."""
    api, dot, operation = name.partition(".")
    if api not in catalogue or not dot:
        remedy = nearest(api, catalogue, noun="APIs") if dot else "name it as in syncore.create_job"
        raise UsageError(
            f"there is no API {api!r}" if dot else f"{name!r} is no operation", remedy=remedy
        )
    operations = catalogue[api].operations
    if operation not in operations:
        remedy = nearest(operation, operations, noun="operations")
        raise UsageError(f"{api} has no operation {operation!r}", remedy=remedy)
    return operations[operation]
