"""`--max-failures` and the requests of a day: the command stops with 8, says why and how to go on."""

from __future__ import annotations

import pytest

from .command import RECIPE, Command
from .conftest import StartStub
from .stub import Answer

KEY = {"ACME_KEY": "key-of-acme"}


def test_max_failures_and_a_days_requests(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(lambda sent: Answer(422 if b"A-1" in sent.body else 201, b'{"id": 7}'))
    ran = contacts(
        "run",
        "contacts.yaml",
        "--target",
        "live",
        "--first-run",
        "--workers",
        "1",
        "--max-failures",
        "1",
        code=8,
        env=KEY,
    )
    assert "1 row rejected, as many as --max-failures allows" in ran.err
    assert len(stub.writes) == 1
    settings = contacts.folder / "runner.yaml"
    rate = "rate: {requests_per_second: "
    assert rate in settings.read_text()
    contacts.write(
        "runner.yaml",
        settings.read_text().replace(rate, "rate: {hits_per_day: 2, requests_per_second: "),
    )
    told = contacts("resume", "--workers", "1", "--max-failures", "9", code=8, env=KEY).err
    assert "2 requests to syncore today, and its 2 a day are used up" in told
    assert "00:00 UTC: runner resume" in told
    assert len(stub.writes) == 2


@pytest.mark.parametrize("digits", [400, 4_000, 9_000])
def test_a_number_of_thousands_of_digits_is_told(contacts: Command, digits: int) -> None:
    number = "{{ 0x" + "f" * digits + " }}"
    contacts.write("contacts.yaml", RECIPE.replace("{{ row.name }}", number))
    ended = contacts("plan", "contacts.yaml", code=3)
    assert "a number of more than 4" in ended.out + ended.err
