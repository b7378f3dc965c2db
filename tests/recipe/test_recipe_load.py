"""A recipe file becomes frozen values, and nothing that is wrong with it ends in anything but problems."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.catalogue import Catalogue
from runner.problems import InvalidError
from runner.recipe import Loaded, load, load_text, var_value
from runner.recipe.model import RETRIES, Var, Was
from runner.source import TreePath, parse
from runner.template import Expression, Template

OK = Path(__file__).parent.parent / "golden" / "ok"
CATALOGUE = Catalogue({"shop": Path(__file__).with_name("shop.openapi.yaml")})
STEPS = """
steps:
  - id: order
    use: shop.create_order
    with: {customer_id: 7, reference: A-1}
"""


def loaded(text: str) -> Loaded:
    return load_text("recipe: 1\nname: orders\n" + text, file="orders.yaml", catalogue=CATALOGUE)


def messages(text: str) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        loaded(text)
    return [problem.message for problem in caught.value.problems]


@pytest.fixture(scope="module")
def whole() -> Loaded:
    return load(OK / "whole-language.yaml", catalogue=CATALOGUE)


def test_the_digest_is_that_of_the_text(whole: Loaded) -> None:
    text = (OK / "whole-language.yaml").read_bytes()
    assert whole.recipe.digest == hashlib.sha256(text).hexdigest()
    assert whole.recipe.text.encode() == text
    assert (whole.recipe.name, whole.recipe.file) == (
        "whole-language",
        str(OK / "whole-language.yaml"),
    )


def test_messages_call_the_file_by_the_name_that_is_given() -> None:
    assert (
        load(OK / "smallest.yaml", catalogue=CATALOGUE, name="mine.yaml").recipe.file == "mine.yaml"
    )


def test_columns(whole: Loaded) -> None:
    rows = whole.recipe.rows
    assert rows is not None
    columns = {column.name: column for column in rows.columns}
    ref, price, day = columns["ref"], columns["price"], columns["in_hands"]
    assert (rows.file, rows.delimiter, rows.group_by) == (("orders.csv",), ";", "ref")
    assert (ref.header, ref.required, ref.min_length, ref.max_length, ref.pattern) == (
        "Order #",
        True,
        1,
        20,
        "^[A-Z]",
    )
    assert (price.minimum, price.type) == (Decimal("0.01"), "decimal")
    assert (day.format, day.empty) == (("%m/%d/%Y",), ("", "TBD"))
    assert columns["quantity"].enum == ("1", "2")
    assert (columns["note"].header, columns["note"].type, columns["note"].empty) == (
        "note",
        "string",
        ("",),
    )


def test_steps(whole: Loaded) -> None:
    customer, order, lines, done = whole.recipe.steps
    assert (customer.expect, customer.retry, customer.on_error, customer.was) == (
        "one",
        5,
        "stop_run",
        (Was("found"),),
    )
    assert isinstance(order.expect, Expression)
    assert order.unless_found is not None
    assert order.unless_found.operation == "shop.search_orders"
    assert isinstance(order.unless_found.where, Expression)
    assert isinstance(lines.for_each, Expression)
    assert (lines.retry, lines.on_error) == (RETRIES, "continue")
    assert done.when is not None
    assert done.when.evaluate({}) is False


def test_arguments_are_compiled_where_they_are_templates(whole: Loaded) -> None:
    arguments = whole.recipe.steps[3].arguments
    assert isinstance(arguments["order_id"], Template)
    assert arguments["status"] == "done"


def test_types_of_literals_are_kept() -> None:
    recipe = load(OK / "without-rows.yaml", catalogue=CATALOGUE).recipe
    assert recipe.rows is None
    assert isinstance(recipe.key, Template)
    assert recipe.steps[0].arguments["ship_to"] == {"country": "US", "city": None}
    assert recipe.outputs["fixed"] == 1
    assert recipe.vars["customer"] == Var(
        "customer", "integer", required=True, description="The customer's number"
    )
    assert recipe.vars["due"].default == dt.date(2024, 12, 31)
    assert recipe.vars["price"].default == Decimal("12.10")
    assert recipe.vars["size"].enum == ("S", "M", "L")
    assert recipe.vars["references"].default == ["A-1", "A-2"]


def test_a_field_that_an_open_body_does_not_know_is_a_warning() -> None:
    text = 'vars: {n: 1}\nsteps:\n  - id: a\n    use: shop.update_order\n    with: {order_id: 1, note: "{{ vars.n }}"}'
    (warning,) = loaded(text).warnings
    assert warning.severity == "warning"
    assert (
        warning.message
        == "shop.update_order is not known to have a field 'note': it is sent as it stands"
    )
    assert warning.remedy == "did you mean 'notes'?"
    assert (warning.line, warning.column) == (7, 25)


def test_a_key_that_differs_in_every_run_is_a_warning() -> None:
    text = 'rows: {key: "{{ row.ref }}-{{ run.id }}"}' + STEPS
    (warning,) = loaded(text).warnings
    assert warning.message == "run.id differs in every run: the same row would be sent again"
    assert (warning.line, warning.column, warning.length) == (3, 31, 3)


def test_warnings_come_along_with_errors() -> None:
    text = "steps:\n  - id: a\n    use: shop.update_order\n    with: {order_id: x, note: y}\n"
    with pytest.raises(InvalidError) as caught:
        loaded(text)
    assert [problem.severity for problem in caught.value.problems] == ["error", "warning"]


def test_a_misspelt_section_is_one_problem_and_not_one_at_each_use() -> None:
    text = 'row: {key: "{{ row.ref }}", columns: {ref: {}}}\nvar: {size: S}'
    assert messages(text + STEPS + "    when: row.ref == vars.size\n") == [
        "unknown key 'row'",
        "unknown key 'var'",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("rows:", "'rows' is empty"),
        ("rows: {columns: , key: '{{ row.ref }}'}", "'columns' is empty"),
    ],
)
def test_an_empty_section_is_one_problem_and_not_one_at_each_use(rows: str, message: str) -> None:
    assert messages(rows + STEPS + "    when: row.ref == 'x'\n") == [message]


def test_columns_that_are_not_declared_are_not_checked() -> None:
    assert (
        loaded('rows: {key: "{{ row.anything }}"}' + STEPS + "    when: row.more == '1'\n").warnings
        == ()
    )


def test_names_inside_total_are_checked() -> None:
    text = "rows: {group_by: ref, columns: {ref: {}, n: {type: integer, required: true}}}" + STEPS
    text += "    when: row.lines | total('item.n + varz.x') > 1\n"
    assert messages(text) == ["nothing is called 'varz' here"]


def test_was_is_taken_over_once() -> None:
    text = "steps:\n" + "".join(
        f"  - {{id: {name}, was: old, use: shop.search_orders}}\n" for name in "ab"
    )
    assert messages(text) == ["'old' is already taken over by the step on line 4"]


def test_required_variables_have_no_default() -> None:
    text = "vars: {a: {required: true, default: 1}}" + STEPS
    assert messages(text) == ["'a' is required and has a default, which would never be used"]


def test_bounds_that_nothing_fits() -> None:
    text = 'rows: {key: "{{ row.a }}", columns: {a: {minLength: 5, maxLength: 2}}}' + STEPS
    assert messages(text) == ["'minLength' is larger than 'maxLength': no value fits"]


def parts(value: Any, path: TreePath = ()) -> Iterator[TreePath]:
    yield path
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        yield from parts(child, (*path, key))


def replaced(value: Any, path: TreePath, new: Any) -> Any:
    if not path:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize(
    "new", [None, 5, "", "{{ x }}", "{% x %}", "a.b", [None], {"x": None}, True]
)
def test_whatever_stands_in_a_wrong_place_is_a_problem_and_no_crash(
    new: Any, whole: Loaded
) -> None:
    data = whole.source.data
    for path in parts(data):
        text = json.dumps(replaced(data, path, new), default=str)
        try:
            load_text(text, file="x.yaml", catalogue=CATALOGUE)
        except InvalidError as error:
            assert error.problems
            assert all(problem.message for problem in error.problems)


@pytest.mark.parametrize(
    "path", sorted((OK.parent / "err").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_problem_stands_where_the_text_is(path: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        load(path, catalogue=CATALOGUE)
    for problem in caught.value.problems:  # in the recipe, or in a file that it includes
        text = Path(problem.file).read_text(encoding="utf-8").split("\n")
        assert problem.excerpt == text[problem.line - 1]
        assert 1 <= problem.column <= len(problem.excerpt) + 1


def test_a_file_with_windows_line_ends_has_the_same_problems() -> None:
    text = "recipe: 1\r\nname: orders\r\nsteps:\r\n  - id: a\r\n    use: shop.serch_orders\r\n"
    with pytest.raises(InvalidError) as caught:
        load_text(text, file="x.yaml", catalogue=CATALOGUE)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (5, 10)


def test_the_place_of_a_name_in_a_block_of_text() -> None:
    text = "recipe: 1\nname: a\nsteps:\n  - id: a\n    use: shop.search_orders\n    with:\n      reference: |\n"
    text += "        a\n        b {{ nme }}\n"
    with pytest.raises(InvalidError) as caught:
        load_text(text, file="x.yaml", catalogue=CATALOGUE)
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(9, 14)]
    assert parse(text, file="x.yaml").data["steps"][0]["with"]["reference"] == "a\nb {{ nme }}\n"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "12", 12),
        ("integer", " -3 ", -3),
        ("decimal", "12.10", Decimal("12.10")),
        ("decimal", "5", Decimal(5)),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("date", "2024-12-31", dt.date(2024, 12, 31)),
        ("string", "007", "007"),
        ("string", " ", " "),
    ],
)
def test_a_text_becomes_what_the_variable_is_declared_to_be(
    kind: str, text: str, value: Any
) -> None:
    typed = var_value(Var("a", type=kind), text)
    assert typed == value
    assert type(typed) is type(value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "1.5"),
        ("integer", "1e3"),
        ("integer", True),
        ("integer", Decimal("1.5")),
        ("decimal", "1,5"),
        ("decimal", "NaN"),
        ("boolean", "yes"),
        ("boolean", 1),
        ("date", "12/31/2024"),
        ("date", "2024-02-30"),
        ("string", True),
        ("string", ["a"]),
    ],
)
def test_a_value_that_is_not_what_the_variable_is_declared_to_be(kind: str, given: Any) -> None:
    with pytest.raises(ValueError, match="'a' has to be"):
        var_value(Var("a", type=kind), given)


def test_a_variable_without_a_type_has_that_of_its_default() -> None:
    assert var_value(Var("a", default=1), "2") == 2
    assert var_value(Var("a", default=Decimal("1.5")), "2.50") == Decimal("2.50")
    assert var_value(Var("a", default="x"), "2") == "2"
    assert var_value(Var("a"), "2") == "2"
    with pytest.raises(ValueError, match="'a' has to be true or false, not 'maybe'"):
        var_value(Var("a", default=True), "maybe")


def test_a_variable_with_an_enum_is_one_of_it() -> None:
    assert var_value(Var("a", type="integer", enum=(1, "2")), "2") == 2
    with pytest.raises(ValueError, match="'a' cannot be '3'; allowed: 1, 2"):
        var_value(Var("a", type="integer", enum=(1, 2)), "3")
