"""How many mistakes `runner validate` finds: every recipe that is at hand, spoiled in one place at a time.

They are those that come with the program, of the sheets in tests/sheets, and tests/golden/ok, which together use every
part of the language.

    python benchmarks/mutations.py [--missed] [--every N]

A mutation is found when an error or a warning stands on the line where the mistake is (for a key that was taken out:
where it is missing, or at the `use` that asks for it). What is printed, in this shape (figures made up):

    kind          made   error  warning   found
    column         120     120        0  100.0%
    ...
    all            800     700       80   97.5%
    originals: 60 recipes, 0 errors, 0 warnings
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from runner.catalogue import Catalogue, shipped_apis
from runner.problems import InvalidError, Problem
from runner.recipe import load_text
from runner.recipe.texts import LINE, Text, compile_texts
from runner.source import Place, Source, TreePath, parse
from runner.template import Node

TREE = Path(__file__).resolve().parent.parent
RECIPES = TREE / "recipes"
KINDS = (
    "column", "field", "filter", "keyword", "literal", "lookup", "operation", "reference", "required", "step", "test",
    "variable", "word",
)  # fmt: skip
_REFERENCES = {("rows", "group_by"), ("unpivot", "name"), ("unpivot", "value")}
"""Values that name a column, by the key they stand under and the one above it."""

_WORDS = frozenset({
    "type", "case", "on_error", "expect", "absent_means", "locale", "every", "within", "keep", "settling", "part",
    "format", "encoding", "required", "trim", "percent", "accounting", "fold", "verify",
})  # fmt: skip
"""Keys whose values are words of the language."""


class Mutation(NamedTuple):
    """A recipe with one mistake: what kind of mistake, what was done, and the lines it may be reported on."""

    kind: str
    file: str
    what: str
    lines: frozenset[int]
    text: str


@dataclass(frozen=True)
class Verdict:
    """What was said of a mutation on the right line: error, warning, or nothing."""

    mutation: Mutation
    said: str


def typo(word: str) -> str:
    """The word misspelt: two letters in the middle change places, or where they are alike one is doubled."""
    if len(word) < 3:
        return word + word[-1:]
    at = len(word) // 2
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return swapped if swapped != word else word[:at] + word[at] + word[at:]


def mutations(text: str, file: str, catalogue: Catalogue) -> Iterator[Mutation]:
    """Every mutation of a recipe, in the order of its text by kind."""
    spoiler = _Spoiler(parse(text, file=file), catalogue)
    yield from spoiler.of_expressions()
    yield from spoiler.of_keys(())
    yield from spoiler.of_operations()
    yield from spoiler.of_literals()
    yield from spoiler.of_words(())


def recipes() -> list[Path]:
    """The recipes that are spoiled."""
    folders = (RECIPES, TREE / "tests" / "sheets", TREE / "tests" / "golden" / "ok")
    found = [path for folder in folders for path in sorted(folder.glob("*.yaml"))]
    # A text without a file of its own includes none.
    return [path for path in found if "include: " not in path.read_text(encoding="utf-8")]


def every_api() -> Catalogue:
    """The APIs that they use."""
    return Catalogue({**shipped_apis(), "shop": TREE / "tests" / "recipe" / "shop.openapi.yaml"})


def verdict(mutation: Mutation, catalogue: Catalogue) -> Verdict:
    """What validation says of a mutation."""
    problems = problems_of(mutation.text, mutation.file, catalogue)
    said = {problem.severity for problem in problems if problem.line in mutation.lines}
    return Verdict(mutation, "error" if "error" in said else "warning" if "warning" in said else "")


def problems_of(text: str, file: str, catalogue: Catalogue) -> list[Problem]:
    """Everything that validation says of a recipe."""
    try:
        return list(load_text(text, file=file, catalogue=catalogue).warnings)
    except InvalidError as error:
        return error.problems


@dataclass(frozen=True)
class _Spoiler:
    source: Source
    catalogue: Catalogue

    def of_expressions(self) -> Iterator[Mutation]:
        """Names, fields, filters and literals in the templates and expressions."""
        texts, _ = compile_texts(self.source)
        steps = {str(step["id"]) for step in self.source.data.get("steps") or ()}
        lookups = set(self.source.data.get("lookups") or {})
        for path, text in texts.items():
            for offset, expression in text.compiled.placed:
                for node in expression.tree.walk():
                    yield from self._of_node(path, text, node, offset, steps=steps, lookups=lookups)

    def _of_node(
        self,
        path: TreePath,
        text: Text,
        node: Node,
        offset: int,
        *,
        steps: set[str],
        lookups: set[str],
    ) -> Iterator[Mutation]:
        if node.kind == "name" and node.value in steps | lookups:
            kind = "step" if node.value in steps else "lookup"
            yield self._within(kind, path, node.value, typo(node.value), node.offset + offset)
        elif node.kind == "member" and isinstance(node.value, str):
            key, owner = node.parts[1], _root(node)
            at = (
                key.offset + offset + (key.length - len(node.value)) // 2
            )  # inside the quotes of ['...']
            if node.parts[0].value in lookups and key.length != len(node.value):
                return  # the name of an entry, which nobody knows offline
            yield self._within(_kind_of(owner, text), path, node.value, typo(node.value), at)
        elif node.kind in ("filter", "each"):
            whole = text.compiled.text
            at = whole.index(node.value, offset + node.parts[0].offset + node.parts[0].length)
            yield self._within("filter", path, node.value, typo(node.value), at)
        elif node.kind == "test":
            after = text.compiled.text[offset + node.offset : offset + node.offset + node.length]
            at = offset + node.offset + after.rindex(node.value)
            yield self._within("test", path, node.value, typo(node.value), at)
        elif node.kind in ("operation", "compare"):
            for part in node.parts:
                if (
                    part.kind == "literal"
                    and isinstance(part.value, str | int)
                    and not isinstance(part.value, bool)
                ):
                    shown = text.compiled.text[
                        part.offset + offset : part.offset + offset + part.length
                    ]
                    other = "7" if isinstance(part.value, str) else "'x'"
                    yield self._within("literal", path, shown, other, part.offset + offset)

    def of_keys(self, path: TreePath) -> Iterator[Mutation]:
        """Keys of the language, misspelt; and the keys that an operation cannot do without, taken out."""
        value = _at(self.source.data, path)
        if "with" in path or path[:1] in (("outputs",), ("vars",)):
            return
        if isinstance(value, dict):
            for key in value:
                if path[-2:] == ("expect_total", "sum"):
                    yield self._replaced("reference", self.source.key((*path, key)), key, typo(key))
                elif path not in (("lookups",), ("rows", "columns")) and path[-1:] not in (
                    ("map",),
                    ("replace",),
                ):
                    yield self._replaced("keyword", self.source.key((*path, key)), key, typo(key))
                yield from self.of_keys((*path, key))
        elif isinstance(value, list):
            for index in range(len(value)):
                yield from self.of_keys((*path, index))

    def of_operations(self) -> Iterator[Mutation]:
        """Operations, misspelt; and the arguments that they need, taken out."""
        for path in _uses(self.source.data):
            use = _at(self.source.data, (*path, "use"))
            api, name = use.split(".")
            place = self.source.value((*path, "use"))
            yield self._replaced("operation", place, use, f"{api}.{typo(name)}")
            operation = self.catalogue.operation(use)
            given = _at(self.source.data, (*path, "with")) or {}
            yield from self._without(
                (*path, "with"), sorted(operation.required & set(given)), place.line
            )
            for field, schema in operation.fields.items():
                inner = given.get(field)
                if isinstance(inner, dict):
                    wanted = sorted(set(schema.get("required", ())) & set(inner))
                    yield from self._without((*path, "with", field), wanted, place.line)

    def of_literals(self) -> Iterator[Mutation]:
        """Values of `with` that are written out, and of `vars`, as another type."""
        for path in _uses(self.source.data):
            for inside, value in _leaves(_at(self.source.data, (*path, "with")), (*path, "with")):
                if isinstance(value, str) and "{{" in value:
                    continue
                other = "[7]" if isinstance(value, str) else "many"
                yield self._replaced("literal", self.source.value(inside), str(value), other)
        for name, value in (self.source.data.get("vars") or {}).items():
            if isinstance(value, dict) and "default" in value:
                place = self.source.value(("vars", name, "default"))
                yield self._replaced("literal", place, str(value["default"]), "many")

    def of_words(self, path: TreePath) -> Iterator[Mutation]:
        """Words of the language and names of columns that stand as values, misspelt; what is true or false as text."""
        value = _at(self.source.data, path)
        if (
            "with" in path
            or path[:1] in (("outputs",), ("lookups",))
            or path[-1:] in (("map",), ("replace",))
        ):
            return
        if isinstance(value, dict | list):
            for key in value if isinstance(value, dict) else range(len(value)):
                yield from self.of_words((*path, key))
            return
        place = self.source.value(path)
        raw = self.source.lines[place.line - 1][place.column - 1 :]
        quote = raw[0] if raw[:1] in ("'", '"') else ""
        if path[-2:] in _REFERENCES:
            yield self._replaced("reference", place, value, f"{quote}{typo(value)}{quote}")
        elif len(path) > 1 and path[-1] in _WORDS and path[:-1] != ("rows", "columns"):
            if isinstance(value, bool):
                yield self._replaced("word", place, str(value).lower(), "yes")
            elif (
                isinstance(value, str)
                and (path[-1] != "expect" or " " not in value)
                and "." not in value
            ):
                other = value.replace("%", "%Q") if "%" in value else typo(value)
                yield self._replaced("word", place, value, f"{quote}{other}{quote}")

    def _without(self, path: TreePath, names: list[str], use_line: int) -> Iterator[Mutation]:
        """Without each of these keys of the mapping at `path`."""
        for name in names:
            text = _cut(self.source.text, path, name)
            if text is not None:
                lines = frozenset({use_line, self.source.key(path).line})
                yield Mutation(
                    "required",
                    self.source.file,
                    f"{'.'.join(map(str, path))} without {name}",
                    lines,
                    text,
                )

    def _within(self, kind: str, path: TreePath, old: str, new: str, offset: int) -> Mutation:
        return self._replaced(kind, self.source.within(path, offset, len(old)), old, new)

    def _replaced(self, kind: str, place: Place, old: str, new: str) -> Mutation:
        lines = list(self.source.lines)
        line = lines[place.line - 1]
        before, after = line[: place.column - 1], line[place.column - 1 + place.length :]
        lines[place.line - 1] = before + new + after
        return Mutation(
            kind, self.source.file, f"{old} -> {new}", frozenset({place.line}), "\n".join(lines)
        )


def _kind_of(owner: str, text: Text) -> str:
    if owner == "vars":
        return "variable"
    return "column" if owner == "row" or (owner == "item" and text.scope.item == LINE) else "field"


def _root(node: Node) -> str:
    while node.kind != "name":
        if not node.parts:
            return ""
        node = node.parts[0]
    return str(node.value)


def _uses(data: Any) -> Iterator[TreePath]:
    """The paths of what uses an operation."""
    yield from (
        ("lookups", name) for name, part in (data.get("lookups") or {}).items() if "use" in part
    )
    if "use" in (data.get("rows") or {}):
        yield ("rows",)
    for index, step in enumerate(data.get("steps") or ()):
        if "use" in step:  # else it includes others
            yield ("steps", index)
        search = step.get("unless_found", {})
        if "use" in search:  # else it looks in a list that is read as a lookup
            yield ("steps", index, "unless_found")
        if "update" in search:
            yield ("steps", index, "unless_found", "update")


def _leaves(value: Any, path: TreePath) -> Iterator[tuple[TreePath, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, index))
    elif value is not None:
        yield path, value


def _at(data: Any, path: TreePath) -> Any:
    for part in path:
        data = data[int(part)] if isinstance(data, list) else (data or {}).get(part)
    return data


def _cut(text: str, path: TreePath, name: str) -> str | None:
    """The text without the key `name` of the mapping at `path`; None where it is the only one, or begins an entry."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in path:
        pairs = (
            node.value if isinstance(part, int) else {key.value: value for key, value in node.value}
        )
        node = pairs[part]
    keys = [key.value for key, _ in node.value]
    at = keys.index(name)
    key, value = node.value[at]
    start, end = key.start_mark.index, value.end_mark.index
    if len(keys) == 1:
        return None
    if node.flow_style:
        last = at == len(keys) - 1
        if last:
            start = node.value[at - 1][1].end_mark.index
        else:
            end = node.value[at + 1][0].start_mark.index
        return text[:start] + text[end:]
    line = text.rindex("\n", 0, start) + 1
    if text[line:start].strip():
        return None
    flat = (yaml.SequenceNode, yaml.MappingNode)
    nested = not value.flow_style if isinstance(value, flat) else value.style in (">", "|")
    return (
        text[:line] + text[text.rindex("\n", 0, end) + 1 if nested else text.index("\n", end) + 1 :]
    )


def measured(*, every: int = 1) -> tuple[list[Verdict], list[Problem]]:
    """The verdict on every mutation (or each `every`th of a kind) of all recipes, and what is said of the originals."""
    catalogue = every_api()
    verdicts: list[Verdict] = []
    original: list[Problem] = []
    made: Counter[str] = Counter()
    for path in recipes():
        text = path.read_text(encoding="utf-8")
        original += problems_of(text, path.name, catalogue)
        for mutation in mutations(text, path.name, catalogue):
            made[mutation.kind] += 1
            if (made[mutation.kind] - 1) % every == 0:
                verdicts.append(verdict(mutation, catalogue))
    return verdicts, original


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--missed", action="store_true", help="list what was not found")
    options.add_argument("--every", type=int, default=1, help="take every Nth mutation of a kind")
    given = options.parse_args()
    start = time.perf_counter()
    verdicts, original = measured(every=given.every)
    print(f"{'kind':<12}{'made':>6}{'error':>8}{'warning':>9}{'found':>9}")
    for kind in (*KINDS, "all"):
        of_kind = [each for each in verdicts if kind in ("all", each.mutation.kind)]
        said = Counter(each.said for each in of_kind)
        found = 100 * (len(of_kind) - said[""]) / max(1, len(of_kind))
        print(f"{kind:<12}{len(of_kind):>6}{said['error']:>8}{said['warning']:>9}{found:>8.1f}%")
    errors = sum(problem.severity == "error" for problem in original)
    print(
        f"originals: {len(recipes())} recipes, {errors} errors, {len(original) - errors} warnings"
    )
    print(f"{(time.perf_counter() - start) / max(1, len(verdicts)) * 1000:.0f} ms a mutation")
    for each in verdicts if given.missed else ():
        if not each.said:
            line = min(each.mutation.lines)
            print(
                f"missed: {each.mutation.file}:{line}: {each.mutation.kind}: {each.mutation.what}"
            )


if __name__ == "__main__":
    main()
