"""Checks of a built report in a real browser. Each takes an open browser and the folder of a report.

They hold for any report: point them at another one with ``WHYCHURN_REPORT=reports/telco``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: As Debian installs them, the one without windows first: it opens a page in a third of the time.
CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, LAPTOP = 375, 1360


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield Debian's chromium; skip with the reason where it is missing, fail in CI."""
    reason, program = "", next((path for path in CHROMIUMS if path.is_file()), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        reason = "playwright is not installed"
    if not reason and program is None:
        reason = f"{' and '.join(map(str, CHROMIUMS))} are missing (apt install {CHROMIUMS[0].name})"
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"browser checks cannot run in CI: {reason}")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, path: Path, width: int = LAPTOP, scheme: str = "light") -> Iterator[tuple[Any, list[str]]]:
    """Yield a page of the report and everything it asks for or complains about."""
    context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme)
    page = context.new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(path.resolve().as_uri())
    yield page, heard
    context.close()


def pages_of(report: Path) -> list[Path]:
    """Return the pages of a report."""
    return sorted(report.glob("*.html"))


def no_requests(browser: Any, report: Path) -> None:
    """No page asks for anything but itself, not even when its buttons are used, and none complains."""
    for path in pages_of(report):
        with opened(browser, path) as (page, heard):
            for button in page.locator("button:visible").all():
                button.click()
            page.wait_for_timeout(150)
            asked = [url for url in heard if not url.startswith("data:")]
            assert asked == [path.resolve().as_uri()], f"{path.name}: {asked}"


def no_violations(browser: Any, report: Path, width: int = LAPTOP, scheme: str = "light", code: bool = False) -> None:
    """axe-core finds nothing to complain about on any page."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for path in pages_of(report):
        with opened(browser, path, width, scheme) as (page, _):
            if code and page.locator("#show-code").count():
                page.click("#show-code")
            if width == PHONE:
                page.click("#contents > summary")
            # axe reads neither fill nor text of a drawing: it is held to have a name, and its parts cost a third of the time.
            page.evaluate("document.querySelectorAll('svg[role=img] > *').forEach(part => part.remove())")
            answer = Axe().run(page).response
            found += [
                f"{path.name}: {rule['id']} ({rule['help']}): {node['html'][:200]}"
                for rule in answer["violations"]
                for node in rule["nodes"][:3]
            ]
    assert found == [], "\n".join(found)


def no_sideways_scrolling(browser: Any, report: Path, width: int = PHONE) -> None:
    """At this width no page is wider than the screen; what is wide scrolls in a region of its own."""
    found = []
    for path in pages_of(report):
        with opened(browser, path, width) as (page, _):
            for open_code in (False, True):
                if open_code:
                    page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
                wide = page.evaluate(
                    """() => {
                      const root = document.documentElement, wide = root.scrollWidth - root.clientWidth;
                      if (wide <= 0) return null;
                      const who = [...document.querySelectorAll('body *')]
                        .filter(item => !item.closest('.scroll') && item.getBoundingClientRect().right > root.clientWidth + 1)
                        .slice(0, 3).map(item => item.outerHTML.slice(0, 120));
                      return [wide, who];
                    }"""
                )
                if wide:
                    found.append(f"{path.name}: {wide[0]} pixels too wide: {wide[1]}")
    assert found == [], "\n".join(found)


def prints_well(browser: Any, report: Path) -> None:
    """On paper a page is white, without navigation or code, and shows the wide drawings."""
    for path in pages_of(report):
        with opened(browser, path, 760, "dark") as (page, _):
            page.emulate_media(media="print", color_scheme="dark")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", path.name
            assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)", path.name
            for hidden in (".bar", ".contents", ".pager", "details.code", "figure .narrow"):
                shown = [item for item in page.locator(hidden).all() if item.is_visible()]
                assert shown == [], f"{path.name}: {hidden} is printed"
            for drawing in page.locator("figure .wide:not(details *)").all():
                assert drawing.is_visible(), path.name
            assert len(page.screenshot(full_page=True)) > 10_000
            document = page.pdf(prefer_css_page_size=True)
            assert (
                document.startswith(b"%PDF") and document.count(b"/Type /Page\n") + document.count(b"/Type /Page ") >= 1
            )


def drawings_fit(browser: Any, report: Path) -> None:
    """Each figure shows one of its two variants, and every text in a drawing stays inside the page."""
    for path in pages_of(report):
        for width, shown, hidden in ((LAPTOP, "wide", "narrow"), (PHONE, "narrow", "wide")):
            with opened(browser, path, width) as (page, _):
                lost = page.evaluate(
                    """([shown, hidden]) => [...document.querySelectorAll('figure.chart')]
                      .filter(figure => !figure.closest('details') && figure.querySelector('.' + shown))
                      .filter(figure => !figure.querySelector('.' + shown).getClientRects().length
                                     || figure.querySelector('.' + hidden)?.getClientRects().length).length""",
                    [shown, hidden],
                )
                assert lost == 0, f"{path.name}: {lost} figures show the wrong variant at {width}"
                cut = page.evaluate(
                    """() => [...document.querySelectorAll('main svg text')].filter(text => {
                        const box = text.getBoundingClientRect();
                        if (text.closest('.scroll') || !box.width) return false;
                        return box.left < -1 || box.right > document.documentElement.clientWidth + 1;
                      }).map(text => text.textContent).slice(0, 5)"""
                )
                assert cut == [], f"{path.name} at {width}: {cut} leave the page"


def scales_stay_on_phones(browser: Any, report: Path) -> None:
    """Where rows become cards, the scale that stood in the heading stands above the first, as wide as the drawings."""
    for path in pages_of(report):
        with opened(browser, path, PHONE) as (page, _):
            lost = page.evaluate(
                """() => [...document.querySelectorAll('th.fig svg')].filter(scale => !scale.closest('details')).filter(scale => {
                    const box = scale.getBoundingClientRect();
                    const drawn = scale.closest('table').querySelector('td.fig svg')?.getBoundingClientRect();
                    const head = getComputedStyle(scale.closest('thead')), cell = getComputedStyle(scale.closest('th'));
                    return head.clipPath !== 'none' || cell.clipPath !== 'none' || box.width < 100
                      || (drawn && Math.abs(drawn.width - box.width) > 1);
                  }).map(scale => scale.getAttribute('aria-label'))"""
            )
            assert lost == [], f"{path.name}: {lost} lost at {PHONE} pixels"


def theme_can_be_chosen(browser: Any, report: Path) -> None:
    """The button turns the page dark and light again, and print stays light."""
    with opened(browser, report / "index.html") as (page, _):
        paper = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
        page.click("#theme")
        assert page.evaluate(paper) == "rgb(15, 20, 26)"
        assert page.inner_text("#theme") == "Light theme"
        page.emulate_media(media="print")
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
        page.emulate_media(media="screen")
        page.click("#theme")
        assert page.evaluate(paper) == "rgb(255, 255, 255)"


def keyboard_reaches_everything(browser: Any, report: Path) -> None:
    """The first Tab offers to skip the navigation, and code opens by keyboard."""
    with opened(browser, pages_of(report)[0]) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"


ALL = (
    no_requests,
    no_sideways_scrolling,
    prints_well,
    drawings_fit,
    scales_stay_on_phones,
    theme_can_be_chosen,
    keyboard_reaches_everything,
)
