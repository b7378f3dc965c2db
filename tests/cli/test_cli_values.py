"""`runner plan --values`: the values that `let` names, with each row."""

from __future__ import annotations

from .command import Command

RECIPE = """\
recipe: 1
name: named
rows: {file: rows.csv, key: "{{ row.ref }}", columns: {ref: {required: true}, n: {type: integer, required: true}}}
let: {shown: row.ref | lower, share: 100 / row.n}
steps:
  - id: job
    use: syncore.create_job
    with: {description: "{{ shown }}", client: {id: 5}}
"""


def test_values_are_shown_where_they_are_asked_for(runner: Command) -> None:
    runner.write("named.yaml", RECIPE)
    runner.write("rows.csv", "ref,n\nA,4\n")
    out = runner("plan", "named.yaml", "--values").out
    assert '  let shown  "a"\n  let share  25\n' in out
    assert "let shown" not in runner("plan", "named.yaml").out


def test_a_value_that_cannot_be_computed_names_the_reason(runner: Command) -> None:
    runner.write("named.yaml", RECIPE)
    runner.write("rows.csv", "ref,n\nA,0\n")
    out = runner("plan", "named.yaml", "--values").out
    assert "(not computed: 100 / row.n: '/': division by zero)" in out
