"""The dry run as JSON and Markdown: data that tries to look like something else, and sizes that stay bounded."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalogue import build_request
from runner.engine.events import BUCKETS, PlannedCall, RowFinished, RunEnded, RunStarted
from runner.problems import Problem
from runner.report.plan.json import Header, PlanJson, marked, unmarked
from runner.report.plan.markdown import (
    LIMIT,
    PlanMarkdown,
    bounded,
    code,
    fenced,
    problems_markdown,
)
from runner.template import Unknown

from .test_report_plan import JOB, order, request, row

HEADER = Header(
    recipe="orders",
    recipe_digest="0" * 64,
    target="sandbox",
    account="sandbox/new",
    date="2027-01-02",
)
ENDED = RunEnded(0, dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 0), 0, 1.5)


def told(reporter: Any, *rows: Any) -> None:
    reporter(RunStarted(0, "orders", "sandbox", len(rows), len(rows), dry_run=True))
    for each in rows:
        reporter(RowFinished(each))
    reporter(ENDED)


def as_json(*rows: Any) -> dict[str, Any]:
    out = io.StringIO()
    told(PlanJson(out, HEADER), *rows)
    plan: dict[str, Any] = json.loads(out.getvalue(), parse_float=Decimal)
    return plan


def as_markdown(*rows: Any) -> str:
    out = io.StringIO()
    told(PlanMarkdown(out), *rows)
    return out.getvalue()


def same(one: Any, other: Any) -> bool:
    """Whether two trees are the same, with what is not known compared by where it comes from."""
    if isinstance(one, Unknown):
        parts = (
            isinstance(other, Unknown)
            and one.origin == other.origin
            and len(one.parts) == len(other.parts)
        )
        return bool(parts) and all(map(same, one.parts, other.parts))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


LATER = st.builds(Unknown, st.sampled_from(["job.id", "contact.id", "(known after run)"]))
TEXTS = st.text(max_size=5) | st.sampled_from(
    ["(known after run)", "(known after run: job.id)", "(", "(("]
)
PARTS = st.tuples(st.lists(TEXTS | LATER, max_size=3), LATER).map(
    lambda both: Unknown.text([*both[0], both[1]])
)
TREES = st.recursive(
    TEXTS | LATER | PARTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(TREES)
def test_what_is_not_known_looks_like_no_data(tree: Any) -> None:
    assert same(unmarked(json.loads(marked(tree))), tree)


def test_a_key_of_data_that_looks_like_the_marker() -> None:
    known = build_request(
        JOB, {"client": {"(known after run)": "job.id", "(x": [1]}}, base_url="http://x"
    )
    plan = as_json(row(1, "A", planned=(PlannedCall("job", JOB, "to send", known),)))
    assert plan["rows"][0]["calls"][0]["body"] == {
        "client": {"((known after run)": "job.id", "((x": [1]}
    }
    later = request(JOB, client={"id": Unknown("contact.id")})
    plan = as_json(row(1, "A", planned=(PlannedCall("job", JOB, "to send", later),)))
    assert plan["rows"][0]["calls"][0]["body"] == {
        "client": {"id": {"(known after run)": "contact.id"}}
    }


def test_an_empty_plan_is_json() -> None:
    assert as_json()["rows"] == []


def test_amounts_are_text_with_all_their_digits() -> None:
    plan = as_json(row(1, "A", planned=order("a@b.example", deposit="12.10")))
    assert plan["rows"][0]["calls"][-1]["amount"] == "12.10"
    assert plan["totals"]["money"]["total"] == "12.10"


HOSTILE = [
    "`", "```", "a`b``c", " `", "</code><script>alert(1)</script>", "@octocat", "#1", "[x](http://evil.example)", "|",
    "\n# title", "\\", "::error::x", "\x1b]0;x\x07", "<details>", "  ", "",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_data_is_literal_in_markdown(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert "\n" not in span
    assert "\x1b" not in span
    block = fenced(text)
    assert block.splitlines()[0].removesuffix("text") not in re.findall(
        "`+", "\n".join(block.splitlines()[1:-1])
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_row_from_a_stranger_breaks_out_of_nothing(text: str) -> None:
    bad = row(1, text, bucket="rejected", reason=text)
    good = [row(n, text, planned=order(text)) for n in (2, 3)]
    plain = re.sub(r"(`+).*?\1", "", as_markdown(bad, *good), flags=re.DOTALL)
    for sign in ("@", "<script", "](", "# title", "::error", "\x1b"):
        assert sign not in plain.replace("<code>", "")


def test_a_comment_is_never_longer_than_one_may_be() -> None:
    rows = [row(n, f"K{n}", bucket="rejected", reason="é" * 5000) for n in range(500)]
    rows += [row(n, f"S{n}", planned=order("x" * 20_000, lines=n % 30)) for n in range(500, 600)]
    text = as_markdown(*rows)
    assert len(text.encode()) <= LIMIT
    assert "500 rows need attention" in text
    assert "- ... and 450 more" in text
    many = [Problem("o.csv", n, 1, "m" * 3000, "k") for n in range(100)]
    assert len(problems_markdown(many, total=4000).encode()) <= LIMIT


def test_what_does_not_fit_is_counted() -> None:
    assert bounded(["a" * 150, "b" * 100, "c" * 40], limit=300) == (
        "a" * 150
        + "c" * 40
        + "\n1 part too long for a comment: the whole plan is in the plan file\n"
    )
