"""A recipe that was renamed or copied is refused over rows that were sent; several recipes over one sheet are not."""

from __future__ import annotations

import itertools
import json

import pytest

from .command import HEADER, RECIPE, ROWS, Command
from .conftest import StartStub
from .stub import Answer, Sent, Stub
from .test_cli_exports import FOLLOW_UP
from .test_cli_own_api import PETS, TARGET
from .test_cli_own_api import RECIPE as OWN

KEY = {"ACME_KEY": "key-of-acme"}
MORE = ROWS + "A-3,Coral Club,3,3,\n"
CONTACT = """\
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.name }}", email: "{{ row.ref | lower }}@example.com"}
    unless_found:
      use: syncore.search_contacts
      with: {email: "{{ row.ref | lower }}@example.com"}
"""
JOB = """\
  - id: job
    use: syncore.create_job
    with: {client: {id: "{{ contact.id }}"}, description: "order {{ row.ref }}"}
"""
ORDER = """\
  - id: order
    use: syncore.create_sales_order
    with: {job_id: "{{ job.id }}", customer_order_number: "{{ row.ref }}"}
    unless_found:
      use: syncore.list_sales_orders
      with: {job_id: "{{ job.id }}"}
"""
GUARDED = """\
    unless_found:
      use: syncore.search_jobs
      with: {date_from: "{{ run.date }}", date_to: "{{ run.date }}"}
      where: item.description == 'order ' ~ row.ref
"""


def recipe(name: str, *steps: str) -> str:
    head = RECIPE[: RECIPE.index("  - id: contact")].replace("name: contacts", f"name: {name}")
    return head + "".join(steps)


def renamed(name: str) -> str:
    return RECIPE.replace("name: contacts", f"name: {name}")


@pytest.mark.parametrize("sheet", [ROWS, MORE, ROWS.replace("Ace", "Acme")])
def test_a_copy_under_another_name_is_refused(contacts: Command, sheet: str) -> None:
    """The same input, and the same keys in another one."""
    contacts("run", "contacts.yaml")
    contacts.write("copy.yaml", renamed("spring"))
    contacts.write("rows.csv", sheet)
    told = contacts("run", "copy.yaml", code=8).err
    assert "'A-1' was done as contacts in run 1 (contact: syncore.create_contact)" in told
    assert "spring would send it once more; nothing was sent" in told
    assert "--new-identity" in told
    assert len(contacts.delivered()) == 2
    assert not (contacts.runs / "2").exists()
    planned = contacts("plan", "copy.yaml", code=3)
    assert "note: a run is refused: 'A-1' was done as contacts in run 1" in planned.err
    assert (
        "set aside: contact: the same request was sent as contact of 'A-2' in run 1" in planned.out
    )
    assert "note:" not in contacts("run", "copy.yaml", "--dry-run", "--new-identity").err


def test_other_work_on_the_same_rows_is_called_that(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("copy.yaml", renamed("spring"))
    contacts("run", "copy.yaml", "--new-identity", "--limit", "1")
    contacts("resume")
    assert len(contacts.delivered()) == 4
    for name in ("copy.yaml", "contacts.yaml"):
        contacts("run", name)  # each knows its own rows by now
    assert len(contacts.delivered()) == 4
    contacts.write("rows.csv", MORE)
    contacts("run", "contacts.yaml")
    assert "'A-3' was done as contacts in run 5" in contacts("run", "copy.yaml", code=8).err
    contacts("run", "copy.yaml", "--only", "A-1")


def test_two_recipes_over_one_sheet_are_no_copies(contacts: Command) -> None:
    contacts.write("people.yaml", recipe("people", CONTACT))
    contacts.write("orders.yaml", recipe("orders", CONTACT, JOB))
    contacts.write("other.yaml", recipe("other", CONTACT.replace("id: contact", "id: person")))
    contacts.write(
        "update.yaml",
        recipe("update", CONTACT + '      update: {use: syncore.update_contact, with: {contact_id: "{{ found.id }}", '
               'business_name: "{{ row.name }}"}}\n'),
    )  # fmt: skip
    for name in ("people", "orders", "other", "update", "people"):
        contacts("run", f"{name}.yaml")
    assert [each["operation"] for each in contacts.delivered()].count("create_job") == 2
    contacts.write("rows.csv", MORE)
    for name in ("orders", "update", "other", "people"):
        contacts("run", f"{name}.yaml")
    assert [each["operation"] for each in contacts.delivered()].count("create_contact") == 3


@pytest.mark.parametrize("sheet", [ROWS, MORE])
def test_a_step_without_a_search_of_its_own_counts_whatever_is_around_it(
    contacts: Command, sheet: str
) -> None:
    contacts.write("orders.yaml", recipe("orders", CONTACT, JOB))
    contacts.write("copy.yaml", recipe("copy", CONTACT, JOB, ORDER))
    contacts("run", "orders.yaml")
    contacts.write("rows.csv", sheet)
    assert "(job: syncore.create_job)" in contacts("run", "copy.yaml", code=8).err


def test_the_same_recipe_with_searches_everywhere_is_a_copy(contacts: Command) -> None:
    steps = (CONTACT, JOB + GUARDED, ORDER)
    contacts.write("orders.yaml", recipe("orders", *steps))
    contacts.write("copy.yaml", recipe("copy", *steps))
    contacts("run", "orders.yaml")
    told = contacts("run", "copy.yaml", code=8).err
    assert "'A-1' was done as orders in run 1" in told


def test_a_value_that_rows_share_counts_too(contacts: Command) -> None:
    """Its calls are under the value, not under a key."""
    shared = RECIPE.replace(
        "syncore.create_contact\n", "syncore.create_contact\n    once_per: row.name\n"
    )
    contacts.write("contacts.yaml", shared)
    contacts("run", "contacts.yaml")
    contacts.write("copy.yaml", shared.replace("name: contacts", "name: spring"))
    for sheet in (ROWS, HEADER + "B-7,Ace Awards,1,1,\n"):
        contacts.write("rows.csv", sheet)
        assert "'Ace Awards' was done as contacts" in contacts("run", "copy.yaml", code=8).err
    contacts.write("rows.csv", HEADER + "B-7,Coral Club,1,1,\n")
    contacts("run", "copy.yaml")


def test_another_account_at_the_same_place(contacts: Command, start_stub: StartStub) -> None:
    ids = itertools.count(101)

    def answer(_: Sent) -> Answer:
        return Answer(201, b'{"id": %d}' % next(ids))

    stub = start_stub(answer)
    live = ("run", "contacts.yaml", "--target", "live", "--first-run")
    contacts(*live, env=KEY)
    contacts.write("runner.yaml", stub.settings().replace("account: acme", "account: beta"))
    told = contacts(*live, code=8, env=KEY).err
    assert "'A-1' was done as contacts in run 1 under the account 'acme'" in told
    assert len(stub.writes) == 2
    contacts(*live, "--new-identity", env=KEY)
    assert len(stub.writes) == 4
    other = start_stub(answer)
    contacts.write("runner.yaml", other.settings().replace("account: acme", "account: gamma"))
    contacts(*live, code=8, env=KEY)  # the very same sheet: a place may have several names
    contacts.write("rows.csv", ROWS + "\n")
    contacts(*live, env=KEY)
    assert len(other.writes) == 2, "another place is no copy"


def test_rows_from_an_api_are_compared_once_they_are_read(runner: Command) -> None:
    runner.write("follow-up.yaml", FOLLOW_UP)
    runner("run", "import-orders")
    runner("run", "follow-up.yaml")
    sent = len(runner.delivered())
    runner.write("follow-up.yaml", FOLLOW_UP.replace("name: follow-up", "name: later"))
    assert "was done as follow-up in run 2" in runner("run", "follow-up.yaml", code=8).err
    assert "was done as follow-up in run 2" in runner("resume", code=8).err
    assert len(runner.delivered()) == sent
    runner("run", "follow-up.yaml", "--new-identity")
    assert len(runner.delivered()) > sent


def test_what_was_declared_is_on_record(contacts: Command) -> None:
    contacts("run", "contacts.yaml")
    contacts.write("copy.yaml", renamed("spring"))
    events = contacts("run", "copy.yaml", "--new-identity", "--json").out.splitlines()
    assert json.loads(events[0])["recipe"] == "spring"


def test_a_resume_can_be_declared_other_work(contacts: Command) -> None:
    """Another recipe has sent a row of a run that was not at its end; what was declared holds for its next resumes."""
    contacts.write("copy.yaml", renamed("spring"))
    contacts("run", "copy.yaml", "--limit", "1")
    contacts("run", "contacts.yaml", "--only", "A-2")
    told = contacts("resume", "1", code=8).err
    assert "'A-2' was done as contacts in run 2" in told
    assert "runner run or resume ... --new-identity" in told
    assert len(contacts.delivered()) == 2
    contacts("resume", "1", "--new-identity")
    contacts("run", "copy.yaml")
    assert len(contacts.delivered()) == 3


def send_and_rename_the_api(runner: Command, stub: Stub) -> None:
    """Send Rex by a.yaml; the API has another name then, in runner.yaml and in b.yaml."""
    runner.write("pets.yaml", PETS)
    settings = TARGET.format(url=stub.url, more="")
    runner.write("runner.yaml", f"apis: {{pets: pets.yaml}}\n{settings}")
    rows = 'rows: {file: rows.csv, key: "{{ row.name }}", columns: {name: {}}}\nsteps:'
    text = OWN.replace("steps:", rows).replace("Rex", '"{{ row.name }}"')
    runner.write("a.yaml", text)
    runner.write("rows.csv", "name\nRex\n")
    runner("run", "a.yaml", "--target", "live", "--first-run")
    settings = TARGET.replace("pets:", "zoo:").format(url=stub.url, more="")
    runner.write("runner.yaml", f"apis: {{zoo: pets.yaml}}\n{settings}")
    runner.write("b.yaml", text.replace("name: pets", "name: zoo").replace("pets.", "zoo."))


@pytest.mark.parametrize("sheet", ["name\nRex\n", "name\nAda\nRex\n"])
def test_another_name_of_the_api_is_no_other_api(runner: Command, sheet: str) -> None:
    stub = Stub(lambda sent: Answer(201, b'{"id": 7, "name": "x"}'))
    try:
        send_and_rename_the_api(runner, stub)
        runner.write("rows.csv", sheet)
        told = runner("run", "b.yaml", "--target", "live", code=8).err
        assert "'Rex' was done as pets in run 1" in told
        assert len(stub.writes) == 1
    finally:
        stub.close()


def test_an_id_of_another_name_of_the_api(runner: Command) -> None:
    """What was created under one name of an API is not created once more under the other."""
    stub = Stub(lambda sent: Answer(201, b'{"id" : 7, "name": "x"}'))
    try:
        send_and_rename_the_api(runner, stub)
        runner.write("rows.csv", "name\nAda\n")
        told = runner("run", "b.yaml", "--target", "live", code=5).err
        assert "7 is what call 1 has created" in told
    finally:
        stub.close()


TWO_NAMES = """\
recipe: 1
name: pets
steps:
  - {id: rex, use: pets.addPet, with: {name: Rex}}
  - {id: ada, use: zoo.addPet, with: {name: Ada}}
"""


@pytest.mark.parametrize("folder", ["", "/other"])
def test_an_id_under_two_names_of_the_api_in_one_run(runner: Command, folder: str) -> None:
    """One document at one address is one API, whatever steps call it; at another address it is another one."""
    stub = Stub(lambda sent: Answer(201, b'{"id" : 7, "name": "x"}'))
    try:
        runner.write("pets.yaml", PETS)
        apis = f"pets: {{base_url: {stub.url}}}, zoo: {{base_url: {stub.url}{folder}}}"
        runner.write(
            "runner.yaml",
            "apis: {pets: pets.yaml, zoo: pets.yaml}\n"
            f"targets: {{live: {{account: pets, apis: {{{apis}}}}}}}\n",
        )
        runner.write("a.yaml", TWO_NAMES)
        ran = runner("run", "a.yaml", "--target", "live", "--first-run", code=0 if folder else 5)
        assert ("7 is what call 1 has created" in ran.err) is (not folder)
        assert len(stub.writes) == 2
    finally:
        stub.close()


def test_a_path_that_moves_into_the_document(runner: Command) -> None:
    """The row is changed, and the reason says that sending it again may be sending it twice."""
    stub = Stub(lambda sent: Answer(201, b'{"id": 7, "name": "x"}'))
    try:
        send_and_rename_the_api(runner, stub)
        settings = TARGET.format(url=stub.url.removesuffix("/v2"), more="")
        runner.write("runner.yaml", f"apis: {{pets: pets.yaml}}\n{settings}")
        runner.write("pets.yaml", PETS.replace("  /pets:", "  /v2/pets:"))
        told = runner("run", "a.yaml", "--target", "live", code=4).err
        assert "POST /pets, now POST /v2/pets (the same request, if " in told
        assert "then put it back, since --again would send it twice" in told
        assert len(stub.writes) == 1
    finally:
        stub.close()
