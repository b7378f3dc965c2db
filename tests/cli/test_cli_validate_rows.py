"""`validate --rows`: what can be known of an input without a network, all of it, by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import RECIPE, ROWS, TREE, Command

LOOKUP = RECIPE.replace(
    "steps:\n", "lookups:\n  terms: {use: syncore.list_payment_terms, by: name}\nsteps:\n"
).replace("    with:\n", '    with:\n      payment_terms: {id: "{{ terms[row.name].id }}"}\n')


@pytest.fixture
def contacts(runner: Command) -> Command:
    runner.write("contacts.yaml", RECIPE)
    runner.write("rows.csv", ROWS)
    return runner


def test_an_input_that_is_right(contacts: Command) -> None:
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv")
    assert ended.out == "contacts.yaml: ok, 1 step\nrows.csv: ok, 2 rows, 2 lines\n"
    assert ended.err == ""
    assert not contacts.runs.exists()


def test_everything_that_is_wrong_is_told_by_line(contacts: Command) -> None:
    contacts.write("rows.csv", ROWS + "A-3,,x,1.10,01/02/2027\nA-1,Cup Co,1,1.10,2027-01-02\n")
    told = contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3).err
    assert "rows.csv:4:5: error: name (column 'Name') is empty [bad-value]" in told
    assert "rows.csv:4:6: error: qty (column 'Qty') 'x' is not an integer [bad-value]" in told
    assert "rows.csv:5:19: error: day (column 'Day') '2027-01-02' is not a date [bad-value]" in told
    assert "rows.csv:5:1: error: the key 'A-1' is repeated: line 2 has it too" in told
    assert told.endswith("4 errors\n")


def test_a_header_that_lacks_a_column(contacts: Command) -> None:
    contacts.write("rows.csv", "Ref,Name\nA-1,Ace\n")
    told = contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3).err
    assert "there is no column 'Qty' for qty" in told
    assert "there is no column 'Day' for day" in told


def test_a_key_that_is_repeated(contacts: Command) -> None:
    contacts.write("rows.csv", ROWS + "A-1,Cup Co,1,1.10,01/02/2027\n")
    assert (
        "line 2 has it too"
        in contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3).err
    )


def test_a_name_of_a_lookup_that_is_spelled_in_two_ways(contacts: Command) -> None:
    contacts.write("contacts.yaml", LOOKUP)
    contacts.write(
        "rows.csv", ROWS + "A-3,ace  awards,1,1.10,01/02/2027\nA-4,ace  awards,1,1.10,01/02/2027\n"
    )
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv")
    assert "rows.csv: ok, 4 rows, 4 lines\n" in ended.out
    assert ended.err.startswith(
        "rows.csv:4:5: warning: 'ace  awards' is 'Ace Awards' on line 2: names are found as they are written [spelling]"
    )
    assert ended.err.endswith("0 errors, 1 warning\n")
    unchecked = "whether syncore.list_payment_terms lists the names in 'name' ('runner plan --lookups' asks it)"
    assert ended.out.endswith(f"    not checked: {unchecked}\n")


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_what_was_not_checked_is_told_in_every_form(contacts: Command, form: str) -> None:
    contacts.write("contacts.yaml", LOOKUP)
    told = contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--format", form).out
    assert "not checked: whether syncore.list_payment_terms lists the names in 'name'" in told
    contacts.write("rows.csv", "Ref,Name,Qty,Day\nA-1,,1,01/02/2027\n")
    told = contacts("validate", "contacts.yaml", "--rows", "rows.csv", "--format", form, code=3).out
    assert "not checked: whether syncore.list_payment_terms" in told


FROM_FILE = RECIPE.replace(
    "steps:\n", "lookups:\n  ours: {file: ours.csv, by: [region, name], fold: true}\nsteps:\n"
).replace('"{{ row.name }}"', "\"{{ ours['north'][row.name].full }}\"")  # fmt: skip


def test_names_that_a_file_of_our_own_does_not_have(contacts: Command) -> None:
    contacts.write("contacts.yaml", FROM_FILE)
    contacts.write(
        "ours.csv", "region,name,full\nnorth,Ace Awards,Ace Inc.\nnorth,Blue Banners,Blue Ltd.\n"
    )
    more = (
        ROWS
        + "A-3,ace  awards,1,1.10,01/02/2027\nA-4,Blue Bannrs,1,1,01/02/2027\nA-5,Blue Bannrs,1,1,01/02/2027\n"
    )
    contacts.write("rows.csv", more)
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3)
    assert ended.out == "contacts.yaml: ok, 1 step\nrows.csv: 1 name not found, 5 rows, 5 lines\n"
    said = "'Blue Bannrs' is no 'name' of ours.csv under 'north', and neither on 1 more line"
    assert ended.err.splitlines() == [
        f"rows.csv:5:5: error: {said} [unknown-name]",
        "     |",
        "   5 | A-4,Blue Bannrs,1,1,01/02/2027",
        "     |     ^^^^^^^^^^^",
        "     = did you mean 'Blue Banners'?; or add it to ours.csv",
        "1 error",
    ]
    contacts.write("contacts.yaml", FROM_FILE.replace(".full }}", ".full | default(row.name) }}"))
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3)
    assert "warning: 'Blue Bannrs' is no 'name' of ours.csv under 'north'" in ended.err
    assert ended.out.endswith("rows.csv: 2 rows cannot be sent, 5 rows, 5 lines\n")
    assert (
        "2 with problems" in contacts("plan", "contacts.yaml", code=3).out
    )  # and so says the plan


def test_warnings_of_the_recipe_are_told_as_well(contacts: Command) -> None:
    text = RECIPE.replace("name: {from: Name, required: true}", "name: {from: Name}")
    contacts.write("contacts.yaml", text.replace("{{ row.name }}", "{{ row.name }} Inc."))
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv")
    assert "rows.csv: ok, 2 rows, 2 lines\n" in ended.out
    assert "may be empty" in ended.err


def test_an_input_is_of_one_recipe(contacts: Command) -> None:
    told = contacts("validate", "contacts.yaml", "import-orders", "--rows", "rows.csv", code=2).err
    assert told == "error: --rows is for one recipe\n       check the others without it\n"


def test_a_recipe_without_rows_has_no_input(contacts: Command) -> None:
    told = contacts("validate", "new-order", "--rows", "rows.csv", code=2).err
    assert (
        told
        == "error: this recipe has no rows, so --rows has no meaning\n       leave --rows out\n"
    )


def test_a_required_variable_in_the_key_needs_no_value(contacts: Command) -> None:
    text = RECIPE.replace("rows:\n", "vars: {batch: {type: string, required: true}}\nrows:\n", 1)
    contacts.write(
        "contacts.yaml", text.replace("{{ row.ref }}", "{{ vars.batch }} {{ row.ref }}", 1)
    )
    assert "2 rows" in contacts("validate", "contacts.yaml", "--rows", "rows.csv").out


def test_lines_of_a_group() -> None:
    runner = Command(Path(TREE))
    ended = runner("validate", "import-orders", "--rows", "recipes/import-orders.csv")
    assert "import-orders.csv: ok, 43 rows, 272 lines\n" in ended.out
    assert ended.err == ""


REQUIRED = RECIPE.replace("steps:\n", """\
vars: {most: {type: decimal, required: true}, least: 0}
lookups: {sizes: {file: sizes.csv, by: size}, terms: {use: syncore.list_payment_terms, by: name}}
steps:
""").replace("  columns:\n", """\
  require:
    - {that: row.qty > vars.least, message: "{{ row.ref }}: {{ row.qty }} is too few"}
    - {that: row.price * row.qty < vars.most, message: not looked at without the variable}
    - {that: "terms[row.name].id > 0", message: not looked at without the API}
    - {that: row.name in sizes, message: no such size}
  columns:
""")  # fmt: skip


def test_rows_that_are_not_as_required(contacts: Command) -> None:
    contacts.write("contacts.yaml", REQUIRED)
    contacts.write("sizes.csv", "size,id\nAce Awards,1\nBlue Banners,2\n")
    more = (
        "A-3,Ace Awards,0,1,01/02/2027\nA-4,Cup Co,1,1,01/02/2027\nA-5,Ace Awards,,1,01/02/2027\n"
    )
    contacts.write("rows.csv", ROWS + more)
    ended = contacts("validate", "contacts.yaml", "--rows", "rows.csv", code=3)
    assert "rows.csv: 3 rows not as required, 5 rows, 5 lines" in ended.out
    assert "rows.csv:4:16: error: A-3: 0 is too few [require]" in ended.err
    assert "rows.csv:5:5: error: no such size [require]" in ended.err
    assert "rows.csv:6:16: error: required: row.qty > vars.least" in ended.err
    assert ended.err.endswith("3 errors, 2 warnings\n")


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("sizes['Smal'].id", 3),
        ("(sizes['Smal'] | default({'id': 5})).id", 0),
        ("sizes['Small'].id", 0),
        ("sizes[vars.size].id", 0),
    ],
)
def test_a_name_that_the_recipe_writes_out(contacts: Command, use: str, code: int) -> None:
    """In the company's own file; which variable a run is given is not known yet."""
    recipe = RECIPE.replace("steps:\n", """\
vars: {size: Smal}
lookups: {sizes: {file: sizes.csv, by: size}}
steps:
""").replace("    with:\n", f'    with:\n      notes: "{{{{ {use} }}}}"\n')  # fmt: skip
    contacts.write("contacts.yaml", recipe)
    contacts.write("sizes.csv", "size,id\nSmall,1\nLarge,2\n")
    ended = contacts("validate", "contacts.yaml", code=code)
    if code:
        line = next(n for n, text in enumerate(recipe.splitlines(), 1) if use in text)
        said = "error: sizes['Smal']: there is no 'Smal' [unknown-name]"
        assert f"contacts.yaml:{line}:18: {said}" in ended.err
        assert "did you mean 'Small'?" in ended.err


PAYMENTS = """\
recipe: 1
name: deposits
rows:
  file: rows.csv
  key: "{{ row.ref }}"
  columns:
    ref: {required: true}
    paid: {type: decimal}
    day: {}
vars: {kind: {type: integer, required: true}}
steps:
  - id: seen
    use: syncore.search_jobs
    expect: any
    with: {date_from: "{{ row.day }}", date_to: "{{ row.day }}"}
  - id: job
    use: syncore.create_job
    with: {client: {id: 5}, description: "{{ row.ref }}"}
  - id: deposit
    use: syncore.create_sales_order_payment
    with: {job_id: "{{ job.id }}", salesorder_id: 7, amount: "{{ row.paid }}", payment_type: {id: "{{ vars.kind }}"}}
"""


def test_rows_are_planned_as_a_run_plans_them(runner: Command) -> None:
    runner.write("deposits.yaml", PAYMENTS)
    runner.write(
        "rows.csv",
        "ref,paid,day\nA,1.50,2027-01-02\nB,0,2027-01-02\nC,-1,2027-01-02\nD,1.005,2027-01-02\nE,2,soon\n",
    )
    ended = runner("validate", "deposits.yaml", "--rows", "rows.csv", code=3)
    assert "rows.csv: 4 rows cannot be sent, 5 rows, 5 lines" in ended.out
    for line, said in (
        ("3:3", "deposit: amount: "), ("4:3", "deposit: amount: "), ("5:3", "deposit: amount: "),
        ("6:5", "seen: date_from: "),
    ):  # fmt: skip
        assert f"rows.csv:{line}" in ended.err
        assert said in ended.err
    assert ended.err.count("[not-sent]") == 4
    assert not runner.runs.exists()
    planned = runner("plan", "deposits.yaml", "-v", "kind=3", code=3)
    assert "4 with problems" in planned.out
