"""What a plan may look up: GETs that read, and nothing else, whoever asks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faults.bench import CATALOGUE

from runner.catalogue import build_request
from runner.engine.calls.dry_reads import Looker, may_look
from runner.engine.context import Context
from runner.problems import RunnerError

ORDER = CATALOGUE.operation("shop.create_order")


def test_a_write_is_refused_before_anything_is_touched() -> None:
    looker: Any = Looker(
        cast(Context, SimpleNamespace(connections={}, account="", history=None, catalogue=None))
    )
    request = build_request(ORDER, {"reference": "A"}, base_url="http://127.0.0.1:9")
    with pytest.raises(RunnerError, match="is no GET that reads, and was not sent"):
        looker._attempt(None, ORDER, request, check=lambda _: "", before=None)
    with pytest.raises(RunnerError, match="is no read, and was not sent"):
        looker._journal.intend(cast(Any, type("Call", (), {"operation": "shop.create_order"})))
    assert not may_look(ORDER)


def test_what_reads_by_get_may_be_looked_up() -> None:
    reads = [
        each
        for api in CATALOGUE.values()
        for each in api.operations.values()
        if each.effect == "read"
    ]
    assert reads
    assert all(may_look(each) == (each.method == "GET") for each in reads)
