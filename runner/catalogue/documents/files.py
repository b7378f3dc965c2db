"""API documents in files: YAML or JSON, in one file or several of one folder, merged into one tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

from runner.catalogue.documents.cache import load, store
from runner.catalogue.schemas.normalize import DATA
from runner.problems import InvalidError, Problem
from runner.source import Source, TreePath, parse, read

MAX_BYTES = 16 * 1024 * 1024
FILES = "x-files"
"""Key of the other files of a document in its tree, by their path within its folder."""


def read_document(path: Path, *, ours: bool = False) -> Source:
    """Return the document at `path` with the other files that it refers to. Raises InvalidError.

    A document of `ours`, which comes with the program, has no other files.
    """
    source = _read(path, ours=ours)
    if ours:
        return source
    bundle = _Bundle(path.resolve())
    data = bundle.gather(source)
    if bundle.problems:
        raise InvalidError(bundle.problems)
    return source._replace(data=data)


def with_places(source: Source) -> Source:
    """Return `source` with the positions in its text. It is read without them where that is much faster."""
    if source.root is not None:
        return source
    placed = parse(source.text, file=source.file, max_events=None, number_keys=True)
    return source._replace(lines=placed.lines, root=placed.root)


def _read(path: Path, *, ours: bool = False) -> Source:
    text = _text(path)
    if text and path.suffix == ".json":
        # Imported on use: most documents are YAML.
        import simplejson

        # Where this fails, the YAML reader (JSON is a subset) reports the error with its position.
        with suppress(ValueError, RecursionError):
            data = simplejson.loads(
                text, use_decimal=True, object_pairs_hook=_unique, parse_constant=_refuse
            )
            return Source(str(path), text, data, (), None)
    elif text and (data := load(path, text)) is not None:
        return Source(str(path), text, data, (), None)
    source = read(path, max_bytes=MAX_BYTES, number_keys=True, ours=ours)
    if path.suffix != ".json":
        store(path, source.text, source.data)
    return source


def _text(path: Path) -> str:
    """Return the text of a document; empty where it cannot be read, which the YAML reader reports."""
    try:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return path.read_bytes().decode("utf-8-sig")
    except (ValueError, OSError):
        pass
    return ""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key stands twice")
    return result


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


class _Bundle:
    """Merges the files that a document refers to. Their defects are collected in `problems`."""

    def __init__(self, main: Path) -> None:
        self.folder, self.main = main.parent, main
        self.problems: list[Problem] = []
        self.files: dict[str, Any] = {}

    def gather(self, source: Source) -> Any:
        """Return the tree of the main document, in which every reference is local, also those of other files."""
        if next(_foreign(source.data, ()), None) is None:
            return source.data
        tree = self._rewritten(source.data, source, self.main, ())
        if not isinstance(tree, dict):
            return tree
        tree[FILES] = self.files
        return tree

    def _rewritten(self, node: Any, source: Source, file: Path, path: TreePath) -> Any:
        if isinstance(node, list):
            return [
                self._rewritten(entry, source, file, (*path, index))
                for index, entry in enumerate(node)
            ]
        if not isinstance(node, Mapping):
            return node
        result = dict(node)
        for key, value in node.items():
            if not _is_data(key, path):
                result[key] = self._rewritten(value, source, file, (*path, key))
        reference = node.get("$ref")
        if isinstance(reference, str) and path[-1:] != ("properties",):
            result["$ref"] = self._local(reference, source, file, path)
        return result

    def _local(self, reference: str, source: Source, file: Path, path: TreePath) -> str:
        """Return a reference in the form that it has inside the one tree."""
        name, _, inside = reference.partition("#")
        target = file if not name else (file.parent / unquote(name))
        problem = "" if not name else self._unreachable(name, target)
        if problem:
            placed = with_places(source)
            place = placed.value((*path, "$ref"))
            remedy = f"keep the files of a document in one folder, {self.folder.name!r}"
            self.problems.append(
                placed.problem(place, f"{reference!r} {problem}", "reference", remedy=remedy)
            )
            return reference
        target = target.resolve()
        if target == self.main:
            return f"#{inside}"
        key = target.relative_to(self.folder).as_posix()
        if key not in self.files:
            self._add(key, target)
        return f"#/{FILES}/{key.replace('~', '~0').replace('/', '~1')}{inside}"

    def _unreachable(self, name: str, target: Path) -> str:
        if "://" in name or name.startswith("//"):
            return "is somewhere else; nothing is fetched"
        try:
            if not target.resolve().is_relative_to(self.folder):
                return "leads out of the document's folder"
            return "" if target.is_file() else "points to a file that is not there"
        except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
            return "is no name that a file can have"

    def _add(self, key: str, file: Path) -> None:
        # Registered before it is read: files may refer to each other.
        self.files[key] = {}
        try:
            other = _read(file)
        except InvalidError as error:
            self.problems += error.problems
        else:
            self.files[key] = self._rewritten(other.data, other, file, ())


def _foreign(node: Any, path: TreePath) -> Iterator[str]:
    """Yield the references of a tree to other files."""
    if isinstance(node, list):
        for entry in node:
            yield from _foreign(entry, ())
    elif isinstance(node, Mapping):
        reference = node.get("$ref")
        if (
            isinstance(reference, str)
            and not reference.startswith("#")
            and path[-1:] != ("properties",)
        ):
            yield reference
        for key, value in node.items():
            if not _is_data(key, path):
                yield from _foreign(value, (key,))


def _is_data(key: str, path: TreePath) -> bool:
    """Return whether the value of a key is example data or an extension, and no part of the document."""
    return path[-1:] != ("properties",) and (key in DATA or key.startswith("x-"))
