"""A run whose journal does not know what was sent to its account: refused before the first request."""

from __future__ import annotations

import itertools
import json
import os
import pty
import select
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from runner.project.destination import origin_of

from .command import RECIPE, ROWS, RUNNER, TIMEOUT, Command, environment
from .conftest import StartStub
from .stub import Answer, Sent, Stub

KEY = {"ACME_KEY": "key-of-acme"}
RUN = ("run", "contacts.yaml", "--target", "live")
MORE = ROWS + "A-3,Coral Club,3,3,\n"


@pytest.fixture
def stub(start_stub: StartStub) -> Stub:
    ids = itertools.count(101)

    def answer(_: Sent) -> Answer:
        return Answer(201, b'{"id": %d}' % next(ids))

    return start_stub(answer)


def registry() -> Path:
    return Path(os.environ["XDG_STATE_HOME"]) / "recipe-runner" / "journals.json"


def test_the_first_run_to_an_account_has_to_be_called_that(contacts: Command, stub: Stub) -> None:
    told = contacts(*RUN, code=8, env=KEY).err
    assert f"no run that writes to the account 'acme' is on record in {contacts.runs}" in told
    assert "--first-run" in told
    assert "where the runs/ folder of the earlier runs is" in told
    assert not contacts.runs.exists()
    assert not stub.sent
    contacts("run", "contacts.yaml")  # the sandbox knows nothing of the account
    contacts(*RUN, code=8, env=KEY)
    assert not stub.sent
    contacts(*RUN, "--first-run", "--limit", "1", env=KEY)
    contacts("resume", env=KEY)
    contacts.write("rows.csv", MORE)
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 3
    told = contacts(*RUN, "--first-run", env=KEY).err
    assert "--first-run: runs to 'acme' are on record here already; leave it out" in told
    shutil.rmtree(contacts.runs)
    gone = f"{contacts.runs / 'journal.sqlite'}, which wrote to 'acme', is gone"
    assert f"; {gone}: what was sent before" in contacts(*RUN, code=8, env=KEY).err
    assert len(stub.writes) == 3
    contacts.write("runner.yaml", stub.settings().replace("account: acme", "account: beta"))
    assert "is gone" not in contacts(*RUN, code=8, env=KEY).err
    contacts.write("runner.yaml", stub.settings())
    assert f"note: {gone}\n" in contacts(*RUN, "--first-run", env=KEY).err


@pytest.mark.parametrize(
    ("typed", "code"), [(b"y\n", 0), (b"n\n", 8), (b"\x04", 8), (b"\x03", 130)]
)
def test_a_terminal_asks(contacts: Command, stub: Stub, typed: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [RUNNER, *RUN], cwd=contacts.folder, env=environment({**KEY, "TERM": "dumb"}),
        stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, typed)
    try:
        while True:
            # An interrupt in the instant before the answer is read is lost: a person presses the keys again.
            while typed == b"\x03" and not select.select([ours], [], [], 5)[0]:
                os.write(ours, typed)
            more = os.read(ours, 4096)
            if not more:
                break
            shown += more
    except OSError:  # how Linux says that the other end is closed
        pass
    process.communicate(timeout=TIMEOUT)
    os.close(ours)
    assert b"is this the first run to it?" in shown
    assert process.returncode == code, shown
    assert len(stub.writes) == (2 if code == 0 else 0)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_what_only_reads_needs_no_memory(contacts: Command, start_stub: StartStub) -> None:
    stub = start_stub(
        lambda _: Answer(200, b'{"contacts": [{"id": 5, "email": "dana@example.com"}]}')
    )
    contacts.write("read.yaml", READ)
    contacts("run", "read.yaml", "--target", "live", env=KEY)
    assert stub.sent
    assert not registry().exists()
    told = contacts(*RUN, code=8, env=KEY).err
    assert "--first-run" in told, "a run that reads is no run that writes"


READ = """\
recipe: 1
name: read
steps:
  - id: contact
    use: syncore.search_contacts
    with: {email: dana@example.com}
    expect: one
outputs: {id: "{{ contact.id }}"}
"""


def test_an_account_stays_where_it_is(contacts: Command, stub: Stub, start_stub: StartStub) -> None:
    contacts(*RUN, "--first-run", env=KEY)
    first = stub.url.removesuffix("/v2")
    other = start_stub(lambda _: Answer(201, b'{"id": 7}'))
    contacts.write("rows.csv", MORE)
    second = other.url.removesuffix("/v2")
    told = contacts(*RUN, code=7, env=KEY).err
    assert f"the account 'acme' is on record at {first} (syncore)" in told
    assert f"leads to {second}" in told
    assert f"origin_was: {first}" in told
    assert "targets.live.apis.syncore" in told
    assert not other.sent
    settings = other.settings().replace("secrets:", f"origin_was: {first}\n        secrets:")
    contacts.write("runner.yaml", settings)
    contacts(*RUN, env=KEY)
    assert len(other.writes) == 1, "what was sent to the old address was sent"
    contacts.write("runner.yaml", other.settings())
    contacts(*RUN, env=KEY)
    contacts.write("runner.yaml", stub.settings())
    assert f"leads to {first}" in contacts(*RUN, code=7, env=KEY).err


def test_another_account_under_another_name_of_the_place(contacts: Command, stub: Stub) -> None:
    """The same input under the name of the recipe is on record: which accounts are one place, nothing says."""
    contacts(*RUN, "--first-run", env=KEY)
    settings = stub.settings().replace("127.0.0.1", "localhost")
    settings = settings.replace("secrets:", "user_agent: tests (a@example.com)\n        secrets:")
    contacts.write("runner.yaml", settings)
    told = contacts(*RUN, code=7, env=KEY).err
    assert "only if it is another place, with nothing of what was sent" in told
    contacts.write("runner.yaml", settings.replace("account: acme", "account: beta"))
    for more in ((), ("--limit", "1")):
        told = contacts(*RUN, "--first-run", *more, code=8, env=KEY).err
        assert "'A-1' was done as contacts in run 1 under the account 'acme'" in told
    assert len(stub.writes) == 2
    contacts(*RUN, "--first-run", "--new-identity", env=KEY)
    assert len(stub.writes) == 4


@pytest.mark.parametrize(
    "sheet",
    [
        ROWS.replace("Ace Awards", "Ace Award Co"),
        ROWS + "A-3,Coral Club,3,3,\n",
        ROWS.replace("Day\n", "Day,Note\n").replace("2027\n", "2027,a\n"),
    ],
    ids=["a cell", "a line", "a column"],
)  # fmt: skip
def test_another_account_under_another_name_of_the_place_with_another_sheet(
    contacts: Command, stub: Stub, sheet: str
) -> None:
    """The keys are on record under the name of the recipe, for an account that may be at the same place."""
    contacts(*RUN, "--first-run", env=KEY)
    settings = stub.settings().replace("127.0.0.1", "localhost")
    settings = settings.replace("secrets:", "user_agent: tests (a@example.com)\n        secrets:")
    contacts.write("runner.yaml", settings.replace("account: acme", "account: beta"))
    contacts.write("rows.csv", sheet)
    told = contacts(*RUN, "--first-run", code=8, env=KEY).err
    assert "'A-1' was done as contacts in run 1 under the account 'acme'" in told
    assert "--new-identity" in told
    assert len(stub.writes) == 2
    contacts(*RUN, "--first-run", "--new-identity", env=KEY)
    assert len(stub.writes) >= 4


def test_what_is_unknown_is_looked_up_where_it_was_sent(
    contacts: Command, start_stub: StartStub
) -> None:
    start_stub(lambda sent: Answer(200, b'{"contacts": []}') if sent.method == "GET" else Answer(0))
    contacts.write("contacts.yaml", RECIPE.replace("outputs:", f"{SEARCH}outputs:"))
    contacts(*RUN, "--first-run", "--limit", "1", code=5, env=KEY)
    other = start_stub(lambda _: Answer(200, b'{"contacts": []}'))
    told = contacts("settle", "--look", code=5, env=KEY)
    assert "is on record at http://127.0.0.1:" in told.out + told.err
    assert not other.sent


SEARCH = """\
    unless_found: {use: syncore.search_contacts, with: {email: "{{ row.ref | lower }}@example.com"}}
"""


def test_an_address_where_nobody_was_holds_nothing_back(contacts: Command, stub: Stub) -> None:
    settings = stub.settings()
    contacts.write("runner.yaml", settings.replace(stub.url, "http://127.0.0.1:1/v2"))
    contacts(*RUN, "--first-run", code=8, env=KEY)
    contacts.write("runner.yaml", settings)
    contacts("resume", env=KEY)
    assert len(stub.writes) == 2


def test_the_sandbox_may_be_at_another_port_each_time(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("rows.csv", MORE)
    contacts("run", "contacts.yaml")
    assert len(contacts.delivered()) == 3
    assert not registry().exists()


def copy_of(contacts: Command, name: str) -> Command:
    folder = contacts.folder.parent / f"{contacts.folder.name}-{name}"
    shutil.copytree(contacts.folder, folder)
    return Command(folder)


def test_a_copy_of_a_project_is_found_out(contacts: Command, stub: Stub) -> None:
    contacts(*RUN, "--first-run", "--limit", "1", env=KEY)
    assert stat.S_IMODE(registry().stat().st_mode) == 0o600
    copy = copy_of(contacts, "copy")
    for command in (RUN, ("resume",)):
        told = copy(*command, code=8, env=KEY).err
        assert f"this journal is a copy of {contacts.runs / 'journal.sqlite'}" in told
        assert f"run it in {contacts.folder}" in told
    assert len(stub.writes) == 1
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 2
    copy.write("rows.csv", MORE)
    copy(*RUN, "--separate-journal", "--only", "A-3", env=KEY)
    copy(*RUN, "--only", "A-3", env=KEY)
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 3


def test_another_project_for_the_same_account_is_refused(contacts: Command, stub: Stub) -> None:
    contacts(*RUN, "--first-run", env=KEY)
    other = copy_of(contacts, "other")
    shutil.rmtree(other.runs)
    for more in ((), ("--first-run",)):
        told = other(*RUN, *more, code=8, env=KEY).err
        assert f"its journal here is {contacts.runs / 'journal.sqlite'}" in told
    assert not other.runs.exists()
    assert len(stub.writes) == 2
    shutil.rmtree(contacts.folder)
    other(*RUN, "--first-run", env=KEY)
    assert len(stub.writes) == 4


def test_a_project_that_was_moved_goes_on(contacts: Command, stub: Stub) -> None:
    contacts(*RUN, "--first-run", "--limit", "1", env=KEY)
    moved = Command(contacts.folder.parent / f"{contacts.folder.name}-moved")
    contacts.folder.rename(moved.folder)
    moved(*RUN, env=KEY)
    assert len(stub.writes) == 2
    (entry,) = json.loads(registry().read_text())["journals"]
    assert entry["path"] == str(moved.runs / "journal.sqlite")
    moved.folder.rename(contacts.folder)
    contacts.folder.with_name("link").symlink_to(contacts.folder)
    Command(contacts.folder.with_name("link"))(*RUN, env=KEY)
    assert len(stub.writes) == 2


def test_a_journal_that_was_begun_again_at_its_place_is_the_one(
    contacts: Command, stub: Stub
) -> None:
    contacts(*RUN, "--first-run", env=KEY)
    shutil.rmtree(contacts.runs)
    contacts(*RUN, "--first-run", env=KEY)
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 4
    assert len(json.loads(registry().read_text())["journals"]) == 1


def test_journals_side_by_side_send_no_row_twice(contacts: Command, stub: Stub) -> None:
    """Each is to have rows of its own, so what one has sent is not sent from the other, in either direction."""
    contacts(*RUN, "--first-run", "--limit", "1", env=KEY)
    copy = copy_of(contacts, "copy")
    contacts(*RUN, env=KEY)
    told = copy(*RUN, "--separate-journal", code=8, env=KEY).err
    assert f"'A-2' was done as contacts in run 2 of {contacts.runs / 'journal.sqlite'}" in told
    assert "note: a run is refused: 'A-2'" in copy("plan", *RUN[1:], code=0, env=KEY).err
    assert len(stub.writes) == 2
    copy.write("rows.csv", MORE)
    copy(*RUN, "--separate-journal", "--only", "A-3", env=KEY)
    contacts.write("rows.csv", MORE)
    assert "'A-3' was done as contacts" in contacts(*RUN, code=8, env=KEY).err
    assert len(stub.writes) == 3
    contacts(*RUN, "--new-identity", env=KEY)
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 4


def test_another_account_at_the_same_place_is_shown(contacts: Command, stub: Stub) -> None:
    contacts(*RUN, "--first-run", env=KEY)
    other = copy_of(contacts, "other")
    shutil.rmtree(other.runs)
    other.write("runner.yaml", stub.settings().replace("account: acme", "account: beta"))
    told = f"{contacts.runs / 'journal.sqlite'} writes to 'acme' at {stub.url.removesuffix('/v2')}"
    assert told in other(*RUN, code=8, env=KEY).err
    assert f"note: {told}" in other(*RUN, "--first-run", env=KEY).err


@pytest.mark.parametrize("moved", [0, 1])
def test_an_older_copy_of_a_whole_project_is_found_out(
    contacts: Command, stub: Stub, moved: int
) -> None:
    """Restored from a backup with all that is around the journal: only the registry of the machine knows better."""
    contacts(*RUN, "--first-run", "--limit", "1", env=KEY)
    backup = copy_of(contacts, "backup")
    contacts(*RUN, env=KEY)
    assert len(stub.writes) == 2
    shutil.rmtree(contacts.folder)
    if not moved:
        backup.folder.rename(contacts.folder)
        backup = contacts
    for command in (RUN, RUN if moved else ("resume",)):
        told = backup(*command, code=8, env=KEY).err
        assert "this journal knows of run 1 at most, and run 2 was begun from it" in told
        assert str(registry()) in told
    assert len(stub.writes) == 2


@pytest.mark.parametrize("url", [
    "https://api.example.com", "https://API.Example.com:443/", "https://api.example.com./v2",
    "https://someone@api.example.com:0443/v2?x=1",
])  # fmt: skip
def test_one_origin_in_several_spellings(url: str) -> None:
    assert origin_of(url) == "https://api.example.com:443"
    assert origin_of(origin_of(url)) == origin_of(url)


@pytest.mark.parametrize(("one", "other"), [
    ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/v2"),
    ("https://b\u00fccher.example", "https://xn--bcher-kva.example:443"),
    ("https://B\u00dcCHER.example", "https://xn--bcher-kva.example"),
])  # fmt: skip
def test_two_spellings_of_one_host(one: str, other: str) -> None:
    assert origin_of(one) == origin_of(other)
    assert origin_of(one) != origin_of("https://example.com")


@pytest.mark.parametrize("wrong", ["a file", "damaged"])
def test_a_registry_that_cannot_be_used_stops_no_run(
    contacts: Command, stub: Stub, wrong: str
) -> None:
    if wrong == "a file":
        registry().parent.parent.mkdir(parents=True)
        registry().parent.write_text("")
    else:
        registry().parent.mkdir(parents=True)
        registry().write_text("{")
    told = contacts(*RUN, "--first-run", env=KEY).err
    assert "that this journal writes to 'acme' is not noted" in told
    assert str(registry()) in told
    assert len(stub.writes) == 2
