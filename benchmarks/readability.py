"""Figures of how the source of the package reads and hangs together.

    python benchmarks/readability.py [FOLDER]

    modules  lines  circles  layers of engine  ...

Counted over `runner/`: lines of code are those that are neither blank, comment nor docstring. Nothing is imported, so
that any checkout can be measured, and two of them compared.
"""

from __future__ import annotations

import ast
import io
import re
import statistics
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

DIALECT = re.compile(
    r"\b(anew|mend(?:s|ed)?|whoever|nobody|taken for|told|tells|goes on with|in step|given back|"
    r"stands for|reshaped|folded|announced|looked at|a day's hits|blanks|once a run|run into|"
    r"says|said|makes? sure|kept|whole)\b",
    re.IGNORECASE,
)
"""Words that a glossary of the field has a better one for."""

QUESTION = ("What", "Whether", "How", "Where")


class Module(NamedTuple):
    """One source file."""

    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.rpartition(".")[0]


def modules(root: Path) -> dict[str, Module]:
    """The modules below `root` by their dotted names."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name, text, ast.parse(text))
    return found


def imports(module: Module, known: Mapping[str, Module]) -> set[str]:
    """The modules that a module imports when it is used; what is imported for type checkers only is left out."""
    skipped = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(module.tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner_name = f"{node.module}.{alias.name}"
                found.add(inner_name if inner_name in known else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return (found & known.keys()) - {module.name}


def circles(graph: Mapping[str, set[str]]) -> int:
    """The number of modules that import themselves through others."""
    return sum(name in reached(graph, name) for name in graph)


def reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """All modules that a module imports, directly or through others."""
    found: set[str] = set()
    todo = [*graph[start]]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph[name]
    return found


def layers(graph: Mapping[str, set[str]], room: str) -> int:
    """The longest chain of imports among the modules of one folder."""
    depths: dict[str, int] = {}

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in depths:
            below = [
                depth(each, above | {name})
                for each in graph[name]
                if each.rpartition(".")[0] == room and each not in above
            ]
            depths[name] = 1 + max(below, default=0)
        return depths[name]

    return max(
        (depth(name, frozenset()) for name in graph if name.rpartition(".")[0] == room), default=0
    )


def docstrings(module: Module) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def comment_lines(module: Module) -> int:
    """The comments that have a line of their own."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return sum(
        token.type == tokenize.COMMENT and token.line.lstrip().startswith("#") for token in tokens
    )


def code_lines(module: Module) -> list[str]:
    """The lines that are neither blank, comment nor docstring."""
    quiet: set[int] = set()
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            quiet.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [
        line
        for number, line in enumerate(module.text.splitlines(), 1)
        if number not in quiet and line.strip() and not line.lstrip().startswith("#")
    ]


def conditional(module: Module) -> tuple[int, int]:
    """The conditional expressions, and those that stand within another one."""
    every = [node for node in ast.walk(module.tree) if isinstance(node, ast.IfExp)]
    nested = sum(
        isinstance(inner, ast.IfExp)
        for node in every
        for inner in ast.walk(node)
        if inner is not node
    )
    return len(every), nested


def longest_functions(every: Mapping[str, Module]) -> list[int]:
    """The lengths of all functions in lines, longest first."""
    return sorted(
        (
            (node.end_lineno or node.lineno) - node.lineno + 1
            for module in every.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        reverse=True,
    )


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]) / "runner"
    every = modules(root)
    graph = {name: imports(module, every) for name, module in every.items()}
    lines = [line for module in every.values() for line in code_lines(module)]
    hundred = len(lines) / 100
    texts = [text for module in every.values() for text in docstrings(module)]
    many, nested = map(sum, zip(*map(conditional, every.values()), strict=True))
    source = "\n".join(module.text for module in every.values())
    functions = longest_functions(every)
    figures = {
        "modules": len(every),
        "lines of code": len(lines),
        "modules in an import circle": circles(graph),
        "layers of engine": layers(graph, "runner.engine"),
        "home-made words per 100 lines": len(DIALECT.findall(source)) / hundred,
        "docstrings that start with a question word": sum(
            text.startswith(QUESTION) for text in texts
        ),
        "conditional expressions per 100 lines": many / hundred,
        "nested conditional expressions": nested,
        "own-line comments per 100 lines": sum(map(comment_lines, every.values())) / hundred,
        "Any per 100 lines": len(re.findall(r"\bAny\b", source)) / hundred,
        "fmt: skip": source.count("# fmt: skip"),
        "line length, 90th percentile": statistics.quantiles(map(len, lines), n=10)[-1],
        "functions over 40 lines": sum(length > 40 for length in functions),
        "modules over 400 lines": sum(
            len(module.text.splitlines()) > 400 for module in every.values()
        ),
        "asserts": len(re.findall(r"^\s+assert ", source, re.MULTILINE)),
    }
    for name, value in figures.items():
        print(f"{name:<46}{value:>10.1f}" if isinstance(value, float) else f"{name:<46}{value:>10}")


if __name__ == "__main__":
    main()
