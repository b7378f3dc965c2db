"""What Jinja and its neighbors have and this language has not, each with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_HTML = "nothing here is HTML: leave it out"
REFUSED_FILTERS: Mapping[str, str] = {
    "attr": "write row.name or row['name']",
    "e": _HTML,
    "escape": _HTML,
    "filesizeformat": "divide and round it: (n / 1000) | round(1) ~ ' kB'",
    "forceescape": _HTML,
    "pprint": "use tojson(2)",
    "random": "a plan shows what is sent: choose by a column, or | first",
    "safe": _HTML,
    "shuffle": "a plan shows what is sent: use sort",
    "striptags": "use regex_replace('<[^>]*>', '')",
    "urlize": _HTML,
    "xmlattr": _HTML,
    "bool": "compare it: row.x == 'yes'",
    "combine": "write a new object: {'a': x.a, 'b': y.b}",
    "currency": "use money('$')",
    "dict": "write an object: {'a': x}, or use index_by('name')",
    "filter": "use where('item.x > 0') or select",
    "from_json": "declare the column: what JSON holds is read as it is",
    "items2dict": "use index_by('key')",
    "dict2items": "use items",
    "lstrip": "write .lstrip()",
    "mandatory": "what is not there is refused by itself",
    "number_format": "use money, or '%.2f' | format(x)",
    "now": "write run.date",
    "rstrip": "write .rstrip()",
    "rounding": "use round(2)",
    "slugify": "use lower and regex_replace('[^a-z0-9]+', '-')",
    "strftime": "use date('%m/%d/%Y')",
    "strip": "use trim",
    "strptime": "use to_date('%m/%d/%Y')",
    "sub": "use regex_replace('pattern', '')",
    "ternary": "write a if b else c",
    "to_datetime": "use to_date('%m/%d/%Y')",
    "to_json": "use tojson",
    "to_nice_json": "use tojson(2)",
    "to_yaml": "use tojson",
    "type_debug": "ask what it is: x is string",
    "zfill": "write .zfill(6)",
    "add": "write x + 2",
    "append": "put lists together: a + [b]",
    "contains": "write 'a' in x",
    "divide": "write x / 2",
    "endswith": "write .endswith('a')",
    "multiply": "write x * 2; over a list: | total('item.x * 2')",
    "size": "use length",
    "startswith": "write .startswith('a')",
    "subtract": "write x - 2",
    "times": "write x * 2",
    "to_upper": "use upper",
    "to_lower": "use lower",
    "uppercase": "use upper",
    "lowercase": "use lower",
    "count_by": "use groupby('x')",
    "sort_by": "use sort(attribute='x')",
    "regex_match": "use regex_search('^pattern') is not none",
    "regex_findall": "use regex_search('pattern')",
    "json": "use tojson",
    "to_number": "use decimal, or int",
    "number": "use decimal, or int",
    "str": "use text",
    "nvl": "use default('')",
}
"""Filters by name."""

_SAMPLES = ("'^pattern'", "'pattern'", "'%m/%d/%Y'", "'a'")
"""Texts that stand in what to write for the one that somebody has given."""


def with_given(remedy: str, given: Sequence[object]) -> str:
    """What to write, with what was given in place of the sample: `zfill(5)` is .zfill(5)."""
    if len(given) != 1 or isinstance(given[0], bool):
        return remedy
    if isinstance(given[0], int):
        return remedy.replace("(6)", f"({given[0]})")
    if not isinstance(given[0], str):
        return remedy
    begins = given[0] if given[0].startswith("^") else f"^{given[0]}"
    for sample in _SAMPLES:
        remedy = remedy.replace(sample, repr(begins if "^" in sample else given[0]))
    return remedy


_BRACKETS = re.compile(r"\$?\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_OPERATORS = re.compile(r"[<>=|&!?:*/]|\b(and|or|not|in|is|if|else)\b")


def side_by_side_of(template: str) -> str:
    """How a template of texts and names is written as an expression: `'PO ' ~ row.ref`; empty where it is none."""
    parts = _BRACKETS.split(template)
    texts = [part for part in parts[::2] if part]
    if not texts or not all(parts[1::2]) or any(map(_OPERATORS.search, texts)) or "{%" in template:
        return ""
    written = [part if at % 2 else repr(part) for at, part in enumerate(parts) if part]
    return " ~ ".join(written)


REFUSED_TESTS: Mapping[str, str] = {
    "callable": "nothing can be called",
    "escaped": _HTML,
    "filter": "validate knows which filters there are",
    "test": "validate knows which tests there are",
    "sameas": "compare with ==, or with is none, is true, is false",
    **dict.fromkeys(("skipped",), "what was skipped is null: write is none, or is not none"),
    **dict.fromkeys(
        ("succeeded", "success", "successful", "changed"), "what was done is there: is not none"
    ),
    **dict.fromkeys(("failed", "failure"), "under on_error: continue it is null: is none"),
    "match": "use regex_search('^pattern') is not none",
    "regex": "use regex_search('pattern') is not none",
    "search": "use regex_search('pattern') is not none",
    "contains": "write 'a' in x",
    "empty": "write not x, or x | length == 0",
    "null": "write is none, or is not none",
    "date": "give the column its type",
    "subset": "use reject('in', x) | length == 0",
}
"""Tests by name."""

REFUSED_BLOCKS: Mapping[str, str] = {
    "macro": "name the value with let, or repeat the text",
    "endmacro": "name the value with let, or repeat the text",
    "call": "name the value with let, or repeat the text",
    "import": "a template has no files; name the value with let",
    "from": "a template has no files; name the value with let",
    "include": "a template has no files; repeat the text",
    "extends": "a template has no files; repeat the text",
    "block": "a template has no files; repeat the text",
    "filter": "filter the value: {{ x | upper }}",
    "do": "nothing has effects here; use {% set %}",
    "raw": "write the text of one: {{ '{{' }}",
    "with": "use {% set %}, or let",
    "autoescape": _HTML,
    "trans": "write the text",
    "break": "choose before: {% for x in y | where('...') %}",
    "continue": "choose before: {% for x in y if ... %}",
    "debug": "runner plan shows what is sent",
    "while": "use {% for %}",
    "unless": "write {% if not x %}",
    "assign": "write {% set x = 1 %}",
    "case": "write {% if %} and {% elif %}",
    "endunless": "write {% endif %}",
    "elseif": "write {% elif %}",
    "elsif": "write {% elif %}",
}
"""Statements by their first word."""

REFUSED_FUNCTIONS: Mapping[str, str] = {
    "dict": "write {'name': value}",
    "namespace": "add up with | sum, or | total('item.x')",
    "cycler": "write ['odd', 'even'][loop.index0 % 2]",
    "joiner": "join a list: | join(', ')",
    "lipsum": "write the text",
    "now": "write run.date",
    "today": "write run.date",
    "timedelta": "write it behind the date: row.day | days(3)",
    "format": "write '%s of %s' | format(a, b)",
    "lookup": "declare it under lookups, and write name['key']",
    "lookup('env')": "declare it under vars, and set it with -v NAME=VALUE or --vars-file",
    "lookup('file')": "a template has no files; declare it under vars, or under lookups",
    "query": "declare it under lookups, and write name['key']",
    "env": "declare it under vars",
    "secret": "credentials are added when a request is sent; runner.yaml says where they come from",
    "contains": "write 'a' in x",
    "includes": "write 'a' in x",
    "startsWith": "use .startswith('a')",
    "startswith": "use .startswith('a')",
    "endsWith": "use .endswith('a')",
    "endswith": "use .endswith('a')",
    "fromJSON": "what JSON holds is read as it is",
    "fromJson": "what JSON holds is read as it is",
    "toJSON": "use | tojson",
    "toJson": "use | tojson",
    "success": "leave it out: a step that fails stops its row",
    "failure": "a row whose step fails ends there; on_error: continue goes on",
    "always": "a row whose step fails ends there; on_error: continue goes on",
    "cancelled": "leave it out: a run that was stopped is resumed",
    "hashFiles": "name it by vars, or by a column",
    "concat": "put texts side by side with ~",
    "coalesce": "use | default('')",
    "ifnull": "use | default('')",
    "isnull": "write x is none",
    "is_null": "write x is none",
    "empty": "write not x",
    "isEmpty": "write not x",
    "not_empty": "write x, which is true where it is not empty",
    "defined": "write x is not none",
    "exists": "write x is not none",
    "if": "write a if b else c",
    "iif": "write a if b else c",
    "count": "use | length",
    "any": "use where('...') | length > 0",
    "all": "use reject('...') | length == 0",
    "map": "use | map(attribute='id')",
    "filter": "use | where('item.x > 0')",
    "date": "use | to_date, or | date('%m/%d/%Y')",
    "utcnow": "write run.date",
    "datetime": "write run.date, or | to_date",
    "bool": "compare it: row.x == 'yes'",
    "decimal": "use | decimal",
    "Decimal": "use | decimal",
    "set": "use | unique",
    "type": "ask what it is: x is string",
    "isinstance": "ask what it is: x is string",
    "raise": "use rows.require, or expect",
    "assert": "use rows.require, or expect",
    "uuid": "a plan shows what is sent: take a column",
    "random": "a plan shows what is sent: choose by a column",
    "caller": "there are no macros",
    "super": "there are no blocks to inherit",
    "len": "use | length",
    "str": "use | string",
    "int": "use | int",
    "float": "use | decimal",
    "round": "use | round(2)",
    "sum": "use | sum",
    "min": "use | min",
    "max": "use | max",
    "abs": "use | abs",
    "sorted": "use | sort",
    "list": "use | list",
    "enumerate": "use loop.index",
    "zip": "use the filter: a | zip(b)",
    "print": "write {{ x }}",
}
"""Functions by name; `range` there is."""

REFUSED_METHODS: Mapping[str, str] = {
    "append": "a list does not change; put two together: a + [b]",
    "extend": "a list does not change; put two together: a + b",
    "insert": "a list does not change; put two together: [b] + a",
    "update": "an object does not change; write a new one: {'a': 1}",
    "pop": "a list does not change; take a part of it: a[1:]",
    "remove": "a list does not change; choose from it: | reject('equalto', x)",
    "sort": "use the filter: | sort",
    "reverse": "use the filter: | reverse",
    "index": "use | first, or find() on a text",
    "encode": "a text is sent as UTF-8 by itself",
    "date": "a date has no time",
    "today": "write run.date",
    "now": "write run.date",
    "casefold": "use .lower()",
    "swapcase": "use .upper() or .lower()",
    "setdefault": "use | default(x)",
    "copy": "values do not change",
    "cycle": "write ['odd', 'even'][loop.index0 % 2]",
    "changed": "compare with loop.previtem",
    "add": "add up with +",
    "capitalise": "use .capitalize()",
    "charAt": "write x[0]",
    "concat": "put texts side by side with ~, lists with +",
    "contains": "write 'a' in x",
    "endsWith": "use .endswith('a')",
    "every": "use reject('...') | length == 0",
    "filter": "use | where('item.x > 0')",
    "forEach": "give the step for_each: x",
    "has": "write 'a' in x",
    "has_key": "write 'a' in x",
    "includes": "write 'a' in x",
    "indexOf": "use .find('a')",
    "isEmpty": "write not x",
    "is_empty": "write not x",
    "length": "use | length",
    "ltrim": "use .lstrip()",
    "map": "use | map(attribute='id')",
    "match": "use | regex_search('pattern')",
    "padStart": "use .zfill(6), or .rjust(6)",
    "push": "a list does not change; put two together: a + [b]",
    "reduce": "use | total('item.x')",
    "replaceAll": "use .replace('a', 'b')",
    "rtrim": "use .rstrip()",
    "size": "use | length",
    "slice": "write x[0:3]",
    "some": "use where('...') | length > 0",
    "startsWith": "use .startswith('a')",
    "substr": "write x[0:3]",
    "substring": "write x[0:3]",
    "toFixed": "use | round(2)",
    "toISOString": "use .isoformat()",
    "toLowerCase": "use .lower()",
    "toString": "use | text",
    "toUpperCase": "use .upper()",
    "trim": "use .strip()",
}
"""Methods by name."""

_A, _B = (
    r"(?P<a>[\w.\[\]()]+|'[^']*'|\"[^\"]*\")",
    r"(?P<b>[\w.\[\]()]+|'[^']*'|\"[^\"]*\"|-?[0-9.]+)",
)
REFUSED_SIGNS: tuple[tuple[str, str], ...] = (
    (rf"{_A}\s*\?\?\s*{_B}", "write {a} | default({b})"),
    (r"(?P<a>[\w.]+)\?\.(?:length|size|count)\b", "write {a} | default('') | length"),
    (
        r"(?P<a>[\w.]+)\?\.(?P<b>\w+)",
        "write {a}.{b} | default(none): what is not there may be asked for so",
    ),
    (r"^(?P<a>[^?]*\S)\s*\?\s*(?P<b>[^?:]+?)\s*:\s*(?P<c>[^?:]+)", "write {b} if {a} else {c}"),
    (r"\?", "write 'a if b else c', or | default('') for what may be null"),
    (r"\|\|", "write 'or'"),
    (r"&&?", "write 'and'"),
    (r"!==", "write '!='"),
    (r"===", "write '=='"),
    (r"<>", "write '!='"),
    (r"=~|~=", "write x | regex_search('pattern')"),
    (r"=>", "there are no functions: use | map(attribute='id') or | where('item.x > 0')"),
    (r"!(?!=)", "write 'not'"),
    (r":=", "name it with let: name: expression"),
    (r"\$(?=\w)", "write it without the '$'"),
    (r"(?<![=!<>~])(?<!== )=(?![=~>])", "compare with '=='"),
    (r"\blambda\b", "there are no functions: use | map(attribute='id') or | where('item.x > 0')"),
    (
        r"(?P<a>[\w.\[\]]+)\s+for\s+(?P<b>\w+)\s+in\s+(?P<c>[\w.]+)",
        "a list is made of another by | map(attribute='id') and | where('item.x > 0'), as in {c} | map(attribute='id')",
    ),
    (
        r"\b[fF](?=['\"])",
        "put texts side by side: 'a ' ~ row.b; or write the text around {{{{ row.b }}}}",
    ),
    (rf"{_A}\s+(eq|equals)\s+{_B}", "write {a} == {b}"),
    (rf"{_A}\s+(ne|neq)\s+{_B}", "write {a} != {b}"),
    (rf"{_A}\s+gte?\s+{_B}", "write {a} > {b}, or >="),
    (rf"{_A}\s+lte?\s+{_B}", "write {a} < {b}, or <="),
    (rf"{_A}\s+(contains|has|includes)\s+{_B}", "write {b} in {a}"),
    (rf"{_A}\s+(startswith|starts with|startsWith)\s+{_B}", "write {a}.startswith({b})"),
    (rf"{_A}\s+(endswith|ends with|endsWith)\s+{_B}", "write {a}.endswith({b})"),
    (
        rf"{_A}\s+(matches|like|LIKE|rlike|regexp)\s+{_B}",
        "write {b} in {a}, or {a} | regex_search('pattern')",
    ),
    (rf"{_A}\s+(between|BETWEEN)\s+{_B}\s+(and|AND)\s+(?P<c>[\w.]+)", "write {b} <= {a} <= {c}"),
    (r"\bAND\b", "write 'and'"),
    (r"\bOR\b", "write 'or'"),
    (r"\bNOT\b", "write 'not'"),
)
"""Signs and words of other languages, as patterns of what stands there, with what to write; {a} is what `a` matches."""

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


MOST_LOOKED_AT = 1_000
"""Characters of an expression that are looked through for signs: what a pattern costs grows with their square."""


def sign_instead(text: str) -> tuple[int, int, str] | None:
    """The first sign or word of another language in an expression that cannot be read: offset, length, remedy."""
    text = text[:MOST_LOOKED_AT]
    blank = _QUOTED.sub(
        lambda quoted: quoted[0][0] + "_" * (len(quoted[0]) - 2) + quoted[0][0], text
    )
    for pattern, remedy in REFUSED_SIGNS:
        found = re.search(pattern, blank)
        if found:
            parts = {name: text[slice(*found.span(name))].strip() for name in found.groupdict()}
            sign = _sign(found)
            return (*sign, remedy.format(**parts))
    return None


def _sign(found: re.Match[str]) -> tuple[int, int]:
    """Where the sign itself stands, after what is on its left."""
    groups = found.groupdict()
    if "a" not in groups:
        return found.start(), found.end() - found.start()
    start = (
        found.end("a")
        + len(found.string[found.end("a") :])
        - len(found.string[found.end("a") :].lstrip())
    )
    end = found.start("b") if "b" in groups else found.end()
    return start, max(1, len(found.string[start:end].rstrip()))
