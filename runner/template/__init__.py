"""Templates and expressions: sandboxed Jinja with exact types, and values that are only known after the run.

`compile_template` takes text with `{{ expressions }}`, `compile_expression` a bare expression. Both check the
whole syntax tree against a short list of what is allowed before anything is compiled. Data is never a template:
what an expression yields is a value and is not rendered again.
"""

from runner.template.expressions import Expression, Template, compile_expression, compile_template
from runner.template.identity import identity_of, identity_scope, plain
from runner.template.naming import GIVE_IT_ONE, Naming, may_be_blank, nothing_named
from runner.template.rendering import (
    Each,
    Tree,
    columns_read,
    names_read,
    references_in,
    render,
    renderer,
)
from runner.template.spelling import same_text
from runner.template.tokens import Reference, TemplateError
from runner.template.tree import Node, path_of, paths_of
from runner.template.values import (
    Answer,
    EvaluationError,
    Lazy,
    Undecided,
    Unknown,
    is_blank,
    kind,
    takeable,
    to_text,
)
from runner.template.work import one_row

__all__ = [
    "GIVE_IT_ONE",
    "Answer",
    "Each",
    "EvaluationError",
    "Expression",
    "Lazy",
    "Naming",
    "Node",
    "Reference",
    "Template",
    "TemplateError",
    "Tree",
    "Undecided",
    "Unknown",
    "columns_read",
    "compile_expression",
    "compile_template",
    "identity_of",
    "identity_scope",
    "is_blank",
    "kind",
    "may_be_blank",
    "names_read",
    "nothing_named",
    "one_row",
    "path_of",
    "paths_of",
    "plain",
    "references_in",
    "render",
    "renderer",
    "same_text",
    "takeable",
    "to_text",
]
