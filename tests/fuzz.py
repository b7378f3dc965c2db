"""Fuzzing of what reads data of strangers: recipes, templates, sheets, documents, answers, patterns and secrets.

Each input is one of the corpora, the recipes or the documents with random changes. It is read, or refused with an error
of the program's own, within CPU_SECONDS. Anything else ends this with 1, the seed, and the input in a file:

    python -W error -m fuzz --seconds 60 --seed 7

The same seed makes the same inputs, in the same order.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from runner import source
from runner.catalogue import AnswerError, Catalogue, describe_error, load_api, parse_json
from runner.catalogue.documents.json_path import matches
from runner.config.masking import Mask
from runner.patterns import PatternError, matcher
from runner.problems import ConfigError, InvalidError, UsageError
from runner.recipe.load import load_text
from runner.recipe.model import Column, Rows
from runner.rows import open_input
from runner.rows.infer import infer
from runner.template import EvaluationError, TemplateError, compile_template, one_row, render
from runner.transport.wire import BrokenAnswerError, decompress

TREE = Path(__file__).resolve().parents[1]
CPU_SECONDS = 20
MOST_BYTES = 20_000
REFUSALS = (
    AnswerError, BrokenAnswerError, ConfigError, EvaluationError, InvalidError, PatternError, TemplateError, UsageError,
)  # fmt: skip
PIECES = rb"""
{{ }} {% %} " ' \ \u \ud800 : - &a *a <<: !!python/object ? | > [ ] { } , ; = %25 &amp; &#x -0 1e999 0x NaN null true ~
$ref #/ $.. [?@ (a+)+$ (?= 2024-02-30 ( ) row. range( __class__ 9999999999999999999999999999999999999999
""".split()
PIECES += [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\t",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b": ",
    b"- ",
    b" | ",
]

DOCUMENT = b"""\
openapi: 3.1.0
info: {title: t, version: "1"}
servers: [{url: "https://x.example"}]
paths:
  /a/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      operationId: make
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/T"}}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/T"}}}}
components:
  schemas:
    S: {type: string, pattern: ^a+$, enum: [a]}
    T: {type: object, properties: {a: {$ref: "#/components/schemas/S"}, n: {type: [string, "null"]}}}
"""


@cache
def catalogue() -> Catalogue:
    """The APIs that come with the program."""
    return Catalogue()


def read_yaml(content: bytes) -> None:
    source.parse(content.decode("utf-8", "replace"), file="a.yaml")


def read_recipe(content: bytes) -> None:
    load_text(content.decode("utf-8", "replace"), file="a.yaml", catalogue=catalogue())


def read_template(content: bytes) -> None:
    with one_row():
        render(compile_template(content.decode("utf-8", "replace")), {"row": {"a": "1", "n": 2}})


def read_rows(content: bytes) -> None:
    columns = (Column("ref", "Ref"), Column("qty", "Qty", type="integer"))
    rows = Rows(key=compile_template("{{ row.ref }}"), columns=columns)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.csv", "a.json", "a.jsonl", "a.xlsx"):
            path = Path(folder) / name
            path.write_bytes(content)
            with suppress(*REFUSALS):
                list(open_input(path, rows, scope={}))
            with suppress(*REFUSALS):
                infer(path)


def read_document(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_bytes(content)
        load_api(path)


def read_answer(content: bytes) -> None:
    describe_error("application/json", content)
    describe_error("text/html", content)
    parse_json(content)


def read_packed(content: bytes) -> None:
    decompress(content, "gzip", most=1_000_000)
    decompress(content, "deflate", most=1_000_000)


def read_pattern(content: bytes) -> None:
    matcher(content.decode("utf-8", "replace"))("a" * 100 + "!")


def read_json_path(content: bytes) -> None:
    target = content.decode("utf-8", "replace")
    try:
        matches(target, {"paths": {"/a": {"get": {"name": "a" * 40}}}, "list": [1, {"a": 2}]})
    except ValueError as error:
        if isinstance(error, UnicodeError):
            raise


def read_secret(content: bytes) -> None:
    half = len(content) // 2
    mask = Mask([content[: min(half, 40)].decode("latin-1")])
    mask.answer(content[half:])
    mask.text(content.decode("utf-8", "replace"))


def texts(name: str, *fields: str) -> list[bytes]:
    """The texts of a corpus."""
    found = yaml.safe_load((TREE / "tests" / "corpora" / f"{name}.yaml").read_text("utf-8"))
    return [
        case[field].encode("utf-8", "surrogatepass")
        for case in found
        for field in fields
        if isinstance(case.get(field), str)
    ]


def seeds() -> Mapping[Callable[[bytes], None], Sequence[bytes]]:
    """The inputs that each reader begins with."""
    recipes = [path.read_bytes() for path in sorted((TREE / "recipes").glob("*.yaml"))]
    golden = [path.read_bytes() for path in sorted((TREE / "tests" / "golden").rglob("*.yaml"))]
    sheets = [path.read_bytes() for path in sorted((TREE / "recipes").glob("*.csv"))]
    rows = [
        b"Ref,Qty\nA-1,2\nA-2,3\n",
        b'[{"Ref": "A", "Qty": 1}]',
        b'{"Ref": "A", "Qty": 1}\n{"Ref": "B"}\n',
    ]
    answers = [b'{"id": 1, "errors": [{"message": "no"}]}', b'[1.5, null, "a"]', b'{"data": [{}]}']
    outputs = texts("outputs", "text")
    return {
        read_yaml: recipes + golden,
        read_recipe: recipes + golden,
        read_template: [
            *texts("budget", "text"),
            b"{{ row.a | upper }} {% if row.n > 1 %}x{% endif %}",
            b"{{ row.n * 2 }}",
        ],
        read_rows: [*rows, *sheets, *outputs],
        read_document: [DOCUMENT, json.dumps(yaml.safe_load(DOCUMENT)).encode()],
        read_answer: [*answers, *texts("secrets", "text"), *outputs],
        read_packed: [zlib.compress(b"a" * 999), zlib.compress(b"a" * 999, wbits=31)],
        read_pattern: texts("patterns", "pattern"),
        read_json_path: texts("paths", "target"),
        read_secret: texts("secrets", "secret", "text"),
    }


def changed(content: bytes, others: Sequence[bytes], by: random.Random) -> bytes:
    """The content with some random changes."""
    made = bytearray(content)
    for _ in range(by.choice((1, 1, 2, 3, 5, 9))):
        start = by.randrange(len(made) + 1)
        end = min(len(made), start + by.choice((0, 1, 1, 2, 8, 40)))
        kind = by.randrange(6)
        if kind == 0:
            made[start:end] = by.choice(PIECES)
        elif kind == 1:
            made[start:start] = by.choice(PIECES) * by.choice((1, 2, 50, 2000))
        elif kind == 2:
            del made[start:end]
        elif kind == 3:
            made[start:end] = made[start:end] * by.choice((2, 3, 300))
        elif kind == 4:
            made[start:end] = by.randbytes(end - start)
        else:
            other = by.choice(others)
            at = by.randrange(len(other) + 1)
            made[start:end] = other[at : at + 200]
    return bytes(made[:MOST_BYTES])


class HangError(BaseException):
    """An input takes too long. No reader catches this."""


def hang(*_: Any) -> NoReturn:
    raise HangError(f"more than {CPU_SECONDS} s of CPU time")


def fault(read: Callable[[bytes], None], content: bytes) -> str:
    """The traceback of what a reader made of an input; empty if it was read or refused."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        read(content)
    except REFUSALS:
        return ""
    except (Exception, HangError):  # noqa: BLE001 - any other error is a fault
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def main() -> int:
    """Fuzz for some seconds. Returns 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=10**9, help="end after so many")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--keep-going", action="store_true", help="show every kind of fault once")
    wanted = parser.parse_args()
    faulthandler.enable()
    signal.signal(signal.SIGPROF, hang)
    by, corpus = random.Random(wanted.seed), seeds()
    seen: set[tuple[str, str]] = set()
    count, ends = 0, time.monotonic() + wanted.seconds
    while time.monotonic() < ends and count < wanted.inputs:
        for read, known in corpus.items():
            content = changed(by.choice(known), known, by)
            count += 1
            told = fault(read, content)
            kind = read.__name__, told.rstrip().rpartition("\n")[2][:60]
            if told and kind not in seen:
                seen.add(kind)
                path = Path(tempfile.gettempdir()) / f"fuzz-{read.__name__}-{wanted.seed}-{count}"
                path.write_bytes(content)
                sys.stdout.write(
                    f"{told}{read.__name__}: seed {wanted.seed}, input {count}, kept in {path}\n"
                )
                if not wanted.keep_going:
                    return 1
    sys.stdout.write(f"{count:,} inputs, seed {wanted.seed}, {len(seen)} faults\n")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
