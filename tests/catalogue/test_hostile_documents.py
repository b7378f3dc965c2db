"""Documents of APIs whose work is far larger than their text: refused, and never waited for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corpora import bounded_runner, cases

SCHEMAS = 26


def document(schema: Any) -> str:
    """A document whose one operation takes the first of the schemas."""
    at = "#/components/schemas/S"
    text = json.dumps(schema)
    schemas = {f"S{n}": json.loads(text.replace("NEXT", f"{at}{n + 1}")) for n in range(SCHEMAS)}
    body = {"content": {"application/json": {"schema": {"$ref": f"{at}0"}}}}
    make = {
        "operationId": "make",
        "requestBody": body,
        "responses": {"201": {"description": "made"}},
    }
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "servers": [{"url": "https://x.example"}],
            "paths": {"/a": {"post": make}},
            "components": {"schemas": {**schemas, f"S{SCHEMAS}": {"type": "string"}}},
        }
    )


@pytest.mark.parametrize("case", cases("documents"))
def test_a_document_is_read_in_bounded_time(tmp_path: Path, case: dict[str, Any]) -> None:
    (tmp_path / "runner.yaml").write_text("apis: {large: large.json}\n")
    (tmp_path / "large.json").write_text(document(case["schema"]))
    code, said = bounded_runner("ops", "large.make", folder=tmp_path)
    assert (code, case["due"] in said) == (7 if case["due"] else 0, True), said
