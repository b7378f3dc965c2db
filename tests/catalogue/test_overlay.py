"""Overlays: a document corrected for one account, and every way in which an overlay can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpora import cases

from runner.catalogue import Api, Catalogue, load_api, shipped_apis
from runner.problems import InvalidError, Problem

DOCUMENT = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /orders:
    get:
      operationId: find_orders
      tags: [a]
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: state, in: query, schema: {type: string, maxLength: 5}}
        - {name: kind, in: query, schema: {type: string}}
      responses: {}
    post:
      operationId: create_order
      responses: {}
"""
HEAD = "overlay: 1.0.0\ninfo: {title: ours, version: '1'}\nactions:\n"


def load(folder: Path, actions: str, *, head: str = HEAD) -> Api:
    document, overlay = folder / "shop.openapi.yaml", folder / "ours.yaml"
    document.write_text(DOCUMENT, encoding="utf-8")
    overlay.write_text(head + actions, encoding="utf-8")
    return load_api(document, overlay=overlay)


def problems(folder: Path, actions: str, *, head: str = HEAD) -> list[Problem]:
    with pytest.raises(InvalidError) as caught:
        load(folder, actions, head=head)
    return caught.value.problems


def test_objects_merge_lists_grow_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    api = load(
        tmp_path,
        """\
  - target: $.paths['/orders'].get
    update: {tags: [b], summary: Find, x-runner-evidence: observed}
  - target: $.paths['/orders'].get.parameters[?@.name=='state'].schema
    update: {maxLength: 9}
  - target: $.paths['/orders'].get.parameters
    update: {name: since, in: query, schema: {type: string, format: date}}
  - target: $.paths['/orders'].get.parameters[?@.name=='page' || @.name=='kind']
    remove: true
  - target: $.paths['/orders'].post
    description: removing wins
    remove: true
    update: {summary: never}
""",
    )
    assert set(api.operations) == {"find_orders"}
    operation = api.operations["find_orders"]
    assert (operation.summary, operation.evidence) == ("Find", "observed")
    assert set(operation.parameters) == {"state", "since"}
    assert operation.parameters["state"].schema == {"type": "string", "maxLength": 9}
    assert api.document["paths"]["/orders"]["get"]["tags"] == ["a", "b"]


def test_actions_are_done_one_after_the_other(tmp_path: Path) -> None:
    api = load(
        tmp_path,
        """\
  - target: $.paths
    update: {'/orders/{id}': {get: {operationId: get_order}}}
  - target: $.paths['/orders/{id}'].get
    update: {parameters: [{name: id, in: path, required: true, schema: {type: integer}}]}
""",
    )
    assert api.operations["get_order"].required == {"id"}


def test_the_document_itself_stays_as_it_is(tmp_path: Path) -> None:
    load(tmp_path, "  - target: $.paths['/orders'].post\n    remove: true\n")
    assert "create_order" in load_api(tmp_path / "shop.openapi.yaml").operations


@pytest.mark.parametrize(
    ("action", "message", "line"),
    [
        (
            "  - target: $.paths['/order'].get\n    remove: true\n",
            "matches nothing in the document",
            4,
        ),
        ("  - target: $.paths['/orders'\n    remove: true\n", "is no JSONPath", 4),
        ("  - target: paths\n    remove: true\n", "is no JSONPath", 4),
        ("  - target: $\n    remove: true\n", "the whole document", 4),
        (
            "  - target: $.info.title\n    update: {a: 1}\n",
            "is a plain value; aim at the object",
            4,
        ),
        ("  - target: $.info\n    update: [1]\n", "is an object, and its update is none", 4),
        ("  - target: $.info\n", "is neither updated nor removed", 4),
        ("  - remove: true\n", "'target' is missing", 4),
        ("  - target: $.info\n    remove: 1\n", "1 is not of type boolean", 5),
    ],
)
def test_a_wrong_action_is_told_at_its_place(
    tmp_path: Path, action: str, message: str, line: int
) -> None:
    [problem] = problems(tmp_path, action)
    assert message in problem.message
    assert (problem.file, problem.line) == (str(tmp_path / "ours.yaml"), line)
    if "matches nothing" in message:
        assert (
            problem.remedy
            == f"mend it, or take it away if {tmp_path / 'shop.openapi.yaml'} has changed"
        )


@pytest.mark.parametrize(
    "head", ["", "overlay: 2.0.0\ninfo: {title: a, version: b}\nactions:\n", "actions:\n"]
)
def test_a_file_that_is_no_overlay_is_refused(tmp_path: Path, head: str) -> None:
    assert problems(tmp_path, "  - {target: $.info, update: {a: 1}}\n", head=head)


def test_all_actions_that_match_nothing_are_told_at_once(tmp_path: Path) -> None:
    actions = "  - {target: $.a, remove: true}\n  - {target: $.info, update: {x: 1}}\n  - {target: $.b, remove: true}\n"
    assert [problem.line for problem in problems(tmp_path, actions)] == [4, 6]


def test_what_an_overlay_breaks_is_told_at_the_overlay(tmp_path: Path) -> None:
    [problem] = problems(
        tmp_path, "  - {target: \"$.paths['/orders'].get\", update: {x-runner-effect: look}}\n"
    )
    assert (Path(problem.file).name, problem.line) == ("ours.yaml", 3)
    assert (
        "shop.openapi.yaml with this overlay: 'look' is not one of read, create, update"
        in problem.message
    )


def test_an_inferred_parameter_is_corrected_for_one_account(tmp_path: Path) -> None:
    overlay = tmp_path / "tenant.yaml"
    overlay.write_text(
        HEAD
        + """\
  - target: $.paths['/orders/jobs'].get.parameters[?@.name=='date_from']
    update: {x-runner-name: created_from, x-runner-evidence: observed}
""",
        encoding="utf-8",
    )
    catalogue = Catalogue(overlays={"syncore_v1": overlay})
    assert set(catalogue) == set(shipped_apis())
    api = catalogue["syncore_v1"]
    parameter = api.operations["search_jobs"].parameters["created_from"]
    assert (
        parameter.sent_as,
        parameter.evidence,
        parameter.window and parameter.window.months,
    ) == (
        "date_from",
        "observed",
        13,
    )
    assert "created_from" not in Catalogue()["syncore_v1"].operations["search_jobs"].parameters


@pytest.mark.parametrize("case", cases("paths"))
def test_a_target_is_looked_up_in_bounded_time(tmp_path: Path, case: dict[str, Any]) -> None:
    named = {"name": "a" * 40 + "!"}
    document = {**yaml.safe_load(DOCUMENT), "x-names": {"a": named, "b": {"c": {"d": named}}}}
    (tmp_path / "shop.json").write_text(json.dumps(document))
    action = {"target": case["target"], "update": {"x-seen": True}}
    (tmp_path / "ours.yaml").write_text(HEAD + f"  - {json.dumps(action)}\n")
    if not case["due"]:
        assert load_api(tmp_path / "shop.json", overlay=tmp_path / "ours.yaml").operations
        return
    with pytest.raises(InvalidError, match="problem") as caught:
        load_api(tmp_path / "shop.json", overlay=tmp_path / "ours.yaml")
    assert case["due"] in caught.value.problems[0].message
