"""Expressions made to take more time or memory than there is: refused, within bounds that the kernel holds."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpora import cases

CORPUS = Path(__file__).parents[1] / "corpora" / "budget.yaml"
MOST_SECONDS = 60
MOST_BYTES = 400 * 1024 * 1024

EVALUATED = """
import json, sys
from runner.template import EvaluationError, Lazy, TemplateError, compile_expression, one_row, render, compile_template
for text, let in json.load(sys.stdin):
    scope = {}
    said = ""
    try:
        for name, value in let:
            scope[name] = Lazy(lambda each=compile_expression(value): each.evaluate(scope))
        with one_row():
            render(compile_template(text), scope)
    except (EvaluationError, TemplateError) as error:
        said = str(error)
    print(json.dumps(said), flush=True)
"""


def written(case: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The text of a case and its named values, with what is repeated in it written out."""
    times = case.get("times", 0)
    repeated = case.get("glue", ", ").join([case.get("repeated", "")] * times)
    names = [f"a{n}" for n in range(times + 1)]
    let = [(names[0], case.get("first", "[]"))]
    if "again" in case:
        let += [(names[n], case["again"].replace("P", names[n - 1])) for n in range(1, times + 1)]
    text = case["text"].replace("REPEATED", repeated).replace("NAMES", ", ".join(names))
    return text.replace("LAST", names[-1]), let


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What is said of each case, by one process that may take only so much time and memory for all of them."""
    corpus = yaml.safe_load(CORPUS.read_text("utf-8"))
    done = subprocess.run(
        [sys.executable, "-c", EVALUATED],
        input=json.dumps([written(case) for case in corpus]),
        capture_output=True, text=True, check=False, preexec_fn=limit,
    )  # fmt: skip
    told = map(json.loads, done.stdout.splitlines())
    found = dict(zip([case["name"] for case in corpus], told, strict=False))
    never = f"never ended {done.stderr[-300:]}"
    return {case["name"]: found.get(case["name"], never) for case in corpus}


@pytest.mark.parametrize("case", cases("budget"))
def test_it_ends_within_bounds(said: dict[str, str], case: dict[str, Any]) -> None:
    found = said[case["name"]]
    assert case["due"] in found if case["due"] else not found
