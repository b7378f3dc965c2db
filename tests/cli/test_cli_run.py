"""The main job with the real command: the sample sheet, what is left to do, and the same again."""

from __future__ import annotations

import csv
import io
import re
from importlib import resources
from pathlib import Path

import pytest

from .command import HEADER, Command
from .conftest import StartStub
from .stub import Answer, Sent
from .test_cli_bad_arguments import new_order

SAMPLE = Path(str(resources.files("runner.recipes"))) / "import-orders.csv"


def results(runner: Command, run: int) -> list[dict[str, str]]:
    """The results file as a spreadsheet reads it."""
    return list(
        csv.DictReader(io.StringIO((runner.runs / str(run) / "results.csv").read_text("utf-8-sig")))
    )


def test_the_sample_sheet(runner: Command) -> None:
    ended = runner("run", "import-orders")
    assert ended.out == "results  runs/1/results.csv\ncreated  runs/1/created.csv\n"
    lines = list(csv.reader(io.StringIO(SAMPLE.read_text("utf-8-sig"))))
    found = results(runner, 1)
    assert [(row["line"], row["key"]) for row in found] == [
        (str(n), line[0]) for n, line in enumerate(lines[1:], 2)
    ]
    assert {row["bucket"] for row in found} == {"done"}
    assert not (runner.runs / "1" / "retry.csv").exists()
    writes = runner.delivered()
    jobs = {
        (w["body"]["description"], str(w["id"])) for w in writes if w["operation"] == "create_job"
    }
    event = lines[0].index("Event / Description")
    assert {
        (f"{lines[int(row['line']) - 1][event]} [{row['key']}]", row["job_number"]) for row in found
    } == jobs
    told = [
        (row["ids"].partition("; job ")[2].partition(";")[0], row["job_number"]) for row in found
    ]
    assert all(job == number for job, number in told)
    assert all(
        row["ids"].startswith("contact ") for row in found
    )  # also those that share the contact of another row
    skus = [
        w["body"].get("sku", "") for w in writes if w["operation"] == "create_sales_order_line_item"
    ]
    assert sorted(skus) == sorted(line[lines[0].index("SKU")] for line in lines[1:])

    again = runner("run", "import-orders")
    assert runner.delivered() == writes
    assert "done         43 rows (272 lines)" in again.err
    assert {row["reason"] for row in results(runner, 2)} == {"done in run 1"}
    assert [row["ids"] for row in results(runner, 2)] == [row["ids"] for row in found]
    assert "43 done before; 0 calls" in runner("run", "import-orders", "--dry-run").out


def test_the_first_rows_and_then_the_rest(contacts: Command) -> None:
    first = contacts("run", "contacts.yaml", "--limit", "1")
    assert (
        first.out
        == "results  runs/1/results.csv\ncreated  runs/1/created.csv\nto do    runs/1/retry.csv\n"
    )
    assert [row["bucket"] for row in results(contacts, 1)] == ["done", "not started"]
    assert (
        contacts.runs / "1" / "retry.csv"
    ).read_text() == HEADER + "A-2,Blue Banners,2,2.5,01/03/2027\n"
    contacts("resume")
    assert [row["bucket"] for row in results(contacts, 1)] == ["done", "done"]
    assert [row["ids"] for row in results(contacts, 1)] == [
        f"contact {one['id']}" for one in contacts.delivered()
    ]
    assert not (contacts.runs / "1" / "retry.csv").exists()
    assert [one["body"]["first_name"] for one in contacts.delivered()] == ["A-1", "A-2"]


def test_a_finished_run_has_nothing_to_resume(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    before = (contacts.runs / "1" / "results.csv").stat().st_mtime_ns
    assert contacts("resume").out == "no run has anything left to do: nothing to resume\n"
    told = contacts("resume", "1")
    assert told.out == "run 1 is finished and all its rows are done: nothing to resume\n"
    assert (contacts.runs / "1" / "results.csv").stat().st_mtime_ns == before
    contacts("run", "contacts.yaml", "--only", "A-2")
    assert contacts("resume", "2").out.startswith("run 2 is finished")


def test_only_some_rows(contacts: Command) -> None:
    contacts("run", "contacts.yaml", "--only", "A-2")
    contacts("resume")
    assert [one["body"]["first_name"] for one in contacts.delivered()] == ["A-2"]
    contacts("run", "contacts.yaml")
    assert [one["body"]["first_name"] for one in contacts.delivered()] == ["A-2", "A-1"]


MESSY = (
    "\ufeffName,Ref,Qty,Price,Day,Extra\r\n"
    '"Ace, ""the"" Awards",A-1,1,1.10,01/02/2027,  keep  me \r\n'
    '"Taken\r\nTwice",A-2,02,2.50,01/03/2027,=1+1\r\n'
    "\r\n"
    'Café,A-3,3,0,,"x"\r\n'
)


def test_a_rejected_row_is_mended_in_the_retry_file(
    contacts: Command, start_stub: StartStub
) -> None:
    def answer(sent: Sent) -> Answer:
        if b"Taken" in sent.body:
            return Answer(422, b'{"errors": {"business_name": ["is taken"]}}')
        return Answer(201, b'{"id": %d}' % (100 + len(stub.sent)))

    stub = start_stub(answer)
    env = {"ACME_KEY": "key-of-acme"}
    contacts.write("rows.csv", MESSY)
    ended = contacts(
        "run", "contacts.yaml", "--target", "live", "--first-run", "--workers", "1", code=4, env=env
    )
    assert (
        ended.out
        == "results  runs/1/results.csv\ncreated  runs/1/created.csv\nto do    runs/1/retry.csv\n"
    )
    assert "422 business_name: is taken" in ended.err
    buckets = [(row["line"], row["bucket"]) for row in results(contacts, 1)]
    assert buckets == [("2", "done"), ("3", "rejected"), ("6", "done")]
    retry = contacts.runs / "1" / "retry.csv"
    header = MESSY[: MESSY.index("\r\n") + 2]
    taken = '"Taken\r\nTwice",A-2,02,2.50,01/03/2027,=1+1\r\n'
    assert retry.read_bytes() == (header + taken).encode()

    retry.write_bytes(retry.read_bytes().replace(b"Taken", b"Mended"))
    contacts(
        "run",
        "contacts.yaml",
        "--target",
        "live",
        "--first-run",
        "--rows",
        "runs/1/retry.csv",
        env=env,
    )
    assert len(stub.sent) == 4
    assert b"Mended" in stub.sent[3].body
    assert not (contacts.runs / "2" / "retry.csv").exists()
    contacts(
        "run",
        "contacts.yaml",
        "--target",
        "live",
        "--first-run",
        "--rows",
        "runs/1/retry.csv",
        env=env,
    )
    assert len(stub.sent) == 4


def test_one_order_from_the_command_line(runner: Command) -> None:
    runner(*new_order())
    first = runner.delivered()
    assert [one["operation"] for one in first] == [
        "create_contact", "create_job", "create_sales_order", "create_sales_order_line_item",
    ]  # fmt: skip
    assert first[3]["body"]["sku"] == "00618"
    assert "done" in runner(*new_order()).err
    assert runner.delivered() == first
    runner(*new_order(order_ref="W-2", deposit="12.10"))
    more = runner.delivered()[len(first) :]
    assert [one["operation"] for one in more] == [
        "create_job", "create_sales_order", "create_sales_order_line_item", "create_sales_order_payment",
    ]  # fmt: skip
    assert str(more[3]["body"]["amount"]) == "12.10"
    assert results(runner, 3)[0]["job_number"] == str(more[0]["id"])


def test_runs_and_show(contacts: Command) -> None:
    assert contacts("runs").err == "no run is recorded here\n"
    contacts("run", "contacts.yaml", "--limit", "1")
    contacts("run", "contacts.yaml")
    listed = contacts("runs").out.splitlines()
    assert len(listed) == 3
    assert [line.split()[:3] for line in listed[1:]] == [
        ["1", "contacts", "sandbox"],
        ["2", "contacts", "sandbox"],
    ]
    shown = contacts("show", "1").out
    assert "run 1  contacts -> sandbox" in shown
    assert "A-1" in shown
    assert re.search(r"contact +call \d+ +done +201 +POST +/crm/contacts +id \d+", shown)
    assert "A-2" in contacts("show").out
    assert "Ace Awards" in contacts("show", "1", "--key", "A-1").out


@pytest.mark.parametrize(
    ("name", "content"),
    [("contacts.yaml", "# a remark\n"), ("rows.csv", "A-3,Coral,3,3,\n")],
    ids=["recipe", "input"],
)
def test_resume_refuses_what_has_changed(contacts: Command, name: str, content: str) -> None:
    contacts("run", "contacts.yaml", "--limit", "1")
    path = contacts.folder / name
    path.write_text(path.read_text() + content)
    told = contacts("resume", code=2).err
    assert f"{path} has changed since run 1 began" in told
    assert "use 'runner run'" in told
    assert len(contacts.delivered()) == 1
    contacts("run", "contacts.yaml")
    names = [one["body"]["first_name"] for one in contacts.delivered()]
    assert names[0] == "A-1"
    assert names.count("A-2") == 1


def test_resume_without_the_input(contacts: Command) -> None:
    contacts("run", "contacts.yaml", "--limit", "1")
    (contacts.folder / "rows.csv").unlink()
    assert "rows.csv:1:1: error: cannot be read: no such file" in contacts("resume", code=3).err


def test_resume_keeps_to_the_journal_it_was_asked_in(contacts: Command) -> None:
    """A configuration that has appeared beside the recipe since is another project."""
    folder = contacts.folder / "recipes"
    folder.mkdir()
    for name in ("contacts.yaml", "rows.csv"):
        (contacts.folder / name).rename(folder / name)
    contacts("run", "recipes/contacts.yaml", "--limit", "1")
    contacts.write("recipes/runner.yaml", "targets: {}\n")
    contacts("resume")
    assert len(contacts.delivered()) == 2
    assert not (folder / "runs").exists()


def test_a_terminal_is_not_moved_by_data(contacts: Command, start_stub: StartStub) -> None:
    """Neither by what stands in a cell nor by what an API answers."""
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\r"
    start_stub(
        lambda sent: Answer(422, f'{{"message": "bad {evil}"}}'.replace("\x1b", "\\u001b").encode())
    )
    contacts.write("rows.csv", HEADER + f'"A-1{evil}","Ace{evil}",1,1,\n')
    for line, code in (
        ("run contacts.yaml --target live --dry-run", 0), ("run contacts.yaml --target live --first-run", 4),
        ("show", 0), ("runs", 0), ("run contacts.yaml --only A-2", 2),
    ):  # fmt: skip
        ended = contacts(*line.split(), code=code, env={"ACME_KEY": "key-of-acme"})
        assert not set("\x1b\x07\r\u202e") & set(ended.out + ended.err), line


def test_data_that_speaks_of_the_sandbox_comes_back_as_it_is(runner: Command) -> None:
    (runner.folder / "once.yaml").write_text("""\
recipe: 1
name: once
steps:
  - id: made
    use: syncore.create_contact
    with: {business_name: Sandbox Volleyball, email: dana@sandbox.example.org}
  - id: contact
    use: syncore.search_contacts
    with: {email: dana@sandbox.example.org}
    expect: one
outputs: {email: "{{ contact.email }}"}
""")
    runner("run", "once.yaml")
    assert "dana@sandbox.example.org" in (runner.folder / "runs" / "1" / "results.csv").read_text(
        "utf-8-sig"
    )
