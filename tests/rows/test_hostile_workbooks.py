"""Workbooks that were made to keep the reader busy: a refusal each, in a time linear in their size."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from corpora import bounded_runner, cases

MANY = 200_000

RECIPE = """\
recipe: 1
name: hostile
rows: {key: "{{ row.ref }}", columns: {ref: {from: ref}}}
steps:
  - {id: contact, use: syncore.create_contact, with: {business_name: "{{ row.ref }}"}}
"""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATION = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/{{}}" Target="{{}}"/></Relationships>'
)
BOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
HEADER = {
    "inline": '<row r="1"><c r="A1" t="inlineStr"><is><t>ref</t></is></c></row>',
    "shared": '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
}


def workbook(case: dict[str, Any]) -> bytes:
    """A workbook whose sheet, or whose shared texts, hold the case."""
    hostile = case.get("before", "") + case["unit"] * MANY + case.get("after", "")
    part, head = case.get("part", "row"), f'<worksheet xmlns="{MAIN}">'
    files = {
        "_rels/.rels": RELATION.format("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": RELATION.format("worksheet", "worksheets/sheet1.xml"),
        "xl/workbook.xml": BOOK,
    }
    sheets = {
        "row": f'{head}<sheetData>{HEADER["inline"]}<row r="2">{hostile}</row></sheetData></worksheet>',
        "head": head + hostile,
        "tail": f"{head}<sheetData>{HEADER['inline']}</sheetData>{hostile}</worksheet>",
        "texts": f"{head}<sheetData>{HEADER['shared']}</sheetData></worksheet>",
    }
    files["xl/worksheets/sheet1.xml"] = sheets[part]
    if part == "texts":
        files["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{hostile}'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize("case", cases("workbooks"))
def test_it_is_refused_in_a_time_linear_in_its_size(tmp_path: Path, case: dict[str, Any]) -> None:
    (tmp_path / "hostile.yaml").write_text(RECIPE)
    (tmp_path / "sheet.xlsx").write_bytes(workbook(case))
    code, said = bounded_runner("validate", "hostile.yaml", "--rows", "sheet.xlsx", folder=tmp_path)
    assert (code, case["due"] in said) == (3, True), said
    assert "Traceback" not in said
