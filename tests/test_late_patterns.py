"""Patterns that are compiled late are patterns all the same, and PyYAML is imported with such."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from runner.late_patterns import patterns_compiled_late

PYYAML = """\
import re
from runner.source import yaml
late = yaml.reader.Reader.NON_PRINTABLE
assert not isinstance(late, re.Pattern)
assert late.search("a\\0b").start() == 1
print(yaml.load("[2026-11-22, 0x1F, 1.0e+3, yes]", Loader=yaml.SafeLoader))
"""


def test_a_late_pattern_does_what_a_pattern_does() -> None:
    with patterns_compiled_late():
        late = re.compile(r"(?P<letters>[a-z]+)\d", re.IGNORECASE)
        broken = re.compile("(")
    assert type(late).__name__ == "_Late"
    found = late.search("-- AB7")
    assert found is not None
    assert found["letters"] == "AB"
    assert late.sub("!", "a1b") == "!b"
    assert (late.pattern, late.groups) == (r"(?P<letters>[a-z]+)\d", 1)
    with pytest.raises(re.error):
        broken.match("")


def test_only_what_is_imported_within_is_compiled_late() -> None:
    with pytest.raises(KeyError), patterns_compiled_late():
        raise KeyError
    assert isinstance(re.compile("a"), re.Pattern)


def test_the_python_loaders_of_pyyaml_work_with_late_patterns() -> None:
    done = subprocess.run([sys.executable, "-c", PYYAML], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[datetime.date(2026, 11, 22), 31, 1000.0, True]\n"
