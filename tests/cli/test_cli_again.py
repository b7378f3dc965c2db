"""`run --again KEY --why TEXT`: asked for in so many words, shown before it is done, and on record afterwards."""

from __future__ import annotations

import pytest

from .command import Command

AGAIN = ("run", "contacts.yaml", "--again", "A-1", "--why", "the contact was\x1bdeleted")


def test_it_is_sent_again_and_on_record(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    planned = contacts(*AGAIN, "--dry-run").out
    assert "earlier runs finished 2 calls; none is sent again, but for A-1" in planned
    assert "sent again: the contact was\\x1bdeleted" in planned
    assert "Plan: 2 rows: 1 to send, 1 done before; 1 call (1 create_contact)" in planned
    assert len(contacts.delivered()) == 2
    told = contacts(*AGAIN).err
    assert "2 calls finished before; none is sent again, but for A-1" in told
    first, second, again = (sent["body"]["first_name"] for sent in contacts.delivered())
    assert {first, second} == {"A-1", "A-2"}
    assert again == "A-1"
    shown = contacts("show", "2").out
    (line,) = [line for line in shown.splitlines() if line.startswith("  again ")]
    assert line.startswith("  again     A-1: the contact was\\x1bdeleted (")
    assert "contact again  call 3  done" in shown
    contacts("resume")
    contacts("run", "contacts.yaml")
    assert len(contacts.delivered()) == 3


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (("--again", "A-1"), "--again and --why go together"),
        (("--again", "A-1", "--why", " "), "--again and --why go together"),
        (("--why", "so"), "--again and --why go together"),
        (("--again", "A-3", "--why", "so"), "no row has the key 'A-3'"),
        (
            ("--again", "A-1", "--why", "so", "--only", "A-2"),
            "--again 'A-1' is not among the rows of --only",
        ),
    ],
)
def test_half_asked(contacts: Command, said: tuple[str, ...], message: str) -> None:
    told = contacts("run", "contacts.yaml", *said, code=2).err
    assert message in told
    assert contacts.delivered() == []
