"""Recipes that ship, run again without what the first run knew: nothing is created twice.

The journal is gone, or the recipe has another name, and days have passed: what is there is found, or the row is set
aside.
Their requests grow with the rows as each recipe states, however many jobs the account has.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli.command import TREE, Command
from prepared import first, prepare
from test_readme import PAGES, blocks
from test_recipes import RECIPES, VALUES

EXPORTS = [
    path
    for path in RECIPES
    if "\nexport:\n" in path.read_text("utf-8") or "\nsteps:\n" not in path.read_text("utf-8")
]
WRITING = [path for path in RECIPES if path not in EXPORTS]


def state(runner: Command) -> Path:
    return runner.runs / "sandbox" / "state.sqlite"


def objects(runner: Command) -> dict[str, int]:
    """How many objects the sandbox has in each collection."""
    with closing(sqlite3.connect(state(runner))) as database:
        return dict(
            database.execute(
                "SELECT api || collection, count(*) FROM objects GROUP BY 1"
            ).fetchall()
        )


def days_pass(runner: Command, days: int) -> None:
    """Make all jobs older, as if this were `days` later."""
    moved = "json_set(body, '$.date', date(json_extract(body, '$.date'), ?))"
    with closing(sqlite3.connect(state(runner))) as database, database:
        database.execute(
            f"UPDATE objects SET body = {moved} WHERE collection LIKE '%jobs'",
            (f"-{days} days",),
        )


def lose_the_journal(runner: Command) -> None:
    for path in runner.runs.iterdir():
        if path.is_dir() and path.name != "sandbox":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def run(runner: Command, recipe: Path | str, *more: str) -> None:
    """Run it where rows may be set aside."""
    code = 0
    try:
        runner("run", recipe, *more)
    except AssertionError as error:
        code = int(re.findall(r"exit code (\d+)", str(error))[0])
    assert code in (0, 4)


def new_identity(runner: Command) -> list[str]:
    """What a run needs to be another one on purpose."""
    return ["--new-identity"] if "--new-identity" in runner("run", "--help").out else []


def check_that_nothing_comes_twice(runner: Command, recipe: Path, *values: str) -> None:
    runner("run", recipe, *values)
    there = objects(runner)
    days_pass(runner, 380)
    lose_the_journal(runner)
    run(runner, recipe, *values)
    assert objects(runner) == there
    days_pass(runner, 9)
    text = recipe.read_text("utf-8")
    other = runner.write("other.yaml", re.sub(r"(?m)^name: \S+", "name: other", text))
    for name in re.findall(r"[\w-]+\.(?:csv|jsonl?)\b", text):
        if (recipe.parent / name).exists() and not (runner.folder / name).exists():
            runner.write(name, (recipe.parent / name).read_bytes())
    run(runner, other, *values, *new_identity(runner))
    assert objects(runner) == there


@pytest.mark.parametrize("recipe", WRITING, ids=lambda path: path.stem)
def test_nothing_is_created_twice(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, recipe: Path
) -> None:
    runner = Command(tmp_path)
    prepare(runner, recipe, tmp_path_factory.mktemp("first"))
    values = [part for value in VALUES.get(recipe.stem, ()) for part in ("-v", value)]
    check_that_nothing_comes_twice(runner, recipe, *values)


def test_nothing_of_the_readme_is_created_twice(tmp_path: Path) -> None:
    runner = Command(tmp_path)
    sheet = next(block.text for block in blocks(PAGES[0]) if block.kind == "csv")
    recipe = next(block.text for block in blocks(PAGES[0]) if block.text.startswith("recipe:"))
    runner.write("spring-orders.csv", sheet)
    path = runner.write("spring-orders.yaml", recipe)
    check_that_nothing_comes_twice(runner, path)


def test_an_order_without_its_journal_gets_no_second_lines(tmp_path: Path) -> None:
    """The order is found with its 11 lines; the row says so and is set aside."""
    runner = Command(tmp_path)
    runner("run", "import-orders", "--only", "W-1042")
    lose_the_journal(runner)
    runner("run", "import-orders", "--only", "W-1042", code=4)
    with (runner.runs / "1" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        (reason,) = {row["reason"] for row in csv.DictReader(file) if row["key"] == "W-1042"}
    assert re.match(
        r"lines: item 1: order \d+ was found and not created by this recipe, "
        r"with 11 lineitems that this recipe has not created; nothing is added to it: ",
        reason,
    )


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox with 43 orders of other numbers: several pages of jobs and of sales orders."""
    runner = Command(tmp_path_factory.mktemp("busy"))
    sheet = (TREE / "recipes" / "import-orders.csv").read_text("utf-8").replace("W-", "B-")
    runner("run", "import-orders", "--rows", runner.write("busy.csv", sheet))
    return runner.runs / "sandbox"


REQUESTS = re.compile(
    r"Requests: (?P<run>\d+|none) for the run(?: \([^)]*one for every (?P<page>\d+) of them[^)]*\))?, "
    r"at most (?P<row>\d+) for (?:each|the) \w+(?: \w+)?(?: and (?P<line>\d+) for each line)?"
    r"(?: and (?P<each>\d+) for each (?P<of>[a-z ]+ (?:of|in|that has) it))?[.,]"
)


OF = {
    "line of it": "create_sales_order_line_item",
    "purchase order in it": "update_purchase_order",
    "contact that has it": "update_contact",
}
"""What a recipe states requests for beside rows and lines: what it writes once for each."""


def stated(recipe: Path) -> tuple[dict[str, int], str]:
    """The numbers of requests that the comment of a recipe states, and the operation that `each` of them is for."""
    comment = re.sub(r"\n# ?", " ", recipe.read_text("utf-8").partition("\nrecipe: 1\n")[0])
    found = REQUESTS.search(comment)
    assert found, comment
    said = found.groupdict(default="0")
    operation = OF.get(said.pop("of"), "")
    return {name: 0 if said[name] == "none" else int(said[name]) for name in said}, operation


def written(runner: Command, operation: str) -> int:
    return sum(each["operation"] == operation for each in runner.delivered())


def results(runner: Command) -> tuple[set[str], set[str], int]:
    """The keys of the rows that the last run has finished, of those for which nothing was written, and their lines."""
    folder = max(
        (path for path in runner.runs.iterdir() if path.name.isdigit()),
        key=lambda path: int(path.name),
    )
    with (folder / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = [row for row in csv.DictReader(file) if row["bucket"] in ("done", "found")]
    keys = {row["key"] for row in lines}
    return keys, keys - {row["key"] for row in lines if row["ids"]}, len(lines)


@pytest.mark.parametrize("recipe", WRITING, ids=lambda path: path.stem)
def test_requests_grow_with_rows_as_the_recipe_says(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, busy: Path, recipe: Path
) -> None:
    """However many jobs the account has: lists are read once per run, and never once for each row."""
    runner = Command(tmp_path)
    if first(recipe):
        prepare(runner, recipe, tmp_path_factory.mktemp("first"))
    else:
        shutil.copytree(busy, runner.runs / "sandbox")
    (numbers, operation), values = stated(recipe), VALUES.get(recipe.stem, ())
    arguments = [part for value in values for part in ("-v", value)]
    before, rows, lines = len(runner.delivered(writes=False)), set[str](), 0
    each = written(runner, operation)
    listed = objects(runner)["syncore/orders/jobs"]  # each has one sales order
    lists = 2 if "jobs and sales orders: one for every" in recipe.read_text("utf-8") else 1
    pages = -(-listed // numbers["page"]) * lists if numbers["page"] else 0
    in_every_run = "update:" in recipe.read_text("utf-8")
    for more in (["--limit", "2"], ["--limit", "4"], []) if not values else ([],):
        runner("run", recipe.stem, *arguments, *more)
        finished, looked_at, all_lines = results(runner)
        new = len(finished if in_every_run else finished - rows | looked_at)
        new_lines = max(0, all_lines - lines)
        sent = len(runner.delivered(writes=False)) - before
        allowed = numbers["run"] + pages + numbers["row"] * new + numbers["line"] * new_lines
        assert sent <= allowed + numbers["each"] * (written(runner, operation) - each)
        before, rows, lines = before + sent, rows | finished, all_lines
        each = written(runner, operation)
    assert rows


@pytest.mark.parametrize("recipe", EXPORTS, ids=lambda path: path.stem)
def test_an_export_makes_as_many_requests_as_it_says(
    tmp_path: Path, busy: Path, recipe: Path
) -> None:
    runner = Command(tmp_path)
    shutil.copytree(busy, runner.runs / "sandbox")
    before = len(runner.delivered(writes=False))
    runner("run", recipe.stem)
    text = recipe.read_text("utf-8")
    page = re.search(r"\n# Requests: one for every (?P<page>\d+) [a-z ]+\.\n", text)
    numbers = {"run": 0, "row": 0, "page": int(page[1])} if page else stated(recipe)[0]
    read = len((runner.runs / "1" / "rows.jsonl").read_text("utf-8").splitlines())
    pages = max(1, -(-read // numbers["page"]))
    sent = len(runner.delivered(writes=False)) - before
    assert sent <= numbers["run"] + pages + numbers["row"] * read


def test_the_window_is_the_one_of_the_api() -> None:
    """Jobs are looked for as far back as the API shows them in every month of a year, and no further."""
    days = 390
    first = dt.date(2027, 1, 1)
    for day in (first + dt.timedelta(n) for n in range(366)):
        back = day - dt.timedelta(days)
        assert (day.year - back.year) * 12 + day.month - back.month <= 13
