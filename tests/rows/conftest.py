"""Real files, and what reading them gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.problems import InvalidError
from runner.recipe.model import Column, Rows
from runner.rows import Input, open_input
from runner.template import compile_template

VARS: Mapping[str, Any] = {"vars": {"shop": "north"}}

Open = Callable[..., Input]
Refuse = Callable[..., InvalidError]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Writes a file and opens it: content, then the parts of `Rows`; `ending` is that of the file."""

    def open_it(
        content: str | bytes, *columns: Column, key: str = "{{ row.a }}", ending: str = ".csv",
        scope: Mapping[str, Any] = VARS, **rows: Any,
    ) -> Input:  # fmt: skip
        path = tmp_path / f"orders{ending}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        declared = Rows(key=compile_template(key), columns=columns, **rows)
        return open_input(path, declared, scope=scope, name=f"orders{ending}")

    return open_it


@pytest.fixture
def refused(opened: Open) -> Refuse:
    """Like `opened`, for content that has to be refused."""

    def refuse(content: str | bytes, *columns: Column, **rows: Any) -> InvalidError:
        with pytest.raises(InvalidError) as caught:
            opened(content, *columns, **rows)
        return caught.value

    return refuse
