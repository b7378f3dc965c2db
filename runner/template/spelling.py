"""Spellings of a template: blanks between its signs, and the kind of its quotes, make no other one."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError

_LEXER = Environment(autoescape=True).lexer


def same_text(one: str, other: str) -> bool:
    """Tell whether two templates, or two bare expressions, are the same but for blanks and the kind of quotes."""
    return one == other or _signs(one) == _signs(other)


@lru_cache(maxsize=100)
def _signs(text: str) -> tuple[object, ...]:
    text = " ".join(text.split())
    whole = text if "{{" in text else f"{{{{ {text} }}}}"
    try:
        return tuple((sign.type, sign.value) for sign in _LEXER.tokenize(whole))
    except TemplateSyntaxError:
        return (text,)
