"""The corpora of attacks: data with a name, a reason and what is due, six hundred at least."""

from __future__ import annotations

from pathlib import Path

from corpora import cases

FOLDER = Path(__file__).with_name("corpora")


def test_each_case_has_its_reason() -> None:
    count = 0
    for path in sorted(FOLDER.glob("*.yaml")):
        found = [case.values[0] for case in cases(path.stem)]
        names = [case["name"] for case in found]
        assert len(names) == len(set(names)), path.name
        # Of the spellings of secrets and of texts in outputs, what is due is the same for all.
        due = path.stem not in ("secrets", "outputs")
        assert all(case.get("why") and (not due or "due" in case) for case in found), path.name
        count += len(found)
    assert count >= 600
