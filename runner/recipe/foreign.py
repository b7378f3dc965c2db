"""Terms of Ansible, GitHub Actions and other tools, each with its equivalent in a recipe."""

from __future__ import annotations

from collections.abc import Mapping

_STEP = "the result of a step is read by its id, as in contact.id"
_GIVEN = "what is given from outside is declared under vars, and read as vars.x"
_SECRET = "credentials are added when a request is sent; runner.yaml says where they come from"  # noqa: S105 - says so
_ENVIRONMENT = "declare it under vars, and set it with -v NAME=VALUE or --vars-file"
_ROW = "a line of the file is row, as in row.email"
_ITEM = "under for_each the element is item; for_each: {in: row.lines, as: line} calls it line"

KEYS: Mapping[str, tuple[str, ...]] = {
    "action": ("use",),
    "api_call": ("use",),
    "args": ("with",),
    "arguments": ("with",),
    "body": ("with",),
    "call": ("use",),
    "choices": ("enum",),
    "column": ("from",),
    "comment": ("description",),
    "condition": ("when", "where"),
    "create": ("use",),
    "csv": ("file",),
    "data": ("with", "rows"),
    "each": ("lines", "for_each"),
    "endpoint": ("use",),
    "env": ("vars",),
    "environment": ("vars",),
    "field": ("from", "by"),
    "fields": ("with", "columns"),
    "filter": ("where",),
    "find": ("unless_found",),
    "for": ("for_each",),
    "foreach": ("for_each",),
    "foreach_item": ("for_each",),
    "form": ("with",),
    "groupby": ("group_by",),
    "header": ("from",),
    "if": ("when",),
    "if_not_found": ("unless_found",),
    "import_tasks": ("include",),
    "include_tasks": ("include",),
    "input": ("with", "rows", "file"),
    "inputs": ("vars", "with"),
    "items": ("for_each",),
    "jobs": ("steps",),
    "json": ("with",),
    "index": ("by",),
    "index_by": ("by",),
    "key": ("by", "item_key"),
    "label": ("id", "description"),
    "locals": ("let",),
    "loop": ("for_each",),
    "match": ("where",),
    "max": ("maximum",),
    "min": ("minimum",),
    "module": ("use",),
    "name": ("id", "description", "from"),
    "op": ("use",),
    "operation": ("use",),
    "options": ("enum", "with"),
    "parameters": ("with", "vars"),
    "params": ("with", "vars"),
    "path": ("file",),
    "payload": ("with",),
    "primary_key": ("key",),
    "query": ("with",),
    "regex": ("pattern",),
    "request": ("with",),
    "retries": ("retry",),
    "returns": ("outputs",),
    "run": ("use",),
    "schema": ("columns",),
    "set": ("let",),
    "set_fact": ("let",),
    "source": ("file", "rows", "from"),
    "step": ("id",),
    "strip": ("trim",),
    "task": ("id", "use"),
    "tasks": ("steps",),
    "title": ("description",),
    "unique_by": ("key", "once_per"),
    "until": ("poll",),
    "uses": ("use",),
    "value": ("default", "with"),
    "values": ("enum", "with"),
    "variables": ("vars",),
    "vars": ("with", "let"),
    "with_dict": ("for_each",),
    "with_items": ("for_each",),
    "with_list": ("for_each",),
}
"""Keys, in small letters and with underscores, with those that they may be here: the first that is not taken."""

WAYS: Mapping[str, tuple[str, str]] = {
    "continue_on_error": ("on_error", "write on_error: continue"),
    "delay": ("poll", "to read until something is so, write poll: {until: ..., every: 30s}"),
    "delimiter": ("use", "leave it out"),
    "depends_on": ("for_each", "leave it out: steps are taken in their order"),
    "group_by": ("export", "write it under export: export: {group_by: ...}"),
    "ignore_errors": ("on_error", "write on_error: continue"),
    "loop_control": ("for_each", "write for_each: {in: ..., as: line}"),
    "lines": ("export", "write it under export: export: {lines: ...}"),
    "method": ("for_each", "leave it out: the operation of 'use' says it"),
    "needs": ("for_each", "leave it out: steps are taken in their order"),
    "nullable": ("required", "leave it out: a cell may be empty unless required: true"),
    "on": ("steps", "leave it out: runner run starts it"),
    "optional": ("required", "leave it out: a cell may be empty unless required: true"),
    "output": ("for_each", "leave it out: later steps read the result by the step's id, as in order.id"),
    "outputs": ("for_each", "write outputs at the top: name: \"{{ order.id }}\""),
    "register": ("for_each", "leave it out: the result of a step has the name of its id"),
    "result": ("for_each", "leave it out: the result of a step has the name of its id"),
    "save_as": ("for_each", "leave it out: the result of a step has the name of its id"),
    "secrets": ("steps", f"leave it out: {_SECRET}"),
    "skip_if": ("when", "write when: not (...)"),
    "totals": ("export", "write it under export: export: {totals: ...}"),
    "unless": ("when", "write when: not (...)"),
    "url": ("for_each", "leave it out: the operation of 'use' says it"),
    "version": ("steps", "write recipe: 1"),
}  # fmt: skip
"""The same where it is said in another way: a key that tells where this is so, and the way."""

OTHER_TYPES: Mapping[str, str] = {
    "bool": "boolean",
    "double": "decimal",
    "float": "decimal",
    "int": "integer",
    "number": "decimal",
    "str": "string",
    "text": "string",
}
"""Types of columns and variables by their names in other languages: a number with a fraction is always exact."""

VALUES: Mapping[str, str] = {
    **OTHER_TYPES,
    "average": "sum",
    "currency": "decimal",
    "datetime": "date",
    "money": "decimal",
}
"""Values by what they are called elsewhere."""

NAMES: Mapping[str, str] = {
    **dict.fromkeys(("steps", "outputs", "needs", "jobs", "tasks", "results"), _STEP),
    **dict.fromkeys(("inputs", "params", "parameters", "github", "variables", "var"), _GIVEN),
    **dict.fromkeys(("secret", "secrets"), _SECRET),
    **dict.fromkeys(("env", "environ", "environment", "process", "ansible_env"), _ENVIRONMENT),
    **dict.fromkeys(("null", "Null", "NULL", "nil", "undefined", "nothing"), "write none"),
    **dict.fromkeys(("TRUE", "yes", "Yes"), "write true"),
    **dict.fromkeys(("FALSE", "no", "No"), "write false"),
    **dict.fromkeys(("today", "now"), "write run.date"),
    **dict.fromkeys(("this", "record", "rec", "data", "csv", "order", "r"), _ROW),
    **dict.fromkeys(("line", "each", "element", "entry", "it", "value", "i", "matrix"), _ITEM),
    "omit": "null leaves a field out: write none",
    "ansible_date_time": "write run.date",
    "lines": "the lines of a grouped row are row.lines",
    "loop": "loop is known in {% for %} alone; a for_each step has its element, item, and no number of the round",
    "response": "what a step has answered has the name of its id; in expect and verify it is result",
    "hit": "in where each entry is called item",
}  # fmt: skip
"""Names that people look for, with what to write."""

FIELDS = frozenset(
    {"outputs", "output", "result", "results", "response", "body", "json", "data", "content", "stdout", "value",
     "meta", "status_code", "records", "entries", "payload"}
)  # fmt: skip
"""Members that other tools put between a step and its answer."""

LENGTHS = frozenset({"length", "size", "count", "len"})
"""Members that other languages have for the number of elements or characters."""
