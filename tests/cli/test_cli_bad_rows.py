"""Input that is wrong: exit code 3, each problem with its place and what to do, and nothing is sent."""

from __future__ import annotations

import pytest

from .command import HEADER, Command


def refused(runner: Command, content: str | bytes, *expected: str) -> str:
    """The input is refused, with every expected text; nothing is sent."""
    runner.write("orders.csv", content)
    ended = runner("run", "contacts.yaml", "--rows", "orders.csv", code=3)
    assert ended.out == ""
    assert ended.err.endswith("nothing was sent\n")
    for text in expected:
        assert text in ended.err
    assert not runner.runs.exists()
    return ended.err


def test_the_dry_run_says_the_same(contacts: Command) -> None:
    contacts.write("rows.csv", HEADER + "A-1,Ace,1.5,2,3\n")
    assert contacts("run", "contacts.yaml", "--dry-run", code=3) == contacts(
        "run", "contacts.yaml", code=3
    )


def test_header_only_and_empty_file(contacts: Command) -> None:
    refused(contacts, "", "orders.csv:1:1: error: is empty", "it needs a header")
    refused(contacts, "\ufeff\n\n", "orders.csv:1:1: error: is empty")
    refused(contacts, HEADER, "orders.csv:1:1: error: has a header and no lines")


def test_header_missing_a_column(contacts: Command) -> None:
    refused(
        contacts, "Ref,Name,Qty,Price\nA-1,Ace,1,2\n",
        "orders.csv:1:", "there is no column 'Day'", "known columns: Name, Price, Qty, Ref",
    )  # fmt: skip


def test_header_missing_altogether(contacts: Command) -> None:
    refused(
        contacts,
        "A-1,Ace,1,2,01/02/2027\nA-2,Blue,1,2,01/02/2027\n",
        "orders.csv:1:",
        "there is no column 'Ref'",
    )


def test_header_repeated(contacts: Command) -> None:
    refused(
        contacts, "Ref,Name,Qty,Price,Day,Name\nA-1,Ace,1,2,,Ace\n",
        "orders.csv:1:24: error: the header 'Name' stands twice", "give each column a name of its own",
    )  # fmt: skip


def test_ragged_lines(contacts: Command) -> None:
    refused(
        contacts, HEADER + "A-1,Ace,1,2\nA-2,Blue,1,2,,,x\n",
        "orders.csv:2:12: error: has 4 cells where the header has 5", "orders.csv:3:", "has 7 cells", "2 errors",
    )  # fmt: skip


def test_unclosed_quote(contacts: Command) -> None:
    content = HEADER + 'A-1,"Ace,1,2,\nA-2,Blue,1,2,\n'
    refused(
        contacts,
        content,
        "orders.csv:2:5: error: the quote that opens this cell is not closed",
        'close it with "',
    )


def test_one_letter_of_another_encoding(contacts: Command) -> None:
    content = (HEADER + "A-1,Ærø,1,2,\n").encode() + "A-2,Café,1,2,\n".encode("latin-1")
    refused(
        contacts,
        content,
        "orders.csv:3:8: error: is not UTF-8 text (byte 0xe9)",
        "save it as CSV UTF-8",
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_utf_16(contacts: Command, encoding: str) -> None:
    refused(
        contacts,
        (HEADER + "A-1,Ace,1,2,\n").encode(encoding),
        "orders.csv:1:",
        "save it as CSV UTF-8",
    )


def test_a_workbook_under_another_name(contacts: Command) -> None:
    refused(
        contacts,
        b"PK\x03\x04" + bytes(200),
        "orders.csv:1:1: error: is a damaged workbook: ",
        "copy it again",
    )


def test_bad_values_are_all_listed(contacts: Command) -> None:
    refused(
        contacts,
        HEADER + "A-1,Ace,1.5,2,3\nA-2,Blue,1,twelve,01/02/2027\nA-3,,1,2,02/30/2027\n,Dot,1,2,\n",
        "orders.csv:2:9: error: qty (column 'Qty') '1.5' is not an integer",
        "orders.csv:2:15: error: day (column 'Day') '3' is not a date", "write it like ",
        "orders.csv:3:12: error: price (column 'Price') 'twelve' is not a decimal number",
        "orders.csv:4:5: error: name (column 'Name') is empty",
        "orders.csv:4:10: error: day (column 'Day') '02/30/2027' is not a date",
        "orders.csv:5:1: error: ref (column 'Ref') is empty", "fill it in",
        "6 errors",
    )  # fmt: skip


def test_bad_values_are_capped_and_counted(contacts: Command) -> None:
    lines = "".join(f"A-{number},Ace,x,y,z\n" for number in range(1000))
    told = refused(contacts, HEADER + lines, "... and 2950 more\n", "3000 errors\n")
    assert told.count(": error: ") == 50


def test_empty_key(contacts: Command) -> None:
    contacts.write(
        "contacts.yaml",
        (contacts.folder / "contacts.yaml").read_text().replace(", required: true", ""),
    )
    refused(contacts, HEADER + "A-1,Ace,1,2,\n,Blue,1,2,\n", "orders.csv:3:1: error: ", "key")


def test_repeated_key(contacts: Command) -> None:
    refused(
        contacts, HEADER + "A-1,Ace,1,2,\nA-2,Blue,1,2,\nA-1,Coral,1,2,\n",
        "orders.csv:4:1: error: the key 'A-1' is repeated: line 2 has it too", "group_by",
    )  # fmt: skip


def test_a_cell_of_ten_megabytes(contacts: Command) -> None:
    told = refused(contacts, HEADER + f"A-1,{'x' * 10_000_000},1,2,\n", "orders.csv:2:")
    assert len(told) < 2000


def test_a_file_that_is_not_there(contacts: Command) -> None:
    told = contacts("run", "contacts.yaml", "--rows", "nosuch.csv", code=3).err
    assert "nosuch.csv:1:1: error: cannot be read: no such file" in told
    assert not contacts.runs.exists()


def test_the_recipes_own_file_that_is_not_there(contacts: Command) -> None:
    """It is named as it would be found from here, not as it stands in the recipe."""
    (contacts.folder / "sub").mkdir()
    (contacts.folder / "contacts.yaml").rename(contacts.folder / "sub" / "contacts.yaml")
    assert (
        "sub/rows.csv:1:1: error: cannot be read"
        in contacts("run", "sub/contacts.yaml", code=3).err
    )


@pytest.mark.parametrize("name", ["folder.csv", "."])
def test_a_folder(contacts: Command, name: str) -> None:
    (contacts.folder / "folder.csv").mkdir()
    assert f"{name}:1:1: error: " in contacts("run", "contacts.yaml", "--rows", name, code=3).err


def test_a_file_that_may_not_be_read(contacts: Command) -> None:
    """A name that is too long is refused by the system, root or not."""
    told = contacts("run", "contacts.yaml", "--rows", "a" * 5000 + ".csv", code=3).err
    assert "cannot be read: file name too long" in told


def test_a_name_that_is_not_utf_8(contacts: Command) -> None:
    (contacts.folder / "rows.csv").rename(contacts.folder / "ro\udcffws.csv")
    told = contacts("run", "contacts.yaml", "--rows", "ro\udcffws.csv", code=2).err
    assert "the name of the input is not UTF-8" in told
    assert not contacts.runs.exists()


def test_rows_for_a_recipe_without_rows(contacts: Command) -> None:
    told = contacts("run", "new-order", "--rows", "rows.csv", "-v", "order_ref=x", code=2).err
    assert "'company' is required" in told


def test_no_input_named(contacts: Command) -> None:
    recipe = (contacts.folder / "contacts.yaml").read_text().replace("  file: rows.csv\n", "")
    contacts.write("contacts.yaml", recipe)
    told = contacts("run", "contacts.yaml", code=2).err
    assert told == "error: the recipe names no input\n       --rows FILE\n"


def test_data_is_never_a_template(contacts: Command) -> None:
    """Whatever stands in a cell goes out as it stands."""
    name = "{{ 7*7 }} {% raw %} {# x #} ${HOME} $(id) \u202e 'q' <b>"
    contacts.write("rows.csv", HEADER + f"A-1,{name},1,2,\n")
    contacts("run", "contacts.yaml")
    assert [one["body"]["business_name"] for one in contacts.delivered()] == [name]
