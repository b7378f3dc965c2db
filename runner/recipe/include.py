"""Files of steps that a recipe includes: read from below its folder, each checked like a recipe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.named_files import is_file, names_beside
from runner.problems import InvalidError, Problem, nearest
from runner.recipe import schema_errors
from runner.recipe.check import check_steps
from runner.recipe.included import Files, Included, is_steps_file
from runner.recipe.shorthand import written_out
from runner.recipe.texts import compile_texts, mapping, sequence
from runner.source import Source, TreePath, read

if TYPE_CHECKING:
    from runner.catalogue import Catalogue

DEEPEST = 5
"""Files that include one another, one inside the other."""


class _Reader(NamedTuple):
    """Reader of the files of one recipe. `root` is its folder, None where it is no file; `problems` is added to."""

    root: Path | None
    catalogue: Catalogue
    problems: list[Problem]

    def files(self, source: Source, folder: Path | None, chain: Sequence[Path]) -> Files:
        """Return the files that `source` includes; `chain` are the files that it was included by, its own last."""
        found: dict[int, Included] = {}
        for index, step in enumerate(sequence(mapping(source.data).get("steps"))):
            name = mapping(step).get("include")
            path: TreePath = ("steps", index, "include")
            if not isinstance(name, str) or not name:
                continue
            place = self._place(source, path, name, folder, chain)
            included = self._read(source, path, name, place, chain) if place is not None else None
            if included is not None:
                found[index] = included
        return found

    def _place(
        self, source: Source, path: TreePath, name: str, folder: Path | None, chain: Sequence[Path]
    ) -> Path | None:
        """Return the file that is meant; None where it may not be read, which is then a problem."""
        if self.root is None or folder is None:
            return self._wrong(source, path, "only the file of a recipe can include others")
        try:
            place, root = (folder / name).resolve(), self.root.resolve()
        except (OSError, ValueError, RuntimeError):
            return self._wrong(source, path, f"{name!r} is no name of a file")
        if Path(name).is_absolute() or not place.is_relative_to(root):
            message = f"{name!r} is not below the folder of the recipe"
            remedy = "keep the file there, and name it as it is seen from this one"
            return self._wrong(source, path, message, remedy)
        if place in chain:
            names = " -> ".join(each.name for each in (*chain[chain.index(place) :], place))
            return self._wrong(source, path, f"it would include itself: {names}")
        if len(chain) > DEEPEST:
            return self._wrong(source, path, f"files are included more than {DEEPEST} deep")
        if not is_file(place):
            beside = names_beside(place, "*.y*ml")
            is_folder = place.name in names_beside(place, "*")
            what = "it is a folder" if is_folder else "no such file"
            remedy = "" if is_folder else nearest(place.name, beside, noun="files")
            return self._wrong(source, path, f"{name!r} cannot be read: {what}", remedy)
        return place

    def _read(
        self, source: Source, path: TreePath, name: str, place: Path, chain: Sequence[Path]
    ) -> Included | None:
        shown = os.path.normpath(Path(source.file).parent / name)
        try:
            file = written_out(read(place, name=shown))
        except InvalidError as error:
            self.problems.extend(error.problems)
            return None
        if not is_steps_file(file.data):
            self._wrong(source, path, *_no_steps(file.data, name))
            return None
        return self.checked(file, place.parent, [*chain, place])

    def checked(self, file: Source, folder: Path | None, chain: Sequence[Path]) -> Included:
        """Return a file of steps, with its problems noted."""
        misshapen, broken = schema_errors.check(file, of_steps=True)
        files = self.files(file, folder, chain)
        texts, malformed = compile_texts(file)
        found = check_steps(file, texts, self.catalogue, broken=broken, files=files)
        self.problems.extend([*misshapen, *malformed, *found])
        return Included(file, texts, files)

    def _wrong(self, source: Source, path: TreePath, message: str, remedy: str = "") -> None:
        place = source.value(path)
        self.problems.append(source.problem(place, message, "include", remedy=remedy))


def read_included(
    source: Source, path: Path | None, catalogue: Catalogue
) -> tuple[Files, list[Problem]]:
    """Return the files that the recipe in the file at `path` includes, and the problems of them."""
    root = path.parent if path is not None else None
    reader = _Reader(root, catalogue, [])
    return reader.files(source, root, [path.resolve()] if path is not None else []), reader.problems


def check_alone(source: Source, path: Path | None, catalogue: Catalogue) -> list[Problem]:
    """Return the problems of a file of steps that is treated as a recipe: its own, and that it is none."""
    root = path.parent if path is not None else None
    reader = _Reader(root, catalogue, [])
    reader.checked(source, root, [path.resolve()] if path is not None else [])
    message = "this is a file of steps, which recipes include: it has no 'recipe' and no 'name'"
    remedy = 'name a recipe that includes it; a recipe starts with "recipe: 1" and "name: ..."'
    problem = source.problem(source.value(()), message, "missing-key", remedy=remedy)
    return [problem, *reader.problems]


def _no_steps(data: Any, name: str) -> tuple[str, str]:
    """Return the problem of a file that has no steps to include, with its remedy."""
    if isinstance(data, dict) and {"recipe", "name"} & data.keys():
        message = f"{name!r} is a recipe, and what is included is a file of steps"
        return message, "a file of steps has vars and steps, and neither recipe, name nor rows"
    return f"{name!r} has no steps", "a file of steps has vars, which with gives, and steps"
