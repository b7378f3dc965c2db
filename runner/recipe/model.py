"""A recipe as frozen values: what the engine reads, with no YAML and no positions left in it.

Trees (`arguments`, `outputs`) hold templates at their leaves; conditions are compiled expressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from runner.catalogue import AmountRules
from runner.template import Expression, Template, Tree, names_read

PIPED = "-"
"""The name of an input that is piped in."""

ROW_FORMATS = ("csv", "tsv", "jsonl", "json", "xlsx")
"""What an input can be."""

RESULT_COLUMNS = ("line", "key", "row", "bucket", "reason", "ids", "links")
"""The columns that every results file has; outputs add to them."""

FILE_COLUMN = "file"
"""The column before them in the results of several files."""

RETRIES = 3
"""How often a read is tried where a step does not say."""

ON_ERROR = "stop_row"
"""What a rejected call ends where a step does not say."""

ABSENT_MEANS = "unknown"
SETTLING = 15 * 60
"""What nothing found means, and after how many seconds, where a search does not say."""

EMPTY_CELLS = ("",)
"""The cells without value where a column does not say."""


class Var(NamedTuple):
    """A value that `-v name=value` or `--vars-file` overrides. `type` is a JSON Schema type or `decimal` or `date`."""

    name: str
    type: str = ""
    default: Any = None
    enum: tuple[Any, ...] = ()
    required: bool = False
    description: str = ""


class Numbers(NamedTuple):
    """The number format of a column. `currency` has the signs one of which may stand at either end.

    percent      7.5% is 0.075
    accounting   (5.00) and 5.00- are -5.00
    """

    decimal_mark: str = "."
    thousands: str = ""
    currency: tuple[str, ...] = ()
    percent: bool = False
    accounting: bool = False


class Column(NamedTuple):
    """A column of the input. `header` is its name in the file, or one of `others` is; `empty` the cells without value.

    A cell is trimmed, compared with `empty`, split, and what `replace` and `case` leave of it is looked up in `map`, or
    read as its type says: dates in one of the strptime formats of `format`, numbers as they are `written`.

    serial  whether a workbook may have the days of the column as numbers
    value   a template in place of a header: it is computed from the columns before it
    split   what separates the items of a cell, which is a list then, or with `part` (the third of 3: (3, 3)) is one
    """

    name: str
    header: str
    type: str = "string"
    others: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    locale: str = ""
    serial: bool = False
    drop_time: bool = False
    written: Numbers = Numbers()
    empty: tuple[str, ...] = EMPTY_CELLS
    trim: bool = False
    case: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    map: Mapping[str, Any] | None = None
    default: Any = None
    value: Template | str | None = None
    split: str = ""
    part: tuple[int, int] | None = None
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    enum: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[str, ...]:
        """All headers that are accepted, of which a file has one."""
        return (self.header, *self.others)

    @property
    def listed(self) -> bool:
        """True where a cell is a list."""
        return bool(self.split) and self.part is None


class Update(NamedTuple):
    """An update of an object that a search has found (upsert): its arguments see the object as `found`."""

    operation: str
    arguments: Mapping[str, Tree]


class Search(NamedTuple):
    """A read that lists things. `where` sees each of them as `item`, and keeps those of which it is true.

    Under `rows` it finds the rows; under `unless_found` what the step would otherwise create, and says there:

    absent_means  `unknown`, or `retry`: what an earlier attempt left unknown is sent again when nothing is found
    settling      seconds after an attempt before which nothing found means nothing
    update        what is sent where what was found differs from it
    lookup        the lookup whose list is searched, "" where each search reads its own; then the operation and the
                  arguments are those of the lookup
    """

    operation: str
    arguments: Mapping[str, Tree]
    where: Expression | None = None
    absent_means: str = ABSENT_MEANS
    settling: int = SETTLING
    update: Update | None = None
    lookup: str = ""


class Unpivot(NamedTuple):
    """Columns of a file, by their headers, of which each becomes a line: its header as `name`, its cell as `value`."""

    columns: tuple[str, ...]
    name: str
    value: str


EXACT = "exact"
ASIDE = "aside"
"""What `keys` under `rows` can say: keys that look alike are different."""


class Requirement(NamedTuple):
    """An expression that has to be true of every row, and what is said of a row of which it is not."""

    that: Expression
    message: Template | str


class Rows(NamedTuple):
    """The source of the rows: a file, or a search. `group_by` names a column, `header` the line of the header.

    Lines of a file of which `where` is not true are no rows. `expect_total` has what was announced of the file: trees
    for `lines`, `rows` and, by column, `sum`.

    `key` is what makes a row this row, for ever; it is the value of `group_by` where the recipe says nothing else.
    Without either, which goes for recipes without steps alone, rows are counted. With `exact`, keys that look alike are
    different. `shared` has the values that rows share, by the step that is done once for each, where a line shows them.
    With `aside`, rows that cannot be sent as they are do not keep the others from being sent.
    """

    file: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    header: int = 0
    sheet: str | int = ""
    group_by: str = ""
    key: Template | str | None = None
    columns: tuple[Column, ...] = ()
    search: Search | None = None
    where: Expression | None = None
    unpivot: Unpivot | None = None
    expect_total: Mapping[str, Tree] | None = None
    exact: bool = False
    shared: Mapping[str, Expression] = {}
    key_was: tuple[Template | str, ...] = ()
    require: tuple[Requirement, ...] = ()
    aside: bool = False


class Lookup(NamedTuple):
    """A list that is read once per run, by an operation or from a file, and found by the values of the fields `by`.

    Without `by` it is the list itself, or its only entry where `expect` says `one`. `where` keeps the entries of which
    it is true. With `fold`, without regard to case and blanks. `keep` is how many seconds later
    runs may use what was read.
    """

    name: str
    operation: str
    arguments: Mapping[str, Tree]
    by: tuple[str, ...]
    fold: bool = False
    file: str = ""
    keep: int = 0
    where: Expression | None = None
    expect: str = ""


class Poll(NamedTuple):
    """A repeated read: until a condition is true of its answer. `every` and `within` are seconds."""

    until: Expression
    every: int = 5
    within: int = 120


class Was(NamedTuple):
    """The former identity of a step: its id, and the identity of its items where that has changed.

    With `item_key` an item is looked for under what that comes to, with `for_each` under its position in that list.
    """

    step: str
    for_each: Expression | None = None
    item_key: Expression | None = None

    @property
    def maps_items(self) -> bool:
        """True where it maps a present item to a former item."""
        return self.for_each is not None or self.item_key is not None


class Include(NamedTuple):
    """A step that is the steps of a file. `id` is its own behind those that it is included by: customer.address.

    arguments   what the variables of the file are given, in the scope of what includes it; `vars` declares them
    around      the include that it stands in, None in the recipe itself
    lookups     the names of its lookups, each with that which the run knows it by
    """

    id: str
    file: str
    arguments: Mapping[str, Tree]
    vars: Mapping[str, Var]
    let: Mapping[str, Expression]
    lookups: Mapping[str, str]
    when: Expression | None = None
    around: Include | None = None

    @property
    def name(self) -> str:
        """The name by which the including file refers to it."""
        return self.id.rpartition(".")[2]

    @property
    def chain(self) -> tuple[Include, ...]:
        """The includes around it from the outermost in, and itself last."""
        return (*(self.around.chain if self.around is not None else ()), self)


class Step(NamedTuple):
    """One operation, used once per row, or once per item under `for_each`.

    `verify`: read back what was written; true when all that was sent has to be there.
    `under_found`: `add`, `refuse`, or empty, which is to refuse: creating in what a search has found.
    `amount`: the amounts that a step which moves money lets pass.
    `once`: `run` for a read that is made once a run; then each row takes what `where` and `expect` say of the answer.
    `where`: the entries of a list that was read which are meant; it sees each as `item`.
    `inside`: what includes it; its id is then customer.contact, and its expressions see what the file has.
    `single`: it reads a list of which one element is taken, by `expect` or by an expression of the recipe.
    """

    id: str
    operation: str
    arguments: Mapping[str, Tree]
    when: Expression | None = None
    for_each: Expression | None = None
    item_name: str = "item"
    item_key: Expression | None = None
    once_per: Expression | None = None
    expect: str | Expression = ""
    unless_found: Search | None = None
    under_found: str = ""
    verify: bool | Expression = False
    poll: Poll | None = None
    on_error: str = ON_ERROR
    retry: int = RETRIES
    was: tuple[Was, ...] = ()
    description: str = ""
    amount: AmountRules = AmountRules()
    let: Mapping[str, Expression] = MappingProxyType({})
    once: str = ""
    where: Expression | None = None
    inside: Include | None = None
    single: bool = False

    @property
    def name(self) -> str:
        """The name of the step in the expressions of its file."""
        return self.id.rpartition(".")[2]

    @property
    def conditional(self) -> bool:
        """True where a row may skip the step."""
        around = self.inside.chain if self.inside is not None else ()
        return self.when is not None or any(each.when is not None for each in around)

    @property
    def shared(self) -> bool:
        """True where rows share its result."""
        return self.once_per is not None or bool(self.once)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids under which calls of this step may be on record, its own first."""
        return (self.id, *(was.step for was in self.was)) if self.was else (self.id,)


class Total(NamedTuple):
    """A total over the lines of an export: `count`, or the `sum`, `min` or `max` of an output."""

    kind: str
    output: str = ""


class Export(NamedTuple):
    """The lines of an export.

    lines      a list of each row that has a line for each `item_name`; without it a row is a line
    group_by   outputs: lines that share their values are one line, of these values and the totals
    totals     what is added up over the lines of a group, or over all of them
    """

    lines: Expression | None = None
    item_name: str = "item"
    group_by: tuple[str, ...] = ()
    totals: Mapping[str, Total] = MappingProxyType({})

    @property
    def grouped(self) -> bool:
        """True where a line of the export aggregates several."""
        return bool(self.group_by or self.totals)


class Recipe(NamedTuple):
    """A whole recipe. `digest` is the SHA-256 of its text; `file` what messages call it.

    With `exact`, a `key` that looks like an earlier one is another one.
    """

    name: str
    file: str
    text: str
    digest: str
    steps: tuple[Step, ...]
    description: str = ""
    vars: Mapping[str, Var] = MappingProxyType({})
    rows: Rows | None = None
    key: Template | str | None = None
    lookups: tuple[Lookup, ...] = ()
    outputs: Mapping[str, Tree] = MappingProxyType({})
    let: Mapping[str, Expression] = MappingProxyType({})
    exact: bool = False
    key_was: tuple[Template | str, ...] = ()
    export: Export | None = None

    @property
    def exports(self) -> bool:
        """True where its outputs are an export: it only reads."""
        return self.export is not None or not self.steps


def key_text(recipe: Recipe) -> str:
    """Return the text of the key of a recipe or of its rows, with single spaces; empty where it has none of its own."""
    key = recipe.rows.key if recipe.rows is not None else recipe.key
    text = key.text if isinstance(key, Template) else key or ""
    return " ".join(text.split())


def names_behind(
    recipe: Recipe, names: frozenset[str], inside: Include | None = None
) -> frozenset[str]:
    """Return the names read `inside` an include or in the recipe, and those inside the values of `let`."""
    lets = dict(recipe.let if inside is None else inside.let)
    for step in recipe.steps:
        if (step.inside.id if step.inside else "") == (inside.id if inside else ""):
            lets |= step.let
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [each.root for each in lets[name].references] if name in lets else []
    return frozenset(found)


def read_behind(
    recipe: Recipe, names: frozenset[str], inside: Include | None = None
) -> frozenset[str]:
    """Return the sources of names read `inside` an include, or in the recipe: its own names, and ids of steps.

    The variables of an included file are what they are given.
    """
    read = names_behind(recipe, names, inside)
    start = f"{inside.id}." if inside is not None else ""
    found = {
        step.id
        for step in recipe.steps
        if step.id.startswith(start) and step.id[len(start) :].partition(".")[0] in read
    }
    if inside is None:
        return read | found
    if "vars" in read:
        given = frozenset(name for tree in inside.arguments.values() for name in names_read(tree))
        found |= read_behind(recipe, given, inside.around)
    return frozenset((read - {"vars"}) | found)


def steps_behind(
    recipe: Recipe, names: frozenset[str], inside: Include | None = None
) -> frozenset[str]:
    """Return the ids of the steps whose results are read by names `inside` an include, or in the recipe."""
    return read_behind(recipe, names, inside) & {step.id for step in recipe.steps}
