"""The page of a run in a real Chromium: found, filtered, sorted, unfolded and printed, and nothing leaves it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from runner.report.page.data import ROOM, collect
from runner.report.page.html import page_html

from .conftest import OpenWindow
from .journals import NO_API, last_run, write_run

ROWS = 300
MADE = "2024-05-02T08:00:00.000+00:00"


def made(folder: Path, rows: int, *, end: bool = True, room: int = ROOM) -> str:
    """A page in `folder`, as the address of a file."""
    write_run(folder / "runs", rows, end=end)
    history, run = last_run(folder / "runs")
    path = folder / "page.html"
    path.write_bytes(page_html(collect(history, run, NO_API, made_at=MADE, room=room)))
    history.close()
    return path.as_uri()


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with 300 rows in every bucket."""
    return made(tmp_path_factory.mktemp("page"), ROWS)


def keys(page: Page) -> list[str]:
    """The rows that are in the document, in order."""
    return page.locator("td.c-key button").all_inner_texts()


def violations(page: Page) -> list[str]:
    """What axe-core finds, rule by rule."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def test_nothing_is_asked_of_any_network(window: OpenWindow, page_url: str) -> None:
    own = window()
    page = own.open(page_url)
    page.locator("td.c-key button").first.click()
    expect(page.locator(".call").first).to_be_visible()
    assert own.requests == [page_url]


def test_what_tries_to_leave_is_stopped(window: OpenWindow, page_url: str) -> None:
    own = window()
    page = own.open(page_url)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        tried = """async (url) => {
          const image = new Image(); image.src = url; document.body.append(image);
          const script = document.createElement("script");
          script.textContent = "window.ran = 1";
          document.body.append(script);
          const asked = await fetch(url, {mode: "no-cors"}).then(() => "sent", () => "stopped");
          return [asked, window.ran === undefined];
        }"""
        assert page.evaluate(tried, address) == ["stopped", True]
        with pytest.raises(TimeoutError):
            server.accept()
    assert all("Content Security Policy" in text for text in own.said)
    own.said.clear()


def test_the_unknown_stands_on_top(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    assert keys(page)[:2] == ["PO-3", "PO-2"]
    assert page.locator("#summary dt").first.inner_text() == "UNKNOWN"
    assert page.locator("#outcome .tag").first.inner_text() == "?1 unknown"
    assert "null" not in page.locator("body").inner_text()
    assert "undefined" not in page.locator("body").inner_text()


def test_the_outcome_leads_to_its_rows(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.locator("#outcome a", has_text="rejected").click()
    expect(page.locator("#count")).to_have_text(f"2 of {ROWS} rows")
    expect(page.locator("#filter input:checked")).to_have_value("rejected")
    expect(page.locator("#h-rows")).to_be_in_viewport()


def test_search(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("31017")
    expect(page.locator("#count")).to_have_text(
        f"1 of {ROWS} rows; 1 more not reached, see the results file"
    )
    assert keys(page) == ["PO-17"]
    page.locator("#search").fill("nothing like it")
    expect(page.locator("#count")).to_contain_text(f"0 of {ROWS} rows")
    assert keys(page) == []


def test_filter_by_mouse_and_by_keyboard(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.locator("#filter label", has_text="rejected").click()
    expect(page.locator("#count")).to_have_text(f"2 of {ROWS} rows")
    assert {text.split()[0] for text in keys(page)} == {"PO-2", "PO-5"}
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#count")).to_have_text(f"1 of {ROWS} rows")
    assert keys(page) == ["PO-3"]


def test_sort(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.get_by_role("button", name="Row", exact=True).click()
    assert keys(page)[:4] == ["PO-1", "PO-2", "PO-3", "PO-4"]
    assert page.locator("th.c-key").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert keys(page)[:2] == [f"PO-{ROWS}", f"PO-{ROWS - 1}"]
    assert page.locator("th[aria-sort]").count() == 1


def test_a_row_unfolds_into_what_was_sent_and_answered(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.locator("#search").fill("PO-17")
    expect(page.locator("#count")).to_contain_text("11 of")
    button = page.locator("td.c-key button", has_text="PO-17").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    call = page.locator(".call").first
    expect(call.locator(".step")).to_have_text("job")
    call.locator("summary").focus()
    page.keyboard.press("Enter")
    assert '"price": 12.10' in call.locator("pre").first.inner_text()
    assert '"total": 1.10' in call.locator("pre").nth(1).inner_text()
    expect(call.locator("li").first).to_contain_text("throttled")
    button.click()
    expect(page.locator(".call")).to_have_count(0)


def test_what_was_sent_can_be_copied(window: OpenWindow, page_url: str) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"]).open(page_url)
    page.locator("td.c-key button", has_text="PO-3").first.click()
    page.get_by_role("button", name="copy what was sent").first.click()
    expect(page.locator(".copy", has_text="copied")).to_have_count(1)
    assert '"ref": "PO-3"' in page.evaluate("navigator.clipboard.readText()")


def test_arrows_walk_through_all_rows_and_few_are_in_the_document(
    window: OpenWindow, page_url: str
) -> None:
    page = window().open(page_url)
    page.locator("td.c-key button").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText") == "PO-2"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.innerText") == f"PO-{ROWS}"
    assert len(keys(page)) < 80
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.innerText") == "PO-3"
    assert page.locator("tr.line").first.get_attribute("aria-rowindex") == "2"
    assert page.locator("#table").get_attribute("aria-rowcount") == str(ROWS + 1)


def test_hostile_data_is_shown_and_does_nothing(window: OpenWindow, page_url: str) -> None:
    page = window().open(page_url)
    page.locator("#search").fill("onerror")
    expect(page.locator("#count")).to_contain_text("1 of")
    page.locator("td.c-key button").first.click()
    shown = page.locator(".said pre").first
    expect(shown).to_contain_text("</script><img src=x onerror=alert(1)>\\u202eevil\\x1b[2J{{7*7}}")
    assert page.locator("img").count() == 0
    assert not {"\u202e", "\x1b"} & set(page.content())


@pytest.mark.parametrize(
    ("color_scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)]
)
def test_axe_finds_no_violation(
    window: OpenWindow, page_url: str, color_scheme: str, width: int
) -> None:
    page = window(width=width, color_scheme=color_scheme, bypass_csp=True).open(page_url)
    page.locator("td.c-key button").first.click()
    expect(page.locator(".call").first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_theme_can_be_chosen(window: OpenWindow, page_url: str) -> None:
    page = window(color_scheme="light").open(page_url)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="theme").click()
    assert page.evaluate(paper) == light
    page.get_by_role("button", name="theme").click()
    assert page.evaluate(paper) != light


def test_what_is_printed_has_the_rows_that_need_somebody_and_no_controls(
    window: OpenWindow, page_url: str
) -> None:
    page = window().open(page_url)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    printed = page.locator("#print tbody td:nth-child(2)").all_inner_texts()
    assert [text.split()[0] for text in printed] == ["PO-3", "PO-2", "PO-5"]
    for hidden in ("#controls", "#table", "#theme"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#summary")).to_be_visible()


def test_calls_that_are_left_out_are_told(window: OpenWindow, tmp_path: Path) -> None:
    page = window().open(made(tmp_path, ROWS, room=6000))
    expect(page.locator("#left-out")).to_contain_text("without the calls of 297 rows")
    page.locator("td.c-key button", has_text="PO-2").first.click()
    expect(page.locator(".call")).to_have_count(1)
    page.locator("td.c-key button", has_text="PO-7").first.click()
    expect(
        page.locator(".fold", has_text="left out to keep the page small: runner show 1 --key KEY")
    ).to_have_count(1)


def test_an_old_browser_is_told(window: OpenWindow, page_url: str) -> None:
    own = window()
    own.page.add_init_script("delete window.DecompressionStream")
    own.page.goto(page_url)
    expect(own.page.locator("#trouble")).to_contain_text("any browser since 2023 can")
    expect(own.page.locator("#summary dt").first).to_have_text("UNKNOWN")


def test_a_file_that_was_cut_on_its_way_says_so(
    window: OpenWindow, page_url: str, tmp_path: Path
) -> None:
    content = Path(page_url.removeprefix("file://")).read_bytes()
    at = content.index(b'id="head">') + 60
    path = tmp_path / "cut.html"
    path.write_bytes(content[:at] + content[at + 400 :])
    own = window()
    own.page.goto(path.as_uri())
    expect(own.page.locator("#trouble")).to_contain_text("cut on its way")


def test_a_run_without_rows_is_a_page_too(window: OpenWindow, tmp_path: Path) -> None:
    page = window().open(made(tmp_path, 0, end=False))
    expect(page.locator("#count")).to_have_text("0 rows; 1 more not reached, see the results file")
    expect(page.locator("#times")).to_be_hidden()
