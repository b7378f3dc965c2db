"""Progress of what takes long before a run is on record: silent for a second, then a line every ten."""

from __future__ import annotations

from itertools import count

import pytest

from runner.project.progress import watched


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        (0.0, []),
        (
            0.5,
            [
                "  1/25 rows checked",
                "  21/25 rows checked",
            ],
        ),
    ],
)
def test_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], step: float, lines: list[str]
) -> None:
    ticks = count(0.0, step) if step else None
    rows = watched(range(25), "checked", total=25, clock=lambda: next(ticks) if ticks else 0.0)
    assert list(rows) == list(range(25))
    assert capsys.readouterr().err.splitlines() == lines


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = count(0.0, 5.0)
    assert (
        len(list(watched(range(9), "checked", total=9, quiet=True, clock=lambda: next(ticks)))) == 9
    )
    assert capsys.readouterr().err == ""


def test_a_terminal_has_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    ticks = count(0.0, 1.0)
    list(watched(range(3), "checked", total=3, clock=lambda: next(ticks)))
    shown = capsys.readouterr().err
    assert "\n" not in shown
    assert shown.split("\r\x1b[2K")[1:] == [
        *(f"  {number}/3 rows checked" for number in range(3)), ""
    ]  # fmt: skip
