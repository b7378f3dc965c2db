"""A lookup from the company's own sheet: planned without a network, part of what a run is, found wrong in time."""

from __future__ import annotations

from .command import RECIPE, Command
from .test_cli_plan import plan_of

MAPPED = RECIPE.replace(
    "steps:\n",
    "lookups:\n  names: {file: our-names.csv, by: [ref, sheet name], fold: true}\nsteps:\n",
).replace('"{{ row.name }}"', "\"{{ names[row.ref][row.name]['our name'] }}\"")
NAMES = "ref,sheet name,our name\na-1,ace  awards,Ace Awards Inc.\nA-2,Blue Banners,Blue Ltd.\n"


def test_names_are_the_company_s_own(contacts: Command) -> None:
    contacts.write("contacts.yaml", MAPPED)
    contacts.write("our-names.csv", NAMES)
    plan = plan_of(contacts, "contacts.yaml")
    assert [row["calls"][0]["body"]["business_name"] for row in plan["rows"]] == [
        "Ace Awards Inc.",
        "Blue Ltd.",
    ]
    contacts("run", "contacts.yaml", "--limit", "1")
    contacts.write("our-names.csv", NAMES.replace("Blue Ltd.", "Blue Inc."))
    ended = contacts("resume", code=2)
    assert "contacts.yaml or a file of its lookups has changed since run 1 began" in ended.err
    contacts.write("our-names.csv", NAMES)
    contacts("resume")


def test_what_is_wrong_with_the_file(contacts: Command) -> None:
    contacts.write("contacts.yaml", MAPPED)
    missing = contacts("validate", "contacts.yaml", code=3)
    assert "our-names.csv:1:1: error: cannot be read: no such file" in missing.err
    contacts.write("our-names.csv", NAMES + "A-1,Ace Awards,Other\n")
    for command in ("validate", "plan", "run"):
        ended = contacts(command, "contacts.yaml", code=3)
        assert "'A-1', 'Ace Awards' has two meanings: line 2 has it too" in ended.err
    contacts.write("our-names.csv", NAMES.replace("Blue Banners", "Blue Banner"))
    ended = contacts("run", "contacts.yaml", code=3)
    assert "there is no 'Blue Banners'; did you mean 'Blue Banner'?" in ended.err
    assert contacts.delivered() == []
    contacts("run", "contacts.yaml", "--bad-rows", "aside", code=4)
    assert len(contacts.delivered()) == 1


def test_a_field_that_the_file_does_not_have(contacts: Command) -> None:
    contacts.write("contacts.yaml", MAPPED.replace("['our name']", "['our nmae']"))
    contacts.write("our-names.csv", NAMES)
    for command in ("validate", "plan", "run"):
        told = contacts(command, "contacts.yaml", code=3).err
        assert (
            "contacts.yaml:18:51: error: the entries of names (our-names.csv) have no field 'our nmae'"
            in told
        ), told
        assert "did you mean 'our name'?" in told
    asked = "['our name'] if names[row.ref][row.name].other is defined else row.name"
    contacts.write("contacts.yaml", MAPPED.replace("['our name']", asked))
    contacts("validate", "contacts.yaml")
