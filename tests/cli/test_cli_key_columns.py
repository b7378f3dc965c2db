"""A recipe whose key has the same text and other values, since the columns behind it have changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import openpyxl
import pytest

from .command import Command
from .conftest import StartStub
from .stub import Answer

RECIPE = """\
recipe: 1
name: contacts
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns:
    ref: {from: Ref, required: true}
    name: {from: Name}
steps:
  - id: contact
    use: syncore.create_contact
    with: {business_name: "{{ row.ref }} {{ row.name }}", email: "x@example.org"}
"""
SHEET = "Ref,PO,Name\nPO-1,77,Ace\nPO-2,78,Blue\n"
Contacts = Callable[[str], Command]


@pytest.fixture
def sent(runner: Command) -> Contacts:
    """Sends the sheet by a recipe."""

    def send(recipe: str) -> Command:
        runner.write("a.yaml", recipe)
        runner.write("rows.csv", SHEET)
        runner("run", "a.yaml")
        return runner

    return send


def refused(runner: Command, key: str, *, was: str = "PO-1", count: int = 2) -> None:
    """A run sends nothing and names the old key; a plan says that it would be refused."""
    said = f"{key!r} was sent as {was!r} in run 1: it is the same line of the sheet"
    ended = runner("run", "a.yaml", code=8)
    assert said in ended.err
    assert "key_was" in ended.err and "--new-identity" in ended.err
    assert f"note: a run is refused: {said}" in runner("plan", "a.yaml").err
    assert len(runner.delivered()) == count
    assert not (runner.runs / "2").exists()


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("{from: PO, required: true}", "77"),
        ('{from: Ref, split: "-", part: 2 of 2}', "1"),
        ('{from: Ref, replace: {"PO-": "PO/"}}', "PO/1"),
        ("{from: Ref, map: {PO-1: X1, PO-2: X2}}", "X1"),
        ("{value: \"x{{ row.name }}\"}", "xAce"),
    ],
)  # fmt: skip
def test_the_column_of_the_key_is_another_one(sent: Contacts, column: str, key: str) -> None:
    runner = sent(RECIPE)
    changed = RECIPE.replace("{from: Ref, required: true}", column)
    if "row.name" in column:  # computed from what is read before it
        changed = changed.replace("    name: {from: Name}\n", "")
        changed = changed.replace("    ref:", "    name: {from: Name}\n    ref:")
    runner.write("a.yaml", changed)
    refused(runner, key)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{from: Day, type: date, format: "%m/%d/%Y"}', '{from: Day, type: date, format: "%d/%m/%Y"}'),
        ("{from: Note, default: a}", "{from: Note, default: z}"),
        ("{from: Note, default: a}", "{from: Note, default: a, empty: [TBD]}"),
    ],
    ids=["format", "default", "empty"],
)  # fmt: skip
def test_a_cell_of_the_key_is_read_in_another_way(runner: Command, before: str, after: str) -> None:
    """With one more column in the sheet, so that no line is the same."""
    recipe = RECIPE.replace("{{ row.ref }}", "{{ row.part }}/{{ row.ref }}", 1)
    recipe = recipe.replace("  columns:\n", f"  columns:\n    part: {before}\n")
    runner.write("a.yaml", recipe)
    runner.write("rows.csv", "Ref,Day,Note,Name\nPO-1,01/02/2027,TBD,Ace\nPO-2,03/04/2027,,Blue\n")
    runner("run", "a.yaml")
    runner.write(
        "a.yaml",
        recipe.replace(before, after).replace("    name:", "    more: {from: More}\n    name:"),
    )
    more = "Ref,Day,Note,Name,More\nPO-1,01/02/2027,TBD,Ace,1\nPO-2,03/04/2027,,Blue,2\n"
    runner.write("rows.csv", more)
    told = runner("run", "a.yaml", code=8).err
    assert "the key was made of " in told
    assert len(runner.delivered()) == 2
    way = re.search(r"add the columns (.*) and key_was: '(.*?)' beside key", told)
    assert way is not None  # followed to the letter, it leads to what was sent
    columns, was = way.groups()
    changed = runner.folder.joinpath("a.yaml").read_text()
    declared = "".join(f"    {each}\n" for each in re.split(r"(?<=\}), (?=old)", columns))
    changed = changed.replace("  columns:\n", f"  key_was: '{was}'\n  columns:\n{declared}", 1)
    runner.write("a.yaml", changed)
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 2


def test_rows_are_grouped_by_another_column(sent: Contacts) -> None:
    grouped = RECIPE.replace('key: "{{ row.ref }}"', "group_by: ref")
    runner = sent(grouped)
    runner.write("a.yaml", grouped.replace("from: Ref", "from: PO"))
    refused(runner, "77")


def test_what_rows_share_is_another_value(sent: Contacts) -> None:
    shared = RECIPE.replace("{{ row.ref }}", "{{ row.name }}", 1).replace(
        "    use:", "    once_per: row.ref\n    use:"
    )
    runner = sent(shared)
    runner.write("a.yaml", shared.replace("from: Ref", "from: PO"))
    refused(runner, "77")


def test_a_workbook_of_the_same_lines(sent: Contacts) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    runner = sent(RECIPE)
    with xlsxwriter.Workbook(runner.folder / "rows.xlsx") as book:
        sheet = book.add_worksheet()
        for at, line in enumerate(SHEET.splitlines()):
            sheet.write_row(at, 0, [int(c) if c.isdigit() else c for c in line.split(",")])
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: PO").replace("rows.csv", "rows.xlsx"))
    refused(runner, "77")


def test_what_may_have_landed_counts(contacts: Command, start_stub: StartStub) -> None:
    start_stub(lambda sent: Answer(0))
    contacts.write("a.yaml", RECIPE)
    contacts.write("rows.csv", SHEET)
    live = ["--target", "live", "--first-run"]
    contacts("run", "a.yaml", *live, code=5, env={"ACME_KEY": "key-of-acme"})
    contacts.write("a.yaml", RECIPE.replace("from: Ref", "from: PO"))
    told = contacts("run", "a.yaml", *live[:2], code=8, env={"ACME_KEY": "key-of-acme"}).err
    assert "'77' was sent as 'PO-1' in run 1" in told


def test_harmless_changes_are_none(sent: Contacts) -> None:
    runner = sent(RECIPE)
    runner.write("a.yaml", RECIPE.replace("from: Ref", 'from: ["Order #", Ref]'))
    assert "2 done" in runner("run", "a.yaml").err
    assert len(runner.delivered()) == 2
    renamed = RECIPE.replace("from: Ref", "from: Reference")
    runner.write("a.yaml", renamed)
    runner.write("rows.csv", SHEET.replace("Ref", "Reference"))
    assert "2 done" in runner("run", "a.yaml").err
    runner.write("rows.csv", SHEET.replace("Ref", "Reference").replace("PO-", "PO-9"))
    told = runner("run", "a.yaml", code=8).err
    assert "where only the header has another name, name both: from: [Ref, Reference]" in told
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: [Ref, Reference]"))
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4


def test_blanks_and_quotes_are_no_other_key(sent: Contacts) -> None:
    runner = sent(RECIPE.replace("{{ row.ref }}", "{{ row.ref | default('-') }}", 1))
    runner.write("a.yaml", RECIPE.replace('"{{ row.ref }}"', "'{{row.ref|default(\"-\")}}'", 1))
    runner.write("rows.csv", SHEET + "PO-3,79,Red\n")
    assert "3 done" in runner("run", "a.yaml").err
    assert len(runner.delivered()) == 3


@pytest.mark.parametrize("key", ['key: "{{ row.ref }}"', "group_by: ref"])
def test_the_column_of_the_key_has_another_name(sent: Contacts, key: str) -> None:
    recipe = RECIPE.replace('key: "{{ row.ref }}"', key)
    runner = sent(recipe)
    named = recipe.replace("row.ref", "row.po").replace("    ref:", "    po:")
    runner.write("a.yaml", named.replace("group_by: ref", "group_by: po"))
    runner.write("rows.csv", SHEET + "PO-3,79,Red\n")
    assert "3 done" in runner("run", "a.yaml").err
    assert len(runner.delivered()) == 3
    both = named.replace("from: Ref", "from: [Ref, Reference]").replace("by: ref", "by: po")
    runner.write("a.yaml", both)
    runner.write("rows.csv", "Reference,PO,Name\nPO-4,80,Grey\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4


def test_variables_in_the_key_make_other_work(sent: Contacts) -> None:
    monthly = RECIPE.replace('"{{ row.ref }}"', '"{{ row.ref }}-{{ vars.month }}"', 1)
    monthly = monthly.replace("rows:", "vars: {month: {default: oct}}\nrows:", 1)
    runner = sent(monthly.replace("{{ row.ref }} {{", "{{ row.ref }} {{ vars.month }} {{"))
    other = monthly.replace("{{ row.ref }} {{", "{{ row.ref }} of {{ vars.month }} {{")
    runner.write("a.yaml", other)
    runner("run", "a.yaml", "-v", "month=nov")
    assert len(runner.delivered()) == 4


def test_a_variable_that_only_the_key_has(sent: Contacts) -> None:
    """The ways on are told that work: the variable in what is sent, and --again for a row."""
    monthly = RECIPE.replace('"{{ row.ref }}"', '"{{ row.ref }}-{{ vars.month }}"', 1)
    monthly = monthly.replace("rows:", "vars: {month: {default: oct}}\nrows:", 1)
    runner = sent(monthly)
    told = runner("run", "a.yaml", "-v", "month=nov", code=4).err
    assert (
        "the same request was sent as contact of 'PO-1-oct' in run 1; where it is meant to be sent for each "
        "vars.month: put that into what is sent, as the key has it" in told
    )
    assert "--new-identity" not in told
    runner("run", "a.yaml", "-v", "month=nov", "--again", "PO-1-nov", "--why", "november", code=4)
    assert len(runner.delivered()) == 3
    named = monthly.replace("{{ row.name }}", "{{ row.name }} {{ vars.month }}")
    runner.write("a.yaml", named)
    runner("run", "a.yaml", "-v", "month=dec")
    assert len(runner.delivered()) == 5


def test_the_ways_on(sent: Contacts) -> None:
    runner = sent(RECIPE)
    changed = RECIPE.replace("from: Ref", "from: PO")
    known = changed.replace("    name:", "    old: {from: Ref}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns", '  key_was: "{{ row.old }}"\n  columns'))
    assert "2 changed" in runner("run", "a.yaml", code=4).err
    assert len(runner.delivered()) == 2
    runner.write("a.yaml", changed)
    runner("run", "a.yaml", "--new-identity")
    assert len(runner.delivered()) == 4
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4


OTHER_CELLS = SHEET.replace("Ace", "Ace Awards").replace("Blue", "Blue Moon")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("{from: PO}", "'PO'"),
        ('{from: Ref, split: "-", part: 2 of 2}', "'Ref' with split, part"),
        ('{from: Ref, replace: {"PO-": "PO/"}}', "'Ref' with replace"),
        ("{value: 'x{{ row.first }}'}", "xrow"),
    ],
)
def test_another_cell_has_changed_with_the_column(sent: Contacts, column: str, said: str) -> None:
    """Nothing shows by the lines that they were sent under other keys: the names that they had then do."""
    runner = sent(RECIPE)
    changed = RECIPE.replace("{from: Ref, required: true}", column)
    runner.write("a.yaml", changed.replace("    ref:", "    first: {from: Ref}\n    ref:"))
    runner.write("rows.csv", OTHER_CELLS)
    told = runner("run", "a.yaml", code=8).err
    assert (
        "was sent as 'PO-1' in run 1: the key was made of 'Ref' in that run, and is made of "
        in told
    )
    assert said in told or said == "xrow"
    assert "key_was" in told and "--new-identity" in told
    assert len(runner.delivered()) == 2
    assert not (runner.runs / "2").exists()
    assert "note: a run is refused: " in runner("plan", "a.yaml").err


def test_the_ways_on_when_other_cells_have_changed(sent: Contacts) -> None:
    runner = sent(RECIPE)
    changed = RECIPE.replace("from: Ref", "from: PO")
    known = changed.replace("    name:", "    old: {from: Ref}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns", '  key_was: "{{ row.old }}"\n  columns'))
    runner.write("rows.csv", OTHER_CELLS)
    assert "2 changed" in runner("run", "a.yaml", code=4).err
    assert len(runner.delivered()) == 2


def test_what_was_declared_as_other_work_stays_that(sent: Contacts) -> None:
    runner = sent(RECIPE)
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: PO"))
    runner.write("rows.csv", OTHER_CELLS)
    runner("run", "a.yaml", "--new-identity")
    assert len(runner.delivered()) == 4
    runner.write("rows.csv", "Ref,PO,Name\nPO-3,79,Red\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 5


SHARED = """\
recipe: 1
name: contacts
rows:
  file: rows.csv
  key: "{{ row.number }}"
  columns:
    number: {from: No, required: true}
    ref: {from: Ref, required: true}
steps:
  - id: contact
    once_per: row.ref
    use: syncore.create_contact
    with: {business_name: "{{ row.ref }}", email: "x@example.org"}
"""
NUMBERED = "No,Ref,PO\n1,PO-1,77\n2,PO-2,78\n"
MORE_NUMBERED = "No,Ref,PO\n1,PO-1,771\n2,PO-2,781\n"


def other_values(runner: Command) -> None:
    runner.write("a.yaml", SHARED)
    runner.write("rows.csv", NUMBERED)
    runner("run", "a.yaml")
    runner.write("a.yaml", SHARED.replace("from: Ref", "from: PO"))
    runner.write("rows.csv", MORE_NUMBERED)


def test_what_rows_share_is_made_of_another_column(runner: Command) -> None:
    """The keys are as they were, and other cells have changed: the values are made of other columns."""
    other_values(runner)
    said = "'771' was sent as 'PO-1' in run 1: the values of contact were made of 'Ref' in that run"
    assert f"note: a run is refused: {said}" in runner("plan", "a.yaml").err
    told = runner("run", "a.yaml", code=8).err
    assert said in told
    assert "make them as they were made then; or if it is other work: --new-identity" in told
    assert "name both" not in told, "the sheet has both headers"
    assert (len(runner.delivered()), (runner.runs / "2").exists()) == (2, False)


def test_the_ways_on_when_what_rows_share_is_another_value(runner: Command) -> None:
    other_values(runner)
    runner("run", "a.yaml", "--new-identity")
    assert len(runner.delivered()) == 4
    runner.write("rows.csv", MORE_NUMBERED + "3,PO-3,79\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 5


def test_a_value_that_is_on_record_proves_nothing_of_the_others(runner: Command) -> None:
    other_values(runner)
    """What was done for PO-1 was done for another customer: a new one that is called so now gets none of it."""
    runner.write("rows.csv", "No,Ref,PO\n3,PO-3,PO-1\n4,PO-4,PO-4\n")
    told = runner("run", "a.yaml", code=8).err
    assert "'PO-1' was sent in run 1 for another row, and this one was 'PO-3' then" in told
    assert len(runner.delivered()) == 2
    runner.write("rows.csv", "No,Ref,PO\n4,PO-4,PO-4\n5,PO-5,79\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4


def test_the_header_of_a_shared_value_has_another_name(runner: Command) -> None:
    other_values(runner)
    runner.write("rows.csv", "No,PO\n5,PO-1\n6,PO-5\n")
    told = runner("run", "a.yaml", code=8).err
    assert "where only the header has another name, name both: from: [Ref, PO]" in told
    runner.write("a.yaml", SHARED.replace("from: Ref", "from: [Ref, PO]"))
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3


def test_the_column_of_a_shared_value_has_another_name(runner: Command) -> None:
    runner.write("a.yaml", SHARED)
    runner.write("rows.csv", NUMBERED)
    runner("run", "a.yaml")
    runner.write("a.yaml", SHARED.replace("row.ref", "row.po").replace("    ref:", "    po:"))
    runner.write("rows.csv", "No,Ref,PO\n3,PO-3,79\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3


OVERLAP = "Ref,PO,Name\nR1,R1,Ace\nR2,C-77,Blue\nR3,C-78,Cyan\n"
NOTED = "Ref,PO,Name,Note\nR1,R1,Ace,a\nR2,C-77,Blue,b\nR3,C-78,Cyan,c\n"


def overlapping(runner: Command, recipe: str = RECIPE) -> str:
    """Sends a sheet; then one key of three is on record, and no line is what it was. What is told of that."""
    runner.write("a.yaml", recipe)
    runner.write("rows.csv", OVERLAP)
    runner("run", "a.yaml")
    runner.write("a.yaml", recipe.replace("from: Ref", "from: PO"))
    runner.write("rows.csv", NOTED)
    told = runner("run", "a.yaml", code=8).err
    assert "'C-77' was sent as 'R2' in run 1: the key was made of 'Ref' in that run" in told
    assert len(runner.delivered()) == 3
    return told


@pytest.mark.parametrize("key", ['key: "{{ row.ref }}"', "group_by: ref"])
def test_a_key_that_is_on_record_proves_nothing_of_the_others(runner: Command, key: str) -> None:
    told = overlapping(runner, RECIPE.replace('key: "{{ row.ref }}"', key))
    assert "name both" not in told, "the sheet has both headers"
    assert "add the columns old: {from: Ref} and key_was: '{{ row.old }}' beside key" in told
    changed = RECIPE.replace('key: "{{ row.ref }}"', key).replace("from: Ref", "from: PO")
    known = changed.replace("    name:", "    old: {from: Ref}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns:", "  key_was: '{{ row.old }}'\n  columns:"))
    runner("run", "a.yaml", code=4)
    assert len(runner.delivered()) == 3
    runner.write("rows.csv", NOTED + "R4,C-79,Red,d\n")
    runner("run", "a.yaml", code=4)
    assert len(runner.delivered()) == 4


def test_rows_that_are_left_out_of_the_run_are_not_asked_about(runner: Command) -> None:
    overlapping(runner)
    runner("run", "a.yaml", "--only", "R1")
    assert "'C-77' was sent as 'R2' in run 1" in runner("run", "a.yaml", code=8).err
    runner("run", "a.yaml", "--new-identity")
    assert len(runner.delivered()) == 5


@pytest.mark.parametrize(
    ("column", "old", "first", "sheet"),
    [
        ("from: PO", "{from: [Ref, PO]}", "PO-3", "PO,Name\nPO-3,Red\nPO-1,Ace\n"),
        ('from: Num, replace: {"#": ""}', "{from: [Ref, Num]}", "PO-3", "Num,Name\n#PO-3,Red\nPO-1,Ace\n"),
    ],
)  # fmt: skip
def test_the_former_column_as_it_is_told(
    sent: Contacts, column: str, old: str, first: str, sheet: str
) -> None:
    """A header that was renamed, a cleaning for the new sheets, and both at once: `key_was` as it is printed."""
    runner = sent(RECIPE)
    changed = RECIPE.replace("from: Ref", column)
    runner.write("a.yaml", changed)
    runner.write("rows.csv", sheet)
    told = runner("run", "a.yaml", code=8).err
    assert f"{first!r} is not on record" in told
    assert f"add the columns old: {old} and key_was: '{{{{ row.old }}}}' beside key" in told
    known = changed.replace("    name:", f"    old: {old}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns:", "  key_was: '{{ row.old }}'\n  columns:"))
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3


CLEANED = 'from: Ref, replace: {"#": ""}, case: upper'


def test_a_cleaning_for_new_rows_is_harmless(sent: Contacts) -> None:
    """No row is on record under the name that it would have had before: nothing has to be said."""
    runner = sent(RECIPE)
    runner.write("a.yaml", RECIPE.replace("from: Ref", CLEANED))
    runner.write("rows.csv", "Ref,Name\n#po-3,Red\nPO-1,Ace\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3
    runner.write("rows.csv", "Ref,Name,Note\n#po-3,Red,a\nPO-1,Ace,b\n#4,Green,c\n")
    runner("run", "a.yaml", "--limit", "1")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4


def test_a_cleaning_that_renames_what_was_sent(runner: Command) -> None:
    """Followed to the letter, the way on holds for the next run, for one row, and for a resume."""
    lower = RECIPE.replace("{{ row.ref }} {{ row.name }}", "{{ row.name }}")
    runner.write("a.yaml", lower)
    runner.write("rows.csv", "Ref,Name\npo-1,Ace\npo-2,Blue\n")
    runner("run", "a.yaml")
    cleaned = lower.replace("from: Ref", "from: Ref, case: upper")
    runner.write("a.yaml", cleaned)
    more = "Ref,Name,Note\npo-1,Ace,a\npo-2,Blue,b\npo-3,Red,c\npo-4,Green,d\n"
    runner.write("rows.csv", more)
    told = runner("run", "a.yaml", code=8).err
    assert "'PO-1' was sent as 'po-1' in run 1" in told
    assert "add the columns old: {from: Ref} and key_was: '{{ row.old }}' beside key" in told
    known = cleaned.replace("    name:", "    old: {from: Ref}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns:", "  key_was: '{{ row.old }}'\n  columns:"))
    runner("run", "a.yaml", "--limit", "3")
    assert len(runner.delivered()) == 3
    runner("resume", "2")
    assert len(runner.delivered()) == 4
    for arguments in ((), ("--limit", "1"), ("--only", "PO-3")):
        runner("run", "a.yaml", *arguments)
    assert len(runner.delivered()) == 4


def test_what_one_run_was_declared_to_be_ends_nothing(runner: Command) -> None:
    """The rows of that run are other work; those of a later sheet are looked at as ever."""
    runner.write("a.yaml", RECIPE)
    runner.write("rows.csv", "Ref,PO,Name\nR1,C-76,Ace\nR2,C-77,Blue\nR3,C-78,Cyan\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: PO"))
    runner.write("rows.csv", "Ref,PO,Name\nR8,C-90,Red\n")
    runner("run", "a.yaml", "--new-identity")
    runner.write("rows.csv", "Ref,PO,Name,Note\nR8,C-90,Red,x\nR2,C-77,Blue,y\nR9,C-91,Gold,z\n")
    told = runner("run", "a.yaml", code=8).err
    assert "'C-77' was sent as 'R2' in run 1" in told
    assert len(runner.delivered()) == 4
    runner("run", "a.yaml", "--only", "C-90", "--only", "C-91")
    assert len(runner.delivered()) == 5
    runner.write("rows.csv", "Ref,PO,Name,Note\nR8,C-90,Red,x\nR9,C-91,Gold,z\nR10,C-92,Plum,z\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 6


@pytest.mark.parametrize(
    ("then", "later"),
    [
        ("{from: Ref, type: integer}", "Ref,PO,Name,Note\n1,C-1,Ace,x\n2,C-2,Blue,y\nx9,C-90,Red,z\n"),
        ("{from: Ref}", "PO,Name,Note\nC-1,Ace,x\nC-2,Blue,y\nC-90,Red,z\n"),
    ],
    ids=["a cell that could not be read", "a column that is lost"],
)  # fmt: skip
def test_what_was_declared_covers_no_later_sheet(runner: Command, then: str, later: str) -> None:
    """One new row was other work; the next sheet has it, and those that were sent by the column of then."""
    runner.write("a.yaml", RECIPE.replace("{from: Ref, required: true}", then))
    runner.write("rows.csv", "Ref,PO,Name\n1,C-1,Ace\n2,C-2,Blue\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", RECIPE.replace("{from: Ref, required: true}", "{from: PO}"))
    new = "\n".join([later.splitlines()[0], later.splitlines()[-1]]) + "\n"
    runner.write("rows.csv", new)
    runner("run", "a.yaml", "--new-identity")
    assert len(runner.delivered()) == 3
    runner.write("rows.csv", later)
    told = runner("run", "a.yaml", code=8).err
    assert "'C-1' was sent as '1' in run 1" in told or "'C-1' is not on record" in told
    assert len(runner.delivered()) == 3
    runner.write("rows.csv", new)
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3


def test_the_way_on_where_a_new_cell_could_not_be_read_then(runner: Command) -> None:
    """Followed to the letter: the column of then, with the cells of new rows among those without a value."""
    numbered = RECIPE.replace("{from: Ref, required: true}", "{from: Ref, type: integer}")
    runner.write("a.yaml", numbered)
    runner.write("rows.csv", "Ref,PO,Name\n1,C-1,Ace\n2,C-2,Blue\n")
    runner("run", "a.yaml")
    changed = RECIPE.replace("{from: Ref, required: true}", "{from: PO}")
    runner.write("a.yaml", changed)
    runner.write("rows.csv", "Ref,PO,Name,Note\n1,C-1,Ace,x\n2,C-2,Blue,y\nx9,C-9,Red,z\n")
    told = runner("run", "a.yaml", code=8).err
    assert "beside key, with the cells that it cannot read in its `empty`" in told
    old = 'old: {from: Ref, type: integer, empty: ["", x9]}'
    known = changed.replace("    name:", f"    {old}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns:", "  key_was: '{{ row.old }}'\n  columns:"))
    runner("run", "a.yaml", code=4)
    assert len(runner.delivered()) == 3


def test_keys_that_have_changed_places(runner: Command) -> None:
    """Each key is on record, for another row."""
    runner.write("a.yaml", RECIPE)
    runner.write("rows.csv", "Ref,PO,Name\n1,2,Ace\n2,3,Blue\n3,1,Cyan\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: PO"))
    runner.write("rows.csv", "Ref,PO,Name,Note\n4,1,Red,a\n")
    told = runner("run", "a.yaml", code=8).err
    assert "'1' was sent in run 1 for another row, and this one was '4' then" in told
    runner.write("rows.csv", "Ref,PO,Name,Note\n1,2,Ace,a\n2,3,Blue,b\n3,1,Cyan,c\n")
    assert "'2' was sent as '1' in run 1" in runner("run", "a.yaml", code=8).err
    assert len(runner.delivered()) == 3


def test_lines_that_are_left_out_have_no_key_of_then(runner: Command) -> None:
    """A footer cannot be read by the columns of then, and need not be."""
    numbered = RECIPE.replace("{from: Ref, required: true}", "{from: Ref, type: integer}")
    numbered = numbered.replace("  columns:", "  where: row.name is not none\n  columns:")
    runner.write("a.yaml", numbered)
    runner.write("rows.csv", "Ref,PO,Name\n1,77,Ace\n2,78,Blue\n")
    runner("run", "a.yaml")
    runner.write("a.yaml", numbered.replace("{from: Ref, type: integer}", "{from: PO}"))
    runner.write("rows.csv", "Ref,PO,Name,Note\n3,79,Red,x\n4,80,Gold,\nTotal,,,2 orders\n")
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 4
    runner.write("rows.csv", "Ref,PO,Name,Note\n2,78,Blue,x\nTotal,,,1 order\n")
    assert "'78' was sent as '2' in run 1" in runner("run", "a.yaml", code=8).err
    runner.write("rows.csv", "Ref,PO,Name,Note\nfive,81,Plum,x\n")
    assert "'81' is not on record" in runner("run", "a.yaml", code=8).err
    assert len(runner.delivered()) == 4


@pytest.mark.parametrize("form", ["xlsx", "jsonl", "piped"])
def test_other_forms_of_the_sheet(sent: Contacts, form: str) -> None:
    runner = sent(RECIPE)
    runner.write("a.yaml", RECIPE.replace("from: Ref", "from: PO"))
    lines = [{"Ref": "PO-1", "PO": "77", "Name": "Red", "Note": "x"}]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    name, stdin = f"rows.{form}", b""
    if form == "xlsx":
        book = openpyxl.Workbook()
        assert book.active is not None
        for line in (list(lines[0]), *(list(each.values()) for each in lines)):
            book.active.append(line)
        book.save(runner.folder / name)
    elif form == "piped":
        name, stdin = "-", text.encode()
    else:
        runner.write(name, text)
    told = runner("run", "a.yaml", "--rows", name, code=8, stdin=stdin).err
    assert "'77' was sent as 'PO-1' in run 1" in told
    assert len(runner.delivered()) == 2


def test_a_former_column_that_was_cleaned(sent: Contacts) -> None:
    cleaned = RECIPE.replace("{from: Ref", '{from: Ref, replace: {"PO-": "PO/"}, case: lower')
    runner = sent(cleaned)
    runner.write("a.yaml", RECIPE)
    runner.write("rows.csv", OTHER_CELLS)
    told = runner("run", "a.yaml", code=8).err
    old = 'old: {from: Ref, case: lower, replace: {"PO-": "PO/"}}'
    assert f"add the columns {old} and key_was: '{{{{ row.old }}}}' beside key" in told
    known = RECIPE.replace("    name:", f"    {old}\n    name:", 1)
    runner.write("a.yaml", known.replace("  columns:", "  key_was: '{{ row.old }}'\n  columns:"))
    assert "2 changed" in runner("run", "a.yaml", code=4).err
    assert len(runner.delivered()) == 2


def test_the_name_and_the_header_of_the_key_s_column_change_at_once(sent: Contacts) -> None:
    runner = sent(RECIPE)
    renamed = RECIPE.replace("row.ref", "row.po").replace(
        "    ref: {from: Ref", "    po: {from: PO"
    )
    runner.write("a.yaml", renamed)
    runner.write("rows.csv", "PO,Name\nPO-1,Ace\nPO-3,Red\n")
    told = runner("run", "a.yaml", code=3).err
    assert "where only the header has another name, name both: from: [Ref, PO]" in told
    assert "add the columns old: {from: Ref} and key_was: '{{ row.old }}' beside key" in told
    runner.write("a.yaml", renamed.replace("from: PO", "from: [Ref, PO]"))
    runner("run", "a.yaml")
    assert len(runner.delivered()) == 3
