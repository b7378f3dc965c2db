"""The table of operations in docs/apis.md and the documents: neither has what the other lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import runner
from runner.catalogue import Catalogue
from runner.source import parse

DOCS = Path(runner.__file__).resolve().parent.parent / "docs" / "apis.md"
ROW = re.compile(
    r"^\| (?P<says>.+?) \| `(?P<operation>[a-z0-9_.]+)` \| (?P<known>\w+) \| (?P<recipe>.*?) ?\|$",
    re.MULTILINE,
)
GUIDE = 38
"""Endpoints that the start guide names for version 2: its headings 'Endpoint: ...'."""

pytestmark = pytest.mark.skipif(not DOCS.is_file(), reason="docs/ is not installed")


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(DOCS.read_text(encoding="utf-8")))


def test_the_table_lists_every_operation_once() -> None:
    listed = [row["operation"] for row in rows()]
    known = {
        operation.full_name for api in Catalogue().values() for operation in api.operations.values()
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == known


def test_every_row_of_the_tables_is_read() -> None:
    text = DOCS.read_text(encoding="utf-8")
    bars = [
        line
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| what")
    ]
    assert len(bars) == len(rows())


def test_the_table_says_how_well_each_is_known() -> None:
    catalogue = Catalogue()
    said = {row["operation"]: row["known"] for row in rows()}
    assert said == {name: catalogue.operation(name).evidence for name in said}


def test_every_endpoint_of_the_guide_is_in_the_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    guide = text[text.index("## Syncore v2\n") : text.index("## Syncore v2, beyond")]
    said = [row["says"] for row in ROW.finditer(guide)]
    assert len(said) == len(set(said)) == GUIDE
    catalogue = Catalogue()
    for row in ROW.finditer(guide):
        verb = re.search(r"\[(GET|POST|PUT)\]", row["says"])
        assert verb, row["says"]
        assert catalogue.operation(row["operation"]).method == verb[1]


def test_the_yaml_of_the_page_is_yaml() -> None:
    text = DOCS.read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for indent, block in blocks:
        parse(re.sub(f"^{indent}", "", block, flags=re.MULTILINE), file="apis.md")
