"""An API that takes forms: nested fields in brackets, credentials in the form where its document says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalogue import FORM, decode_form
from runner.catalogue.values.form import encode_form

from .command import Command
from .stub import Answer, Stub

DOCUMENT = """\
openapi: 3.1.0
info: {title: Forms, version: "1", x-runner-credentials-in-form: IN_FORM}
servers: [{url: "https://forms.invalid"}]
security: [{token: []}]
paths:
  /orders:
    post:
      operationId: create_order
      x-runner-id: id
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [reference]
              properties:
                reference: {type: string}
                rush: {type: boolean}
                tags: {type: array, items: {type: string}}
                lines: {type: array, items: {type: object, properties: {sku: {type: string}, n: {type: number}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {type: object}}}}}
components:
  securitySchemes: {token: {type: apiKey, in: query, name: token}}
"""
RECIPE = """\
recipe: 1
name: forms
steps:
  - id: order
    use: forms.create_order
    with:
      reference: a&b=ü
      rush: true
      tags: [one, two]
      lines: [{sku: "00618", n: 12.10}, {sku: M-1, n: 3}]
"""
FIELDS = (
    "reference=a%26b%3D%C3%BC&rush=true&tags=one&tags=two"
    "&lines%5B0%5D%5Bsku%5D=00618&lines%5B0%5D%5Bn%5D=12.10&lines%5B1%5D%5Bsku%5D=M-1&lines%5B1%5D%5Bn%5D=3"
)
SECRET = 'p@ss w/o"rd&1'


@pytest.fixture
def runner(tmp_path: Path) -> Command:
    runner = Command(tmp_path)
    runner.write("forms.openapi.yaml", DOCUMENT.replace("IN_FORM", "true"))
    runner.write("forms.yaml", RECIPE)
    runner.write("runner.yaml", "apis: {forms: forms.openapi.yaml}\n")
    return runner


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub(lambda _: Answer(201, b'{"id": 7}'))
    yield stub
    stub.close()


@pytest.mark.parametrize("in_form", ["true", "false"])
def test_what_goes_on_the_wire(runner: Command, stub: Stub, in_form: str) -> None:
    runner.write("forms.openapi.yaml", DOCUMENT.replace("IN_FORM", in_form))
    target = f'{{account: a, apis: {{forms: {{base_url: "{stub.url}", secrets: {{token: {{env: TOKEN}}}}}}}}}}'
    runner.write(
        "runner.yaml", f"apis: {{forms: forms.openapi.yaml}}\ntargets: {{live: {target}}}\n"
    )
    runner("run", "forms.yaml", "--target", "live", "--first-run", env={"TOKEN": SECRET})
    (sent,) = stub.sent
    credentials = "token=p%40ss+w%2Fo%22rd%261"
    assert sent.body.decode() == FIELDS + (f"&{credentials}" if in_form == "true" else "")
    assert sent.kind == FORM
    assert sent.path.endswith("/orders" if in_form == "true" else f"/orders?{credentials}")
    kept = b"".join(path.read_bytes() for path in runner.runs.rglob("*") if path.is_file())
    assert FIELDS.encode() in kept
    assert b"p%40ss" not in kept
    assert "ss w/" not in runner("show", "--key", "{}").out


def test_the_sandbox_reads_what_it_is_sent(runner: Command) -> None:
    runner("run", "forms.yaml")
    (one,) = runner.delivered()
    assert one["body"] == {
        "reference": "a&b=ü", "rush": True, "tags": ["one", "two"],
        "lines": [{"sku": "00618", "n": one["body"]["lines"][0]["n"]}, {"sku": "M-1", "n": 3}],
    }  # fmt: skip
    assert "token" not in json.dumps(one["query"])


def test_what_has_changed_is_shown_field_by_field(runner: Command) -> None:
    runner.write("forms.yaml", RECIPE.replace("steps:", "key: same\nsteps:"))
    runner("run", "forms.yaml")
    runner.write("forms.yaml", RECIPE.replace("steps:", "key: same\nsteps:").replace("M-1", "M-2"))
    assert 'lines[1].sku was "M-1", now "M-2"' in runner("run", "forms.yaml", code=4).err


def test_a_plan_shows_the_fields(runner: Command) -> None:
    assert 'lines[0].sku  "00618"' in runner("run", "forms.yaml", "--dry-run").out


@pytest.mark.parametrize(
    "content", [b"a", b"a=1&a[b]=2", b"&".join(b"a%d=1" % n for n in range(2000))]
)
def test_what_is_no_form(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_form(content, {})


@given(
    st.dictionaries(
        st.text("abc", min_size=1), st.text(min_size=1) | st.lists(st.text(), min_size=2)
    )
)
def test_a_form_is_read_as_it_was_written(fields: dict[str, str | list[str]]) -> None:
    assert decode_form(encode_form(fields), {}) == fields
